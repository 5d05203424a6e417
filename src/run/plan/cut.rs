//! Cutting: how large shards are, with or without a pilot, and what task groups are expected to cost.

use crate::campaign::config::ShardSize;
use crate::campaign::file::{Campaign, Execution};
use crate::campaign::identity::Identity;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::AttemptId;
use crate::journal::event::Event;
use crate::journal::state::State;
use crate::journal::{self, Journal};
use crate::layout::CampaignDir;
use crate::library::snapshot::Snapshot;
use crate::pilot::{self, Request, Subject};
use crate::scorer::open::Here;
use crate::shard::plan::Plan;

/// What decides how a library is cut.
#[derive(Clone, Copy, Debug)]
pub(in crate::run) struct Cutting<'a> {
    /// Where this process is.
    pub here: &'a Here,
    /// How large shards are to be.
    pub shards: ShardSize,
    /// A pilot that was asked for.
    pub pilot: Option<Request>,
}

/// The plan for `identity`. Where there is a pilot, its findings are in it.
///
/// # Errors
/// As [`pilot::measure`].
pub(in crate::run) fn cut(
    how: &Cutting<'_>,
    dir: &CampaignDir,
    identity: &Identity,
    execution: &Execution,
    library: &Snapshot,
) -> Result<Plan> {
    let whole = |shard_records| Plan::new(identity.digest()?, library.records(), shard_records);
    let request = match (how.pilot, how.shards) {
        (None, ShardSize::Records(records)) => return whole(records),
        (asked, _) => asked.unwrap_or_default(),
    };
    fs::create_dir(&dir.logs())?;
    let post = execution.post(how.here, identity.seed, dir.scorer_stderr(&AttemptId::random()?))?;
    let subject = Subject { library, scorer: &identity.scorer, launch: &execution.scorer };
    let mut findings = pilot::measure(&subject, &post, request)?;
    let mut plan = whole(match how.shards {
        ShardSize::Records(records) => records,
        ShardSize::Target(target) => findings.pilot.records_in(target).min(library.records()),
    })?;
    plan.classes = Some(findings.classes(&plan)?);
    plan.pilot = Some(findings.pilot);
    Ok(plan)
}

/// Cuts a campaign anew that is planned and on which no work has begun.
///
/// # Errors
/// Work has begun: receipts and checkpoints name the plan (exit 2). Else as [`cut`].
pub(in crate::run) fn again(how: &Cutting<'_>, campaign: Campaign) -> Result<Campaign> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    if state.waves > 0 {
        let root = campaign.dir.root().display();
        return Err(Error::usage(format!("the campaign in `{root}` has begun, and its plan is fixed"))
            .hint("give the pilot a directory of its own with `--dir`")
            .hint(format!("`molsieve status {root}` says how far this one is")));
    }
    let (mut journal, _) = Journal::take_over(&campaign.dir)?;
    let library = Snapshot::open(&campaign.dir.library_named(&campaign.file.execution.library))?;
    let plan = cut(how, &campaign.dir, &campaign.file.identity, &campaign.file.execution, &library)?;
    journal.record(Event::Planned { campaign: campaign.file.identity.digest()?, plan: plan.digest()? })?;
    Campaign::create(campaign.dir, campaign.file, plan)
}
