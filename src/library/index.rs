//! The index: where each block lies, which record is its first, and its digest.
//!
//! One file a part: a magic of 16 bytes, then an entry of 48 bytes a block: the offset (of the first
//! line in a plain file, of the frame in a `.frames` file), the position of its first record in its
//! library file, and the digest. Integers are little-endian. Entries of one library file are
//! contiguous; they are read where they are needed, and never all.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::block::BLOCK_RECORDS;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs::Appender;

/// First bytes of an index: name and version of the format.
pub(super) const MAGIC: &[u8; 16] = b"molsieve.index.1";

/// Bytes of an entry.
pub(super) const ENTRY: usize = 48;

/// Entries that are read at a time.
const WINDOW: u64 = 64;

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub offset: u64,
    /// Position of the first record in its library file, from 0.
    pub first: u64,
    pub digest: Digest,
}

impl Entry {
    fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..].copy_from_slice(&self.digest.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let mut entry = Self { offset: 0, first: 0, digest: Digest::default() };
        let (integers, digest) = bytes.split_at(16);
        let word = |at: usize| integers[at..at + 8].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
        (entry.offset, entry.first) = (word(0), word(8));
        entry.digest.0.copy_from_slice(digest);
        entry
    }
}

/// Writes an index.
#[derive(Debug)]
pub(super) struct IndexWriter {
    file: Appender,
    entries: u64,
}

impl IndexWriter {
    /// Starts the index at `path`. Nobody reads what no log and no `snapshot.json` names.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let mut file = Appender::create_new(path)?.ok_or_else(|| Error::bug("the name of a part is taken"))?;
        file.append(MAGIC)?;
        Ok(Self { file, entries: 0 })
    }

    /// How many entries were pushed.
    pub(super) const fn entries(&self) -> u64 {
        self.entries
    }

    /// Appends an entry.
    pub(super) fn push(&mut self, entry: Entry) -> Result<()> {
        self.entries += 1;
        self.file.append(&entry.to_bytes())
    }

    /// Makes what was pushed durable.
    pub(super) fn sync(&mut self) -> Result<()> {
        self.file.sync()
    }
}

/// Reads the entries `[begin, begin + blocks)`: those of one library file.
#[derive(Debug)]
pub(super) struct IndexReader {
    file: File,
    path: PathBuf,
    begin: u64,
    blocks: u64,
    window: Vec<Entry>,
    window_at: u64,
    /// What was read of the file, in bytes.
    touched: Vec<Range<u64>>,
}

impl IndexReader {
    /// Opens the index at `path` for the `blocks` entries from `begin` on.
    pub(super) fn open(path: PathBuf, begin: u64, blocks: u64) -> Result<Self> {
        let file = File::open(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
        let mut reader = Self { file, path, begin, blocks, window: Vec::new(), window_at: 0, touched: Vec::new() };
        let mut magic = [0; 16];
        reader.read_at(&mut magic, 0)?;
        if &magic == MAGIC { Ok(reader) } else { Err(reader.damaged()) }
    }

    /// How many blocks the library file has.
    pub(super) const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The entry of `block`, from 0 in its library file.
    pub(super) fn entry(&mut self, block: u64) -> Result<Entry> {
        if !(self.window_at..self.window_at + self.window.len() as u64).contains(&block) {
            let count = self.blocks.saturating_sub(block).min(WINDOW) as usize;
            let mut bytes = vec![0; count * ENTRY];
            self.read_at(&mut bytes, MAGIC.len() as u64 + (self.begin + block) * ENTRY as u64)?;
            self.window = bytes.as_chunks().0.iter().map(Entry::from_bytes).collect();
            self.window_at = block;
        }
        self.window.get((block - self.window_at) as usize).copied().ok_or_else(|| self.damaged())
    }

    /// The block that holds the record at `position` of its library file.
    ///
    /// No block has more than [`BLOCK_RECORDS`], so it is not before the one where it would be if all
    /// were full. It nearly always is that one; the search by halves is for files with huge records.
    pub(super) fn find(&mut self, position: u64) -> Result<u64> {
        let mut low = (position / BLOCK_RECORDS as u64).min(self.blocks.saturating_sub(1));
        if low + 1 >= self.blocks || self.entry(low + 1)?.first > position {
            return Ok(low);
        }
        let mut high = self.blocks;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.entry(middle)?.first <= position {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> Result<()> {
        let end = offset + bytes.len() as u64;
        match self.touched.last_mut() {
            Some(last) if (last.start..=last.end).contains(&offset) => last.end = last.end.max(end),
            _ => self.touched.push(offset..end),
        }
        self.file.read_exact_at(bytes, offset).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged(),
            _ => Error::io("cannot read", &self.path, &e),
        })
    }

    /// What was read of the file so far, in bytes: who reads the same entries elsewhere needs no more of it.
    pub(super) fn touched(self) -> Vec<Range<u64>> {
        self.touched
    }

    /// The error of an index that is not what was written.
    pub(super) fn damaged(&self) -> Error {
        Error::usage(format!("`{}` is not a whole index of a library snapshot", self.path.display()))
            .hint("take the snapshot again")
    }
}
