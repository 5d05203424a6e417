//! A sealed pack verifies as a directory and as an archive, signed by whom it should be.

use std::fs;

use molsieve::error::Kind;
use molsieve::gather::Missing;
use molsieve::id::GroupIndex;
use molsieve::pack::keys::{self, PrivateKey};
use molsieve::pack::seal::Before;
use molsieve::pack::sign;
use molsieve::pack::verify::{self, Accept, Code, Trust};

use super::{Packed, anyone, codes, seal_pack};
use crate::support::sealed_groups::Campaign;

#[test]
fn a_signed_pack_verifies_as_directory_and_as_archive() {
    let packed = Packed::signed(100, 30);
    for path in [packed.pack(), packed.zip()] {
        let report = packed.verify(&path);
        assert_eq!(report.problems, []);
        assert!(report.verified);
        assert_eq!(report.signers, [packed.public().keyid()]);
        assert_eq!(report.records.total, 100);
        assert_eq!(report.failure(), None);
    }
}

#[test]
fn the_report_has_exactly_the_documented_fields() {
    let packed = Packed::signed(100, 30);
    let report = serde_json::to_value(packed.verify(&packed.zip())).unwrap();
    let manifest = fs::read(packed.pack().join("manifest.json")).unwrap();
    let payload = serde_json::from_slice::<serde_json::Value>(&manifest).unwrap()["payload"]["digest"].clone();
    assert_eq!(
        report,
        serde_json::json!({
            "schema": "molsieve.verify.v1",
            "verified": true,
            "payload_digest": payload,
            "pack_digest": molsieve::digest::sha256(&manifest).sha256_uri(),
            "records": {"total": 100, "ok": 90, "skip": 5, "error": 5},
            "problems": [],
        })
    );
}

#[test]
fn an_unpacked_archive_verifies_as_well() {
    let packed = Packed::signed(100, 30);
    let out = packed.root.path().join("unpacked");
    zip::ZipArchive::new(fs::File::open(packed.zip()).unwrap()).unwrap().extract(&out).unwrap();
    assert!(packed.verify(&out).verified);
}

#[test]
fn nobody_and_a_stranger_are_problems_unless_asked_otherwise() {
    let packed = Packed::unsigned(20, 10);
    assert_eq!(codes(&packed.verify(&packed.pack())), [Code::Unsigned]);
    assert!(verify::verify(&packed.pack(), &anyone()).unwrap().verified);
    let unknown_fine = Trust { accept: Accept::UnknownKeys, ..Trust::default() };
    assert_eq!(codes(&verify::verify(&packed.pack(), &unknown_fine).unwrap()), [Code::Unsigned]);
    packed.sign();
    let stranger = packed.root.path().join("S.pem");
    let (_, stranger) = keys::generate(&stranger).unwrap();
    for keys in [vec![], vec![stranger]] {
        let report = verify::verify(&packed.zip(), &Trust { keys, ..Trust::default() }).unwrap();
        assert_eq!(codes(&report), [Code::KeyUnknown]);
        assert_eq!(report.failure(), Some(Kind::Verification));
    }
    assert!(verify::verify(&packed.zip(), &unknown_fine).unwrap().verified);
}

#[test]
fn two_people_can_sign_and_both_can_be_asked_for() {
    let packed = Packed::signed(20, 10);
    let second = packed.root.path().join("S.pem");
    let (_, second_public) = keys::generate(&second).unwrap();
    let both = Trust { keys: vec![packed.public(), second_public], threshold: 2, ..Trust::default() };
    assert_eq!(codes(&verify::verify(&packed.pack(), &both).unwrap()), [Code::SignaturesTooFew]);
    sign::sign(&packed.pack(), &[PrivateKey::load(&second).unwrap()]).unwrap();
    for path in [packed.pack(), packed.zip()] {
        let report = verify::verify(&path, &both).unwrap();
        assert_eq!(report.problems, []);
        assert_eq!(report.signers.len(), 2);
        assert!(packed.verify(&path).verified, "the first signature still holds");
    }
}

#[test]
fn signing_twice_with_one_key_changes_nothing() {
    let packed = Packed::signed(20, 10);
    let read = || (fs::read(packed.zip()).unwrap(), fs::read(packed.pack().join("attestation.dsse.json")).unwrap());
    let before = read();
    packed.sign();
    assert_eq!(read(), before);
}

#[test]
fn a_pack_whose_content_is_damaged_is_not_signed() {
    let packed = Packed::unsigned(20, 10);
    fs::write(packed.pack().join("index.md"), "fine, all fine").unwrap();
    let error = sign::sign(&packed.pack(), &[packed.private()]).unwrap_err();
    assert_eq!(error.kind(), Kind::Verification);
    assert!(!packed.pack().join("attestation.dsse.json").exists());
}

#[test]
fn signing_repairs_an_archive_that_is_missing_or_out_of_date() {
    let packed = Packed::signed(20, 10);
    fs::remove_file(packed.zip()).unwrap();
    assert!(packed.verify(&packed.pack()).verified, "the archive is a copy");
    packed.sign();
    assert!(packed.verify(&packed.zip()).verified);
    let other = Packed::unsigned(21, 10);
    fs::copy(other.zip(), packed.zip()).unwrap();
    assert_eq!(codes(&packed.verify(&packed.pack())), [Code::ArchiveDiffers]);
    packed.sign();
    assert!(packed.verify(&packed.pack()).verified);
}

#[test]
fn only_a_directory_with_a_pack_can_be_signed() {
    let packed = Packed::unsigned(20, 10);
    for (path, kind) in [
        (packed.root.path().join("nothing"), Kind::Usage),
        (packed.zip(), Kind::Usage),
        (packed.root.path().to_path_buf(), Kind::Verification),
    ] {
        assert_eq!(sign::sign(&path, &[packed.private()]).unwrap_err().kind(), kind, "{}", path.display());
    }
    assert_eq!(sign::sign(&packed.pack(), &[]).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn a_path_that_is_not_there_is_a_usage_error() {
    let error = verify::verify("no/such/pack".as_ref(), &anyone()).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn gathering_again_keeps_the_pack_and_its_signatures() {
    let packed = Packed::signed(20, 10);
    let before = fs::read(packed.zip()).unwrap();
    let again = seal_pack(&packed.campaign, Missing::Refuse).unwrap();
    assert_eq!(again.before, Before::Kept);
    assert_eq!(fs::read(packed.zip()).unwrap(), before);
    assert!(packed.verify(&packed.pack()).verified);
    assert_eq!(entries(&packed), ["groups", "pack"]);
}

#[test]
fn gathering_again_replaces_a_damaged_pack() {
    let packed = Packed::signed(20, 10);
    fs::write(packed.pack().join("summary.csv"), "ordinal\n").unwrap();
    let again = seal_pack(&packed.campaign, Missing::Refuse).unwrap();
    assert_eq!(again.before, Before::Replaced);
    assert!(verify::verify(&packed.pack(), &anyone()).unwrap().verified);
    assert_eq!(entries(&packed), ["groups", "pack"]);
}

#[test]
fn a_complete_pack_takes_the_place_of_an_incomplete_one() {
    let root = tempfile::tempdir().unwrap();
    let campaign = Campaign::new(root.path(), 20, 10);
    campaign.seal(GroupIndex(1));
    assert_eq!(seal_pack(&campaign, Missing::Allow).unwrap().before, Before::None);
    assert_eq!(seal_pack(&campaign, Missing::Allow).unwrap().before, Before::Kept);
    campaign.seal(GroupIndex(0));
    assert_eq!(seal_pack(&campaign, Missing::Allow).unwrap().before, Before::Replaced);
    assert!(verify::verify(&campaign.dir.pack(), &anyone()).unwrap().verified);
}

#[test]
fn the_archive_is_the_same_bytes_every_time() {
    let (one, two) = (Packed::unsigned(100, 30), Packed::unsigned(100, 30));
    assert_eq!(fs::read(one.zip()).unwrap(), fs::read(two.zip()).unwrap());
}

/// What is in the campaign directory, but for the key.
fn entries(packed: &Packed) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(packed.campaign.dir.root())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
