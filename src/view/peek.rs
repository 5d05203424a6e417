//! Peek: the best rows so far, or examples of what failed, while a campaign is at work.
//!
//! Sealed rows and checkpoints are read, nothing is written and nobody is asked. Memory holds the
//! rows that are shown and one bit a record of the task group that is being read.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::campaign::file::Campaign;
use crate::canonical::escape;
use crate::canonical::row::{self, Row};
use crate::error::{Error, Result};
use crate::gather::finished::Finished;
use crate::id::Ordinal;
use crate::journal;
use crate::journal::state::State;
use crate::library::format::Notation;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::payload::hits::{BYTES_MAX, Hits};
use crate::scorer::command::translate::spec;
use crate::scorer::{ColumnType, Outcome, reason};
use crate::shard::receipt::Counts;

/// Schema of [`Peek`].
pub const SCHEMA: &str = "molsieve.peek.v1";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The best rows.
    Top,
    /// Records that ended as ERROR, for this reason if there is one.
    Errors(Option<String>),
}

/// What there is so far.
#[derive(Clone, Debug, Serialize)]
pub struct Peek {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The campaign's name.
    pub campaign: String,
    /// Records of the library.
    pub library: u64,
    /// How the records ended that were seen; `total` is how many.
    pub seen: Counts,
    /// Task groups that are sealed, and how many there are.
    pub sealed_groups: u64,
    /// See `sealed_groups`.
    pub groups: u64,
    /// How the structures are written.
    pub notation: Notation,
    /// The column that ranks the rows, if they are ranked.
    pub rank: Option<String>,
    /// The reasons of the errors that were seen, and how many records each has.
    pub reasons: BTreeMap<String, u64>,
    /// The rows, best first, or by ordinal.
    pub rows: Vec<Shown>,
}

/// One row, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Which record.
    pub ordinal: Ordinal,
    /// Its id, escaped as in `summary.csv`.
    pub id: String,
    /// Its structure, escaped likewise.
    pub structure: String,
    /// How it ended.
    pub outcome: String,
    /// Why, where it is not `OK`.
    pub reason: String,
    /// The scorer's columns.
    pub values: Map<String, Json>,
}

/// Looks at `campaign`, and shows up to `limit` rows.
///
/// # Errors
/// There is nothing to rank by, no record can have the reason, or the rows were archived (exit 2); something is damaged (exit 4) or cannot be read
/// (exit 6).
pub fn peek(campaign: &Campaign, wanted: &Wanted, limit: u64) -> Result<Peek> {
    if State::of(&journal::read(&campaign.dir)?.entries)?.archived {
        return Err(Error::usage("the rows of this campaign were removed when it was archived")
            .hint(format!("look at `{}`", campaign.dir.pack().display())));
    }
    let identity = &campaign.file.identity;
    let columns = &identity.scorer.description.columns;
    let rank = identity.pack.rank.as_ref().filter(|_| *wanted == Wanted::Top);
    let rank_at = rank.and_then(|rank| columns.iter().position(|column| column.name == rank.column.name));
    if *wanted == Wanted::Top && rank_at.is_none() {
        return Err(Error::usage("this scorer has no numeric column to rank by").hint("use `peek --errors`"));
    }
    let mut keep = Kept {
        wanted,
        rank_at,
        limit,
        hits: Hits::new(limit, rank.map(|r| r.order).unwrap_or_default()),
        errors: BTreeMap::new(),
        reasons: BTreeMap::new(),
    };
    let (mut seen, mut sealed_groups) = (Counts::default(), 0);
    let finished = Finished::of(campaign)?;
    for group in campaign.plan.all_groups() {
        let sealed = finished.group(group, &mut |row| {
            seen.add(row.outcome, row.reason);
            keep.consider(row)
        })?;
        sealed_groups += u64::from(sealed);
    }
    if let Wanted::Errors(Some(reason)) = wanted {
        known(reason, campaign, &keep.reasons)?;
    }
    let library = Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library))?;
    let reasons = std::mem::take(&mut keep.reasons);
    let lines = keep.into_lines();
    let rows = lines.iter().map(|line| shown(campaign, &library, line)).collect::<Result<_>>()?;
    Ok(Peek {
        schema: SCHEMA,
        campaign: identity.name.clone(),
        library: campaign.plan.records,
        seen,
        sealed_groups,
        groups: campaign.plan.groups(),
        notation: library.notation(),
        rank: rank.map(|rank| rank.column.name.clone()),
        reasons,
        rows,
    })
}

/// The rows that are to be shown.
struct Kept<'a> {
    wanted: &'a Wanted,
    rank_at: Option<usize>,
    limit: u64,
    hits: Hits,
    /// The lowest ordinals.
    errors: BTreeMap<Ordinal, Vec<u8>>,
    /// How often each reason of an error was met.
    reasons: BTreeMap<String, u64>,
}

/// Refuses a reason that no record can have.
///
/// # Errors
/// It is neither molsieve's nor declared, nor was it met (exit 2).
fn known(asked: &str, campaign: &Campaign, met: &BTreeMap<String, u64>) -> Result<()> {
    let declared = campaign.file.identity.scorer.description.reasons.iter().map(String::as_str);
    let given = declared.chain(reason::OURS).chain(spec::reason::ALL).chain(met.keys().map(String::as_str));
    if given.into_iter().any(|known| known == asked) {
        return Ok(());
    }
    Err(Error::usage(format!("no record can end as ERROR `{}`", escape::to_string(asked.as_bytes())))
        .hint(in_words(met)))
}

/// The reasons that were met, for people.
pub fn in_words(met: &BTreeMap<String, u64>) -> String {
    if met.is_empty() {
        return "no record that was seen is an error".to_owned();
    }
    let each: Vec<String> = met.iter().map(|(reason, records)| format!("{reason} ({records})")).collect();
    format!("the reasons of the errors that were seen: {}", each.join(", "))
}

impl Kept<'_> {
    fn consider(&mut self, row: &Row<'_>) -> Result<()> {
        if row.outcome == Outcome::Error {
            match self.reasons.get_mut(row.reason) {
                Some(records) => *records += 1,
                None => drop(self.reasons.insert(row.reason.to_owned(), 1)),
            }
        }
        match self.wanted {
            Wanted::Top if row.outcome == Outcome::Ok => {
                let value = self.rank_at.and_then(|at| row.value(at));
                if !self.hits.consider(row.ordinal, value, row.line) {
                    let what = format!("the rows to show take more than {} MiB", BYTES_MAX >> 20);
                    return Err(Error::usage(what).hint("ask for fewer with `--top`"));
                }
            }
            Wanted::Errors(reason)
                if row.outcome == Outcome::Error && reason.as_ref().is_none_or(|reason| reason == row.reason) =>
            {
                self.errors.insert(row.ordinal, row.line.to_vec());
                if self.errors.len() as u64 > self.limit {
                    self.errors.pop_last();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn into_lines(self) -> Vec<Vec<u8>> {
        let mut lines = self.hits.into_rows();
        lines.extend(self.errors.into_values());
        lines
    }
}

/// Takes a line apart, and finds its structure.
fn shown(campaign: &Campaign, library: &Snapshot, line: &[u8]) -> Result<Shown> {
    let row = Row::read(line).map_err(|odd| Error::verification(odd.to_string()))?;
    let text = |field: &[u8]| String::from_utf8_lossy(&row::unquoted(field)).into_owned();
    let value = |kind: ColumnType, cell: &[u8]| match kind {
        _ if cell.is_empty() => Json::Null,
        ColumnType::String => Json::from(text(cell)),
        _ => serde_json::from_slice(cell).unwrap_or(Json::Null),
    };
    let columns = &campaign.file.identity.scorer.description.columns;
    let values = columns.iter().zip(row.cells()).map(|(c, cell)| (c.name.clone(), value(c.kind, cell))).collect();
    let block = Slice::open(library, 0..0)?.pick([row.ordinal])?;
    let structure = block.iter().next().map(|record| escape::to_string(record.structure));
    Ok(Shown {
        ordinal: row.ordinal,
        id: text(row.id()),
        structure: structure.unwrap_or_default(),
        outcome: row.outcome.as_str().to_owned(),
        reason: row.reason.to_owned(),
        values,
    })
}
