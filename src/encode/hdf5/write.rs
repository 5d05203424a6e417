//! Writes HDF5: one chunked, compressed dataset a column, with no time in it.

use ::hdf5_metno::file::FileBuilder;
use ::hdf5_metno::plist::file_access::MetadataCacheConfig;
use ::hdf5_metno::types::VarLenUnicode;
use ::hdf5_metno::{Dataset, Error as Hdf5Error, File as Hdf5File, H5Type, Location, Result as Hdf5Result};

use super::{CHUNK_ROWS, NO_INTEGER, Word};
use crate::canonical::row::FIXED_COLUMNS;
use crate::encode::block::{Block, Cells, Texts};
use crate::encode::{Encoding, Facts, Format, text};
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::scorer::{Column, ColumnType, Order};

/// Higher levels cost several times as much and save a few percent.
const DEFLATE_LEVEL: u8 = 1;

/// What the library may keep of its own bookkeeping. Each few strings have an entry there, which are never
/// asked for again.
const METADATA_BYTES: usize = 2 << 20;

/// Places for chunks that the library keeps of each column, and what they may take: nothing, since a block is a
/// multiple of a chunk. Left to itself it keeps 8 MiB a column, which looks like memory that grows with the rows.
const CHUNK_CACHE: (usize, usize) = (1, 0);

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
            let file = builder().create(staged.temporary_path())?;
            describe(&file, facts)?;
            let columns = columns(&file, facts)?;
            Ok((file, columns))
        };
        let (file, columns) = start().map_err(|e| refused(&e))?;
        Ok(Self { staged, file, columns, at: 0 })
    }

    fn put(&self, block: &Block) -> Result<()> {
        let mut columns = self.columns.iter();
        let mut next = || columns.next().ok_or_else(|| Error::bug("a block has more columns than the file"));
        put(next()?, self.at, &block.ordinals)?;
        put_texts(next()?, self.at, &block.ids)?;
        put_words(next()?, self.at, &block.outcomes)?;
        put_words(next()?, self.at, &block.reasons)?;
        for cells in &block.cells {
            let column = next()?;
            match cells {
                Cells::Float(values) => put(column, self.at, &or(values, f64::NAN))?,
                Cells::Int(values) => put(column, self.at, &or(values, NO_INTEGER))?,
                Cells::Text(values) => put_texts(column, self.at, values)?,
            }
        }
        Ok(())
    }
}

impl Encoding for Writer {
    fn block(&mut self, block: &Block) -> Result<()> {
        self.staged.other_handle_writes();
        self.put(block)?;
        self.at += block.len();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Staged> {
        let Self { mut staged, file, columns, .. } = *self;
        staged.other_handle_writes();
        drop(columns);
        // A file that is merely dropped says nothing of what could not be written.
        file.flush().and_then(|()| file.close()).map_err(|e| refused(&e))?;
        Ok(staged)
    }
}

/// Makes files without a time in them, in memory that does not grow with them.
fn builder() -> FileBuilder {
    let metadata = MetadataCacheConfig {
        initial_size: METADATA_BYTES,
        max_size: METADATA_BYTES,
        min_size: METADATA_BYTES,
        ..MetadataCacheConfig::default()
    };
    let mut builder = Hdf5File::with_options();
    builder.with_fcpl(|plist| plist.obj_track_times(false));
    let (slots, bytes) = CHUNK_CACHE;
    builder.with_fapl(|plist| plist.mdc_config(&metadata).chunk_cache(slots, bytes, 1.0));
    builder
}

/// What the file says of itself.
fn describe(file: &Hdf5File, facts: &Facts) -> Hdf5Result<()> {
    facts.texts(Format::Hdf5.schema()).iter().try_for_each(|(name, text)| attribute(file, name, text))
}

fn attribute(of: &Location, name: &str, text: &str) -> Hdf5Result<()> {
    of.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text)?)
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
    // These two have the names that readers of scientific files look for.
    for (name, said) in [("units", &of.unit), ("long_name", &of.description)] {
        said.as_ref().map_or(Ok(()), |said| attribute(&column, name, said))?;
    }
    Ok(column)
}

fn column<T: H5Type>(file: &Hdf5File, name: &str, rows: usize) -> Hdf5Result<Dataset> {
    let column = file.new_dataset::<T>().chunk(CHUNK_ROWS.min(rows)).shuffle().deflate(DEFLATE_LEVEL);
    column.obj_track_times(false).shape(rows).create(name)
}

fn put<T: H5Type>(column: &Dataset, at: usize, values: &[T]) -> Result<()> {
    column.write_slice(values, at..at + values.len()).map_err(|e| refused(&e))
}

/// Puts texts a chunk at a time: the library wants each in an allocation of its own.
fn put_texts(column: &Dataset, mut at: usize, texts: &Texts) -> Result<()> {
    let mut texts = texts.iter();
    loop {
        let part = texts.by_ref().take(CHUNK_ROWS).map(|bytes| unicode(text(bytes)?).map_err(|e| refused(&e)));
        let part = part.collect::<Result<Vec<_>>>()?;
        if part.is_empty() {
            return Ok(());
        }
        put(column, at, &part)?;
        at += part.len();
    }
}

fn put_words(column: &Dataset, at: usize, words: &Texts) -> Result<()> {
    let word = |bytes| {
        Word::from_ascii(bytes)
            .map_err(|_| Error::verification("cannot hold the rows: a reason is longer than 64 bytes"))
    };
    put(column, at, &words.iter().map(word).collect::<Result<Vec<_>>>()?)
}

fn or<T: Copy>(values: &[Option<T>], missing: T) -> Vec<T> {
    values.iter().map(|value| value.unwrap_or(missing)).collect()
}

fn unicode(text: &str) -> Hdf5Result<VarLenUnicode> {
    text.parse().map_err(|e: ::hdf5_metno::types::StringError| Hdf5Error::from(e.to_string()))
}

fn refused(error: &Hdf5Error) -> Error {
    super::super::refused(Format::Hdf5, &error.to_string())
}
