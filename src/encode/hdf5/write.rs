//! Writes HDF5: one chunked, compressed dataset a column, with no time in it.

use ::hdf5_metno::types::VarLenUnicode;
use ::hdf5_metno::{Dataset, Error as Hdf5Error, File as Hdf5File, H5Type, Location, Result as Hdf5Result};

use super::{CHUNK_ROWS, NO_INTEGER, SCHEMA, Word};
use crate::canonical::row::FIXED_COLUMNS;
use crate::encode::block::{Block, Cells, Texts};
use crate::encode::{Encoding, Facts, Format};
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::scorer::{Column, ColumnType, Order};

/// Higher levels cost several times as much and save a few percent.
const DEFLATE_LEVEL: u8 = 1;

/// The file while it is written.
///
/// The library writes through its own handle of the staged file. So nothing has the final name
/// before the library has closed the file, and `staged` has synced it.
pub struct Writer {
    staged: Staged,
    file: Hdf5File,
    /// In the order of the payload.
    columns: Vec<Dataset>,
    at: usize,
}

impl Writer {
    /// Starts the file.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create(mut staged: Staged, facts: &Facts) -> Result<Self> {
        staged.other_handle_writes();
        let start = || {
            let timeless = Hdf5File::with_options().with_fcpl(|plist| plist.obj_track_times(false)).clone();
            let file = timeless.create(staged.temporary_path())?;
            describe(&file, facts)?;
            let columns = columns(&file, facts)?;
            Ok((file, columns))
        };
        let (file, columns) = start().map_err(|e| refused(&e))?;
        Ok(Self { staged, file, columns, at: 0 })
    }

    fn put(&self, block: &Block) -> Hdf5Result<()> {
        let mut columns = self.columns.iter();
        let mut next = || columns.next().ok_or_else(|| Hdf5Error::from("a block has more columns than the file"));
        put(next()?, self.at, &block.ordinals)?;
        put(next()?, self.at, &texts(&block.ids)?)?;
        put(next()?, self.at, &words(&block.outcomes)?)?;
        put(next()?, self.at, &words(&block.reasons)?)?;
        for cells in &block.cells {
            let column = next()?;
            match cells {
                Cells::Float(values) => put(column, self.at, &or(values, f64::NAN))?,
                Cells::Int(values) => put(column, self.at, &or(values, NO_INTEGER))?,
                Cells::Text(values) => put(column, self.at, &texts(values)?)?,
            }
        }
        Ok(())
    }
}

impl Encoding for Writer {
    fn block(&mut self, block: &Block) -> Result<()> {
        self.staged.other_handle_writes();
        self.put(block).map_err(|e| refused(&e))?;
        self.at += block.len();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let Self { mut staged, file, columns, .. } = *self;
        staged.other_handle_writes();
        drop(columns);
        // A file that is merely dropped says nothing of what could not be written.
        file.flush().and_then(|()| file.close()).map_err(|e| refused(&e))?;
        staged.commit()
    }
}

/// What the file says of itself.
fn describe(file: &Hdf5File, facts: &Facts) -> Hdf5Result<()> {
    facts.texts(SCHEMA).iter().try_for_each(|(name, text)| attribute(file, name, text))?;
    attribute(file, "molsieve", env!("CARGO_PKG_VERSION"))
}

fn attribute(of: &Location, name: &str, text: &str) -> Hdf5Result<()> {
    of.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text.as_bytes())?)
}

/// Creates the datasets, empty.
fn columns(file: &Hdf5File, facts: &Facts) -> Hdf5Result<Vec<Dataset>> {
    let rows = facts.rows as usize;
    let [ordinal, id, outcome, reason] = FIXED_COLUMNS;
    let mut columns = vec![
        column::<u64>(file, ordinal, rows)?,
        column::<VarLenUnicode>(file, id, rows)?,
        column::<Word>(file, outcome, rows)?,
        column::<Word>(file, reason, rows)?,
    ];
    for of in &facts.columns {
        columns.push(scored(file, of, rows)?);
    }
    Ok(columns)
}

/// Creates the dataset of a column of the scorer: its attributes say what it is and what stands for no value.
fn scored(file: &Hdf5File, of: &Column, rows: usize) -> Hdf5Result<Dataset> {
    let (column, kind) = match of.kind {
        ColumnType::Float => {
            let column = column::<f64>(file, &of.name, rows)?;
            column.new_attr::<f64>().create("missing")?.write_scalar(&f64::NAN)?;
            (column, "float")
        }
        ColumnType::Int => {
            let column = column::<i64>(file, &of.name, rows)?;
            column.new_attr::<i64>().create("missing")?.write_scalar(&NO_INTEGER)?;
            (column, "int")
        }
        ColumnType::String => {
            let column = column::<VarLenUnicode>(file, &of.name, rows)?;
            attribute(&column, "missing", "")?;
            (column, "string")
        }
    };
    attribute(&column, "type", kind)?;
    attribute(&column, "best", if of.order == Order::Asc { "lowest" } else { "highest" })?;
    Ok(column)
}

fn column<T: H5Type>(file: &Hdf5File, name: &str, rows: usize) -> Hdf5Result<Dataset> {
    let column = file.new_dataset::<T>().chunk(CHUNK_ROWS.min(rows)).shuffle().deflate(DEFLATE_LEVEL);
    column.obj_track_times(false).shape(rows).create(name)
}

fn put<T: H5Type>(column: &Dataset, at: usize, values: &[T]) -> Hdf5Result<()> {
    column.write_slice(values, at..at + values.len())
}

fn or<T: Copy>(values: &[Option<T>], missing: T) -> Vec<T> {
    values.iter().map(|value| value.unwrap_or(missing)).collect()
}

fn texts(texts: &Texts) -> Hdf5Result<Vec<VarLenUnicode>> {
    texts.iter().map(unicode).collect()
}

/// Escaped text is UTF-8 without a NUL, which an HDF5 string could not hold.
fn unicode(text: &[u8]) -> Hdf5Result<VarLenUnicode> {
    let text = std::str::from_utf8(text).map_err(|e| Hdf5Error::from(e.to_string()))?;
    text.parse().map_err(|e: ::hdf5_metno::types::StringError| Hdf5Error::from(e.to_string()))
}

fn words(texts: &Texts) -> Hdf5Result<Vec<Word>> {
    texts.iter().map(|text| Word::from_ascii(text).map_err(|e| Hdf5Error::from(e.to_string()))).collect()
}

fn refused(error: &Hdf5Error) -> Error {
    super::super::refused(Format::Hdf5, &error.to_string())
}
