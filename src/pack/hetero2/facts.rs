//! What all rows together say, in the numbers of HETERO-2's `metrics.json`. Memory does not grow with the rows.

use std::collections::BTreeMap;

use super::columns::{Layout, count};
use super::reason::MISSING_SCORES;
use super::row::Told;
use crate::canonical::row::{unquoted, value};
use crate::error::{Error, Result};
use crate::scorer::Outcome;
use crate::scorer::builtin::decoys::Band;
use crate::signal::Slacks;

/// The page has a line for so many records: the first ones by id.
pub const LINES_MAX: usize = 1000;

/// No id takes more bytes there.
const ID_BYTES_MAX: usize = 200;

/// A record among up to a hundred decoys has fewer different results than this.
const SLACKS_MAX: usize = 1 << 15;

/// There are fewer ways to make decoys.
const STRATEGIES_MAX: usize = 16;

/// Decoys of one band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// All of them.
    pub total: u64,
    /// Won, tied and lost, of those that have a score.
    pub ways: [u64; 3],
}

impl Pairs {
    /// Those that have a score.
    pub fn scored(&self) -> u64 {
        self.ways.iter().sum()
    }

    /// The share that is won, a tie being half.
    pub fn auc(&self) -> Option<f64> {
        let [won, tied, _] = self.ways;
        (self.scored() > 0).then(|| (won as f64 + tied as f64 / 2.0) / self.scored() as f64)
    }
}

/// What all rows together say.
#[derive(Debug, Default)]
pub struct Facts {
    /// How many there are: OK, SKIP, ERROR.
    pub statuses: [u64; 3],
    /// How often each reason was given: for a SKIP, and for an ERROR.
    pub reasons: BTreeMap<String, [u64; 2]>,
    /// How many `OK` rows have decoys of which strategy.
    pub strategies: BTreeMap<String, u64>,
    /// `OK` rows with a verdict, SKIP among them, and those that pass.
    pub with_verdict: [u64; 2],
    /// Their slacks.
    pub slacks: Slacks,
    /// By likeness.
    pub bands: [Pairs; 3],
    /// Decoys of `OK` rows, and those of them that have a score.
    pub decoys: [u64; 2],
    /// `OK` rows of which a decoy has no score.
    pub lacking: u64,
    /// `OK` rows that have a decoy.
    pub with_decoys: u64,
    /// The first records by id, with their lines of the page.
    pub(super) lines: BTreeMap<(Vec<u8>, u64), String>,
}

impl Facts {
    /// Takes a row.
    ///
    /// # Errors
    /// There are more different slacks than any comparison has (exit 4): somebody else wrote these rows.
    pub fn take(&mut self, told: &Told<'_>, layout: &Layout, seed: &str) -> Result<()> {
        self.statuses[told.status as usize] += 1;
        if !told.reason.is_empty() {
            let counts = self.reasons.entry(told.reason.to_owned()).or_default();
            counts[usize::from(told.status == Outcome::Error)] += 1;
        }
        self.line(told, seed);
        if told.status != Outcome::Ok || layout.decoys.is_none() {
            return Ok(());
        }
        let cells = &told.cells;
        let (decoys, scored) = (count(cells.decoys()).unwrap_or(0), count(cells.scored()).unwrap_or(0));
        self.decoys[0] += decoys;
        self.decoys[1] += scored;
        self.lacking += u64::from(scored < decoys);
        self.with_decoys += u64::from(decoys > 0);
        self.strategy(cells.strategy())?;
        for (pairs, band) in self.bands.iter_mut().zip(Band::ALL) {
            // Every decoy has a log P.
            pairs.total += cells.ways(band, true).iter().sum::<u64>();
            pairs.ways.iter_mut().zip(cells.ways(band, false)).for_each(|(all, ways)| *all += ways);
        }
        self.with_verdict[0] += u64::from(!told.verdict.is_empty());
        self.with_verdict[1] += u64::from(told.verdict == b"PASS");
        self.slack(value(cells.slack()))
    }

    fn strategy(&mut self, strategy: &[u8]) -> Result<()> {
        if strategy.is_empty() {
            return Ok(());
        }
        *self.strategies.entry(String::from_utf8_lossy(strategy).into_owned()).or_default() += 1;
        if self.strategies.len() > STRATEGIES_MAX {
            return Err(Error::verification("cannot hold the rows: their strategies are those of no comparison"));
        }
        Ok(())
    }

    fn slack(&mut self, slack: Option<f64>) -> Result<()> {
        let Some(slack) = slack else { return Ok(()) };
        self.slacks.add(slack, 1);
        if self.slacks.kinds() > SLACKS_MAX {
            return Err(Error::verification("cannot hold the rows: their slacks are those of no comparison"));
        }
        Ok(())
    }

    /// Keeps the line of a record, if it is among the first.
    fn line(&mut self, told: &Told<'_>, seed: &str) {
        let mut id = Vec::new();
        told.push_id(&mut id);
        let id = unquoted(&id);
        let last = self.lines.last_key_value().map(|((last, _), _)| last.as_slice());
        if self.lines.len() == LINES_MAX && last.is_some_and(|last| last <= &*id) {
            return;
        }
        let short = &id[..id.len().min(ID_BYTES_MAX)];
        let judged = matches!(told.verdict, b"PASS" | b"FAIL");
        let number = |cell: &[u8]| if judged { String::from_utf8_lossy(cell).into_owned() } else { String::new() };
        let line = format!(
            "| {} | {} | {} | {} | {} | {} | {seed} |  |  |  |",
            super::pages::plain(&String::from_utf8_lossy(short)),
            told.status.as_str(),
            String::from_utf8_lossy(told.verdict),
            number(told.cells.gate()),
            number(told.cells.slack()),
            told.warnings,
        );
        self.lines.insert((short.to_vec(), told.row.ordinal), line);
        if self.lines.len() > LINES_MAX {
            self.lines.pop_last();
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// The lines of the page, by id.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.values().map(String::as_str)
    }

    /// Rows of which the scorer had no score to give.
    pub fn without_scores(&self) -> u64 {
        self.reasons.get(MISSING_SCORES).map_or(0, |counts| counts.iter().sum())
    }

    /// Reasons, the most frequent first.
    pub fn top_reasons(&self) -> Vec<(&str, u64)> {
        let count = |[skip, error]: &[u64; 2]| skip + error;
        let all = self.reasons.iter().map(|(reason, counts)| (reason.as_str(), count(counts)));
        let mut reasons: Vec<(&str, u64)> = all.collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        reasons
    }
}
