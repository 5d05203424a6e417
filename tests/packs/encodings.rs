//! Parquet and HDF5 in a pack: the same rows for readers that are not ours, the same bytes each time, and no cell changed unseen.

use std::path::Path;
use std::process::{Command, Output};

use molsieve::canonical::json;
use molsieve::digest;
use molsieve::encode::{self, Format};
use molsieve::error::Kind;
use molsieve::gather::Missing;
use molsieve::id::{GroupIndex, Ordinal};
use molsieve::library::record::Record;
use molsieve::pack::manifest::Manifest;
use molsieve::pack::seal::SealedPack;
use molsieve::pack::verify::{self, Code, Report, Trust};
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Value, Verdict};

use super::{anyone, codes, seal_pack};
use crate::support::env::{TestEnv, project, python};
use crate::support::sealed_groups::{ATTEMPT, Campaign, identity, row};

/// A campaign whose packs hold every encoding.
fn campaign(root: &Path, records: u64, shard_records: u64) -> Campaign {
    let mut identity = identity(records);
    identity.pack.outputs = ["csv", "hdf5", "parquet"].map(str::to_owned).to_vec();
    Campaign::of(&root.join("D"), identity, shard_records)
}

fn sealed(root: &Path, records: u64, row: fn(&mut RowBlock, Ordinal)) -> (Campaign, SealedPack) {
    let campaign = campaign(root, records, records.div_ceil(3));
    campaign.plan.all_groups().for_each(|group| campaign.seal_as(group, ATTEMPT, row, |_| {}));
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    (campaign, pack)
}

fn outside(args: &[&str]) -> String {
    let script = project("tests/external/read_encodings.py");
    let Output { status, stdout, stderr } = Command::new(python()).arg(script).args(args).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("ModuleNotFoundError"), "run `./setup`: it installs tests/requirements.txt\n{said}");
    assert!(status.success(), "{said}");
    said
}

fn read_outside(pack: &SealedPack) -> String {
    outside(&[&pack.path.display().to_string()])
}

/// What can go wrong in a cell: extremes, empty cells, every outcome, what must be quoted or escaped, long texts.
fn odd_row(block: &mut RowBlock, ordinal: Ordinal) {
    let long = "x".repeat(70_000);
    let ids: [&[u8]; 8] = [
        b"",
        b"a,\"b\"",
        b"\xff\x00\n\\",
        "\u{e9}\u{202e}\u{1f9ea}".as_bytes(),
        b" edge ",
        b"NaN",
        b"nan",
        long.as_bytes(),
    ];
    let floats = [0.0, -0.0, 5e-324, f64::MAX, f64::MIN, f64::EPSILON, -1.5, 0.1 + 0.2];
    let ints = [0, -1, (1 << 53) - 1, 1 - (1 << 53), 42, 7, i64::from(i32::MAX), i64::from(i32::MIN)];
    let texts: [&[u8]; 8] = [b"", b"None", b"\"", b",", b"\x7f\xc2", "\u{4e2d}".as_bytes(), b"\\x00", long.as_bytes()];
    let at = ordinal as usize % 8;
    let verdict = match ordinal / 8 % 4 {
        0 => Verdict::ok(vec![Value::Float(floats[at]), Value::Int(ints[at]), Value::Text(texts[at].to_vec())]),
        1 => Verdict::ok(vec![Value::Null, Value::Null, Value::Null]),
        2 => Verdict::skip("too_big"),
        _ => Verdict::error("timeout"),
    };
    block.push(&Record { ordinal, id: ids[at], structure: b"C" }, &verdict, 3);
}

#[test]
fn pyarrow_pandas_and_h5py_read_the_rows_of_the_payload() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 257, row);
    assert!(read_outside(&pack).contains("the same 257 rows"));
    assert!(verify::verify(&pack.path, &anyone()).unwrap().verified);
    for name in ["results.parquet", "scores.h5"] {
        assert!(pack.manifest.file(name).is_some_and(|file| file.bytes > 0), "{name}");
        assert!(std::fs::read_to_string(pack.path.join("index.md")).unwrap().contains(name));
    }
}

#[test]
fn extremes_escapes_and_empty_cells_survive() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 64, odd_row);
    read_outside(&pack);
    for path in [pack.path.clone(), pack.path.join("evidence_pack.zip")] {
        let report = verify::verify(&path, &anyone()).unwrap();
        assert!(report.verified && report.not_compared.is_empty(), "{report:?}");
    }
}

#[test]
fn one_row_is_enough() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 1, row);
    read_outside(&pack);
}

#[test]
fn many_rows_are_several_row_groups() {
    let root = tempfile::tempdir().unwrap();
    let records = encode::block::BLOCK_ROWS as u64 + 9_000;
    let (_campaign, pack) = sealed(root.path(), records, row);
    assert!(read_outside(&pack).contains("in 2 row groups"));
    assert!(verify::verify(&pack.path, &anyone()).unwrap().verified);
}

#[test]
fn two_gathers_give_the_same_bytes() {
    let encoded = |shard: u64| {
        let root = tempfile::tempdir().unwrap();
        let campaign = campaign(root.path(), 500, shard);
        campaign.plan.all_groups().for_each(|group| campaign.seal_as(group, ATTEMPT, odd_row, |_| {}));
        let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
        Format::ALL.map(|format| std::fs::read(pack.path.join(format.file())).unwrap())
    };
    assert!(encoded(50) == encoded(125), "they depend on how the campaign was cut, or on when it was gathered");
}

#[test]
fn an_incomplete_pack_has_encodings_of_the_rows_that_it_has() {
    let root = tempfile::tempdir().unwrap();
    let campaign = campaign(root.path(), 60, 20);
    campaign.seal(GroupIndex(0));
    campaign.seal(GroupIndex(2));
    let pack = seal_pack(&campaign, Missing::Allow).unwrap();
    assert!(read_outside(&pack).contains("the same 40 rows"));
    assert_eq!(codes(&verify::verify(&pack.path, &anyone()).unwrap()), [Code::Incomplete]);
}

/// Brings manifest and checksums in line with the files, as a forger would, and leaves the archive out.
fn reseal(pack: &Path) {
    let mut manifest = Manifest::read(&std::fs::read(pack.join("manifest.json")).unwrap()).unwrap();
    for file in &mut manifest.files {
        let (sha256, bytes) = digest::sha256_file(&pack.join(&file.name)).unwrap();
        (file.sha256, file.bytes) = (sha256, bytes);
    }
    let bytes = json::to_line(&manifest).unwrap();
    std::fs::write(pack.join("checksums.sha256"), manifest.checksums(&bytes)).unwrap();
    std::fs::write(pack.join("manifest.json"), bytes).unwrap();
    let _ = std::fs::remove_file(pack.join("evidence_pack.zip"));
}

fn verdict_on(pack: &SealedPack, trust: &Trust) -> Report {
    reseal(&pack.path);
    verify::verify(&pack.path, trust).unwrap()
}

#[test]
fn one_changed_cell_is_found_and_named() {
    for column in ["ordinal", "id", "outcome", "reason", "score", "count", "nearest"] {
        let root = tempfile::tempdir().unwrap();
        let (_campaign, pack) = sealed(root.path(), 90, row);
        outside(&[&pack.path.display().to_string(), column, "71"]);
        let report = verdict_on(&pack, &anyone());
        assert_eq!(codes(&report), [Code::EncodingMismatch], "{column}: {:?}", report.problems);
        for (problem, file) in report.problems.iter().zip(["results.parquet", "scores.h5"]) {
            let expected = format!("`{file}` has another `{column}` for record 71 than `summary.csv`");
            assert_eq!(problem.message, expected);
        }
        assert_eq!(report.problems.len(), 2, "{column}");
    }
}

#[test]
fn what_is_no_encoding_of_this_payload_is_found() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    let other_root = tempfile::tempdir().unwrap();
    let (_other, other) = sealed(other_root.path(), 90, odd_row);
    for format in Format::ALL {
        let path = pack.path.join(format.file());
        let sound = std::fs::read(&path).unwrap();
        let half = sound[..sound.len() / 2].to_vec();
        let foreign = std::fs::read(other.path.join(format.file())).unwrap();
        for (what, bytes) in
            [("empty", Vec::new()), ("text", b"PAR1 \x89HDF".to_vec()), ("half", half), ("foreign", foreign)]
        {
            std::fs::write(&path, bytes).unwrap();
            let report = verdict_on(&pack, &anyone());
            assert_eq!(codes(&report), [Code::EncodingMismatch], "{what} {}: {:?}", format.file(), report.problems);
            assert_eq!(report.problems[0].member.as_deref(), Some(format.file()), "{what}");
        }
        std::fs::write(&path, sound).unwrap();
        assert!(verdict_on(&pack, &anyone()).verified);
    }
}

#[test]
fn damaged_parquet_is_a_problem_and_no_panic() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    let path = pack.path.join(Format::Parquet.file());
    let sound = std::fs::read(&path).unwrap();
    for at in (0..sound.len()).step_by(sound.len() / 150) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, damaged).unwrap();
        let report = verdict_on(&pack, &anyone());
        // A statistic or an index may be damaged without a change to any cell.
        assert!(report.verified || codes(&report) == [Code::EncodingMismatch], "at {at}: {:?}", report.problems);
    }
}

#[test]
fn what_only_strangers_vouch_for_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    let report = verify::verify(&pack.path, &Trust::default()).unwrap();
    let members: Vec<&str> = report.not_compared.iter().map(|not| not.member.as_str()).collect();
    assert_eq!(members, ["results.parquet", "scores.h5"]);
    assert_eq!(codes(&report), [Code::Unsigned]);
}

#[test]
fn a_pack_without_an_encoding_that_was_asked_for_is_no_pack() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 30, row);
    let mut manifest = pack.manifest.clone();
    manifest.files.retain(|file| file.name != "scores.h5");
    let error = Manifest::read(&json::to_line(&manifest).unwrap()).unwrap_err();
    assert!(error.what().contains("does not list `scores.h5`"), "{}", error.what());
}

#[test]
fn an_output_that_nobody_knows_is_refused_before_the_library_is_read() {
    let env = TestEnv::new();
    for (outputs, says) in [("[\"csv\", \"arrow\"]", "`arrow`"), ("[\"parquet\"]", "leaves out `csv`")] {
        let file = env.campaign("c").library("absent.smi").with(&format!("[pack]\noutputs = {outputs}")).write();
        env.molsieve(["plan", &file, "--dir", "d"]).exits(2).says(says);
        assert!(!env.path("d").exists(), "{outputs}");
    }
    let error = encode::asked(&["csv".to_owned(), "xlsx".to_owned()], &[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn a_campaign_writes_signs_and_verifies_every_encoding() {
    let env = TestEnv::new();
    env.small_library(200);
    env.molsieve(["keygen", "--out", "K.pem"]).exits(0);
    let sections = "[pack]\noutputs = [\"parquet\", \"csv\", \"hdf5\"]\nkey = \"K.pem\"";
    let file = env.campaign("c").python(&project("tests/scorers/seeded.py"), &[]).with(sections).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    outside(&[&env.path("d/pack").display().to_string()]);
    env.molsieve(["verify", "d/pack/evidence_pack.zip", "--key", "K.pub.pem"]).exits(0).says("VERIFIED");
}
