//! Several who sign, and who gather, at the same time; and what a killed signer leaves: no signature is lost.

use std::fs;
use std::path::{Path, PathBuf};

use molsieve::gather::Missing;
use molsieve::pack::keys::{self, PrivateKey, PublicKey};
use molsieve::pack::seal::Before;
use molsieve::pack::sign;
use molsieve::pack::verify::{self, Code, Trust};

use super::{Packed, anyone, codes, seal_pack};

fn keypair(root: &Path, name: &str) -> (PrivateKey, PublicKey) {
    let path = root.join(name);
    let (_, public) = keys::generate(&path).unwrap();
    (PrivateKey::load(&path).unwrap(), public)
}

/// That all of `keys` have signed what is at each of `paths`.
fn assert_signed(paths: &[PathBuf], keys: &[PublicKey]) {
    let trust = Trust { keys: keys.to_vec(), threshold: keys.len(), ..Trust::default() };
    for path in paths {
        assert_eq!(verify::verify(path, &trust).unwrap().problems, [], "{}", path.display());
    }
}

/// A pack, signed by one key, whose archive alone has the signature of a second: as a signer leaves it that is killed in between.
fn archive_ahead() -> (Packed, PublicKey) {
    let packed = Packed::signed(20, 10);
    let attestation = packed.pack().join("attestation.dsse.json");
    let before = fs::read(&attestation).unwrap();
    let (second, public) = keypair(packed.root.path(), "S.pem");
    sign::sign(&packed.pack(), &[second]).unwrap();
    fs::write(&attestation, before).unwrap();
    assert_eq!(codes(&packed.verify(&packed.pack())), [Code::ArchiveDiffers]);
    (packed, public)
}

#[test]
fn gathering_keeps_the_signatures_of_an_archive_that_is_ahead() {
    let (packed, second) = archive_ahead();
    assert_eq!(seal_pack(&packed.campaign, Missing::Refuse).unwrap().before, Before::Kept);
    assert_signed(&[packed.pack(), packed.zip()], &[packed.public(), second]);
}

#[test]
fn gathering_keeps_the_signatures_of_a_directory_that_is_ahead_or_whose_archive_is_broken() {
    let packed = Packed::unsigned(20, 10);
    let unsigned = fs::read(packed.zip()).unwrap();
    packed.sign();
    for archive in [&unsigned[..], &unsigned[..unsigned.len() / 2], b"", b"no archive"] {
        fs::write(packed.zip(), archive).unwrap();
        assert!(!packed.verify(&packed.pack()).verified);
        assert_eq!(seal_pack(&packed.campaign, Missing::Refuse).unwrap().before, Before::Kept);
        assert_signed(&[packed.pack(), packed.zip()], &[packed.public()]);
    }
}

#[test]
fn signing_again_and_mending_bring_both_in_line() {
    let (packed, second) = archive_ahead();
    packed.sign();
    assert_signed(&[packed.pack(), packed.zip()], &[packed.public(), second]);
    let (packed, second) = archive_ahead();
    sign::mend(&packed.pack()).unwrap();
    assert_signed(&[packed.pack(), packed.zip()], &[packed.public(), second]);
    let both = || (fs::read(packed.zip()).unwrap(), fs::read(packed.pack().join("attestation.dsse.json")).unwrap());
    let before = both();
    sign::mend(&packed.pack()).unwrap();
    assert_eq!(both(), before, "there was nothing to mend");
}

#[test]
fn the_archive_of_another_pack_gives_no_signatures() {
    let (packed, other) = (Packed::signed(20, 10), Packed::signed(21, 10));
    fs::copy(other.zip(), packed.zip()).unwrap();
    sign::mend(&packed.pack()).unwrap();
    assert_signed(&[packed.pack(), packed.zip()], &[packed.public()]);
    let held = fs::read_to_string(packed.pack().join("attestation.dsse.json")).unwrap();
    assert!(!held.contains(other.public().keyid()));
}

#[test]
fn an_unsigned_pack_is_mended_without_a_signature() {
    let packed = Packed::unsigned(20, 10);
    fs::write(packed.zip(), "no archive").unwrap();
    sign::mend(&packed.pack()).unwrap();
    assert!(verify::verify(&packed.zip(), &anyone()).unwrap().verified);
    assert!(!packed.pack().join("attestation.dsse.json").exists());
}

#[test]
fn who_signs_at_the_same_time_as_others_sign_and_gather_is_in_the_pack() {
    let packed = Packed::signed(20, 10);
    let signers: Vec<(PrivateKey, PublicKey)> =
        (0..12).map(|i| keypair(packed.root.path(), &format!("S{i}.pem"))).collect();
    let (pack, campaign) = (packed.pack(), &packed.campaign);
    std::thread::scope(|scope| {
        for (private, _) in &signers {
            let pack = &pack;
            scope.spawn(move || sign::sign(pack, std::slice::from_ref(private)).unwrap());
        }
        for _ in 0..3 {
            scope.spawn(move || {
                for _ in 0..6 {
                    assert_eq!(seal_pack(campaign, Missing::Refuse).unwrap().before, Before::Kept);
                }
            });
        }
    });
    let all: Vec<PublicKey> = signers.into_iter().map(|(_, public)| public).chain([packed.public()]).collect();
    assert_signed(&[packed.pack(), packed.zip()], &all);
    let left: Vec<_> = fs::read_dir(packed.campaign.dir.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
