//! The histogram of a column, in one pass, in constant memory, and the same whatever the order of the values.
//!
//! The width of a bin is a power of two and its edges are multiples of it. When a value does not fit in
//! [`BINS_MAX`] bins, the width doubles and pairs of bins are added up, which is exact: the edges of wide
//! bins are edges of narrow ones. So the bins that remain are a function of the set of values alone: the
//! narrowest ones of which [`BINS_MAX`] reach from the lowest value to the highest.

use serde::{Deserialize, Serialize};

/// There are never more bins.
pub const BINS_MAX: u64 = 256;

/// Bins are never narrower than the greatest magnitude divided by two to this power.
const PRECISION: i32 = 40;

/// No exponent is lower.
const EXPONENT_MIN: i32 = -1000;

/// How the values of one column are spread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Histogram {
    /// The lower edge of the first bin.
    pub lower: f64,
    /// The width of each bin, a power of two.
    pub width: f64,
    /// How many values are in each bin, its lower edge included and its upper one not. The first and the last are not 0.
    pub counts: Vec<u64>,
}

/// Accumulates a histogram.
#[derive(Debug)]
pub(super) struct Sketch {
    /// Bins are two to this power wide.
    exponent: i32,
    /// Two to the power of minus `exponent`.
    scale: f64,
    /// The first bin starts at this many widths.
    first: i64,
    counts: Vec<u64>,
    exponent_min: i32,
}

impl Sketch {
    /// Of no values yet; bins of whole numbers are at least 1 wide.
    pub(super) fn new(is_whole: bool) -> Self {
        let exponent_min = if is_whole { 0 } else { EXPONENT_MIN };
        Self { exponent: exponent_min, scale: two_to(-exponent_min), first: 0, counts: Vec::new(), exponent_min }
    }

    /// Counts `value`, which is finite.
    #[inline]
    pub(super) fn add(&mut self, value: f64) {
        let at = (value * self.scale).floor();
        // What is out of reach saturates here, and is out of the bins as well.
        let offset = (at as i64).wrapping_sub(self.first) as u64;
        match self.counts.get_mut(offset as usize) {
            Some(count) => *count += 1,
            None => self.stretch(value),
        }
    }

    /// Counts a value that no bin holds yet.
    fn stretch(&mut self, value: f64) {
        self.widen_to((exponent_of(value) - PRECISION).max(self.exponent_min));
        loop {
            let at = (value * self.scale).floor() as i64;
            if self.counts.is_empty() {
                self.first = at;
            }
            let (first, end) = (self.first.min(at), (self.first + self.counts.len() as i64).max(at + 1));
            if (end - first) as u64 <= BINS_MAX {
                self.counts.splice(0..0, std::iter::repeat_n(0, (self.first - first) as usize));
                self.counts.resize((end - first) as usize, 0);
                self.first = first;
                self.counts[(at - first) as usize] += 1;
                return;
            }
            self.widen_to(self.exponent + 1);
        }
    }

    /// Makes bins two to the power of `exponent` wide, if they are narrower.
    fn widen_to(&mut self, exponent: i32) {
        let by = exponent - self.exponent;
        if by <= 0 {
            return;
        }
        let shifted = |bin: i64| bin >> by.min(63);
        let first = shifted(self.first);
        let mut counts = Vec::new();
        for (bin, count) in (self.first..).zip(&self.counts) {
            let to = (shifted(bin) - first) as usize;
            counts.resize(counts.len().max(to + 1), 0);
            counts[to] += count;
        }
        *self = Self { exponent, scale: two_to(-exponent), first, counts, ..*self };
    }

    /// The histogram; none if there was no value.
    pub(super) fn finish(self) -> Option<Histogram> {
        let width = two_to(self.exponent);
        let lower = self.first as f64 * width;
        // At the very end of what a double can hold an edge may be beyond it.
        (!self.counts.is_empty() && lower.is_finite()).then_some(Histogram { lower, width, counts: self.counts })
    }
}

/// Two to the power of `exponent`, exactly; from -1074 to 1023.
fn two_to(exponent: i32) -> f64 {
    if exponent >= -1022 {
        return f64::from_bits(((exponent + 1023) as u64) << 52);
    }
    f64::from_bits(1 << (exponent + 1074).max(0))
}

/// The power of two that `value` starts with; that of the smallest normal number for 0 and what is near it.
fn exponent_of(value: f64) -> i32 {
    (((value.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-1022)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Option<Histogram> {
        let mut sketch = Sketch::new(false);
        values.iter().for_each(|v| sketch.add(*v));
        sketch.finish()
    }

    #[test]
    fn whole_numbers_have_a_bin_each_while_they_fit() {
        let mut sketch = Sketch::new(true);
        [3.0, 0.0, 3.0, 1.0].iter().for_each(|v| sketch.add(*v));
        assert_eq!(sketch.finish(), Some(Histogram { lower: 0.0, width: 1.0, counts: vec![1, 1, 0, 2] }));
    }

    #[test]
    fn the_ends_of_what_a_double_holds_are_values_as_well() {
        for values in [&[f64::MAX, f64::MIN][..], &[5e-324, -5e-324], &[0.0], &[f64::MAX, 5e-324], &[-0.0, 1.0]] {
            if let Some(histogram) = of(values) {
                assert_eq!(histogram.counts.iter().sum::<u64>(), values.len() as u64, "{values:?}");
            }
        }
        assert_eq!(of(&[]), None);
    }

    proptest! {
        #[test]
        fn every_value_is_in_its_bin_and_the_order_does_not_matter(
            mut values in proptest::collection::vec(prop_oneof![-1e3..1e3, -1e-6..1e-6, Just(0.0), Just(-7.5), -1e12..1e12], 1..60)) {
            let there = of(&values).unwrap();
            prop_assert!(there.counts.len() as u64 <= BINS_MAX);
            prop_assert!(there.counts.first() != Some(&0) && there.counts.last() != Some(&0));
            for (i, count) in there.counts.iter().enumerate() {
                let (from, to) = (there.lower + i as f64 * there.width, there.lower + (i + 1) as f64 * there.width);
                prop_assert_eq!(values.iter().filter(|v| from <= **v && **v < to).count() as u64, *count);
            }
            values.reverse();
            prop_assert_eq!(of(&values), Some(there.clone()));
            values.sort_by(f64::total_cmp);
            prop_assert_eq!(of(&values), Some(there));
        }
    }
}
