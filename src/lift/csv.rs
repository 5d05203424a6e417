//! Comma-separated values as RFC 4180 has them, strictly: what is ambiguous is refused, and no field grows without bound.

use std::path::Path;

use crate::canonical::row::{Halt, Lines};
use crate::digest::{Digest, Sha256};
use crate::error::{Error, Result};
use crate::fs;

/// No record of a file is longer.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// The fields of one record of the file, and the line that it begins on.
#[derive(Debug, Default)]
pub struct Fields {
    /// The line that it begins on, from 1.
    pub line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Fields {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at `index`, without the blanks around it; empty where there is none.
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends.get(before).copied().unwrap_or_default());
        let bytes = self.ends.get(index).and_then(|end| self.text.get(start..*end)).unwrap_or_default();
        // (It was checked when it was read.)
        std::str::from_utf8(bytes).unwrap_or_default().trim_matches([' ', '\t'])
    }

    /// Takes the fields of `record` apart; what is wrong with it, if anything is.
    fn read(&mut self, record: &[u8]) -> Result<(), &'static str> {
        self.text.clear();
        self.ends.clear();
        let mut rest = record;
        loop {
            rest = match rest.strip_prefix(b"\"") {
                Some(inside) => self.quoted(inside)?,
                None => self.plain(rest)?,
            };
            self.ends.push(self.text.len());
            match rest.split_first() {
                None => return Ok(()),
                Some((b',', after)) => rest = after,
                Some(_) => return Err("has text between a closing quotation mark and the next comma"),
            }
        }
    }

    fn plain<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], &'static str> {
        let end = memchr::memchr2(b',', b'"', rest).unwrap_or(rest.len());
        if rest.get(end) == Some(&b'"') {
            return Err("has a quotation mark inside a field that does not begin with one");
        }
        self.text.extend_from_slice(&rest[..end]);
        Ok(&rest[end..])
    }

    /// A quoted field, from after its opening mark to after its closing one.
    fn quoted<'a>(&mut self, mut rest: &'a [u8]) -> Result<&'a [u8], &'static str> {
        loop {
            let end = memchr::memchr(b'"', rest).ok_or("has a quotation mark that is never closed")?;
            self.text.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let Some(after) = rest.strip_prefix(b"\"") else { return Ok(rest) };
            self.text.push(b'"');
            rest = after;
        }
    }
}

/// Where a record of the file can go on in the next line.
struct Records<'a> {
    path: &'a Path,
    /// Lines that were read.
    lines: u64,
    /// A record that is not whole yet: a quotation mark is open in it.
    open: Vec<u8>,
    is_open: bool,
    /// The line that it begins on.
    begun: u64,
    fields: Fields,
}

impl Records<'_> {
    fn line(&mut self, line: &[u8], each: &mut dyn FnMut(&Fields) -> Result<()>) -> Result<()> {
        self.lines += 1;
        let line = if self.lines == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if self.open.is_empty() {
            self.begun = self.lines;
        } else {
            self.open.push(b'\n');
        }
        if self.open.len() + line.len() > RECORD_BYTES_MAX {
            return Err(self.refused(&format!("begins a record of more than {} MiB", RECORD_BYTES_MAX >> 20)).hint(
                "it looks like no table: see whether a quotation mark is not closed, or the line ends are those of no system in use",
            ));
        }
        // (A mark that is doubled opens and closes.)
        self.is_open ^= memchr::memchr_iter(b'"', line).count() % 2 == 1;
        if self.open.is_empty() && !self.is_open {
            return self.record(line.strip_suffix(b"\r").unwrap_or(line), each);
        }
        self.open.extend_from_slice(line);
        if self.is_open {
            return Ok(());
        }
        let record = std::mem::take(&mut self.open);
        self.record(record.strip_suffix(b"\r").unwrap_or(&record), each)
    }

    fn record(&mut self, record: &[u8], each: &mut dyn FnMut(&Fields) -> Result<()>) -> Result<()> {
        if record.is_empty() {
            return Ok(());
        }
        if std::str::from_utf8(record).is_err() {
            return Err(self.refused("is not UTF-8").hint("save the table as CSV in UTF-8, unpacked"));
        }
        self.fields.line = self.begun;
        match self.fields.read(record) {
            Ok(()) => each(&self.fields),
            Err(what) => {
                Err(self.refused(what).hint("put such a field in quotation marks, and double those that are in it"))
            }
        }
    }

    fn refused(&self, what: &str) -> Error {
        Error::usage(format!("line {} of `{}` {what}", self.begun, self.path.display()))
    }
}

/// Calls `each` with every record of the table at `path`, the header first; SHA-256 of the file, and its length in bytes.
/// Blank lines are none, lines may end in CR LF, and a byte order mark at the beginning is left out.
///
/// # Errors
/// There is no such file, or it is no table (exit 2); the system refuses (exit 6); or what `each` answers.
pub fn each_record(path: &Path, mut each: impl FnMut(&Fields) -> Result<()>) -> Result<(Digest, u64)> {
    let file = fs::open_input(path).map_err(|e| Error::input(path, &e))?;
    let (mut lines, mut sha256, mut bytes) = (Lines::default(), Sha256::default(), 0);
    let mut records = Records { path, lines: 0, open: Vec::new(), is_open: false, begun: 0, fields: Fields::default() };
    let mut feed = |block: &[u8], records: &mut Records<'_>| {
        lines.feed(block, |line| records.line(line, &mut each)).map_err(|halt| match halt {
            Halt::Taker(error) => error,
            Halt::Fault(_) => Error::usage(format!("`{}` has a line without end", path.display()))
                .hint("it is no table: give a CSV file in UTF-8"),
        })?;
        Ok::<bool, Error>(lines.is_at_boundary())
    };
    let mut is_at_end = true;
    fs::each_block(file, path, |block| {
        sha256.update(block);
        bytes += block.len() as u64;
        is_at_end = feed(block, &mut records)?;
        Ok::<(), Error>(())
    })?;
    if !is_at_end {
        feed(b"\n", &mut records)?;
    }
    if records.is_open {
        return Err(records
            .refused("has a quotation mark that is never closed")
            .hint("close it, or double it where it belongs to the text"));
    }
    Ok((sha256.finish(), bytes))
}

/// Appends `field`, quoted where RFC 4180 asks for it, as Python's `csv` writes it.
pub fn push(out: &mut Vec<u8>, field: &str) {
    if field.contains([',', '"', '\n', '\r']) {
        out.push(b'"');
        out.extend_from_slice(field.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(field.as_bytes());
    }
}
