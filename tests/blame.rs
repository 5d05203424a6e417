//! Whose fault it is, seen from the outside: a bad record, a bad scorer, or a limit that was reached.

use crate::support::env::{TestEnv, project};

/// Structures of which `N` is the one that the hostile scorer cannot bear.
const STRUCTURES: [&str; 12] = ["C", "CC", "CCC", "O", "CO", "N", "CCO", "CCCC", "CN", "CCN", "S", "CS"];

fn environment() -> TestEnv {
    let env = TestEnv::new();
    let lines: String = STRUCTURES.iter().enumerate().map(|(i, s)| format!("{s}\tid{i}\n")).collect();
    env.write("library.smi", lines);
    env
}

fn hostile(env: &TestEnv, mode: &str, more: &str) -> String {
    let script = project("tests/scorers/hostile.py");
    let campaign = env.campaign(mode).shard(5).python(&script, &[mode, "N"]);
    // Keys of `[scorer]` come first; sections follow.
    campaign.with(more).write()
}

fn outcomes(env: &TestEnv, dir: &str) -> Vec<String> {
    let summary = std::fs::read_to_string(env.path(dir).join("pack/summary.csv")).unwrap();
    summary.lines().skip(1).map(|row| row.split(',').skip(2).take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_record_that_kills_the_scorer_is_an_error_of_its_own_and_the_manifest_counts_it() {
    for mode in ["crash_on", "exit_on"] {
        let env = environment();
        env.molsieve(["run", &hostile(&env, mode, ""), "--dir", "d"]).exits(0);
        for (structure, outcome) in STRUCTURES.iter().zip(outcomes(&env, "d")) {
            assert_eq!(outcome, if *structure == "N" { "ERROR crash" } else { "OK " }, "{mode}: {structure}");
        }
        let manifest = std::fs::read(env.path("d/pack/manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(manifest["circumstantial"], 1, "{mode}");
    }
}

#[test]
fn a_record_that_hangs_is_a_timeout() {
    let env = environment();
    let script = project("tests/scorers/hostile.py");
    let campaign = env.campaign("hang").python(&script, &["hang_on", "N"]);
    let text = std::fs::read_to_string(env.path(&campaign.write())).unwrap();
    env.write("hang.toml", text.replace("protocol =", "timeout = \"700ms\"\nprotocol ="));
    env.molsieve(["run", "hang.toml", "--dir", "d"]).exits(0);
    assert_eq!(outcomes(&env, "d")[5], "ERROR timeout");
    assert_eq!(outcomes(&env, "d").iter().filter(|o| *o == "OK ").count(), STRUCTURES.len() - 1);
}

#[test]
fn a_scorer_that_keeps_breaking_its_protocol_ends_the_campaign_with_exit_6_and_does_not_tour_the_tasks() {
    for mode in ["garbage", "wrong_seq", "nan", "missing"] {
        let env = TestEnv::new();
        env.small_library(60);
        let file = env.campaign(mode).shard(20).python(&project("tests/scorers/hostile.py"), &[mode, "N"]).write();
        let run = env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]);
        run.exits(6).says("hostile").says("hint");
        let status = env.facts(["status", "d"]);
        assert_eq!(status["state"], "failed", "{mode}");
        let tasks = std::fs::read_to_string(env.path("d/launch/wave-1.tasks")).unwrap().lines().count();
        let logs = std::fs::read_dir(env.path("d/logs")).unwrap().flatten();
        let begun = logs.filter(|entry| entry.file_name().to_string_lossy().ends_with(".jsonl")).count();
        assert!(tasks > 1 && begun == 1, "{mode}: {begun} of {tasks} tasks were begun");
    }
}

#[test]
fn one_record_that_makes_the_scorer_break_its_protocol_is_an_error_of_its_own() {
    let env = environment();
    env.molsieve(["run", &hostile(&env, "nan_on", ""), "--dir", "d"]).exits(0);
    for (structure, outcome) in STRUCTURES.iter().zip(outcomes(&env, "d")) {
        assert_eq!(outcome, if *structure == "N" { "ERROR bad_reply" } else { "OK " }, "{structure}");
    }
}

/// A scorer that leaves a request unanswered if one of the ordinals in its argument is in it.
const FORGETFUL: &str = r#"import json, sys
bad = {int(word) for word in sys.argv[1].split(",")}
print('{"name":"f","version":"1","columns":[{"name":"score","type":"float"}],"batch_size":4,"deterministic":true}', flush=True)
for line in sys.stdin:
    request = json.loads(line)
    ordinals = [record[0] for record in request["records"]]
    results = [] if bad & set(ordinals) else [[ordinal, "OK", {"score": ordinal}] for ordinal in ordinals]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

#[test]
fn records_with_broken_replies_cost_no_other_record_wherever_they_are_and_however_they_are_shared_out() {
    let env = TestEnv::new();
    env.small_library(40);
    let script = env.write("forgetful.py", FORGETFUL);
    let mut payloads = std::collections::BTreeSet::new();
    for (bad, shard, workers) in [
        ("0,1", 2, "1"),
        ("0,1,2", 40, "1"),
        ("0,1,2,18,19,20,21,38,39", 1, "3"),
        ("0,1,2,18,19,20,21,38,39", 2, "1"),
        ("0,1,2,18,19,20,21,38,39", 10, "3"),
        ("0,1,2,18,19,20,21,38,39", 40, "1"),
        ("0,1,2,18,19,20,21,38,39", 40, "3"),
        ("37,38,39", 10, "1"),
    ] {
        let dir = format!("d{shard}-{workers}-{}", bad.len());
        let campaign = env.campaign("c").shard(shard).python(&script, &[bad]);
        let file = campaign.with("[limits]\nmax_error_rate = 1.0").write();
        env.molsieve(["run", &file, "--dir", &dir, "--workers", workers]).exits(0);
        let bad_ones: Vec<&str> = bad.split(',').collect();
        for (ordinal, outcome) in outcomes(&env, &dir).iter().enumerate() {
            let is_bad = bad_ones.contains(&ordinal.to_string().as_str());
            assert_eq!(outcome, if is_bad { "ERROR bad_reply" } else { "OK " }, "{dir}: {ordinal}");
        }
        if bad_ones.len() == 9 {
            payloads.insert(std::fs::read(env.path(&dir).join("pack/summary.csv")).unwrap());
        }
    }
    assert_eq!(payloads.len(), 1, "shards and workers change no byte");
}

#[test]
fn a_scorer_that_breaks_after_it_answered_is_given_up_when_it_does_not_repeat_its_answer() {
    let env = TestEnv::new();
    env.small_library(40);
    let breaks = FORGETFUL.replace("if bad & set(ordinals)", "if broken()").replace(
        "for line",
        "def broken():\n    with open('asked', 'a') as file:\n        file.write('x')\n        return file.tell() > 2\nfor line",
    );
    let file = env.campaign("c").python(&env.write("breaks.py", breaks), &["0"]).write();
    let run = env.molsieve(["run", &file, "--dir", "d", "--workers", "1"]).exits(6);
    run.says("for 3 records in a row, and for record 0, which it had answered").says("`molsieve resume d`");
    let asked = std::fs::metadata(env.path("asked")).unwrap().len();
    assert!(asked <= 9, "two answers, two requests in the pipe, three records and the witness: {asked}");
}

#[test]
fn a_scorer_that_cannot_start_is_exit_6_with_its_last_words() {
    let env = environment();
    let script = project("tests/scorers/hostile.py");
    let file = env.campaign("start").python(&script, &["bad_hello", "exit"]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(6).says("no module named rdkit");
}

#[test]
fn a_scorer_that_fails_on_everything_pauses_the_campaign_without_any_limit() {
    let env = TestEnv::new();
    env.small_library(300);
    let script = env.write(
        "dies.py",
        std::fs::read_to_string(project("tests/scorers/seeded.py"))
            .unwrap()
            .replace("json.loads(line)", "json.loads(lime)"),
    );
    env.molsieve(["run", &env.campaign("c").python(&script, &[]).write(), "--dir", "d"]).exits(3).says("ERROR");
    assert_eq!(env.facts(["status", "d"])["state"], "paused");
}

#[test]
fn too_many_errors_pause_the_campaign_with_exit_3_and_a_higher_limit_lets_it_go_on() {
    let env = TestEnv::new();
    let lines: String = (0..3000).map(|i| format!("{}\t{i}\n", "C".repeat(1 + i % 40))).collect();
    env.write("library.smi", lines);
    let script = project("tests/scorers/hostile.py");
    let file = |limit: &str| {
        let campaign = env.campaign("c").shard(500).python(&script, &["reasons"]);
        campaign.with(&format!("[limits]\nmax_error_rate = {limit}")).write()
    };
    env.molsieve(["run", &file("0.1"), "--dir", "d", "--workers", "1"]).exits(3).says("max_error_rate");
    assert_eq!(env.facts(["status", "d"])["state"], "paused");
    env.molsieve(["run", &file("0.9"), "--dir", "d"]).exits(0);
    assert_eq!(env.facts(["status", "d"])["records"]["total"], 3000);
}

#[test]
fn a_scorer_that_is_mended_before_it_gave_any_result_is_planned_anew_in_the_same_directory() {
    let env = TestEnv::new();
    env.small_library(300);
    let script = |line: &str| {
        env.write("score.sh", format!("{line}\n"));
    };
    let scorer = "kind = \"command\"\nprotocol = \"each\"\nargv = [\"sh\", \"score.sh\", \"{structure}\", \"{ordinal}\"]\nname = \"s\"\n\
                  version = \"1\"\ncolumns = [{ name = \"score\" }]\npattern = '(?P<score>[0-9]+)'";
    let file = env.campaign("c").shard(300).scorer(scorer).write();
    script("echo no number");
    env.molsieve(["run", &file, "--dir", "d"]).exits(3).says("records are ERROR").says("when the scorer is mended");
    script("echo $2");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0).says("300 records: 300 OK");
    // With results there, another scorer is another campaign.
    script("echo 1$2");
    env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("changed since the plan");
}

#[test]
fn a_script_that_is_not_there_is_told_before_any_work() {
    let env = TestEnv::new();
    env.small_library(3);
    let scorer = "kind = \"command\"\nargv = [\"python3\", \"scroe.py\"]";
    let file = env.campaign("c").scorer(scorer).write();
    env.molsieve(["plan", &file, "--dir", "d"]).exits(2).says("there is no file").says("scroe.py");
}

#[test]
fn a_small_campaign_of_errors_alone_is_not_sealed_until_somebody_says_that_it_is_meant_so() {
    let env = TestEnv::new();
    env.small_library(12);
    env.write("score.sh", "cat mood\n");
    env.write("mood", "no number\n");
    let scorer = "kind = \"command\"\nprotocol = \"each\"\nargv = [\"sh\", \"score.sh\", \"{structure}\"]\nname = \"s\"\n\
                  version = \"1\"\ncolumns = [{ name = \"score\" }]\npattern = '(?P<score>[0-9]+)'";
    let file = env.campaign("c").shard(5).scorer(scorer).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(3).says("all 12 records are ERROR").says("--max-error-rate 1");
    assert!(!env.path("d/pack").exists(), "nothing was sealed");
    assert_eq!(env.facts(["status", "d"])["pause"], "all_errors");
    env.molsieve(["resume", "d"]).exits(3).says("all 12 records are ERROR");
    // What the scorer depends on is mended: the same campaign, scored again.
    env.write("mood", "7\n");
    env.molsieve(["resume", "d"]).exits(3);
    env.molsieve(["retry", "d", "--errors"]).exits(0).says("12 records are scored again");
    env.molsieve(["resume", "d-retry"]).exits(0).says("12 records: 12 OK");
    // It is meant so.
    env.molsieve(["resume", "d", "--max-error-rate", "1"]).exits(0).says("12 records: 0 OK, 0 SKIP, 12 ERROR");
    env.molsieve(["verify", "d", "--allow-unsigned"]).exits(0);
    // What was packed is not planned anew, whatever the scorer is by now.
    env.write("score.sh", "echo 1\n");
    env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("`score.sh` has another content");
    assert_eq!(env.facts(["status", "d"])["records"]["error"], 12);
}

#[test]
fn a_scorer_that_is_mended_after_it_sealed_nothing_but_errors_is_planned_anew() {
    let env = TestEnv::new();
    env.small_library(12);
    env.write("score.sh", "echo no number\n");
    let scorer = "kind = \"command\"\nprotocol = \"each\"\nargv = [\"sh\", \"score.sh\", \"{structure}\"]\nname = \"s\"\n\
                  version = \"1\"\ncolumns = [{ name = \"score\" }]\npattern = '(?P<score>[0-9]+)'";
    let file = env.campaign("c").shard(5).scorer(scorer).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(3);
    let sealed = std::fs::read_dir(env.path("d/groups")).unwrap().count();
    assert_eq!(sealed, 3, "all of it had been sealed");
    env.write("score.sh", "echo 5\n");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0).says("12 records: 12 OK");
    env.molsieve(["verify", "d", "--allow-unsigned"]).exits(0);
}

#[test]
fn where_every_record_may_be_an_error_the_campaign_file_says_so_and_nothing_pauses() {
    let env = TestEnv::new();
    env.small_library(150);
    let scorer = "kind = \"command\"\nprotocol = \"each\"\nargv = [\"echo\", \"{structure}\"]\nname = \"s\"\n\
                  version = \"1\"\ncolumns = [{ name = \"score\" }]\npattern = 'never (?P<score>[0-9]+)'";
    let file = env.campaign("c").shard(50).scorer(scorer).with("[limits]\nmax_error_rate = 1.0").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0).says("150 ERROR").says("WARNING");
}
