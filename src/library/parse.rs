//! One line to one record, by a frozen format.
//!
//! The same code reads a line for the snapshot and for a slice, without state between lines: what a
//! line is depends on its bytes and on the format alone.

use memchr::memchr;

use super::cells::{Cells, without_extension};
use super::counts::Counts;
use super::format::{Delimiter, TableFormat};

/// The byte-order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads lines of one format, and counts what it saw.
#[derive(Clone, Debug)]
pub struct Parser {
    delimiter: Delimiter,
    header: Option<Vec<u8>>,
    /// From 0.
    structure: usize,
    id: Option<usize>,
    last: usize,
    /// Cells with quotation marks are put together here.
    quoted: [Vec<u8>; 2],
    /// What became of the lines so far. `overlong`, `unterminated`, `not_utf8` and `nul` are for the caller to add.
    pub counts: Counts,
}

/// The two cells that make a record, and what is odd about them.
#[derive(Default)]
struct Found<'a> {
    structure: &'a [u8],
    id: &'a [u8],
    has_extension: bool,
    is_unclosed: bool,
}

impl Parser {
    /// A parser for `format`.
    pub fn new(format: &TableFormat) -> Self {
        let index = |column: u32| (column as usize).checked_sub(1);
        let (structure, id) = (index(format.structure_column).unwrap_or(0), index(format.id_column));
        Self {
            delimiter: format.delimiter,
            header: format.header.clone(),
            structure,
            id,
            last: id.map_or(structure, |id| id.max(structure)),
            quoted: [Vec::new(), Vec::new()],
            counts: Counts::default(),
        }
    }

    /// Structure and id of `line` (without its line feed); `None` if it is a header, blank or a comment.
    #[inline]
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        self.counts.lines += 1;
        let line = self.note_bare(line);
        match line.first() {
            Some(b'#') => {
                self.counts.comment += 1;
                return None;
            }
            Some(b' ' | b'\t') | None if is_blank(line) => {
                self.counts.blank += 1;
                return None;
            }
            _ => {}
        }
        if self.header.as_deref().is_some_and(|header| header == line) {
            self.counts.header += 1;
            return None;
        }
        let (structure, id, last) = (self.structure, self.id, self.last);
        let found = match self.delimiter {
            Delimiter::Tab => plain(line, b'\t', (structure, id, last)),
            Delimiter::Comma => separated(line, b',', (structure, id, last), &mut self.quoted),
            Delimiter::Semicolon => separated(line, b';', (structure, id, last), &mut self.quoted),
            Delimiter::Whitespace => spaced(line, (structure, id, last)),
        };
        self.counts.records += 1;
        self.counts.missing_id += u64::from(found.id.is_empty());
        self.counts.empty_structure += u64::from(found.structure.is_empty());
        self.counts.cxsmiles_dropped += u64::from(found.has_extension);
        self.counts.unclosed_quote += u64::from(found.is_unclosed);
        Some((found.structure, found.id))
    }

    /// The line without BOM and CR, which are counted.
    #[inline]
    fn note_bare<'a>(&mut self, line: &'a [u8]) -> &'a [u8] {
        if line.first() != Some(&BOM[0]) && line.last() != Some(&b'\r') {
            return line;
        }
        self.counts.bom += u64::from(line.starts_with(BOM));
        self.counts.crlf += u64::from(line.ends_with(b"\r"));
        bare(line)
    }
}

/// The columns of structure and id, and the last of them.
type Columns = (usize, Option<usize>, usize);

/// Columns between single delimiters, without quoting.
#[inline]
fn plain(line: &[u8], delimiter: u8, (structure, id, last): Columns) -> Found<'_> {
    let (mut cells, mut found) = (Cells::of(line), Found::default());
    for column in 0..=last {
        let Some(cell) = cells.next_plain(delimiter) else { break };
        if column == structure {
            found.has_extension = without_extension(cell).inspect(|bare| found.structure = bare).is_some();
            if !found.has_extension {
                found.structure = cell;
            }
        } else if Some(column) == id {
            found.id = cell;
        }
    }
    found
}

/// Columns between runs of spaces and tabs; a CXSMILES extension after the structure is not a column.
fn spaced(line: &[u8], (structure, id, last): Columns) -> Found<'_> {
    let (mut cells, mut found) = (Cells::of(line), Found::default());
    for column in 0..=last {
        let Some(cell) = cells.next_spaced() else { break };
        if column == structure {
            found.structure = cell;
            found.has_extension = cells.skip_extension();
        } else if Some(column) == id {
            found.id = cell;
        }
    }
    found
}

/// Columns between delimiters, where cells may be quoted.
fn separated<'a>(line: &'a [u8], delimiter: u8, columns: Columns, quoted: &'a mut [Vec<u8>; 2]) -> Found<'a> {
    if memchr(b'"', line).is_none() {
        return plain(line, delimiter, columns);
    }
    let (structure, id, last) = columns;
    let [structure_cell, id_cell] = quoted;
    structure_cell.clear();
    id_cell.clear();
    let (mut cells, mut other, mut is_unclosed) = (Cells::of(line), Vec::new(), false);
    for column in 0..=last {
        let cell = match column {
            c if c == structure => &mut *structure_cell,
            c if Some(c) == id => &mut *id_cell,
            _ => &mut other,
        };
        let Some(is_open) = cells.next_quoted(delimiter, cell) else { break };
        is_unclosed |= is_open;
    }
    let bare = without_extension(structure_cell);
    Found { structure: bare.unwrap_or(structure_cell), id: id_cell, has_extension: bare.is_some(), is_unclosed }
}

/// The line without a BOM at its start and CRs at its end.
pub fn bare(line: &[u8]) -> &[u8] {
    let mut line = line.strip_prefix(BOM).unwrap_or(line);
    while let [inner @ .., b'\r'] = line {
        line = inner;
    }
    line
}

/// Whether there is nothing but spaces and tabs.
pub fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| matches!(b, b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(format: &TableFormat, line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        Parser::new(format).parse(line).map(|(structure, id)| (structure.to_vec(), id.to_vec()))
    }

    fn format(delimiter: Delimiter, structure_column: u32, id_column: u32) -> TableFormat {
        TableFormat { delimiter, header: None, structure_column, id_column }
    }

    #[test]
    fn only_headers_blank_lines_and_comments_are_not_records() {
        let tab = TableFormat { header: Some(b"smiles\tid".to_vec()), ..format(Delimiter::Tab, 1, 2) };
        for line in ["", " \t ", "\r", "#CC\tx", "#", "smiles\tid", "\u{feff}smiles\tid\r", "\u{feff}"] {
            assert_eq!(parsed(&tab, line.as_bytes()), None, "{line:?}");
        }
        let mut parser = Parser::new(&tab);
        for line in ["\tx", " #", "\0", "smiles\tid ", "CC"] {
            assert!(parser.parse(line.as_bytes()).is_some(), "{line:?}");
        }
        assert!(parser.counts.is_balanced());
        assert_eq!((parser.counts.empty_structure, parser.counts.missing_id), (1, 3));
    }

    #[test]
    fn columns_may_be_in_any_order_and_missing() {
        let record = |s: &str, i: &str| Some((s.as_bytes().to_vec(), i.as_bytes().to_vec()));
        assert_eq!(parsed(&format(Delimiter::Tab, 3, 1), b"id\tx\tCC\ty"), record("CC", "id"));
        assert_eq!(parsed(&format(Delimiter::Tab, 3, 1), b"id\tx"), record("", "id"));
        assert_eq!(parsed(&format(Delimiter::Comma, 2, 0), b"id,\"CC\""), record("CC", ""));
        assert_eq!(parsed(&format(Delimiter::Whitespace, 1, 2), b"CC |&1:1| Z1 x"), record("CC", "Z1"));
        assert_eq!(parsed(&format(Delimiter::Tab, 1, 2), b"CC |&1:1|\tZ 1\tx"), record("CC", "Z 1"));
        assert_eq!(parsed(&format(Delimiter::Tab, 1, 1), b"CC"), record("CC", ""));
    }
}
