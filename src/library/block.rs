//! Blocks of records: the unit that is hashed, indexed and repacked.
//!
//! A block takes records of one file until it has [`BLOCK_RECORDS`] of them or [`BLOCK_BYTES`]
//! bytes of structures and ids, whichever is first: where it ends depends on the records alone,
//! and neither many records nor huge ones make it large. Its *payload* is what is hashed (BLAKE3)
//! and what a repacked frame holds: the bytes of all records (structure, then id), then the two
//! lengths of each record, then the number of records; all integers are 32 bits, little-endian.

use super::format::Notation;
use super::record::RecordBlock;
use crate::digest::{Blake3, Digest};
use crate::error::Result;

/// Records of a block, unless they are huge or the file ends.
pub const BLOCK_RECORDS: usize = 4096;

/// A block that has so many bytes of structures and ids takes no further record.
pub const BLOCK_BYTES: usize = 4 << 20;

/// No payload is longer: a block is at most full but for a byte when the longest line comes.
pub(super) const PAYLOAD_MAX: usize = BLOCK_BYTES + super::lines::LINE_MAX + 8 * BLOCK_RECORDS + 4;

/// Whether `block` takes no further record.
#[inline]
pub(super) fn is_full(block: &RecordBlock) -> bool {
    block.len() >= BLOCK_RECORDS || block.bytes() >= BLOCK_BYTES
}

/// Digests blocks, with a buffer of its own.
#[derive(Debug, Default)]
pub(super) struct Digester {
    table: Vec<u8>,
}

impl Digester {
    /// BLAKE3 of the payload of `block`.
    pub(super) fn digest(&mut self, block: &RecordBlock) -> Digest {
        self.table.clear();
        block.push_table(&mut self.table);
        let mut hasher = Blake3::default();
        hasher.update(block.arena());
        hasher.update(&self.table);
        hasher.finish()
    }
}

/// Folds the digests of the blocks of one file.
#[derive(Clone)]
pub(super) struct FileRoot(Blake3);

impl FileRoot {
    /// No block yet.
    pub(super) fn new() -> Self {
        let mut hasher = Blake3::default();
        hasher.update(b"molsieve.snapshot.file.v1\0");
        Self(hasher)
    }

    /// Adds the digest of the next block.
    pub(super) fn add(&mut self, block: &Digest) {
        self.0.update(&block.0);
    }

    /// The root of a file of `records` records.
    pub(super) fn finish(mut self, records: u64) -> Digest {
        self.0.update(&records.to_le_bytes());
        self.0.finish()
    }
}

/// The root of a library: of how its structures are written, and of the root and the number of records
/// of each of its files, in order.
pub(super) fn library_root(notation: Notation, files: impl Iterator<Item = (Digest, u64)>) -> Digest {
    let mut hasher = Blake3::default();
    hasher.update(match notation {
        Notation::Smiles => b"molsieve.snapshot.library.v1\0",
        Notation::Molblock => b"molsieve.snapshot.library.molblock.v1\0",
    });
    for (root, records) in files {
        hasher.update(&root.0);
        hasher.update(&records.to_le_bytes());
    }
    hasher.finish()
}

/// What receives full blocks; `each` gets the block and the offset of its first line in the stream.
pub(super) struct Blocks<F> {
    block: RecordBlock,
    offset: u64,
    records: u64,
    each: F,
}

impl<F: FnMut(&RecordBlock, u64) -> Result<()>> Blocks<F> {
    /// No record yet.
    pub(super) fn new(notation: Notation, each: F) -> Self {
        Self { block: RecordBlock::with_capacity(notation, BLOCK_RECORDS, 1 << 18), offset: 0, records: 0, each }
    }

    /// Takes the next record, whose line starts at `offset`.
    #[inline]
    pub(super) fn push(&mut self, offset: u64, structure: &[u8], id: &[u8]) -> Result<()> {
        if self.block.is_empty() {
            self.offset = offset;
        }
        self.block.push(self.records, structure, id);
        self.records += 1;
        if is_full(&self.block) { self.flush() } else { Ok(()) }
    }

    /// Hands over the last block, if it has records.
    pub(super) fn finish(mut self) -> Result<()> {
        if self.block.is_empty() { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        (self.each)(&self.block, self.offset)?;
        self.block.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload_of(block: &RecordBlock) -> Vec<u8> {
        let mut payload = vec![7];
        block.write_payload(&mut payload);
        payload
    }

    fn block_of(records: &[(Vec<u8>, Vec<u8>)]) -> RecordBlock {
        let mut block = RecordBlock::new(Notation::Smiles);
        for (ordinal, (structure, id)) in records.iter().enumerate() {
            block.push(ordinal as u64, structure, id);
        }
        block
    }

    proptest! {
        #[test]
        fn a_payload_is_the_block_and_its_hash_is_the_digest(
            records in proptest::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20)
        ) {
            let block = block_of(&records);
            let payload = payload_of(&block);
            prop_assert_eq!(Digester::default().digest(&block), crate::digest::blake3(&payload));
            let back = RecordBlock::from_payload(payload, 0, Notation::Smiles).unwrap();
            prop_assert!(back.iter().eq(block.iter()));
        }

        #[test]
        fn any_bytes_are_a_payload_or_refused(bytes in any::<Vec<u8>>(), count in 0u32..6) {
            let mut bytes = bytes;
            bytes.extend_from_slice(&count.to_le_bytes());
            if let Some(block) = RecordBlock::from_payload(bytes.clone(), 7, Notation::Smiles) {
                prop_assert_eq!(payload_of(&block), bytes);
            }
        }

        #[test]
        fn moving_a_byte_from_structure_to_id_changes_the_digest(a in "[a-z]{1,9}", b in "[a-z]{0,9}") {
            let joined = format!("{a}{b}").into_bytes();
            let digests: Vec<_> = (0..=joined.len())
                .map(|at| Digester::default().digest(&block_of(&[(joined[..at].to_vec(), joined[at..].to_vec())])))
                .collect();
            for (i, digest) in digests.iter().enumerate() {
                prop_assert!(!digests[..i].contains(digest));
            }
        }
    }

    #[test]
    fn a_block_ends_after_enough_records_or_enough_bytes() {
        let mut sizes = Vec::new();
        let mut blocks = Blocks::new(Notation::Smiles, |block: &RecordBlock, offset| {
            sizes.push((block.len(), offset));
            Ok(())
        });
        for i in 0..=BLOCK_RECORDS as u64 {
            blocks.push(i, b"C", b"").unwrap();
        }
        let huge = vec![b'C'; BLOCK_BYTES / 2];
        for i in 0..3 {
            blocks.push(10_000 + i, &huge, b"").unwrap();
        }
        blocks.finish().unwrap();
        assert_eq!(sizes, [(BLOCK_RECORDS, 0), (3, 4096), (1, 10_002)]);
    }
}
