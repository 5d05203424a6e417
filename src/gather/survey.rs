//! What is there: the receipts of every task group, judged one by one (promises P3 and P4).
//!
//! A receipt counts when it is canonical, speaks of this plan and this scorer, covers exactly the
//! records of its task group, adds up, and its rows file is there with the right length. Of several
//! that count, the lowest attempt is taken and the others are compared with it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::campaign::identity::Identity;
use crate::canonical::json;
use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::id::{AttemptId, GroupIndex, Ordinals};
use crate::layout::{CampaignDir, EntryKind, GroupDir};
use crate::shard::plan::Plan;
use crate::shard::receipt::{self, Receipt};

/// No receipt is longer: two subtrees a level and the declared reasons are a few kilobytes.
const RECEIPT_BYTES_MAX: u64 = 1 << 20;

/// What was asked for, in the form that receipts name it.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    plan: &'a Plan,
    plan_digest: Digest,
    scorer_digest: Digest,
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
            plan,
            plan_digest: plan.digest()?,
            scorer_digest: identity.scorer.digest()?,
            is_deterministic: identity.scorer.description.deterministic,
        })
    }
}

/// One sealed task group.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its receipt.
    pub receipt: Receipt,
    /// Its rows file.
    pub rows: PathBuf,
    /// Other attempts that sealed the same rows.
    pub twins: Vec<AttemptId>,
    /// Other attempts whose rows differ: only where the scorer does not claim to be deterministic.
    pub differing: Vec<AttemptId>,
    /// Other attempts whose receipts do not count, and why.
    pub unusable: Vec<String>,
}

/// The state of one task group.
#[derive(Clone, Debug)]
pub enum GroupState {
    /// There is a receipt that counts.
    Sealed(Box<Sealed>),
    /// There is no receipt.
    Missing,
    /// There are receipts and none of them counts: why, a sentence each. A new attempt is needed.
    Unusable(Vec<Flaw>),
}

/// Why a receipt does not count.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// [`Kind::Environment`] if its rows file is gone, else [`Kind::Verification`].
    pub kind: Kind,
    /// A lower-case fragment that names the receipt.
    pub what: String,
}

/// Judges the receipts of one task group.
///
/// # Errors
/// A receipt belongs to another plan or scorer, twins of a deterministic scorer differ (exit 4), or
/// the directory cannot be read (exit 6).
pub fn group(dir: &CampaignDir, expected: &Expected<'_>, group: GroupIndex) -> Result<GroupState> {
    let group_dir = dir.group(group);
    let (mut good, mut flaws) = (Vec::new(), Vec::new());
    for attempt in attempts_with_receipt(&group_dir)? {
        match read(&group_dir, &attempt, group, expected)? {
            Ok(receipt) => good.push(receipt),
            Err(flaw) => flaws.push(flaw),
        }
    }
    let mut good = good.into_iter();
    let Some(receipt) = good.next() else {
        return Ok(if flaws.is_empty() { GroupState::Missing } else { GroupState::Unusable(flaws) });
    };
    let unusable = flaws.into_iter().map(|flaw| flaw.what).collect();
    let rows = group_dir.rows(&receipt.attempt);
    let mut sealed = Sealed { receipt, rows, twins: Vec::new(), differing: Vec::new(), unusable };
    for twin in good {
        if (&twin.rows, &twin.tree, &twin.counts)
            == (&sealed.receipt.rows, &sealed.receipt.tree, &sealed.receipt.counts)
        {
            sealed.twins.push(twin.attempt);
        } else if expected.is_deterministic {
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
            return Err(Error::verification(format!(
                "`groups/{name}` holds receipts but is no task group of this plan"
            ))
            .hint("move that directory away: it belongs to another campaign or plan"));
        }
    }
    Ok(())
}

fn twins_differ(group: GroupIndex, one: &AttemptId, other: &AttemptId) -> Error {
    Error::verification(format!("attempts `{one}` and `{other}` at task group {group} came to different rows"))
        .hint("the scorer says that it is deterministic and is not: run `molsieve doctor scorer`")
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

/// The attempts that left a receipt, lowest first.
fn attempts_with_receipt(dir: &GroupDir) -> Result<Vec<AttemptId>> {
    let names = names(dir.root())?;
    let entries = names.iter().filter_map(|name| GroupDir::entry(name));
    Ok(entries.filter(|(_, kind)| *kind == EntryKind::Receipt).map(|(attempt, _)| attempt).collect())
}

/// Reads and judges one receipt.
fn read(
    dir: &GroupDir,
    attempt: &AttemptId,
    group: GroupIndex,
    expected: &Expected<'_>,
) -> Result<Result<Receipt, Flaw>> {
    let name = format!("receipt `{group}/{attempt}`");
    let wrong = |what: &str| Ok(Err(Flaw { kind: Kind::Verification, what: format!("{name} {what}") }));
    let Some(bytes) = read_bounded(&dir.receipt(attempt))? else { return wrong("is far too long") };
    let receipt: Receipt = match json::from_slice(&name, &bytes) {
        Ok(receipt) => receipt,
        Err(e) => return Ok(Err(Flaw { kind: Kind::Verification, what: e.what().to_owned() })),
    };
    if receipt.schema != receipt::SCHEMA {
        return wrong(&format!("has the unknown schema `{}`", receipt.schema));
    }
    if receipt.plan != expected.plan_digest {
        return Err(foreign(&name, "plan"));
    }
    if receipt.scorer != expected.scorer_digest {
        return Err(foreign(&name, "scorer"));
    }
    if let Some(what) = inconsistency(&receipt, attempt, group, &expected.plan.group(group)) {
        return wrong(&what);
    }
    let rows = dir.rows(attempt);
    match fs::metadata(&rows) {
        Ok(m) if m.is_file() && m.len() == receipt.rows.bytes => Ok(Ok(receipt)),
        Ok(m) => wrong(&format!("speaks of {} bytes of rows and the file has {}", receipt.rows.bytes, m.len())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Ok(Err(Flaw { kind: Kind::Environment, what: format!("the rows file of {name} is gone") }))
        }
        Err(e) => Err(Error::io("cannot read", &rows, &e)),
    }
}

fn foreign(name: &str, of: &str) -> Error {
    Error::verification(format!("{name} belongs to another {of}"))
        .hint("move that file away: it was made by another campaign, or before the plan or the scorer changed")
}

/// What is wrong with a receipt of the right plan and scorer.
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
    let file = File::open(path).map_err(refused)?;
    let mut bytes = Vec::new();
    file.take(RECEIPT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(refused)?;
    Ok((bytes.len() as u64 <= RECEIPT_BYTES_MAX).then_some(bytes))
}
