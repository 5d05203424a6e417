//! The hits with their structures, which other programs open and molsieve can screen next: `hits.smi`, or `hits.sdf` where
//! the structures of the library are molblocks.

mod sdf;
mod smi;

use crate::campaign::identity::Identity;
use crate::canonical::row::{self, Row};
use crate::id::Ordinal;
use crate::library::format::Notation;

use super::structures::Structures;
use super::{HITS_SDF, HITS_SMI};

/// One row of `hits.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its ordinal.
    pub ordinal: Ordinal,
    /// Its id, escaped.
    pub id: String,
    /// The cells of the scorer's columns, escaped.
    pub cells: Vec<String>,
}

/// The rows of `hits_csv`, best first; those that are not rows are left out.
pub fn rows(hits_csv: &[u8]) -> impl Iterator<Item = Hit> {
    hits_csv.split(|b| *b == b'\n').skip(1).filter_map(|line| {
        let row = Row::read(line).ok()?;
        let text = |field: &[u8]| String::from_utf8_lossy(&row::unquoted(field)).into_owned();
        let mut fields = row.cells();
        let cells = fields.by_ref().map(text).collect();
        fields.is_at_end().then(|| Hit { ordinal: row.ordinal, id: text(row.id()), cells })
    })
}

/// The position of the rank column among the scorer's columns.
pub fn rank_column(identity: &Identity) -> Option<usize> {
    let name = &identity.pack.rank.as_ref()?.column.name;
    identity.scorer.description.columns.iter().position(|column| column.name == *name)
}

/// A file of the hits with their structures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitsFile {
    /// Its name in the pack.
    pub name: &'static str,
    /// The content.
    pub bytes: Vec<u8>,
    /// Hits in it.
    pub written: u64,
    /// Hits that are not, because their structure does not fit such a file.
    pub left_out: u64,
}

impl HitsFile {
    fn new(name: &'static str) -> Self {
        Self { name, bytes: Vec::new(), written: 0, left_out: 0 }
    }
}

/// The hits of `hits_csv` with their structures, best first, as a file of the notation in which these are written.
pub fn with_structures(hits_csv: &[u8], identity: &Identity, structures: &Structures) -> HitsFile {
    match structures.notation {
        Notation::Smiles => smi::write(HitsFile::new(HITS_SMI), hits_csv, identity, structures),
        Notation::Molblock => sdf::write(HitsFile::new(HITS_SDF), hits_csv, identity, structures),
    }
}
