//! The pack is a Process Run Crate to a validator that is not ours.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{signed, unsigned};
use crate::support::env::{TestEnv, project, python};

fn metadata(env: &TestEnv) -> Value {
    serde_json::from_slice(&std::fs::read(env.path("d/pack/ro-crate-metadata.json")).unwrap()).unwrap()
}

fn entity<'a>(metadata: &'a Value, id: &str) -> &'a Value {
    let mut graph = metadata["@graph"].as_array().unwrap().iter();
    graph.find(|entity| entity["@id"] == id).unwrap_or_else(|| panic!("no entity `{id}`"))
}

/// What roc-validator says of the REQUIRED checks of RO-Crate 1.1 and Process Run Crate 0.5.
fn validate(pack: &Path) -> (bool, String) {
    let mut command = Command::new(python());
    command.arg(project("tests/external/check_ro_crate.py")).arg(pack).arg("process-run-crate-0.5");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("ModuleNotFoundError"), "run `./setup`: it installs tests/requirements.txt\n{said}");
    assert!(!said.contains("Traceback"), "{said}");
    (status.success(), said)
}

#[test]
fn the_validator_from_pypi_accepts_the_pack_signed_or_not_and_refuses_what_is_missing() {
    let env = unsigned();
    for step in ["unsigned", "signed"] {
        let (accepted, said) = validate(&env.path("d/pack"));
        assert!(accepted, "{step}: {said}");
        assert!(said.contains("47 checks ran") && said.contains("0 were skipped"), "{said}");
        env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
    }
    let good = metadata(&env);
    for (id, key) in [("#campaign", "instrument"), ("./", "license"), ("./", "conformsTo"), ("./", "datePublished")] {
        let mut bad = good.clone();
        let graph = bad["@graph"].as_array_mut().unwrap();
        let entity = graph.iter_mut().find(|entity| entity["@id"] == id).unwrap();
        entity.as_object_mut().unwrap().remove(key).unwrap();
        env.write("bad/ro-crate-metadata.json", bad.to_string());
        for file in std::fs::read_dir(env.path("d/pack")).unwrap().flatten() {
            if file.file_name() != "ro-crate-metadata.json" {
                std::fs::copy(file.path(), env.path("bad").join(file.file_name())).unwrap();
            }
        }
        assert!(!validate(&env.path("bad")).0, "without `{key}` of `{id}`");
    }
}

#[test]
fn the_crate_says_what_the_manifest_says() {
    let env = signed();
    let (found, manifest) = (metadata(&env), std::fs::read(env.path("d/pack/manifest.json")).unwrap());
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for file in manifest["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        if name == "ro-crate-metadata.json" {
            continue;
        }
        let described = entity(&found, name);
        assert_eq!(described["sha256"], file["sha256"], "{name}");
        assert_eq!(described["contentSize"], json!(file["bytes"].to_string()), "{name}");
        assert!(entity(&found, "#campaign")["result"].as_array().unwrap().contains(&json!({"@id": name})));
        assert!(entity(&found, "./")["hasPart"].as_array().unwrap().contains(&json!({"@id": name})));
    }
    assert_eq!(entity(&found, "./")["identifier"], manifest["payload"]["digest"]);
    let root = manifest["campaign"]["library"]["root"].as_str().unwrap();
    assert_eq!(entity(&found, "#library")["identifier"], json!(format!("blake3:{root}")));
    assert_eq!(entity(&found, "#scorer")["name"], "null");
    assert_eq!(entity(&found, "#seed")["value"], "1");
    assert_eq!(entity(&found, "#campaign")["actionStatus"]["@id"], "http://schema.org/CompletedActionStatus");
    let text = std::fs::read_to_string(env.path("d/pack/ro-crate-metadata.json")).unwrap();
    let here = env.path(".").display().to_string();
    assert!(!text.contains(here.trim_end_matches("/.")), "no path of this machine");
    assert!(found["@graph"].as_array().unwrap().iter().all(|e| e["@type"] != "Person"), "nobody is invented");
}

#[test]
fn two_runs_of_one_campaign_describe_themselves_alike_but_for_times_and_what_depends_on_them() {
    let describe = || {
        let env = unsigned();
        let mut found = metadata(&env);
        for entity in found["@graph"].as_array_mut().unwrap() {
            let timely = ["provenance.json", "index.md", "report.html"].iter().any(|name| entity["@id"] == *name);
            let keys: &[&str] =
                if timely { &["sha256", "contentSize"] } else { &["startTime", "endTime", "datePublished"] };
            for key in keys {
                entity.as_object_mut().unwrap().remove(*key);
            }
        }
        found
    };
    assert_eq!(describe(), describe());
}

#[test]
fn an_incomplete_pack_says_so_in_the_crate() {
    let env = TestEnv::new();
    env.small_library(100);
    let file = env.campaign("half").shard(50).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    std::fs::remove_dir_all(env.path("d/groups/000001")).unwrap();
    env.molsieve(["gather", "d", "--allow-incomplete"]).exits(3);
    let found = metadata(&env);
    let action = entity(&found, "#campaign");
    assert_eq!(action["actionStatus"]["@id"], "http://schema.org/FailedActionStatus");
    assert_eq!(action["error"], "INCOMPLETE: 50 records of the library are not in it");
    assert!(validate(&env.path("d/pack")).0);
}
