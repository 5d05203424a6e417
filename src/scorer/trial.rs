//! Trials: the same records scored in several ways, and whether the answers agree.
//!
//! A scorer whose answer depends on what else is in the request, on the order, on how many of it
//! run at once, or on the moment, is not deterministic, whatever it says: shards, resumption and
//! retries would each change its result.

use std::collections::BTreeMap;

use serde::Serialize;

use super::row::RowBlock;
use super::{Column, Ended, Outcome, Pool, Sink, Source, Supply, difference, reason};
use crate::canonical::row::Row;
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::stop::Stop;

/// What a pool answered.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// The row of each record, without its line feed.
    pub rows: BTreeMap<Ordinal, Vec<u8>>,
    /// How they ended: outcome and reason.
    pub ends: BTreeMap<(Outcome, String), End>,
    /// Seconds until the first record was given to a scorer.
    pub start_s: f64,
    /// Seconds from then to the last row.
    pub work_s: f64,
}

/// Records that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How many.
    pub records: u64,
    /// The lowest of them.
    pub first: Ordinal,
}

impl Answers {
    /// Molsieve's own reasons, and how many records it gave each.
    pub fn by_us(&self) -> impl Iterator<Item = (&str, u64)> {
        let ends = self.ends.iter().map(|((_, why), end)| (why.as_str(), end.records));
        ends.filter(|(why, _)| reason::OURS.contains(why))
    }

    /// How many records the scorer itself answered.
    pub fn by_scorer(&self) -> u64 {
        self.rows.len() as u64 - self.by_us().map(|(_, records)| records).sum::<u64>()
    }
}

/// Has `pool` score `records`, in the order of `order` and at most `batch` at once.
///
/// # Errors
/// The pool's own; or somebody asked it to stop (exit 75).
pub fn score(
    pool: &mut dyn Pool,
    records: &RecordBlock,
    order: &[usize],
    batch: usize,
    stop: &Stop,
) -> Result<Answers> {
    let mut bench = Bench { watch: Stopwatch::start(), first: None, answers: Answers::default() };
    let ended = pool.run(&mut Drawer { records, order, batch: batch.max(1) }, &mut bench, stop)?;
    if ended == Ended::Stopped {
        return Err(Error::new(Kind::Stopped, "the trial was not finished"));
    }
    let all = bench.watch.elapsed().as_secs_f64();
    let start_s = bench.first.unwrap_or(all);
    Ok(Answers { start_s, work_s: all - start_s, ..bench.answers })
}

struct Drawer<'r> {
    records: &'r RecordBlock,
    order: &'r [usize],
    batch: usize,
}

impl Source for Drawer<'_> {
    fn next(&mut self, max: usize) -> Result<Supply> {
        let (now, later) = self.order.split_at(self.order.len().min(self.batch).min(max));
        self.order = later;
        let mut block = self.records.like();
        for record in now.iter().map(|at| self.records.get(*at)) {
            block.push(record.ordinal, record.structure, record.id);
        }
        Ok(if block.is_empty() { Supply::End } else { Supply::Records { block, alone: false } })
    }
}

struct Bench {
    watch: Stopwatch,
    first: Option<f64>,
    answers: Answers,
}

impl Sink for Bench {
    fn started(&mut self, _: &[Ordinal]) -> Result<()> {
        self.first.get_or_insert(self.watch.elapsed().as_secs_f64());
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        for (meta, at) in rows.metas().iter().zip(0..) {
            self.answers.rows.insert(meta.ordinal, rows.row(at).line.to_vec());
            let alike = (meta.outcome, rows.reason(at).to_owned());
            let end = self.answers.ends.entry(alike).or_insert(End { records: 0, first: meta.ordinal });
            end.records += 1;
            end.first = end.first.min(meta.ordinal);
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// How two sets of answers to the same records differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Records whose rows are not the same bytes.
    pub records: u64,
    /// Those of them that ended in another way, or for another reason.
    pub outcomes: u64,
    /// Those columns that differ.
    pub columns: Vec<ColumnDifference>,
    /// The ordinal of the first record that differs.
    pub first: Option<Ordinal>,
}

/// How a column differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub name: String,
    /// In how many records.
    pub records: u64,
    /// By how much at most, where both have a number.
    pub largest: Option<f64>,
}

/// Compares the rows of the same records under the same columns.
pub fn compare(columns: &[Column], one: &Answers, other: &Answers) -> Difference {
    let mut found = Difference::default();
    let mut of_column: BTreeMap<&str, ColumnDifference> = BTreeMap::new();
    for (ordinal, line) in &one.rows {
        let Some(second) = other.rows.get(ordinal).filter(|second| *second != line) else { continue };
        found.records += 1;
        found.first = found.first.or(Some(*ordinal));
        let (Ok(a), Ok(b)) = (Row::read(line), Row::read(second)) else { continue };
        found.outcomes += u64::from((a.outcome, a.reason) != (b.outcome, b.reason));
        for (column, by) in difference::of_cells(columns, &a, &b) {
            let name = &column.name;
            let new = || ColumnDifference { name: name.clone(), records: 0, largest: None };
            let entry = of_column.entry(name).or_insert_with(new);
            entry.records += 1;
            entry.largest = by.map(|by| entry.largest.unwrap_or(0.0).max(by)).or(entry.largest);
        }
    }
    found.columns = columns.iter().filter_map(|column| of_column.remove(column.name.as_str())).collect();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::{ColumnType, Order};

    fn answers(rows: &[&str]) -> Answers {
        let rows = (0..).zip(rows.iter().map(|row| row.as_bytes().to_vec())).collect();
        Answers { rows, ..Answers::default() }
    }

    #[test]
    fn what_differs_is_told_by_column() {
        let column = |name: &str, kind| Column::new(name, kind, Order::Asc);
        let columns = [column("score", ColumnType::Float), column("note", ColumnType::String)];
        let one = answers(&["0,a,OK,,1.5,x", "1,b,OK,,2,\"y,\"", "2,c,OK,,3,", "3,d,OK,,4,"]);
        let other = answers(&["0,a,OK,,1.25,x", "1,b,OK,,2.125,z", "2,c,ERROR,crash,,", "3,d,OK,,4,"]);
        let found = compare(&columns, &one, &other);
        assert_eq!((found.records, found.outcomes, found.first), (3, 1, Some(0)));
        assert_eq!(found.columns[0], ColumnDifference { name: "score".to_owned(), records: 3, largest: Some(0.25) });
        assert_eq!(found.columns[1], ColumnDifference { name: "note".to_owned(), records: 1, largest: None });
        assert_eq!(compare(&columns, &one, &one), Difference::default());
    }
}
