//! `provenance.json`: who computed what, when and where. Facts of this execution, never of the payload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{UnixMs, rfc3339};
use crate::gather::Gathered;
use crate::gather::survey::Sealed;
use crate::id::{AttemptId, GroupIndex};
use crate::scorer::PoolFacts;
use crate::shard::plan::Plan;

/// Schema of [`Provenance`].
pub const SCHEMA: &str = "molsieve.provenance.v1";

/// The facts of one execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// [`SCHEMA`].
    pub schema: String,
    /// Shards and task groups.
    pub plan: Plan,
    /// When the first sealed attempt started, RFC 3339.
    pub started: String,
    /// When the last one ended, RFC 3339.
    pub finished: String,
    /// How many task groups each host sealed.
    pub hosts: BTreeMap<String, u64>,
    /// How many task groups each processor model sealed.
    pub cpus: BTreeMap<String, u64>,
    /// How many task groups each version of molsieve sealed.
    pub versions: BTreeMap<String, u64>,
    /// What all sealed attempts' pools went through.
    pub pool: PoolFacts,
    /// Attempts that sealed the same rows as another.
    pub twins: u64,
    /// How many files of the best records were kept; they are no part of the pack.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept_files: u64,
    /// What did not go as it should and does not change the payload, a sentence each.
    pub discrepancies: Vec<String>,
    /// Every task group, in order.
    pub groups: Vec<GroupFacts>,
    /// What the campaign and its journal say.
    pub campaign: serde_json::Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Who sealed one task group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFacts {
    /// The task group.
    pub group: GroupIndex,
    /// The attempt whose rows are in the payload.
    pub attempt: AttemptId,
    /// Node name.
    pub host: String,
    /// The scheduler and its own name for the task.
    pub scheduler: String,
    /// Start, milliseconds since the Unix epoch.
    pub started_ms: UnixMs,
    /// End, milliseconds since the Unix epoch.
    pub finished_ms: UnixMs,
    /// Records of the task group.
    pub records: u64,
    /// Records that this attempt scored itself; the others were in earlier checkpoints.
    pub scored: u64,
}

impl Provenance {
    /// Condenses the receipts of a gathered result; `campaign` is kept as it is.
    pub fn new(gathered: &Gathered, plan: &Plan, campaign: serde_json::Value) -> Self {
        let groups = &gathered.groups;
        let executions = || groups.iter().map(|g| &g.receipt.execution);
        let count = |names: &mut dyn Iterator<Item = &String>| {
            let mut counts = BTreeMap::new();
            names.for_each(|name| *counts.entry(name.clone()).or_default() += 1);
            counts
        };
        let mut pool = PoolFacts::default();
        executions().for_each(|e| pool.include(&e.pool));
        Self {
            schema: SCHEMA.to_owned(),
            plan: plan.clone(),
            started: rfc3339(executions().map(|e| e.started_ms).min().unwrap_or(0)),
            finished: rfc3339(executions().map(|e| e.finished_ms).max().unwrap_or(0)),
            hosts: count(&mut executions().map(|e| &e.host)),
            cpus: count(&mut executions().map(|e| &e.cpu)),
            versions: count(&mut executions().map(|e| &e.molsieve)),
            pool,
            twins: groups.iter().map(|g| g.twins.len() as u64).sum(),
            kept_files: (groups.iter().filter_map(|g| g.receipt.files.as_ref()))
                .fold(0, |sum, files| sum.saturating_add(files.files)),
            discrepancies: groups.iter().flat_map(discrepancies).collect(),
            groups: groups.iter().map(GroupFacts::of).collect(),
            campaign,
        }
    }
}

impl GroupFacts {
    fn of(sealed: &Sealed) -> Self {
        let receipt = &sealed.receipt;
        Self {
            group: receipt.group,
            attempt: receipt.attempt.clone(),
            host: receipt.execution.host.clone(),
            scheduler: receipt.execution.scheduler.clone(),
            started_ms: receipt.execution.started_ms,
            finished_ms: receipt.execution.finished_ms,
            records: receipt.counts.total,
            scored: receipt.execution.scored,
        }
    }
}

/// What did not go as it should at one task group.
fn discrepancies(sealed: &Sealed) -> Vec<String> {
    let (group, attempt) = (sealed.receipt.group, &sealed.receipt.attempt);
    let differing = sealed.differing.iter();
    let mut all: Vec<String> =
        differing.map(|twin| format!("attempt `{group}/{twin}` came to other rows than `{attempt}`")).collect();
    all.extend(sealed.unusable.iter().map(|why| format!("not used: {why}")));
    all
}
