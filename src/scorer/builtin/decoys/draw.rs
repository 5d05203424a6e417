//! The order in which ways to make a decoy are tried: a generator that is written out here, so that it never changes.
//!
//! The generator is SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). Its state begins as the keyed BLAKE3 of the parent's
//! canonical SMILES, cut to 64 bits, under a key made of the campaign's seed; see `docs/decoys.md` for test vectors.

use crate::digest;

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
        Generator(digest::keyed_u64(&self.0, canonical.as_bytes()))
    }
}

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Generator(u64);

impl Generator {
    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, each equally likely (Lemire, ACM Transactions on Modeling and Computer Simulation 29
    /// (2019) 3): the upper half of the product, drawn again where the lower half would favour some.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let mut product = self.next() as u128 * bound as u128;
        while (product as u64) < bound.wrapping_neg() % bound {
            product = self.next() as u128 * bound as u128;
        }
        (product >> 64) as u64
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
    fn the_generator_is_splitmix64() {
        let mut generator = Generator(1_234_567);
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(published.map(|_| generator.next()), published);
    }

    #[test]
    fn an_order_has_every_number_once_and_begins_the_same_however_far_it_goes() {
        for bound in [0, 1, 2, 3, 90, 1_000] {
            let whole: Vec<u32> = Order::new(Generator(7), bound).collect();
            let mut sorted = whole.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..bound).collect::<Vec<_>>());
            let begin: Vec<u32> = Order::new(Generator(7), bound).take(3).collect();
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
