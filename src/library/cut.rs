//! Which bytes of a library some of its records need: what is carried to where the library is not.
//!
//! The whole files are described, and parts of them are there: offsets, digests of blocks and the root stay what they are, so that a
//! slice reads and checks there as it does here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use super::index::IndexReader;
use super::repack::FrameReader;
use super::snapshot::{Document, Snapshot};
use crate::canonical::escape;
use crate::error::{Error, Result};
use crate::id::Ordinals;
use crate::layout::SnapshotDir;

/// Parts of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub source: PathBuf,
    /// Where it is in the cut library.
    pub inside: PathBuf,
    /// Its parts in bytes: ascending, and apart from each other.
    pub ranges: Vec<Range<u64>>,
}

/// What of `snapshot` has to be in the cut library `into`, so that the records of `ranges` can be read from there.
///
/// # Errors
/// The index cannot be read (exit 6), or is damaged (exit 2).
pub fn parts(snapshot: &Snapshot, into: &SnapshotDir, ranges: &[Ordinals]) -> Result<Vec<Part>> {
    let mut needed: BTreeMap<PathBuf, (PathBuf, Vec<Range<u64>>)> = BTreeMap::new();
    let mut add = |inside: PathBuf, source: PathBuf, ranges: Vec<Range<u64>>| {
        needed.entry(inside).or_insert_with(|| (source, Vec::new())).1.extend(ranges);
    };
    for range in ranges {
        let mut next = range.start;
        while next < range.end {
            let (file, start) = snapshot.file_of(next).ok_or_else(|| Error::bug("an ordinal has no file"))?;
            let described = &snapshot.files()[file];
            let (part, end) = (&described.stored.part, start + described.records);
            let mut index = IndexReader::open(snapshot.layout().index(part), described.stored.entry, described.blocks)?;
            let content = blocks(&mut index, (next - start)..(range.end.min(end) - start), described.stored.end)?;
            add(into.index(part), snapshot.layout().index(part), index.touched());
            if described.is_in_place() {
                add(into.carried_file(file), described.source.path()?, vec![content]);
            } else {
                add(into.frames(part), snapshot.layout().frames(part), vec![0..FrameReader::BEGINS, content]);
            }
            next = end;
        }
    }
    let whole = |(inside, (source, ranges))| Part { source, inside, ranges: joined(ranges) };
    Ok(needed.into_iter().map(whole).collect())
}

/// What `snapshot.json` holds in the cut library `into`, whose files are below the directory in which a task begins.
///
/// # Errors
/// None in practice: a path of ours is text.
pub fn document(snapshot: &Snapshot, into: &SnapshotDir) -> Result<Document> {
    let mut document = snapshot.document().clone();
    for (number, file) in document.files.iter_mut().enumerate() {
        let path = into.carried_file(number);
        let path = path.to_str().ok_or_else(|| Error::bug("a name of ours is not text"))?;
        file.source.path = escape::to_string(path.as_bytes());
    }
    Ok(document)
}

/// The bytes of the blocks that hold the records at `positions` of one library file, whose last block ends at `end`. The index is
/// read as a slice reads it.
fn blocks(index: &mut IndexReader, positions: Range<u64>, end: u64) -> Result<Range<u64>> {
    let mut block = index.find(positions.start)?;
    let begin = index.entry(block)?.offset;
    while block + 1 < index.blocks() {
        block += 1;
        let entry = index.entry(block)?;
        if entry.first >= positions.end {
            return Ok(begin..entry.offset);
        }
    }
    Ok(begin..end)
}

/// The same bytes in ascending ranges that are apart from each other.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut apart: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_touch_are_one() {
        assert_eq!(joined(vec![5..7, 0..2, 2..3, 6..9, 4..4]), [0..3, 5..9]);
    }
}
