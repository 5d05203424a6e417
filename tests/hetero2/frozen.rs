//! The schemas are frozen: a pack of version 1 is made again byte for byte, for ever.

use std::path::PathBuf;

use molsieve::fs::Staged;
use molsieve::pack::hetero2;
use molsieve::pack::manifest::Manifest;
use molsieve::pack::verify::{self, Trust};
use serde_json::Value as Json;
use tempfile::TempDir;

use super::members;
use crate::support::env::{TestEnv, project};

fn fixture(name: &str) -> PathBuf {
    project("tests/fixtures/hetero2/v1").join(name)
}

/// The shape of the frozen pack, made now; in a directory that goes away when it is dropped.
fn made() -> (TempDir, PathBuf, Manifest) {
    let pack = fixture("evidence_pack.zip");
    let (report, manifest) = verify::inspect(&pack, &Trust::integrity()).unwrap();
    assert!(report.verified, "{:?}", report.problems);
    let (dir, manifest) = (tempfile::tempdir().unwrap(), manifest.unwrap());
    let out = dir.path().join("hetero2.zip");
    let mut staged = Staged::create_beside(&out).unwrap();
    hetero2::export(&pack, &manifest, &mut staged).unwrap();
    assert!(staged.commit_new().unwrap());
    (dir, out, manifest)
}

#[test]
fn the_shape_of_version_1_is_made_again_byte_for_byte() {
    let (_dir, out, manifest) = made();
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
        let frozen = std::fs::read(fixture(&format!("{name}.audit.json"))).unwrap();
        let frozen: Json = serde_json::from_slice(&frozen).unwrap();
        assert_eq!(env.facts(["report", "audit", &pack, "--id", name]), frozen);
    }
    let report = env.facts(["report", "conformance", &fixture("files").display().to_string()]);
    assert_eq!((&report["conforms"], &report["lacks"]), (&true.into(), &serde_json::json!([])));
}

#[test]
fn every_column_and_every_file_of_the_shape_is_documented() {
    let page = std::fs::read_to_string(project("docs/formats/hetero2.md")).unwrap();
    let (_dir, out, _) = made();
    let names = members(&out).into_keys();
    for word in names.chain(hetero2::columns::summary(true).into_iter().map(str::to_owned)) {
        assert!(page.contains(&format!("`{word}`")), "docs/formats/hetero2.md does not tell of `{word}`");
    }
}
