//! Gather: from the receipts of all task groups to one complete payload.
//!
//! [`survey`] judges the receipts, [`gather`] refuses what is missing or wrong by name, [`join`]
//! streams the rows into `summary.csv` and checks on the way that they are the rows that the
//! receipts speak of. Memory does not grow with the number of records.

pub mod extract;
pub mod finished;
pub mod join;
pub mod kept;
pub mod received;
pub mod rows;
pub mod survey;

use crate::campaign::identity::Identity;
use crate::digest::Digest;
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Kind, Result};
use crate::fs::tree::StagedDir;
use crate::id::{GroupIndex, Ordinals};
use crate::layout::CampaignDir;
use crate::payload::{self, Found, complement};
use crate::shard::judge::Flaw;
use crate::shard::plan::Plan;
use survey::{Expected, GroupState, Sealed};

/// What to do where task groups are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Refuse, with exit code 3.
    #[default]
    Refuse,
    /// Gather the task groups that are sealed: an INCOMPLETE result that says so everywhere.
    Allow,
}

/// A complete or knowingly incomplete result, not sealed yet.
#[derive(Debug)]
pub struct Gathered {
    /// The directory in which the pack is being built; it holds `summary.csv` and goes away if this is dropped.
    pub building: StagedDir,
    /// Length in bytes and SHA-256 of `summary.csv`.
    pub summary: (u64, Digest),
    /// The payload digest.
    pub root: Digest,
    /// Counts, hits and metrics.
    pub found: Found,
    /// Which records are not there: ascending ranges that do not touch.
    pub missing: Vec<Ordinals>,
    /// The sealed task groups that it was made of, for provenance.
    pub groups: Vec<Sealed>,
}

/// Checks that everything is there, and joins it in a directory beside `dir.pack()`.
///
/// # Errors
/// Task groups are missing and may not be (exit 3); a receipt or a row is wrong, foreign, double or
/// left out (exit 4); a rows file is gone, or the system refuses (exit 6).
pub fn gather(dir: &CampaignDir, identity: &Identity, plan: &Plan, missing: Missing) -> Result<Gathered> {
    let groups = complete(dir, identity, plan, missing)?;
    let absent = complement(groups.iter().map(|g| &g.receipt.ordinals), plan.records);
    let rehash = groups.iter().enumerate().any(|(i, g)| g.receipt.group != GroupIndex(i as u64));
    let building = StagedDir::create_beside(&dir.pack())?;
    let joined =
        join::join(identity, &groups, &building, if rehash { payload::Tree::Hash } else { payload::Tree::Skip })?;
    let root = match joined.found.root {
        Some(root) => root,
        None => joined_root(identity, &groups)?,
    };
    Ok(Gathered { building, summary: joined.summary, root, found: joined.found, missing: absent, groups })
}

/// The sealed task groups in order, all of them unless some may be missing.
fn complete(dir: &CampaignDir, identity: &Identity, plan: &Plan, missing: Missing) -> Result<Vec<Sealed>> {
    let expected = Expected::new(identity, plan)?;
    survey::refuse_foreign_groups(dir, plan)?;
    let (mut sealed, mut absent, mut flaws) = (Vec::new(), Vec::new(), Vec::new());
    for group in plan.all_groups() {
        match survey::group(dir, &expected, group)? {
            GroupState::Sealed(found) => sealed.push(*found),
            GroupState::Missing => absent.push(group),
            GroupState::Unusable(why) | GroupState::RowsGone(_, why) => flaws.extend(why),
        }
    }
    if let Some(error) = unusable(dir, &flaws) {
        return Err(error);
    }
    if sealed.is_empty() || (!absent.is_empty() && missing == Missing::Refuse) {
        let error = incomplete(dir, plan, &absent);
        let pack_the_rest = format!("`molsieve gather {} --allow-incomplete` packs the others", dir.root().display());
        return Err(if sealed.is_empty() { error } else { error.hint(pack_the_rest) });
    }
    Ok(sealed)
}

/// The error for receipts that do not count where no other does.
fn unusable(dir: &CampaignDir, flaws: &[Flaw]) -> Option<Error> {
    let gone = flaws.iter().all(|flaw| flaw.kind == Kind::Environment);
    let kind = if gone { Kind::Environment } else { Kind::Verification };
    let first = flaws.first()?;
    let more = if flaws.len() > 1 { format!(" (and {} more like it)", flaws.len() - 1) } else { String::new() };
    let resume = format!("`molsieve resume {}` computes that task group again", dir.root().display());
    Some(Error::new(kind, format!("{}{more}", first.what)).hint(resume))
}

fn incomplete(dir: &CampaignDir, plan: &Plan, absent: &[GroupIndex]) -> Error {
    const NAMED: usize = 5;
    let records: u64 = absent.iter().map(|g| plan.group(*g)).map(|r| r.end - r.start).sum();
    let mut named: Vec<String> = absent.iter().take(NAMED).map(ToString::to_string).collect();
    if absent.len() > NAMED {
        named.push("…".to_owned());
    }
    Error::new(
        Kind::Incomplete,
        format!(
            "{records} of {} records are missing: {} of {} task groups are not sealed (`{}`)",
            plan.records,
            absent.len(),
            plan.groups(),
            named.join("`, `")
        ),
    )
    .hint(format!("`molsieve resume {}` computes them", dir.root().display()))
}

/// The payload digest from the receipts' row trees, without hashing a row again.
fn joined_root(identity: &Identity, groups: &[Sealed]) -> Result<Digest> {
    let mut whole = CompactRange::starting_at(0);
    whole.push(merkle::leaf(&payload::header(identity)));
    for group in groups {
        whole.join(&group.receipt.tree)?;
    }
    whole.root().ok_or_else(|| Error::bug("the row tree does not start at its first leaf"))
}
