//! Core-hours: counted over all drivers, drained, and raised; other resources and limits at a resume.

use super::{RECORDS, Server, Then, events, interrupted, licensed, undisturbed};
use crate::support::env::{TestEnv, finished, project};

#[test]
fn a_budget_that_earlier_drivers_used_up_leaves_an_incomplete_signed_pack_and_a_resume_point() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    let port = interrupted(&env, "[pack]\nkey = \"k.pem\"");
    let used = env.facts(["status", "d"])["core_hours"].as_f64().unwrap();
    assert!(used > 0.0, "no core time was noted");
    env.molsieve(["resume", "d", "--core-hours", "1e-9"]).exits(3).says("core_hours").says("INCOMPLETE");
    let facts = env.facts(["status", "d"]);
    assert_eq!((&facts["state"], &facts["pause"]), (&"paused".into(), &"core_hours".into()), "{facts}");
    assert!(facts["core_hours"].as_f64().unwrap() >= used);
    let report = env.facts(["verify", "d/pack", "--key", "k.pub.pem"]);
    let problems: Vec<&str> =
        report["problems"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
    assert_eq!(problems, ["incomplete"], "{report}");
    env.molsieve(["verify", "d/pack", "--key", "k.pub.pem"]).exits(3);
    let entries = env.facts(["registry", "list"])["entries"].as_array().unwrap().len();
    assert_eq!(entries, 1, "what is signed is registered, INCOMPLETE or not");
    let server = Server::healthy(port);
    env.molsieve(["resume", "d"]).exits(3).says("core_hours");
    env.molsieve(["resume", "d", "--core-hours", "none"]).exits(0);
    drop(server);
    env.molsieve(["verify", "d/pack", "--key", "k.pub.pem"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
    let amended = events(&env, "d").into_iter().filter(|e| e["kind"] == "amended").count();
    assert_eq!(amended, 2, "each change of a limit is in the journal, and only changes are");
}

#[test]
fn a_budget_that_runs_out_drains_the_tasks_at_a_clean_checkpoint() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let server = Server::start(0, 3, Then::Hangs);
    let file = licensed(&env, "d", server.port, "grace = \"100ms\"", "[limits]\ncore_hours = 0.0003");
    env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(3).says("core_hours").says("resume");
    let facts = env.facts(["status", "d"]);
    assert_eq!(facts["pause"], "core_hours", "{facts}");
    assert!(finished(&facts) < RECORDS as u64);
    let kinds: Vec<_> = events(&env, "d").into_iter().map(|e| e["kind"].as_str().unwrap().to_owned()).collect();
    assert!(!kinds.contains(&"task_failed".to_owned()), "a drained task is no failure: {kinds:?}");
    let port = server.port;
    drop(server);
    let server = Server::healthy(port);
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("core_hours = 0.0003", "core_hours = 10"));
    env.molsieve(["resume", "d", "--config", &file]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
    drop(server);
}

#[test]
fn core_time_of_a_driver_that_was_killed_is_counted_by_the_next_one() {
    let env = TestEnv::new();
    env.small_library(40);
    let file = env.campaign("d").shard(10).python(&project("tests/scorers/seeded.py"), &["300"]).write();
    let mut run = env.command(["run", &file, "--dir", "d", "--workers", "1"]).spawn().unwrap();
    let used = || {
        let facts = env.path("d/campaign.json").exists().then(|| env.facts(["status", "d"]));
        facts.map_or(0.0, |facts| facts["core_hours"].as_f64().unwrap() * 3600.0)
    };
    let begun = std::time::Instant::now();
    while used() < 2.0 {
        assert!(begun.elapsed().as_secs() < 60, "no core time was ever told");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    let told = used();
    env.molsieve(["resume", "d"]).exits(0);
    assert!(used() > told, "the {told} core-seconds of the first driver are part of {}", used());
    let counted: Vec<_> = events(&env, "d").into_iter().filter(|e| e["kind"] == "core_time").collect();
    assert!(counted[0]["core_ms"].as_f64().unwrap() >= 2000.0, "what it did not live to note was noted: {counted:?}");
}

#[test]
fn resume_takes_other_resources_and_limits_and_nothing_that_is_frozen() {
    let env = TestEnv::new();
    env.small_library(300);
    let campaign = |seed| env.campaign("c").seed(seed).shard(50).with("[resources]\ncpus = 1").write();
    let file = campaign(1);
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    env.molsieve(["resume", "d", "--timeout", "3s"]).exits(2).says("built-in");
    for bad in [["--core-hours", "0"], ["--core-hours", "many"], ["--max-error-rate", "2"], ["--memory", "8"]] {
        env.molsieve(["resume", "d", bad[0], bad[1]]).exits(2).says(bad[0]);
    }
    campaign(2);
    env.molsieve(["resume", "d", "--config", &file]).exits(2).says("campaign.seed");
    assert_eq!(env.facts(["status", "d"])["state"], "stopped", "what was refused changed nothing");
    let changes = ["--cpus", "2", "--memory", "16G", "--walltime", "4h", "--max-error-rate", "0.3", "--workers", "1"];
    env.molsieve(["resume", "d"].into_iter().chain(changes)).exits(0);
    let amended = events(&env, "d").into_iter().find(|e| e["kind"] == "amended").unwrap();
    assert_eq!(amended["changes"]["cpus"], "1 → 2");
    assert_eq!(amended["changes"]["max_error_ppm"], "null → 300000");
    let text = std::fs::read_to_string(env.path("d/pack/provenance.json")).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(provenance["campaign"]["memory_mib"], 16384);
    assert_eq!(provenance["campaign"]["walltime_s"], 14400);
}
