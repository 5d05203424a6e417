//! Kept files: which records of a task group are the best ones, and the archive of their files.
//!
//! While a group is worked on, memory holds the ranks of its best records and nothing of their
//! files: those are in the checkpoints. When the group is sealed, the files of the best are found
//! there again, and written to one archive in the order of ordinals. A file counts if it lies in
//! the same checkpoint as the row that counts: whoever scored the record handed it over. See
//! `docs/formats/kept-files.md`.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::checkpoint::{self, Frame, Reader};
use crate::canonical::row::Row;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::id::Ordinal;
use crate::scorer::rank::Standing;
use crate::scorer::{KeptFile, Order, Outcome};

/// No task group keeps the files of more records.
pub const RECORDS_MAX: u64 = 10_000;

/// Which records' files are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Of how many records of each task group.
    pub records: u64,
    /// The rank column, counted from the scorer's first.
    pub column: usize,
    /// Which end of it is best.
    pub order: Order,
}

/// What a receipt says of the kept files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptFiles {
    /// How many records of the task group were to have their files kept.
    pub keep: u64,
    /// How many of them had any.
    pub records: u64,
    /// How many files there are.
    pub files: u64,
    /// Length of the archive in bytes.
    pub bytes: u64,
    /// BLAKE3 of the archive.
    pub blake3: Digest,
}

/// The checkpoint in which a row was found: this attempt's own, or one of an earlier attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// This attempt's.
    Own,
    /// The nth of those that were recovered.
    Earlier(usize),
}

/// A checkpoint whose files may be asked for: its name, the open file, and where its valid part ends.
pub type Log<'a> = (&'a Path, &'a File, u64);

/// The best records so far.
#[derive(Debug)]
pub struct Best {
    keep: Keep,
    /// The worst is on top.
    heap: BinaryHeap<(Standing, Origin)>,
}

impl Best {
    /// None yet.
    pub const fn new(keep: Keep) -> Self {
        Self { keep, heap: BinaryHeap::new() }
    }

    /// Whether the record with this row could be among the best, as far as is known.
    pub fn could_be(&self, row: &Row<'_>) -> bool {
        row.outcome == Outcome::Ok && self.has_place(self.standing(row))
    }

    /// Considers the row that counts for a record.
    pub fn consider(&mut self, row: &Row<'_>, origin: Origin) {
        if row.outcome != Outcome::Ok {
            return;
        }
        let standing = self.standing(row);
        if !self.has_place(standing) {
            return;
        }
        self.heap.push((standing, origin));
        if self.heap.len() as u64 > self.keep.records {
            self.heap.pop();
        }
    }

    /// The best records, as far as they were considered.
    pub fn ordinals(&self) -> BTreeSet<Ordinal> {
        self.heap.iter().map(|(standing, _)| standing.ordinal).collect()
    }

    fn standing(&self, row: &Row<'_>) -> Standing {
        Standing::new(row.ordinal, row.value(self.keep.column), self.keep.order)
    }

    fn has_place(&self, standing: Standing) -> bool {
        (self.heap.len() as u64) < self.keep.records || self.heap.peek().is_some_and(|(worst, _)| standing < *worst)
    }

    /// Writes the archive of the files of the best records at `path`.
    ///
    /// # Errors
    /// A checkpoint changed or cannot be read, or the system refuses (exit 6).
    pub fn seal(self, own: Log<'_>, earlier: &[Log<'_>], path: &Path) -> Result<KeptFiles> {
        let keep = self.keep.records;
        let logs = numbered(earlier).chain([(Origin::Own, own)]).collect();
        let places = self.find(&logs)?;
        let records = places.keys().map(|(ordinal, _)| ordinal).collect::<BTreeSet<_>>().len() as u64;
        let (bytes, blake3) = write_archive(path, found(&logs, &places))?;
        Ok(KeptFiles { keep, records, files: places.len() as u64, bytes, blake3 })
    }

    /// Hands the files of the best records, all of which lie in `earlier`, to `take`: one at a time, by ordinal and name.
    ///
    /// # Errors
    /// A checkpoint changed or cannot be read (exit 6), or the error of `take`.
    pub fn each_file(self, earlier: &[Log<'_>], mut take: impl FnMut(KeptFile) -> Result<()>) -> Result<()> {
        let logs = numbered(earlier).collect();
        let places = self.find(&logs)?;
        found(&logs, &places).try_for_each(|file| take(file?))
    }

    /// Where the files of the best records are.
    fn find(self, logs: &Logs<'_>) -> Result<Places> {
        let best: BTreeMap<Ordinal, Origin> = self.heap.into_iter().map(|(s, origin)| (s.ordinal, origin)).collect();
        let mut places = BTreeMap::new();
        for (&origin, &(path, file, end)) in logs {
            if !best.values().any(|o| *o == origin) {
                continue;
            }
            checkpoint::each_file(path, file, end, |ordinal, name, offset| {
                if best.get(&ordinal) == Some(&origin) {
                    places.insert((ordinal, name.to_owned()), (origin, offset));
                }
            })?;
        }
        Ok(places)
    }
}

/// The checkpoints that rows were found in.
type Logs<'a> = BTreeMap<Origin, Log<'a>>;

/// Where files are, by ordinal and name: in which checkpoint, and where in it.
type Places = BTreeMap<(Ordinal, String), (Origin, u64)>;

fn numbered<'a>(earlier: &[Log<'a>]) -> impl Iterator<Item = (Origin, Log<'a>)> {
    (0..).map(Origin::Earlier).zip(earlier.iter().copied())
}

/// The files at `places`, read one by one.
fn found<'a>(logs: &'a Logs<'_>, places: &'a Places) -> impl Iterator<Item = Result<KeptFile>> + 'a {
    places.iter().map(|((ordinal, name), (origin, offset))| {
        let log = logs[origin];
        let file = read(log, *offset)?;
        if (file.ordinal, &file.name) == (*ordinal, name) { Ok(file) } else { Err(changed(log.0)) }
    })
}

fn read((path, file, _): Log<'_>, offset: u64) -> Result<KeptFile> {
    match Reader::frame_at(path, file, offset)? {
        Some(Frame::File(kept)) => Ok(kept),
        _ => Err(changed(path)),
    }
}

fn changed(path: &Path) -> Error {
    Error::environment(format!("the checkpoint `{}` changed while it was read", path.display()))
        .hint("run the same command again: it resumes from what is valid")
}

/// What a member of an archive is called.
pub fn member(ordinal: Ordinal, name: &str) -> String {
    format!("{ordinal}/{name}")
}

/// An archive at `path`: members in the order of `files`, dated 1980; the same bytes for the same files. Its length and
/// digest, once it is durable under its name.
fn write_archive(path: &Path, files: impl Iterator<Item = Result<KeptFile>>) -> Result<(u64, Digest)> {
    let refused = |e: std::io::Error| Error::io("cannot write the archive", path, &e);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut staged = Staged::create_beside(path)?;
    let mut zip = ZipWriter::new(BufWriter::new(staged.seekable()?));
    for file in files {
        let file = file?;
        zip.start_file(member(file.ordinal, &file.name), options).map_err(|e| refused(e.into()))?;
        zip.write_all(&file.content).map_err(refused)?;
    }
    zip.finish().map_err(|e| refused(e.into()))?.flush().map_err(refused)?;
    let written = staged.seekable()?;
    written.seek(SeekFrom::Start(0)).map_err(refused)?;
    let (blake3, bytes) = digest::blake3_stream(written).map_err(refused)?;
    staged.commit_new()?;
    Ok((bytes, blake3))
}
