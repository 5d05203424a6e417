//! The structures of a few records, read back from the library.
//!
//! The library may be gone or changed by the time a result is gathered. That loses pictures, and no
//! night: what is missing is said, and the pack is sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::id::Ordinal;
use crate::library::format::Notation;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::scorer::STRUCTURE_BYTES_MAX;

/// All structures together take no more than this.
const BYTES_MAX: usize = 256 << 20;

/// What the library says of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The structure as read; empty where it is longer than [`STRUCTURE_BYTES_MAX`].
    pub structure: Vec<u8>,
    /// The id as read.
    pub id: Vec<u8>,
    /// Length of the structure in the library.
    pub structure_bytes: usize,
}

/// The structures that could be read.
#[derive(Clone, Debug, Default)]
pub struct Structures {
    entries: BTreeMap<Ordinal, Entry>,
    /// How they are written.
    pub notation: Notation,
    /// Why there are none, if there are none.
    pub problem: Option<String>,
}

impl Structures {
    /// Reads the records `wanted` of the library whose snapshot is in `dir`.
    pub fn read(dir: &Path, root: &Digest, wanted: &BTreeSet<Ordinal>) -> Self {
        let mut found = Self::default();
        if let Err(error) = found.fill(dir, root, wanted) {
            // What is wrong goes to the log; a pack holds no path of a person.
            tracing::warn!(problem = error.what(), "the structures of the hits cannot be read from the library");
            found.entries.clear();
            found.problem = Some(reason(&error));
        }
        found
    }

    /// Each block that holds a wanted record is read once, in order: the cost is bounded by that of
    /// one pass over the library, and for a few records it is a block each.
    fn fill(&mut self, dir: &Path, root: &Digest, wanted: &BTreeSet<Ordinal>) -> Result<()> {
        let snapshot = Snapshot::open(dir)?;
        self.notation = snapshot.notation();
        if wanted.is_empty() {
            return Ok(());
        }
        if snapshot.root() != *root {
            return Err(Error::usage("the library snapshot is not the one of this campaign"));
        }
        let mut bytes = 0;
        Slice::open(&snapshot, 0..0)?.each_of(wanted.iter().copied(), |record| {
            let fits = record.structure.len() <= STRUCTURE_BYTES_MAX;
            let structure = if fits { record.structure.to_vec() } else { Vec::new() };
            bytes += structure.len() + record.id.len();
            if bytes > BYTES_MAX {
                let what = format!("their structures take more than {} MiB", BYTES_MAX >> 20);
                return Err(Error::usage(what));
            }
            let entry = Entry { structure, id: record.id.to_vec(), structure_bytes: record.structure.len() };
            self.entries.insert(record.ordinal, entry);
            Ok(())
        })?;
        Ok(())
    }

    /// What the library says of the record `ordinal`, if it was asked for and could be read.
    pub fn get(&self, ordinal: Ordinal) -> Option<&Entry> {
        self.entries.get(&ordinal)
    }
}

/// Why, in words that are the same wherever the library lies.
fn reason(error: &Error) -> String {
    let reason = match error.kind() {
        Kind::Usage => "it is not what it was when its snapshot was taken, or the snapshot is gone",
        _ => "a file of it is gone or cannot be read",
    };
    reason.to_owned()
}
