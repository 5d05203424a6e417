//! A library of molfiles in every mode: each gives the scorer what a run gives it.

use serde_json::json;

use crate::support::env::{Run, TestEnv};

/// Records of the library.
const RECORDS: u64 = 60;

/// A scorer of molfiles, which asks for more time as long as there is no file `healthy`, if it is told to.
const ATOMS: &str = r#"
import json, os, sys, time
print(json.dumps({"name": "atoms", "version": "1", "columns": [{"name": "lines", "type": "int"}], "batch_size": 8,
                  "deterministic": True, "reasons": ["tired"]}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    tired = "moody" in sys.argv and not os.path.exists("healthy")
    results = [[o, "ERROR", "tired"] if tired and o % 7 == 0 else [o, "OK", {"lines": s.count("\n")}]
               for o, _, s, _ in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// A place with an SD file and a campaign of it.
fn place(shards: &str, args: &[&str]) -> (TestEnv, String) {
    let env = TestEnv::new();
    let molfile = |i: u64| format!("id{i}\n  prog\n\n{}M  END\n$$$$\n", "M  REM\n".repeat(1 + i as usize % 9));
    env.write("library.sdf", (0..RECORDS).map(molfile).collect::<String>());
    let script = env.write("atoms.py", ATOMS);
    let file = env.campaign("c").library("library.sdf").shards(shards).python(&script, args).write();
    (env, file)
}

/// The rows of the pack in `dir`, without their ordinals and ids.
fn ends(env: &TestEnv, dir: &str) -> Vec<String> {
    let text = std::fs::read_to_string(env.path(dir).join("pack/summary.csv")).unwrap();
    text.lines().skip(1).map(|row| row.splitn(3, ',').nth(2).unwrap().to_owned()).collect()
}

fn scored() -> Vec<String> {
    (0..RECORDS).map(|i| format!("OK,,{}", 4 + i % 9 + 1)).collect()
}

#[test]
fn a_pilot_and_shards_by_time_ask_the_scorer() {
    let (env, file) = place("target = \"1min\"", &[]);
    let pilot = env.facts(["pilot", &file, "--dir", "piloted", "--records", "50"])["pilot"].clone();
    assert_eq!((&pilot["errors"], &pilot["reasons"]), (&json!(0), &json!({})), "{pilot}");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert_eq!(ends(&env, "d"), scored());
}

#[test]
fn every_record_is_the_same_when_it_is_scored_again() {
    let (env, file) = place("records = 16", &[]);
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let verify = ["verify", "d", "--allow-unsigned", "--rescore", "100%"];
    let found = env.facts(verify)["rescore"].clone();
    assert_eq!((&found["same"], &found["differ"]), (&json!(RECORDS), &json!(0)), "{found}");
    env.molsieve(verify).exits(0).says("SAME");
}

#[test]
fn doctor_examines_the_scorer_and_not_molsieve() {
    let (env, file) = place("records = 16", &[]);
    env.molsieve(["doctor", "scorer", &file, "--records", "30"]).exits(0).says("DETERMINISTIC, as it says");
    let facts = env.facts(["doctor", "scorer", &file, "--records", "30"]);
    assert_eq!((&facts["records"], &facts["answered"]), (&json!(30), &json!(30)), "{facts}");
    let script = env.write("moody.py", ATOMS.replace("s.count(\"\\n\")", "len(request[\"records\"])"));
    let moody = env.campaign("moody").library("library.sdf").python(&script, &[]).write();
    env.molsieve(["doctor", "scorer", &moody, "--records", "30"]).exits(4).says("NOT DETERMINISTIC");
}

#[test]
fn doctor_says_nothing_of_a_scorer_that_answered_nothing() {
    let refused = |run: Run, why: &str| run.exits(2).says("the scorer answered none of the").says(why);
    let (env, file) = place("records = 16", &[]);
    env.write("library.sdf", "a\n\u{1}\n\nM  END\n$$$$\n".repeat(12));
    refused(env.molsieve(["doctor", "scorer", &file]), "12 bad_encoding");
    let script = env.write("dies.py", ATOMS.replace("    request = ", "    sys.exit(3)\n    request = "));
    env.small_library(3);
    let file = env.campaign("dies").python(&script, &[]).write();
    refused(env.molsieve(["doctor", "scorer", &file]), "3 crash");
}

#[test]
fn retry_asks_the_scorer_again() {
    let (env, file) = place("records = 16", &["moody"]);
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert!(ends(&env, "d").contains(&"ERROR,tired,".to_owned()));
    env.molsieve(["retry", "d", "--errors=tired"]).exits(0);
    env.write("healthy", "");
    env.molsieve(["resume", "d-retry"]).exits(0);
    assert_eq!(ends(&env, "d-retry"), scored());
}
