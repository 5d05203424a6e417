//! Whether a receipt counts: the one judgement, by which the driver and the worker see what is done
//! and gather takes what it gathers (promise P3).
//!
//! A receipt counts when it is canonical, whole by its own seal, at its own place, speaks of this
//! plan and this scorer, covers exactly the records of its task group, adds up, and its rows file is
//! there with the right length. The content of the rows is checked where they are read.
//!
//! Of several receipts of a task group that count, one is chosen, and for everybody the same one: by its [`standing`].

use std::io::{ErrorKind, Read};
use std::path::Path;

use super::plan::Plan;
use super::receipt::{self, Receipt};
use super::recover;
use crate::canonical::json;
use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::id::{AttemptId, GroupIndex, Ordinals};
use crate::layout::{EntryKind, GroupDir};

/// No receipt is longer: two subtrees a level and the declared reasons are a few kilobytes.
const BYTES_MAX: u64 = 1 << 20;

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

/// What a receipt turned out to be.
#[derive(Clone, Debug)]
pub enum Judged {
    /// It counts.
    Counts(Box<Receipt>),
    /// It does not count, and a new attempt makes up for it.
    Flawed(Flaw),
    /// It would count, but its rows file is gone: likewise, unless the rows are elsewhere.
    RowsGone(Box<Receipt>),
    /// It belongs to another plan or scorer: somebody mixed two campaigns. A sentence.
    Foreign(String),
}

/// Why a receipt does not count.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// [`Kind::Environment`] if its rows file is gone, else [`Kind::Verification`].
    pub kind: Kind,
    /// A lower-case fragment that names the receipt.
    pub what: String,
}

impl Flaw {
    /// The rows file of `receipt` is gone.
    pub fn rows_gone(receipt: &Receipt) -> Self {
        let what = format!("the rows file of receipt `{}/{}` is gone", receipt.group, receipt.attempt);
        Self { kind: Kind::Environment, what }
    }
}

/// Which of several receipts that count is chosen: the one with the least standing. Load and memory may have cost one
/// attempt a record that another scored, so the fewest circumstantial outcomes go first, and then the lowest attempt.
pub fn standing(receipt: &Receipt) -> (u64, &AttemptId) {
    (receipt.counts.circumstantial(), &receipt.attempt)
}

/// Whether two attempts that sealed one task group came to the same.
pub fn are_twins(one: &Receipt, other: &Receipt) -> bool {
    (&one.rows, &one.tree, &one.counts) == (&other.rows, &other.tree, &other.counts)
}

/// Whether two receipts that count cannot both be of a scorer that is deterministic: nothing can be gathered where both lie.
/// Load and memory may have made the difference where either has a circumstantial outcome.
pub fn do_contradict(one: &Receipt, other: &Receipt) -> bool {
    one.counts.circumstantial() == 0 && other.counts.circumstantial() == 0 && !are_twins(one, other)
}

/// The receipt that is chosen for `group`, if one counts.
///
/// # Errors
/// The directory cannot be read (exit 6).
pub fn find(of: &Proven<'_>, dir: &GroupDir, group: GroupIndex) -> Result<Option<Receipt>> {
    let mut chosen: Option<Box<Receipt>> = None;
    for attempt in recover::attempts(dir, EntryKind::Receipt)? {
        let Judged::Counts(receipt) = judge(of, dir, group, &attempt)? else { continue };
        if chosen.as_ref().is_none_or(|chosen| standing(&receipt) < standing(chosen)) {
            chosen = Some(receipt);
        }
        if chosen.as_ref().is_some_and(|chosen| chosen.counts.circumstantial() == 0) {
            // Attempts come in the order of their names: none that follows stands before this one.
            break;
        }
    }
    Ok(chosen.map(|chosen| *chosen))
}

/// Judges the receipt of `attempt` at `group`.
///
/// # Errors
/// It cannot be read (exit 6).
pub fn judge(of: &Proven<'_>, dir: &GroupDir, group: GroupIndex, attempt: &AttemptId) -> Result<Judged> {
    let name = format!("receipt `{group}/{attempt}`");
    let flawed = |what: String| Ok(Judged::Flawed(Flaw { kind: Kind::Verification, what }));
    let Some(bytes) = read_bounded(&dir.receipt(attempt))? else { return flawed(format!("{name} is far too long")) };
    let receipt: Receipt = match json::from_line(&name, &bytes) {
        Ok(receipt) => receipt,
        Err(e) => return flawed(e.what().to_owned()),
    };
    if receipt.schema != receipt::SCHEMA {
        return flawed(format!("{name} has the unknown schema `{}`", receipt.schema));
    }
    if receipt.seal != receipt.expected_seal()? {
        return flawed(format!("{name} is damaged: its seal is that of another text"));
    }
    if receipt.plan != of.plan_digest {
        return Ok(Judged::Foreign(format!("{name} belongs to another plan")));
    }
    if receipt.scorer != of.scorer {
        return Ok(Judged::Foreign(format!("{name} belongs to another scorer")));
    }
    if let Some(what) = inconsistency(&receipt, attempt, group, &of.plan.group(group)) {
        return flawed(format!("{name} {what}"));
    }
    let rows = dir.rows(attempt);
    match std::fs::symlink_metadata(&rows) {
        Ok(m) if m.is_file() && m.len() == receipt.rows.bytes => Ok(Judged::Counts(Box::new(receipt))),
        Ok(m) => flawed(format!("{name} speaks of {} bytes of rows and the file has {}", receipt.rows.bytes, m.len())),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Judged::RowsGone(Box::new(receipt))),
        Err(e) => Err(Error::io("cannot read", &rows, &e)),
    }
}

/// What in the receipt contradicts its place, the plan, or itself.
fn inconsistency(receipt: &Receipt, attempt: &AttemptId, group: GroupIndex, planned: &Ordinals) -> Option<String> {
    if receipt.group != group || receipt.attempt != *attempt {
        return Some(format!("is a copy of `{}/{}`", receipt.group, receipt.attempt));
    }
    let covered = &receipt.ordinals;
    if covered != planned {
        let how =
            if covered.start < planned.start || covered.end > planned.end { "overlap others" } else { "leave a gap" };
        return Some(format!(
            "covers records {}..{} where the plan says {}..{}: they {how}",
            covered.start, covered.end, planned.start, planned.end
        ));
    }
    let records = planned.end - planned.start;
    if !receipt.counts.add_up() || receipt.counts.total != records {
        return Some(format!(
            "counts {} outcomes for {records} records, or its parts do not add up",
            receipt.counts.total
        ));
    }
    if (receipt.tree.begin(), receipt.tree.end()) != (planned.start + 1, planned.end + 1) {
        return Some("has a row tree over other records".to_owned());
    }
    None
}

/// The content of a small file; `None` if it is not small.
fn read_bounded(path: &Path) -> Result<Option<Vec<u8>>> {
    let refused = |e: std::io::Error| Error::io("cannot read", path, &e);
    let file = fs::open_plain(path).map_err(refused)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
    Ok((bytes.len() as u64 <= BYTES_MAX).then_some(bytes))
}
