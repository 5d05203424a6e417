//! Looking: what the files of a campaign say. Files are the truth; a scheduler's word is a hint.

pub mod at_work;
pub mod heard;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::campaign::file::Campaign;
use crate::clock::Stopwatch;
use crate::digest::Digest;
use crate::error::Result;
use crate::id::GroupIndex;
use crate::journal::task_time::{TaskTime, Used};
use crate::layout::EntryKind;
use crate::shard::judge::{self, Proven};
use crate::shard::receipt::Counts;
use crate::shard::recover;
use crate::shard::tally::Tally;

/// What a person may want to see while it runs.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Records of the library.
    pub records: u64,
    /// Records that are finished.
    pub finished: u64,
    /// Records that were finished when this driver began.
    pub before: u64,
    /// Shards of the plan, and those that are done.
    pub shards: (u64, u64),
    /// How the records of sealed task groups ended.
    pub sealed: &'a Counts,
    /// Tasks that run now.
    pub running: usize,
    /// How long this driver has been at it.
    pub elapsed: Duration,
}

/// What is known from files so far. Receipts are read once; checkpoints are read on from where they were.
#[derive(Debug)]
pub struct Look<'a> {
    campaign: &'a Campaign,
    plan_digest: Digest,
    scorer: Digest,
    /// Groups without a receipt.
    missing: BTreeSet<GroupIndex>,
    /// What the receipts say.
    sealed: Counts,
    /// Who sealed the others, and when.
    sealers: BTreeMap<GroupIndex, Sealer>,
    /// Rows in checkpoints of groups that have no receipt.
    tallies: BTreeMap<(GroupIndex, PathBuf), Tally>,
    /// What the tasks of a wave had used when that was last looked at, and which wave that was.
    used: Option<(u64, Used, Stopwatch)>,
}

/// What tasks have used is looked at no more often: they write it down once a minute.
const USED_EVERY: Duration = Duration::from_secs(30);

/// The attempt that sealed a task group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealer {
    /// When it began.
    pub started_ms: u64,
    /// When it was done.
    pub finished_ms: u64,
}

/// What the checkpoints of a task group say that has no receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// Finished records; one that several attempts finished counts more than once, up to the group's size.
    pub rows: u64,
    /// When one of them was last written to.
    pub written_ms: u64,
}

impl<'a> Look<'a> {
    /// Nothing known yet.
    ///
    /// # Errors
    /// The campaign has no canonical form: a defect.
    pub fn new(campaign: &'a Campaign) -> Result<Self> {
        Ok(Self {
            campaign,
            plan_digest: campaign.plan.digest()?,
            scorer: campaign.file.identity.scorer.digest()?,
            missing: campaign.plan.all_groups().collect(),
            sealed: Counts::default(),
            sealers: BTreeMap::new(),
            tallies: BTreeMap::new(),
            used: None,
        })
    }

    /// At these task groups alone.
    #[must_use]
    pub fn only(mut self, groups: impl IntoIterator<Item = GroupIndex>) -> Self {
        self.missing = groups.into_iter().collect();
        self
    }

    /// What the `tasks` of `wave` have used, as far as they wrote that down.
    pub fn used(&mut self, wave: u64, tasks: u64) -> Used {
        let known = self.used.filter(|(of, _, since)| *of == wave && since.elapsed() < USED_EVERY);
        let (_, used, _) = known.unwrap_or_else(|| {
            let used = TaskTime::of_wave(&self.campaign.dir, wave, tasks);
            *self.used.insert((wave, used, Stopwatch::start()))
        });
        used
    }

    /// Looks again.
    ///
    /// # Errors
    /// A directory cannot be read (exit 6).
    pub fn refresh(&mut self) -> Result<()> {
        let of = Proven { plan: &self.campaign.plan, plan_digest: self.plan_digest, scorer: self.scorer };
        let mut tallies = BTreeMap::new();
        for group in self.missing.clone() {
            let dir = self.campaign.dir.group(group);
            if let Some(receipt) = judge::find(&of, &dir, group)? {
                self.sealed.include(&receipt.counts);
                let (started_ms, finished_ms) = (receipt.execution.started_ms, receipt.execution.finished_ms);
                self.sealers.insert(group, Sealer { started_ms, finished_ms });
                self.missing.remove(&group);
                continue;
            }
            for attempt in recover::attempts(&dir, EntryKind::Checkpoint)? {
                let at = (group, dir.checkpoint(&attempt));
                let mut tally = self.tallies.remove(&at).unwrap_or_default();
                tally.read_on(&at.1, size(self.campaign, group))?;
                tallies.insert(at, tally);
            }
        }
        self.tallies = tallies;
        Ok(())
    }

    /// Takes the word of a complete pack, where the rows are in it alone.
    pub fn take_from_pack(&mut self, records: Counts) {
        (self.sealed, self.missing) = (records, BTreeSet::new());
    }

    /// Groups without a receipt.
    pub const fn missing(&self) -> &BTreeSet<GroupIndex> {
        &self.missing
    }

    /// How the records of sealed groups ended.
    pub const fn sealed(&self) -> &Counts {
        &self.sealed
    }

    /// Records that are finished: those of sealed groups, and what the checkpoints of the others
    /// hold (a record that several attempts finished may count more than once, up to the group's size).
    pub fn finished(&self) -> u64 {
        self.sealed.total + self.unsealed(|tally| tally.rows)
    }

    /// Records that are finished as ERROR, counted as [`Look::finished`] counts.
    pub fn errors(&self) -> u64 {
        self.sealed.error + self.unsealed(|tally| tally.errors)
    }

    fn unsealed(&self, of: impl Fn(&Tally) -> u64) -> u64 {
        let mut by_group = BTreeMap::new();
        for ((group, _), tally) in &self.tallies {
            let sum: &mut u64 = by_group.entry(*group).or_default();
            *sum = sum.saturating_add(of(tally)).min(size(self.campaign, *group));
        }
        by_group.into_values().sum()
    }

    /// Who sealed `group`, if its receipt was read.
    pub fn sealer(&self, group: GroupIndex) -> Option<Sealer> {
        self.sealers.get(&group).copied()
    }

    /// What the checkpoints of `group` say; none where there is none, or a receipt.
    pub fn begun(&self, group: GroupIndex) -> Option<Begun> {
        let (size, from) = (size(self.campaign, group), (group, PathBuf::new()));
        let mut its = self.tallies.range(from..).take_while(|((of, _), _)| *of == group).map(|(_, tally)| tally);
        let first = its.next()?;
        let sum =
            its.fold((first.rows, first.written_ms), |sum, t| (sum.0.saturating_add(t.rows), sum.1.max(t.written_ms)));
        Some(Begun { rows: sum.0.min(size), written_ms: sum.1 })
    }

    /// When the last checkpoint was written to, or the last task group sealed; 0 if never.
    pub fn written_ms(&self) -> u64 {
        let sealed = self.sealers.values().map(|sealer| sealer.finished_ms);
        sealed.chain(self.tallies.values().map(|tally| tally.written_ms)).max().unwrap_or(0)
    }

    /// Shards of sealed groups.
    pub fn shards_done(&self) -> u64 {
        let plan = &self.campaign.plan;
        let missing: u64 = self.missing.iter().map(|g| plan.group_shards(*g)).map(|s| s.end - s.start).sum();
        plan.shards() - missing
    }
}

/// How many records `group` has.
fn size(campaign: &Campaign, group: GroupIndex) -> u64 {
    let records = campaign.plan.group(group);
    records.end - records.start
}
