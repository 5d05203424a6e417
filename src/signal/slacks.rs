//! The slacks of single records: how often each occurs, and the mean and the quantiles that follow. Memory grows with how many
//! different ones there are, which is few.

use std::collections::BTreeMap;

/// Slacks, and how often each occurs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slacks {
    /// By their order as numbers.
    counts: BTreeMap<u64, (f64, u64)>,
    /// In the order in which they came.
    sum: f64,
}

impl Slacks {
    /// `count` records more whose slack is `value`, which is no NaN.
    pub fn add(&mut self, value: f64, count: u64) {
        self.sum += value * count as f64;
        let bits = value.to_bits();
        let key = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        self.counts.entry(key).or_insert((value, 0)).1 += count;
    }

    /// How many different ones there are.
    pub fn kinds(&self) -> usize {
        self.counts.len()
    }

    /// How many there are.
    pub fn records(&self) -> u64 {
        self.counts.values().map(|(_, count)| count).sum()
    }

    /// Their mean.
    pub fn mean(&self) -> Option<f64> {
        let mean = self.sum / self.records() as f64;
        mean.is_finite().then_some(mean)
    }

    /// Their quantile by nearest rank, the rank rounded to the nearest and a half to the even one.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.nth(nearest_rank(self.records(), q).checked_sub(1)?)
    }

    /// Their median: of two in the middle, what is between them.
    pub fn median(&self) -> Option<f64> {
        let n = self.records();
        Some(f64::midpoint(self.nth(n.checked_sub(1)? / 2)?, self.nth(n / 2)?))
    }

    /// The slack at `at`, from 0, the lowest first.
    fn nth(&self, at: u64) -> Option<f64> {
        let mut before = 0;
        self.counts.values().find_map(|(slack, count)| {
            before += count;
            (before > at).then_some(*slack)
        })
    }
}

/// The rank of the quantile `q` of `n` values, from 1; 0 where there are none.
fn nearest_rank(n: u64, q: f64) -> u64 {
    if n == 0 { 0 } else { ((q * n as f64).round_ties_even() as u64).clamp(1, n) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Slacks {
        let mut slacks = Slacks::default();
        values.iter().for_each(|value| slacks.add(*value, 1));
        slacks
    }

    #[test]
    fn quartiles_are_those_of_the_nearest_rank_and_a_median_is_between_two() {
        let five = of(&[0.0, -0.5, -1.0, -0.25, -0.25]);
        // Of five, 1.25 is rank 1 and 3.75 is rank 4.
        assert_eq!((five.quantile(0.25), five.quantile(0.75)), (Some(-1.0), Some(-0.25)));
        assert_eq!((five.median(), five.mean(), five.records(), five.kinds()), (Some(-0.25), Some(-0.4), 5, 4));
        assert_eq!(of(&[0.0, -1.0]).median(), Some(-0.5));
        // A half goes to the even rank: of ten, 2.5 is rank 2.
        assert_eq!((nearest_rank(10, 0.25), nearest_rank(10, 0.75), nearest_rank(1, 0.25)), (2, 8, 1));
        let none = of(&[]);
        assert_eq!((none.quantile(0.25), none.median(), none.mean()), (None, None, None));
    }

    #[test]
    fn many_of_a_value_are_as_if_they_had_come_one_by_one() {
        let mut many = Slacks::default();
        many.add(0.25, 3);
        many.add(-0.5, 1);
        assert_eq!(many, of(&[0.25, 0.25, 0.25, -0.5]));
    }
}
