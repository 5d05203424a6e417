//! The lives of a task: what its time limit ends goes on by itself.

use super::scene::{Scene, Wanted};
use super::slurm::until;

#[test]
fn a_task_that_is_told_that_its_time_is_nearly_up_puts_itself_back_and_goes_on_in_the_same_wave() {
    let Some(scene) = Scene::new(&[]) else { return };
    let scheduler = "tasks = 2\nsignal_before = \"30s\"";
    scene.submit(&Wanted { scheduler, walltime: "1min", ..Wanted::default() });
    let first = scene.await_running(2);
    let waits =
        |task: &String| scene.engine.queue().lines().any(|line| line.starts_with(task) && line.contains("PENDING"));
    until("both are back in the queue", 90, || first.iter().all(waits));
    scene.take("slow");
    scene.await_seal(120);
    assert_eq!(scene.events("wave_intended").len(), 1, "no second wave was needed");
    assert_eq!(scene.events("task_failed"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
}

#[test]
fn a_task_that_may_not_put_itself_back_ends_at_its_checkpoint_and_the_next_wave_goes_on() {
    let Some(scene) = Scene::new(&[]) else { return };
    let refuse =
        "if [ \"$1\" = requeue ]; then echo 'Requested operation is presently disabled' >&2; exit 1; fi\nreal \"$@\"";
    scene.engine.instead_of("scontrol", refuse);
    let scheduler = "tasks = 2\nsignal_before = \"30s\"";
    scene.submit(&Wanted { scheduler, walltime: "1min", ..Wanted::default() });
    let first = scene.await_running(2);
    until("both have ended", 90, || first.iter().all(|task| !scene.running().contains(task)));
    scene.take("slow");
    scene.await_seal(120);
    assert_eq!(scene.events("wave_intended").len(), 2, "the next wave had what was left");
    let failed = scene.events("task_failed");
    assert!(failed.iter().all(|task| task["state"] == "Checkpointed" && task["program"] == false), "{failed:?}");
    assert_eq!(scene.events("failed"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
}

#[test]
fn a_task_that_is_ended_by_anything_else_does_not_put_itself_back() {
    let Some(scene) = Scene::new(&[]) else { return };
    // Its end is near enough for the clock: only the signal says that it is not the reason.
    scene.submit(&Wanted { scheduler: "tasks = 2\nsignal_before = \"9min\"", ..Wanted::default() });
    let first = scene.await_running(2);
    until("something is finished", 60, || scene.facts()["records"]["ok"].as_u64().unwrap_or(0) > 0);
    scene.engine.said("scancel", &["--signal=TERM", "--batch", &first[0]]);
    until("it has ended", 60, || !scene.running().contains(&first[0]));
    let is_back = |line: &str| line.starts_with(&format!("{} ", first[0])) && line.contains("PENDING");
    assert!(!scene.engine.queue().lines().any(is_back), "{}", scene.engine.queue());
    scene.take("slow");
    scene.await_seal(120);
    assert_eq!(scene.events("wave_intended").len(), 2, "the tick submitted it again");
}
