//! The seed of a record: a keyed hash of what the record *is*, never of where or when it is scored.

use crate::digest;
use crate::library::record::Record;

/// Seeds stay below 2^53, so that every JSON reader keeps them exactly.
pub const SEED_BITS: u32 = 53;

/// Gives record seeds for one campaign seed and one seed domain.
#[derive(Clone, Debug)]
pub struct Seeder {
    key: [u8; 32],
}

impl Seeder {
    /// The key is BLAKE3 of `molsieve.seed.v1`, the campaign seed (8 bytes, little-endian) and the domain.
    pub fn new(campaign_seed: u64, domain: &str) -> Self {
        let mut material = b"molsieve.seed.v1\0".to_vec();
        material.extend_from_slice(&campaign_seed.to_le_bytes());
        material.extend_from_slice(domain.as_bytes());
        Self { key: digest::blake3(&material).0 }
    }

    /// The seed of `record`, below 2^53: keyed BLAKE3 of its structure bytes.
    pub fn of(&self, record: &Record<'_>) -> u64 {
        digest::keyed_u64(&self.key, record.structure) >> (64 - SEED_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_depends_on_structure_campaign_seed_and_domain_alone() {
        let record = |ordinal, id, structure| Record { ordinal, id, structure };
        let seeder = Seeder::new(1, "null");
        let seed = seeder.of(&record(0, b"a", b"CCO"));
        assert!(seed < 1 << 53);
        assert_eq!(seed, seeder.of(&record(9, b"b", b"CCO")));
        assert_ne!(seed, seeder.of(&record(0, b"a", b"CCN")));
        assert_ne!(seed, Seeder::new(2, "null").of(&record(0, b"a", b"CCO")));
        assert_ne!(seed, Seeder::new(1, "other").of(&record(0, b"a", b"CCO")));
    }
}
