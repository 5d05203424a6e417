//! Retry: a generation that scores some records again.

use std::collections::BTreeMap;
use std::path::Path;

use super::{RECORDS, Server, interrupted, licensed, undisturbed};
use crate::support::env::{TestEnv, project};

/// Every file under `dir` with its content.
pub fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                all.insert(path.display().to_string(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// A complete campaign in `d`, in which some records took too long.
fn with_timeouts(env: &TestEnv) {
    let script = project("tests/scorers/licensed.py");
    let file = env.campaign("d").shard(10).python(&script, &["0", "slow"]).write();
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("protocol =", "timeout = \"700ms\"\nprotocol ="));
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
}

#[test]
fn what_timed_out_is_scored_again_in_a_generation_that_names_its_parent() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    with_timeouts(&env);
    let timeouts = env.facts(["status", "d"])["reasons"]["timeout"].as_u64().unwrap();
    assert!(timeouts > 0 && env.payload_of("d") != undisturbed);
    let before = tree(&env.path("d"));
    let facts = env.facts(["retry", "d", "--errors=timeout,oom"]);
    assert_eq!(facts["retried"], timeouts);
    assert_eq!(facts["carried"], RECORDS as u64 - timeouts);
    assert_eq!(facts["unfinished"], 0);
    env.write("healthy", "");
    env.molsieve(["resume", "d-retry", "--timeout", "10min"]).exits(0);
    assert_eq!(env.payload_of("d-retry"), undisturbed);
    assert!(tree(&env.path("d")) == before, "the parent was changed");
    let manifest = std::fs::read_to_string(env.path("d-retry/pack/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let parent = &manifest["campaign"]["parent"];
    assert_eq!(parent["payload"], env.payload_of("d"));
    assert_eq!(parent["reasons"], serde_json::json!(["oom", "timeout"]));
    assert_eq!(parent["pack"], env.facts(["verify", "--allow-unsigned", "d/pack"])["pack_digest"]);
    let text = std::fs::read_to_string(env.path("d-retry/pack/provenance.json")).unwrap();
    let provenance: serde_json::Value = serde_json::from_str(&text).unwrap();
    let scored: u64 = provenance["groups"].as_array().unwrap().iter().map(|g| g["scored"].as_u64().unwrap()).sum();
    assert_eq!(scored, timeouts, "only what timed out was scored again");
    assert!(text.contains("carried_over"));
    env.molsieve(["retry", "d-retry", "--errors=timeout"]).exits(2).says("nothing to retry");
}

#[test]
fn a_paused_campaign_hands_on_what_it_has_and_leaves_the_rest_to_be_done() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let port = interrupted(&env, "");
    let status = env.facts(["status", "d"]);
    let errors = status["records"]["error"].as_u64().unwrap();
    assert!(errors > 0, "{status}");
    let facts = env.facts(["retry", "d", "--errors", "--dir", "again"]);
    assert_eq!(facts["retried"], errors);
    assert_eq!(facts["carried"], crate::support::env::finished(&status) - errors);
    assert_eq!(facts["carried"].as_u64().unwrap() + errors + facts["unfinished"].as_u64().unwrap(), RECORDS as u64);
    let _server = Server::healthy(port);
    env.molsieve(["resume", "again"]).exits(0);
    assert_eq!(env.payload_of("again"), undisturbed);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed, "the parent goes its own way");
}

#[test]
fn what_cannot_be_retried_is_told_before_anything_is_written() {
    let env = TestEnv::new();
    undisturbed(&env);
    for (args, code, words) in [
        (vec!["retry", "undisturbed", "--errors=crash"], 2, "nothing to retry"),
        (vec!["retry", "undisturbed", "--errors=tired"], 2, "no_fit"),
        (vec!["retry", "undisturbed"], 2, "--errors"),
        (vec!["retry", "undisturbed", "--errors", "--dir", "undisturbed"], 2, "already"),
    ] {
        env.molsieve(args).exits(code).says(words);
    }
    assert!(!env.path("undisturbed-retry").exists());
    let group = env.path("undisturbed/groups/000003");
    let rows = std::fs::read_dir(&group).unwrap().map(|e| e.unwrap().path());
    let rows = rows.into_iter().find(|path| path.extension().is_some_and(|e| e == "rows")).unwrap();
    let text = std::fs::read_to_string(&rows).unwrap();
    std::fs::write(&rows, text.replacen("OK,,1", "OK,,2", 1)).unwrap();
    assert_ne!(text, std::fs::read_to_string(&rows).unwrap(), "nothing was changed");
    env.molsieve(["retry", "undisturbed", "--errors"]).exits(4).says("digest");
    assert!(!env.path("undisturbed-retry").exists());
}

#[test]
fn a_generation_is_resumed_by_its_campaign_file_as_well() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    env.molsieve(["retry", "undisturbed", "--errors=no_fit"]).exits(0);
    let file = licensed(&env, "undisturbed", 0, "", "");
    env.molsieve(["run", &file, "--dir", "undisturbed-retry"]).exits(0);
    assert_eq!(env.payload_of("undisturbed-retry"), undisturbed);
}

#[test]
fn a_scorer_that_changed_is_refused_before_a_generation_is_made_and_another_program_is_told() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let script = env.write("score.py", std::fs::read(project("tests/scorers/seeded.py")).unwrap());
    env.molsieve(["run", &env.campaign("d").shard(50).python(&script, &[]).write(), "--dir", "d"]).exits(0);
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, text.replace("% 17", "% 19")).unwrap();
    env.molsieve(["retry", "d", "--errors"]).exits(2).says("`score.py` has another content").says("of its own");
    assert!(!env.path("d-retry").exists(), "nothing was made");

    // As the program itself it counts by its name alone: rows of both are told of.
    std::fs::write(&script, format!("#!{}\n{text}", crate::support::env::python())).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let file = env.campaign("e").scorer("kind = \"command\"\nargv = [\"./score.py\"]").write();
    env.molsieve(["run", &file, "--dir", "e"]).exits(0);
    assert!(env.facts(["retry", "e", "--errors", "--dir", "e1"])["other_program"].is_null());
    std::fs::write(&script, format!("#!{}\n# mended\n{text}", crate::support::env::python())).unwrap();
    env.molsieve(["retry", "e", "--errors", "--dir", "e2"]).exits(0).says("score.py` is another file");
}
