//! Every byte, and random damage: verification never panics, and never says yes to other content.

use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::{Members, entries, sample, verify_bytes, verify_members};
use crate::support::raw_zip::build;

/// The content of an archive as another reader sees it; `None` if it sees damage.
fn content(bytes: &[u8]) -> Option<Members> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut members = Members::new();
    for i in 0..zip.len() {
        let mut member = zip.by_index(i).ok()?;
        let mut content = Vec::new();
        member.read_to_end(&mut content).ok()?;
        members.insert(member.name().ok()?.into_owned(), content);
    }
    Some(members)
}

/// Verified only if not a byte of content differs: dates and attributes of a zip archive are not identity.
fn assert_honest(bytes: &[u8], what: &str) -> bool {
    let verified = verify_bytes(bytes, &sample().trust()).verified;
    if verified {
        assert_eq!(content(bytes).as_ref(), Some(&sample().members), "{what}");
    }
    verified
}

#[test]
fn no_byte_of_a_file_can_be_flipped() {
    for (name, content) in &sample().members {
        // Each file is judged by itself: every fifth byte of the longer ones is enough.
        let step = if content.len() > 500 { 5 } else { 1 };
        for at in (0..content.len()).step_by(step) {
            let mut members = sample().members.clone();
            members.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            let archive = build(&entries(&members));
            assert!(!verify_bytes(&archive, &sample().trust()).verified, "byte {at} of {name}");
        }
    }
}

#[test]
fn no_flipped_byte_of_the_archive_changes_the_content() {
    let archive = &sample().archive;
    let mut accepted = 0;
    for at in 0..archive.len() {
        let mut bytes = archive.clone();
        bytes[at] ^= 1 << (at % 8);
        accepted += usize::from(assert_honest(&bytes, &format!("byte {at}")));
    }
    // Versions, attributes and the like, a dozen bytes a member.
    assert!(accepted < sample().members.len() * 16, "{accepted} of {} flips were accepted", archive.len());
}

#[test]
fn no_cut_of_the_archive_is_accepted() {
    let archive = &sample().archive;
    for length in (0..archive.len()).step_by(13).chain(archive.len() - 30..archive.len()) {
        assert!(!verify_bytes(&archive[..length], &sample().trust()).verified, "{length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_damage_is_noticed(damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = sample().archive.clone();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        assert_honest(&bytes, "random damage");
    }

    #[test]
    fn moved_bytes_are_noticed(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), length in 1usize..200) {
        let archive = &sample().archive;
        let from = from.index(archive.len());
        let piece = archive[from..(from + length).min(archive.len())].to_vec();
        let mut bytes = archive.clone();
        let to = to.index(bytes.len());
        bytes.splice(to..to, piece);
        assert_honest(&bytes, "moved bytes");
    }

    #[test]
    fn garbage_is_no_pack(garbage in proptest::collection::vec(any::<u8>(), 0..300), tail in any::<bool>()) {
        let mut bytes = garbage;
        if tail {
            bytes.extend_from_slice(&sample().archive[sample().archive.len() - 100..]);
        }
        prop_assert!(!verify_bytes(&bytes, &sample().trust()).verified);
    }

    #[test]
    fn a_dropped_a_doubled_and_a_swapped_member_are_noticed(one in 0usize..8, two in 0usize..8) {
        let names: Vec<&String> = sample().members.keys().collect();
        let mut dropped = sample().members.clone();
        dropped.remove(names[one]);
        prop_assert!(!verify_members(&dropped, &sample().trust()).verified);
        let mut doubled = entries(&sample().members);
        doubled.push(doubled[one].clone());
        prop_assert!(!verify_bytes(&build(&doubled), &sample().trust()).verified);
        let mut swapped = sample().members.clone();
        let (a, b) = (swapped[names[one]].clone(), swapped[names[two]].clone());
        swapped.insert(names[one].clone(), b);
        swapped.insert(names[two].clone(), a);
        prop_assert_eq!(verify_members(&swapped, &sample().trust()).verified, one == two);
    }
}
