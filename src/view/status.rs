//! Status: what the journal and the files say, as facts, and beside it what a scheduler was heard to say.

use std::path::Path;

use serde::Serialize;

use super::cluster::Cluster;
use super::events::{self, Happened};
use super::next;
use super::pace::{self, Basis};
use super::standing::{self, CANCELLING, NO_DRIVER_SEEN, RUNNING};
use super::tries;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal::event::{Entry, Event, PauseCode};
use crate::journal::sign_of_life::{self, Pace, SignOfLife};
use crate::journal::state::{Phase, State};
use crate::layout::{EntryKind, PackDir};
use crate::pack::manifest::Manifest;
use crate::pack::{ATTESTATION, MANIFEST, signal};
use crate::run::look::Look;
use crate::run::look::at_work;
use crate::run::look::heard::Hearing;
use crate::shard::checkpoint::{Frame, Reader};
use crate::shard::receipt::Counts;
use crate::shard::recover;
use crate::signal::Verdict;
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
    /// Its directory, as it was named.
    pub dir: String,
    /// `running`, `no_driver_seen`, `complete`, `cancelling`, `stopped`, `paused` or `failed`.
    pub state: &'static str,
    /// Why, where it is stopped, paused or failed, nobody was seen at it, or nothing follows its wave.
    pub reason: Option<String>,
    /// Why, where it is paused, as one of a closed list of codes.
    pub pause: Option<PauseCode>,
    /// Records a second since the driver at work began, or the first task of the active wave; none where nobody is at work, or
    /// nothing is known yet.
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
    /// What the look-alikes say of the score, once sealed; null where there are none.
    pub score: Option<Score>,
    /// The last event, in milliseconds since the Unix epoch.
    pub last_event_ms: u64,
    /// When a driver was last seen at work: its last event, or its last sign of life.
    pub driver_seen_ms: u64,
    /// The node that the last driver worked on, once one did.
    pub driver_host: Option<String>,
    /// What the pace rests on.
    pub pace: Option<Basis>,
    /// When a result was last written, by the clock of the file system; null before the first.
    pub written_ms: Option<u64>,
    /// Its jobs; null on this machine.
    pub cluster: Option<Cluster>,
    /// The last events, the oldest first.
    pub events: Vec<Happened>,
    /// What can be done next, a sentence each.
    pub next: Vec<String>,
}

/// What the look-alikes say of the score, as `signal.json` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Score {
    /// The verdict on the campaign.
    pub verdict: Verdict,
    /// Why, as a code.
    pub reason: String,
    /// The same and more, in a sentence.
    pub sentence: String,
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
    /// In a task group whose last attempt failed; of the wave that is at work nobody knows yet, and what waits for room or for
    /// somebody has not failed.
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
    pub fn read(campaign: &Campaign, entries: &[Entry], hearing: &Hearing) -> Result<Self> {
        Self::of(campaign, entries, hearing, &mut Look::new(campaign)?, Depth::EveryRow)
    }

    /// As [`Status::read`], reading on from what `look` has seen before; quick enough to be asked again and again. Of what is
    /// not sealed the rows are counted, as they were appended, and those that are not ERROR count as OK.
    ///
    /// # Errors
    /// As [`Status::read`].
    pub fn read_on(campaign: &Campaign, entries: &[Entry], hearing: &Hearing, look: &mut Look<'_>) -> Result<Self> {
        Self::of(campaign, entries, hearing, look, Depth::Tallies)
    }

    fn of(
        campaign: &Campaign,
        entries: &[Entry],
        hearing: &Hearing,
        look: &mut Look<'_>,
        depth: Depth,
    ) -> Result<Self> {
        let state = State::of(entries)?;
        if state.archived {
            look.take_from_pack(manifest(campaign)?.records);
        } else {
            look.refresh()?;
        }
        let (counts, begun) = count(campaign, look, depth)?;
        let pause = if let Phase::Paused { code, .. } = state.phase { code } else { None };
        let driver = Driver::seen(campaign, entries, &state);
        let mut cluster = Cluster::of(campaign, &state, entries, look, hearing)?;
        let active = cluster.as_ref().and_then(Cluster::active).map(|(wave, _)| (wave.number, wave.tasks));
        let used = active.map(|(wave, tasks)| look.used(wave, tasks)).unwrap_or_default();
        let tried =
            active.filter(|_| depth == Depth::EveryRow).and_then(|of| tries::of_wave(&campaign.dir, of.0, of.1));
        cluster.iter_mut().for_each(|cluster| cluster.note_tries(used.restarts, tried.clone()));
        let (word, reason) = standing::of(campaign, &state, entries, hearing, clock::unix_ms());
        let pace = match &cluster {
            _ if word != RUNNING => None,
            Some(cluster) => pace::of_wave(campaign, &state, entries, look, cluster),
            None => driver.basis(),
        };
        let (records_per_s, left_s) = speed(pace, campaign.plan.records.saturating_sub(counts.total), cluster.as_ref());
        let is_signed = PackDir::new(campaign.dir.pack()).member(ATTESTATION).exists();
        Ok(Self {
            schema: SCHEMA,
            campaign: campaign.file.identity.name.clone(),
            dir: campaign.dir.root().display().to_string(),
            state: word,
            reason,
            pause,
            records_per_s,
            left_s,
            pace: pace.filter(|_| records_per_s.is_some()),
            core_hours: units::core_hours(state.core_ms.saturating_add(driver.core_ms).saturating_add(used.core_ms)),
            core_hours_max: campaign.file.execution.core_ms_max.map(units::core_hours),
            shards: Shards::of(campaign, &state, look, &begun, (word, cluster.as_ref())),
            records: Records { total: campaign.plan.records, ok: counts.ok, skip: counts.skip, error: counts.error },
            reasons: counts.reasons,
            next: next::commands(campaign.dir.root(), &state.phase, of_people(word), is_signed),
            events: events::last(entries, EVENTS),
            score: score(campaign, state.payload.is_some()),
            payload_digest: state.payload,
            last_event_ms: state.last_ms,
            written_ms: Some(look.written_ms()).filter(|ms| *ms > 0),
            driver_seen_ms: driver.seen_ms,
            driver_host: driver.host,
            cluster,
        })
    }

    /// Notes that the pack with this payload digest was brought to another machine, and is signed there.
    pub fn note_signature_elsewhere(&mut self, payload: &str) {
        if self.state == "complete" && self.payload_digest.as_deref() == Some(payload) {
            self.next = next::commands(Path::new(&self.dir), &Phase::Complete, next::There::Nobody, true);
        }
    }

    /// Whether it is not over: somebody is, or should be, at work.
    pub fn is_open(&self) -> bool {
        [RUNNING, NO_DRIVER_SEEN].contains(&self.state)
    }

    /// Records that are finished.
    pub const fn finished(&self) -> u64 {
        self.records.ok + self.records.skip + self.records.error
    }
}

impl Shards {
    /// Those of `campaign`, of which the task groups `begun` were begun and have no receipt, and whose state is `word`.
    fn of(
        campaign: &Campaign,
        state: &State,
        look: &Look<'_>,
        begun: &[GroupIndex],
        (word, cluster): (&str, Option<&Cluster>),
    ) -> Self {
        let plan = &campaign.plan;
        let shards = |group: &GroupIndex| plan.group_shards(*group).end - plan.group_shards(*group).start;
        let is_failed = |group: &&GroupIndex| has_failed(state, **group);
        // Where nobody is at work, what was begun does not run, whatever the journal has not seen the end of; and where the
        // scheduler was heard, only its tasks do.
        let at_work = cluster.and_then(|cluster| cluster.at_work.as_ref());
        let is_running = |group: &&GroupIndex| {
            let runs = at_work.is_none_or(|at_work| at_work.contains(group));
            word == RUNNING && state.active.is_some() && runs
        };
        Self {
            total: plan.shards(),
            done: look.shards_done(),
            running: begun.iter().filter(is_running).map(shards).sum(),
            failed: look.missing().iter().filter(is_failed).map(shards).sum(),
        }
    }
}

/// Records a second, and seconds until the `left` ones are done, as far as `pace` tells.
fn speed(pace: Option<Basis>, left: u64, cluster: Option<&Cluster>) -> (Option<f64>, Option<f64>) {
    let records_per_s = pace.and_then(|pace| pace.records_per_s());
    // What waits for somebody is not done at any pace.
    let idle = cluster.is_some_and(Cluster::is_idle);
    let is_told = !idle && pace.is_some_and(|pace| pace.tells_the_end(left));
    (records_per_s, records_per_s.filter(|_| is_told).map(|rate| left as f64 / rate))
}

/// What the look-alikes say of the score of `campaign`, if it is sealed. A file that cannot be read is for `verify` to tell of.
fn score(campaign: &Campaign, is_sealed: bool) -> Option<Score> {
    let signal = if is_sealed { signal::in_directory(&campaign.dir.pack()).ok().flatten() } else { None };
    signal.map(|it| Score { verdict: it.verdict, sentence: it.sentence(), reason: it.reason })
}

/// What the pack of a campaign says whose rows were archived.
fn manifest(campaign: &Campaign) -> Result<Manifest> {
    let path = PackDir::new(campaign.dir.pack()).member(MANIFEST);
    Manifest::read(&fs::read_plain(&path).map_err(|e| Error::io("cannot read", &path, &e))?)
}

/// What the word means to people who ask what they can do.
fn of_people(word: &str) -> next::There {
    match word {
        RUNNING => next::There::Somebody,
        CANCELLING => next::There::Unheard,
        _ => next::There::Nobody,
    }
}

/// Whether the last attempt at `group` failed. What is submitted again has not failed yet, and what ended because it waits for
/// somebody has not failed at all.
fn has_failed(state: &State, group: GroupIndex) -> bool {
    let waits = matches!(state.phase, Phase::Paused { code: Some(PauseCode::DiskFull | PauseCode::Retry), .. });
    !waits && state.active.is_none() && state.failures.contains_key(&group)
}

/// Events that are told.
const EVENTS: usize = 5;

/// How closely rows are looked at that are not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// Each one, once: how it ended, and why.
    EveryRow,
    /// As many as were appended, and errors among them.
    Tallies,
}

/// How all finished records ended, and the groups without a receipt that were begun.
fn count(campaign: &Campaign, look: &Look<'_>, depth: Depth) -> Result<(Counts, Vec<GroupIndex>)> {
    let mut counts = look.sealed().clone();
    let mut begun = Vec::new();
    for group in look.missing() {
        let is_begun = match depth {
            Depth::EveryRow => count_unsealed(campaign, *group, &mut counts)?,
            Depth::Tallies => look.begun(*group).is_some(),
        };
        begun.extend(is_begun.then_some(*group));
    }
    if depth == Depth::Tallies {
        let (total, error) = (look.finished().min(campaign.plan.records), look.errors());
        let ok = total.saturating_sub(counts.skip + error);
        counts = Counts { total, ok, error, ..counts };
    }
    Ok((counts, begun))
}

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

    /// What its pace rests on.
    fn basis(&self) -> Option<Basis> {
        let pace = self.pace?;
        Some(Basis { since: "driver", finished: pace.finished, elapsed_s: pace.elapsed_ms as f64 / 1e3 })
    }
}

/// Counts the rows in the checkpoints of a group without receipt, each record once; whether there is any checkpoint.
fn count_unsealed(campaign: &Campaign, group: GroupIndex, counts: &mut Counts) -> Result<bool> {
    let dir = campaign.dir.group(group);
    let attempts = recover::attempts(&dir, EntryKind::Checkpoint)?;
    let mut seen = std::collections::BTreeSet::new();
    let records = campaign.plan.group(group);
    for attempt in &attempts {
        let Some(reader) = Reader::open(&dir.checkpoint(attempt), records.end - records.start)? else { continue };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::state::Wave;

    #[test]
    fn what_is_worked_on_again_or_waits_for_somebody_has_not_failed() {
        let failed = State { failures: [(GroupIndex(3), 1)].into(), ..State::default() };
        assert!(has_failed(&failed, GroupIndex(3)) && !has_failed(&failed, GroupIndex(4)));
        let wave = Wave { number: 2, tag: "t".into(), job: None, finished: 0 };
        assert!(!has_failed(&State { active: Some(wave), ..failed.clone() }, GroupIndex(3)));
        let paused = |code| State { phase: Phase::Paused { reason: String::new(), code }, ..failed.clone() };
        assert!(!has_failed(&paused(Some(PauseCode::DiskFull)), GroupIndex(3)));
        assert!(!has_failed(&paused(Some(PauseCode::Retry)), GroupIndex(3)));
        assert!(has_failed(&paused(Some(PauseCode::Rounds)), GroupIndex(3)));
    }
}
