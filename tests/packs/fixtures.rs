//! Packs of every version that was ever written here are readable for ever.

use std::path::{Path, PathBuf};

use molsieve::pack::keys::PublicKey;
use molsieve::pack::manifest::Manifest;
use molsieve::pack::verify::{self, Report, Trust};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/packs/v1").join(name)
}

/// The text between the first pair of backticks behind `before` in a page of the documentation.
fn vector<'a>(page: &'a str, before: &str) -> &'a str {
    page.split_once(before).and_then(|(_, rest)| rest.split('`').nth(1)).unwrap()
}

#[test]
fn the_vectors_of_the_payload_digest_hold() {
    use molsieve::digest::merkle::{CompactRange, leaf};
    let page = include_str!("../../docs/formats/summary.md");
    let lines = page.split_once("```csv\n").and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
    let mut tree = CompactRange::starting_at(0);
    for (i, line) in lines.lines().enumerate() {
        tree.push(leaf(line.as_bytes()));
        assert_eq!(tree.root().unwrap().sha256_uri(), vector(page, &format!("\n| {} |", i + 1)));
    }
    assert_eq!(tree.end(), 4);
}

#[test]
fn the_vectors_of_the_signature_hold() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use molsieve::pack::envelope::pre_authentication;
    let page = include_str!("../../docs/formats/attestation.md");
    let der: Vec<u8> = vector(page, "| DER SPKI |")
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("K.pub.pem");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    std::fs::write(&path, pem).unwrap();
    let key = PublicKey::load(&path).unwrap();
    assert_eq!(key.keyid(), vector(page, "| keyid |"));
    let statement = vector(page, "| statement |");
    assert_eq!(STANDARD.encode(statement), vector(page, "| payload |"));
    let signed = pre_authentication(statement.as_bytes());
    assert_eq!(signed, vector(page, "| signed bytes |").as_bytes());
    assert!(key.verifies(&signed, &STANDARD.decode(vector(page, "| sig |")).unwrap()));
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
