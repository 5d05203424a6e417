//! How records fared against their decoys: how many records have which result. Integers that add up, so that neither
//! shards nor their order change what follows from them.

use std::collections::BTreeMap;

/// The result of one record: twice what it won of its pairs, and how many pairs there were.
///
/// `twice` is twice the pairs won plus the pairs tied, or a difference of two such numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Pairs, at least 1.
    pub pairs: u32,
    /// Twice the pairs won, a tie being half of one.
    pub twice: i32,
}

/// How many records have which result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<Cell, u64>);

impl Cells {
    /// One more record; one without a pair has no result.
    pub fn add(&mut self, pairs: u32, twice: i32) {
        if pairs > 0 {
            *self.0.entry(Cell { pairs, twice }).or_default() += 1;
        }
    }

    /// All records of `other` as well.
    pub fn include(&mut self, other: &Self) {
        for (cell, count) in &other.0 {
            *self.0.entry(*cell).or_default() += count;
        }
    }

    /// Each result and how many records have it, in the order of results.
    pub fn iter(&self) -> impl Iterator<Item = (Cell, u64)> {
        self.0.iter().map(|(cell, count)| (*cell, *count))
    }

    /// How many records.
    pub fn records(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many pairs.
    pub fn pairs(&self) -> u64 {
        self.iter().map(|(cell, count)| u64::from(cell.pairs) * count).sum()
    }

    /// What is pooled of them: the share of pairs won, a tie being half of one. None without a pair.
    pub fn pooled(&self) -> Option<f64> {
        pooled(self.iter())
    }

    /// The same results as if every pair had been tied.
    pub fn tied(&self) -> Self {
        let mut tied = Self::default();
        for (Cell { pairs, .. }, count) in self.iter() {
            *tied.0.entry(Cell { pairs, twice: pairs.cast_signed() }).or_default() += count;
        }
        tied
    }
}

/// The share of pairs won of `all`. None without a pair.
pub fn pooled(all: impl Iterator<Item = (Cell, u64)>) -> Option<f64> {
    let (mut twice, mut pairs) = (0i128, 0i128);
    for (cell, count) in all {
        twice += i128::from(cell.twice) * i128::from(count);
        pairs += i128::from(cell.pairs) * i128::from(count);
    }
    (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_pooled_and_a_tie_is_half() {
        let mut cells = Cells::default();
        cells.add(2, 4);
        cells.add(2, 1);
        cells.add(0, 0);
        assert_eq!((cells.records(), cells.pairs(), cells.pooled()), (2, 4, Some(0.625)));
        assert_eq!((cells.tied().pooled(), Cells::default().pooled()), (Some(0.5), None));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let rows = [(3, 1), (1, 2), (3, 1), (2, 0)];
        let of = |rows: &[(u32, i32)]| {
            let mut cells = Cells::default();
            rows.iter().for_each(|(pairs, twice)| cells.add(*pairs, *twice));
            cells
        };
        let mut parts = of(&rows[2..]);
        parts.include(&of(&rows[..2]));
        assert_eq!(parts, of(&rows));
    }
}
