//! Truth about molecules that a library does not have: known before anything is computed.

use super::name_of;
use super::truth::{Truth, shown};
use crate::error::Result;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;

/// Labels of molecules that a library does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// How many.
    pub count: u64,
    /// The first of them, fit to be shown.
    pub first: Option<String>,
}

/// Which labels of `table` are about no record of the library at `snapshot`.
///
/// # Errors
/// The library changed, or cannot be read.
pub fn unknown(table: &Truth, snapshot: &Snapshot) -> Result<Unknown> {
    let mut is_known = vec![false; table.len()];
    let mut slice = Slice::open(snapshot, 0..snapshot.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            if let Some((number, _)) = table.find(&name_of(record.id, record.ordinal)) {
                is_known[number as usize] = true;
            }
        }
    }
    let count = is_known.iter().filter(|known| !**known).count() as u64;
    let first = is_known.iter().position(|known| !known);
    let first = first.map(|number| shown(&String::from_utf8_lossy(table.id(number as u32))));
    Ok(Unknown { count, first })
}
