//! Records in memory: one arena a block, no allocation a record.

use crate::id::{Ordinal, Ordinals};

/// One entry of a library, borrowed from its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Position in the library, from 0.
    pub ordinal: Ordinal,
    /// The id as read; empty if there is none. Ids may repeat.
    pub id: &'a [u8],
    /// The structure as read, without CR, BOM and CXSMILES extension; may be empty or not text at all.
    pub structure: &'a [u8],
}

/// Where one record's bytes are in the arena: the structure, then the id.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    ordinal: Ordinal,
    start: u32,
    id: u32,
    end: u32,
}

/// Records in ascending order of ordinal, not necessarily contiguous.
#[derive(Clone, Debug, Default)]
pub struct RecordBlock {
    arena: Vec<u8>,
    bounds: Vec<Bounds>,
}

impl RecordBlock {
    /// No records, with room for `records` of them in `bytes`.
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { arena: Vec::with_capacity(bytes), bounds: Vec::with_capacity(records) }
    }

    /// Appends a record. The arena of a block stays below 4 GiB: readers bound lines and blocks.
    pub fn push(&mut self, ordinal: Ordinal, structure: &[u8], id: &[u8]) {
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(structure);
        let id_at = self.arena.len() as u32;
        self.arena.extend_from_slice(id);
        self.bounds.push(Bounds { ordinal, start, id: id_at, end: self.arena.len() as u32 });
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// Bytes of structures and ids.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// The record at `index`, from 0 in this block.
    pub fn get(&self, index: usize) -> Record<'_> {
        let Bounds { ordinal, start, id, end } = self.bounds[index];
        Record {
            ordinal,
            structure: &self.arena[start as usize..id as usize],
            id: &self.arena[id as usize..end as usize],
        }
    }

    /// All records, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Only the records for which `keep` says so.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(Ordinal) -> bool) -> Self {
        let mut kept = Self::default();
        for record in self.iter().filter(|r| keep(r.ordinal)) {
            kept.push(record.ordinal, record.structure, record.id);
        }
        kept
    }

    /// Drops the records outside `range`.
    pub fn trim(&mut self, range: &Ordinals) {
        self.bounds.retain(|b| range.contains(&b.ordinal));
    }

    /// Forgets all records but keeps the memory.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.bounds.clear();
    }
}
