//! `doctor`: what it finds out about a scorer.

use crate::support::env::{TestEnv, project};

/// A scorer whose score is what `score` (Python) says of structure `s`, of its place `i` in the request, of how many
/// requests came before (`n`) and of its seed.
fn scorer(env: &TestEnv, name: &str, score: &str, is_deterministic: bool) -> String {
    let says = if is_deterministic { "True" } else { "False" };
    let script = format!(
        r#"
import json, os, sys
print(json.dumps({{"name": "{name}", "version": "1", "columns": [{{"name": "score", "type": "float"}}],
                  "batch_size": 16, "deterministic": {says}}}), flush=True)
for n, line in enumerate(sys.stdin):
    request = json.loads(line)
    results = [[o, "OK", {{"score": {score}}}] for i, (o, _, s, seed) in enumerate(request["records"])]
    print(json.dumps({{"seq": request["seq"], "results": results}}), flush=True)
"#
    );
    let script = env.write(&format!("{name}.py"), script);
    env.campaign(name).python(&script, &[]).write()
}

#[test]
fn a_scorer_that_always_answers_the_same_is_said_to() {
    let env = TestEnv::new();
    env.small_library(300);
    let file = env.campaign("c").python(&project("tests/scorers/seeded.py"), &[]).write();
    env.molsieve(["doctor", "scorer", &file, "--records", "40"]).exits(0).says("DETERMINISTIC, as it says");
    let facts = env.facts(["doctor", "scorer", &file, "--records", "40"]);
    assert_eq!((&facts["schema"], &facts["agrees"]), (&"molsieve.doctor-scorer.v1".into(), &true.into()), "{facts}");
    assert_eq!(facts["records"], 40);
    let names: Vec<&str> = facts["rounds"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    let own = "in batches of its own size";
    assert_eq!(names, ["alone", "in batches of 7", own, "shuffled", "by two children", "again"]);
    assert!(!env.path("c").exists(), "no campaign is made");
}

#[test]
fn a_scorer_that_says_that_it_is_deterministic_and_is_not_is_refused() {
    let env = TestEnv::new();
    env.small_library(50);
    for (name, score) in [("place", "len(s) + i / 4"), ("history", "len(s) + n"), ("process", "os.getpid()")] {
        let file = scorer(&env, name, score, true);
        let run = env.molsieve(["doctor", "scorer", &file, "--records", "30"]).exits(4);
        run.says("NOT DETERMINISTIC").says("`score` differs in").says("seed of the record");
    }
    let facts = env.facts(["doctor", "scorer", "place.toml", "--records", "30"]);
    let round = facts["rounds"].as_array().unwrap().iter().find(|r| r["name"] == "in batches of 7").unwrap();
    assert_eq!(round["difference"]["columns"][0]["largest"], 1.5, "{round}");
}

#[test]
fn what_a_scorer_does_not_claim_is_no_fault_and_it_is_told_how_to_claim_it() {
    let env = TestEnv::new();
    env.small_library(50);
    let moody = scorer(&env, "moody", "len(s) + n", false);
    env.molsieve(["doctor", "scorer", &moody, "--records", "20"]).exits(0).says("not deterministic, as it says");
    let modest = scorer(&env, "modest", "len(s) + seed % 7", false);
    env.molsieve(["doctor", "scorer", &modest, "--records", "20"]).exits(0).says("`\"deterministic\":true`");
}

#[test]
fn built_in_scorers_are_examined_as_well() {
    let env = TestEnv::new();
    env.small_library(50);
    env.write("actives.smi", "CCO a\nc1ccccc1 b\n");
    let file = env.campaign("c").scorer("kind = \"similarity\"\nactives = \"actives.smi\"").write();
    env.molsieve(["doctor", "scorer", &file]).exits(0).says("DETERMINISTIC, as it says").says("50 records");
    env.molsieve(["doctor", "scorer", "nowhere.toml"]).exits(2);
}

#[test]
fn of_a_scorer_that_mostly_fails_it_is_said_how_often_why_and_what_was_seen() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\nCC\tb\nCCC\tc\nCCCC\td\nCCCCC\te\n");
    env.write("it.sh", "case $1 in C) echo score 1;; CCC) echo oh dear >&2; exit 3;; *) echo score n/a;; esac\n");
    let scorer = "kind = \"command\"\nprotocol = \"each\"\nargv = [\"sh\", \"it.sh\", \"{structure}\"]\nname = \"sh\"\n\
                  version = \"1\"\ncolumns = [{ name = \"score\" }]\npattern = '(?m)^score (?P<score>.+)$'";
    let file = env.campaign("c").scorer(scorer).write();
    let told = env.molsieve(["doctor", "scorer", &file]).exits(0);
    told.says("all answers agree")
        .says("1 records\n")
        .says("3 records, such as record 1\n    molsieve: record 1 (b): bad_value: score = \"n/a\"")
        .says("ERROR crash")
        .says("record 2 (c): stderr: oh dear")
        .says("warning: 4 of 5 records are ERROR");
    let facts = env.facts(["doctor", "scorer", &file]);
    let ends: Vec<(&str, &str, u64, u64)> = facts["ends"].as_array().unwrap().iter().map(end).collect();
    assert_eq!(ends, [("OK", "", 1, 0), ("ERROR", "bad_value", 3, 1), ("ERROR", "crash", 1, 2)], "{facts}");
}

fn end(facts: &serde_json::Value) -> (&str, &str, u64, u64) {
    let text = |key: &str| facts[key].as_str().unwrap();
    (text("outcome"), text("reason"), facts["records"].as_u64().unwrap(), facts["first"].as_u64().unwrap())
}
