//! How sure what was pooled is: a bootstrap with the record as the unit, since decoys of one parent are not independent.
//!
//! As many records as there are are drawn with replacement, which is a multinomial number over the cells; it is drawn as a
//! tree of binomial numbers, exactly and in integers. Of more than 16,384 records so many are drawn, and the interval
//! is made narrower by the square root of their share (Bickel, Götze and van Zwet, Statistica Sinica 7 (1997) 1).

use serde::{Deserialize, Serialize};

use super::cells::{self, Cell, Cells};
use crate::digest;
use crate::random::Generator;

/// How often records are drawn: the 25th lowest and the 25th highest of so many bound 95 %.
const REPLICATES: usize = 999;
/// Replicates outside the interval, at each end.
const OUTSIDE: usize = 24;
/// Of fewer records nothing is said.
pub const RECORDS_MIN: u64 = 10;
/// No replicate draws more records.
const DRAWN_MAX: u64 = 1 << 14;

/// What is pooled over records, with the interval that holds it in 95 of 100 such campaigns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What the numbers that are drawn follow from.
#[derive(Clone, Copy, Debug)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The key is BLAKE3 of `molsieve.signal.v1`, a zero byte and the campaign seed (8 bytes, little-endian).
    pub fn new(campaign_seed: u64) -> Self {
        let mut material = b"molsieve.signal.v1\0".to_vec();
        material.extend_from_slice(&campaign_seed.to_le_bytes());
        Self(digest::blake3(&material).0)
    }

    /// The generator for what `label` names.
    pub fn generator(&self, label: &[u8]) -> Generator {
        Generator::new(digest::keyed_u64(&self.0, label))
    }
}

/// What is pooled of `cells`, with its interval; `generator` draws. None of fewer than [`RECORDS_MIN`] records: what few of
/// them do not vary in is not certain.
pub fn estimate(cells: &Cells, mut generator: Generator) -> Option<Estimate> {
    let value = cells.pooled().filter(|_| cells.records() >= RECORDS_MIN)?;
    let urn = Urn::new(cells);
    let (drawn, all) = (urn.records().min(DRAWN_MAX), urn.records());
    let narrower = (drawn as f64 / all as f64).sqrt();
    let mut counts = vec![0; urn.cells.len()];
    let mut replicates: Vec<f64> = Vec::with_capacity(REPLICATES);
    for _ in 0..REPLICATES {
        counts.fill(0);
        urn.draw(drawn, &mut generator, &mut counts);
        let pooled = cells::pooled(urn.cells.iter().copied().zip(counts.iter().copied()));
        replicates.extend(pooled.map(|pooled| value + (pooled - value) * narrower));
    }
    replicates.sort_by(f64::total_cmp);
    Some(Estimate { value, low: replicates[OUTSIDE], high: replicates[REPLICATES - 1 - OUTSIDE] })
}

/// Cells, from which records are drawn.
struct Urn {
    cells: Vec<Cell>,
    /// Records before each cell, and all of them at the end.
    before: Vec<u64>,
}

impl Urn {
    fn new(cells: &Cells) -> Self {
        let (mut all, mut before, mut sum) = (Vec::new(), vec![0], 0);
        for (cell, count) in cells.iter() {
            sum += count;
            all.push(cell);
            before.push(sum);
        }
        Self { cells: all, before }
    }

    fn records(&self) -> u64 {
        self.before[self.cells.len()]
    }

    /// Draws `count` records, and adds to `counts` how many were of each cell.
    fn draw(&self, count: u64, generator: &mut Generator, counts: &mut [u64]) {
        let mut open = vec![(0, self.cells.len(), count)];
        while let Some((from, to, count)) = open.pop() {
            if count == 0 || to - from == 1 {
                counts[from] += count;
                continue;
            }
            let middle = usize::midpoint(from, to);
            let (lower, all) = (self.before[middle] - self.before[from], self.before[to] - self.before[from]);
            let chance = ((u128::from(lower) << 64) / u128::from(all)) as u64;
            let of_lower = generator.binomial(count, chance);
            open.push((middle, to, count - of_lower));
            open.push((from, middle, of_lower));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(u32, i32, u64)]) -> Cells {
        let mut cells = Cells::default();
        for (pairs, twice, count) in records {
            (0..*count).for_each(|_| cells.add(*pairs, *twice));
        }
        cells
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution_where_there_are_many_records() {
        for count in [200, 8_000, 60_000] {
            // One pair a record, won by 3 of 5.
            let cells = of(&[(1, 2, 3 * count), (1, 0, 2 * count)]);
            let Estimate { value, low, high } = estimate(&cells, Generator::new(count)).unwrap();
            let wanted = 1.96 * (0.24 / (5 * count) as f64).sqrt();
            assert_eq!(value.to_bits(), 0.6f64.to_bits());
            assert!(((high - low) / 2.0 - wanted).abs() < 0.12 * wanted, "{count}: {low} to {high}, not {wanted}");
        }
    }

    #[test]
    fn decoys_of_one_parent_count_as_one() {
        let alone = estimate(&of(&[(1, 2, 300), (1, 0, 200)]), Generator::new(1)).unwrap();
        let twenty = estimate(&of(&[(20, 40, 300), (20, 0, 200)]), Generator::new(1)).unwrap();
        assert_eq!(alone, twenty);
    }

    #[test]
    fn what_does_not_vary_has_no_width_and_nothing_has_no_interval() {
        let Estimate { value, low, high } = estimate(&of(&[(2, 2, 10)]), Generator::new(1)).unwrap();
        assert_eq!((value, low, high), (0.5, 0.5, 0.5));
        assert_eq!(estimate(&of(&[(2, 2, 9)]), Generator::new(1)), None);
        assert_eq!(estimate(&Cells::default(), Generator::new(1)), None);
    }
}
