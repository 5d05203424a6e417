//! Reads HDF5 back, block by block, to be compared with the rows.

use std::os::fd::AsRawFd;

use ::hdf5_metno::types::VarLenUnicode;
use ::hdf5_metno::{Dataset, Error as Hdf5Error, File, H5Type};

use super::{NO_INTEGER, SCHEMA, Word};
use crate::canonical::row::FIXED_COLUMNS;
use crate::encode::block::{Block, Cells, Texts};
use crate::encode::{Decoding, Facts};

/// The file while it is read.
pub struct Reader {
    /// In the order of the payload.
    columns: Vec<Dataset>,
    empty: Block,
    at: usize,
    rows: usize,
    /// The library knows the file by the number of this handle.
    _file: std::fs::File,
}

impl Reader {
    /// Opens the file, and checks that it says of itself what `facts` hold.
    ///
    /// # Errors
    /// It is not HDF5, or not of this payload.
    pub fn open(handle: std::fs::File, facts: &Facts) -> Result<Self, String> {
        // Its name may by now be another file's.
        let path = format!("/proc/self/fd/{}", handle.as_raw_fd());
        let file = File::open(path).map_err(|e| unreadable(&e))?;
        for (name, text) in facts.texts(SCHEMA) {
            let said = file.attr(name).and_then(|attribute| attribute.read_scalar::<VarLenUnicode>());
            if said.map_err(|e| unreadable(&e))?.as_bytes() != text.as_bytes() {
                return Err(format!("says something else of itself in `{name}`"));
            }
        }
        let rows = usize::try_from(facts.rows).map_err(|_| "has more rows than this machine can count")?;
        let scored = facts.columns.iter().map(|column| column.name.as_str());
        let columns = FIXED_COLUMNS.into_iter().chain(scored).map(|name| column(&file, name, rows));
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self { columns, empty: Block::of(&facts.columns), at: 0, rows, _file: handle })
    }

    fn get<T: H5Type>(&self, column: usize, rows: usize) -> Result<Vec<T>, String> {
        let column = self.columns.get(column).ok_or("has too few columns")?;
        let values = column.read_slice_1d(self.at..self.at + rows).map_err(|e| unreadable(&e))?;
        Ok(values.into_iter().collect())
    }

    fn texts(&self, column: usize, rows: usize, to: &mut Texts) -> Result<(), String> {
        self.get::<VarLenUnicode>(column, rows)?.iter().for_each(|text| to.push(text.as_bytes()));
        Ok(())
    }

    fn words(&self, column: usize, rows: usize, to: &mut Texts) -> Result<(), String> {
        self.get::<Word>(column, rows)?.iter().for_each(|word| to.push(word.as_bytes()));
        Ok(())
    }
}

impl Decoding for Reader {
    fn rows(&mut self, rows: usize) -> Result<Block, String> {
        let mut block = self.empty.clone();
        let rows = rows.min(self.rows - self.at);
        if rows == 0 {
            return Ok(block);
        }
        block.ordinals = self.get(0, rows)?;
        self.texts(1, rows, &mut block.ids)?;
        self.words(2, rows, &mut block.outcomes)?;
        self.words(3, rows, &mut block.reasons)?;
        for (cells, column) in block.cells.iter_mut().zip(FIXED_COLUMNS.len()..) {
            match cells {
                Cells::Float(to) => {
                    to.extend(self.get(column, rows)?.into_iter().map(|v: f64| (!v.is_nan()).then_some(v)));
                }
                Cells::Int(to) => {
                    to.extend(self.get(column, rows)?.into_iter().map(|v: i64| (v != NO_INTEGER).then_some(v)));
                }
                Cells::Text(to) => self.texts(column, rows, to)?,
            }
        }
        self.at += rows;
        Ok(block)
    }
}

/// The dataset called `name`: in this very file, in chunks, one value a row. Links and storage elsewhere are refused.
fn column(file: &File, name: &str, rows: usize) -> Result<Dataset, String> {
    let column = file.dataset(name).map_err(|e| unreadable(&e))?;
    if column.filename() != file.filename() || !column.is_chunked() {
        return Err(format!("keeps its column `{name}` elsewhere"));
    }
    if column.shape() != [rows] {
        return Err(format!("has another number of values in `{name}` than there are rows"));
    }
    Ok(column)
}

fn unreadable(error: &Hdf5Error) -> String {
    format!("cannot be read: {error}")
}
