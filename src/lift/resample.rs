//! Intervals by the bootstrap: as many molecules as there are, drawn with replacement, again and again.
//!
//! All orders are measured on the same draws, so that a difference of two has an interval of its own. The draws are those
//! of Python's `random.Random(seed + (r + 1) * 2**64)`, for the resample r from 0: each `randrange(N)`, N times.

use rayon::prelude::*;
use serde::Serialize;

use super::contract::bounds;
use super::mersenne::Mersenne;
use super::ranking::{Frame, Measured, Part, Ranking, bedroc_sums};

/// A number with its 95 % interval; none where too little is known for one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// What was found.
    pub value: Option<f64>,
    /// Where the interval begins.
    pub low: Option<f64>,
    /// Where it ends.
    pub high: Option<f64>,
}

/// The orders that are compared, and what all of them are measured on.
pub struct Sample {
    /// The orders; the first is that whose selection it is.
    pub rankings: Vec<Ranking>,
    /// Which molecules are hits.
    pub hits: Vec<bool>,
    /// How many are selected.
    pub selected: u64,
}

/// What was measured of all orders on one sample.
pub struct Of {
    /// In the order of [`Sample::rankings`].
    pub measured: Vec<Measured>,
    /// What is asked of all: the hits that the first found in its selection.
    pub sought: Part,
}

impl Sample {
    /// Measures all orders on the molecules themselves.
    pub fn measure(&self) -> Of {
        let hits = self.hits.iter().filter(|is_hit| **is_hit).count() as u64;
        self.of(hits, &bedroc_sums(self.hits.len() as u64), None)
    }

    /// Measures all orders on `count` resamples.
    pub fn resample(&self, seed: u64, count: u32) -> Vec<Of> {
        let sums = bedroc_sums(self.hits.len() as u64);
        let one = |weights: &mut Vec<u8>, number: u32| {
            weights.clear();
            weights.resize(self.hits.len(), 0);
            let mut drawn = Mersenne::new(u128::from(seed) + ((u128::from(number) + 1) << 64));
            let mut hits = 0;
            for _ in 0..self.hits.len() {
                let at = drawn.below(self.hits.len() as u32) as usize;
                // (No molecule is drawn 256 times: with so many molecules, that takes longer than there is time.)
                weights[at] = weights[at].saturating_add(1);
                hits += u64::from(self.hits[at]);
            }
            self.of(hits, &sums, Some(weights))
        };
        (0..count).into_par_iter().map_init(Vec::new, one).collect()
    }

    fn of(&self, hits: u64, bedroc: &[f64], weights: Option<&[u8]>) -> Of {
        let found = |first: &Ranking| first.found(self.selected, weights);
        let sought = self.rankings.first().map_or(Part::whole(0), found);
        let frame = Frame { molecules: self.hits.len() as u64, hits, selected: self.selected, sought, bedroc };
        let measured = self.rankings.iter().map(|ranking| ranking.measure(&frame, weights)).collect();
        Of { measured, sought }
    }
}

/// `value` with the interval of what `resamples` have instead; without one if there are none.
pub fn estimate(value: Option<f64>, resamples: impl Iterator<Item = Option<f64>>) -> Estimate {
    let mut values: Vec<f64> = resamples.flatten().collect();
    values.sort_by(f64::total_cmp);
    if values.is_empty() || value.is_none() {
        return Estimate { value, low: None, high: None };
    }
    let (low, high) = bounds(values.len());
    Estimate { value, low: Some(values[low]), high: Some(values[high]) }
}
