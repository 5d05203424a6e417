//! Directories that hold what a pack may not hold.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use molsieve::pack::verify::{self, Code};

use super::{assert_code, sample};
use crate::packs::Packed;

/// What is done to a directory, and the code that names it.
type Case = (&'static str, fn(&Path), Code);

const CASES: &[Case] = &[
    (
        "a link in place of a file",
        |dir| {
            fs::rename(dir.join("index.md"), dir.parent().unwrap().join("index.md")).unwrap();
            symlink("../index.md", dir.join("index.md")).unwrap();
        },
        Code::MemberUnsafe,
    ),
    ("a directory", |dir| fs::create_dir(dir.join("more")).unwrap(), Code::MemberUnsafe),
    (
        "a directory in place of a file",
        |dir| {
            fs::remove_file(dir.join("index.md")).unwrap();
            fs::create_dir(dir.join("index.md")).unwrap();
        },
        Code::MemberMissing,
    ),
    (
        "a pipe in place of a file",
        |dir| {
            fs::remove_file(dir.join("index.md")).unwrap();
            let status = std::process::Command::new("mkfifo").arg(dir.join("index.md")).status().unwrap();
            assert!(status.success());
        },
        Code::MemberUnsafe,
    ),
    ("a hidden file", |dir| fs::write(dir.join(".hidden"), "x").unwrap(), Code::MemberUnsafe),
    ("a name with a space", |dir| fs::write(dir.join("a b"), "x").unwrap(), Code::MemberUnsafe),
    ("another case", |dir| fs::write(dir.join("Index.md"), "x").unwrap(), Code::MemberDuplicate),
    ("one file more", |dir| fs::write(dir.join("notes.txt"), "x").unwrap(), Code::MemberUnlisted),
    (
        "an archive of another pack",
        |dir| fs::write(dir.join("evidence_pack.zip"), &sample().archive).unwrap(),
        Code::ArchiveDiffers,
    ),
    ("an archive that is none", |dir| fs::write(dir.join("evidence_pack.zip"), "x").unwrap(), Code::NotAZip),
    (
        "an archive without signature",
        |dir| {
            let unsigned = Packed::unsigned(20, 10);
            fs::copy(unsigned.zip(), dir.join("evidence_pack.zip")).unwrap();
        },
        Code::ArchiveDiffers,
    ),
];

#[test]
fn what_is_done_to_the_directory_is_named() {
    for (case, tamper, code) in CASES {
        let packed = Packed::signed(20, 10);
        tamper(&packed.pack());
        assert_code(&packed.verify(&packed.pack()), *code, case);
    }
}

#[test]
fn an_empty_directory_is_no_pack() {
    let dir = tempfile::tempdir().unwrap();
    assert_code(&verify::verify(dir.path(), &sample().trust()).unwrap(), Code::ManifestMissing, "empty");
}

#[test]
fn an_archive_inside_an_archive_is_not_listed() {
    let mut members = sample().members.clone();
    members.insert("evidence_pack.zip".to_owned(), sample().archive.clone());
    let bytes = crate::support::raw_zip::build(&super::entries(&members));
    assert_code(&super::verify_bytes(&bytes, &sample().trust()), Code::MemberUnlisted, "archive in archive");
}
