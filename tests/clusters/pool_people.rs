//! What people see of a campaign on a pool whose nodes share our files, and what they may say at any moment.

use super::htcondor::HtCondor;
use super::scene::{Engine, Scene, Wanted};
use super::slurm::until;

type Pool = Scene<HtCondor>;

/// What follows the tasks of a DAG, while it is in the queue.
const FINAL: &str = "DAGNodeName == \"final\"";

/// What molsieve says with this pool around it.
fn said(scene: &Pool, args: &[&str]) -> String {
    let said = scene.engine.molsieve(&scene.env, args);
    assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

fn facts(scene: &Pool, args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&said(scene, &[args, &["--json"]].concat())).unwrap()
}

#[test]
fn the_logs_name_the_tasks_that_failed_as_the_pool_does_with_their_nodes_and_why() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    let file = scene.file(&Wanted { beside: &[], ..Wanted::default() });
    // (Who plans tries the scorer out.)
    scene.does(&["plan", &file, "--dir", "d"]);
    scene.put("garbage");
    scene.does(&["submit", &file, "--dir", "d"]);
    let dag = scene.events("wave_submitted")[0]["job"].as_str().unwrap().to_owned();
    scene.await_state("failed", 150);
    scene.await_empty_queue();
    let logs = facts(&scene, &["logs", "d"]);
    let failure = &logs["failures"][0];
    assert_eq!(failure["element"], format!("{dag}/t{}", failure["task"]), "{failure}");
    assert!(failure["node"].as_str().is_some_and(|node| node.strip_suffix(".pool").is_some()), "{failure}");
    let text = said(&scene, &["logs", "d"]);
    let first = text.lines().next().unwrap();
    assert!(first.contains(&format!("{dag}/t")) && first.contains("of wave 1 ended on n"), "{text}");
    assert!(text.contains("== wave-1-task-") && first.contains("protocol"), "what it said is shown: {text}");
}

#[test]
fn status_tells_of_the_look_and_a_look_that_sees_only_errors_pauses_the_campaign_in_mid_wave() {
    let Some(scene) = Pool::on(2000, &[]) else { return };
    let beside = ["slow", "slower", "sour"];
    scene.submit(&Wanted { scheduler: "tasks = 8\nlook = \"5s\"", beside: &beside, ..Wanted::default() });
    let look = || facts(&scene, &["status", "d"])["cluster"]["look"].clone();
    until("status tells of the look", 60, || look()["state"].is_string());
    let (seen, at_work) = (look(), facts(&scene, &["status", "d"]));
    assert!(seen["job"].as_str().is_some_and(|job| job.parse::<u64>().is_ok()), "a job of its own: {seen}");
    let job = at_work["cluster"]["waves"][0]["job"].as_str().unwrap().to_owned();
    let named = |task: &serde_json::Value| task["element"] == format!("{job}/t{}", task["task"]);
    assert!(at_work["cluster"]["running"].as_array().unwrap().iter().all(named), "{at_work}");
    let paused = scene.await_state("paused", 150);
    assert!(paused.to_string().contains("ERROR"), "{paused}");
    let ticks = scene.events("ticked");
    assert!(ticks[0]["round"].is_null(), "it was a look that saw it: {ticks:?}");
    assert_eq!(scene.events("wave_cancelled").len(), 1, "and ended the wave");
    scene.await_empty_queue();
    scene.has_no_strays();
}

#[test]
fn who_cancels_while_the_last_node_of_the_dag_runs_stops_the_campaign_and_leaves_nothing() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    let at = |name: &str| scene.env.path(name).display().to_string();
    let (begun, hold) = (at("begun"), at("hold"));
    scene.env.write("hold", "");
    // A tick that waits for its queue, for as long as the file is there.
    scene.engine.instead_of(
        "condor_q",
        &format!(
            "if tr '\\0' ' ' </proc/$PPID/cmdline | grep -q ' tick '; then : >'{begun}'; while [ -e '{hold}' ]; do sleep 0.2; done; fi"
        ),
    );
    scene.submit(&Wanted { beside: &[], ..Wanted::default() });
    let dag = scene.engine.dag();
    until("the last node is at work", 120, || scene.env.path("begun").exists());
    assert_eq!(scene.engine.queued(&format!("{FINAL} && JobStatus == 2"), "DAGManJobId"), [dag.as_str()]);
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    scene.take("hold");
    scene.has_no_strays();
    let facts = scene.facts();
    assert_eq!((&facts["state"], scene.is_sealed()), (&"stopped".into(), false), "{facts}");
    assert_eq!(scene.engine.left(&format!("ClusterId == {dag}"), "JobStatus"), ["3"], "it was removed");
    scene.does(&["resume", "d"]);
    scene.await_seal(90);
    assert_eq!(scene.events("wave_intended").len(), 1, "every task had done its part");
    scene.await_empty_queue();
}
