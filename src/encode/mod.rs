//! Encodings of the payload beside `summary.csv`: the same rows as Parquet and as HDF5.
//!
//! They are made from `summary.csv` in one more pass, in blocks of rows, and only if the campaign
//! asks for them. Each is a function of the rows and of what [`Facts`] holds: no clock, no host.
//! Verification makes them again and compares the bytes ([`again`]), so a format stands for its bytes:
//! whatever changes them, a library of ours included, is another format. See `docs/formats/parquet.md` and
//! `docs/formats/hdf5.md`.

pub mod again;
pub mod block;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(feature = "parquet")]
mod parquet;

use std::path::Path;

use crate::canonical::row::Halt;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs::{self, Staged};
use crate::scorer::Column;
use block::{Block, Blocks};

/// The encoding that every pack has, as `[pack] outputs` calls it.
pub const CSV: &str = "csv";

/// See [`Format::schema`].
const PARQUET_SCHEMA: &str = "molsieve.parquet.v2";

/// See [`Format::schema`].
const HDF5_SCHEMA: &str = "molsieve.hdf5.v2";

/// An encoding of the payload beside `summary.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// HDF5.
    Hdf5,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Parquet, Self::Hdf5];

    /// What `[pack] outputs` calls it; the cargo feature has the same name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Hdf5 => "hdf5",
        }
    }

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Hdf5 => "HDF5",
        }
    }

    /// The member of a pack that holds it.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Parquet => "results.parquet",
            Self::Hdf5 => "scores.h5",
        }
    }

    /// What it is called in a manifest and in the file itself; equal names mean equal bytes for equal rows.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::Parquet => PARQUET_SCHEMA,
            Self::Hdf5 => HDF5_SCHEMA,
        }
    }

    /// Whether this binary can write it.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Parquet => cfg!(feature = "parquet"),
            Self::Hdf5 => cfg!(feature = "hdf5"),
        }
    }
}

/// The encodings that `outputs` names, `csv` aside; each can be written by this binary.
///
/// # Errors
/// One is unknown, or this binary was built without it (exit 2).
pub fn asked(outputs: &[String], columns: &[Column]) -> Result<Vec<Format>> {
    let mut formats = Vec::new();
    for output in outputs.iter().filter(|output| *output != CSV) {
        let format = known(output)?;
        if !format.is_built() {
            let what = format!("`pack.outputs` asks for `{output}`, and this binary was built without it");
            return Err(Error::usage(what).hint(format!(
                "build it with `cargo build --release --features {}`, or leave `{output}` out before the campaign is planned",
                format.name()
            )));
        }
        if let Some(why) = cannot_hold(format, columns) {
            return Err(Error::usage(format!("`pack.outputs` asks for `{output}`, which {why}"))
                .hint(format!("give that column of the scorer another name, or leave `{output}` out")));
        }
        formats.push(format);
    }
    Ok(formats)
}

/// Why no file in `format` can hold these columns, if none can: a fragment that goes on from its name.
fn cannot_hold(format: Format, columns: &[Column]) -> Option<&'static str> {
    let is_path = |column: &Column| matches!(column.name.as_str(), "." | "..");
    (format == Format::Hdf5 && columns.iter().any(is_path)).then_some("cannot hold a column called `.` or `..`")
}

/// The encoding called `output`.
///
/// # Errors
/// There is none of that name (exit 2).
pub fn known(output: &str) -> Result<Format> {
    Format::ALL.into_iter().find(|format| format.name() == output).ok_or_else(|| {
        Error::usage(format!("`pack.outputs` asks for `{output}`, which is no encoding of a payload"))
            .hint("use some of `outputs = [\"csv\", \"parquet\", \"hdf5\"]`")
    })
}

/// What an encoding says of itself beside the rows. All of it follows from the request and the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The payload digest: `sha256:` and the root of the row tree.
    pub payload: String,
    /// How many rows.
    pub rows: u64,
    /// How many records the library has.
    pub records: u64,
    /// The root of the library snapshot, in hex.
    pub library: String,
    /// The scorer's columns.
    pub columns: Vec<Column>,
}

impl Facts {
    /// The facts as names and texts, in the order in which they are written.
    #[cfg(any(feature = "parquet", feature = "hdf5"))]
    fn texts(&self, schema: &str) -> Vec<(&'static str, String)> {
        let columns = serde_json::to_value(&self.columns).unwrap_or_default();
        vec![
            ("schema", schema.to_owned()),
            ("payload_digest", self.payload.clone()),
            ("library_root", self.library.clone()),
            ("records", self.records.to_string()),
            ("rows", self.rows.to_string()),
            ("columns", columns.to_string()),
        ]
    }
}

/// The joint: whatever takes blocks of rows in order and makes a file of them.
trait Encoding {
    /// Takes the next rows.
    fn block(&mut self, block: &Block) -> Result<()>;

    /// All rows were given: the file, whole, and still without its name.
    fn finish(self: Box<Self>) -> Result<Staged>;
}

/// One encoding: which, and what its file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Which.
    pub format: Format,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: Digest,
}

/// Writes each of `formats` to the path that `member` gives its file, from the `summary.csv` at `summary`.
///
/// # Errors
/// A row is malformed (exit 4), or the system refuses (exit 6).
pub fn write(
    formats: &[Format],
    facts: &Facts,
    summary: &Path,
    member: &dyn Fn(&str) -> std::path::PathBuf,
) -> Result<Vec<Written>> {
    if formats.is_empty() {
        return Ok(Vec::new());
    }
    let start = |format: &Format| open(*format, facts, Staged::create_beside(&member(format.file()))?);
    let mut encodings = formats.iter().map(start).collect::<Result<Vec<_>>>()?;
    let mut each = |block: &Block| encodings.iter_mut().try_for_each(|encoding| encoding.block(block));
    let mut blocks = Blocks::new(&facts.columns, facts.rows);
    let file = fs::open_plain(summary).map_err(|e| Error::io("cannot read", summary, &e))?;
    fs::each_block(file, summary, |bytes| {
        blocks.feed(bytes, &mut each).map_err(|halt| match halt {
            Halt::Taker(error) => error,
            Halt::Fault(fault) => Error::verification(format!("`{}`: {fault}", summary.display())),
        })
    })?;
    blocks.finish(&mut each)?;
    encodings.into_iter().try_for_each(|encoding| encoding.finish()?.commit())?;
    let written = formats.iter().map(|format| {
        let (sha256, bytes) = fs::sha256_input(&member(format.file()))?;
        Ok(Written { format: *format, bytes, sha256 })
    });
    written.collect()
}

/// Starts the file of one encoding.
fn open(format: Format, facts: &Facts, file: Staged) -> Result<Box<dyn Encoding>> {
    match format {
        #[cfg(feature = "parquet")]
        Format::Parquet => Ok(Box::new(parquet::write::Writer::create(file, facts)?)),
        #[cfg(feature = "hdf5")]
        Format::Hdf5 => Ok(Box::new(hdf5::write::Writer::create(file, facts)?)),
        #[cfg(not(all(feature = "parquet", feature = "hdf5")))]
        _ => Err(Error::bug(format!(
            "`{}` of {} rows is asked of a binary without it",
            file.path().display(),
            facts.rows
        ))),
    }
}

/// A text of the rows, as encodings hold it: escaped, hence UTF-8 without a NUL.
///
/// # Errors
/// It is neither (exit 4): somebody else wrote these rows.
#[cfg(any(feature = "parquet", feature = "hdf5"))]
fn text(bytes: &[u8]) -> Result<&str> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| Error::verification("cannot hold the rows: one of them has a text that is not escaped"))
}

/// An encoder failed. What it says is text: a full disk is told by its words alone.
#[cfg(any(feature = "parquet", feature = "hdf5"))]
fn refused(format: Format, why: &str) -> Error {
    let error = Error::environment(format!("cannot write `{}`: {why}", format.file()));
    error.hint("see whether the disk is full; then run the same command again: nothing that was computed is lost")
}
