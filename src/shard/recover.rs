//! What earlier attempts at a task group left behind: their finished rows, and what they died over.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use super::checkpoint::{Frame, Header, Reader};
use super::kept::{Log, Origin};
use crate::error::{Error, Result};
use crate::id::{AttemptId, Ordinal, Ordinals};
use crate::layout::{EntryKind, GroupDir};
use crate::scorer::row::RowBlock;

/// A frame of finished rows, where it is.
#[derive(Debug)]
struct Place {
    first: Ordinal,
    file: usize,
    offset: u64,
}

/// What earlier attempts left. Rows stay in their files until they are needed, so memory holds one
/// bit a record and a few words a frame. The files stay open: a twin that seals the group removes
/// their names.
#[derive(Debug)]
pub struct Recovered {
    range: Ordinals,
    done: Vec<u64>,
    /// Started in an attempt that never came to a clean end, and not finished by any.
    suspects: BTreeSet<Ordinal>,
    /// Each with where its valid part ends.
    files: Vec<(PathBuf, File, u64)>,
    /// Neither rows nor suspects were found.
    is_empty: bool,
    /// In descending order of `first`: the next one is the last.
    places: Vec<Place>,
}

impl Recovered {
    /// Reads every checkpoint in `dir` that is of `like` (the same plan, scorer and group), in the
    /// order of the attempts' names.
    ///
    /// # Errors
    /// The directory or a file cannot be read (exit 6).
    pub fn read(dir: &GroupDir, like: &Header, range: Ordinals) -> Result<Self> {
        let words = (range.end - range.start).div_ceil(64);
        let mut found = Self {
            range,
            done: vec![0; words as usize],
            suspects: BTreeSet::new(),
            files: Vec::new(),
            is_empty: true,
            places: Vec::new(),
        };
        for attempt in attempts(dir, EntryKind::Checkpoint)? {
            found.read_one(dir.checkpoint(&attempt), like)?;
        }
        let mut suspects = std::mem::take(&mut found.suspects);
        suspects.retain(|ordinal| !found.is_done(*ordinal));
        found.suspects = suspects;
        found.is_empty = found.places.is_empty() && found.suspects.is_empty();
        found.places.sort_by_key(|place| std::cmp::Reverse(place.first));
        Ok(found)
    }

    /// Whether this record was finished by an earlier attempt.
    pub fn is_done(&self, ordinal: Ordinal) -> bool {
        self.bit(ordinal).is_some_and(|(word, mask)| self.done[word] & mask != 0)
    }

    /// Whether an earlier worker died while this record was being scored.
    pub fn is_suspect(&self, ordinal: Ordinal) -> bool {
        self.suspects.contains(&ordinal)
    }

    /// How many records were finished by earlier attempts.
    pub fn finished(&self) -> u64 {
        self.done.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether nothing of use was found.
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The next frame of finished rows that may hold rows before `end`, and where it was; frames come by their first
    /// ordinal.
    ///
    /// # Errors
    /// A file that was valid a moment ago is not any more (exit 6).
    pub fn next_rows(&mut self, end: Ordinal) -> Result<Option<(RowBlock, Origin)>> {
        if self.places.last().is_none_or(|place| place.first >= end) {
            return Ok(None);
        }
        let Some(place) = self.places.pop() else { return Ok(None) };
        let (path, file, _) = &self.files[place.file];
        match Reader::frame_at(path, file, place.offset)? {
            Some(Frame::Rows(rows)) => Ok(Some((rows, Origin::Earlier(place.file)))),
            _ => Err(Error::environment(format!("the checkpoint `{}` changed while it was read", path.display()))
                .hint("run the same command again: it resumes from what is valid")),
        }
    }

    /// The checkpoints that rows were found in.
    pub fn logs(&self) -> Vec<Log<'_>> {
        self.files.iter().map(|(path, file, end)| (path.as_path(), file, *end)).collect()
    }

    fn read_one(&mut self, path: PathBuf, like: &Header) -> Result<()> {
        let records = self.range.end - self.range.start;
        let Some(mut reader) = Reader::open(&path, records)? else { return Ok(()) };
        let (ours, theirs) = (like, reader.header());
        if (ours.plan, ours.scorer, ours.group) != (theirs.plan, theirs.scorer, theirs.group) {
            return Ok(());
        }
        let mut started = BTreeSet::new();
        let mut offset = reader.offset();
        let file = self.files.len();
        while let Some(frame) = reader.next() {
            match frame {
                Frame::Started(runs) => started.extend(runs.into_iter().flat_map(|run| self.within(&run))),
                Frame::CleanEnd => started.clear(),
                Frame::Rows(rows) => {
                    if let Some(first) = self.note(&rows, &mut started) {
                        self.places.push(Place { first, file, offset });
                    }
                }
                // Those of the best records are looked for when the group is sealed.
                Frame::File(_) => {}
            }
            offset = reader.offset();
        }
        if self.places.last().is_some_and(|place| place.file == file) {
            self.files.push((path, reader.into_file(), offset));
        }
        self.suspects.append(&mut started);
        Ok(())
    }

    /// Marks `rows` as done; the first ordinal among those that were not, if any.
    fn note(&mut self, rows: &RowBlock, started: &mut BTreeSet<Ordinal>) -> Option<Ordinal> {
        let mut first = None;
        for meta in rows.metas() {
            started.remove(&meta.ordinal);
            let Some((word, mask)) = self.bit(meta.ordinal) else { continue };
            if self.done[word] & mask == 0 {
                self.done[word] |= mask;
                first = Some(first.map_or(meta.ordinal, |f: Ordinal| f.min(meta.ordinal)));
            }
        }
        first
    }

    /// The part of `run` that belongs to this group: a checkpoint may say anything.
    fn within(&self, run: &Ordinals) -> Ordinals {
        run.start.max(self.range.start)..run.end.min(self.range.end)
    }

    fn bit(&self, ordinal: Ordinal) -> Option<(usize, u64)> {
        let at = self.range.contains(&ordinal).then(|| ordinal - self.range.start)?;
        Some(((at / 64) as usize, 1 << (at % 64)))
    }
}

/// The attempts that left a file of `kind` in `dir`, sorted by name.
///
/// # Errors
/// The directory cannot be read (exit 6).
pub fn attempts(dir: &GroupDir, kind: EntryKind) -> Result<Vec<AttemptId>> {
    let entries = match std::fs::read_dir(dir.root()) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("cannot list", dir.root(), &e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("cannot list", dir.root(), &e))?;
        if let Some((attempt, k)) = entry.file_name().to_str().and_then(GroupDir::entry)
            && k == kind
        {
            found.push(attempt);
        }
    }
    found.sort();
    Ok(found)
}
