//! Compares an encoding with the rows of `summary.csv`, cell by cell, in blocks.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::block::{Block, Blocks};
use super::{Decoding, Facts, Format};
use crate::canonical::row::{FIXED_COLUMNS, Halt};

/// A comparison on its way.
pub struct Comparison {
    blocks: Blocks,
    against: Against,
}

/// The encoding that the rows are compared with.
struct Against {
    decoding: Box<dyn Decoding>,
    columns: Vec<String>,
}

impl Comparison {
    /// Opens `file`, which must be the encoding `format` of the payload that `facts` describe.
    ///
    /// # Errors
    /// It is not, in a sentence fragment that goes on from the name of the file.
    pub fn open(format: Format, file: File, facts: &Facts) -> Result<Self, String> {
        let decoding = guarded(|| super::decode(format, file, facts))?;
        let columns = FIXED_COLUMNS.iter().map(|name| (*name).to_owned());
        let columns = columns.chain(facts.columns.iter().map(|c| c.name.clone())).collect();
        Ok(Self { blocks: Blocks::new(&facts.columns, facts.rows), against: Against { decoding, columns } })
    }

    /// Takes the next bytes of `summary.csv`.
    ///
    /// # Errors
    /// They are not the same, or the encoding cannot be read on.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Self { blocks, against } = self;
        blocks.feed(bytes, &mut |block| against.compare(block)).map_err(|halt| match halt {
            Halt::Taker(difference) => difference,
            Halt::Fault(fault) => format!("cannot be compared: {fault}"),
        })
    }

    /// All bytes were fed.
    ///
    /// # Errors
    /// As [`Comparison::feed`], or the encoding has more rows.
    pub fn finish(self) -> Result<(), String> {
        let Self { blocks, mut against } = self;
        blocks.finish(&mut |block| against.compare(block))?;
        let more = guarded(|| against.decoding.rows(1))?;
        if more.is_empty() { Ok(()) } else { Err("has more rows than `summary.csv`".to_owned()) }
    }
}

impl Against {
    fn compare(&mut self, expected: &Block) -> Result<(), String> {
        let found = guarded(|| self.decoding.rows(expected.len()))?;
        let Some((row, column)) = expected.difference(&found) else { return Ok(()) };
        if row >= found.len() {
            return Err("has fewer rows than `summary.csv`".to_owned());
        }
        let ordinal = expected.ordinals.get(row).copied().unwrap_or_default();
        let column = self.columns.get(column).map_or("", String::as_str);
        Err(format!("has another `{column}` for record {ordinal} than `summary.csv`"))
    }
}

/// A reader of foreign bytes may panic on some that nobody has thought of: that is the file's fault, not ours.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("cannot be read: its reader gave up".to_owned()))
}
