//! Writes Parquet: a row group a block, column by column, with nothing in it that is not of the payload.

use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding as PageEncoding, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::types::ColumnPath;

use super::{KEY_PREFIX, schema};
use crate::canonical::row::FIXED_COLUMNS;
use crate::encode::block::{Block, Cells, Texts};
use crate::encode::{Encoding, Facts, Format, text};
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::scorer::ColumnType;

/// Compresses about as well as the levels above it, at several times their speed.
const ZSTD_LEVEL: i32 = 3;

/// Who wrote it, in the form that readers expect; the version is that of the format, so that equal rows stay equal bytes.
const CREATED_BY: &str = "molsieve.parquet version 2";

/// The file while it is written.
pub struct Writer {
    file: SerializedFileWriter<Staged>,
}

impl Writer {
    /// Starts the file.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create(file: Staged, facts: &Facts) -> Result<Self> {
        let start = || {
            let schema = schema(&facts.columns)?;
            SerializedFileWriter::new(file, schema, Arc::new(properties(facts)?))
        };
        Ok(Self { file: start().map_err(|e| refused(&e))? })
    }
}

impl Encoding for Writer {
    fn block(&mut self, block: &Block) -> Result<()> {
        let texts =
            block.cells.iter().filter_map(|cells| if let Cells::Text(texts) = cells { Some(texts) } else { None });
        texts.chain([&block.ids]).flat_map(Texts::iter).try_for_each(|bytes| text(bytes).map(drop))?;
        write_group(&mut self.file, block).map_err(|e| refused(&e))
    }

    fn finish(self: Box<Self>) -> Result<Staged> {
        let mut staged = self.file.into_inner().map_err(|e| refused(&e))?;
        staged.seekable()?;
        Ok(staged)
    }
}

/// Everything that Parquet leaves to the writer is fixed here: equal rows give equal bytes.
fn properties(facts: &Facts) -> ParquetResult<WriterProperties> {
    let metadata = facts
        .texts(Format::Parquet.schema())
        .into_iter()
        .map(|(key, text)| KeyValue::new(format!("{KEY_PREFIX}{key}"), text));
    let [ordinal, id, ..] = FIXED_COLUMNS;
    let mut builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_key_value_metadata(Some(metadata.collect()))
        .set_column_dictionary_enabled(ColumnPath::from(ordinal), false)
        .set_column_encoding(ColumnPath::from(ordinal), PageEncoding::DELTA_BINARY_PACKED)
        .set_column_dictionary_enabled(ColumnPath::from(id), false);
    for column in &facts.columns {
        let path = ColumnPath::new(vec![column.name.clone()]);
        // Few scores are equal: a dictionary of them would be built and thrown away.
        builder = builder.set_column_dictionary_enabled(path, column.kind != ColumnType::Float);
    }
    Ok(builder.build())
}

fn write_group(file: &mut SerializedFileWriter<Staged>, block: &Block) -> ParquetResult<()> {
    let mut group = file.next_row_group()?;
    let ordinals: Vec<i64> = block.ordinals.iter().map(|ordinal| ordinal.cast_signed()).collect();
    column::<Int64Type>(&mut group, &ordinals, None)?;
    for texts in [&block.ids, &block.outcomes, &block.reasons] {
        column::<ByteArrayType>(&mut group, &byte_arrays(texts, false), None)?;
    }
    for cells in &block.cells {
        match cells {
            Cells::Float(values) => optional::<DoubleType>(&mut group, values)?,
            Cells::Int(values) => optional::<Int64Type>(&mut group, values)?,
            Cells::Text(texts) => {
                let levels: Vec<i16> = texts.iter().map(|text| i16::from(!text.is_empty())).collect();
                column::<ByteArrayType>(&mut group, &byte_arrays(texts, true), Some(&levels))?;
            }
        }
    }
    group.close().map(|_| ())
}

/// The texts, the empty ones left out where they stand for no value.
fn byte_arrays(texts: &Texts, skip_empty: bool) -> Vec<ByteArray> {
    let kept = texts.iter().filter(|text| !(skip_empty && text.is_empty()));
    kept.map(|text| ByteArray::from(text.to_vec())).collect()
}

fn optional<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Staged>,
    values: &[Option<T::T>],
) -> ParquetResult<()> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let present: Vec<T::T> = values.iter().flatten().cloned().collect();
    column::<T>(group, &present, Some(&levels))
}

fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Staged>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> ParquetResult<()> {
    let next = group.next_column()?;
    let mut column =
        next.ok_or_else(|| ParquetError::General("the schema has fewer columns than a block".to_owned()))?;
    column.typed::<T>().write_batch(values, levels, None)?;
    column.close()
}

fn refused(error: &ParquetError) -> Error {
    super::super::refused(Format::Parquet, &error.to_string())
}
