//! What people do at the wrong moment: they go before it is done, cancel while the controller is away, and ask how it is when
//! nothing goes on with it.

use std::process::{Child, Output, Stdio};

use super::scene::{Scene, Wanted};
use super::slurm::{Slurm, until};
use crate::support::env::{MOLSIEVE, TestEnv};

/// molsieve, at work in the background.
fn begun(scene: &Scene, args: &[&str]) -> Child {
    let mut command = scene.engine.command(MOLSIEVE);
    command.args(args).current_dir(scene.env.path("")).env("MOLSIEVE_HOME", scene.env.path("home"));
    let said = std::fs::File::create(scene.env.path("said")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

/// What it has said on standard error so far.
fn said(env: &TestEnv) -> String {
    std::fs::read_to_string(env.path("said")).unwrap_or_default()
}

/// Somebody presses Ctrl-C; how it ended.
fn interrupted(env: &TestEnv, child: &mut Child) -> Option<i32> {
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let mut code = None;
    // A command of the scheduler that is at work is not cut short: it has two minutes.
    until("it has gone", 150, || {
        code = child.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    });
    code.unwrap_or_else(|| panic!("{}", said(env)))
}

fn status(slurm: &Slurm, env: &TestEnv) -> serde_json::Value {
    let Output { stdout, stderr, .. } = slurm.molsieve(env, &["--json", "status", "d"]);
    serde_json::from_slice(&stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&stderr)))
}

#[test]
fn who_goes_while_the_scheduler_does_not_answer_has_submitted_nothing() {
    let Some(scene) = Scene::new(&[]) else { return };
    let file = scene.file(&Wanted::default());
    scene.does(&["plan", &file, "--dir", "d"]);
    scene.engine.controller("stop");
    let mut submit = begun(&scene, &["submit", &file, "--dir", "d"]);
    until("it says what it waits for", 60, || said(&scene.env).contains("the scheduler has not answered yet"));
    assert_eq!(interrupted(&scene.env, &mut submit), Some(75));
    let text = said(&scene.env);
    assert_eq!(text.matches("has not answered yet").count(), 1, "once: {text}");
    assert!(text.contains("s from now") && text.contains("stopped: before anything was submitted"), "{text}");
    scene.engine.controller("start");
    assert_eq!(scene.engine.queue(), "");
    assert_eq!(scene.events("wave_intended"), [serde_json::Value::Null; 0]);
    // And it is submitted when somebody wants it.
    scene.take("slow");
    scene.does(&["submit", &file, "--dir", "d"]);
    scene.await_seal(90);
}

#[test]
fn who_goes_while_a_wave_settles_has_submitted_nothing_and_who_stays_goes_on() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 4\nsettle = \"20s\"", ..Wanted::default() });
    scene.await_running(2);
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    let mut resumed = begun(&scene, &["resume", "d"]);
    until("it says what it waits for", 60, || said(&scene.env).contains("files may be seen late"));
    assert_eq!(interrupted(&scene.env, &mut resumed), Some(75));
    assert!(said(&scene.env).contains("before anything was submitted"), "{}", said(&scene.env));
    assert_eq!(scene.engine.queue(), "");
    let facts = status(&scene.engine, &scene.env);
    assert_eq!(facts["state"], "stopped", "{facts}");
    assert!(facts["reason"].as_str().unwrap().contains("left before anything was submitted"), "{facts}");
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(120);
}

#[test]
fn what_is_cancelled_while_the_controller_is_away_is_cancelled_when_it_is_back() {
    let Some(scene) = Scene::new(&[]) else { return };
    let beside = ["slow", "slower"];
    let wanted = Wanted { scheduler: "tasks = 8\nrunning = 2\nlook = \"never\"", beside: &beside, ..Wanted::default() };
    scene.submit(&wanted);
    scene.await_running(2);
    scene.engine.controller("stop");
    let mut cancel = begun(&scene, &["cancel", "d"]);
    until("it is stopped", 30, || !scene.events("stopped").is_empty());
    // Whoever cancelled does not wait for the controller: the signal ends it, unless it has given up by itself.
    let ended = interrupted(&scene.env, &mut cancel);
    assert!([None, Some(5)].contains(&ended), "{ended:?}: {}", said(&scene.env));
    assert_eq!(status(&scene.engine, &scene.env)["state"], "cancelling");
    let text = scene.engine.molsieve(&scene.env, &["status", "d"]).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains(": cancelling\n") && text.contains("the scheduler has not heard it yet"), "{text}");
    assert!(text.contains("`molsieve cancel d` tells it again"), "{text}");
    scene.engine.controller("start");
    // A task that begins ends at once; the one that ran goes on to its end, or until the scheduler hears.
    let running = scene.await_running(2);
    scene.engine.said("scancel", &[&running[0]]);
    until("others have begun, and ended", 60, || scene.running().len() < 2);
    assert_eq!(scene.events("queue_cleared"), [serde_json::Value::Null; 0]);
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    let facts = status(&scene.engine, &scene.env);
    assert_eq!((&facts["state"], &facts["reason"]), (&"stopped".into(), &"cancelled".into()), "{facts}");
    scene.does(&["cancel", "d"]);
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(120);
}

#[test]
fn a_look_that_begins_in_a_campaign_that_is_stopped_tells_the_scheduler() {
    let Some(scene) = Scene::new(&[]) else { return };
    let beside = ["slow", "slower"];
    let wanted = Wanted { scheduler: "tasks = 8\nrunning = 2\nlook = \"5s\"", beside: &beside, ..Wanted::default() };
    scene.submit(&wanted);
    scene.await_running(2);
    scene.engine.controller("stop");
    let mut cancel = begun(&scene, &["cancel", "d"]);
    until("it is stopped", 30, || !scene.events("stopped").is_empty());
    interrupted(&scene.env, &mut cancel);
    scene.engine.controller("start");
    until("somebody has told the scheduler", 90, || !scene.events("queue_cleared").is_empty());
    scene.await_empty_queue();
    assert_eq!(status(&scene.engine, &scene.env)["state"], "stopped");
}

#[test]
fn a_campaign_whose_tick_and_stand_in_are_gone_says_so_and_what_repairs_it() {
    let Some(scene) = Scene::new(&["--min-job-age", "2"]) else { return };
    let beside = ["slow", "slower"];
    scene.submit(&Wanted { scheduler: "tasks = 4", beside: &beside, ..Wanted::default() });
    scene.await_running(4);
    let look = scene.engine.job_named("-look", "PD").unwrap();
    for end in ["-s1", "-t1"] {
        scene.engine.said("scancel", &[&scene.engine.job_named(end, "PD").unwrap()]);
    }
    let reason = |facts: &serde_json::Value| facts["reason"].as_str().unwrap_or_default().to_owned();
    until("it is missed", 90, || reason(&status(&scene.engine, &scene.env)).starts_with("nothing follows its wave"));
    let facts = status(&scene.engine, &scene.env);
    assert_eq!(
        (&facts["state"], &facts["cluster"]["look"]["job"]),
        (&"running".into(), &look.as_str().into()),
        "{facts}"
    );
    assert!(facts["shards"]["running"].as_u64() > Some(0), "{facts}");
    let wave = facts["cluster"]["waves"][0]["job"].as_str().unwrap().to_owned();
    scene.engine.said("scancel", &[&wave]);
    until("every task has ended", 60, || status(&scene.engine, &scene.env)["state"] == "no_driver_seen");
    let facts = status(&scene.engine, &scene.env);
    assert_eq!((&facts["state"], &facts["shards"]["running"]), (&"no_driver_seen".into(), &0.into()), "{facts}");
    assert!(reason(&facts).contains(&format!("the look (job {look}, in ")), "{facts}");
    assert!(reason(&facts).ends_with("goes on, `molsieve tick d` does so now"), "{facts}");
    scene.engine.said("scancel", &[&look]);
    let told = reason(&status(&scene.engine, &scene.env));
    assert!(told.starts_with("nothing of it is in the queue"), "{told}");
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(120);
}

#[test]
fn who_wants_other_resources_is_told_that_what_is_in_the_queue_keeps_its_own() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 4", ..Wanted::default() });
    scene.await_running(2);
    let told = |args: &[&str]| {
        let Output { status, stderr, .. } = scene.engine.molsieve(&scene.env, args);
        assert!(status.success(), "{args:?}");
        String::from_utf8_lossy(&stderr).into_owned()
    };
    let resume = ["resume", "d", "--memory", "150M", "--and-return"];
    // Also when it is said again, and changes nothing any more.
    for _ in 0..2 {
        let told = told(&resume);
        assert!(told.contains("wave 1, while it is in the queue, keeps the resources"), "{told}");
        assert!(told.contains("cancel") && told.contains("submits it anew"), "{told}");
    }
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    let told = told(&resume);
    assert!(!told.contains("keeps the resources"), "{told}");
    let script = std::fs::read_to_string(scene.env.path("d/launch/wave-2.sbatch")).unwrap();
    assert!(script.contains("--mem=150M"), "{script}");
    scene.take("slow");
    scene.await_seal(90);
}
