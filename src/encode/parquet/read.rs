//! Reads Parquet back, row group by row group, to be compared with the rows.

use std::fs::File;
use std::mem::take;

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::reader::FileReader;
use ::parquet::file::serialized_reader::SerializedFileReader;

use super::{KEY_PREFIX, SCHEMA, schema};
use crate::encode::block::{Block, Cells, Texts};
use crate::encode::{Decoding, Facts};

/// The file while it is read.
pub struct Reader {
    file: SerializedFileReader<File>,
    empty: Block,
    next_group: usize,
    /// The columns of the row group that is being read.
    columns: Vec<ColumnReader>,
    /// Its rows that are left.
    left: usize,
}

impl Reader {
    /// Opens the file, and checks that it says of itself what `facts` hold.
    ///
    /// # Errors
    /// It is not Parquet, or not of this payload.
    pub fn open(file: File, facts: &Facts) -> Result<Self, String> {
        let file = SerializedFileReader::new(file).map_err(|e| unreadable(&e))?;
        let metadata = file.metadata().file_metadata();
        let expected = schema(&facts.columns).map_err(|e| unreadable(&e))?;
        if metadata.schema().get_fields() != expected.get_fields() {
            return Err("has other columns than the campaign".to_owned());
        }
        let said = metadata.key_value_metadata().map(Vec::as_slice).unwrap_or_default();
        for (key, text) in facts.texts(SCHEMA) {
            let is_it = |kv: &&KeyValue| kv.key.strip_prefix(KEY_PREFIX) == Some(key);
            if said.iter().find(is_it).and_then(|kv| kv.value.as_deref()) != Some(&text) {
                return Err(format!("says something else of itself in `{KEY_PREFIX}{key}`"));
            }
        }
        Ok(Self { file, empty: Block::of(&facts.columns), next_group: 0, columns: Vec::new(), left: 0 })
    }

    /// Opens the next row group, if there is one.
    fn advance(&mut self) -> Result<bool, String> {
        if self.next_group == self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.next_group).map_err(|e| unreadable(&e))?;
        self.left = usize::try_from(group.metadata().num_rows()).map_err(|_| "has a row group of negative length")?;
        let columns = (0..group.num_columns()).map(|i| group.get_column_reader(i));
        self.columns = columns.collect::<Result<_, _>>().map_err(|e| unreadable(&e))?;
        self.next_group += 1;
        Ok(true)
    }
}

impl Decoding for Reader {
    fn rows(&mut self, rows: usize) -> Result<Block, String> {
        let mut block = self.empty.clone();
        while block.len() < rows {
            if self.left == 0 {
                if !self.advance()? {
                    break;
                }
                continue;
            }
            let wanted = self.left.min(rows - block.len());
            read_into(&mut block, &mut self.columns, wanted)?;
            self.left -= wanted;
        }
        Ok(block)
    }
}

/// Adds exactly `rows` rows.
fn read_into(block: &mut Block, columns: &mut [ColumnReader], rows: usize) -> Result<(), String> {
    let fixed = [Place::Ordinals(&mut block.ordinals), Place::Texts(&mut block.ids)];
    let fixed = fixed.into_iter().chain([Place::Texts(&mut block.outcomes), Place::Texts(&mut block.reasons)]);
    let places = fixed.chain(block.cells.iter_mut().map(Place::Cells));
    for (place, column) in places.zip(columns) {
        match (place, column) {
            (Place::Ordinals(to), ColumnReader::Int64ColumnReader(from)) => {
                to.extend(required(from, rows)?.into_iter().map(i64::cast_unsigned));
            }
            (Place::Texts(to), ColumnReader::ByteArrayColumnReader(from)) => {
                required(from, rows)?.iter().for_each(|text| to.push(text.data()));
            }
            (Place::Cells(Cells::Float(to)), ColumnReader::DoubleColumnReader(from)) => {
                to.extend(optional(from, rows)?);
            }
            (Place::Cells(Cells::Int(to)), ColumnReader::Int64ColumnReader(from)) => to.extend(optional(from, rows)?),
            (Place::Cells(Cells::Text(to)), ColumnReader::ByteArrayColumnReader(from)) => {
                texts(to, &optional(from, rows)?)?;
            }
            _ => return Err("has a column of another type than the campaign".to_owned()),
        }
    }
    Ok(())
}

/// Where the values of a column go.
enum Place<'a> {
    Ordinals(&'a mut Vec<u64>),
    Texts(&'a mut Texts),
    Cells(&'a mut Cells),
}

fn texts(to: &mut Texts, values: &[Option<ByteArray>]) -> Result<(), String> {
    for value in values {
        let text = value.as_ref().map(ByteArray::data);
        if text.is_some_and(<[u8]>::is_empty) {
            return Err("holds an empty text where there is no value".to_owned());
        }
        to.push(text.unwrap_or_default());
    }
    Ok(())
}

fn required<T: DataType>(from: &mut ColumnReaderImpl<T>, rows: usize) -> Result<Vec<T::T>, String> {
    let mut values = Vec::new();
    while values.len() < rows {
        let wanted = rows - values.len();
        let (read, _, _) = from.read_records(wanted, None, None, &mut values).map_err(|e| unreadable(&e))?;
        if read == 0 {
            return Err("has a column that is shorter than its row group".to_owned());
        }
    }
    Ok(values)
}

fn optional<T: DataType>(from: &mut ColumnReaderImpl<T>, rows: usize) -> Result<Vec<Option<T::T>>, String> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    while levels.len() < rows {
        let wanted = rows - levels.len();
        let read = from.read_records(wanted, Some(&mut levels), None, &mut values).map_err(|e| unreadable(&e))?;
        if read.0 == 0 {
            return Err("has a column that is shorter than its row group".to_owned());
        }
    }
    let mut present = take(&mut values).into_iter();
    Ok(levels.iter().map(|level| if *level == 0 { None } else { present.next() }).collect())
}

fn unreadable(error: &ParquetError) -> String {
    format!("cannot be read: {error}")
}
