//! Peek, and what status calls a driver that nobody sees.

use std::time::{Duration, Instant};

use super::{RECORDS, Server, at_work, interrupted, undisturbed};
use crate::support::env::{TestEnv, finished, project};

#[test]
fn the_best_rows_of_a_finished_campaign_are_its_hits() {
    let env = TestEnv::new();
    undisturbed(&env);
    let facts = env.facts(["peek", "undisturbed", "--top", "1000"]);
    let hits = std::fs::read_to_string(env.path("undisturbed/pack/hits.csv")).unwrap();
    let expected: Vec<u64> =
        hits.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    let rows = facts["rows"].as_array().unwrap();
    let shown: Vec<u64> = rows.iter().map(|row| row["ordinal"].as_u64().unwrap()).collect();
    assert_eq!(shown, expected);
    assert_eq!(facts["seen"]["total"], RECORDS);
    assert!(rows[0]["values"]["score"].is_f64() && rows[0]["values"]["note"].as_str().unwrap().ends_with(", \""));
    let library = std::fs::read_to_string(env.path("library.smi")).unwrap();
    let line = library.lines().nth(expected[0] as usize).unwrap();
    assert!(line.starts_with(rows[0]["structure"].as_str().unwrap()), "{line}");
    assert!(line.ends_with(rows[0]["id"].as_str().unwrap()), "{line}");
}

#[test]
fn a_look_in_mid_run_sees_what_is_finished_and_disturbs_nobody() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let (server, mut run) = at_work(&env, 40);
    let port = server.port;
    let facts = env.facts(["peek", "d", "--top", "3"]);
    let seen = facts["seen"]["total"].as_u64().unwrap();
    assert!((40..RECORDS as u64).contains(&seen), "{facts}");
    assert!(facts["sealed_groups"].as_u64().unwrap() < facts["groups"].as_u64().unwrap());
    let scores: Vec<f64> =
        facts["rows"].as_array().unwrap().iter().map(|row| row["values"]["score"].as_f64().unwrap()).collect();
    assert!(scores.len() == 3 && scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    env.molsieve(["peek", "d"]).exits(0).says("records seen");
    env.molsieve(["cancel", "d"]).exits(0);
    run.wait().unwrap();
    drop(server);
    let _server = Server::healthy(port);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
}

#[test]
fn failed_records_are_shown_with_their_structures() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    interrupted(&env, "");
    let facts = env.facts(["peek", "d", "--errors", "--top", "2"]);
    let rows = facts["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{facts}");
    assert!(rows[0]["ordinal"].as_u64() < rows[1]["ordinal"].as_u64());
    for row in rows {
        assert_eq!((&row["outcome"], &row["reason"]), (&"ERROR".into(), &"no_fit".into()));
        assert!(!row["structure"].as_str().unwrap().is_empty());
    }
    let none = env.facts(["peek", "d", "--errors", "--reason", "timeout"]);
    assert_eq!(none["rows"], serde_json::json!([]));
    assert_eq!(none["seen"]["total"], finished(&env.facts(["status", "d"])));
    assert!(none["reasons"]["no_fit"].as_u64() >= Some(2), "{none}");
    let met = "the reasons of the errors that were seen: no_fit (";
    let of = |reason: &str| env.molsieve(["peek", "d", "--errors", "--reason", reason]);
    of("timeout").exits(0).says("none of them is ERROR timeout; ").says(met);
    of("no_such").exits(2).says("no record can end as ERROR `no_such`").says(met);
}

#[test]
fn a_driver_that_nobody_has_seen_for_a_while_has_a_word_of_its_own() {
    let env = TestEnv::new();
    // That campaign was stopped long ago; without its last line it was just left.
    env.small_library(50);
    let file = env.campaign("d").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let path = env.path("d/journal");
    let mut segments: Vec<_> = std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()).collect();
    segments.sort();
    // A chain whose events happened in 1970 and which ends with a driver at work.
    let mut chain = molsieve_chain();
    for path in segments.split_off(1) {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::write(&segments[0], chain.split_off(0)).unwrap();
    let _ = std::fs::remove_file(env.path("d/driver.json"));
    let facts = env.facts(["status", "d"]);
    assert_eq!(facts["state"], "no_driver_seen", "{facts}");
    assert_eq!(facts["pause"], serde_json::Value::Null);
    env.molsieve(["status", "d"]).exits(0).says("no driver seen").says("molsieve resume");
}

/// Two events of 1970.
fn molsieve_chain() -> String {
    use molsieve::canonical::json;
    use molsieve::digest;
    use molsieve::journal::event::{Entry, Event, SCHEMA};
    let (mut text, mut prev) = (String::new(), digest::blake3(b""));
    let planned = Event::Planned { campaign: digest::blake3(b"c"), plan: digest::blake3(b"p") };
    let started = Event::DriverStarted { molsieve: "0".to_owned(), host: "h".to_owned(), program: None };
    for (seq, event) in [planned, started].into_iter().enumerate() {
        let entry = Entry { schema: SCHEMA.to_owned(), seq: seq as u64, prev, at_ms: 1000, event };
        let line = json::to_vec(&entry).unwrap();
        prev = digest::blake3(&line);
        text += &(String::from_utf8(line).unwrap() + "\n");
    }
    text
}

#[test]
fn status_says_how_fast_it_goes_and_what_is_left_and_nothing_runs_once_it_is_cancelled() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let file = env.campaign("d").shard(10).python(&project("tests/scorers/seeded.py"), &["200"]).write();
    let mut run = env.command(["run", &file, "--dir", "d", "--workers", "1"]).spawn().unwrap();
    let begun = Instant::now();
    let facts = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "the pace was never told");
        std::thread::sleep(Duration::from_millis(200));
        let facts = env.path("d/campaign.json").exists().then(|| env.facts(["status", "d"]));
        if let Some(facts) = facts.filter(|facts| facts["records_per_s"].is_f64()) {
            break facts;
        }
    };
    // Five records a second and a core at most: the scorer sleeps. The start of the worker counts as well.
    let (rate, left) = (facts["records_per_s"].as_f64().unwrap(), facts["left_s"].as_f64().unwrap());
    let undone = (RECORDS as u64 - finished(&facts)) as f64;
    assert!(rate > 0.3 && rate < 5.5, "{facts}");
    assert!((left - undone / rate).abs() < 1e-6, "{facts}");
    assert!(
        facts["core_hours"].as_f64().unwrap() * 3600.0 > 1.0,
        "what the journal has not counted is counted: {facts}"
    );
    assert_eq!(facts["state"], "running");
    let told = env.molsieve(["status", "d"]).exits(0).says("records/s").says("left").says("last seen");
    assert!(told.says("core-seconds").stdout().contains(facts["driver_host"].as_str().unwrap()));
    env.molsieve(["cancel", "d"]).exits(0);
    let facts = env.facts(["status", "d"]);
    assert_eq!((&facts["state"], &facts["shards"]["running"]), (&"stopped".into(), &0.into()), "{facts}");
    assert!(facts["records_per_s"].is_null() && facts["left_s"].is_null(), "{facts}");
    run.wait().unwrap();
}
