//! The checkpoint: what is finished of a task group, durable in small steps.
//!
//! A framed log, one file an attempt, appended to by that attempt alone. Each frame is a length
//! (u32, little-endian), the BLAKE3 of its payload, and the payload, whose first byte says what it
//! is. The first frame names the plan, the scorer, the group and the attempt. A reader takes the
//! longest valid prefix: whatever a kill or a full disk left behind it is as if it never was.
//! See `docs/formats/checkpoint.md`.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::canonical::row::Row;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs::{self, Appender};
use crate::id::{AttemptId, GroupIndex, Ordinal, Ordinals};
use crate::scorer::row::RowBlock;
use crate::scorer::{KeptFile, Outcome, files};

/// Schema of [`Header`].
pub const SCHEMA: &str = "molsieve.checkpoint.v1";

/// No frame is longer: a reader that sees a larger length has reached the end of what is valid.
const FRAME_BYTES_MAX: u32 = 64 << 20;

/// Length and digest of a frame, in bytes.
const HEAD_BYTES: usize = 36;

/// The most that the head of a kept file's frame takes: length and digest, kind, record, length of the name, name.
const FILE_HEAD_BYTES: usize = HEAD_BYTES + 1 + 10 + 1 + 64;

const HEADER: u8 = 1;
const STARTED: u8 = 2;
pub(super) const ROWS: u8 = 3;
const CLEAN_END: u8 = 4;
const FILE: u8 = 5;

/// How the content of a kept file is encoded.
const STORED: u8 = 0;
const ZSTD: u8 = 1;

/// The zstd level of kept files: they are text mostly, and wait here for a short time.
const ZSTD_LEVEL: i32 = 1;

/// What a checkpoint is of; a checkpoint of anything else is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// Digest of the plan.
    pub plan: Digest,
    /// Digest of the scorer identity.
    pub scorer: Digest,
    /// The task group.
    pub group: GroupIndex,
    /// Who writes.
    pub attempt: AttemptId,
}

/// The writing end.
#[derive(Debug)]
pub struct Writer {
    file: Appender,
    buffer: Vec<u8>,
}

impl Writer {
    /// Starts the checkpoint of an attempt at `path`.
    ///
    /// # Errors
    /// Something is there already (attempt names are random: a defect), or the system refuses (exit 6).
    pub fn create(path: &Path, header: &Header) -> Result<Self> {
        let taken = || Error::bug(format!("the checkpoint `{}` exists already", path.display()));
        let file = Appender::create_new(path)?.ok_or_else(taken)?;
        let mut writer = Self { file, buffer: Vec::new() };
        writer.begin(HEADER);
        writer.buffer.extend_from_slice(&json::to_vec(header)?);
        writer.end()?;
        Ok(writer)
    }

    /// Notes that these records are about to be given to the scorer.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        self.begin(STARTED);
        let mut rest = ordinals;
        while let Some(first) = rest.first() {
            let run = rest.iter().zip(*first..).take_while(|(a, b)| **a == *b).count();
            push_varint(&mut self.buffer, *first);
            push_varint(&mut self.buffer, run as u64);
            rest = &rest[run..];
        }
        self.end()
    }

    /// Appends finished rows. They survive the death of this process; [`Writer::sync`] makes them
    /// survive the machine's.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn rows(&mut self, rows: &RowBlock) -> Result<()> {
        self.begin(ROWS);
        let errors = rows.metas().iter().filter(|meta| meta.outcome == Outcome::Error).count();
        push_varint(&mut self.buffer, rows.len() as u64);
        push_varint(&mut self.buffer, errors as u64);
        let mut previous = 0;
        for (meta, index) in rows.metas().iter().zip(0..) {
            let (reason_at, reason_len) = meta.reason_span();
            push_varint(&mut self.buffer, zigzag(meta.ordinal.wrapping_sub(previous) as i64));
            push_varint(&mut self.buffer, rows.line(index).len() as u64);
            push_varint(&mut self.buffer, u64::from(reason_at));
            self.buffer.extend_from_slice(&[reason_len, meta.outcome as u8]);
            previous = meta.ordinal;
        }
        self.buffer.extend_from_slice(rows.lines());
        self.end()
    }

    /// Appends a kept file, before the row of its record.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn file(&mut self, file: &KeptFile) -> Result<()> {
        let packed = zstd::bulk::compress(&file.content, ZSTD_LEVEL).ok().filter(|p| p.len() < file.content.len());
        self.begin(FILE);
        push_varint(&mut self.buffer, file.ordinal);
        push_varint(&mut self.buffer, file.name.len() as u64);
        self.buffer.extend_from_slice(file.name.as_bytes());
        self.buffer.push(if packed.is_some() { ZSTD } else { STORED });
        self.buffer.extend_from_slice(packed.as_ref().unwrap_or(&file.content));
        self.end()
    }

    /// What was appended, to be read again; nothing may be appended afterwards.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn reread(&self) -> Result<File> {
        self.file.reread()
    }

    /// Notes a clean end: what was started and is not finished was abandoned without blame.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn clean_end(&mut self) -> Result<()> {
        self.begin(CLEAN_END);
        self.end()?;
        self.sync()
    }

    /// Makes all that was appended durable.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }

    fn begin(&mut self, kind: u8) {
        self.buffer.clear();
        self.buffer.resize(36, 0);
        self.buffer.push(kind);
    }

    fn end(&mut self) -> Result<()> {
        let length = (self.buffer.len() - 36) as u32;
        let digest = digest::blake3(&self.buffer[36..]);
        self.buffer[..4].copy_from_slice(&length.to_le_bytes());
        self.buffer[4..36].copy_from_slice(&digest.0);
        self.file.append(&self.buffer)
    }
}

/// One frame, read.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// Records that were about to be given to the scorer, as runs.
    Started(Vec<Ordinals>),
    /// Finished rows.
    Rows(RowBlock),
    /// What is not finished was abandoned without blame.
    CleanEnd,
    /// A kept file.
    File(KeptFile),
}

/// The reading end: the frames of the longest valid prefix.
#[derive(Debug)]
pub struct Reader {
    file: BufReader<File>,
    header: Header,
    most: u64,
    offset: u64,
    /// The last frame that was read, with its length and digest.
    frame: Vec<u8>,
    is_forged: bool,
}

impl Reader {
    /// Opens the checkpoint of a task group of `most` records: no frame speaks of more, and one that does ends the valid prefix
    /// before any room is made. `Ok(None)`: there is not even a valid header, so nothing in it is of use.
    ///
    /// # Errors
    /// The file cannot be opened (exit 6).
    pub fn open(path: &Path, most: u64) -> Result<Option<Self>> {
        let file = match fs::open_plain(path) {
            Ok(file) => file,
            // Sealed by a twin a moment ago, and removed: nothing in it is needed any more.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("cannot read the checkpoint", path, &e)),
        };
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut frame = Vec::new();
        let Some(offset) = read_frame(&mut file, &mut frame) else { return Ok(None) };
        let header = match frame[HEAD_BYTES..].split_first() {
            Some((&HEADER, body)) => json::from_slice::<Header>("the header of a checkpoint", body).ok(),
            _ => None,
        };
        let known = header.filter(|h| h.schema == SCHEMA);
        Ok(known.map(|header| Self { file, header, most, offset, frame, is_forged: false }))
    }

    /// What it is of.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The open file, to read single frames of.
    pub fn into_file(self) -> File {
        self.file.into_inner()
    }

    /// The frame at `offset` of `file`, whose name is or was `path`; `Ok(None)` if there is no valid one.
    ///
    /// # Errors
    /// The file cannot be read (exit 6).
    pub fn frame_at(path: &Path, mut file: &File, offset: u64) -> Result<Option<Frame>> {
        file.seek(SeekFrom::Start(offset)).map_err(|e| Error::io("cannot read the checkpoint", path, &e))?;
        let mut frame = Vec::new();
        Ok(read_frame(&mut file, &mut frame).and_then(|_| parse(&frame[HEAD_BYTES..], u64::MAX)))
    }

    /// Bytes of the valid prefix read so far.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes of the frame that was read last; at first those of the header.
    pub fn raw(&self) -> &[u8] {
        &self.frame
    }

    /// Whether the valid prefix ended at a frame with the right digest, which no worker writes: not torn, but made up.
    pub const fn is_forged(&self) -> bool {
        self.is_forged
    }
}

impl Iterator for Reader {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let length = read_frame(&mut self.file, &mut self.frame)?;
        let frame = parse(&self.frame[HEAD_BYTES..], self.most);
        self.is_forged = frame.is_none();
        self.offset += length;
        frame
    }
}

/// As many bytes as there are at `offset`, up to the length of `buffer`.
pub(super) fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

/// Reads one frame into `frame`, its head included; its whole length, or none if it is torn, false or absent.
fn read_frame(file: &mut impl Read, frame: &mut Vec<u8>) -> Option<u64> {
    frame.clear();
    frame.resize(HEAD_BYTES, 0);
    file.read_exact(frame).ok()?;
    let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
    if length == 0 || length > FRAME_BYTES_MAX {
        return None;
    }
    // `take` and `read_to_end` instead of a buffer of the stated length: a false length must not cost memory.
    file.take(u64::from(length)).read_to_end(frame).ok()?;
    let payload = &frame[HEAD_BYTES..];
    let whole = payload.len() == length as usize && digest::blake3(payload).0 == frame[4..HEAD_BYTES];
    whole.then_some(frame.len() as u64)
}

/// The frame in `payload`, which speaks of at most `most` records.
fn parse(payload: &[u8], most: u64) -> Option<Frame> {
    let (kind, body) = payload.split_first()?;
    match *kind {
        STARTED => parse_started(body, most).map(Frame::Started),
        ROWS => parse_rows(body, most).map(Frame::Rows),
        CLEAN_END => Some(Frame::CleanEnd),
        FILE => parse_file(body).map(Frame::File),
        _ => None,
    }
}

fn parse_started(mut body: &[u8], most: u64) -> Option<Vec<Ordinals>> {
    let (mut runs, mut left) = (Vec::new(), most);
    while !body.is_empty() {
        let first = take_varint(&mut body)?;
        let run = take_varint(&mut body)?;
        left = left.checked_sub(run.max(1))?;
        runs.push(first..first.checked_add(run)?);
    }
    Some(runs)
}

fn parse_rows(mut body: &[u8], most: u64) -> Option<RowBlock> {
    let count = take_varint(&mut body).filter(|count| *count <= most)?;
    let errors = take_varint(&mut body)?;
    let mut metas = Vec::new();
    let mut previous = 0u64;
    for _ in 0..count {
        let ordinal = previous.wrapping_add(unzigzag(take_varint(&mut body)?) as u64);
        let length = usize::try_from(take_varint(&mut body)?).ok()?;
        let reason_at = u32::try_from(take_varint(&mut body)?).ok()?;
        let [reason_len, outcome, rest @ ..] = body else { return None };
        metas.push((ordinal, length, reason_at, *reason_len, outcome_of(*outcome)?));
        body = rest;
        previous = ordinal;
    }
    let failed = metas.iter().filter(|(.., outcome)| *outcome == Outcome::Error).count() as u64;
    let mut rows = RowBlock::with_capacity(metas.len());
    for (ordinal, length, reason_at, reason_len, outcome) in metas {
        let (line, rest) = body.split_at_checked(length)?;
        is_row(line, ordinal, outcome, (reason_at, reason_len)).then_some(())?;
        rows.push_encoded(ordinal, outcome, (reason_at, reason_len), line)?;
        body = rest;
    }
    (body.is_empty() && failed == errors).then_some(rows)
}

/// Whether `line` is one row with its line feed, and what is said of it stands in it: a node that is nobody's may have written it.
fn is_row(line: &[u8], ordinal: Ordinal, outcome: Outcome, reason: (u32, u8)) -> bool {
    let Some(line) = line.strip_suffix(b"\n").filter(|line| memchr::memchr(b'\n', line).is_none()) else {
        return false;
    };
    Row::read(line).is_ok_and(|row| {
        (row.ordinal, row.outcome) == (ordinal, outcome)
            && (row.reason_at, row.reason.len()) == (reason.0, usize::from(reason.1))
    })
}

/// The head of a kept file's frame: record and name; `body` is then what follows it.
fn take_file_head<'b>(body: &mut &'b [u8]) -> Option<(Ordinal, &'b str)> {
    let ordinal = take_varint(body)?;
    let length = usize::try_from(take_varint(body)?).ok()?;
    let (name, rest) = body.split_at_checked(length)?;
    *body = rest;
    let name = std::str::from_utf8(name).ok().filter(|name| files::is_name(name))?;
    Some((ordinal, name))
}

fn parse_file(mut body: &[u8]) -> Option<KeptFile> {
    let (ordinal, name) = take_file_head(&mut body)?;
    let (encoding, content) = body.split_first()?;
    let content = match *encoding {
        STORED => content.to_vec(),
        ZSTD => zstd::bulk::decompress(content, files::BYTES_MAX as usize).ok()?,
        _ => return None,
    };
    Some(KeptFile { ordinal, name: name.to_owned(), content })
}

/// Calls `each` with record, name and place of every kept file in the first `end` bytes of a
/// checkpoint; payloads are passed over unread. What is at a place is checked when it is read there.
///
/// # Errors
/// The file cannot be read (exit 6).
pub fn each_file(path: &Path, file: &File, end: u64, mut each: impl FnMut(Ordinal, &str, u64)) -> Result<()> {
    let mut offset = 0;
    let mut head = [0; FILE_HEAD_BYTES];
    while offset < end {
        let read =
            read_some_at(file, &mut head, offset).map_err(|e| Error::io("cannot read the checkpoint", path, &e))?;
        let payload = u64::from(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
        if read <= 36 || payload == 0 {
            break;
        }
        let known = read.min(36 + payload as usize);
        if head[36] == FILE
            && let Some((ordinal, name)) = take_file_head(&mut &head[37..known])
        {
            each(ordinal, name, offset);
        }
        offset += 36 + payload;
    }
    Ok(())
}

const fn outcome_of(byte: u8) -> Option<Outcome> {
    match byte {
        0 => Some(Outcome::Ok),
        1 => Some(Outcome::Skip),
        2 => Some(Outcome::Error),
        _ => None,
    }
}

/// LEB128, unsigned.
fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn take_varint(body: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = body.split_first()?;
        *body = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;
