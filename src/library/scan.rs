//! The one pass over a file: decode, sniff, split, parse.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::cells;
use super::counts::Counts;
use super::decode::{self, Compression};
use super::format::{FileFormat, Format, FormatRequest, TableFormat};
use super::lines::Lines;
#[cfg(feature = "parquet")]
use super::parquet::ParquetFile;
use super::records::{Found, Reader};
use super::sdf;
use super::sniff::{self, Sample};
use crate::canonical::escape;
use crate::error::{Error, Result};

/// Columns of a table that are named to people.
const COLUMNS_SHOWN: usize = 100;

/// A file that was opened and sniffed.
pub(super) struct Scan<'a> {
    path: &'a Path,
    input: Input<'a>,
    /// Size of the file when it was opened, in bytes.
    pub size: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// How it is read.
    pub format: Format,
}

/// What records are read from.
enum Input<'a> {
    Lines(Lines<Box<dyn Read + 'a>>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetFile<'a>>),
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
        if said.format.map_or_else(|| FileFormat::of(path), Ok)? == FileFormat::Parquet {
            return open_parquet(path, said, progress);
        }
        let decoded = decode::open(path, progress)?;
        let mut lines = Lines::starting_at(decoded.reader, 0);
        let seen = lines.peek(sniff::SAMPLE_BYTES + 1).map_err(|e| decode::read_error(path, &e))?;
        let bytes = &seen[..seen.len().min(sniff::SAMPLE_BYTES)];
        let format = sniff::sniff(path, Sample { bytes, is_whole: bytes.len() == seen.len() }, said)?;
        Ok(Self { path, input: Input::Lines(lines), size: decoded.size, compression: decoded.compression, format })
    }

    /// Whether a slice can read the records where they are.
    pub(super) const fn is_in_place(&self) -> bool {
        matches!(self.compression, Compression::None) && !matches!(self.format, Format::Parquet { .. })
    }

    /// The columns or data fields that the file names at its start, for people.
    pub(super) fn columns(&mut self) -> Result<Vec<String>> {
        let names = match (&mut self.input, &self.format) {
            (Input::Lines(lines), Format::Sdf { .. }) => {
                sdf::fields(lines.peek(sniff::SAMPLE_BYTES).map_err(|e| decode::read_error(self.path, &e))?)
            }
            #[cfg(feature = "parquet")]
            (Input::Parquet(file), _) => return Ok(file.columns()),
            _ => return Ok(named_columns(&self.format)),
        };
        Ok(names.iter().map(|name| escape::to_string(name)).collect())
    }

    /// Hands each record to `each`, until that breaks or the file ends.
    pub(super) fn run(mut self, mut each: impl FnMut(Found<'_>) -> Result<ControlFlow<()>>) -> Result<Scanned> {
        let lines = match &mut self.input {
            Input::Lines(lines) => lines,
            #[cfg(feature = "parquet")]
            Input::Parquet(file) => return Ok(Scanned { decoded: 0, counts: file.run(each)? }),
        };
        let mut reader = Reader::new(&self.format).ok_or_else(|| Error::bug("a file without lines is read by line"))?;
        let ended = reader.each(lines, |found| match each(found) {
            Ok(ControlFlow::Continue(())) => ControlFlow::Continue(()),
            Ok(ControlFlow::Break(())) => ControlFlow::Break(Ok(())),
            Err(e) => ControlFlow::Break(Err(e)),
        });
        ended.map_err(|e| decode::read_error(self.path, &e))?.unwrap_or(Ok(()))?;
        Ok(Scanned { decoded: lines.offset(), counts: reader.counts() })
    }
}

/// The names in the header of a table.
pub(super) fn named_columns(format: &Format) -> Vec<String> {
    let Format::Table(TableFormat { header: Some(header), delimiter, .. }) = format else { return Vec::new() };
    cells::all(header, *delimiter, COLUMNS_SHOWN).iter().map(|name| escape::to_string(name)).collect()
}

#[cfg(feature = "parquet")]
fn open_parquet<'a>(path: &'a Path, said: &FormatRequest, progress: &'a AtomicU64) -> Result<Scan<'a>> {
    let file = Box::new(ParquetFile::open(path, said, progress)?);
    let format = Format::Parquet { parquet: file.format.clone() };
    Ok(Scan { path, size: file.size, input: Input::Parquet(file), compression: Compression::None, format })
}

#[cfg(not(feature = "parquet"))]
fn open_parquet<'a>(path: &'a Path, _: &FormatRequest, _: &'a AtomicU64) -> Result<Scan<'a>> {
    Err(Error::usage(format!("`{}` is a Parquet file, which this binary does not read", path.display()))
        .hint("build molsieve with the cargo feature `parquet` (it is one of the default features), or convert the file to `.csv`"))
}
