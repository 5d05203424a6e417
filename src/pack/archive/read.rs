//! Reads an archive strictly: every byte of the file belongs to exactly one member or to the directory.
//!
//! The member list is what the central directory says, and the local headers must say the same, lie
//! back to back from the first byte on, and end where the directory begins. So nothing is hidden,
//! nothing overlaps (a zip bomb needs that), and any other reader sees the same members. What
//! re-packing changes (order, level, dates, permissions, data descriptors) is accepted; extra fields are not, but for the
//! 64-bit one where it is needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::records::{self, Central, Common, Cursor};
use crate::canonical::escape;
use crate::error::Error;
use crate::fs;
use crate::pack::is_member_name;
use crate::pack::verify::report::{Code, Judged, Problem, Refusal};

/// A pack has a handful of members.
const MEMBERS_MAX: u64 = 10_000;
/// No central directory of so few members is longer.
const DIRECTORY_BYTES_MAX: u64 = 4 << 20;
/// Deflate cannot do better.
const RATIO_MAX: u64 = 1032;
/// Bytes handed on at once.
const BLOCK_BYTES: usize = 1 << 16;

const END_LEN: u64 = 22;
const LOCATOR_64_LEN: u64 = 20;
const END_64_LEN: u64 = 56;
const LOCAL_LEN: u64 = 30;

/// Bits that may be set: the deflate level, a data descriptor, UTF-8 names.
const FLAGS_KNOWN: u16 = 0b1000_0000_1110;
/// The DOS attribute of directories.
const DOS_DIRECTORY: u32 = 0x10;
/// Those that archivers set as they like: read-only, and to be archived.
const DOS_FREE: u32 = 0x21;
pub(super) const FLAG_DESCRIPTOR: u16 = 1 << 3;
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

/// An archive whose structure is sound.
#[derive(Debug)]
pub struct Archive {
    file: File,
    path: PathBuf,
    members: BTreeMap<String, Member>,
}

/// One member.
#[derive(Clone, Debug)]
struct Member {
    bytes: u64,
    compressed: u64,
    crc: u32,
    is_deflated: bool,
    data_at: u64,
}

/// Where the central directory is.
struct Directory {
    entries: u64,
    begin: u64,
    end: u64,
}

impl Archive {
    /// Opens the archive at `path`. Members with unsafe or double names go to `problems` and are left out.
    ///
    /// # Errors
    /// The structure is unsound, or the system refuses.
    pub fn open(path: &Path, problems: &mut Vec<Problem>) -> Judged<Self> {
        let file = fs::open_input(path).map_err(|e| Error::input(path, &e))?;
        let mut archive = Self { file, path: path.to_path_buf(), members: BTreeMap::new() };
        let directory = archive.directory()?;
        let mut entries = archive.entries(&directory)?;
        entries.sort_by_key(|entry| entry.offset);
        let mut next = 0;
        for i in 0..entries.len() {
            let until = entries.get(i + 1).map_or(directory.begin, |after| after.offset);
            let member = archive.member(&entries[i], next, until)?;
            next = until;
            archive.admit(&entries[i], member, problems);
        }
        if next != directory.begin {
            return Err(
                Problem::new(Code::ArchiveHiddenData, "the archive holds bytes that belong to no member").into()
            );
        }
        Ok(archive)
    }

    /// The names of the members, with the lengths that they declare.
    pub fn members(&self) -> BTreeMap<String, u64> {
        self.members.iter().map(|(name, member)| (name.clone(), member.bytes)).collect()
    }

    /// Unpacks one member, block by block, and checks its length and CRC-32.
    ///
    /// # Errors
    /// It cannot be unpacked, or the system refuses.
    pub fn stream(&self, name: &str, each: &mut dyn FnMut(&[u8])) -> Judged<()> {
        let Some(member) = self.members.get(name) else {
            return Err(Problem::of(Code::MemberMissing, name, format!("there is no `{name}`")).into());
        };
        let section = Section { file: &self.file, at: member.data_at, end: member.data_at + member.compressed };
        let section = BufReader::with_capacity(BLOCK_BYTES, section);
        let consumed = if member.is_deflated {
            let mut decoder = DeflateDecoder::new(section);
            self.pump(name, member, &mut decoder, each)?;
            decoder.total_in()
        } else {
            let mut section = section;
            self.pump(name, member, &mut section, each)?;
            member.bytes
        };
        if consumed != member.compressed {
            return Err(corrupt(name, "there are bytes behind its compressed data"));
        }
        Ok(())
    }

    fn pump(&self, name: &str, member: &Member, from: &mut dyn Read, each: &mut dyn FnMut(&[u8])) -> Judged<()> {
        let (mut crc, mut left, mut buffer) = (Crc::new(), member.bytes, vec![0; BLOCK_BYTES]);
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) if e.raw_os_error().is_some() => return Err(Error::io("cannot read", &self.path, &e).into()),
                Err(_) => return Err(corrupt(name, "its compressed data is damaged")),
            };
            left = left.checked_sub(n as u64).ok_or_else(|| corrupt(name, "it is longer than it says"))?;
            crc.update(&buffer[..n]);
            each(&buffer[..n]);
        }
        if left != 0 {
            return Err(corrupt(name, "it is shorter than it says"));
        }
        if crc.sum() != member.crc {
            return Err(corrupt(name, "its CRC-32 is another"));
        }
        Ok(())
    }

    /// Finds the central directory from the end of the file.
    fn directory(&self) -> Judged<Directory> {
        let length = self.file.metadata().map_err(|e| Error::input(&self.path, &e))?.len();
        let tail_len = length.min(END_LEN + u64::from(u16::MAX));
        let tail = self.read(length - tail_len, tail_len)?;
        let end_at = tail.len().checked_sub(END_LEN as usize);
        let Some(end) = end_at.map(|at| &tail[at..]).filter(|end| end.starts_with(&records::END.to_le_bytes())) else {
            return Err(self.without_end(&tail)?.into());
        };
        let mut cursor = Cursor(&end[4..]);
        let fields = (cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16(), cursor.u32(), cursor.u32(), cursor.u16());
        let (Some(0), Some(0), Some(here), Some(entries), Some(size), Some(begin), Some(0)) = fields else {
            return Err(malformed("its end record has a comment or speaks of several disks"));
        };
        let short = Directory { entries: entries.into(), begin: begin.into(), end: u64::from(begin) + u64::from(size) };
        let saturated = here == u16::MAX || size == u32::MAX || begin == u32::MAX;
        let (directory, must_end) = match self.long_end(length)? {
            Some((long, at)) => (long, at),
            None if saturated => return Err(malformed("its 64-bit end record is missing")),
            None => (short, length - END_LEN),
        };
        if here != entries || directory.end != must_end {
            return Err(malformed("its directory does not end where its end record begins"));
        }
        if directory.entries > MEMBERS_MAX || directory.end - directory.begin > DIRECTORY_BYTES_MAX {
            return Err(malformed(&format!("it has more than {MEMBERS_MAX} members")));
        }
        Ok(directory)
    }

    /// Says what a file without an end record at its end is.
    fn without_end(&self, tail: &[u8]) -> Judged<Problem> {
        let end = records::END.to_le_bytes();
        let found = memchr::memmem::rfind(tail, &end);
        if found.is_some_and(|at| tail.len() - at >= END_LEN as usize) {
            return Ok(Problem::new(Code::ArchiveTrailingData, "there are bytes after the end of the archive"));
        }
        let starts = self.read(0, 4.min(tail.len() as u64))? == records::LOCAL.to_le_bytes();
        Ok(if starts {
            Problem::new(Code::ArchiveTruncated, "the archive ends too early: it has no end record")
        } else {
            Problem::new(Code::NotAZip, "this is not a zip archive")
        })
    }

    /// The 64-bit end record, if there is one, and where it is.
    fn long_end(&self, length: u64) -> Judged<Option<(Directory, u64)>> {
        let Some(locator_at) = length.checked_sub(END_LEN + LOCATOR_64_LEN) else { return Ok(None) };
        let locator = self.read(locator_at, LOCATOR_64_LEN)?;
        let mut cursor = Cursor(&locator);
        if cursor.u32() != Some(records::LOCATOR_64) {
            return Ok(None);
        }
        let bad = || malformed("its 64-bit end record is malformed");
        let (Some(0), Some(at), Some(1)) = (cursor.u32(), cursor.u64(), cursor.u32()) else { return Err(bad()) };
        if at.checked_add(END_64_LEN) != Some(locator_at) {
            return Err(bad());
        }
        let record = self.read(at, END_64_LEN)?;
        let mut cursor = Cursor(&record);
        let (Some(records::END_64), Some(44), Some(_made), Some(_needed)) =
            (cursor.u32(), cursor.u64(), cursor.u16(), cursor.u16())
        else {
            return Err(bad());
        };
        let (Some(0), Some(0), Some(here), Some(entries), Some(size), Some(begin)) =
            (cursor.u32(), cursor.u32(), cursor.u64(), cursor.u64(), cursor.u64(), cursor.u64())
        else {
            return Err(bad());
        };
        let end = begin.checked_add(size).filter(|_| here == entries).ok_or_else(bad)?;
        Ok(Some((Directory { entries, begin, end }, at)))
    }

    /// Reads the central directory, all of it.
    fn entries(&self, directory: &Directory) -> Judged<Vec<Central>> {
        let bytes = self.read(directory.begin, directory.end - directory.begin)?;
        let mut cursor = Cursor(&bytes);
        let mut entries = Vec::new();
        for _ in 0..directory.entries {
            let entry =
                Central::read(&mut cursor).ok_or_else(|| malformed("an entry of its directory is malformed"))?;
            entries.push(entry);
        }
        if cursor.0.is_empty() { Ok(entries) } else { Err(malformed("its directory is longer than its entries")) }
    }

    /// Checks one member against its local header; it must fill the bytes from `next` to `until`.
    fn member(&self, entry: &Central, next: u64, until: u64) -> Judged<Member> {
        let common = &entry.common;
        let shown = escape::to_string(&common.name);
        check_method(common, &shown)?;
        if entry.offset != next {
            let code = if entry.offset < next { Code::ArchiveOverlap } else { Code::ArchiveHiddenData };
            return Err(
                Problem::of(code, &shown, format!("`{shown}` does not begin where the member before it ends")).into()
            );
        }
        let differs = || malformed(&format!("the header of `{shown}` says other than the directory"));
        let overlaps = || Problem::of(Code::ArchiveOverlap, &shown, format!("`{shown}` overlaps what follows it"));
        if until < next || until - next < LOCAL_LEN {
            return Err(overlaps().into());
        }
        let fixed = self.read(next, LOCAL_LEN)?;
        let (mut local, name_len, extra_len) = records::local(&fixed).ok_or_else(differs)?;
        let rest_len = u64::from(name_len) + u64::from(extra_len);
        let data_at = next + LOCAL_LEN + rest_len;
        let data_end = data_at.checked_add(common.compressed).filter(|end| *end <= until).ok_or_else(overlaps)?;
        let rest = self.read(next + LOCAL_LEN, rest_len)?;
        let (name, extra) = rest.split_at(name_len.into());
        local.name = name.to_vec();
        let is_bare = records::local_sizes(&mut local, extra).ok_or_else(differs)?;
        let streamed = common.flags & FLAG_DESCRIPTOR != 0;
        if streamed && (local.crc, local.compressed, local.bytes) == (0, 0, 0) {
            (local.crc, local.compressed, local.bytes) = (common.crc, common.compressed, common.bytes);
        }
        if local != *common {
            return Err(differs());
        }
        if !(is_bare && entry.is_bare && entry.dos & !DOS_FREE & !DOS_DIRECTORY == 0) {
            let message = format!("`{shown}` has extra fields or attributes that it does not need");
            return Err(Problem::of(Code::ArchiveHiddenData, &shown, message).into());
        }
        let gap = self.read(data_end, (until - data_end).min(25))?;
        if !(if streamed { is_descriptor(&gap, common) } else { gap.is_empty() }) {
            let message = format!("there are bytes between `{shown}` and what follows it");
            return Err(Problem::of(Code::ArchiveHiddenData, &shown, message).into());
        }
        let is_deflated = common.method == 8;
        Ok(Member { bytes: common.bytes, compressed: common.compressed, crc: common.crc, is_deflated, data_at })
    }

    /// Takes a member in, unless its name or its kind is unsafe.
    fn admit(&mut self, entry: &Central, member: Member, problems: &mut Vec<Problem>) {
        let name = escape::to_string(&entry.common.name);
        // No type but that of a file, and none of the bits setuid, setgid and sticky.
        let is_file = matches!(entry.mode & !0o777, 0 | 0o100_000) && entry.dos & DOS_DIRECTORY == 0;
        if !is_member_name(&entry.common.name) {
            problems.push(Problem::of(Code::MemberUnsafe, &name, format!("`{name}` is not a plain file name")));
        } else if !is_file {
            problems.push(Problem::of(
                Code::MemberUnsafe,
                &name,
                format!("`{name}` is a link, a directory, a device or setuid"),
            ));
        } else if self.members.keys().any(|other| other.eq_ignore_ascii_case(&name)) {
            problems.push(Problem::of(Code::MemberDuplicate, &name, format!("`{name}` is in the archive twice")));
        } else {
            self.members.insert(name, member);
        }
    }

    /// `length` bytes at `at`.
    fn read(&self, at: u64, length: u64) -> Judged<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        match self.file.read_exact_at(&mut bytes, at) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Problem::new(Code::ArchiveTruncated, "the archive ends too early").into())
            }
            Err(e) => Err(Error::io("cannot read", &self.path, &e).into()),
        }
    }
}

/// Refuses what a pack may not use.
fn check_method(common: &Common, shown: &str) -> Judged<()> {
    let problem = |code, what: &str| Err(Problem::of(code, shown, format!("`{shown}` {what}")).into());
    if common.flags & FLAGS_ENCRYPTED != 0 {
        return problem(Code::MemberEncrypted, "is encrypted");
    }
    if common.flags & !FLAGS_KNOWN != 0 {
        return problem(Code::ArchiveMalformed, "has flags that a pack may not use");
    }
    match common.method {
        0 if common.bytes != common.compressed => problem(Code::MemberSize, "is stored and has two sizes"),
        8 if common.bytes / RATIO_MAX > common.compressed => {
            problem(Code::MemberSize, "says that it holds more than its compressed data can")
        }
        0 | 8 => Ok(()),
        _ => problem(Code::MemberMethod, "is compressed by a method other than deflate"),
    }
}

/// Whether `gap` is the data descriptor of a member, in one of its four forms.
fn is_descriptor(gap: &[u8], common: &Common) -> bool {
    let mut forms = vec![common.crc.to_le_bytes().to_vec(), common.crc.to_le_bytes().to_vec()];
    forms[0].extend_from_slice(&common.compressed.to_le_bytes());
    forms[0].extend_from_slice(&common.bytes.to_le_bytes());
    if let (Ok(compressed), Ok(bytes)) = (u32::try_from(common.compressed), u32::try_from(common.bytes)) {
        forms[1].extend_from_slice(&compressed.to_le_bytes());
        forms[1].extend_from_slice(&bytes.to_le_bytes());
    } else {
        forms.truncate(1);
    }
    let body = gap.strip_prefix(&records::DESCRIPTOR.to_le_bytes()).unwrap_or(gap);
    forms.iter().any(|form| form == body || form == gap)
}

fn malformed(what: &str) -> Refusal {
    Problem::new(Code::ArchiveMalformed, format!("the archive is malformed: {what}")).into()
}

fn corrupt(name: &str, what: &str) -> Refusal {
    Problem::of(Code::MemberCorrupt, name, format!("`{name}` cannot be unpacked: {what}")).into()
}

/// A part of a file, as a stream.
struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(&mut buffer[..room], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
