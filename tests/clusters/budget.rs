//! Core-hours on a cluster, where nobody looks on.

use super::scene::{Scene, Wanted};

#[test]
fn a_budget_drains_a_campaign_with_nobody_there_and_leaves_an_incomplete_pack_and_a_resume_point() {
    let Some(scene) = Scene::new(&[]) else { return };
    let limit = 0.004;
    let more = format!("[limits]\ncore_hours = {limit}");
    scene.submit(&Wanted { scheduler: "tasks = 8", more: &more, ..Wanted::default() });
    let facts = scene.await_state("paused", 120);
    assert_eq!(facts["pause"], "core_hours", "{facts}");
    let used = facts["core_hours"].as_f64().unwrap();
    assert!(used >= limit && used < 2.0 * limit, "{used} of {limit} core-hours");
    assert_eq!(scene.events("task_failed"), [serde_json::Value::Null; 0], "a drained task is no failure");
    scene.await_empty_queue();
    scene.env.molsieve(["verify", "--allow-unsigned", "d/pack"]).exits(3).says("INCOMPLETE");
    let again = scene.engine.molsieve(&scene.env, &["submit", "there.toml", "--dir", "d"]);
    assert_eq!(again.status.code(), Some(3), "nothing is submitted beyond the limit");
    scene.take("slow");
    let said = scene.engine.molsieve(&scene.env, &["resume", "d", "--core-hours", "none"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    scene.is_as_on_this_machine();
}
