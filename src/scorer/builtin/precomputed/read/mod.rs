//! Reading a file of scores, whatever its form: each score with its key, and what is wrong told with file and place.

mod columns;
mod hetero;
#[cfg(feature = "parquet")]
mod parquet;
mod text;

use std::fmt;
use std::path::Path;

use super::settings::{Format, ScoreFile};
use crate::canonical::escape;
use crate::error::{Error, Result};

/// No more characters of a cell are shown.
const SHOWN_CHARS: usize = 60;

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The id of a record, or the hash of a look-alike.
    Ids,
    /// The hash of a look-alike, by our canonical form.
    Hashes,
    /// The hash of a look-alike, by RDKit's canonical form.
    Foreign,
}

/// Where in a file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A line, from 1.
    Line(u64),
    /// A row of a Parquet file, from 1.
    Row(u64),
    /// A score among the look-alikes of a JSON file, from 1.
    Entry(u64),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
            Self::Entry(number) => write!(f, "entry {number} of `decoys`"),
        }
    }
}

/// A score as it is found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What its key is.
    pub keys: Keys,
    /// Its key.
    pub key: &'a [u8],
    /// It.
    pub score: f64,
    /// Where it is.
    pub at: At,
}

/// Is told each score.
pub type Each<'a> = dyn FnMut(Found<'_>) -> Result<()> + 'a;

/// Is told each pair of hashes: RDKit's, ours, and where they are.
pub type EachPair<'a> = dyn FnMut(&[u8], &[u8], At) -> Result<()> + 'a;

/// What a file is like, as far as that is not in its scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The column that holds the keys; none of JSON.
    pub id_column: Option<String>,
    /// The column that holds the scores; none of JSON.
    pub score_column: Option<String>,
    /// Rows without a score.
    pub without_score: u64,
    /// The score of all records, in HETERO-2's form.
    pub original: Option<f64>,
    /// What that file calls its scores.
    pub score_key: Option<String>,
}

/// Hands each score of `file` to `each`.
///
/// # Errors
/// The file is none of its form (exit 2), with file and place; it cannot be read (exit 6); or what `each` answers.
pub fn read(file: &ScoreFile, each: &mut Each<'_>) -> Result<Outline> {
    let path = file.path.as_path();
    let said = columns::Said { id: file.id_column.as_deref(), score: file.score_column.as_deref() };
    let format = file.format().map_err(|e| within(path, e))?;
    if format == Format::HeteroScores && (file.id_column.is_some() || file.score_column.is_some()) {
        return Err(within(path, Error::usage("a file in HETERO-2's form has no columns"))
            .hint("leave out `id_column` and `score_column`, or say another `format`"));
    }
    let outline = match format {
        Format::Csv => text::read(path, None, said, each),
        Format::Tsv => text::read(path, Some(b'\t'), said, each),
        Format::Parquet => read_parquet(path, said, each),
        Format::HeteroScores => hetero::read(path, each),
    };
    outline.map_err(|e| within(path, e))
}

/// Hands each pair of `path`, RDKit's hash and ours, to `each`: columns `rdkit_hash` and `decoy_hash` of a CSV file.
///
/// # Errors
/// As [`read`].
pub fn pairs(path: &Path, each: &mut EachPair<'_>) -> Result<()> {
    text::pairs(path, each).map_err(|e| within(path, e))
}

#[cfg(feature = "parquet")]
fn read_parquet(path: &Path, said: columns::Said<'_>, each: &mut Each<'_>) -> Result<Outline> {
    parquet::read(path, said, each)
}

#[cfg(not(feature = "parquet"))]
fn read_parquet(_: &Path, _: columns::Said<'_>, _: &mut Each<'_>) -> Result<Outline> {
    Err(Error::usage("it is a Parquet file, which this binary does not read")
        .hint("build molsieve with the cargo feature `parquet` (it is one of the default features), or convert the file to `.csv`"))
}

fn within(path: &Path, error: Error) -> Error {
    // What the system says, or a reader of the library, names the file already.
    let shown = format!("`{}`", path.display());
    if error.what().contains(&shown) { error } else { error.within(shown) }
}

/// Something is wrong at a place.
fn wrong(at: At, what: impl fmt::Display) -> Error {
    Error::usage(format!("{at}: {what}"))
}

/// A cell for people.
pub fn shown(cell: &[u8]) -> String {
    let text = escape::to_string(&cell[..cell.len().min(4 * SHOWN_CHARS)]);
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The finite number in `cell`; none if it is empty.
fn number(cell: &[u8], at: At, column: &str) -> Result<Option<f64>> {
    if cell.is_empty() {
        return Ok(None);
    }
    let value = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok());
    match value {
        Some(value) if value.is_finite() => Ok(Some(value)),
        Some(_) => Err(not_finite(at, column, cell)),
        None => Err(wrong(at, format!("`{}` in column `{column}` is not a number", shown(cell)))
            .hint("write it with a decimal point and no unit; leave the cell empty where there is no score")),
    }
}

fn not_finite(at: At, column: &str, cell: &[u8]) -> Error {
    wrong(at, format!("`{}` in column `{column}` is no value: NaN and infinities stand for no score", shown(cell)))
        .hint("leave the cell empty where there is no score")
}

/// Nothing is weighed here, so only a weight of 1 changes nothing.
fn weight(value: f64, at: At) -> Result<()> {
    // HETERO-2 writes 1.0 as it is.
    if (value - 1.0).abs() < f64::EPSILON {
        return Ok(());
    }
    let what = if value < 0.0 { "is negative" } else { "is not 1" };
    Err(wrong(at, format!("the weight {value} {what}"))
        .hint("what a record beats, ties with and loses to is counted, and nothing is weighed: give every score the weight 1")
        .hint("if the column holds something else, such as a molecular weight, give it another name"))
}

/// A key, checked to be what `keys` says.
fn checked(keys: Keys, key: &[u8], at: At) -> Result<()> {
    if key.is_empty() {
        return Err(wrong(at, "there is a score without an id")
            .hint("give every score the id of its record, or the hash of its look-alike"));
    }
    if keys != Keys::Ids && super::key::hash_in(key).is_none() {
        return Err(wrong(at, format!("`{}` is not the hash of a look-alike", shown(key)))
            .hint("a hash is a SHA-256 in 64 lowercase hex digits, as `molsieve decoys` writes it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
