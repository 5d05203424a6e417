//! Some of a pack is scored again: nobody chooses what, and what differs is said.

use serde_json::{Value, json};

use super::signed;
use crate::support::env::{TestEnv, project};

/// A scorer whose answer is in a file of its own, which the campaign does not name: so it can change its mind.
const MOODY: &str = r#"
import json, sys
claims = sys.argv[1] == "yes"
print(json.dumps({"name": "moody", "version": "1", "columns": [{"name": "score", "type": "float"}], "batch_size": 8,
                  "deterministic": claims}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    mood, least = json.load(open("mood.json"))
    results = [[o, "OK", {"score": len(s) + (mood if o >= least else 0)}] for o, _, s, _ in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// A campaign of the moody scorer in `d`, which scored in the mood 0.
fn moody(claims: &str) -> TestEnv {
    let env = TestEnv::new();
    env.small_library(100);
    let script = env.write("moody.py", MOODY);
    env.write("mood.json", "[0, 0]");
    let file = env.campaign("moody").python(&script, &[claims]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env
}

fn rescore(env: &TestEnv, share: &str) -> Value {
    env.facts(["verify", "d", "--allow-unsigned", "--rescore", share])["rescore"].clone()
}

#[test]
fn a_sample_of_any_share_is_the_same_again_and_has_at_least_one_record() {
    let env = signed();
    for (share, least, most) in [("100%", 100, 100), ("20%", 5, 45), ("0.0001%", 1, 1)] {
        let found = rescore(&env, share);
        let sampled = found["sampled"].as_u64().unwrap();
        assert!((least..=most).contains(&sampled), "{share}: {found}");
        assert_eq!((&found["same"], &found["differ"]), (&json!(sampled), &json!(0)));
        assert_eq!(found, rescore(&env, share), "the sample is a function of the payload");
    }
    env.molsieve(["verify", "d", "--key", "k.pub.pem", "--rescore", "10%"]).exits(0).says("VERIFIED; ").says("SAME");
    env.molsieve(["verify", "d/pack/evidence_pack.zip", "--key", "k.pub.pem", "--rescore", "10%"]).exits(0);
}

#[test]
fn a_deterministic_scorer_that_answers_otherwise_is_exit_4_with_rows_and_by_how_much() {
    let env = moody("yes");
    env.write("mood.json", "[0.25, 90]");
    let found = rescore(&env, "100%");
    assert_eq!((&found["same"], &found["differ"]), (&json!(90), &json!(10)));
    assert_eq!(found["largest"], json!({"score": 0.25}));
    assert_eq!(found["differences"][0]["ordinal"], 90);
    let run = env.molsieve(["verify", "d", "--allow-unsigned", "--rescore", "100%"]).exits(4);
    let headline = "RESCORED ROWS DIFFER: 10 of 100; the pack itself is intact, and not signed by a key that you trust";
    assert_eq!(run.stdout().lines().next(), Some(headline), "the first line is the verdict of both");
    run.says("DIFFERENT").says("record 90").says("`score` differs by up to 0.25").says("doctor scorer");
    env.molsieve(["verify", "d", "--allow-unsigned"]).exits(0);
}

#[test]
fn of_a_scorer_that_claims_nothing_differences_are_counted_and_no_failure() {
    let env = moody("no");
    env.write("mood.json", "[1, 0]");
    env.molsieve(["verify", "d", "--allow-unsigned", "--rescore", "100%"])
        .exits(0)
        .says("100 of 100 rescored rows differ, as they may");
}

#[test]
fn what_load_or_memory_caused_is_left_out() {
    let env = TestEnv::new();
    env.small_library(20);
    let script = env.write(
        "dies.py",
        MOODY.replace(
            "    results =",
            "    if any(o == 3 for o, *_ in request[\"records\"]) and mood: sys.exit(9)\n    results =",
        ),
    );
    env.write("mood.json", "[1, 1000]");
    let file = env.campaign("dies").python(&script, &["yes"]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert!(std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap().contains("ERROR,crash"));
    let found = rescore(&env, "100%");
    assert_eq!((&found["sampled"], &found["same"]), (&json!(20), &json!(19)));
    assert_eq!((&found["circumstantial"], &found["differ"]), (&json!(1), &json!(0)));
}

#[test]
fn another_campaign_a_changed_scorer_and_a_wrong_share_are_refused() {
    let env = moody("yes");
    let other = env.campaign("other").seed(9).write();
    env.molsieve(["run", &other, "--dir", "e"]).exits(0);
    let verify = ["verify", "d", "--allow-unsigned", "--rescore", "5%", "--campaign"];
    env.molsieve(verify.into_iter().chain(["e"])).exits(2).says("is not that of the pack");
    env.molsieve(verify.into_iter().chain(["nowhere"])).exits(2);
    std::fs::copy(env.path("d/pack/evidence_pack.zip"), env.path("alone.zip")).unwrap();
    env.molsieve(["verify", "alone.zip", "--allow-unsigned", "--rescore", "5%"]).exits(2).says("--campaign DIR");
    env.molsieve(["verify", "alone.zip", "--allow-unsigned", "--rescore", "5%", "--campaign", "d"]).exits(0);
    for share in ["0%", "5", "101%", "x%"] {
        env.molsieve(["verify", "d", "--allow-unsigned", "--rescore", share]).exits(2);
    }
    env.write("moody.py", format!("{MOODY}\n# changed"));
    env.molsieve(["verify", "d", "--allow-unsigned", "--rescore", "5%"]).exits(2).says("the scorer changed");
    env.write("d/pack/metrics.json", "{}");
    env.molsieve(["verify", "d", "--allow-unsigned", "--rescore", "5%"]).exits(4).says("metrics.json");
}

#[test]
fn seeds_are_those_of_the_campaign() {
    let env = TestEnv::new();
    env.small_library(60);
    let file = env.campaign("seeded").seed(77).python(&project("tests/scorers/seeded.py"), &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert_eq!(rescore(&env, "50%")["differ"], 0);
}
