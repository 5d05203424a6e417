//! What a row says of a comparison: the cells that are needed, found once for all rows.

use crate::scorer::Column;
use crate::scorer::builtin::compared::columns::{self, Contest};
use crate::scorer::builtin::compared::settings::COUNT_MAX;
use crate::scorer::builtin::compared::tally::ThreeWays;
use crate::scorer::builtin::decoys::Strategy;

/// More heavy atoms than this no record has: structures have at most 64 KiB.
const ATOMS_MAX: u32 = 1 << 16;

/// Counts of a row: heavy atoms, decoys, and three for each contest.
const COUNTS: usize = 2 + 3 * Contest::ALL.len();

/// Where a cell goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Count(usize),
    Strategy,
}

/// Where the cells of a row go, and those that were seen of the row that is being read.
#[derive(Debug)]
pub(super) struct Places {
    of: Vec<Place>,
    counts: [Option<u32>; COUNTS],
    strategy: Option<&'static str>,
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub heavy_atoms: u64,
    pub decoys: u32,
    pub strategy: Option<&'static str>,
    /// By the score, in each band.
    pub score: [ThreeWays; 3],
    /// By log P, in each band.
    pub log_p: [ThreeWays; 3],
    pub permuted: ThreeWays,
}

impl Places {
    /// For rows with the columns `all`; none if one that is needed is not there.
    pub fn of(all: &[Column]) -> Option<Self> {
        let mut of = vec![Place::Nowhere; all.len()];
        let mut put = |name: &str, place: Place| {
            // The scorer's own columns come first, and may have any name.
            let at = all.iter().rposition(|column| column.name == name)?;
            of[at] = place;
            Some(())
        };
        put(columns::HEAVY_ATOMS, Place::Count(0))?;
        put(columns::DECOYS, Place::Count(1))?;
        put(columns::STRATEGY, Place::Strategy)?;
        for (contest, at) in Contest::ALL.into_iter().zip((2..).step_by(3)) {
            for (name, at) in contest.names().iter().zip(at..) {
                put(name, Place::Count(at))?;
            }
        }
        Some(Self { of, counts: [None; COUNTS], strategy: None })
    }

    /// The cell of the column at `index`.
    #[inline]
    pub fn see(&mut self, index: usize, text: &[u8]) {
        match self.of[index] {
            Place::Nowhere => {}
            Place::Count(at) => self.counts[at] = count(text),
            Place::Strategy => {
                self.strategy = Strategy::ALL.map(Strategy::name).into_iter().find(|name| name.as_bytes() == text);
            }
        }
    }

    /// What was seen, and nothing is afterwards. None if a count is missing or impossible.
    pub fn take(&mut self) -> Option<Taken> {
        let (counts, strategy) = (std::mem::replace(&mut self.counts, [None; COUNTS]), self.strategy.take());
        let ways = |contest: usize| {
            let at = 2 + 3 * contest;
            let ways = ThreeWays { won: counts[at]?, tied: counts[at + 1]?, lost: counts[at + 2]? };
            (ways.pairs() <= COUNT_MAX).then_some(ways)
        };
        let taken = Taken {
            heavy_atoms: u64::from(counts[0]?),
            decoys: counts[1]?,
            strategy,
            score: [ways(0)?, ways(1)?, ways(2)?],
            log_p: [ways(3)?, ways(4)?, ways(5)?],
            permuted: ways(6)?,
        };
        let scored: u32 = taken.score.iter().map(|ways| ways.pairs()).sum();
        (scored <= taken.decoys && taken.decoys <= COUNT_MAX).then_some(taken)
    }
}

/// A count that a row can have.
fn count(text: &[u8]) -> Option<u32> {
    let count: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (count <= ATOMS_MAX).then_some(count)
}
