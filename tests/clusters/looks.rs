//! The look: what is seen only in mid-wave is dealt with, with nobody there.

use super::scene::{Scene, Wanted};
use super::slurm::until;

/// A campaign that is looked at every few seconds.
const LOOKED_AT: &str = "running = 6\ntasks = 8\nlook = \"5s\"";

/// The elements that wait for this reason, as `job_element`.
fn waiting_for(scene: &Scene, reason: &str) -> Vec<String> {
    let queue = scene.engine.queue();
    let lines = queue.lines().filter(|line| line.contains(reason));
    lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Brings every node back that SLURM has drained; whether none was.
fn are_back(scene: &Scene) -> bool {
    let drained = scene.engine.said("sinfo", &["--noheader", "--Node", "--partition=batch", "--format=%N %t"]);
    let drained = drained.lines().filter(|line| line.contains("dr"));
    let names: Vec<&str> = drained.filter_map(|line| line.split_whitespace().next()).collect();
    for name in &names {
        // (It may be back already.)
        let _ = scene.engine.command("scontrol").args(["update", &format!("nodename={name}"), "state=resume"]).output();
    }
    names.is_empty()
}

#[test]
fn tasks_that_slurm_holds_after_a_failed_launch_are_let_go_and_the_campaign_seals_itself() {
    let Some(scene) = Scene::new(&["--prolog"]) else { return };
    scene.engine.prolog("fail");
    scene.submit(&Wanted { scheduler: LOOKED_AT, beside: &[], ..Wanted::default() });
    let held = "launch failed requeued held";
    until("every task is held by SLURM", 60, || waiting_for(&scene, held).len() == 8);
    scene.engine.prolog("work");
    // The nodes that it failed on were drained by SLURM: their people bring them back.
    until("nothing is drained", 30, || are_back(&scene));
    scene.await_seal(120);
    let told = scene.events("held");
    assert!(!told.is_empty(), "a look let them go");
    assert_eq!((&told[0]["released"].as_array().unwrap().len(), &told[0]["what"]), (&8, &held.into()), "{told:?}");
    assert_eq!(scene.events("wave_intended").len(), 1, "as the same wave");
    scene.await_empty_queue();
}

#[test]
fn tasks_that_slurm_holds_again_and_again_are_ended_and_the_next_wave_has_their_task_groups() {
    // A node that failed a task is drained, and would not run its prolog for that task again: there are enough of them.
    let Some(scene) = Scene::new(&["--prolog", "--nodes", "8"]) else { return };
    scene.engine.prolog("fail");
    let scheduler = "tasks = 2\nlook = \"5s\"";
    scene.submit(&Wanted { scheduler, beside: &[], ..Wanted::default() });
    until("they are given up", 180, || {
        scene.events("held").iter().any(|event| event["ended"].as_array().is_some_and(|ended| !ended.is_empty()))
    });
    scene.engine.prolog("work");
    until("nothing is drained", 30, || are_back(&scene));
    scene.await_seal(180);
    let failed = scene.events("task_failed");
    assert!(!failed.is_empty() && failed.iter().all(|task| task["state"] == "NodeFailed"), "{failed:?}");
    assert!(failed[0]["what"].as_str().unwrap().contains("no node could start it"), "{failed:?}");
    assert_eq!(scene.events("stopped"), [serde_json::Value::Null; 0], "nobody cancelled it");
    scene.await_empty_queue();
}

#[test]
fn a_task_that_somebody_held_stays_held_however_often_it_is_looked_at() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: LOOKED_AT, beside: &["slow", "slower"], ..Wanted::default() });
    // One that runs is put back and held, and one that waits is held.
    let running = scene.await_running(2);
    let (job, _) = running[0].split_once('_').unwrap();
    let (back, waiting) = (&running[0], format!("{job}_7"));
    scene.engine.said("scontrol", &["requeuehold", back]);
    scene.engine.said("scontrol", &["uhold", &waiting]);
    let are_held = || {
        let held = |reason, task| waiting_for(&scene, reason).contains(task);
        held("job requeued in held state", back) && held("JobHeldUser", &waiting)
    };
    until("both are held", 60, are_held);
    let before = scene.events("ticked").len();
    until("it was looked at three times", 90, || scene.events("ticked").len() >= before + 3);
    assert!(are_held(), "{}", scene.engine.queue());
    assert_eq!(scene.events("held"), [serde_json::Value::Null; 0]);
    for task in [back, &waiting] {
        scene.engine.said("scontrol", &["release", task]);
    }
    scene.take("slow");
    scene.await_seal(120);
    scene.await_empty_queue();
}

#[test]
fn a_scorer_that_gives_only_errors_pauses_the_campaign_in_mid_wave() {
    let Some(scene) = Scene::new(&[]) else { return };
    let beside = ["slow", "slower", "sour"];
    scene.submit(&Wanted { scheduler: LOOKED_AT, beside: &beside, ..Wanted::default() });
    let facts = scene.await_state("paused", 150);
    assert!(facts.to_string().contains("ERROR"), "{facts}");
    let ticks = scene.events("ticked");
    assert!(ticks[0]["round"].is_null(), "it was a look that saw it: {ticks:?}");
    assert_eq!(scene.events("wave_cancelled").len(), 1, "and ended the wave");
    let done = facts["records"]["finished"].as_u64().or_else(|| facts["records"]["error"].as_u64());
    assert!(done.is_none_or(|done| done < 4000), "the wave was not worked to its end: {facts}");
    scene.await_empty_queue();
}
