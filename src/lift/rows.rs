//! One pass over the rows of a pack: what is counted of all of them, and what is kept of those that truth speaks of.
//!
//! What is kept is bounded by the table of truth, not by the library.

use std::path::Path;

use super::name_of;
use super::truth::{Label, Truth, shown};
use crate::canonical::escape;
use crate::canonical::row::{self, Malformed, Outcome, Row};
use crate::digest::Digest;
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Result};
use crate::pack::hetero2::reason::{MISSING_SCORES, theirs};
use crate::pack::manifest::Manifest;
use crate::pack::verify;
use crate::scorer::builtin::compared::{self, columns};
use crate::scorer::{Column, ColumnType, Order};

/// What a verdict column says, where it says one of two words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `PASS`.
    Pass,
    /// `FAIL`.
    Fail,
}

/// An `OK` record that truth speaks of.
#[derive(Clone, Copy, Debug)]
pub struct Molecule {
    /// Its number in the table of truth.
    pub number: u32,
    /// Whether it is a hit.
    pub is_hit: bool,
    /// Whether its record is `OK`; else it has a score all the same, and was skipped since it has no look-alikes.
    pub is_ok: bool,
    /// The verdict on it, if it has one together with a gate and a slack.
    pub judged: Option<Judged>,
    /// What the columns that rank hold; not a number where they hold nothing, since there may be many molecules.
    values: [f64; RANKS],
}

impl Molecule {
    /// What the column `rank` holds, if it holds anything.
    pub fn value(&self, rank: usize) -> Option<f64> {
        Some(self.values[rank]).filter(|value| !value.is_nan())
    }
}

/// HETERO-2's judgement of one record.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// Its verdict.
    pub verdict: Verdict,
    /// What it ranks by: the AUC of the record among its decoys.
    pub auc: f64,
    /// By how much that is above the gate.
    pub slack: f64,
}

/// How many columns may rank: that of the pack, slack, heavy atoms and log P.
pub const RANKS: usize = 4;
/// What [`Molecule::value`] is asked for.
pub const SCORE: usize = 0;
/// See [`SCORE`].
pub const SLACK: usize = 1;
/// See [`SCORE`].
pub const HEAVY_ATOMS: usize = 2;
/// See [`SCORE`].
pub const LOG_P: usize = 3;

/// The names of the columns that rank, but for the first, which the campaign names.
pub const RANK_COLUMNS: [&str; RANKS] = ["", columns::SLACK, columns::HEAVY_ATOMS, columns::LOG_P];

/// What HETERO-2 ranks by, in a pack that has it.
const AUC_TIE_AWARE: &str = "auc_tie_aware";

/// Counts over all rows, as `cost_lift.v1` asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows.
    pub total: u64,
    /// Those of each outcome.
    pub ok: u64,
    /// See `ok`.
    pub skip: u64,
    /// See `ok`.
    pub error: u64,
    /// `OK` rows with a verdict that is `PASS` or `FAIL`, and with truth.
    pub judged: u64,
    /// Rows that were skipped for want of scores.
    pub without_scores: u64,
    /// `OK` rows without truth.
    pub unknown: u64,
    /// `OK` rows with truth and without a verdict.
    pub unjudged: u64,
    /// Rows with a decoy that has a score.
    pub with_decoys_scored: u64,
    /// Decoys that have one, and those that have none.
    pub decoys_scored: u64,
    /// See `decoys_scored`.
    pub decoys_missing: u64,
    /// Labels of records that were skipped for want of look-alikes, and have a score.
    pub lonely: u64,
    /// Labels of other records that are not `OK`, and how many of these are hits.
    pub labels_not_ok: u64,
    /// See `labels_not_ok`.
    pub hits_not_ok: u64,
}

/// What the pass found.
pub struct Found {
    /// The counts.
    pub tally: Tally,
    /// The records with a score that truth speaks of, in the order of the pack.
    pub molecules: Vec<Molecule>,
    /// Molecules of the table that the pack does not have: how many, and the first of them.
    pub unknown: u64,
    /// See `unknown`.
    pub unknown_examples: Vec<String>,
    /// The columns that rank, and which end of each is best; those that the pack does not have are `None`.
    pub ranks: [Option<Order>; RANKS],
    /// Whether the pack has verdicts at all.
    pub has_verdicts: bool,
}

/// Molecules that the pack does not have are named up to this many.
const EXAMPLES: usize = 5;

/// Where the cells are that are looked at, among the columns of the scorer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Rank(usize),
    Verdict,
    Gate,
    Auc,
    Decoys,
    DecoysScored,
}

/// Reads the rows of the pack at `path`, which was verified.
///
/// # Errors
/// It changed since (exit 4); a molecule of the table has several records (exit 2); the system refuses (exit 6).
pub fn read(path: &Path, manifest: &Manifest, truth: &Truth) -> Result<Found> {
    let mut pass = Pass::new(manifest, truth);
    verify::each_line(path, |line| pass.line(line))?;
    pass.finish(path, manifest)
}

struct Pass<'a> {
    truth: &'a Truth,
    tree: CompactRange,
    is_header: bool,
    /// What is looked at in each column, numeric or not.
    cells: Vec<(Option<[Option<Cell>; 2]>, bool)>,
    ranks: [Option<Order>; RANKS],
    has_verdicts: bool,
    /// The record of each molecule of the table that was seen, plus one.
    seen: Vec<u64>,
    tally: Tally,
    molecules: Vec<Molecule>,
}

/// The cells of one row that are looked at.
#[derive(Default)]
struct Seen {
    values: [Option<f64>; RANKS],
    verdict: Option<Verdict>,
    gate: Option<f64>,
    auc: Option<f64>,
    decoys: f64,
    decoys_scored: f64,
}

impl<'a> Pass<'a> {
    fn new(manifest: &Manifest, truth: &'a Truth) -> Self {
        let all = &manifest.campaign.scorer.description.columns;
        let rank = manifest.campaign.pack.rank.as_ref();
        let ranks = std::array::from_fn(|rank_at| match rank_at {
            SCORE => rank.map(|rank| rank.order),
            _ => all.iter().any(|c| c.name == RANK_COLUMNS[rank_at] && is_numeric(c)).then_some(Order::Desc),
        });
        let ranked = rank.and_then(|rank| all.iter().position(|column| column.name == rank.column.name));
        let cell = |(at, column): (usize, &Column)| (cells_of(column, ranked == Some(at)), is_numeric(column));
        let cells: Vec<_> = all.iter().enumerate().map(cell).collect();
        let has =
            |wanted: Cell| cells.iter().any(|(cells, _)| cells.is_some_and(|cells| cells.contains(&Some(wanted))));
        let has_verdicts = has(Cell::Verdict) && has(Cell::Gate) && has(Cell::Rank(SLACK));
        Self {
            truth,
            tree: CompactRange::starting_at(0),
            is_header: true,
            cells,
            ranks,
            has_verdicts,
            seen: vec![0; truth.len()],
            tally: Tally::default(),
            molecules: Vec::new(),
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<()> {
        self.tree.push(merkle::leaf(line));
        if std::mem::take(&mut self.is_header) {
            return Ok(());
        }
        let row = Row::read(line).map_err(|malformed| malformed_row(&malformed))?;
        let seen = self.cells_of(&row).ok_or_else(|| malformed_row(&Malformed::part("a cell", row.ordinal)))?;
        let tally = &mut self.tally;
        tally.total += 1;
        tally.with_decoys_scored += u64::from(seen.decoys_scored > 0.0);
        // (A column of the scorer's own may have one of these names, and hold whatever it likes.)
        let missing = (seen.decoys - seen.decoys_scored).max(0.0) as u64;
        tally.decoys_scored = tally.decoys_scored.saturating_add(seen.decoys_scored as u64);
        tally.decoys_missing = tally.decoys_missing.saturating_add(missing);
        // As HETERO-2 counts: what is no SMILES is a SKIP there.
        match theirs(row.outcome, row.reason).0 {
            Outcome::Ok => tally.ok += 1,
            Outcome::Skip => tally.skip += 1,
            Outcome::Error => tally.error += 1,
        }
        let known = self.known(&row)?;
        let tally = &mut self.tally;
        match (row.outcome, known) {
            (Outcome::Ok, Some((number, label))) => {
                self.tally.judged += u64::from(self.has_verdicts && seen.verdict.is_some());
                let molecule = self.molecule(number, label, &seen, true);
                self.tally.unjudged += u64::from(molecule.judged.is_none());
                self.molecules.push(molecule);
            }
            // That it has no look-alikes is no fault of its score.
            (Outcome::Skip, Some((number, label)))
                if compared::is_for_want_of_decoys(row.reason) && seen.values[SCORE].is_some() =>
            {
                tally.lonely += 1;
                let molecule = self.molecule(number, label, &seen, false);
                self.molecules.push(molecule);
            }
            (Outcome::Ok, None) => tally.unknown += 1,
            (outcome, known) => {
                tally.without_scores +=
                    u64::from(outcome == Outcome::Skip && theirs(outcome, row.reason).1 == MISSING_SCORES);
                tally.labels_not_ok += u64::from(known.is_some());
                tally.hits_not_ok += u64::from(known.is_some_and(|(_, label)| label == Label::Pass));
            }
        }
        Ok(())
    }

    fn molecule(&self, number: u32, label: Label, seen: &Seen, is_ok: bool) -> Molecule {
        let judged = match (seen.verdict, seen.gate, seen.values[SLACK]) {
            (Some(verdict), Some(gate), Some(slack)) if self.has_verdicts && is_ok => {
                Some(Judged { verdict, auc: seen.auc.unwrap_or(gate + slack), slack })
            }
            _ => None,
        };
        let values = seen.values.map(|value| value.unwrap_or(f64::NAN));
        Molecule { number, is_hit: label == Label::Pass, is_ok, judged, values }
    }

    /// What truth says of the record of `row`, if it says anything.
    fn known(&mut self, row: &Row<'_>) -> Result<Option<(u32, Label)>> {
        let id = row::unquoted(row.id());
        let plain = if id.contains(&b'\\') { escape::undo(&id) } else { None };
        let name = name_of(plain.as_deref().unwrap_or(&id), row.ordinal);
        let Some((number, label)) = self.truth.find(&name) else { return Ok(None) };
        let first = std::mem::replace(&mut self.seen[number as usize], row.ordinal + 1);
        if first > 0 {
            let name = shown(&String::from_utf8_lossy(&name));
            return Err(Error::usage(format!(
                "the molecule `{name}` of the table of truth is that of two records, at ordinals {} and {}",
                first - 1,
                row.ordinal
            ))
            .hint("one label cannot be that of two records: leave that molecule out of the table, or give each record of the library an id of its own"));
        }
        Ok(Some((number, label)))
    }

    /// The cells of `row` that are looked at; `None` where it has others than the header says.
    fn cells_of(&self, row: &Row<'_>) -> Option<Seen> {
        let (mut seen, mut cells) = (Seen::default(), row.cells());
        for (wanted, is_numeric) in &self.cells {
            let cell = if *is_numeric { cells.plain()? } else { cells.text()? };
            let Some(wanted) = wanted else { continue };
            for wanted in wanted.iter().flatten() {
                seen.take(*wanted, cell);
            }
        }
        cells.is_at_end().then_some(seen)
    }

    fn finish(self, path: &Path, manifest: &Manifest) -> Result<Found> {
        if self.tree.root().map(|root: Digest| root.sha256_uri()).as_ref() != Some(&manifest.payload.digest) {
            return Err(Error::verification(format!("the rows of `{}` changed while they were read", path.display()))
                .hint("see who writes to that pack; then run the same command again"));
        }
        let absent = |number: &u32| self.seen[*number as usize] == 0;
        let absent = (0..self.truth.len() as u32).filter(absent);
        let mut unknown_examples = Vec::new();
        let mut unknown = 0;
        for number in absent {
            unknown += 1;
            if unknown_examples.len() < EXAMPLES {
                unknown_examples.push(shown(&String::from_utf8_lossy(self.truth.id(number))));
            }
        }
        Ok(Found {
            tally: self.tally,
            molecules: self.molecules,
            unknown,
            unknown_examples,
            ranks: self.ranks,
            has_verdicts: self.has_verdicts,
        })
    }
}

impl Seen {
    fn take(&mut self, wanted: Cell, cell: &[u8]) {
        let value = || row::value(cell);
        match wanted {
            Cell::Rank(at) => self.values[at] = value(),
            Cell::Gate => self.gate = value(),
            Cell::Auc => self.auc = value(),
            Cell::Decoys => self.decoys = value().unwrap_or_default(),
            Cell::DecoysScored => self.decoys_scored = value().unwrap_or_default(),
            Cell::Verdict => {
                self.verdict = match cell {
                    b"PASS" => Some(Verdict::Pass),
                    b"FAIL" => Some(Verdict::Fail),
                    _ => None,
                };
            }
        }
    }
}

fn is_numeric(column: &Column) -> bool {
    column.kind != ColumnType::String
}

/// What is looked at in `column`: for what it is, and as the one that ranks the pack. Of two with one name the last counts: a
/// scorer's own columns come first, and may have any name.
fn cells_of(column: &Column, ranks: bool) -> Option<[Option<Cell>; 2]> {
    let own = match (column.name.as_str(), is_numeric(column)) {
        (columns::VERDICT, false) => Some(Cell::Verdict),
        (columns::GATE, true) => Some(Cell::Gate),
        (AUC_TIE_AWARE, true) => Some(Cell::Auc),
        (columns::DECOYS, true) => Some(Cell::Decoys),
        (columns::DECOYS_SCORED, true) => Some(Cell::DecoysScored),
        (name, true) => RANK_COLUMNS.iter().position(|rank| *rank == name).map(Cell::Rank),
        _ => None,
    };
    let rank = ranks.then_some(Cell::Rank(SCORE));
    (own.is_some() || rank.is_some()).then_some([own, rank])
}

fn malformed_row(malformed: &Malformed) -> Error {
    Error::verification(malformed.to_string())
}

/// The ids of molecules in the order of their bytes: what place each number has.
pub fn places(truth: &Truth, molecules: &[Molecule]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..molecules.len() as u32).collect();
    order.sort_unstable_by_key(|at| truth.id(molecules[*at as usize].number));
    let mut places = vec![0; order.len()];
    for (place, at) in order.into_iter().enumerate() {
        places[at as usize] = place as u32;
    }
    places
}
