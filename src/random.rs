//! The one generator of numbers that look drawn: SplitMix64, written out here so that it never changes.
//!
//! What is drawn follows from what its state began as, and is the same everywhere. Whoever starts one says what that is:
//! a keyed digest of the seed of the campaign and of what the numbers are for.

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Generator(u64);

impl Generator {
    /// The generator whose state begins as `state`.
    pub const fn new(state: u64) -> Self {
        Self(state)
    }

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

    /// How many of `trials` succeed, each with the probability `chance` / 2^64, exactly.
    ///
    /// The trials are uniform numbers that are compared with `chance` bit by bit from the top, all at once: a bit that is
    /// lower decides for success, a higher one against it, and an equal one leaves the trial to the next bit. So about two
    /// bits are drawn a trial.
    pub const fn binomial(&mut self, trials: u64, chance: u64) -> u64 {
        let (mut open, mut succeeded, mut bit) = (trials, 0, 64);
        while open > 0 && bit > 0 {
            bit -= 1;
            let ones = self.ones(open);
            if chance >> bit & 1 == 1 {
                succeeded += open - ones;
                open = ones;
            } else {
                open -= ones;
            }
        }
        succeeded
    }

    /// How many of `bits` fair bits are 1.
    const fn ones(&mut self, bits: u64) -> u64 {
        let (mut left, mut ones) = (bits, 0);
        while left >= 64 {
            ones += self.next().count_ones() as u64;
            left -= 64;
        }
        if left > 0 {
            ones += (self.next() >> (64 - left)).count_ones() as u64;
        }
        ones
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut generator = Generator::new(1_234_567);
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
    fn a_binomial_number_has_the_distribution_of_that_name() {
        let mut generator = Generator::new(1);
        assert_eq!((generator.binomial(1000, 0), generator.binomial(0, u64::MAX)), (0, 0));
        // Six trials with chance 1/3: 64 C(6, k) (1/3)^k (2/3)^(6-k) of 729 draws have k successes.
        let mut counts = [0f64; 7];
        (0..72_900).for_each(|_| counts[generator.binomial(6, u64::MAX / 3) as usize] += 1.0);
        let expected = [64.0, 192.0, 240.0, 160.0, 60.0, 12.0, 1.0].map(|share| share * 100.0);
        let chi: f64 = counts.iter().zip(expected).map(|(count, e)| (count - e) * (count - e) / e).sum();
        assert!(chi < 22.5, "chi square of six degrees is {chi}");
        // Many trials at once have their mean, and stay within six of their deviations.
        for chance in [1 << 63, 1 << 40, u64::MAX - (1 << 60)] {
            let p = chance as f64 / 2f64.powi(64);
            let (mean, deviation) = (1e6 * p, (1e6 * p * (1.0 - p)).sqrt());
            assert!((generator.binomial(1_000_000, chance) as f64 - mean).abs() <= 6.0 * deviation + 1.0);
        }
    }
}
