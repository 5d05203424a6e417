//! One pass over `summary.csv`: order, outcomes, reasons, hits, metrics and, where asked, the row tree.
//!
//! Gather runs it over the rows that it joins, verify over the `summary.csv` of a pack: both come
//! to the same counts, `hits.csv`, `metrics.json` and `signal.json` by the same code, from the rows alone.

mod examples;
pub mod histogram;
pub mod hits;
pub mod metrics;
pub mod order;

use crate::campaign::identity::Identity;
use crate::canonical::row::{self, Lines, Malformed, Outcome, Row};
use crate::digest::Digest;
use crate::digest::merkle::{self, CompactRange};
use crate::id::Ordinals;
use crate::scorer::reason;
use crate::shard::receipt::Counts;
use crate::signal::{self, Signal};
pub use examples::Example;
use examples::Examples;
use hits::Hits;
use metrics::{Accumulator, Metrics};
use order::{Fault, Turn};

/// The name of the payload in a pack.
pub const SUMMARY: &str = "summary.csv";

/// The header line of this campaign's payload, without its line feed.
pub fn header(identity: &Identity) -> Vec<u8> {
    row::header(identity.scorer.description.columns.iter().map(|c| c.name.as_str()))
}

/// The records below `records` that are in none of `ranges`, which ascend: ranges that do not touch.
pub fn complement<'a>(ranges: impl Iterator<Item = &'a Ordinals>, records: u64) -> Vec<Ordinals> {
    let mut gaps = Vec::new();
    let mut next = 0;
    for range in ranges {
        if range.start > next {
            gaps.push(next..range.start);
        }
        next = range.end;
    }
    if next < records {
        gaps.push(next..records);
    }
    gaps
}

/// Whether the rows are hashed to the row tree on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// They are.
    Hash,
    /// They are not: the tree is known from elsewhere.
    Skip,
}

/// The pass.
#[derive(Debug)]
pub struct Payload {
    lines: Lines,
    rows: Rows,
}

/// What the pass found.
#[derive(Debug)]
pub struct Found {
    /// How many records ended how.
    pub counts: Counts,
    /// The content of `hits.csv`.
    pub hits_csv: Vec<u8>,
    /// The content of `metrics.json`, as a value.
    pub metrics: Metrics,
    /// The payload digest, if the tree was asked for.
    pub root: Option<Digest>,
    /// The content of `signal.json`, as a value, where records have decoys.
    pub signal: Option<Signal>,
    /// A few records for each reason, by reason and ordinal.
    pub examples: Vec<Example>,
}

impl Payload {
    /// A pass over the rows of the records in `present`: ascending ranges that do not touch.
    pub fn new(identity: &Identity, present: Vec<Ordinals>, tree: Tree) -> Self {
        let description = &identity.scorer.description;
        let rank = identity.pack.rank.as_ref();
        let mut reasons = description.reasons.clone();
        reasons.extend(reason::OURS.map(str::to_owned));
        reasons.sort();
        let rows = Rows {
            header: Some(header(identity)),
            turn: Turn::over(present),
            reasons,
            columns: description.columns.iter().map(Accumulator::new).collect(),
            rank: rank.and_then(|r| description.columns.iter().position(|c| c.name == r.column.name)),
            hits: Hits::new(identity.pack.top, rank.map(|r| r.order).unwrap_or_default()),
            part: Counts::default(),
            whole: Counts::default(),
            examples: Examples::default(),
            signal: signal::Accumulator::new(identity),
            tree: (tree == Tree::Hash).then(|| CompactRange::starting_at(0)),
        };
        Self { lines: Lines::default(), rows }
    }

    /// Takes the next bytes of the file; the header line is the first.
    ///
    /// # Errors
    /// A row is malformed, or it is not its turn. The pass is then useless.
    pub fn feed(&mut self, block: &[u8]) -> Result<(), Fault> {
        let Self { lines, rows } = self;
        Ok(lines.feed(block, |line| rows.take(line))?)
    }

    /// Whether the last block ended with a line.
    pub const fn is_at_boundary(&self) -> bool {
        self.lines.is_at_boundary()
    }

    /// How the records since the last call ended.
    pub fn take_part(&mut self) -> Counts {
        let part = std::mem::take(&mut self.rows.part);
        self.rows.whole.include(&part);
        part
    }

    /// What was found, when all bytes were fed.
    ///
    /// # Errors
    /// A row is missing at the end, or the last one does not end.
    pub fn finish(mut self, identity: &Identity) -> Result<Found, Fault> {
        self.take_part();
        if !self.is_at_boundary() {
            return Err(Fault::Malformed("the last row has no line feed".to_owned()));
        }
        if self.rows.header.is_some() {
            return Err(Fault::Header);
        }
        if let Some(next) = self.rows.turn.next {
            return Err(Fault::Malformed(format!("the row of record {next} and those after it are missing")));
        }
        let header = header(identity);
        Ok(Found {
            hits_csv: self.rows.hits.into_csv(&header),
            metrics: Metrics {
                schema: metrics::SCHEMA.to_owned(),
                records: self.rows.whole.clone(),
                columns: self.rows.columns.into_iter().filter_map(Accumulator::finish).collect(),
            },
            root: self.rows.tree.and_then(|tree| tree.root()),
            counts: self.rows.whole,
            signal: self.rows.signal.map(signal::Accumulator::finish),
            examples: self.rows.examples.into_sorted(),
        })
    }
}

/// Everything that one row changes.
#[derive(Debug)]
struct Rows {
    /// The header, until it was seen.
    header: Option<Vec<u8>>,
    turn: Turn,
    reasons: Vec<String>,
    columns: Vec<Accumulator>,
    rank: Option<usize>,
    hits: Hits,
    part: Counts,
    whole: Counts,
    examples: Examples,
    signal: Option<signal::Accumulator>,
    tree: Option<CompactRange>,
}

impl Rows {
    fn take(&mut self, line: &[u8]) -> Result<(), Fault> {
        if let Some(tree) = &mut self.tree {
            tree.push(merkle::leaf(line));
        }
        if let Some(header) = self.header.take() {
            return if header == line { Ok(()) } else { Err(Fault::Header) };
        }
        let row = Row::read(line).map_err(|malformed| self.refuse(malformed))?;
        self.turn.take(row.ordinal)?;
        self.count(&row)?;
        let rank = self.cells(&row)?;
        if let Some(signal) = &mut self.signal {
            let ended = signal.end_row(row.ordinal, row.outcome == Outcome::Ok);
            ended.map_err(|signal::Impossible| malformed(&row, "the counts of decoys"))?;
        }
        if row.outcome != Outcome::Ok {
            self.examples.consider(&row);
        } else if self.rank.is_some() && !self.hits.consider(row.ordinal, rank, line) {
            return Err(Fault::HitsTooLarge);
        }
        Ok(())
    }

    /// What to say of a line that is no row. That it is the row of another record says more than that it is malformed.
    #[cold]
    fn refuse(&mut self, malformed: Malformed) -> Fault {
        let Malformed::Part { part, ordinal } = malformed else { return malformed.into() };
        match (ordinal, self.turn.next) {
            (Some(ordinal), _) => self.turn.take(ordinal).err().unwrap_or_else(|| malformed.into()),
            // A row whose ordinal cannot be read is named by whose turn it was.
            (None, Some(next)) => Malformed::part(part, next).into(),
            (None, None) => Fault::Malformed("there is a line after the last row".to_owned()),
        }
    }

    /// Promise P1: an `OK` row has no reason, any other has one of the declared reasons.
    fn count(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        if row.outcome == Outcome::Ok {
            self.part.add(row.outcome, "");
            return if row.reason.is_empty() { Ok(()) } else { Err(malformed(row, "the reason")) };
        }
        let known = self.reasons.binary_search_by(|known| known.as_str().cmp(row.reason));
        let at = known.map_err(|_| malformed(row, "the reason"))?;
        self.part.add(row.outcome, &self.reasons[at]);
        Ok(())
    }

    /// Walks the cells of the scorer's columns; the value of the rank column.
    fn cells(&mut self, row: &Row<'_>) -> Result<Option<f64>, Fault> {
        let (mut rank, mut cells) = (None, row.cells());
        for (i, column) in self.columns.iter_mut().enumerate() {
            let cell = if column.is_numeric { cells.plain() } else { cells.text() };
            let cell = cell.ok_or_else(|| malformed(row, "the number of fields"))?;
            if let Some(signal) = &mut self.signal {
                signal.cell(i, cell);
            }
            if !column.is_numeric || cell.is_empty() {
                continue;
            }
            let value = row::value(cell).ok_or_else(|| malformed(row, "a numeric cell"))?;
            if row.outcome == Outcome::Ok {
                column.add(value);
            }
            if self.rank == Some(i) {
                rank = Some(value);
            }
        }
        if cells.is_at_end() { Ok(rank) } else { Err(malformed(row, "the number of fields")) }
    }
}

fn malformed(row: &Row<'_>, part: &'static str) -> Fault {
    Malformed::part(part, row.ordinal).into()
}
