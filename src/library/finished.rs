//! What an interrupted snapshot leaves to the next one: the files that it had finished.
//!
//! Beside its index and its repacked records each part has a log, `PART.done`: a line for the request,
//! and then one for each file that is finished, appended after all that it names. A line `"synced"` says
//! that everything before it is durable. What comes after it survives a kill and perhaps not the loss of
//! power, so there the repacked records are read and compared before they are believed; the index always
//! is. A file counts as unchanged if size, times of modification and of change, and inode are the same:
//! the time of change cannot be set by anybody who restores the time of modification.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::format::FormatRequest;
use super::snapshot::FileSnapshot;
use crate::canonical::json;
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::fs::{self, Appender};
use crate::layout::SnapshotDir;

/// Schema of a log.
const SCHEMA: &str = "molsieve.snapshot-log.v1";

/// What is finished is made durable this often, in seconds: syncing every small file would take longer than reading it.
const SYNC_EVERY_S: u64 = 5;

/// No line of a log is longer: a header line, which it quotes, is at most a mebibyte, escaped.
const LINE_MAX: u64 = 8 << 20;

/// One line of a log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
enum Line {
    /// The first: what was asked for.
    Request { schema: String, format: FormatRequest },
    /// A file is finished.
    File { stamp: String, file: Box<FileSnapshot> },
    /// Everything so far is durable.
    Synced,
}

/// The log of a part that is being written.
pub(super) struct Log {
    file: Appender,
    since_sync: Stopwatch,
}

impl Log {
    /// Starts the log at `path`.
    pub(super) fn create(path: &Path, format: &FormatRequest) -> Result<Self> {
        let file = Appender::create_new(path)?.ok_or_else(|| Error::bug("the name of a part is taken"))?;
        let mut log = Self { file, since_sync: Stopwatch::start() };
        log.append(&Line::Request { schema: SCHEMA.to_owned(), format: format.clone() })?;
        Ok(log)
    }

    /// Notes that `file` is finished. Whether it is time to sync.
    pub(super) fn note(&mut self, file: &FileSnapshot, stamp: String) -> Result<bool> {
        self.append(&Line::File { stamp, file: Box::new(file.clone()) })?;
        Ok(self.since_sync.elapsed().as_secs() >= SYNC_EVERY_S)
    }

    /// Notes that everything that the log names so far is durable, which the caller has seen to.
    pub(super) fn synced(&mut self) -> Result<()> {
        self.append(&Line::Synced)?;
        self.file.sync()?;
        self.since_sync = Stopwatch::start();
        Ok(())
    }

    fn append(&mut self, line: &Line) -> Result<()> {
        self.file.append(&json::to_line(line)?)
    }
}

/// What tells that the file at `path` is the one that was read; `None` if nothing does.
pub(super) fn stamp(path: &Path) -> Option<String> {
    let m = path.metadata().ok()?;
    let modified = format!("{}.{:09}", m.mtime(), m.mtime_nsec());
    Some(format!("{} {modified} {}.{:09} {}:{}", m.len(), m.ctime(), m.ctime_nsec(), m.dev(), m.ino()))
}

/// A file that an earlier snapshot had finished.
pub(super) struct Finished {
    dir: SnapshotDir,
    stamp: String,
    is_synced: bool,
    file: Box<FileSnapshot>,
}

/// All files that snapshots in `dirs`, taken with the same `format`, had finished. What cannot be read is passed over.
pub(super) fn in_dirs<'a>(dirs: impl Iterator<Item = &'a PathBuf>, format: &FormatRequest) -> Vec<Finished> {
    let mut found = Vec::new();
    for dir in dirs.map(SnapshotDir::new) {
        for entry in std::fs::read_dir(dir.root()).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| SnapshotDir::part_of_log(name).is_some()) {
                read(&entry.path(), &dir, format, &mut found);
            }
        }
    }
    found
}

/// Adds what the log at `path` names, up to its first line that is not whole.
fn read(path: &Path, dir: &SnapshotDir, format: &FormatRequest, found: &mut Vec<Finished>) {
    let Ok(file) = File::open(path) else { return };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    let mut is_ours = false;
    let from = found.len();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') {
            return;
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Request { schema, format: said }) => is_ours = schema == SCHEMA && said == *format,
            Ok(Line::File { stamp, file }) if is_ours && file.stored.is_named_well() => {
                found.push(Finished { dir: dir.clone(), stamp, is_synced: false, file });
            }
            Ok(Line::Synced) => found[from..].iter_mut().for_each(|finished| finished.is_synced = true),
            _ => return,
        }
    }
}

impl Finished {
    /// The escaped path of the file.
    pub(super) fn path(&self) -> &str {
        &self.file.source.path
    }

    /// The file as part of a snapshot in `into`, if it is still what it was and all of it is there.
    pub(super) fn reuse(&self, stamp: &str, into: &SnapshotDir) -> Option<FileSnapshot> {
        let is_whole = self.stamp == stamp
            && self.file.counts.is_balanced()
            && self.file.counts.records == self.file.records
            && self.file.is_indexed_in(&self.dir).is_ok_and(|is| is)
            && (self.file.is_in_place() || self.has_frames());
        (is_whole && self.is_in(into)).then(|| self.file.as_ref().clone())
    }

    fn has_frames(&self) -> bool {
        if !self.is_synced {
            return self.file.is_repacked_in(&self.dir).is_ok_and(|is| is);
        }
        let frames = self.dir.frames(&self.file.stored.part).metadata();
        self.file.blocks == 0 || frames.is_ok_and(|metadata| metadata.len() >= self.file.stored.end)
    }

    /// Whether its part is in `into`, if need be under a second name. The process that wrote the part may
    /// still live: it appends, and never changes what it has written.
    fn is_in(&self, into: &SnapshotDir) -> bool {
        let part = &self.file.stored.part;
        let mut files = vec![(self.dir.index(part), into.index(part)), (self.dir.done(part), into.done(part))];
        if self.dir.frames(part).exists() {
            files.push((self.dir.frames(part), into.frames(part)));
        }
        files.iter().all(|(from, to)| to.exists() || fs::link(from, to))
    }
}
