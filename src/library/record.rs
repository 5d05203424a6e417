//! Records in memory: one arena a block, no allocation a record.

use super::format::Notation;
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
#[derive(Clone, Debug)]
pub struct RecordBlock {
    arena: Vec<u8>,
    bounds: Vec<Bounds>,
    notation: Notation,
}

impl RecordBlock {
    /// No records, of structures that are written so.
    pub const fn new(notation: Notation) -> Self {
        Self { arena: Vec::new(), bounds: Vec::new(), notation }
    }

    /// No records, with room for `records` of them in `bytes`.
    pub fn with_capacity(notation: Notation, records: usize, bytes: usize) -> Self {
        Self { arena: Vec::with_capacity(bytes), bounds: Vec::with_capacity(records), notation }
    }

    /// No records, of structures that are written as these are.
    #[must_use]
    pub const fn like(&self) -> Self {
        Self::new(self.notation)
    }

    /// How the structures are written; that of the library, the same for all its blocks.
    pub const fn notation(&self) -> Notation {
        self.notation
    }

    /// Appends a record. The arena of a block stays below 4 GiB: readers bound lines and blocks.
    #[inline]
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
        let mut kept = self.like();
        for record in self.iter().filter(|r| keep(r.ordinal)) {
            kept.push(record.ordinal, record.structure, record.id);
        }
        kept
    }

    /// A copy of the records inside `range`.
    #[must_use]
    pub fn within(&self, range: &Ordinals) -> Self {
        let from = self.bounds.partition_point(|b| b.ordinal < range.start);
        let to = self.bounds.partition_point(|b| b.ordinal < range.end).max(from);
        let bounds = &self.bounds[from..to];
        let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
            return self.like();
        };
        let (start, end) = (first.start, last.end);
        let moved = |b: &Bounds| Bounds { start: b.start - start, id: b.id - start, end: b.end - start, ..*b };
        let arena = self.arena[start as usize..end as usize].to_vec();
        Self { arena, bounds: bounds.iter().map(moved).collect(), notation: self.notation }
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

    /// The structure and id bytes of all records, one after the other.
    pub(super) fn arena(&self) -> &[u8] {
        &self.arena
    }

    /// Appends the lengths of each record and the number of records (see [`super::block`]).
    pub(super) fn push_table(&self, out: &mut Vec<u8>) {
        out.reserve(8 * self.bounds.len() + 4);
        for b in &self.bounds {
            let lengths = u64::from(b.end - b.id) << 32 | u64::from(b.id - b.start);
            out.extend_from_slice(&lengths.to_le_bytes());
        }
        out.extend_from_slice(&(self.bounds.len() as u32).to_le_bytes());
    }

    /// Puts the payload of the block (see [`super::block`]) into `out`, in place of what is there.
    pub(super) fn write_payload(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.arena);
        self.push_table(out);
    }

    /// The block of a payload, its first record having the ordinal `first`; `None` if it is not one.
    pub(super) fn from_payload(mut payload: Vec<u8>, first: Ordinal, notation: Notation) -> Option<Self> {
        let (rest, count) = payload.split_last_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        let table_at = rest.len().checked_sub(count.checked_mul(8)?)?;
        let mut bounds = Vec::with_capacity(count);
        let mut start = 0u32;
        for (ordinal, pair) in (first..).zip(rest[table_at..].as_chunks::<8>().0) {
            let lengths = u64::from_le_bytes(*pair);
            let id = start.checked_add(lengths as u32)?;
            let end = id.checked_add((lengths >> 32) as u32)?;
            bounds.push(Bounds { ordinal, start, id, end });
            start = end;
        }
        if start as usize != table_at {
            return None;
        }
        payload.truncate(table_at);
        Some(Self { arena: payload, bounds, notation })
    }
}
