//! Packs of every version that was ever written here are readable for ever.

use std::path::{Path, PathBuf};

use molsieve::pack::keys::PublicKey;
use molsieve::pack::manifest::Manifest;
use molsieve::pack::verify::{self, Report, Trust};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/packs/v1").join(name)
}

#[test]
fn the_pack_of_version_1_verifies() {
    let trust = Trust { keys: vec![PublicKey::load(&fixture("K.pub.pem")).unwrap()], ..Trust::default() };
    let report = verify::verify(&fixture("evidence_pack.zip"), &trust).unwrap();
    let expected: Report = serde_json::from_slice(&std::fs::read(fixture("report.json")).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), serde_json::to_value(&expected).unwrap());
    assert!(report.verified);
}

#[test]
fn the_manifest_of_version_1_reads_and_writes_back() {
    let bytes = std::fs::read(fixture("manifest.json")).unwrap();
    let manifest = Manifest::read(&bytes).unwrap();
    assert_eq!(manifest.to_bytes().unwrap(), bytes);
    assert_eq!(manifest.records.total, 40);
    assert_eq!(manifest.campaign.seed, 7);
}

#[test]
fn the_receipt_of_version_1_reads_and_writes_back() {
    use molsieve::canonical::json;
    use molsieve::shard::receipt::Receipt;
    let bytes = std::fs::read(fixture("receipt.json")).unwrap();
    let receipt: Receipt = json::from_slice("the fixture", &bytes).unwrap();
    assert_eq!(receipt.ordinals, 15..30);
    let rows = std::fs::read(fixture("group.rows")).unwrap();
    assert_eq!(molsieve::digest::blake3(&rows), receipt.rows.blake3);
    assert_eq!(rows.len() as u64, receipt.rows.bytes);
}
