//! Promise P5: kill it anywhere. What was acknowledged stays, and resuming gives the same pack.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::env::{MOLSIEVE, TestEnv, finished, processes, project};

const RECORDS: usize = 400;

/// A campaign of a slow scorer: about a second of work on two workers.
fn slow(env: &TestEnv, name: &str) -> String {
    let script = project("tests/scorers/seeded.py");
    env.campaign(name).shard(100).python(&script, &["5"]).with("[checkpoint]\nsync = \"0ms\"").write()
}

/// The digest of an untouched run.
fn reference(env: &TestEnv) -> String {
    env.small_library(RECORDS);
    env.molsieve(["run", &slow(env, "reference"), "--dir", "reference"]).exits(0);
    env.payload_of("reference")
}

fn start(env: &TestEnv, args: &[&str]) -> Child {
    let mut command = env.command(args.iter().copied());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the campaign in `dir` has finished some records but not all.
fn wait_until_busy(env: &TestEnv, dir: &str) -> u64 {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if env.path(dir).join("campaign.json").exists() {
            let facts = env.facts(["status", dir]);
            let finished = finished(&facts);
            if finished > 0 {
                return finished;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no record was finished within a minute");
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

fn wait_until_gone(dir: &Path) {
    let begun = Instant::now();
    let dir = dir.display().to_string();
    while !processes(&[MOLSIEVE, &dir]).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "processes of `{dir}` are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_first_sigterm_is_a_checkpoint_and_exit_75_and_resume_finishes() {
    let env = TestEnv::new();
    let reference = reference(&env);
    for name in ["-TERM", "-INT"] {
        let dir = format!("stopped{name}");
        let mut run = start(&env, &["run", &slow(&env, &dir), "--dir", &dir]);
        wait_until_busy(&env, &dir);
        signal(name, run.id());
        assert_eq!(run.wait().unwrap().code(), Some(75));
        wait_until_gone(&env.path(&dir));
        let facts = env.facts(["status", &dir]);
        assert_eq!(facts["state"], "stopped");
        let before = finished(&facts);
        assert!(before > 0 && before < RECORDS as u64, "{before} records at the stop");
        env.molsieve(["resume", &dir]).exits(0);
        assert_eq!(env.payload_of(&dir), reference);
    }
}

#[test]
fn a_killed_driver_leaves_no_orphans_and_run_takes_over() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let file = slow(&env, "driver");
    let mut run = start(&env, &["run", &file, "--dir", "driver"]);
    let before = wait_until_busy(&env, "driver");
    run.kill().unwrap();
    run.wait().unwrap();
    wait_until_gone(&env.path("driver"));
    assert!(finished(&env.facts(["status", "driver"])) >= before, "finished records were lost");
    env.molsieve(["run", &file, "--dir", "driver"]).exits(0);
    assert_eq!(env.payload_of("driver"), reference);
}

#[test]
fn a_killed_worker_costs_only_what_it_had_not_finished() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let mut run = start(&env, &["run", &slow(&env, "worker"), "--dir", "worker", "--workers", "1"]);
    let before = wait_until_busy(&env, "worker");
    let dir = env.path("worker").display().to_string();
    let victims: Vec<u32> = processes(&["worker", &dir]).into_iter().filter(|pid| *pid != run.id()).collect();
    assert!(!victims.is_empty());
    victims.iter().for_each(|pid| signal("-KILL", *pid));
    assert!(finished(&env.facts(["status", "worker"])) >= before, "finished records were lost");
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(env.payload_of("worker"), reference);
}

#[test]
fn what_killed_workers_leave_among_the_temporary_files_is_removed_by_the_next_run() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    // Slow enough that it is not finished before all of it is found and killed.
    let file = env.campaign("swept").shard(100).python(&project("tests/scorers/seeded.py"), &["50"]).write();
    let tmp = env.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let command = || {
        // One worker: a second that starts only now would sweep what the first one left, and then itself.
        let mut command = env.command(["run", file.as_str(), "--dir", "swept", "--workers", "1"]);
        command.env("TMPDIR", &tmp).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let left = || std::fs::read_dir(&tmp).unwrap().count();
    let mut run = command().spawn().unwrap();
    wait_until_busy(&env, "swept");
    // Driver and workers at once, so that none has time to put things away.
    let dir = env.path("swept").display().to_string();
    let all: Vec<String> =
        processes(&[MOLSIEVE, &dir]).into_iter().chain([run.id()]).map(|pid| pid.to_string()).collect();
    let _ = Command::new("kill").arg("-KILL").args(&all).stderr(Stdio::null()).status().unwrap();
    run.wait().unwrap();
    wait_until_gone(&env.path("swept"));
    assert!(left() > 0, "they left nothing, so nothing can be shown");
    assert!(command().status().unwrap().success());
    assert_eq!(left(), 0);
}

#[test]
fn a_killed_scorer_is_started_again_and_no_record_is_blamed() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let script = env.write("marked/seeded.py", std::fs::read(project("tests/scorers/seeded.py")).unwrap());
    let file = env.campaign("child").shard(100).python(&script, &["5"]).write();
    let mut run = start(&env, &["run", &file, "--dir", "child", "--workers", "1"]);
    wait_until_busy(&env, "child");
    let children = processes(&["python", &script.display().to_string()]);
    children.iter().for_each(|pid| signal("-KILL", *pid));
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert!(!children.is_empty());
    assert_eq!(env.payload_of("child"), reference);
}

#[test]
fn cancel_stops_a_campaign_that_another_process_drives() {
    let env = TestEnv::new();
    let reference = reference(&env);
    env.molsieve(["submit", &slow(&env, "far"), "--dir", "far"]).exits(0);
    wait_until_busy(&env, "far");
    env.molsieve(["cancel", "far"]).exits(0);
    wait_until_gone(&env.path("far"));
    assert_eq!(env.facts(["status", "far"])["state"], "stopped");
    env.molsieve(["resume", "far"]).exits(0);
    assert_eq!(env.payload_of("far"), reference);
}

#[test]
fn what_a_task_returned_stays_where_nobody_can_tell_which_task_groups_it_is_of() {
    let env = TestEnv::new();
    reference(&env);
    let file = slow(&env, "c");
    let mut driver = start(&env, &["run", &file, "--dir", "d"]);
    wait_until_busy(&env, "d");
    signal("-TERM", driver.id());
    assert_eq!(driver.wait().unwrap().code(), Some(75));
    // As on nodes that share no files: the campaign comes home, and what says who had what has suffered.
    let returned = env.path("d/returned/wave-1/0/groups/000000/a.rows");
    std::fs::create_dir_all(returned.parent().unwrap()).unwrap();
    std::fs::write(&returned, "rows").unwrap();
    std::fs::write(env.path("d/launch/wave-1.tasks"), "nonsense\n").unwrap();
    env.molsieve(["resume", "d"]).exits(0);
    assert!(returned.is_file());
}

#[test]
fn a_submitted_campaign_finishes_without_anybody() {
    let env = TestEnv::new();
    let reference = reference(&env);
    env.molsieve(["submit", &slow(&env, "alone"), "--dir", "alone"]).exits(0);
    let begun = Instant::now();
    while env.facts(["status", "alone"])["state"] != "complete" {
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", env.facts(["status", "alone"]));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(env.payload_of("alone"), reference);
}

#[test]
fn two_drivers_on_one_directory_end_in_one_pack() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let file = slow(&env, "twice");
    let mut first = start(&env, &["run", &file, "--dir", "twice"]);
    wait_until_busy(&env, "twice");
    env.molsieve(["run", &file, "--dir", "twice"]).exits(0);
    assert_eq!(first.wait().unwrap().code(), Some(75), "the first driver is taken over from");
    assert_eq!(env.payload_of("twice"), reference);
}

#[test]
fn a_finished_campaign_is_verified_when_it_is_run_again() {
    let env = TestEnv::new();
    env.small_library(50);
    let file = env.campaign("again").write();
    env.molsieve(["run", &file, "--dir", "again"]).exits(0);
    env.molsieve(["run", &file, "--dir", "again"]).exits(0).says("finished");
    let summary = env.path("again/pack/summary.csv");
    let text = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, text.replacen("OK", "KO", 1)).unwrap();
    env.molsieve(["run", &file, "--dir", "again"]).exits(4);
}

#[test]
fn a_directory_of_another_campaign_is_refused_with_the_key_that_differs() {
    let env = TestEnv::new();
    env.small_library(50);
    env.molsieve(["run", &env.campaign("one").write(), "--dir", "d"]).exits(0);
    env.molsieve(["run", &env.campaign("two").write(), "--dir", "d"]).exits(2).says("campaign.name");
    env.molsieve(["run", &env.campaign("one").seed(5).write(), "--dir", "d"]).exits(2).says("campaign.seed");
}
