//! A column of texts and up to two of numbers, row by row: tables that are no libraries.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use parquet::basic::Type;
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

use super::{ColumnCursor, ParquetFile, Read, calm, can_hold_ids, is_flat, name_of};
use crate::error::{Error, Result};

/// Integers of a greater magnitude are not all doubles.
const EXACT_MAX: u64 = 1 << 53;

/// An open Parquet file.
pub struct Columns<'a>(ParquetFile<'a>);

/// The numbers of a row; none where there is no value, or no such column was asked for.
pub type Numbers = [Option<f64>; 2];

impl<'a> Columns<'a> {
    /// Opens the file at `path`; bytes that are read are not added to `progress`.
    ///
    /// # Errors
    /// It is no Parquet file, or damaged (exit 2); it cannot be read (exit 6).
    pub fn open(path: &'a Path, progress: &'a AtomicU64) -> Result<Self> {
        ParquetFile::undecided(path, progress).map(Self)
    }

    /// The names of its columns.
    pub fn names(&self) -> Vec<String> {
        self.0.described().iter().map(|column| name_of(column)).collect()
    }

    /// Hands each row to `each`: its number from 1, the text in column `text`, and the numbers in `numbers`.
    ///
    /// # Errors
    /// A column holds something else, or the file is damaged (exit 2); or what `each` answers.
    pub fn rows(
        &self,
        text: usize,
        numbers: [Option<usize>; 2],
        mut each: impl FnMut(u64, &[u8], Numbers) -> Result<()>,
    ) -> Result<()> {
        let columns = self.0.described();
        let name = |at: usize| columns.get(at).map(|column| name_of(column)).unwrap_or_default();
        if !columns.get(text).is_some_and(|column| can_hold_ids(column)) {
            return Err(other_kind(&name(text), "ids: texts or integers", &self.0));
        }
        if let Some(at) = numbers.iter().flatten().find(|at| !columns.get(**at).is_some_and(|c| can_hold_numbers(c))) {
            return Err(other_kind(&name(*at), "numbers: doubles, floats or integers", &self.0));
        }
        let mut row = 0;
        for group in 0..self.0.metadata.num_row_groups() {
            self.group(group, text, numbers, &mut row, &mut each)?;
        }
        Ok(())
    }

    fn group(
        &self,
        group: usize,
        text: usize,
        numbers: [Option<usize>; 2],
        row: &mut u64,
        each: &mut impl FnMut(u64, &[u8], Numbers) -> Result<()>,
    ) -> Result<()> {
        let path = self.0.path;
        let mut texts = calm(path, || self.0.cursor(group, text))?;
        let mut others = Vec::new();
        for column in numbers {
            let cursor = column.map(|column| calm(path, || self.0.cursor(group, column))).transpose()?;
            others.push(cursor.map(|cursor| NumberCursor { cursor, values: Vec::new() }));
        }
        let batch = self.0.batch(group, text);
        let declared = u64::try_from(self.0.metadata.row_group(group).num_rows()).unwrap_or(0);
        let before = *row;
        loop {
            calm(path, || texts.fill(batch))?;
            let read = texts.rows;
            for other in others.iter_mut().flatten() {
                calm(path, || other.fill(batch))?;
                if other.cursor.rows != read {
                    return Err(self.0.damaged("its columns have different numbers of rows"));
                }
            }
            if read == 0 {
                break;
            }
            for at in 0..read {
                *row += 1;
                let of = |other: &Option<NumberCursor>| other.as_ref().and_then(|other| other.value(at));
                each(*row, texts.cell(at), [of(&others[0]), of(&others[1])])?;
            }
        }
        if *row - before == declared { Ok(()) } else { Err(self.0.damaged("it has not the rows that it declares")) }
    }
}

/// The rows of a column of numbers, batch by batch.
struct NumberCursor {
    /// Its values are not used, but its places are.
    cursor: ColumnCursor,
    values: Vec<f64>,
}

impl NumberCursor {
    /// Reads the next rows, `max` of them or all that are left.
    fn fill(&mut self, max: usize) -> Read<()> {
        let Self { cursor, values } = self;
        cursor.levels.clear();
        values.clear();
        let levels = Some(&mut cursor.levels);
        let rows = match &mut cursor.reader {
            ColumnReader::DoubleColumnReader(reader) => reader.read_records(max, levels, None, values)?.0,
            ColumnReader::FloatColumnReader(reader) => {
                let mut floats = Vec::new();
                let rows = reader.read_records(max, levels, None, &mut floats)?.0;
                values.extend(floats.into_iter().map(f64::from));
                rows
            }
            ColumnReader::Int32ColumnReader(reader) => {
                let mut integers = Vec::new();
                let rows = reader.read_records(max, levels, None, &mut integers)?.0;
                let is_unsigned = cursor.is_unsigned;
                let number = |n: i32| if is_unsigned { f64::from(n.cast_unsigned()) } else { f64::from(n) };
                values.extend(integers.into_iter().map(number));
                rows
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut integers = Vec::new();
                let rows = reader.read_records(max, levels, None, &mut integers)?.0;
                for n in integers {
                    let magnitude = if cursor.is_unsigned { n.cast_unsigned() } else { n.unsigned_abs() };
                    if magnitude > EXACT_MAX {
                        return Err(ParquetError::General("an integer beyond 2^53 is no exact number".to_owned()));
                    }
                    values.push(n as f64);
                }
                rows
            }
            _ => return Err(ParquetError::General("a column has another type than its schema says".to_owned())),
        };
        cursor.placed(rows);
        Ok(())
    }

    /// The value of `row` of the batch; none if it is null.
    fn value(&self, row: usize) -> Option<f64> {
        self.cursor.places.get(row).and_then(|place| self.values.get(*place as usize)).copied()
    }
}

fn can_hold_numbers(column: &ColumnDescriptor) -> bool {
    let is_real = is_flat(column) && matches!(column.physical_type(), Type::DOUBLE | Type::FLOAT);
    is_real || column.physical_type() != Type::BYTE_ARRAY && can_hold_ids(column)
}

fn other_kind(name: &str, what: &str, file: &ParquetFile<'_>) -> Error {
    let name = crate::canonical::escape::to_string(name.as_bytes());
    Error::usage(format!("column `{name}` does not hold {what}")).hint(file.known())
}
