//! Encodings of the payload beside `summary.csv`: the same rows as Parquet and as HDF5.
//!
//! They are made from `summary.csv` in one more pass, in blocks of rows, and only if the campaign
//! asks for them. Each is a function of the rows and of what [`Facts`] holds: no clock, no host.
//! Verification reads them back and compares every cell ([`compare`]). See `docs/formats/parquet.md`
//! and `docs/formats/hdf5.md`.

pub mod block;
pub mod compare;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(feature = "parquet")]
mod parquet;

use std::fs::File;
use std::path::Path;

use crate::canonical::row::Halt;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs::{self, Staged};
use crate::scorer::Column;
use block::{Block, Blocks};

/// The encoding that every pack has, as `[pack] outputs` calls it.
pub const CSV: &str = "csv";

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

    /// Whether this binary can write and read it.
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
        if format == Format::Hdf5 && columns.iter().any(|column| matches!(column.name.as_str(), "." | "..")) {
            let what = "`pack.outputs` asks for `hdf5`, which cannot hold a column called `.` or `..`";
            return Err(Error::usage(what).hint("give that column of the scorer another name, or leave `hdf5` out"));
        }
        formats.push(format);
    }
    Ok(formats)
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
        let columns: Vec<serde_json::Value> = self
            .columns
            .iter()
            .map(|c| serde_json::json!({"name": c.name, "order": c.order, "type": c.kind}))
            .collect();
        vec![
            ("schema", schema.to_owned()),
            ("payload_digest", self.payload.clone()),
            ("library_root", self.library.clone()),
            ("records", self.records.to_string()),
            ("rows", self.rows.to_string()),
            ("columns", serde_json::Value::from(columns).to_string()),
        ]
    }
}

/// The joint: whatever takes blocks of rows in order and makes a file of them.
trait Encoding {
    /// Takes the next rows.
    fn block(&mut self, block: &Block) -> Result<()>;

    /// All rows were given: makes the file durable and gives it its name.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// The other way: whatever gives back the rows of a file, in order. What is wrong with the file is a sentence fragment.
trait Decoding {
    /// The next `rows` rows, or fewer if there are no more.
    fn rows(&mut self, rows: usize) -> std::result::Result<Block, String>;
}

/// One encoding that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    let file = File::open(summary).map_err(|e| Error::io("cannot read", summary, &e))?;
    fs::each_block(file, summary, |bytes| {
        blocks.feed(bytes, &mut each).map_err(|halt| match halt {
            Halt::Taker(error) => error,
            Halt::Fault(fault) => Error::verification(format!("`{}`: {fault}", summary.display())),
        })
    })?;
    blocks.finish(&mut each)?;
    encodings.into_iter().try_for_each(Encoding::finish)?;
    let written = formats.iter().map(|format| {
        let (sha256, bytes) = digest::sha256_file(&member(format.file()))?;
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

/// Opens the file of one encoding, to read it back.
fn decode(format: Format, file: File, facts: &Facts) -> Result<Box<dyn Decoding>, String> {
    match format {
        #[cfg(feature = "parquet")]
        Format::Parquet => Ok(Box::new(parquet::read::Reader::open(file, facts)?)),
        #[cfg(feature = "hdf5")]
        Format::Hdf5 => Ok(Box::new(hdf5::read::Reader::open(file, facts)?)),
        #[cfg(not(all(feature = "parquet", feature = "hdf5")))]
        _ => Err(format!("{file:?} of {} rows is given to a binary that cannot read it", facts.rows)),
    }
}

/// An encoder failed. What it says is text: a full disk is told by its words alone.
#[cfg(any(feature = "parquet", feature = "hdf5"))]
fn refused(format: Format, why: &str) -> Error {
    let error = Error::environment(format!("cannot write `{}`: {why}", format.file()));
    error.hint("see whether the disk is full; then run the same command again: nothing that was computed is lost")
}
