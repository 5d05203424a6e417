//! Status: what the journal and the files say, as facts. No scheduler is asked.

use serde::Serialize;

use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal;
use crate::journal::event::{Entry, Event, PauseCode};
use crate::journal::sign_of_life::{self, Pace, SignOfLife};
use crate::journal::state::{Phase, State};
use crate::layout::{EntryKind, PackDir};
use crate::pack::MANIFEST;
use crate::pack::manifest::Manifest;
use crate::run::at_work::{self, AtWork};
use crate::run::look::Look;
use crate::shard::checkpoint::{Frame, Reader};
use crate::shard::receipt::Counts;
use crate::shard::recover;
use crate::units;

/// Schema of [`Status`].
pub const SCHEMA: &str = "molsieve.status.v1";

/// How far a campaign is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The campaign's name.
    pub campaign: String,
    /// `running`, `no_driver_seen`, `complete`, `stopped`, `paused` or `failed`.
    pub state: &'static str,
    /// Why, where it is paused or failed, or nobody was seen at it.
    pub reason: Option<String>,
    /// Why, where it is paused, as one of a closed list of codes.
    pub pause: Option<PauseCode>,
    /// Records a second since the driver at work began; none where nobody is at work, or nothing is known yet.
    pub records_per_s: Option<f64>,
    /// Seconds that are left at that pace.
    pub left_s: Option<f64>,
    /// Core time that its tasks have used, in core-hours, over all drivers.
    pub core_hours: f64,
    /// The core-hours after which it drains.
    pub core_hours_max: Option<f64>,
    /// Its shards.
    pub shards: Shards,
    /// Its records.
    pub records: Records,
    /// How many finished records have which reason code.
    pub reasons: std::collections::BTreeMap<String, u64>,
    /// The payload digest, once sealed.
    pub payload_digest: Option<String>,
    /// The last event, in milliseconds since the Unix epoch.
    pub last_event_ms: u64,
    /// When a driver was last seen at work: its last event, or its last sign of life.
    pub driver_seen_ms: u64,
    /// The node that the last driver worked on, once one did.
    pub driver_host: Option<String>,
}

/// Shards, by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shards {
    /// All.
    pub total: u64,
    /// In a task group that has its receipt.
    pub done: u64,
    /// In a task group of the active wave that has begun and has no receipt yet.
    pub running: u64,
    /// In a task group whose last attempt failed.
    pub failed: u64,
}

/// Records, by how they ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Records {
    /// All of the library.
    pub total: u64,
    /// Finished, scored.
    pub ok: u64,
    /// Finished, not applicable.
    pub skip: u64,
    /// Finished, failed.
    pub error: u64,
}

impl Status {
    /// Reads the journal, the receipts, and the checkpoints of what is not sealed.
    ///
    /// # Errors
    /// Something cannot be read (exit 6), or the journal's chain is broken (exit 4).
    pub fn read(campaign: &Campaign) -> Result<Self> {
        let entries = journal::read(&campaign.dir)?.entries;
        let state = State::of(&entries)?;
        let mut look = Look::new(campaign)?;
        if state.archived {
            look.take_from_pack(manifest(campaign)?.records);
        } else {
            look.refresh()?;
        }
        let mut counts = look.sealed().clone();
        let mut begun = Vec::new();
        for group in look.missing() {
            if count_unsealed(campaign, *group, &mut counts)? {
                begun.push(*group);
            }
        }
        let plan = &campaign.plan;
        let shards = |group: &GroupIndex| plan.group_shards(*group).end - plan.group_shards(*group).start;
        let is_failed = |group: &&GroupIndex| state.failures.contains_key(group);
        let failed = look.missing().iter().filter(is_failed).map(shards).sum();
        let pause = if let Phase::Paused { code, .. } = state.phase { code } else { None };
        let driver = Driver::seen(campaign, &entries, &state);
        let (word, reason) = word_of(&state.phase, AtWork::on(campaign, &state));
        // Where nobody is at work, what was begun does not run, whatever the journal has not seen the end of.
        let is_running = |group: &&GroupIndex| word == RUNNING && state.active.is_some() && !is_failed(group);
        let running = begun.iter().filter(is_running).map(shards).sum();
        let records_per_s = driver.pace.filter(|_| word == RUNNING).and_then(|pace| pace.records_per_s());
        let left = plan.records.saturating_sub(counts.total) as f64;
        Ok(Self {
            schema: SCHEMA,
            campaign: campaign.file.identity.name.clone(),
            state: word,
            reason,
            pause,
            records_per_s,
            left_s: records_per_s.map(|rate| left / rate),
            core_hours: units::core_hours(state.core_ms.saturating_add(driver.core_ms)),
            core_hours_max: campaign.file.execution.core_ms_max.map(units::core_hours),
            shards: Shards { total: plan.shards(), done: look.shards_done(), running, failed },
            records: Records { total: plan.records, ok: counts.ok, skip: counts.skip, error: counts.error },
            reasons: counts.reasons,
            payload_digest: state.payload,
            last_event_ms: state.last_ms,
            driver_seen_ms: driver.seen_ms,
            driver_host: driver.host,
        })
    }

    /// Records that are finished.
    pub const fn finished(&self) -> u64 {
        self.records.ok + self.records.skip + self.records.error
    }
}

/// What the pack of a campaign says whose rows were archived.
fn manifest(campaign: &Campaign) -> Result<Manifest> {
    let path = PackDir::new(campaign.dir.pack()).member(MANIFEST);
    Manifest::read(&fs::read_plain(&path).map_err(|e| Error::io("cannot read", &path, &e))?)
}

/// The word for a campaign that somebody is at.
const RUNNING: &str = "running";

/// What is known of the last driver.
struct Driver {
    host: Option<String>,
    seen_ms: u64,
    /// How fast it goes, once it said so.
    pace: Option<Pace>,
    /// Core time that it used and that is not in the journal, in core-milliseconds.
    core_ms: u64,
}

impl Driver {
    /// What the journal and its sign of life say. A sign that an earlier driver left is not its own.
    fn seen(campaign: &Campaign, entries: &[Entry], state: &State) -> Self {
        let last = |is: fn(&Event) -> bool| entries.iter().rev().find(|entry| is(&entry.event));
        let began = last(|event| matches!(event, Event::DriverStarted { .. } | Event::Ticked { .. }));
        let host = began.and_then(|entry| match &entry.event {
            Event::DriverStarted { host, .. } | Event::Ticked { host, .. } => Some(host.clone()),
            _ => None,
        });
        let sign = SignOfLife::last(&campaign.dir);
        let own = sign.filter(|sign| began.is_some_and(|began| began.at_ms <= sign.at_ms));
        let pace = own.and_then(|sign| sign.pace);
        let core_ms = sign_of_life::uncounted_core_ms(&campaign.dir, entries);
        Self { host, seen_ms: at_work::seen_ms(campaign, state), pace, core_ms }
    }
}

fn word_of(phase: &Phase, who: AtWork) -> (&'static str, Option<String>) {
    if let AtWork::Silent(seconds) = who {
        let reason = format!("no sign of a driver for {seconds} s: if it is dead, `molsieve resume` goes on");
        return ("no_driver_seen", Some(reason));
    }
    match phase {
        Phase::Planned => ("stopped", Some("planned, and not started yet".to_owned())),
        Phase::Active => (RUNNING, None),
        Phase::Stopped => ("stopped", None),
        Phase::Paused { reason, .. } => ("paused", Some(reason.clone())),
        Phase::Failed { what, .. } => ("failed", Some(what.clone())),
        Phase::Complete => ("complete", None),
    }
}

/// Counts the rows in the checkpoints of a group without receipt, each record once; whether there is any checkpoint.
fn count_unsealed(campaign: &Campaign, group: GroupIndex, counts: &mut Counts) -> Result<bool> {
    let dir = campaign.dir.group(group);
    let attempts = recover::attempts(&dir, EntryKind::Checkpoint)?;
    let mut seen = std::collections::BTreeSet::new();
    for attempt in &attempts {
        let Some(reader) = Reader::open(&dir.checkpoint(attempt))? else { continue };
        for frame in reader {
            let Frame::Rows(rows) = frame else { continue };
            for (index, meta) in rows.metas().iter().enumerate() {
                // With a single attempt no record can be there twice, and memory need not grow.
                if attempts.len() == 1 || seen.insert(meta.ordinal) {
                    counts.add(meta.outcome, rows.reason(index));
                }
            }
        }
    }
    Ok(!attempts.is_empty())
}
