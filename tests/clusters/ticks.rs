//! The tick: what happens to the campaign when something happens to the job that goes on with it.

use super::scene::{Scene, Wanted};
use super::slurm::until;

/// A campaign in whose wave an element was cancelled, so that its tick has something to wait for: that it settles.
fn with_a_tick_at_work(scene: &Scene) -> String {
    scene.submit(&Wanted { scheduler: "running = 16\ntasks = 8\nsettle = \"12s\"", ..Wanted::default() });
    let running = scene.await_running(2);
    scene.slurm.said("scancel", &[&running[0]]);
    scene.take("slow");
    until("the tick runs", 60, || scene.slurm.job_named("-t1", "R").is_some());
    until("the tick has begun", 30, || !scene.events("ticked").is_empty());
    scene.slurm.job_named("-t1", "R").unwrap()
}

#[test]
fn a_tick_that_is_ended_by_a_signal_is_stood_in_for_and_the_campaign_goes_on() {
    let Some(scene) = Scene::new(&[]) else { return };
    let tick = with_a_tick_at_work(&scene);
    scene.slurm.said("scancel", &["--signal=TERM", "--batch", &tick]);
    until("another stands in", 30, || scene.events("ticked").len() > 1);
    scene.await_seal(90);
    assert_eq!(scene.events("stopped"), [serde_json::Value::Null; 0], "a signal to a tick stops no campaign");
    scene.await_empty_queue();
}

#[test]
fn a_tick_that_is_put_back_into_the_queue_goes_on_from_where_it_was() {
    let Some(scene) = Scene::new(&[]) else { return };
    let tick = with_a_tick_at_work(&scene);
    scene.slurm.said("scontrol", &["requeue", &tick]);
    until("it begins anew", 60, || scene.events("ticked").len() > 1);
    let tick = scene.slurm.job_named("-t1", "R");
    assert!(tick.is_some() && scene.slurm.job_named("-s1", "PD").is_some(), "nobody stood in for it");
    scene.await_seal(90);
    assert_eq!(scene.events("stopped"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
}

#[test]
fn a_campaign_that_is_cancelled_leaves_nothing_in_the_queue_whether_its_tick_waits_or_runs() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "running = 16\ntasks = 8\nsettle = \"12s\"", ..Wanted::default() });
    scene.await_running(2);
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    // Once more, with a tick at work.
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    let running = scene.await_running(2);
    scene.slurm.said("scancel", &[&running[0]]);
    scene.take("slow");
    until("a tick runs", 60, || scene.slurm.job_named("-t2", "R").is_some());
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
}

#[test]
fn whoever_cancels_the_tick_at_the_scheduler_stops_the_campaign() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "running = 16\ntasks = 8", ..Wanted::default() });
    scene.await_running(2);
    scene.slurm.said("scancel", &[&scene.slurm.job_named("-t1", "PD").unwrap()]);
    scene.await_state("stopped", 60);
    scene.await_empty_queue();
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
}
