//! Archives whose structure lies.

use std::io::Write;

use molsieve::pack::verify::Code;

use super::{assert_code, entries, sample, verify_bytes};
use crate::support::raw_zip::{Entry, build};

/// An archive, and the code that names what is wrong with it.
pub(super) type Case = (&'static str, Vec<u8>, Code);

/// The sample with one more member.
fn with(extra: Entry) -> Vec<u8> {
    let mut all = entries(&sample().members);
    all.push(extra);
    build(&all)
}

/// The sample with its first member changed.
fn changed(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut all = entries(&sample().members);
    change(&mut all[0]);
    build(&all)
}

/// The sample with every member deflated and the first one changed.
fn deflated(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut all: Vec<Entry> = sample().members.iter().map(|(name, content)| Entry::deflated(name, content)).collect();
    change(&mut all[0]);
    build(&all)
}

fn bytes(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut archive = sample().archive.clone();
    change(&mut archive);
    archive
}

/// The frame of the archive.
fn frames() -> Vec<Case> {
    let end = sample().archive.len() - 22;
    vec![
        ("text", b"once upon a time".to_vec(), Code::NotAZip),
        ("empty", Vec::new(), Code::NotAZip),
        ("half", bytes(|b| b.truncate(b.len() / 2)), Code::ArchiveTruncated),
        (
            "a byte short",
            bytes(|b| {
                b.pop();
            }),
            Code::ArchiveTruncated,
        ),
        ("a byte more", bytes(|b| b.push(0)), Code::ArchiveTrailingData),
        ("another archive behind", bytes(|b| b.extend(b.clone())), Code::ArchiveMalformed),
        (
            "bytes in front",
            bytes(|b| {
                b.splice(0..0, *b"#!/bin/sh\n");
            }),
            Code::ArchiveMalformed,
        ),
        ("bytes before the directory", changed_last_gap(), Code::ArchiveHiddenData),
        ("bytes between members", changed(|e| e.gap = b"hidden".to_vec()), Code::ArchiveHiddenData),
        ("a member that only streams see", unlisted_in_directory(), Code::ArchiveHiddenData),
        (
            "a comment",
            bytes(|b| {
                b[end + 20] = 2;
                b.extend(*b"hi");
            }),
            Code::ArchiveTrailingData,
        ),
        ("a comment of a member", changed(|e| e.comment = b"hi".to_vec()), Code::ArchiveMalformed),
        ("several disks", bytes(|b| b[end + 4] = 1), Code::ArchiveMalformed),
        (
            "too few entries",
            bytes(|b| {
                b[end + 8] -= 1;
                b[end + 10] -= 1;
            }),
            Code::ArchiveMalformed,
        ),
        (
            "too many entries",
            bytes(|b| {
                b[end + 8] += 1;
                b[end + 10] += 1;
            }),
            Code::ArchiveMalformed,
        ),
        ("65535 entries", bytes(|b| b[end + 8..end + 12].fill(0xff)), Code::ArchiveMalformed),
        ("a directory elsewhere", bytes(|b| b[end + 16] ^= 1), Code::ArchiveMalformed),
        ("two names", changed(|e| e.local_name = vec![b'x'; e.local_name.len()]), Code::ArchiveMalformed),
        ("a second name in an extra field", changed(|e| e.extra = b"\x75\x70\x01\0x".to_vec()), Code::ArchiveMalformed),
        ("a torn extra field", changed(|e| e.extra = b"\x75\x54\x09\0x".to_vec()), Code::ArchiveMalformed),
        ("unknown flags", changed(|e| e.flags = 1 << 5), Code::ArchiveMalformed),
    ]
}

/// One member of it.
fn singles() -> Vec<Case> {
    let named = |name: &[u8]| with(Entry::stored("x", b"x").named(name));
    let mode = |mode: u16| with(Entry { mode, ..Entry::stored("x", b"x") });
    let mut cases = vec![
        ("an offset too low", changed_second(|e| e.shift = -7), Code::ArchiveOverlap),
        ("one member twice in the directory", quoted(), Code::ArchiveOverlap),
        ("encrypted", changed(|e| e.flags = 1), Code::MemberEncrypted),
        ("strongly encrypted", changed(|e| e.flags = 1 << 6), Code::MemberEncrypted),
        ("bzip2", changed(|e| e.method = 12), Code::MemberMethod),
        ("stored in two sizes", changed(|e| e.bytes += 1), Code::MemberSize),
        ("a bomb by its own word", deflated(|e| e.bytes = u32::MAX - 1), Code::MemberSize),
        ("a wrong CRC", changed(|e| e.crc ^= 1), Code::MemberCorrupt),
        ("damaged data", deflated(|e| e.data[0] ^= 0xff), Code::MemberCorrupt),
        (
            "bytes behind the data",
            deflated(|e| {
                e.data.extend(*b"more");
                e.compressed += 4;
            }),
            Code::MemberCorrupt,
        ),
        ("longer than it says", longer_than_it_says(), Code::MemberCorrupt),
        ("a bomb", bomb(), Code::MemberUnlisted),
        ("a manifest like a bomb", manifest_bomb(), Code::MemberSize),
        ("twice", named(b"index.md"), Code::MemberDuplicate),
        ("twice but for case", named(b"INDEX.md"), Code::MemberDuplicate),
        ("a symbolic link", mode(0o120_777), Code::MemberUnsafe),
        ("a directory", mode(0o040_755), Code::MemberUnsafe),
        ("a device", mode(0o020_666), Code::MemberUnsafe),
    ];
    let unsafe_names: [&[u8]; 12] = [
        b"/etc/passwd",
        b"../x",
        b"..",
        b"a/b",
        b"a\\b",
        b"C:x",
        b"x\0.csv",
        b"",
        b".x",
        b"-x",
        b"caf\xc3\xa9",
        b"x\n",
    ];
    cases.extend(unsafe_names.map(|name| ("an unsafe name", named(name), Code::MemberUnsafe)));
    cases
}

/// What no member of a pack needs: room for other data, and what an unpacker could make of it.
fn surplus() -> Vec<Case> {
    const SIZES: [u8; 8] = [1, 0, 4, 0, 9, 9, 9, 9];
    let mode = |mode: u16, host: u8| changed(|e| (e.mode, e.host) = (mode, host));
    let mut cases = vec![
        ("an extra field", changed(|e| e.extra = b"\xfe\xca\x04\0data".to_vec()), Code::ArchiveHiddenData),
        ("times in an extra field", changed(|e| e.extra = b"UT\x05\0\x01abcd".to_vec()), Code::ArchiveHiddenData),
        (
            "an extra field in the local header",
            changed(|e| e.local_extra = Some(b"\xfe\xca\x04\0data".to_vec())),
            Code::ArchiveHiddenData,
        ),
        (
            "an extra field in the directory",
            changed(|e| (e.extra, e.local_extra) = (b"\xfe\xca\x04\0data".to_vec(), Some(Vec::new()))),
            Code::ArchiveHiddenData,
        ),
        ("64-bit sizes that nothing needs", changed(|e| e.extra = SIZES.to_vec()), Code::ArchiveHiddenData),
        ("a 64-bit field that is empty", changed(|e| e.extra = vec![1, 0, 0, 0]), Code::ArchiveHiddenData),
        (
            "64-bit fields that contradict",
            changed(|e| {
                e.bytes = u32::MAX;
                e.extra = [&[1, 0, 8, 0][..], &7u64.to_le_bytes()].concat();
            }),
            Code::MemberSize,
        ),
        ("internal attributes", changed(|e| e.internal = 0xfffe), Code::ArchiveHiddenData),
        ("attributes of DOS", changed(|e| e.dos = 0xff00), Code::ArchiveHiddenData),
        ("a directory of DOS", changed(|e| e.dos = 0x10), Code::MemberUnsafe),
    ];
    for host in [0, 3, 7, 19, 255] {
        cases.push(("a link, whatever the host", mode(0o120_777, host), Code::MemberUnsafe));
        cases.push(("a pipe, whatever the host", mode(0o010_644, host), Code::MemberUnsafe));
        for bit in [0o4000, 0o2000, 0o1000] {
            cases.push(("setuid, setgid or sticky", mode(0o100_755 | bit, host), Code::MemberUnsafe));
        }
    }
    cases
}

pub(super) fn cases() -> Vec<Case> {
    [frames(), singles(), surplus()].concat()
}

#[test]
fn what_other_archivers_set_as_they_like_is_fine() {
    for (mode, dos, internal, host) in [(0o600, 0x20, 1, 0), (0o100_664, 1, 0, 3), (0, 0x21, 0, 11)] {
        let bytes = changed(|e| (e.mode, e.dos, e.internal, e.host) = (mode, dos, internal, host));
        assert_eq!(verify_bytes(&bytes, &sample().trust()).problems, [], "{mode:o} {dos} {internal} {host}");
    }
}

fn changed_second(change: impl FnOnce(&mut Entry)) -> Vec<u8> {
    let mut all = entries(&sample().members);
    change(&mut all[1]);
    build(&all)
}

fn changed_last_gap() -> Vec<u8> {
    let mut all = entries(&sample().members);
    all.last_mut().unwrap().gap = b"hidden".to_vec();
    build(&all)
}

/// A local header and data that the directory does not know.
fn unlisted_in_directory() -> Vec<u8> {
    let hidden = build(&[Entry::stored("hidden.csv", b"x")]);
    let local = hidden[..hidden.windows(4).position(|w| w == b"PK\x01\x02").unwrap()].to_vec();
    changed(|e| e.gap = local)
}

/// Two entries of the directory that share one member, as bombs do.
fn quoted() -> Vec<u8> {
    let mut all = entries(&sample().members);
    let first = 30 + all[0].local_name.len() + all[0].data.len();
    all[1].shift = -(first as i64);
    build(&all)
}

fn longer_than_it_says() -> Vec<u8> {
    deflated(|e| {
        let content = sample().members.values().next().unwrap();
        *e = Entry {
            bytes: e.bytes,
            crc: e.crc,
            ..Entry::deflated("attestation.dsse.json", &[content, &b"x"[..]].concat())
        };
    })
}

/// 64 MiB of nothing, honestly declared: it is not in the manifest, so nobody unpacks it.
fn bomb() -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![0; 1 << 20];
    (0..64).for_each(|_| encoder.write_all(&block).unwrap());
    let data = encoder.finish().unwrap();
    with(Entry { method: 8, compressed: data.len() as u32, data, bytes: 64 << 20, ..Entry::stored("bomb.csv", b"") })
}

fn manifest_bomb() -> Vec<u8> {
    let mut members = sample().members.clone();
    members.remove("manifest.json");
    let mut all = entries(&members);
    all.push(Entry::deflated("manifest.json", &vec![b' '; (16 << 20) + 1]));
    build(&all)
}

#[test]
fn what_is_done_to_the_archive_is_named() {
    for (case, bytes, code) in cases() {
        assert_code(&verify_bytes(&bytes, &sample().trust()), code, case);
    }
}

#[test]
fn an_archive_written_by_a_stream_is_fine() {
    let mut zip = zip::ZipWriter::new_stream(Vec::new());
    for (i, (name, content)) in sample().members.iter().enumerate() {
        let options = zip::write::SimpleFileOptions::default().large_file(i % 2 == 0);
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(content).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.windows(4).any(|w| w == b"PK\x07\x08"), "it has data descriptors");
    assert_eq!(verify_bytes(&bytes, &sample().trust()).problems, []);
}

#[test]
fn an_archive_with_sixty_four_bit_fields_is_fine() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in &sample().members {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default().large_file(true)).unwrap();
        zip.write_all(content).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert_eq!(verify_bytes(&bytes, &sample().trust()).problems, []);
}
