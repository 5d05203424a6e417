//! What a task had finished of a task group, taken in: its checkpoint, looked at frame by frame and written anew.
//!
//! The next worker believes what lies in a task group's directory: it puts rows in their places and seals them. So nothing comes there
//! that was not looked at, and whoever made something up is told of, and not the honest node that would have gone on from it.

use std::path::Path;

use crate::campaign::identity::Identity;
use crate::error::Result;
use crate::fs::Staged;
use crate::gather::received::{self, Ids};
use crate::id::{Ordinal, Ordinals};
use crate::scorer::row::RowBlock;
use crate::shard::checkpoint::{Frame, Header, Reader};

/// Marks of what was begun count so often for each record, and a few more; what goes beyond is left out: they only say who is asked alone.
const MARKS_EACH: u64 = 64;

/// All frames that are neither rows nor files take no more, in bytes.
const MARKS_BYTES_MAX: u64 = 1 << 32;

/// The files in one checkpoint take no more, in bytes, when they are unpacked.
const FILES_BYTES_MAX: u64 = 1 << 36;

/// What became of a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// What is whole of it has its place.
    Taken,
    /// It was there before, and stands.
    WasThere,
    /// It is not one that a worker writes: a lower-case fragment that says why.
    Refused(String),
}

/// Takes in the checkpoint at `from`, which is to be that of `header` and speak of the records of `range`, as `to`.
///
/// # Errors
/// The system refuses (exit 6).
pub(super) fn take(
    identity: &Identity,
    header: &Header,
    range: &Ordinals,
    (from, to): (&Path, &Path),
    ids: &mut Ids,
) -> Result<Progress> {
    if std::fs::symlink_metadata(to).is_ok() {
        return Ok(Progress::WasThere);
    }
    let refused = |why: &str| Ok(Progress::Refused(why.to_owned()));
    let records = range.end - range.start;
    let mut reader = match Reader::open(from, records)? {
        Some(reader) if reader.header() == header => reader,
        _ => return refused("is none of this campaign"),
    };
    let mut copy = Staged::create_beside(to)?;
    copy.write(reader.raw())?;
    let mut seen = Seen::new(range.clone());
    while let Some(frame) = reader.next() {
        match seen.look(identity, &frame, reader.raw().len() as u64, ids) {
            Ok(true) => copy.write(reader.raw())?,
            Ok(false) => {}
            Err(why) => return Ok(Progress::Refused(why)),
        }
    }
    if reader.is_forged() {
        return refused("holds a frame that no worker writes");
    }
    Ok(if copy.commit_new()? { Progress::Taken } else { Progress::WasThere })
}

/// What was seen of a checkpoint.
struct Seen {
    range: Ordinals,
    done: Vec<u64>,
    marks_left: u64,
    marks_bytes: u64,
    files_bytes: u64,
    /// Whether a clean end would end anything.
    is_begun: bool,
}

impl Seen {
    fn new(range: Ordinals) -> Self {
        let records = range.end - range.start;
        Self {
            done: vec![0; records.div_ceil(64) as usize],
            marks_left: records.saturating_add(64).saturating_mul(MARKS_EACH),
            marks_bytes: 0,
            files_bytes: 0,
            is_begun: false,
            range,
        }
    }

    /// Whether `frame` of so many bytes is of use; or why no worker writes it.
    fn look(&mut self, identity: &Identity, frame: &Frame, bytes: u64, ids: &mut Ids) -> Result<bool, String> {
        match frame {
            Frame::Rows(rows) => {
                self.rows(rows)?;
                received::check_rows(identity, rows, ids)
                    .map_err(|wrong| format!("holds rows that {}", told(wrong.what())))?;
                Ok(true)
            }
            Frame::File(file) => {
                self.files_bytes = self.files_bytes.saturating_add(file.content.len() as u64);
                if !self.range.contains(&file.ordinal) || self.files_bytes > FILES_BYTES_MAX {
                    return Err("holds files of other records, or far too many".to_owned());
                }
                Ok(true)
            }
            Frame::Started(_) | Frame::CleanEnd => {
                self.marks_bytes += bytes;
                if self.marks_bytes > MARKS_BYTES_MAX {
                    return Err("holds far too many marks of what was begun".to_owned());
                }
                self.mark(frame)
            }
        }
    }

    /// Notes that `rows` are finished.
    fn rows(&mut self, rows: &RowBlock) -> Result<(), String> {
        for meta in rows.metas() {
            let at = self
                .at(meta.ordinal)
                .ok_or_else(|| format!("holds a row of record {}, which is none of its own", meta.ordinal))?;
            let (word, mask) = (&mut self.done[(at / 64) as usize], 1 << (at % 64));
            if *word & mask != 0 {
                return Err(format!("holds two rows of record {}", meta.ordinal));
            }
            *word |= mask;
        }
        Ok(())
    }

    fn mark(&mut self, frame: &Frame) -> Result<bool, String> {
        let Frame::Started(runs) = frame else { return Ok(std::mem::take(&mut self.is_begun)) };
        if runs.iter().any(|run| run.start < self.range.start || run.end > self.range.end) {
            return Err("says that records were begun which are none of its own".to_owned());
        }
        let cost = runs.iter().map(|run| (run.end - run.start).max(1)).sum::<u64>();
        let Some(left) = self.marks_left.checked_sub(cost) else { return Ok(false) };
        (self.marks_left, self.is_begun) = (left, true);
        Ok(true)
    }

    fn at(&self, ordinal: Ordinal) -> Option<u64> {
        self.range.contains(&ordinal).then(|| ordinal - self.range.start)
    }
}

/// What gather says of rows, as the end of a sentence about them.
fn told(what: &str) -> String {
    if what.starts_with("have ") { what.to_owned() } else { format!("are not as they should be: {what}") }
}
