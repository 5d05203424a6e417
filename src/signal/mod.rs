//! `signal.json`: what the comparison of every record with its decoys says of the score, over all rows.
//!
//! Rows are taken one by one ([`Accumulator`]) into `cells`, which are integers; everything else follows from those when
//! all rows were seen: intervals ([`interval`]), the gate and the verdict ([`judge`]). See `docs/signal.md`.

mod cells;
mod document;
pub mod interval;
pub mod judge;
mod row;
mod slacks;
mod words;

pub use self::document::{Band, Control, PerRecord, SCHEMA, Signal, Size};
pub use self::judge::{Judgement, Verdict};
pub use self::slacks::Slacks;

use std::collections::BTreeMap;

use self::cells::Cells;
use self::interval::Seed;
use self::row::{Places, Taken};
use crate::campaign::identity::Identity;
use crate::scorer::builtin::compared::{self, tally::ThreeWays};
use crate::scorer::builtin::decoys::{self, Strategy};
use crate::scorer::{Column, Order};

/// Heavy atoms up to which a record is of a size; larger ones are of a fourth.
const SIZES: [u64; 3] = [15, 25, 35];

/// What scores in one band are pooled of.
#[derive(Clone, Debug, Default)]
struct Pool {
    score: Cells,
    log_p: Cells,
    /// The score's result minus log P's, of records where both have the same pairs.
    beyond: Cells,
    random: Cells,
}

impl Pool {
    /// Pairs without a score: every decoy has a log P.
    fn unscored(&self) -> u64 {
        self.log_p.pairs().saturating_sub(self.score.pairs())
    }
}

/// Bands of likeness, and all of them together at the end.
const BANDS: usize = decoys::Band::ALL.len() + 1;

/// Takes the rows of a campaign that has `[decoys]`.
#[derive(Debug)]
pub struct Accumulator {
    places: Places,
    seed: Seed,
    column: String,
    order: Order,
    /// Whether what could be told without the score is kept out: since version 2.
    is_strict: bool,
    sizes: [[Pool; BANDS]; SIZES.len() + 1],
    permuted: Cells,
    /// Records whose decoys have another formula: composition alone tells them apart, so they are not pooled.
    aside: Cells,
    ok: u64,
    decoys: u64,
    strategies: BTreeMap<&'static str, u64>,
}

/// A count of a row is none that a comparison can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Impossible;

impl Accumulator {
    /// For the rows of `campaign`; none if its records have no decoys.
    pub fn new(campaign: &Identity) -> Option<Self> {
        campaign.scorer.settings.get("decoys")?;
        let description = &campaign.scorer.description;
        let Column { name, order, .. } = &description.columns[compared::score_column(description)?];
        Some(Self {
            places: Places::of(&description.columns)?,
            seed: Seed::new(campaign.seed),
            column: name.clone(),
            order: *order,
            is_strict: compared::Settings::version_of(&campaign.scorer).is_some_and(|version| version >= 2),
            sizes: Default::default(),
            permuted: Cells::default(),
            aside: Cells::default(),
            ok: 0,
            decoys: 0,
            strategies: BTreeMap::new(),
        })
    }

    /// A cell of the row that is being read: the column at `index` holds this text.
    #[inline]
    pub fn cell(&mut self, index: usize, text: &[u8]) {
        self.places.see(index, text);
    }

    /// The row is at its end; `is_ok` says whether it counts.
    ///
    /// # Errors
    /// Its counts are impossible.
    pub fn end_row(&mut self, ordinal: u64, is_ok: bool) -> Result<(), Impossible> {
        let taken = self.places.take();
        if !is_ok {
            return Ok(());
        }
        let row = taken.ok_or(Impossible)?;
        self.ok += 1;
        self.decoys += u64::from(row.decoys);
        if let Some(strategy) = row.strategy {
            *self.strategies.entry(strategy).or_default() += 1;
        }
        if self.is_strict && row.strategy == Some(Strategy::AromaticAsSingle.name()) {
            let all: ThreeWays = row.score.iter().copied().sum();
            self.aside.add(all.pairs(), all.twice().cast_signed());
            return Ok(());
        }
        self.permuted.add(row.permuted.pairs(), row.permuted.twice().cast_signed());
        let size = SIZES.iter().take_while(|most| row.heavy_atoms > **most).count();
        let mut generator = self.seed.generator(&ordinal.to_le_bytes());
        for (pool, (score, log_p)) in self.sizes[size].iter_mut().zip(both(&row)) {
            let (pairs, twice) = (score.pairs(), score.twice().cast_signed());
            pool.score.add(pairs, twice);
            pool.log_p.add(log_p.pairs(), log_p.twice().cast_signed());
            if pairs == log_p.pairs() {
                pool.beyond.add(pairs, twice - log_p.twice().cast_signed());
            }
            pool.random.add(pairs, 2 * generator.below(u64::from(pairs) + 1) as i32);
        }
        Ok(())
    }

    /// What all rows say.
    pub fn finish(self) -> Signal {
        document::of(self)
    }

    /// The pools of all sizes together.
    fn whole(&self) -> [Pool; BANDS] {
        let mut whole: [Pool; BANDS] = Default::default();
        for size in &self.sizes {
            for (all, pool) in whole.iter_mut().zip(size) {
                all.score.include(&pool.score);
                all.log_p.include(&pool.log_p);
                all.beyond.include(&pool.beyond);
                all.random.include(&pool.random);
            }
        }
        whole
    }
}

/// The results of a row in each band and in all together, by the score and by log P.
fn both(row: &Taken) -> [(ThreeWays, ThreeWays); BANDS] {
    let all = (row.score.iter().copied().sum(), row.log_p.iter().copied().sum());
    let [easy, medium, hard] = [0, 1, 2].map(|band| (row.score[band], row.log_p[band]));
    [easy, medium, hard, all]
}

#[cfg(test)]
mod tests;
