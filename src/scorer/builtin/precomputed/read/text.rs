//! Scores in lines with columns: CSV and TSV, with a header, plain or compressed.
//!
//! Cells are those of a library: what is between delimiters without the spaces around it, quoted as RFC 4180 says
//! within one line. Every line has as many cells as the header: an id with a bare comma is told, and never cut.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use super::columns::{Columns, DECOY_HASH, RDKIT_HASH, Said, only};
use super::{At, Each, EachPair, Found, Keys, Outline, checked, number, shown, weight, wrong};
use crate::canonical::escape;
use crate::error::{Error, Result};
use crate::library::cells::Cells;
use crate::library::decode;
use crate::library::lines::{LINE_MAX, Lines};
use crate::library::parse::{bare, is_blank};

/// Hands each score in the file at `path` to `each`. Without a `delimiter` the header tells it.
pub fn read(path: &Path, delimiter: Option<u8>, said: Said<'_>, each: &mut Each<'_>) -> Result<Outline> {
    let progress = AtomicU64::new(0);
    let table = Table::open(path, delimiter, &progress)?;
    let columns = Columns::of(&table.names, said)?;
    let name = table.names[columns.score].clone();
    let mut without_score = 0;
    let id_column = Some(table.names[columns.key].clone());
    table.rows([Some(columns.key), Some(columns.score), columns.weight], |at, [key, score, weighs]| {
        let Some(score) = number(score, at, &name)? else {
            without_score += 1;
            return Ok(());
        };
        if let Some(value) = number(weighs, at, "weight")? {
            weight(value, at)?;
        }
        let keys = columns.keys;
        if columns.is_escaped && key.contains(&b'\\') {
            let key = escape::undo(key).ok_or_else(|| not_escaped(key, at))?;
            return each(Found { keys, key: &key, score, at });
        }
        checked(keys, key, at)?;
        each(Found { keys, key, score, at })
    })?;
    Ok(Outline { id_column, score_column: Some(name), without_score, ..Outline::default() })
}

/// Hands each pair of hashes in the file at `path` to `each`: RDKit's, and ours.
pub fn pairs(path: &Path, each: &mut EachPair<'_>) -> Result<()> {
    let progress = AtomicU64::new(0);
    let table = Table::open(path, None, &progress)?;
    let wanted = [Some(only(&table.names, RDKIT_HASH)?), Some(only(&table.names, DECOY_HASH)?), None];
    table.rows(wanted, |at, [theirs, ours, _]| {
        // What RDKit does not read has no hash of its.
        if theirs.is_empty() {
            return Ok(());
        }
        checked(Keys::Foreign, theirs, at)?;
        checked(Keys::Hashes, ours, at)?;
        each(theirs, ours, at)
    })
}

pub fn not_escaped(key: &[u8], at: At) -> Error {
    wrong(at, format!("the id `{}` is not escaped as those of a payload are", shown(key)))
        .hint("take `summary.csv` as the campaign wrote it, or call its first columns something else")
}

/// A table of lines, open behind its header.
struct Table<'a> {
    source: Source<'a>,
    delimiter: u8,
    /// The names of its columns.
    names: Vec<String>,
}

/// The lines of a file that are text.
struct Source<'a> {
    path: &'a Path,
    lines: Lines<Box<dyn Read + 'a>>,
    /// Lines that were read.
    number: u64,
}

impl Source<'_> {
    /// The next line, without its end.
    fn next(&mut self) -> Result<Option<(At, &[u8])>> {
        let Some(line) = self.lines.next_line().map_err(|e| decode::read_error(self.path, &e))? else {
            return Ok(None);
        };
        self.number += 1;
        let at = At::Line(self.number);
        if line.is_cut {
            return Err(wrong(at, format!("it has more than {LINE_MAX} bytes"))
                .hint("this is no table of scores, or its line feeds were lost"));
        }
        let is_text = line.bytes.is_ascii() || std::str::from_utf8(line.bytes).is_ok();
        if !is_text || memchr::memchr(0, line.bytes).is_some() {
            return Err(wrong(at, "it is not UTF-8 text").hint("write the file again as UTF-8; UTF-16 is not read"));
        }
        let bytes = if self.number == 1 { bare(line.bytes) } else { line.bytes.trim_suffix_cr() };
        Ok(Some((at, bytes)))
    }
}

/// A line without the CR at its end.
trait WithoutCr {
    fn trim_suffix_cr(&self) -> &Self;
}

impl WithoutCr for [u8] {
    fn trim_suffix_cr(&self) -> &Self {
        self.strip_suffix(b"\r").unwrap_or(self)
    }
}

/// Cells that were asked for; what was not is empty.
type Cells3<'a> = [&'a [u8]; 3];

/// Which cells are asked for, by the numbers of their columns.
type Wanted = [Option<usize>; 3];

impl<'a> Table<'a> {
    fn open(path: &'a Path, delimiter: Option<u8>, progress: &'a AtomicU64) -> Result<Self> {
        let decoded = decode::open(path, progress)?;
        let mut source = Source { path, lines: Lines::starting_at(decoded.reader, 0), number: 0 };
        let (at, header) = loop {
            match source.next()? {
                Some((_, line)) if is_blank(line) => {}
                Some((at, line)) => break (at, line.to_vec()),
                None => {
                    return Err(Error::usage("it is empty")
                        .hint("its first line names the columns, as in `id,score`; a score follows in each line"));
                }
            }
        };
        let of_header = || [b',', b';', b'\t'].into_iter().find(|byte| header.contains(byte)).unwrap_or(b',');
        let delimiter = delimiter.unwrap_or_else(of_header);
        let names = header_of(at, &header, delimiter)?;
        Ok(Self { source, delimiter, names })
    }

    /// Hands the `wanted` cells of each row to `each`.
    fn rows(self, wanted: Wanted, mut each: impl FnMut(At, Cells3<'_>) -> Result<()>) -> Result<()> {
        let Self { mut source, delimiter, names } = self;
        let mut quoted: [Vec<u8>; 3] = Default::default();
        while let Some((at, line)) = source.next()? {
            if is_blank(line) {
                continue;
            }
            let has_quotes = delimiter != b'\t' && memchr::memchr(b'"', line).is_some();
            let (count, cells) = if has_quotes {
                let count = unquoted(line, delimiter, wanted, &mut quoted).ok_or_else(|| left_open(at))?;
                (count, [quoted[0].as_slice(), &quoted[1], &quoted[2]])
            } else {
                plain(line, delimiter, wanted)
            };
            if count != names.len() {
                return Err(other_width(at, count, names.len()));
            }
            each(at, cells)?;
        }
        Ok(())
    }
}

/// The cells of a header.
fn header_of(at: At, line: &[u8], delimiter: u8) -> Result<Vec<String>> {
    let (mut cells, mut cell, mut names) = (Cells::of(line), Vec::new(), Vec::new());
    loop {
        if delimiter == b'\t' {
            let Some(plain) = cells.next_plain(delimiter) else { return Ok(names) };
            names.push(String::from_utf8_lossy(plain).into_owned());
            continue;
        }
        match cells.next_quoted(delimiter, &mut cell) {
            None => return Ok(names),
            Some(true) => return Err(left_open(at)),
            Some(false) => names.push(String::from_utf8_lossy(&cell).into_owned()),
        }
    }
}

/// How many cells `line`, which has no quotation marks, has, and the `wanted` ones.
fn plain(line: &[u8], delimiter: u8, wanted: Wanted) -> (usize, Cells3<'_>) {
    let (mut cells, mut found, mut count) = (Cells::of(line), [&b""[..]; 3], 0);
    while let Some(cell) = cells.next_plain(delimiter) {
        for (slot, column) in found.iter_mut().zip(wanted) {
            if column == Some(count) {
                *slot = cell;
            }
        }
        count += 1;
    }
    (count, found)
}

/// How many cells `line` has, and the `wanted` ones in `found`; none if a quotation mark is left open.
fn unquoted(line: &[u8], delimiter: u8, wanted: Wanted, found: &mut [Vec<u8>; 3]) -> Option<usize> {
    let (mut cells, mut other, mut count) = (Cells::of(line), Vec::new(), 0);
    found.iter_mut().for_each(Vec::clear);
    loop {
        let slot = wanted.iter().position(|column| *column == Some(count)).map_or(&mut other, |at| &mut found[at]);
        match cells.next_quoted(delimiter, slot) {
            None => return Some(count),
            Some(true) => return None,
            Some(false) => count += 1,
        }
    }
}

fn left_open(at: At) -> Error {
    wrong(at, "a quotation mark is left open")
        .hint("write each row on one line: a cell that holds a line break is not read, nor is a stray `\"`")
}

fn other_width(at: At, count: usize, expected: usize) -> Error {
    wrong(at, format!("it has {count} cells, and the header {expected}"))
        .hint("put a cell that holds a delimiter in quotation marks; a row that was cut is written again")
}
