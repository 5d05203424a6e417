//! The schemas are frozen: a pack of version 1 is made again byte for byte, for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use molsieve::fs::Staged;
use molsieve::pack::hetero2;
use molsieve::pack::verify::{self, Trust};
use serde_json::Value as Json;

use super::members;
use crate::support::env::{TestEnv, project};

fn fixture(name: &str) -> PathBuf {
    project("tests/fixtures/hetero2/v1").join(name)
}

#[test]
fn the_shape_of_version_1_is_made_again_byte_for_byte() {
    let pack = fixture("evidence_pack.zip");
    let (report, manifest) = verify::inspect(&pack, &Trust::integrity()).unwrap();
    assert!(report.verified, "{:?}", report.problems);
    let manifest = manifest.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("hetero2.zip");
    let mut staged = Staged::create_beside(&out).unwrap();
    hetero2::export(&pack, &manifest, &mut staged).unwrap();
    assert!(staged.commit_new().unwrap());
    for (name, bytes) in members(&out) {
        let frozen = std::fs::read(fixture(&format!("files/{name}"))).unwrap();
        assert!(bytes == frozen, "`{name}` is another:\n{}", String::from_utf8_lossy(&bytes));
    }
    let listed = std::fs::read_dir(fixture("files")).unwrap().count();
    assert_eq!(members(&out).len(), listed);
    let entry = manifest.file(hetero2::FILE).unwrap();
    assert_eq!(molsieve::digest::sha256(&std::fs::read(&out).unwrap()), entry.sha256);
}

#[test]
fn the_audit_of_version_1_is_what_it_was() {
    let env = TestEnv::new();
    let pack = fixture("evidence_pack.zip").display().to_string();
    for name in ["aspirin", "methane"] {
        let frozen: Json =
            serde_json::from_slice(&std::fs::read(fixture(&format!("{name}.audit.json"))).unwrap()).unwrap();
        assert_eq!(env.facts(["report", "audit", &pack, "--id", name]), frozen);
    }
    let report = env.facts(["report", "conformance", &fixture("files").display().to_string()]);
    assert_eq!((&report["conforms"], &report["lacks"]), (&true.into(), &serde_json::json!([])));
}

#[test]
fn every_reason_and_every_file_of_the_shape_is_documented() {
    let page = std::fs::read_to_string(project("docs/formats/hetero2.md")).unwrap();
    let names: BTreeSet<String> = members(&{
        let dir = tempfile::tempdir().unwrap().keep();
        let out = dir.join("hetero2.zip");
        let pack = fixture("evidence_pack.zip");
        let manifest = verify::inspect(&pack, &Trust::integrity()).unwrap().1.unwrap();
        let mut staged = Staged::create_beside(&out).unwrap();
        hetero2::export(&pack, &manifest, &mut staged).unwrap();
        staged.commit_new().unwrap();
        out
    })
    .into_keys()
    .collect();
    let columns = hetero2::columns::summary(true);
    let told = names.iter().map(String::as_str).chain(columns);
    for word in told {
        assert!(page.contains(&format!("`{word}`")), "docs/formats/hetero2.md does not tell of `{word}`");
    }
}
