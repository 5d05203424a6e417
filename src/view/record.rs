//! What became of one record, by the rows that are there.

use serde::Serialize;

use crate::campaign::file::Campaign;
use crate::canonical::row;
use crate::error::{Error, Result};
use crate::gather::finished::Finished;
use crate::id::Ordinal;
use crate::journal;
use crate::journal::state::State;
use crate::scorer::Outcome;

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Fate {
    /// It has no row yet.
    NotFinished,
    /// The rows were removed when the campaign was archived.
    Archived,
    /// It has a row.
    Finished {
        /// Its id, escaped as in `summary.csv`.
        id: String,
        /// `OK`, `SKIP` or `ERROR`.
        outcome: &'static str,
        /// Why, where it is not `OK`; else empty.
        reason: String,
    },
}

impl Fate {
    /// Whether it ended as ERROR.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Finished { outcome, .. } if *outcome == Outcome::Error.as_str())
    }
}

/// What became of `ordinal` in `campaign`.
///
/// # Errors
/// There is no such record (exit 2); rows are damaged (exit 4) or cannot be read (exit 6).
pub fn fate(campaign: &Campaign, ordinal: Ordinal) -> Result<Fate> {
    let plan = &campaign.plan;
    let Some(group) = plan.all_groups().find(|group| plan.group(*group).contains(&ordinal)) else {
        let last = plan.records.saturating_sub(1);
        return Err(Error::usage(format!("there is no record {ordinal}: the library has {}", plan.records)).hint(
            format!("records are named by their ordinals, 0 to {last}, as in the first column of `summary.csv`"),
        ));
    };
    if State::of(&journal::read(&campaign.dir)?.entries)?.archived {
        return Ok(Fate::Archived);
    }
    let mut fate = Fate::NotFinished;
    Finished::of(campaign)?.group(group, &mut |row| {
        if row.ordinal == ordinal {
            let id = String::from_utf8_lossy(&row::unquoted(row.id())).into_owned();
            fate = Fate::Finished { id, outcome: row.outcome.as_str(), reason: row.reason.to_owned() };
        }
        Ok(())
    })?;
    Ok(fate)
}
