//! The order in which ways to make a decoy are tried.
//!
//! The state of the generator begins as the keyed BLAKE3 of the parent's canonical SMILES, cut to 64 bits, under a key made
//! of the campaign's seed; see `docs/decoys.md` for test vectors.

use crate::digest;
use crate::random::Generator;

/// Makes the generators of one campaign.
#[derive(Clone, Debug)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The key is BLAKE3 of `molsieve.decoys.v1`, a zero byte and the campaign seed (8 bytes, little-endian).
    pub fn new(campaign_seed: u64) -> Self {
        let mut material = b"molsieve.decoys.v1\0".to_vec();
        material.extend_from_slice(&campaign_seed.to_le_bytes());
        Self(digest::blake3(&material).0)
    }

    /// The generator for the parent with this canonical SMILES.
    pub fn generator(&self, canonical: &str) -> Generator {
        Generator::new(digest::keyed_u64(&self.0, canonical.as_bytes()))
    }
}

/// The numbers below a bound in the order of a generator, each once: a shuffle from the front (Fisher and Yates),
/// which is done only as far as it is asked for.
#[derive(Debug)]
pub struct Order {
    generator: Generator,
    numbers: Vec<u32>,
    at: usize,
}

impl Order {
    /// The numbers below `bound`.
    pub fn new(generator: Generator, bound: u32) -> Self {
        Self { generator, numbers: (0..bound).collect(), at: 0 }
    }
}

impl Iterator for Order {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let left = (self.numbers.len() - self.at) as u64;
        if left == 0 {
            return None;
        }
        let chosen = self.at + self.generator.below(left) as usize;
        self.numbers.swap(self.at, chosen);
        self.at += 1;
        Some(self.numbers[self.at - 1])
    }
}

/// The pair that is number `n` of all pairs i < j: (0, 1), (0, 2), (1, 2), (0, 3) and so on.
pub const fn pair(n: u32) -> (usize, usize) {
    let n = n as u64;
    let j = (8 * n + 1).isqrt().div_ceil(2);
    ((n - j * (j - 1) / 2) as usize, j as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_every_number_once_and_begins_the_same_however_far_it_goes() {
        for bound in [0, 1, 2, 3, 90, 1_000] {
            let whole: Vec<u32> = Order::new(Generator::new(7), bound).collect();
            let mut sorted = whole.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..bound).collect::<Vec<_>>());
            let begin: Vec<u32> = Order::new(Generator::new(7), bound).take(3).collect();
            assert_eq!(begin, whole[..whole.len().min(3)]);
        }
    }

    #[test]
    fn pairs_are_numbered_without_gaps() {
        let pairs: Vec<_> = (0..6).map(pair).collect();
        assert_eq!(pairs, [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]);
        let mut n = 0;
        for j in 1..2_000 {
            assert_eq!(pair(n), (0, j));
            n += j as u32;
            assert_eq!(pair(n - 1), (j - 1, j));
        }
    }
}
