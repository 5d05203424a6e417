//! The hostile corpus: each way of tampering is noticed, and has a code of its own.

mod archives;
mod directories;
mod envelopes;
mod flips;
mod members;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use molsieve::pack::keys::{PrivateKey, PublicKey};
use molsieve::pack::verify::{self, Code, Report, Trust};

use super::{Packed, anyone};
use crate::support::raw_zip::{self, Entry};

/// The members of a pack, by name.
type Members = BTreeMap<String, Vec<u8>>;

/// A small signed pack, made once, and its keys.
struct Sample {
    members: Members,
    archive: Vec<u8>,
    packed: Packed,
}

impl Sample {
    fn public(&self) -> PublicKey {
        self.packed.public()
    }

    fn private(&self) -> PrivateKey {
        self.packed.private()
    }

    fn trust(&self) -> Trust {
        self.packed.trust()
    }
}

fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let packed = Packed::signed(40, 15);
        let archive = fs::read(packed.zip()).unwrap();
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&archive)).unwrap();
        let mut members = Members::new();
        for i in 0..zip.len() {
            let mut member = zip.by_index(i).unwrap();
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            members.insert(member.name().unwrap().into_owned(), content);
        }
        Sample { members, archive, packed }
    })
}

/// Honest entries for `members`.
fn entries(members: &Members) -> Vec<Entry> {
    members.iter().map(|(name, content)| Entry::stored(name, content)).collect()
}

/// Verifies the bytes of an archive. One file serves a whole thread: thousands of new ones would take a minute.
fn verify_bytes(bytes: &[u8], trust: &Trust) -> Report {
    thread_local! {
        static FILE: tempfile::NamedTempFile = tempfile::NamedTempFile::new().unwrap();
    }
    FILE.with(|file| {
        file.as_file().write_all_at(bytes, 0).unwrap();
        file.as_file().set_len(bytes.len() as u64).unwrap();
        verify::verify(file.path(), trust).unwrap()
    })
}

/// Verifies honest archives and directories of `members`: both must come to the same.
fn verify_members(members: &Members, trust: &Trust) -> Report {
    let report = verify_bytes(&raw_zip::build(&entries(members)), trust);
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in members {
        fs::write(dir.path().join(name), content).unwrap();
    }
    assert_eq!(verify::verify(dir.path(), trust).unwrap(), report);
    report
}

/// That the report names `code`, is a failure, and has something to say.
fn assert_code(report: &Report, code: Code, case: &str) {
    assert!(report.has(code), "{case}: expected {code:?}, got {:?}", report.problems);
    assert!(!report.verified, "{case}");
    assert_eq!(report.failure(), Some(molsieve::error::Kind::Verification), "{case}");
    assert!(report.problems.iter().all(|p| !p.message.is_empty()), "{case}");
}

#[test]
fn the_sample_itself_is_sound_however_it_is_zipped() {
    let Sample { members, archive, .. } = sample();
    assert!(verify_members(members, &sample().trust()).verified);
    let mut reversed = entries(members);
    reversed.reverse();
    let deflated: Vec<Entry> = members.iter().map(|(name, content)| Entry::deflated(name, content)).collect();
    for bytes in [archive.clone(), raw_zip::build(&reversed), raw_zip::build(&deflated)] {
        assert_eq!(verify_bytes(&bytes, &sample().trust()).problems, []);
    }
}

/// Codes are part of the interface: the documentation lists them, and every one has a case here.
#[test]
fn every_documented_code_has_a_case() {
    let text = include_str!("../../docs/formats/pack.md");
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(code, _)| code.to_owned())
        .collect();
    let elsewhere = [
        Code::Incomplete,
        Code::ArchiveDiffers,
        Code::EncodingMismatch,
        Code::EncodingUnknown,
        Code::ExportMismatch,
        Code::ExportUnknown,
        Code::SignaturesTooFew,
        Code::KeyUnknown,
        Code::Unsigned,
    ];
    let cases = archives::cases().into_iter().map(|case| case.2);
    let cases = cases.chain(members::CASES.iter().map(|case| case.2));
    let cases = cases.chain(members::RESEALED.iter().map(|case| case.2));
    let cases = cases.chain(envelopes::CASES.iter().map(|case| case.2)).chain(elsewhere);
    let covered: BTreeSet<String> = cases.map(Code::as_str).collect();
    assert_eq!(covered, documented);
}
