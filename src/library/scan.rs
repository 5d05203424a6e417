//! The one pass over a file: decode, sniff, split, parse.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::counts::Counts;
use super::decode::{self, Compression};
use super::format::{Format, FormatRequest};
use super::lines::Lines;
pub(super) use super::records::Found;
use super::records::Reader;
use super::sniff::{self, Sample};
use crate::error::{Error, Result};

/// A file that was opened and sniffed.
pub(super) struct Scan<'a> {
    path: &'a Path,
    lines: Lines<Box<dyn Read + 'a>>,
    /// Size of the file when it was opened, in bytes.
    pub size: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// How it is read.
    pub format: Format,
}

/// What became of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scanned {
    /// Decoded bytes that were read as lines.
    pub decoded: u64,
    /// Without `not_utf8` and `nul`, which are for the receiver of the records to note.
    pub counts: Counts,
}

impl<'a> Scan<'a> {
    /// Opens the file at `path` and decides its format; bytes read from it are added to `progress`.
    pub(super) fn open(path: &'a Path, said: &FormatRequest, progress: &'a AtomicU64) -> Result<Self> {
        let decoded = decode::open(path, progress)?;
        let mut lines = Lines::starting_at(decoded.reader, 0);
        let seen = lines.peek(sniff::SAMPLE_BYTES + 1).map_err(|e| decode::read_error(path, &e))?;
        let bytes = &seen[..seen.len().min(sniff::SAMPLE_BYTES)];
        let format = sniff::sniff(path, Sample { bytes, is_whole: bytes.len() == seen.len() }, said)?;
        Ok(Self { path, lines, size: decoded.size, compression: decoded.compression, format })
    }

    /// Hands each record to `each`, until that breaks or the file ends.
    pub(super) fn run(mut self, mut each: impl FnMut(Found<'_>) -> Result<ControlFlow<()>>) -> Result<Scanned> {
        let mut reader = Reader::new(&self.format).ok_or_else(|| Error::bug("a file without lines is read by line"))?;
        let ended = reader.each(&mut self.lines, |found| match each(found) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => ControlFlow::Break(Ok(())),
            Err(e) => ControlFlow::Break(Err(e)),
        });
        ended.map_err(|e| decode::read_error(self.path, &e))?.unwrap_or(Ok(()))?;
        Ok(Scanned { decoded: self.lines.offset(), counts: reader.counts() })
    }
}
