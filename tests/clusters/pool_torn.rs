//! A DAG that lost an end, since the line that tells of it was torn in its log, as on a full disk: HTCondor itself waits for ever then.

use super::htcondor::HtCondor;
use super::scene::{Engine, Scene, Wanted};
use super::slurm::until;

type Pool = Scene<HtCondor>;

/// What is asked for how long something has been as it is hears a quarter of an hour more.
const LATER: &str = r#"for a do shift; case $a in 'time() - '*) a="900 + $a";; esac; set -- "$@" "$a"; done"#;

/// What `status` says where the pool's commands are.
fn facts(scene: &Pool) -> serde_json::Value {
    let said = scene.engine.molsieve(&scene.env, &["--json", "status", "d"]);
    serde_json::from_slice(&said.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&said.stderr)))
}

/// The log that DAGMan follows.
fn log(scene: &Pool) -> std::path::PathBuf {
    scene.env.path("d/launch/wave-1.dag.nodes.log")
}

/// Tears the line of an end: what was begun before it, the disk had room for, and no more.
fn lose_an_end(scene: &Pool) {
    for job in scene.await_running(3) {
        let mut log = std::fs::OpenOptions::new().append(true).open(log(scene)).unwrap();
        std::io::Write::write_all(&mut log, b"005 ").unwrap();
        scene.engine.kill("pid", &job);
        let cluster = job.split('.').next().unwrap().to_owned();
        let is_there = format!("ClusterId == {cluster}");
        until("it has left the queue", 60, || scene.engine.queued(&is_there, "ClusterId").is_empty());
        let text = std::fs::read_to_string(self::log(scene)).unwrap();
        // (Another line may have been torn instead.)
        if text.contains(&format!("005 005 ({cluster:0>3}.")) {
            return;
        }
    }
    panic!("no end was torn: {}", std::fs::read_to_string(log(scene)).unwrap());
}

#[test]
fn a_dag_whose_log_was_torn_is_told_with_what_to_do_and_a_tick_takes_it_back_and_goes_on() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    scene.submit(&Wanted { beside: &["slow", "slower"], ..Wanted::default() });
    lose_an_end(&scene);
    scene.take("slower");
    scene.take("slow");
    let tasks = "DAGManJobId =!= undefined";
    // (An empty queue alone may be a DAG that has not submitted all yet.)
    let have_left = || scene.engine.left(tasks, "DAGNodeName").into_iter().collect::<std::collections::BTreeSet<_>>();
    until("every task has left the queue", 150, || {
        have_left().len() == 6 && scene.engine.queued(tasks, "ClusterId").is_empty()
    });
    let waits = || facts(&scene)["cluster"]["waiting"].to_string();
    assert!(!waits().contains("DagStuck"), "it may be about to go on: {}", waits());
    for program in ["condor_q", "condor_history"] {
        scene.engine.instead_of(program, LATER);
    }
    until("it is told", 60, || waits().contains("DagStuck"));
    let told = scene.engine.molsieve(&scene.env, &["status", "d"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("never heard of an end") && told.contains("`molsieve tick d` does so now"), "{told}");
    // (A task that is tried once more may be in the queue again by now, since no quarter of an hour has gone by: then it is waited for.)
    until("a tick takes the DAG back", 100, || {
        let tick = scene.engine.molsieve(&scene.env, &["tick", "d"]);
        // (Its last node, which begins when the DAG is removed, may take over at once.)
        assert!([Some(0), Some(75)].contains(&tick.status.code()), "{}", String::from_utf8_lossy(&tick.stderr));
        !scene.events("wave_cancelled").is_empty()
    });
    scene.await_seal(150);
    assert_eq!(scene.events("wave_cancelled").len(), 1);
    assert_eq!(scene.events("wave_intended").len(), 2, "what was lost was submitted again");
    assert!(scene.events("stopped").is_empty() && scene.events("task_failed").is_empty(), "by nobody's wish or fault");
    scene.await_empty_queue();
    scene.has_no_strays();
}

#[test]
fn a_look_that_waits_says_when_it_looks() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 8", beside: &["slow"], ..Wanted::default() });
    until("the look waits", 60, || facts(&scene)["cluster"]["look"]["state"] == "waiting");
    let facts = facts(&scene);
    let left_ms = facts["cluster"]["look"]["start_ms"].as_u64().unwrap_or(0).saturating_sub(molsieve::clock::unix_ms());
    assert!((50 * 60_000..=60 * 60_000).contains(&left_ms), "{facts}");
    scene.take("slow");
    scene.await_seal(150);
    scene.await_empty_queue();
}
