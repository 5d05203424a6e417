//! How often a record won, tied and lost against its decoys.

use std::cmp::Ordering;
use std::iter::Sum;

use crate::scorer::builtin::decoys::Band;

/// How comparisons ended. What adds up over records are these, and nothing that was divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreeWays {
    /// The record was better.
    pub won: u32,
    /// Neither was.
    pub tied: u32,
    /// The decoy was better.
    pub lost: u32,
}

impl ThreeWays {
    /// Counts one.
    pub const fn add(&mut self, record: Ordering) {
        match record {
            Ordering::Greater => self.won += 1,
            Ordering::Equal => self.tied += 1,
            Ordering::Less => self.lost += 1,
        }
    }

    /// How many there were.
    pub const fn pairs(self) -> u32 {
        self.won + self.tied + self.lost
    }

    /// Twice the pairs won, and a tie is half of one: twice the statistic of Mann and Whitney.
    pub const fn twice(self) -> u32 {
        2 * self.won + self.tied
    }
}

impl FromIterator<Ordering> for ThreeWays {
    fn from_iter<I: IntoIterator<Item = Ordering>>(all: I) -> Self {
        let mut ways = Self::default();
        all.into_iter().for_each(|record| ways.add(record));
        ways
    }
}

impl Sum for ThreeWays {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, ways| Self {
            won: sum.won + ways.won,
            tied: sum.tied + ways.tied,
            lost: sum.lost + ways.lost,
        })
    }
}

/// The same for each band of likeness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([ThreeWays; Band::ALL.len()]);

impl Tally {
    /// Counts one, against a decoy of `band`.
    pub const fn add(&mut self, band: Band, record: Ordering) {
        self.0[band as usize].add(record);
    }

    /// Those of `band`.
    pub const fn of(&self, band: Band) -> ThreeWays {
        self.0[band as usize]
    }

    /// Those of all bands together.
    pub fn all(&self) -> ThreeWays {
        self.0.iter().copied().sum()
    }
}
