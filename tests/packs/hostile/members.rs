//! Members changed, added, dropped; and whole packs sealed anew by somebody who has no key.

use molsieve::digest::sha256;
use molsieve::pack::verify::Code;

use super::{Members, anyone, assert_code, sample, verify_members};

/// A way of tampering with a signed pack, and the code that names it.
pub(super) type Case = (&'static str, fn(&mut Members), Code);

fn edit(members: &mut Members, name: &str, from: &str, to: &str) {
    let old = String::from_utf8(members[name].clone()).unwrap();
    assert!(old.contains(from), "{name} holds no {from}");
    members.insert(name.to_owned(), old.replacen(from, to, 1).into_bytes());
}

pub(super) const CASES: &[Case] = &[
    ("a score is changed", |m| edit(m, "summary.csv", ",-8,", ",-9,"), Code::MemberDigest),
    ("the page is changed", |m| edit(m, "index.md", "complete", "cOmplete"), Code::MemberDigest),
    ("the page is longer", |m| m.get_mut("index.md").unwrap().push(b'\n'), Code::MemberSize),
    (
        "the rows end early",
        |m| {
            m.get_mut("summary.csv").unwrap().pop();
        },
        Code::MemberSize,
    ),
    (
        "hits are dropped",
        |m| {
            m.remove("hits.csv");
        },
        Code::MemberMissing,
    ),
    (
        "the payload is dropped",
        |m| {
            m.remove("summary.csv");
        },
        Code::MemberMissing,
    ),
    (
        "a file is added",
        |m| {
            m.insert("extra.csv".to_owned(), b"x".to_vec());
        },
        Code::MemberUnlisted,
    ),
    (
        "the manifest is dropped",
        |m| {
            m.remove("manifest.json");
        },
        Code::ManifestMissing,
    ),
    (
        "the manifest is empty",
        |m| {
            m.insert("manifest.json".to_owned(), Vec::new());
        },
        Code::ManifestMalformed,
    ),
    ("the manifest has white space", |m| edit(m, "manifest.json", ":", ": "), Code::ManifestMalformed),
    ("the manifest has another field", |m| edit(m, "manifest.json", "{", "{\"a\":1,"), Code::ManifestMalformed),
    (
        "the manifest says a field twice",
        |m| edit(m, "manifest.json", "{", "{\"complete\":true,"),
        Code::ManifestMalformed,
    ),
    ("the manifest is of the future", |m| edit(m, "manifest.json", "manifest.v1", "manifest.v2"), Code::ManifestSchema),
    ("the seed is changed", |m| edit(m, "manifest.json", "\"seed\":7", "\"seed\":8"), Code::AttestationMismatch),
    (
        "the checksums are dropped",
        |m| {
            m.remove("checksums.sha256");
        },
        Code::ChecksumsMissing,
    ),
    ("the checksums are changed", |m| edit(m, "checksums.sha256", "hits", "hats"), Code::ChecksumsMismatch),
    (
        "the checksums are empty",
        |m| {
            m.insert("checksums.sha256".to_owned(), Vec::new());
        },
        Code::ChecksumsMismatch,
    ),
];

#[test]
fn what_is_done_to_the_members_is_named() {
    for (case, tamper, code) in CASES {
        let mut members = sample().members.clone();
        tamper(&mut members);
        assert_code(&verify_members(&members, &sample().trust()), *code, case);
    }
}

/// Brings the manifest and the checksums in line with the content, as a forger would.
fn reseal(members: &mut Members) {
    let mut manifest: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    for entry in manifest["files"].as_array_mut().unwrap() {
        let content = &members[entry["name"].as_str().unwrap()];
        entry["bytes"] = content.len().into();
        entry["sha256"] = sha256(content).to_string().into();
    }
    set_manifest(members, &manifest);
}

/// Puts in a manifest and the checksums that follow from it; the attestation no longer fits and goes.
fn set_manifest(members: &mut Members, manifest: &serde_json::Value) {
    let bytes = molsieve::canonical::json::to_line(manifest).unwrap();
    let mut lines: Vec<(String, String)> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["name"].as_str().unwrap().to_owned(), f["sha256"].as_str().unwrap().to_owned()))
        .collect();
    lines.push(("manifest.json".to_owned(), sha256(&bytes).to_string()));
    lines.sort();
    let checksums = lines.iter().flat_map(|(name, sha256)| format!("{sha256}  {name}\n").into_bytes()).collect();
    members.insert("manifest.json".to_owned(), bytes);
    members.insert("checksums.sha256".to_owned(), checksums);
    members.remove("attestation.dsse.json");
}

fn forge(members: &mut Members, name: &str, from: &str, to: &str) {
    edit(members, name, from, to);
    reseal(members);
}

fn forge_rows(members: &mut Members, change: fn(&mut Vec<String>)) {
    let text = String::from_utf8(members["summary.csv"].clone()).unwrap();
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut rows);
    members.insert("summary.csv".to_owned(), rows.iter().flat_map(|r| [r.as_bytes(), b"\n"].concat()).collect());
    reseal(members);
}

fn forge_manifest(members: &mut Members, pointer: &str, value: serde_json::Value) {
    let mut manifest: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    *manifest.pointer_mut(pointer).unwrap() = value;
    set_manifest(members, &manifest);
}

const MALFORMED: Code = Code::ManifestMalformed;

/// A file that the campaign does not ask for.
fn add(members: &mut Members, name: &str) {
    members.insert(name.to_owned(), b"x".to_vec());
    let mut manifest: serde_json::Value = serde_json::from_slice(&members["manifest.json"]).unwrap();
    let entry = serde_json::json!({"name": name, "bytes": 1, "sha256": sha256(b"x").to_string()});
    let files = manifest["files"].as_array_mut().unwrap();
    files.push(entry);
    files.sort_by_key(|file| file["name"].as_str().unwrap().to_owned());
    set_manifest(members, &manifest);
}

pub(super) const RESEALED: &[Case] = &[
    ("an id", |m| forge(m, "summary.csv", "M0000001", "M1000001"), Code::PayloadDigest),
    ("a score", |m| forge(m, "summary.csv", ",-8,", ",-9,"), Code::PayloadDigest),
    ("a score, for the hits", |m| forge(m, "summary.csv", ",-8,", ",-9,"), Code::HitsMismatch),
    ("a score, for the metrics", |m| forge(m, "summary.csv", ",-8,", ",-9,"), Code::MetricsMismatch),
    ("a reason", |m| forge(m, "summary.csv", "too_big", "unparsable"), Code::PayloadCounts),
    ("an unknown reason", |m| forge(m, "summary.csv", "too_big", "too_tall"), Code::PayloadRow),
    ("a number", |m| forge(m, "summary.csv", ",-8,", ",-8x,"), Code::PayloadRow),
    ("a column", |m| forge(m, "summary.csv", ",-8,", ",-8,,"), Code::PayloadRow),
    ("an ordinal", |m| forge(m, "summary.csv", "\n7,", "\n07,"), Code::PayloadRow),
    ("the header", |m| forge(m, "summary.csv", "score", "Score"), Code::PayloadHeader),
    ("no rows at all", |m| forge_rows(m, Vec::clear), Code::PayloadHeader),
    (
        "the last row dropped",
        |m| {
            forge_rows(m, |rows| {
                rows.pop();
            });
        },
        Code::PayloadRow,
    ),
    (
        "a row dropped",
        |m| {
            forge_rows(m, |rows| {
                rows.remove(5);
            });
        },
        Code::PayloadOrder,
    ),
    ("a row doubled", |m| forge_rows(m, |rows| rows.insert(5, rows[5].clone())), Code::PayloadOrder),
    ("rows swapped", |m| forge_rows(m, |rows| rows.swap(5, 6)), Code::PayloadOrder),
    ("a row too many", |m| forge_rows(m, |rows| rows.push("40,x,OK,,1,1,".to_owned())), Code::PayloadOrder),
    (
        "the last line feed",
        |m| {
            m.get_mut("summary.csv").unwrap().pop();
            reseal(m);
        },
        Code::PayloadRow,
    ),
    ("a hit", |m| forge(m, "hits.csv", ",-8,", ",-7,"), Code::HitsMismatch),
    ("a signal that no decoys say", |m| add(m, "signal.json"), Code::SignalMismatch),
    ("a mean", |m| forge(m, "metrics.json", "\"n\":", "\"n\":1"), Code::MetricsMismatch),
    (
        "the digest",
        |m| forge_manifest(m, "/payload/digest", format!("sha256:{}", "0".repeat(64)).into()),
        Code::PayloadDigest,
    ),
    ("no digest", |m| forge_manifest(m, "/payload/digest", "md5:0".into()), Code::ManifestMalformed),
    ("a completeness", |m| forge_manifest(m, "/complete", false.into()), Code::ManifestMalformed),
    ("a total", |m| forge_manifest(m, "/records/total", 41.into()), Code::ManifestMalformed),
    ("a huge count", |m| forge_manifest(m, "/records/ok", u64::MAX.into()), Code::ManifestMalformed),
    ("a huge reason", |m| forge_manifest(m, "/records/reasons/too_big", u64::MAX.into()), Code::ManifestMalformed),
    ("a larger library", |m| forge_manifest(m, "/campaign/library/records", u64::MAX.into()), Code::ManifestMalformed),
    (
        "a missing range",
        |m| forge_manifest(m, "/missing", serde_json::json!([{"start": 1, "end": 2}])),
        Code::ManifestMalformed,
    ),
    ("a circumstance", |m| forge_manifest(m, "/circumstantial", 1.into()), Code::ManifestMalformed),
    ("a path", |m| forge_manifest(m, "/files/0/name", "../hits.csv".into()), Code::ManifestMalformed),
    ("a reserved name", |m| forge_manifest(m, "/files/0/name", "evidence_pack.zip".into()), Code::ManifestMalformed),
    ("a file unlisted", |m| forge_manifest(m, "/files", serde_json::json!([])), Code::ManifestMalformed),
    ("a seed that not every reader keeps", |m| forge_manifest(m, "/campaign/seed", (1u64 << 53).into()), MALFORMED),
    ("no outputs", |m| forge_manifest(m, "/campaign/pack/outputs", serde_json::json!([])), MALFORMED),
    (
        "an unknown output",
        |m| forge_manifest(m, "/campaign/pack/outputs", serde_json::json!(["csv", "xls"])),
        MALFORMED,
    ),
    ("outputs twice", |m| forge_manifest(m, "/campaign/pack/outputs", serde_json::json!(["csv", "csv"])), MALFORMED),
    (
        "unsorted outputs",
        |m| forge_manifest(m, "/campaign/pack/outputs", serde_json::json!(["hdf5", "csv"])),
        MALFORMED,
    ),
    (
        "an output that is not there",
        |m| forge_manifest(m, "/campaign/pack/outputs", serde_json::json!(["csv", "parquet"])),
        MALFORMED,
    ),
    ("a file that is no output", |m| add(m, "scores.h5"), MALFORMED),
    (
        "a manifest without a line feed",
        |m| {
            m.get_mut("manifest.json").unwrap().pop();
        },
        MALFORMED,
    ),
    ("a manifest with two line feeds", |m| m.get_mut("manifest.json").unwrap().push(b'\n'), MALFORMED),
    ("an enormous top", |m| forge_manifest(m, "/campaign/pack/top", u64::MAX.into()), Code::HitsMismatch),
];

#[test]
fn a_pack_that_was_sealed_anew_around_a_lie_is_named() {
    for (case, tamper, code) in RESEALED {
        let mut members = sample().members.clone();
        tamper(&mut members);
        assert_code(&verify_members(&members, &anyone()), *code, case);
        assert!(!verify_members(&members, &sample().trust()).verified, "{case}");
    }
}

#[test]
fn a_pack_of_somebody_else_is_not_mine() {
    let other = super::Packed::signed(40, 15);
    let report = molsieve::pack::verify::verify(&other.zip(), &sample().trust()).unwrap();
    assert_code(&report, Code::KeyUnknown, "another key");
}
