//! Reading exactly the records of a range, each block checked against its digest.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::block::Digester;
use super::format::Notation;
use super::index::{Entry, IndexReader};
use super::lines::Lines;
use super::record::{Record, RecordBlock};
use super::records::Reader;
use super::repack::FrameReader;
use super::snapshot::{FileSnapshot, Snapshot, changed, gone};
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::id::{Ordinal, Ordinals};

/// A range of a library, read block by block in constant memory.
///
/// What it costs to open does not depend on the size of the library, and to go on from one range to
/// the next ([`Slice::move_to`]) costs nothing: the file stays open and a block that both ranges
/// share is read once.
pub struct Slice {
    snapshot: Snapshot,
    range: Ordinals,
    next: Ordinal,
    cursor: Option<Cursor>,
    /// The block that holds the end of the range, whole.
    held: Option<RecordBlock>,
    digester: Digester,
}

/// An open library file, between two of its blocks.
struct Cursor {
    file: usize,
    /// The next block.
    block: u64,
    /// Ordinal of the first record of the file.
    start: Ordinal,
    index: IndexReader,
    source: Source,
}

enum Source {
    Plain(Box<PlainSource>),
    Repacked(FrameReader),
}

/// A plain file, read where it is.
struct PlainSource {
    path: PathBuf,
    lines: Lines<File>,
    reader: Reader,
}

impl Slice {
    /// Opens the records of `range`. Nothing is read yet.
    ///
    /// # Errors
    /// The range goes beyond the library: a defect of ours.
    pub fn open(snapshot: &Snapshot, range: Ordinals) -> Result<Self> {
        let mut slice = Self {
            snapshot: snapshot.clone(),
            range: 0..0,
            next: 0,
            cursor: None,
            held: None,
            digester: Digester::default(),
        };
        slice.move_to(range)?;
        Ok(slice)
    }

    /// Starts on another range, keeping what is open.
    ///
    /// # Errors
    /// The range goes beyond the library: a defect of ours.
    pub fn move_to(&mut self, range: Ordinals) -> Result<()> {
        if range.end > self.snapshot.records() {
            let records = self.snapshot.records();
            return Err(Error::bug(format!("records {} to {} of {records} were asked for", range.start, range.end)));
        }
        self.next = range.start;
        self.range = range;
        Ok(())
    }

    /// The next records of the range, at most a block of them; `None` at its end.
    ///
    /// # Errors
    /// The library changed since the snapshot (exit 2), a file of it is gone or cannot be read (exit 6).
    pub fn next_block(&mut self) -> Result<Option<RecordBlock>> {
        if self.next >= self.range.end {
            return Ok(None);
        }
        let wanted = self.next..self.range.end;
        let block = match self.held.take() {
            Some(held) if spans(&held).contains(&self.next) => held,
            _ => self.load(self.next)?,
        };
        let span = spans(&block);
        self.next = span.end.min(self.range.end);
        if wanted.start <= span.start && span.end <= wanted.end {
            return Ok(Some(block));
        }
        let inside = block.within(&wanted);
        self.held = (span.end > self.range.end).then_some(block);
        Ok(Some(inside))
    }

    /// Hands the records with these ordinals to `each`, one at a time and in that order. Where it ascends, each block is
    /// read once. Afterwards the range is at its end.
    ///
    /// # Errors
    /// As [`Slice::next_block`]; an ordinal is beyond the library: a defect of ours; or what `each` answers.
    pub fn each_of(
        &mut self,
        ordinals: impl IntoIterator<Item = Ordinal>,
        mut each: impl FnMut(Record<'_>) -> Result<()>,
    ) -> Result<()> {
        for ordinal in ordinals {
            self.move_to(ordinal..ordinal.saturating_add(1))?;
            while let Some(block) = self.next_block()? {
                block.iter().try_for_each(&mut each)?;
            }
        }
        Ok(())
    }

    /// The records with these ordinals, which ascend, as one block.
    ///
    /// # Errors
    /// As [`Slice::each_of`].
    pub fn pick(&mut self, ordinals: impl IntoIterator<Item = Ordinal>) -> Result<RecordBlock> {
        let mut picked = RecordBlock::new(self.snapshot.notation());
        self.each_of(ordinals, |record| {
            picked.push(record.ordinal, record.structure, record.id);
            Ok(())
        })?;
        Ok(picked)
    }

    /// The whole block that holds `ordinal`, checked.
    fn load(&mut self, ordinal: Ordinal) -> Result<RecordBlock> {
        let (file, start) = self.snapshot.file_of(ordinal).ok_or_else(|| Error::bug("an ordinal has no file"))?;
        let mut cursor = match self.cursor.take() {
            Some(cursor) if cursor.file == file => cursor,
            _ => Cursor::open(&self.snapshot, file, start)?,
        };
        let described = &self.snapshot.files()[file];
        cursor.go_to(ordinal - start, described)?;
        let block = cursor.read(described, &mut self.digester)?;
        if !spans(&block).contains(&ordinal) {
            return Err(cursor.index.damaged());
        }
        self.cursor = Some(cursor);
        Ok(block)
    }
}

/// The ordinals of a whole block.
fn spans(block: &RecordBlock) -> Ordinals {
    if block.is_empty() {
        return 0..0;
    }
    let first = block.get(0).ordinal;
    first..first + block.len() as u64
}

impl Cursor {
    fn open(snapshot: &Snapshot, file: usize, start: Ordinal) -> Result<Self> {
        let described = &snapshot.files()[file];
        let stored = &described.stored;
        let index = IndexReader::open(snapshot.layout().index(&stored.part), stored.entry, described.blocks)?;
        let source = if described.is_in_place() {
            let path = described.source.path()?;
            let opened = File::open(&path).map_err(|e| gone(&path, &e))?;
            let bytes = opened.metadata().map_err(|e| gone(&path, &e))?.len();
            if bytes != described.source.bytes {
                return Err(changed(&path, &format!("it had {} bytes and has {bytes}", described.source.bytes)));
            }
            // Offset `u64::MAX` is nowhere: the first `go_to` seeks.
            let lines = Lines::starting_at(opened, u64::MAX);
            let reader =
                Reader::new(&described.format).ok_or_else(|| Error::bug("a file without lines is in place"))?;
            Source::Plain(Box::new(PlainSource { path, lines, reader }))
        } else {
            Source::Repacked(FrameReader::open(snapshot.layout().frames(&stored.part))?)
        };
        Ok(Self { file, block: u64::MAX, start, index, source })
    }

    /// Makes the block that holds the record at `position` of the file the next one.
    fn go_to(&mut self, position: u64, described: &FileSnapshot) -> Result<()> {
        let is_next = self.block < self.index.blocks() && {
            let (first, end) = self.records(self.block, described)?;
            (first.first..end).contains(&position)
        };
        if is_next {
            return Ok(());
        }
        self.block = self.index.find(position)?;
        let offset = self.index.entry(self.block)?.offset;
        if let Source::Plain(plain) = &mut self.source {
            let PlainSource { path, lines, .. } = plain.as_mut();
            lines.restart(|file| file.seek(SeekFrom::Start(offset)).map(|_| ()), offset).map_err(|e| gone(path, &e))?;
        }
        Ok(())
    }

    /// The entry of `block`, and the position after its last record.
    fn records(&mut self, block: u64, described: &FileSnapshot) -> Result<(Entry, u64)> {
        let entry = self.index.entry(block)?;
        let is_last = block + 1 == self.index.blocks();
        let end = if is_last { described.records } else { self.index.entry(block + 1)?.first };
        Ok((entry, end))
    }

    /// Reads the next block and checks it.
    fn read(&mut self, described: &FileSnapshot, digester: &mut Digester) -> Result<RecordBlock> {
        let (entry, end) = self.records(self.block, described)?;
        let is_last = self.block + 1 == self.index.blocks();
        let end_offset = if is_last { described.stored.end } else { self.index.entry(self.block + 1)?.offset };
        let (first, count) = (self.start.saturating_add(entry.first), end.saturating_sub(entry.first));
        let notation = described.format.notation();
        self.block += 1;
        match &mut self.source {
            Source::Plain(plain) => {
                let PlainSource { path, lines, reader } = plain.as_mut();
                let block = read_plain(lines, reader, notation, first, count).map_err(|e| gone(path, &e))?;
                let is_same = block.len() as u64 == count && digester.digest(&block) == entry.digest;
                if is_same { Ok(block) } else { Err(changed(path, &lost(first, count))) }
            }
            Source::Repacked(frames) => {
                let payload = frames.read(entry.offset, end_offset)?;
                let block = unpacked(payload, &entry.digest, notation, first).filter(|b| b.len() as u64 == count);
                block.ok_or_else(|| frames.damaged())
            }
        }
    }
}

fn lost(first: Ordinal, count: u64) -> String {
    format!("records {first} to {} are not what they were", first + count)
}

/// The block of a payload, if the payload has this digest.
fn unpacked(payload: Vec<u8>, digest: &Digest, notation: Notation, first: Ordinal) -> Option<RecordBlock> {
    (digest::blake3(&payload) == *digest).then(|| RecordBlock::from_payload(payload, first, notation))?
}

/// The next `count` records, or all that are left.
fn read_plain(
    lines: &mut Lines<File>,
    reader: &mut Reader,
    notation: Notation,
    first: Ordinal,
    count: u64,
) -> std::io::Result<RecordBlock> {
    let expected = count.min(super::block::BLOCK_RECORDS as u64) as usize;
    let mut block = RecordBlock::with_capacity(notation, expected, 64 * expected);
    if count > 0 {
        reader.each(lines, |found| {
            block.push(first + block.len() as u64, found.structure, found.id);
            let is_enough = block.len() as u64 >= count || super::block::is_full(&block);
            if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(block)
}
