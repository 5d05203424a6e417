//! The receipt: the proof that a task group is complete. Only a receipt is done (promise P3).
//!
//! It is written once, after the rows that it describes are durable, and never overwritten. It
//! names what was computed (plan, scorer), which rows (digest, row tree, counts), and by whom, for
//! provenance. See `docs/formats/receipt.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kept::KeptFiles;
use crate::canonical::json;
use crate::digest::merkle::CompactRange;
use crate::digest::{self, Digest};
use crate::error::Result;
use crate::id::{AttemptId, GroupIndex, Ordinals};
use crate::scorer::{Outcome, PoolFacts, reason};

/// Schema of [`Receipt`].
pub const SCHEMA: &str = "molsieve.receipt.v1";

/// How many records ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All of them.
    pub total: u64,
    /// Scored.
    pub ok: u64,
    /// Not applicable.
    pub skip: u64,
    /// Failed.
    pub error: u64,
    /// How many for each reason code.
    pub reasons: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts one record.
    pub fn add(&mut self, outcome: Outcome, reason: &str) {
        self.total += 1;
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Skip => self.skip += 1,
            Outcome::Error => self.error += 1,
        }
        if reason.is_empty() {
            return;
        }
        match self.reasons.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.reasons.insert(reason.to_owned(), 1);
            }
        }
    }

    /// Counts all that `other` counted.
    pub fn include(&mut self, other: &Self) {
        self.total += other.total;
        self.ok += other.ok;
        self.skip += other.skip;
        self.error += other.error;
        for (reason, count) in &other.reasons {
            *self.reasons.entry(reason.clone()).or_default() += count;
        }
    }

    /// How many outcomes load or memory caused.
    pub fn circumstantial(&self) -> u64 {
        reason::CIRCUMSTANTIAL.iter().filter_map(|r| self.reasons.get(*r)).sum()
    }

    /// Whether the parts make up the whole (promise P1). They may come from a stranger's file: no sum of them is trusted to fit.
    pub fn add_up(&self) -> bool {
        let lost = self.skip.checked_add(self.error);
        let reasons = self.reasons.values().try_fold(0u64, |sum, count| sum.checked_add(*count));
        let total = lost.and_then(|lost| lost.checked_add(self.ok));
        lost.is_some() && reasons == lost && total == Some(self.total)
    }
}

/// The sealed rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsFile {
    /// Length in bytes.
    pub bytes: u64,
    /// BLAKE3 of the content: the rows in order of ordinal, each with its line feed.
    pub blake3: Digest,
}

/// Who did it, when and where: provenance, never payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// Node name.
    pub host: String,
    /// Processor model.
    pub cpu: String,
    /// Version of molsieve.
    pub molsieve: String,
    /// Which scheduler ran it, and its own name for the task, where known.
    pub scheduler: String,
    /// Start, milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// End, milliseconds since the Unix epoch.
    pub finished_ms: u64,
    /// Records that this attempt scored itself; the others were in earlier checkpoints.
    pub scored: u64,
    /// What the pool went through.
    pub pool: PoolFacts,
}

/// The proof that a task group is complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`SCHEMA`].
    pub schema: String,
    /// Digest of the plan.
    pub plan: Digest,
    /// Digest of the scorer identity.
    pub scorer: Digest,
    /// The task group.
    pub group: GroupIndex,
    /// Its records.
    pub ordinals: Ordinals,
    /// The attempt that sealed it.
    pub attempt: AttemptId,
    /// Its rows.
    pub rows: RowsFile,
    /// The rows as leaves of the payload tree: the row of ordinal `n` is leaf `n + 1`.
    pub tree: CompactRange,
    /// How its records ended.
    pub counts: Counts,
    /// The files that were kept of its best records, where the campaign keeps any. No part of the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<KeptFiles>,
    /// Who did it.
    pub execution: Execution,
    /// BLAKE3 of the canonical JSON of this receipt with 64 zeros here: damage does not pass for a result.
    pub seal: Digest,
}

impl Receipt {
    /// The receipt with its seal.
    ///
    /// # Errors
    /// None in practice: a receipt has a canonical form.
    pub fn sealed(mut self) -> Result<Self> {
        self.seal = self.expected_seal()?;
        Ok(self)
    }

    /// What its seal has to be.
    ///
    /// # Errors
    /// None in practice: a receipt has a canonical form.
    pub fn expected_seal(&self) -> Result<Digest> {
        Ok(digest::blake3(&json::to_vec(&Self { seal: Digest::default(), ..self.clone() })?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_or_do_not_whatever_numbers_they_are() {
        let counts = |total, ok, skip, error, reasons: &[(&str, u64)]| Counts {
            total,
            ok,
            skip,
            error,
            reasons: reasons.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        };
        assert!(counts(3, 1, 1, 1, &[("crash", 1), ("parse", 1)]).add_up());
        assert!(!counts(3, 1, 1, 1, &[("crash", 1)]).add_up());
        let half = 1u64 << 63;
        assert!(!counts(100, 100, 0, 0, &[("crash", half), ("timeout", half)]).add_up(), "they are no 0");
        assert!(!counts(0, 0, half, half, &[]).add_up());
        assert!(!counts(0, half, half, 0, &[("parse", half)]).add_up());
    }
}
