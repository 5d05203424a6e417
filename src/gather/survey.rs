//! What is there: the receipts of every task group, judged one by one (promises P3 and P4).
//!
//! [`judge`] says of each whether it counts, and which one is chosen of several that do; the others
//! are compared with that one.

use std::fs;
use std::path::{Path, PathBuf};

use super::rows::Place;
use crate::campaign::identity::Identity;
use crate::error::{Error, Result};
use crate::id::{AttemptId, GroupIndex};
use crate::layout::{CampaignDir, EntryKind, GroupDir};
use crate::shard::judge::{self, Flaw, Judged, Proven};
use crate::shard::plan::Plan;
use crate::shard::receipt::Receipt;
use crate::shard::recover;

/// What was asked for, in the form that receipts name it.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    proven: Proven<'a>,
    is_deterministic: bool,
}

impl<'a> Expected<'a> {
    /// Receipts of `plan`, which was made for `identity`.
    ///
    /// # Errors
    /// The plan was made for another campaign (exit 4).
    pub fn new(identity: &Identity, plan: &'a Plan) -> Result<Self> {
        if plan.campaign != identity.digest()? || plan.records != identity.library.records {
            return Err(Error::verification("`plan.json` was made for another campaign than `campaign.json`"));
        }
        Ok(Self {
            proven: Proven { plan, plan_digest: plan.digest()?, scorer: identity.scorer.digest()? },
            is_deterministic: identity.scorer.description.deterministic,
        })
    }
}

/// One sealed task group.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its receipt.
    pub receipt: Receipt,
    /// Where its rows are.
    pub rows: Place,
    /// The archive of its kept files, if its receipt speaks of one.
    pub files: PathBuf,
    /// Other attempts that sealed the same rows.
    pub twins: Vec<AttemptId>,
    /// Other attempts whose rows differ: only where the scorer does not claim to be deterministic.
    pub differing: Vec<AttemptId>,
    /// Other attempts whose receipts do not count, and why.
    pub unusable: Vec<String>,
}

impl Sealed {
    fn new(receipt: Receipt, dir: &GroupDir, unusable: Vec<String>) -> Self {
        let rows = Place::File(dir.rows(&receipt.attempt));
        let files = dir.files(&receipt.attempt);
        Self { receipt, rows, files, twins: Vec::new(), differing: Vec::new(), unusable }
    }
}

/// The state of one task group.
#[derive(Clone, Debug)]
pub enum GroupState {
    /// There is a receipt that counts.
    Sealed(Box<Sealed>),
    /// It was sealed, and its rows file is gone; as it would be with it. As [`GroupState::Unusable`] for whoever needs that.
    RowsGone(Box<Sealed>, Vec<Flaw>),
    /// There is no receipt.
    Missing,
    /// There are receipts and none of them counts: why, a sentence each. A new attempt is needed.
    Unusable(Vec<Flaw>),
}

/// Judges the receipts of one task group.
///
/// # Errors
/// A receipt belongs to another plan or scorer, twins of a deterministic scorer differ (exit 4), or
/// the directory cannot be read (exit 6).
pub fn group(dir: &CampaignDir, expected: &Expected<'_>, group: GroupIndex) -> Result<GroupState> {
    let group_dir = dir.group(group);
    let (mut good, mut gone, mut flaws) = (Vec::new(), Vec::new(), Vec::new());
    for attempt in recover::attempts(&group_dir, EntryKind::Receipt)? {
        match judge::judge(&expected.proven, &group_dir, group, &attempt)? {
            Judged::Counts(receipt) => good.push(*receipt),
            Judged::Flawed(flaw) => flaws.push(flaw),
            Judged::RowsGone(receipt) => {
                flaws.push(Flaw::rows_gone(&receipt));
                gone.push(*receipt);
            }
            Judged::Foreign(what) => {
                return Err(Error::verification(what).hint(
                    "move that file away: it was made by another campaign, or before the plan or the scorer changed",
                ));
            }
        }
    }
    good.sort_by(|one: &Receipt, other| judge::standing(one).cmp(&judge::standing(other)));
    let mut good = good.into_iter();
    let Some(receipt) = good.next() else {
        let would_count = gone.into_iter().min_by(|one, other| judge::standing(one).cmp(&judge::standing(other)));
        return Ok(match would_count {
            Some(receipt) => GroupState::RowsGone(Box::new(Sealed::new(receipt, &group_dir, Vec::new())), flaws),
            None if flaws.is_empty() => GroupState::Missing,
            None => GroupState::Unusable(flaws),
        });
    };
    let unusable = flaws.into_iter().map(|flaw| flaw.what).collect();
    let mut sealed = Sealed::new(receipt, &group_dir, unusable);
    for twin in good {
        if judge::are_twins(&twin, &sealed.receipt) {
            sealed.twins.push(twin.attempt);
        } else if expected.is_deterministic && judge::do_contradict(&twin, &sealed.receipt) {
            return Err(twins_differ(group, &sealed.receipt.attempt, &twin.attempt));
        } else {
            sealed.differing.push(twin.attempt);
        }
    }
    Ok(GroupState::Sealed(Box::new(sealed)))
}

/// Refuses task groups that the plan does not have: their records would be counted twice or belong elsewhere.
///
/// # Errors
/// There is one that holds a receipt (exit 4), or the directory cannot be read (exit 6).
pub fn refuse_foreign_groups(dir: &CampaignDir, plan: &Plan) -> Result<()> {
    for name in names(&dir.groups())? {
        let planned =
            name.parse().map(GroupIndex).is_ok_and(|g: GroupIndex| g.0 < plan.groups() && g.to_string() == name);
        let path = dir.groups().join(&name);
        if !planned && path.is_dir() && names(&path)?.iter().any(|n| is_receipt(n)) {
            let place = path.strip_prefix(dir.root()).unwrap_or(&path).display();
            return Err(Error::verification(format!("`{place}` holds receipts but is no task group of this plan"))
                .hint("move that directory away: it belongs to another campaign or plan"));
        }
    }
    Ok(())
}

fn twins_differ(group: GroupIndex, one: &AttemptId, other: &AttemptId) -> Error {
    Error::verification(format!("attempts `{one}` and `{other}` at task group {group} came to different rows"))
        .hint("the scorer says that it is deterministic, and is not on the nodes that these attempts ran on")
        .hint("if one of the nodes is known to be broken, remove the receipt of its attempt and gather again")
}

/// The names in `dir`, sorted; none if it is not there.
fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("cannot read the directory", dir, &e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("cannot read the directory", dir, &e))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn is_receipt(name: &str) -> bool {
    matches!(GroupDir::entry(name), Some((_, EntryKind::Receipt)))
}
