//! Parquet and HDF5 in a pack: the same rows for readers that are not ours, the same bytes each time, and no cell changed unseen.

use std::path::Path;
use std::process::{Command, Output};

use molsieve::canonical::json;
use molsieve::encode::{self, Format};
use molsieve::error::Kind;
use molsieve::gather::Missing;
use molsieve::id::{GroupIndex, Ordinal};
use molsieve::library::record::Record;
use molsieve::pack::envelope::{self, Envelope};
use molsieve::pack::keys::{self, PrivateKey};
use molsieve::pack::manifest::Manifest;
use molsieve::pack::seal::SealedPack;
use molsieve::pack::sign;
use molsieve::pack::verify::{self, Code, Report, Trust};
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Value, Verdict};

use super::{anyone, codes, seal_pack};
use crate::support::env::{TestEnv, project, python};
use crate::support::sealed_groups::{ATTEMPT, Campaign, identity, row};

/// A campaign whose packs hold every encoding.
fn campaign(root: &Path, records: u64, shard_records: u64) -> Campaign {
    let mut identity = identity(records);
    let count = &mut identity.scorer.description.columns[1];
    (count.unit, count.description) = (Some("\u{c5}^2".to_owned()), Some("how \"often\"".to_owned()));
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
        let (sha256, bytes) = molsieve::fs::sha256_input(&pack.join(&file.name)).unwrap();
        (file.sha256, file.bytes) = (sha256, bytes);
    }
    let bytes = json::to_line(&manifest).unwrap();
    std::fs::write(pack.join("checksums.sha256"), manifest.checksums(&bytes)).unwrap();
    std::fs::write(pack.join("manifest.json"), bytes).unwrap();
    let _ = std::fs::remove_file(pack.join("evidence_pack.zip"));
}

fn a_key(at: &Path) -> PrivateKey {
    keys::generate(&at.join("k.pem")).unwrap();
    PrivateKey::load(&at.join("k.pem")).unwrap()
}

fn verdict_on(pack: &SealedPack, trust: &Trust) -> Report {
    reseal(&pack.path);
    verify::verify(&pack.path, trust).unwrap()
}

const MISMATCH: &str = "encoding of the rows of `summary.csv`: made again from them, it has other bytes";

#[test]
fn one_changed_cell_is_found() {
    for column in ["ordinal", "id", "outcome", "reason", "score", "count", "nearest"] {
        let root = tempfile::tempdir().unwrap();
        let (_campaign, pack) = sealed(root.path(), 90, row);
        outside(&[&pack.path.display().to_string(), column, "71"]);
        let report = verdict_on(&pack, &anyone());
        assert_eq!(codes(&report), [Code::EncodingMismatch], "{column}: {:?}", report.problems);
        let members: Vec<_> = report.problems.iter().map(|problem| problem.member.as_deref()).collect();
        assert_eq!(members, [Some("results.parquet"), Some("scores.h5")], "{column}");
        assert!(report.problems.iter().all(|problem| problem.message.contains(MISMATCH)), "{report:?}");
    }
}

#[test]
fn nothing_is_hidden_in_hdf5_beside_the_rows_and_no_bomb_is_unpacked() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    let (at, path) = (pack.path.display().to_string(), pack.path.join(Format::Hdf5.file()));
    let sound = std::fs::read(&path).unwrap();
    let kinds = outside(&[&at, "--hide"]);
    assert!(kinds.split_whitespace().count() >= 8, "{kinds}");
    for kind in kinds.split_whitespace() {
        outside(&[&at, "--hide", kind]);
        reseal(&pack.path);
        let judged = limited(&["verify", &at, "--allow-unsigned"]);
        let said = String::from_utf8_lossy(&judged.stdout).into_owned();
        assert_eq!(judged.status.code(), Some(4), "{kind}: {said}");
        assert!(said.contains("`scores.h5` is not the HDF5 encoding of the rows"), "{kind}: {said}");
        std::fs::write(&path, &sound).unwrap();
    }
    let mut padded = vec![0; 512];
    padded.extend_from_slice(&sound);
    for (what, bytes) in [("a user block", padded), ("a tail", [&sound[..], b"tail"].concat())] {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(codes(&verdict_on(&pack, &anyone())), [Code::EncodingMismatch], "{what}");
    }
}

/// Runs molsieve where there is no room for what a bomb unpacks to.
fn limited(args: &[&str]) -> Output {
    let script = "ulimit -v 900000 && exec \"$0\" \"$@\"";
    Command::new("sh").args(["-c", script, crate::support::env::MOLSIEVE]).args(args).output().unwrap()
}

#[test]
fn nothing_in_parquet_may_differ_not_even_what_readers_ignore() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    let path = pack.path.join(Format::Parquet.file());
    let sound = std::fs::read(&path).unwrap();
    // Statistics, indexes, metadata and pages alike: any byte.
    for at in (0..sound.len()).step_by(sound.len() / 150) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, damaged).unwrap();
        let report = verdict_on(&pack, &anyone());
        assert_eq!(codes(&report), [Code::EncodingMismatch], "at {at}: {:?}", report.problems);
    }
}

#[test]
fn the_same_rows_as_another_writer_writes_them_are_not_the_encoding() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 90, row);
    outside(&[&pack.path.display().to_string(), "--rewrite"]);
    let report = verdict_on(&pack, &anyone());
    assert_eq!(codes(&report), [Code::EncodingMismatch]);
    assert_eq!(report.problems[0].member.as_deref(), Some("results.parquet"));
}

/// Says in the manifest that both encodings are in `format`.
fn claim(pack: &Path, format: Option<&str>) {
    let mut manifest = Manifest::read(&std::fs::read(pack.join("manifest.json")).unwrap()).unwrap();
    for file in manifest.files.iter_mut().filter(|file| Format::ALL.iter().any(|f| f.file() == file.name)) {
        file.format = format.map(str::to_owned);
    }
    let bytes = json::to_line(&manifest).unwrap();
    std::fs::write(pack.join("manifest.json"), bytes).unwrap();
    reseal(pack);
}

#[test]
fn to_claim_another_format_helps_no_forger_and_harms_no_old_pack() {
    for format in [None, Some("molsieve.hdf5.v1"), Some("molsieve.hdf5.v9\u{9b}")] {
        let root = tempfile::tempdir().unwrap();
        let (_campaign, pack) = sealed(root.path(), 90, row);
        claim(&pack.path, format);
        let report = verify::verify(&pack.path, &anyone()).unwrap();
        assert_eq!(codes(&report), [Code::EncodingUnknown], "{format:?}");
        assert_eq!(report.failure(), Some(Kind::Verification));
        assert!(report.is_sound(), "its rows are sound");
        assert!(!report.problems.iter().any(|problem| problem.message.contains('\u{9b}')), "{report:?}");
        let key = a_key(root.path());
        let error = sign::sign(&pack.path, std::slice::from_ref(&key)).unwrap_err();
        assert!(error.what().contains("no trusted key vouches"), "{}", error.what());
        attest(&pack.path, &key);
        let trust = Trust { keys: vec![key.public().unwrap()], ..Trust::default() };
        let report = verify::verify(&pack.path, &trust).unwrap();
        assert!(report.verified && report.not_compared.len() == 2, "{format:?}: {report:?}");
        assert!(report.not_compared[0].why.contains("this version of molsieve makes"), "{report:?}");
    }
}

/// Signs the pack as the version of molsieve would have that made it.
fn attest(pack: &Path, key: &PrivateKey) {
    let bytes = std::fs::read(pack.join("manifest.json")).unwrap();
    let manifest = Manifest::read(&bytes).unwrap();
    let statement = envelope::statement(&manifest, &bytes, &manifest.checksums(&bytes)).unwrap();
    let mut envelope = Envelope::around(&statement);
    envelope.sign(key).unwrap();
    std::fs::write(pack.join("attestation.dsse.json"), envelope.to_bytes().unwrap()).unwrap();
}

#[test]
fn a_manifest_whose_scorer_could_not_have_been_planned_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 30, row);
    for (name, unit) in [("a/b", "m"), ("count", "\u{202e}m"), ("count", " m"), ("score", "m"), ("id", "m")] {
        let mut manifest = pack.manifest.clone();
        let column = &mut manifest.campaign.scorer.description.columns[1];
        (column.name, column.unit) = (name.to_owned(), Some(unit.to_owned()));
        let error = Manifest::read(&json::to_line(&manifest).unwrap()).unwrap_err();
        assert!(error.what().contains("of its scorer"), "{name}: {}", error.what());
        assert!(!error.what().contains('\u{202e}'));
    }
}

#[test]
fn a_file_that_is_no_encoding_cannot_be_called_one() {
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 30, row);
    let mut manifest = pack.manifest.clone();
    manifest.files.iter_mut().find(|file| file.name == "hits.csv").unwrap().format =
        Some("molsieve.hdf5.v2".to_owned());
    let error = Manifest::read(&json::to_line(&manifest).unwrap()).unwrap_err();
    assert!(error.what().contains("says of `hits.csv` which encoding it is"), "{}", error.what());
}

#[test]
fn a_format_stands_for_its_bytes() {
    // If this fails, the bytes of equal rows have changed, perhaps by another version of a library: then the format
    // needs another name (`Format::schema`), or old packs would be called forged. Write the new sums beside the new names.
    let root = tempfile::tempdir().unwrap();
    let (_campaign, pack) = sealed(root.path(), 64, odd_row);
    let found = Format::ALL.map(|format| {
        let entry = pack.manifest.file(format.file()).unwrap();
        assert_eq!(entry.format.as_deref(), Some(format.schema()));
        format!("{} {}", format.schema(), entry.sha256)
    });
    assert_eq!(found, KNOWN_BYTES);
}

/// Formats, and the SHA-256 of what they make of the same 64 rows.
const KNOWN_BYTES: [&str; 2] = [
    "molsieve.parquet.v2 dbb89feeea144b6b0830a2a58a49df8255aa7f13577911cad9e54828b98c375f",
    "molsieve.hdf5.v2 3ff719c37e0e8bda5f04c5c2a6a53d9532f9147eb60bc7b50a31299c5984f981",
];

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
    let file = env.campaign("c").library("absent.smi").with("[pack]\noutputs = [\"csv\", \"arrow\"]").write();
    env.molsieve(["plan", &file, "--dir", "d"]).exits(2).says("`arrow`");
    assert!(!env.path("d").exists());
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
