//! What the journal and the scheduler do not know of each other: a driver that was killed between a line of its journal and
//! what that line announces, and a queue that has lost what was in it (promise P4).

use super::scene::{Scene, Wanted};
use super::slurm::until;

/// A campaign of which two tasks are at work, slowly.
fn at_work(options: &[&str]) -> Option<Scene> {
    let scene = Scene::new(options)?;
    scene.submit(&Wanted { scheduler: "tasks = 4", beside: &["slow", "slower"], ..Wanted::default() });
    scene.await_running(2);
    Some(scene)
}

#[test]
fn a_driver_that_was_killed_after_a_submission_is_followed_by_one_that_finds_the_job_by_its_tag() {
    let Some(scene) = at_work(&[]) else { return };
    let jobs = |end: &str| scene.engine.queue().lines().filter(|line| line.contains(&format!("{end} "))).count();
    // Before it noted the tick's job, and before it noted the wave's.
    for (lost, waves) in [("tick_submitted", 4), ("wave_submitted", 4)] {
        scene.was_killed_before(lost);
        scene.does(&["tick", "d"]);
        assert_eq!(jobs("-1"), waves, "the wave is there once: {}", scene.engine.queue());
        std::fs::remove_file(scene.env.path("d/journal/000003.jsonl")).unwrap();
    }
    scene.does(&["tick", "d"]);
    scene.take("slow");
    scene.await_seal(90);
    assert_eq!(scene.events("wave_intended").len(), 1);
    scene.await_empty_queue();
}

#[test]
fn a_driver_that_was_killed_before_a_submission_is_followed_by_one_that_submits() {
    let Some(scene) = at_work(&["--min-job-age", "2"]) else { return };
    // As if nothing had been handed over: what was, is gone and forgotten.
    scene.engine.lose_everything();
    scene.await_empty_queue();
    scene.was_killed_before("wave_submitted");
    let forgotten = || scene.engine.said("squeue", &["--noheader", "--states=all"]).is_empty();
    until("the queue has forgotten", 60, forgotten);
    scene.take("slow");
    scene.does(&["tick", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
}

#[test]
fn a_queue_that_has_lost_wave_and_tick_is_filled_again_by_whoever_resumes() {
    let Some(scene) = at_work(&["--min-job-age", "2"]) else { return };
    scene.engine.lose_everything();
    scene.await_empty_queue();
    until("the queue has forgotten", 60, || scene.engine.said("squeue", &["--noheader", "--states=all"]).is_empty());
    assert_eq!(scene.facts()["state"], "running", "nobody could say that anything happened");
    scene.take("slow");
    scene.does(&["resume", "d"]);
    scene.is_as_on_this_machine();
    scene.await_empty_queue();
}
