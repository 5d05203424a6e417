//! A few records for each reason: what a person looks at before anything else when records failed.

use std::collections::BTreeMap;

use crate::canonical::row::Row;
use crate::id::Ordinal;
use crate::scorer::Outcome;

/// Records kept for each outcome and reason: the first ones.
pub const EACH_MAX: usize = 3;

/// Outcomes with reasons that have examples: a scorer may declare many.
const REASONS_MAX: usize = 100;

/// Ids longer than this are kept up to here.
const ID_BYTES_MAX: usize = 300;

/// A record that was not scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its ordinal.
    pub ordinal: Ordinal,
    /// The start of its id, as it stands in the row.
    pub id: Vec<u8>,
    /// `SKIP` or `ERROR`.
    pub outcome: Outcome,
    /// The reason code.
    pub reason: String,
}

/// The ordinal and the start of the id.
type Kept = (Ordinal, Vec<u8>);

/// The examples so far.
#[derive(Debug, Default)]
pub(super) struct Examples {
    kept: BTreeMap<(Outcome, String), Vec<Kept>>,
}

impl Examples {
    /// Considers a record that was not scored.
    pub(super) fn consider(&mut self, row: &Row<'_>) {
        let kind = (row.outcome, row.reason.to_owned());
        if !self.kept.contains_key(&kind) && self.kept.len() == REASONS_MAX {
            return;
        }
        let kept = self.kept.entry(kind).or_default();
        if kept.len() < EACH_MAX {
            let id = row.id();
            kept.push((row.ordinal, id[..id.len().min(ID_BYTES_MAX)].to_vec()));
        }
    }

    /// All of them, by outcome, reason and ordinal.
    pub(super) fn into_sorted(self) -> Vec<Example> {
        let all = self.kept.into_iter().flat_map(|((outcome, reason), kept)| {
            kept.into_iter().map(move |(ordinal, id)| Example { ordinal, id, outcome, reason: reason.clone() })
        });
        all.collect()
    }
}
