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
