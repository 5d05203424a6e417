//! The receipt: the proof that a task group is complete. Only a receipt is done (promise P3).
//!
//! It is written once, after the rows that it describes are durable, and never overwritten. It
//! names what was computed (plan, scorer), which rows (digest, row tree, counts), and by whom, for
//! provenance. See `docs/formats/receipt.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::recover;
use crate::canonical::json;
use crate::digest::Digest;
use crate::digest::merkle::CompactRange;
use crate::error::{Error, Result};
use crate::id::{AttemptId, GroupIndex, Ordinals};
use crate::layout::{EntryKind, GroupDir};
use crate::scorer::{Outcome, PoolFacts, reason};

/// A receipt is a page; a file that claims to be one and is longer is not read.
const BYTES_MAX: u64 = 1 << 20;

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
    pub fn merge(&mut self, other: &Self) {
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

    /// Whether the parts make up the whole (promise P1).
    pub fn add_up(&self) -> bool {
        let parts = self.ok.checked_add(self.skip).and_then(|n| n.checked_add(self.error));
        parts == Some(self.total) && self.reasons.values().sum::<u64>() == self.skip + self.error
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
    /// Who did it.
    pub execution: Execution,
}

impl Receipt {
    /// Reads the receipt of `attempt` in `dir`.
    ///
    /// # Errors
    /// It cannot be read (exit 6), or is not a canonical receipt of this schema (exit 4).
    pub fn read(dir: &GroupDir, attempt: &AttemptId) -> Result<Self> {
        let path = dir.receipt(attempt);
        let what = format!("the receipt `{}`", path.display());
        let length = std::fs::metadata(&path).map_err(|e| Error::io("cannot read", &path, &e))?.len();
        if length > BYTES_MAX {
            return Err(Error::verification(format!("{what} is {length} bytes long: that is no receipt")));
        }
        let bytes = std::fs::read(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
        let receipt: Self = json::from_slice(&what, &bytes)?;
        if receipt.schema != SCHEMA || receipt.attempt != *attempt {
            return Err(Error::verification(format!("{what} is of `{}` by {}", receipt.schema, receipt.attempt)));
        }
        Ok(receipt)
    }

    /// Whether this proves that `group` of `plan` is complete: it is of this plan and scorer, covers
    /// exactly these records, adds up, and its rows are there in full length. The content of the
    /// rows is checked where they are read.
    ///
    /// # Errors
    /// It proves something else (exit 4); the message says what.
    pub fn check(&self, of: &Proven<'_>, dir: &GroupDir, group: GroupIndex) -> Result<()> {
        let bad =
            |what: &str| Err(Error::verification(format!("the receipt of group {group} by {} {what}", self.attempt)));
        let range = of.plan.group(group);
        if self.plan != of.plan_digest {
            return bad("is of another plan");
        }
        if self.scorer != of.scorer {
            return bad("is of another scorer");
        }
        if self.group != group || self.ordinals != range {
            return bad("is of other records");
        }
        if !self.counts.add_up() || self.counts.total != range.end - range.start {
            return bad("does not account for every record");
        }
        if (self.tree.begin(), self.tree.end()) != (range.start + 1, range.end + 1) {
            return bad("has a row tree of other records");
        }
        match std::fs::metadata(dir.rows(&self.attempt)) {
            Ok(rows) if rows.len() == self.rows.bytes => Ok(()),
            Ok(_) => bad("names rows of another length than there are"),
            Err(_) => bad("names rows that are not there"),
        }
    }
}

/// What a receipt has to be of.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Its digest.
    pub plan_digest: Digest,
    /// The digest of the scorer identity.
    pub scorer: Digest,
}

/// The receipt that counts for `group`: the lowest attempt whose receipt proves it, if any.
///
/// # Errors
/// The directory cannot be read (exit 6).
pub fn find(of: &Proven<'_>, dir: &GroupDir, group: GroupIndex) -> Result<Option<Receipt>> {
    for attempt in recover::attempts(dir, EntryKind::Receipt)? {
        if let Ok(receipt) = Receipt::read(dir, &attempt)
            && receipt.check(of, dir, group).is_ok()
        {
            return Ok(Some(receipt));
        }
    }
    Ok(None)
}
