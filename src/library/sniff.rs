//! From the first bytes of a file to its format.
//!
//! What the user said stands; of the rest, the delimiter follows from the name and the lines, the
//! header from the names of columns, and the columns from their names or from what they hold. A line
//! is taken for a header only if it names a column of structures: a bad first record stays a record.

use std::path::Path;

use super::cells;
use super::format::{Delimiter, FileFormat, Format, FormatRequest, TableFormat};
use super::parse::{bare, is_blank};
use super::sdf;
use super::smiles_like::looks_like_smiles;
use crate::canonical::escape;
use crate::error::{Error, Result};

/// Decoded bytes that are looked at.
pub const SAMPLE_BYTES: usize = 1 << 20;

/// Lines of the sample that are looked at.
const SAMPLE_LINES: usize = 1000;

/// Columns that are looked at; the user may say one beyond.
const COLUMNS_MAX: usize = 256;

/// Names of a column of structures, best first; lower case, letters and digits only.
const STRUCTURE_NAMES: [&str; 9] = [
    "smiles",
    "isomericsmiles",
    "cxsmiles",
    "canonicalsmiles",
    "smi",
    "smile",
    "structure",
    "structures",
    "smilesstring",
];

/// Names of a column of ids, best first; lower case, letters and digits only.
const ID_NAMES: [&str; 22] = [
    "id",
    "idnumber",
    "zincid",
    "chemblid",
    "cid",
    "pubchemcid",
    "mculeid",
    "catalogid",
    "catalognumber",
    "compoundid",
    "moleculeid",
    "molid",
    "molregno",
    "recordid",
    "substanceid",
    "sid",
    "code",
    "identifier",
    "name",
    "compoundname",
    "molname",
    "title",
];

/// The start of a decoded file.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// At most [`SAMPLE_BYTES`].
    pub bytes: &'a [u8],
    /// Whether the file has no more.
    pub is_whole: bool,
}

/// The format of the file at `path`, which starts with `sample`.
///
/// # Errors
/// What was said does not fit the file, or the file is of a format that is not read here (exit 2).
pub fn sniff(path: &Path, sample: Sample<'_>, said: &FormatRequest) -> Result<Format> {
    let within = |e: Error| e.within(format_args!("`{}`", path.display()));
    let file_format = said.format.map_or_else(|| FileFormat::of(path), Ok)?;
    refuse_foreign(sample.bytes, file_format).map_err(within)?;
    if file_format == FileFormat::Sdf {
        return sdf::sniff(sample, said).map(|sdf| Format::Sdf { sdf }).map_err(within);
    }
    table(file_format, sample, said).map(Format::Table).map_err(within)
}

/// The format of a table of lines.
fn table(file_format: FileFormat, sample: Sample<'_>, said: &FormatRequest) -> Result<TableFormat> {
    let lines = sampled_lines(sample);
    let delimiter = said.delimiter.unwrap_or_else(|| delimiter(file_format, &lines));
    let rows: Vec<Vec<Vec<u8>>> = lines.iter().map(|line| cells::all(line, delimiter, COLUMNS_MAX)).collect();
    let Some((first, rest)) = rows.split_first() else {
        return Ok(TableFormat { delimiter, ..TableFormat::default() });
    };
    let names_columns = [&said.structure_column, &said.id_column].into_iter().flatten().any(|c| !is_number(c));
    let has_header = said.header.unwrap_or_else(|| names_columns || is_header(first, rest));
    if has_header && lines.len() == 1 && !sample.is_whole {
        return Err(Error::usage("the header is longer than a mebibyte"));
    }
    let table = Table { header: has_header.then_some(first), data: if has_header { rest } else { &rows }, rows: &rows };
    let (structure, id) = columns(&table, said)?;
    Ok(TableFormat {
        delimiter,
        header: has_header.then(|| lines[0].to_vec()),
        structure_column: structure as u32 + 1,
        id_column: id.map_or(0, |id| id as u32 + 1),
    })
}

/// The sampled lines as cells.
struct Table<'a> {
    header: Option<&'a Vec<Vec<u8>>>,
    data: &'a [Vec<Vec<u8>>],
    /// The header and the data.
    rows: &'a [Vec<Vec<u8>>],
}

/// Lines that are neither blank nor comments; a last line that the sample cuts is left out if there are others.
fn sampled_lines(sample: Sample<'_>) -> Vec<&[u8]> {
    let whole = match memchr::memrchr(b'\n', sample.bytes) {
        Some(end) if !sample.is_whole => &sample.bytes[..end],
        _ => sample.bytes,
    };
    let lines = whole.split(|b| *b == b'\n').map(bare);
    lines.filter(|line| !is_blank(line) && line.first() != Some(&b'#')).take(SAMPLE_LINES).collect()
}

/// Refuses what is no table of SMILES, by its first bytes.
fn refuse_foreign(bytes: &[u8], format: FileFormat) -> Result<()> {
    let is_tar = bytes.get(257..262) == Some(b"ustar");
    let is_sdf = || bytes.split(|b| *b == b'\n').take(SAMPLE_LINES).map(bare).any(|line| line == b"M  END");
    let other = |what: &str, name: &str| {
        Err(Error::usage(format!("it is {what}, and not what its name or `format` says"))
            .hint(format!("call it `.{name}`, or say `format = \"{name}\"` if only the name is wrong")))
    };
    let what = match bytes {
        [b'P', b'A', b'R', b'1', ..] => return other("a Parquet file", "parquet"),
        [b'P', b'K', 3, 4, ..] => "a zip archive or a spreadsheet",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "compressed with xz",
        [0x89, b'H', b'D', b'F', ..] => "an HDF5 file",
        [0xff, 0xfe, 1..=255, 0, ..] | [0xfe, 0xff, 0, 1..=255, ..] => "text in UTF-16",
        _ if is_tar => "a tar archive",
        _ if format != FileFormat::Sdf && is_sdf() => return other("an SD file", "sdf"),
        _ => return Ok(()),
    };
    Err(Error::usage(format!("it is {what}, which molsieve does not read"))
        .hint("convert it to UTF-8 text with a SMILES string in each line; plain, `.gz`, `.bz2` or `.zst`"))
}

/// What is between columns, by the name of the file and then by the lines.
fn delimiter(format: FileFormat, lines: &[&[u8]]) -> Delimiter {
    let with = |byte: u8| lines.iter().filter(|line| line.contains(&byte)).count();
    let first_has = |byte: u8| lines.first().is_some_and(|line| line.contains(&byte));
    match format {
        FileFormat::Cxsmiles | FileFormat::Tsv => Delimiter::Tab,
        FileFormat::Csv if first_has(b',') => Delimiter::Comma,
        FileFormat::Csv if first_has(b';') => Delimiter::Semicolon,
        FileFormat::Csv if first_has(b'\t') => Delimiter::Tab,
        FileFormat::Csv => Delimiter::Comma,
        FileFormat::Smi | FileFormat::Txt | FileFormat::Sdf | FileFormat::Parquet => {
            // SMILES holds neither comma nor white space, so a comma alone in most lines is a delimiter.
            let (tabs, commas) = (with(b'\t'), with(b','));
            if tabs > 0 && 2 * tabs >= lines.len() {
                Delimiter::Tab
            } else if commas > 0 && 2 * commas >= lines.len() && tabs + with(b' ') == 0 {
                Delimiter::Comma
            } else {
                Delimiter::Whitespace
            }
        }
    }
}

/// Whether the first line names a column of structures that the lines after it bear out.
fn is_header(first: &[Vec<u8>], rest: &[Vec<Vec<u8>>]) -> bool {
    let exact = first.iter().position(|cell| STRUCTURE_NAMES.contains(&word(cell).as_str()));
    let Some(column) = exact.or_else(|| first.iter().position(|cell| word(cell).contains("smiles"))) else {
        return false;
    };
    let is_borne_out = mostly_smiles(rest, column);
    let is_elsewhere = || (0..first.len()).any(|other| looks_like_smiles(&first[other]) && mostly_smiles(rest, other));
    is_borne_out || exact.is_some() && !is_elsewhere()
}

/// The columns of structure and id, from 0.
fn columns(table: &Table<'_>, said: &FormatRequest) -> Result<(usize, Option<usize>)> {
    let structure = match &said.structure_column {
        Some(column) => said_column(column, table)?
            .ok_or_else(|| Error::usage("column `0` cannot hold structures").hint("columns are counted from 1"))?,
        None => structure_column(table),
    };
    let id = match &said.id_column {
        Some(column) => said_column(column, table)?,
        None => id_column(table.header, structure),
    };
    if id == Some(structure) {
        return Err(Error::usage(format!("structure and id cannot both be column `{}`", structure + 1))
            .hint("say structure_column and id_column; id_column 0 means that there are no ids"));
    }
    Ok((structure, id))
}

/// A column as the user said it, from 0; `None` for `0`, which stands for no column.
fn said_column(said: &str, table: &Table<'_>) -> Result<Option<usize>> {
    if is_number(said) {
        let width = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        return match said.parse::<usize>() {
            Ok(number) if number <= width => Ok(number.checked_sub(1)),
            _ => Err(Error::usage(format!("there is no column `{said}`: lines have {width} at most"))
                .hint("columns are counted from 1; run `molsieve library inspect` to see them")),
        };
    }
    let Some(header) = table.header else {
        return Err(Error::usage(format!("there is no column `{said}`: the file has no header"))
            .hint("say the number of the column, from 1"));
    };
    let exact = header.iter().position(|cell| cell == said.as_bytes());
    let found = exact.or_else(|| header.iter().position(|cell| cell.eq_ignore_ascii_case(said.as_bytes())));
    found.map(Some).ok_or_else(|| {
        let names: Vec<String> = header.iter().take(20).map(|cell| format!("`{}`", escape::to_string(cell))).collect();
        Error::usage(format!("there is no column `{said}` in the header"))
            .hint(format!("say one of {}, or a number from 1", names.join(", ")))
    })
}

/// The column of structures: by name, or the one that holds SMILES, or the first.
fn structure_column(table: &Table<'_>) -> usize {
    if let Some(column) = table.header.and_then(|header| named_structure(header)) {
        return column;
    }
    let width = table.rows.iter().map(Vec::len).max().unwrap_or(0);
    (0..width).find(|column| mostly_smiles(table.data, *column)).unwrap_or(0)
}

/// The column whose name says that structures are in it.
pub(super) fn named_structure(header: &[Vec<u8>]) -> Option<usize> {
    let words: Vec<String> = header.iter().map(|cell| word(cell)).collect();
    let exact = STRUCTURE_NAMES.iter().find_map(|name| words.iter().position(|w| w == name));
    exact.or_else(|| words.iter().position(|w| w.contains("smiles")))
}

/// The column of ids: by name; without names, the first that is not the structure.
pub(super) fn id_column(header: Option<&Vec<Vec<u8>>>, structure: usize) -> Option<usize> {
    let other = usize::from(structure == 0);
    let Some(header) = header else { return Some(other) };
    let words: Vec<String> = header.iter().map(|cell| word(cell)).collect();
    let only_other = || (header.len() == 2).then_some(other);
    named_id(&words, |column| column != structure).or_else(only_other)
}

/// The column whose name, as a [`word`], says that ids are in it.
pub(super) fn named_id(words: &[String], is_free: impl Fn(usize) -> bool) -> Option<usize> {
    let is_free = |column: &usize| is_free(*column);
    let exact = ID_NAMES.iter().find_map(|name| words.iter().position(|w| w == name).filter(is_free));
    exact.or_else(|| words.iter().position(|w| w.ends_with("id")).filter(is_free))
}

/// Whether at least half of the rows have SMILES in `column`.
pub(super) fn mostly_smiles(rows: &[Vec<Vec<u8>>], column: usize) -> bool {
    let smiles = rows.iter().filter(|row| row.get(column).is_some_and(|cell| looks_like_smiles(cell))).count();
    smiles > 0 && 2 * smiles >= rows.len()
}

/// The name of a column, to compare: lower case, letters and digits only; empty if it has other bytes than a name.
pub(super) fn word(cell: &[u8]) -> String {
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b" _-.()/".contains(b);
    if !cell.iter().all(is_name) {
        return String::new();
    }
    cell.iter().filter(|b| b.is_ascii_alphanumeric()).map(|b| b.to_ascii_lowercase() as char).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
