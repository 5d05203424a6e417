//! Parquet files: a row is a record; structure and id are two of its columns.
//!
//! Row groups are read one after the other, in batches, and repacked like compressed files: so memory is
//! bounded by a page of each column, and a slice needs nothing of this. The `parquet` crate is asked for
//! two columns and for nothing that is built on Arrow. What is wrong with a file is exit 2, also where
//! the crate would panic.

pub mod columns;
mod guard;

use std::fs::File;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::{LogicalType, Type};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescriptor;

use super::cells::{trim, without_extension};
use super::counts::Counts;
use super::format::{FormatRequest, ParquetFormat};
use super::records::Found;
use super::sdf::{ID_MAX, STRUCTURE_MAX};
use super::sniff;
use crate::canonical::escape;
use crate::error::{Error, Result};
use guard::Guarded;

/// First and last bytes of every Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";

/// The last bytes of one whose footer is encrypted.
const MAGIC_ENCRYPTED: &[u8; 4] = b"PARE";

/// Rows that are read at a time, at most.
const ROWS: usize = 1024;

/// Bytes of values that are read at a time, if the file says truly how many it has.
const BATCH_BYTES: u64 = 4 << 20;

/// Rows that tell what a column holds, where its name does not.
const SAMPLE_ROWS: usize = 200;

/// Columns whose content is looked at.
const SAMPLE_COLUMNS: usize = 64;

type Read<T> = std::result::Result<T, ParquetError>;

/// An open Parquet file.
pub(super) struct ParquetFile<'a> {
    path: &'a Path,
    pages: Arc<Guarded>,
    metadata: ParquetMetaData,
    progress: &'a AtomicU64,
    /// Its size, in bytes.
    pub size: u64,
    /// Which columns are read.
    pub format: ParquetFormat,
}

impl<'a> ParquetFile<'a> {
    /// Opens the file at `path` and decides which columns are read.
    pub(super) fn open(path: &'a Path, said: &FormatRequest, progress: &'a AtomicU64) -> Result<Self> {
        let mut opened = Self::undecided(path, progress)?;
        opened.format = opened.sniff(said).map_err(|e| e.within(format_args!("`{}`", path.display())))?;
        Ok(opened)
    }

    /// Opens the file at `path`; which columns are read is not decided yet.
    fn undecided(path: &'a Path, progress: &'a AtomicU64) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::input(path, &e))?;
        let size = file.metadata().map_err(|e| Error::input(path, &e))?.len();
        check_magic(path, &file, size)?;
        let guarded = Guarded::new(file, size);
        let metadata = calm(path, || {
            guarded.check_footer()?;
            ParquetMetaDataReader::new().parse_and_finish(&guarded)
        })?;
        let format = ParquetFormat { structure_column: 0, structure_name: String::new(), id_column: 0, id_name: None };
        Ok(Self { path, pages: Arc::new(guarded.paged()), metadata, progress, size, format })
    }

    /// Every column with its type, for people.
    pub(super) fn columns(&self) -> Vec<String> {
        let describe = |c: &ColumnDescriptor| {
            let kind = if is_flat(c) { format!("{:?}", c.physical_type()).to_lowercase() } else { "nested".to_owned() };
            format!("{} ({kind})", escape::to_string(name_of(c).as_bytes()))
        };
        self.described().iter().map(|column| describe(column)).collect()
    }

    /// Hands each row to `each`, until that breaks or the file ends.
    pub(super) fn run(&self, mut each: impl FnMut(Found<'_>) -> Result<ControlFlow<()>>) -> Result<Counts> {
        let mut counts = Counts::default();
        let mut told = 0;
        for group in 0..self.metadata.num_row_groups() {
            if self.run_group(group, &mut counts, &mut each)?.is_break() {
                return Ok(counts);
            }
            let bytes = u64::try_from(self.metadata.row_group(group).compressed_size()).unwrap_or(0);
            let bytes = bytes.min(self.size - told);
            told += bytes;
            self.progress.fetch_add(bytes, Ordering::Relaxed);
        }
        self.progress.fetch_add(self.size - told, Ordering::Relaxed);
        Ok(counts)
    }

    fn run_group(
        &self,
        group: usize,
        counts: &mut Counts,
        each: &mut impl FnMut(Found<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        let (structure, id) = (self.format.structure_column as usize - 1, self.format.id_column.checked_sub(1));
        let mut structures = calm(self.path, || self.cursor(group, structure))?;
        let mut ids = id.map(|id| calm(self.path, || self.cursor(group, id as usize))).transpose()?;
        let declared = u64::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0);
        let batch = self.batch(group, structure).min(id.map_or(ROWS, |id| self.batch(group, id as usize)));
        let mut rows = 0;
        loop {
            calm(self.path, || structures.fill(batch))?;
            let read = structures.rows;
            if let Some(ids) = &mut ids {
                calm(self.path, || ids.fill(batch))?;
                if ids.rows != read {
                    return Err(self.damaged("its columns have different numbers of rows"));
                }
            }
            if read == 0 {
                break;
            }
            rows += read as u64;
            for row in 0..read {
                let id = ids.as_ref().map_or(&b""[..], |ids| ids.cell(row));
                if each(found(structures.cell(row), id, counts))?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        if rows == declared {
            Ok(ControlFlow::Continue(()))
        } else {
            Err(self.damaged("it has not the rows that it declares"))
        }
    }

    /// Rows of a column that are read at a time.
    fn batch(&self, group: usize, column: usize) -> usize {
        let group = self.metadata.row_group(group);
        let bytes = u64::try_from(group.column(column).uncompressed_size()).unwrap_or(0);
        let rows = u64::try_from(group.num_rows()).unwrap_or(0).max(1);
        (BATCH_BYTES / (bytes / rows).max(1)).clamp(1, ROWS as u64) as usize
    }

    fn cursor(&self, group: usize, column: usize) -> Read<ColumnCursor> {
        let group = self.metadata.row_group(group);
        let described = group.column(column);
        let rows = usize::try_from(group.num_rows())?;
        let pages = SerializedPageReader::new(Arc::clone(&self.pages), described, rows, None)?;
        let descriptor = described.column_descr_ptr();
        let is_unsigned = is_unsigned(&descriptor);
        Ok(ColumnCursor {
            max_level: descriptor.max_def_level(),
            reader: get_column_reader(descriptor, Box::new(pages)),
            is_unsigned,
            levels: Vec::new(),
            values: Vec::new(),
            places: Vec::new(),
            rows: 0,
        })
    }

    fn described(&self) -> Vec<Arc<ColumnDescriptor>> {
        self.metadata.file_metadata().schema_descr().columns().to_vec()
    }

    fn damaged(&self, why: &str) -> Error {
        damaged(self.path, why)
    }

    fn sniff(&self, said: &FormatRequest) -> Result<ParquetFormat> {
        if said.delimiter.is_some() || said.header.is_some() {
            return Err(Error::usage("a Parquet file has neither delimiters nor a header")
                .hint("leave out delimiter and header; structure_column and id_column may be said"));
        }
        let columns = self.described();
        let structure = match &said.structure_column {
            Some(text) => self
                .said_column(text)?
                .ok_or_else(|| Error::usage("column `0` cannot hold structures").hint("columns are counted from 1"))?,
            None => self.structure_column()?,
        };
        self.must_hold(structure, "structures", &[Type::BYTE_ARRAY])?;
        let id = if let Some(text) = &said.id_column {
            self.said_column(text)?
        } else {
            let names = names_if(&columns, can_hold_ids);
            sniff::id_column(Some(&names), structure).filter(|id| columns.get(*id).is_some_and(|c| can_hold_ids(c)))
        };
        if let Some(id) = id {
            self.must_hold(id, "ids", &[Type::BYTE_ARRAY, Type::INT32, Type::INT64])?;
        }
        if id == Some(structure) {
            return Err(Error::usage(format!("structure and id cannot both be column `{}`", structure + 1))
                .hint("say structure_column and id_column; id_column 0 means that there are no ids"));
        }
        Ok(ParquetFormat {
            structure_column: structure as u32 + 1,
            structure_name: name_of(&columns[structure]),
            id_column: id.map_or(0, |id| id as u32 + 1),
            id_name: id.map(|id| name_of(&columns[id])),
        })
    }

    /// A column as the user said it, from 0; `None` for `0`, which stands for no column.
    fn said_column(&self, said: &str) -> Result<Option<usize>> {
        let columns = self.described();
        let exact = columns.iter().position(|c| name_of(c) == said);
        let found = exact.or_else(|| columns.iter().position(|c| name_of(c).eq_ignore_ascii_case(said)));
        match said.parse::<usize>() {
            _ if found.is_some() => Ok(found),
            Ok(number) if number <= columns.len() => Ok(number.checked_sub(1)),
            _ => Err(Error::usage(format!("there is no column `{said}`")).hint(self.known())),
        }
    }

    fn known(&self) -> String {
        let names: Vec<String> = self.columns().into_iter().take(20).collect();
        format!("the file has: {}; say one by name, or by its number from 1", names.join(", "))
    }

    fn must_hold(&self, column: usize, what: &str, types: &[Type]) -> Result<()> {
        match self.described().get(column) {
            Some(c) if is_flat(c) && types.contains(&c.physical_type()) && (!is_integer(c) || can_hold_ids(c)) => {
                Ok(())
            }
            Some(c) => {
                Err(Error::usage(format!("column `{}` cannot hold {what}", escape::to_string(name_of(c).as_bytes())))
                    .hint(format!(
                        "structures are strings, ids are strings or integers, and neither is nested; {}",
                        self.known()
                    )))
            }
            None => Err(Error::usage(format!("there is no column `{}`", column + 1)).hint(self.known())),
        }
    }

    /// The column of structures: by name, or the one that holds SMILES.
    fn structure_column(&self) -> Result<usize> {
        let columns = self.described();
        let names = names_if(&columns, can_hold_structures);
        if let Some(column) = sniff::named_structure(&names) {
            return Ok(column);
        }
        let group = (0..self.metadata.num_row_groups()).find(|g| self.metadata.row_group(*g).num_rows() > 0);
        let candidates = (0..columns.len()).filter(|c| can_hold_structures(&columns[*c])).take(SAMPLE_COLUMNS);
        for (column, group) in candidates.filter_map(|column| Some((column, group?))) {
            let mut cursor = calm(self.path, || self.cursor(group, column))?;
            calm(self.path, || cursor.fill(SAMPLE_ROWS.min(self.batch(group, column))))?;
            let rows: Vec<Vec<Vec<u8>>> = (0..cursor.rows).map(|row| vec![cursor.cell(row).to_vec()]).collect();
            if sniff::mostly_smiles(&rows, 0) {
                return Ok(column);
            }
        }
        Err(Error::usage("no column has the name of one of structures, or holds SMILES")
            .hint(format!("say structure_column; {}", self.known())))
    }
}

/// A row as a record; what is odd about it is counted.
fn found<'a>(structure: &'a [u8], id: &'a [u8], counts: &mut Counts) -> Found<'a> {
    let cell = trim(structure);
    let bare = without_extension(cell);
    let (structure, id) = (bare.unwrap_or(cell), trim(id));
    let kept = (&structure[..structure.len().min(STRUCTURE_MAX)], &id[..id.len().min(ID_MAX)]);
    counts.lines += 1;
    counts.records += 1;
    counts.cxsmiles_dropped += u64::from(bare.is_some());
    counts.overlong += u64::from(kept.0.len() < structure.len() || kept.1.len() < id.len());
    counts.empty_structure += u64::from(structure.is_empty());
    counts.missing_id += u64::from(id.is_empty());
    Found { offset: 0, structure: kept.0, id: kept.1 }
}

/// The rows of one column of a row group, batch by batch.
struct ColumnCursor {
    reader: ColumnReader,
    max_level: i16,
    is_unsigned: bool,
    levels: Vec<i16>,
    values: Vec<ByteArray>,
    /// Where the value of each row is in `values`; beyond them if it is null.
    places: Vec<u32>,
    /// Rows of the batch.
    rows: usize,
}

impl ColumnCursor {
    /// Reads the next rows, `max` of them or all that are left.
    fn fill(&mut self, max: usize) -> Read<()> {
        self.levels.clear();
        self.values.clear();
        let levels = Some(&mut self.levels);
        let text = |n: String| ByteArray::from(n.into_bytes());
        let (rows, ..) = match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => reader.read_records(max, levels, None, &mut self.values)?,
            ColumnReader::Int32ColumnReader(reader) => {
                let mut integers = Vec::new();
                let read = reader.read_records(max, levels, None, &mut integers)?;
                let is_unsigned = self.is_unsigned;
                let decimal = |n: i32| text(if is_unsigned { n.cast_unsigned().to_string() } else { n.to_string() });
                self.values.extend(integers.into_iter().map(decimal));
                read
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut integers = Vec::new();
                let read = reader.read_records(max, levels, None, &mut integers)?;
                let is_unsigned = self.is_unsigned;
                let decimal = |n: i64| text(if is_unsigned { n.cast_unsigned().to_string() } else { n.to_string() });
                self.values.extend(integers.into_iter().map(decimal));
                read
            }
            _ => return Err(ParquetError::General("a column has another type than its schema says".to_owned())),
        };
        self.placed(rows);
        Ok(())
    }

    /// Notes that `rows` were read, and where their values are.
    fn placed(&mut self, rows: usize) {
        self.rows = rows;
        self.places.clear();
        let mut next = 0;
        for row in 0..rows {
            let is_null = self.max_level > 0 && self.levels.get(row) != Some(&self.max_level);
            self.places.push(if is_null { u32::MAX } else { next });
            next += u32::from(!is_null);
        }
    }

    /// The value of `row` of the batch; nothing if it is null.
    fn cell(&self, row: usize) -> &[u8] {
        self.places.get(row).and_then(|place| self.values.get(*place as usize)).map_or(b"", ByteArray::data)
    }
}

fn check_magic(path: &Path, file: &File, size: u64) -> Result<()> {
    use std::os::unix::fs::FileExt;
    let (mut first, mut last) = ([0; 4], [0; 4]);
    if size >= 12 {
        file.read_exact_at(&mut first, 0).map_err(|e| Error::input(path, &e))?;
        file.read_exact_at(&mut last, size - 4).map_err(|e| Error::input(path, &e))?;
    }
    if &first == MAGIC_ENCRYPTED || &last == MAGIC_ENCRYPTED {
        return Err(Error::usage(format!("`{}` is an encrypted Parquet file", path.display()))
            .hint("write it again without encryption: molsieve has no keys"));
    }
    if &first != MAGIC {
        return Err(Error::usage(format!("`{}` is not a Parquet file", path.display()))
            .hint("say the format that it has, such as `format = \"csv\"`, if only the name is wrong"));
    }
    if &last == MAGIC { Ok(()) } else { Err(damaged(path, "its end is missing")) }
}

/// Runs `read`; an error of the crate, or a panic in it, is damage of the file at `path`.
fn calm<T>(path: &Path, read: impl FnOnce() -> Read<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::External(e))) => match e.downcast_ref::<std::io::Error>() {
            Some(e) if e.raw_os_error().is_some() => Err(Error::input(path, e)),
            _ => Err(damaged(path, &e.to_string())),
        },
        Ok(Err(e)) => Err(damaged(path, &e.to_string())),
        Err(_) => Err(damaged(path, "its metadata contradicts itself")),
    }
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::usage(format!("`{}` is truncated, damaged or of a kind that is not read: {why}", path.display()))
        .hint("fetch the file again, or write it again without encryption, compressed with zstd, snappy or gzip")
}

/// The name of a column; of a nested one, its path with dots.
fn name_of(column: &ColumnDescriptor) -> String {
    column.path().string()
}

/// Whether each row has one value of it, or null.
fn is_flat(column: &ColumnDescriptor) -> bool {
    column.path().parts().len() == 1 && column.max_rep_level() == 0
}

fn is_integer(column: &ColumnDescriptor) -> bool {
    matches!(column.physical_type(), Type::INT32 | Type::INT64)
}

fn is_unsigned(column: &ColumnDescriptor) -> bool {
    matches!(column.logical_type_ref(), Some(LogicalType::Integer(integer)) if !integer.is_signed)
}

fn can_hold_structures(column: &ColumnDescriptor) -> bool {
    is_flat(column) && column.physical_type() == Type::BYTE_ARRAY
}

/// Integers that are no dates, times or decimals can.
fn can_hold_ids(column: &ColumnDescriptor) -> bool {
    let is_plain = matches!(column.logical_type_ref(), None | Some(LogicalType::Integer(_)));
    can_hold_structures(column) || is_flat(column) && is_integer(column) && is_plain
}

/// The names of the columns of which `can` says so, and empty ones for the others.
fn names_if(columns: &[Arc<ColumnDescriptor>], can: fn(&ColumnDescriptor) -> bool) -> Vec<Vec<u8>> {
    columns.iter().map(|c| if can(c) { name_of(c).into_bytes() } else { Vec::new() }).collect()
}
