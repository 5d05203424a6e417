//! Campaigns on a real Ray cluster: nobody is there between `submit` and the seal, whatever happens to processes, nodes and the head in
//! between.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::ray_cluster::Ray;
use super::scene::{Engine, Scene, Wanted};
use super::slurm::until;

pub type OnRay = Scene<Ray>;

impl OnRay {
    pub fn wanted<'a>(keys: &'a str, beside: &'a [&'a str]) -> Wanted<'a> {
        Wanted { scheduler: keys, beside, ..Wanted::default() }
    }

    /// A campaign of six task groups, of which some are at work, each for most of a minute while nobody takes `slower` away.
    fn at_work() -> Option<Self> {
        let scene = Self::on(600, &[])?;
        scene.submit(&Self::wanted(&scene.engine.keys(), &["slow", "slower"]));
        scene.await_running(3);
        Some(scene)
    }

    /// The campaign has come to its end by itself: what it computed is as on this machine, and it leaves nothing.
    pub fn seals(&self, waves: usize) {
        ["slow", "slower"].iter().filter(|name| self.env.path(name).exists()).for_each(|name| self.take(name));
        self.await_seal(150);
        assert_eq!(self.events("wave_intended").len(), waves, "waves");
        self.await_empty_queue();
        self.has_no_strays();
        self.token_is_nowhere(&["d"]);
    }

    /// No file below `places` holds the token.
    fn token_is_nowhere(&self, places: &[&str]) {
        let mut found = Command::new("grep");
        found.args(["-rlF", "-e", &self.engine.read("token"), "--"]).args(places).current_dir(self.env.path(""));
        let said = found.output().unwrap();
        assert_eq!((said.status.code(), said.stdout.len()), (Some(1), 0), "{said:?}");
    }

    pub fn says(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.engine.molsieve(&self.env, args);
        (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }
}

#[test]
fn a_campaign_goes_through_ray_by_itself_and_is_there_once() {
    let Some(scene) = OnRay::on(600, &[]) else { return };
    let file = scene.file(&OnRay::wanted(&scene.engine.keys(), &["slow", "slower"]));
    let (_, plan) = scene.says(&["plan", &file, "--dir", "d"]);
    for line in
        ["\"submission_id\": \"molsieve-", "TASKS = 6", "FINALLY = {\"argv\": ", "what is submitted for the wave"]
    {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    assert!(!plan.contains(&scene.engine.read("token")), "{plan}");
    scene.does(&["submit", &file, "--dir", "d"]);
    assert_eq!(scene.events("tick_submitted").len(), 1, "the tick is submitted with its wave");
    scene.await_running(2);
    // What is running is found, and not submitted again.
    let (_, again) = scene.says(&["submit", &file, "--dir", "d"]);
    let request = scene.env.path("d/launch/wave-1.json").display().to_string();
    assert_eq!(scene.engine.script("post", &[&request]).split_once(' ').unwrap().1.trim(), "already exists");
    let jobs = scene.engine.jobs();
    assert_eq!(jobs.lines().filter(|line| !line.contains("-look-")).count(), 1, "{again}: {jobs}");
    // (What Ray calls begun its driver tells a moment later.)
    let node = || scene.facts()["cluster"]["running"][0]["node"].as_str().map(str::to_owned);
    until("status names a node", 60, || node().is_some_and(|node| ["n1", "n2"].contains(&node.as_str())));
    scene.seals(1);
    let (exit, logs) = scene.says(&["logs", "d", "task-0"]);
    assert!(exit == Some(0) && !logs.is_empty(), "{logs}");
}

#[test]
#[ignore = "the long suite runs it"]
fn a_worker_that_is_killed_and_a_node_that_dies_cost_no_record() {
    let Some(scene) = OnRay::at_work() else { return };
    let on = |name: &str| scene.engine.workers().into_iter().find(|[node, ..]| node == name);
    until("both nodes are at work", 60, || on("n1").is_some() && on("n2").is_some());
    let ([_, pid, killed], [.., lost]) = (on("n1").unwrap(), on("n2").unwrap());
    let before = [&killed, &lost].map(|task| scene.engine.starts(task));
    scene.engine.script("kill", &[&pid]);
    scene.engine.script("crash", &["n2"]);
    // (Both wait for room on the node that is left.)
    scene.take("slower");
    until("both are begun again", 90, || {
        scene.engine.starts(&killed) > before[0] && scene.engine.starts(&lost) > before[1]
    });
    assert!(scene.engine.workers().iter().all(|[node, ..]| node != "n2"));
    scene.seals(1);
}

#[test]
#[ignore = "the long suite runs it"]
fn a_head_that_is_restarted_in_mid_wave_knows_no_job_and_resume_finishes_the_campaign() {
    let Some(scene) = OnRay::at_work() else { return };
    scene.engine.script("head", &["stop"]);
    let (exit, status) = scene.says(&["status", "d"]);
    assert!(exit == Some(0) && status.contains("cannot be reached"), "{status}");
    scene.engine.script("head", &["start"]);
    assert_eq!(scene.engine.jobs(), "", "a new head knows none");
    let facts = scene.facts();
    assert_eq!((facts["state"].as_str(), &facts["shards"]["running"]), (Some("no_driver_seen"), &0.into()), "{facts}");
    assert!(facts["reason"].as_str().unwrap().contains("knows none of its jobs any more"), "{facts}");
    let next = facts["next"].to_string();
    assert!(next.contains("molsieve resume d") && !next.contains("cancel"), "{next}");
    scene.take("slower");
    scene.does(&["resume", "d"]);
    scene.seals(2);
}

#[test]
fn a_campaign_that_is_cancelled_leaves_nothing_on_ray_and_goes_on_when_somebody_resumes_it() {
    let Some(scene) = OnRay::at_work() else { return };
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    scene.has_no_strays();
    assert_eq!(scene.facts()["state"], "stopped");
    let jobs = scene.engine.jobs();
    assert!(jobs.lines().all(|line| line.ends_with("STOPPED")), "{jobs}");
    scene.take("slower");
    scene.does(&["resume", "d"]);
    scene.seals(2);
}

#[test]
fn a_wrong_token_is_refused_at_once_with_a_sentence_and_doctor_says_what_a_cluster_is() {
    let Some(scene) = OnRay::on(100, &[]) else { return };
    let wrong = scene.env.write("wrong", "n0t-the-token");
    std::fs::set_permissions(&wrong, PermissionsExt::from_mode(0o600)).unwrap();
    // A path from the directory of the campaign file.
    let keys = scene.engine.keys();
    let (address, _) = keys.split_once('\n').unwrap();
    let file = scene.file(&OnRay::wanted(&format!("{address}\ntoken_file = \"wrong\"\n"), &[]));
    let started = Instant::now();
    let (exit, said) = scene.says(&["submit", &file, "--dir", "d"]);
    assert!(exit == Some(5) && said.contains("does not take the token"), "{exit:?} {said}");
    assert!(started.elapsed() < Duration::from_secs(50), "a no is not asked for again");
    assert!(!said.contains("n0t-the-token") && scene.engine.jobs().is_empty(), "{said}");
    std::fs::set_permissions(&wrong, PermissionsExt::from_mode(0o644)).unwrap();
    let (exit, said) = scene.says(&["submit", &file, "--dir", "d"]);
    assert!(exit == Some(2) && said.contains("chmod 600"), "{exit:?} {said}");
    let site = format!("schema = \"molsieve.site.v1\"\nname = \"ours\"\n[scheduler]\nkind = \"ray\"\n{keys}");
    scene.env.write("ours.toml", site);
    let (exit, said) = scene.says(&["doctor", "--site=./ours.toml", "--try", "."]);
    for line in ["Ray 2.", "it is wanted, and yours is taken", "not seen to listen beyond", "2 × 2 cores"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(exit, Some(0), "{said}");
    scene.token_is_nowhere(&["."]);
}

#[test]
#[ignore = "the long suite runs it"]
fn a_wave_that_leaves_something_undone_is_followed_by_another_from_the_head() {
    let Some(scene) = OnRay::at_work() else { return };
    let [_, _, task] = scene.engine.workers().remove(0);
    // What runs for this task dies, and dies again where it is tried again.
    let mut killed = Vec::new();
    until("its command has been killed twice", 90, || {
        let of_task = scene.engine.workers().into_iter().find(|[_, _, title]| *title == task);
        let command = of_task.and_then(|[_, worker, _]| child_of(&worker)).filter(|pid| !killed.contains(pid));
        killed.extend(command.inspect(|pid| drop(scene.engine.script("kill", &[pid]))));
        killed.len() == 2
    });
    scene.seals(2);
    let failed = scene.events("task_failed");
    assert!(failed.len() == 1 && failed[0]["state"] == "NodeFailed", "{failed:?}");
    assert_eq!(scene.events("driver_started").len(), 1, "only who submitted; the rest is ticks on the head");
    let rounds: Vec<_> = scene.events("ticked").iter().filter_map(|tick| tick["round"].as_u64()).collect();
    assert_eq!(rounds, [1, 2]);
}

/// What the process `pid` has started.
fn child_of(pid: &str) -> Option<String> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let children = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    children.collect::<String>().split_whitespace().next().map(str::to_owned)
}

#[test]
#[ignore = "the long suite runs it"]
fn a_look_on_the_head_sees_too_many_errors_in_mid_wave_and_pauses_the_campaign() {
    let Some(scene) = OnRay::on(4000, &[]) else { return };
    let keys = format!("{}tasks = 8\nlook = \"5s\"\n", scene.engine.keys());
    scene.submit(&OnRay::wanted(&keys, &["slow", "slower", "sour"]));
    until("status tells of the look", 60, || scene.facts()["cluster"]["look"]["state"].is_string());
    let facts = scene.await_state("paused", 150);
    assert!(facts.to_string().contains("ERROR"), "{facts}");
    let ticks = scene.events("ticked");
    assert!(ticks.iter().all(|tick| tick["round"].is_null()), "it was a look that saw it: {ticks:?}");
    assert_eq!(scene.events("wave_cancelled").len(), 1, "and ended the wave");
    assert!(facts["records"]["error"].as_u64().unwrap() < 4000, "the wave was not worked to its end: {facts}");
    scene.await_empty_queue();
    scene.has_no_strays();
}
