//! A campaign's jobs on a cluster: its waves and its tick, what runs, what waits and for what.
//!
//! What is done, the files say. What waits or runs, and why, is the scheduler's word, where it was heard.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::next;
use super::tries::FailedTries;
use crate::campaign::file::Campaign;
use crate::campaign::kind::SchedulerKind;
use crate::clock;
use crate::error::Result;
use crate::id::GroupIndex;
use crate::journal::event::{Entry, Event};
use crate::journal::state::{Phase, State};
use crate::run::look::Look;
use crate::run::look::heard::{Beside, Element, Heard, Hearing, Stand};
use crate::run::parcel;
use crate::run::wave;
use crate::scheduler::{self, Binding};

/// So many waves are told of, the last ones.
const WAVES_MAX: usize = 20;

/// A task that runs so long, and others beside it, may be called a straggler.
const JUDGED_AFTER_MS: u64 = 60_000;

/// A straggler is so many times slower than the middle one of those that run.
const BEHIND: f64 = 3.0;

/// So many tasks have to run before one of them can be behind the others.
const OTHERS_MIN: usize = 4;

/// So many tasks are named in a command; of more, the whole job is.
const NAMED_MAX: usize = 5;

/// The jobs of a campaign.
#[derive(Clone, Debug, Serialize)]
pub struct Cluster {
    /// The scheduler, and whether it was heard.
    pub scheduler: Scheduler,
    /// The last waves, in order.
    pub waves: Vec<WaveFacts>,
    /// The tick that follows.
    pub tick: Option<TickFacts>,
    /// Whether the tick before is at work, by the scheduler's word.
    pub tick_at_work: bool,
    /// What does the step of the tick, should that fail; null where the scheduler was not heard, or has none.
    pub stand_in: Option<BesideFacts>,
    /// What looks at the wave while it runs; null where the scheduler was not heard, or has none.
    pub look: Option<BesideFacts>,
    /// Where nodes share no files with us: how many tasks of the active wave returned something that no tick or look has taken in
    /// yet. Null where they write to our files themselves.
    pub returned: Option<u64>,
    /// Tries of tasks of the active wave that failed, by the logs of the tasks; null where none is known of, and where it is asked again
    /// and again.
    pub failed_tries: Option<FailedTries>,
    /// What waits, by what it waits for: first what waits for somebody.
    pub waiting: Vec<Wait>,
    /// What runs.
    pub running: Vec<Running>,
    /// The task groups of what runs; none where the scheduler was not heard.
    #[serde(skip)]
    pub at_work: Option<BTreeSet<GroupIndex>>,
}

/// Whether a scheduler was heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scheduler {
    /// Its name, as in a campaign file.
    pub name: SchedulerKind,
    /// Whether it answered; null where there was nothing to ask.
    pub heard: Option<bool>,
    /// Why not, if it did not.
    pub why: Option<String>,
    /// When it answered, in milliseconds since the Unix epoch.
    pub at_ms: Option<u64>,
}

/// A wave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WaveFacts {
    /// Its number, from 1.
    pub number: u64,
    /// The scheduler's name for it, once accepted.
    pub job: Option<String>,
    /// `intended`, `submitted`, `refused` or `ended`, by the journal.
    pub state: &'static str,
    /// Its tasks, and their task groups.
    pub tasks: u64,
    /// See `tasks`.
    pub groups: u64,
    /// When it was submitted.
    pub submitted_ms: Option<u64>,
    /// When the journal noted its end.
    pub ended_ms: Option<u64>,
    /// Tasks that ended otherwise than with everything done; known at its end.
    pub failed: u64,
    /// How far it is; null once it has ended.
    pub now: Option<WaveNow>,
}

/// How far the active wave is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WaveNow {
    /// Task groups that are sealed.
    pub groups_done: u64,
    /// Tasks of which every task group is sealed.
    pub tasks_done: u64,
    /// Tasks that have begun, by their files, and are not done.
    pub tasks_begun: u64,
    /// How often its tasks ended at a checkpoint for want of time, and were put back into the queue.
    pub restarts: u64,
    /// What the scheduler says, where it was heard.
    pub queue: Option<Queue>,
}

/// Tasks by what the scheduler says of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// They wait for their turn.
    pub waiting: u64,
    /// They wait for somebody.
    pub held: u64,
    /// They run.
    pub running: u64,
    /// They have ended, however.
    pub ended: u64,
    /// The scheduler does not know them.
    pub unknown: u64,
}

/// The tick that goes on when the wave has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TickFacts {
    /// Its number.
    pub round: u64,
    /// The scheduler's name for it, once accepted.
    pub job: Option<String>,
    /// `waiting`, `held`, `running` or `ended`, where the scheduler was heard and knows it.
    pub state: Option<&'static str>,
}

/// A small job beside a wave and its tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BesideFacts {
    /// The scheduler's name for it.
    pub job: String,
    /// `waiting`, `held`, `running` or `ended`.
    pub state: &'static str,
    /// When it started, or is expected to.
    pub start_ms: Option<u64>,
}

impl BesideFacts {
    fn of(beside: &Beside) -> Self {
        let Element { stand, start_ms, .. } = beside.element;
        Self { job: beside.job.clone(), state: word(stand), start_ms }
    }
}

/// Tasks that wait for the same thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wait {
    /// The scheduler's word for what; null where it has not said yet.
    pub reason: Option<String>,
    /// The scheduler's name for the job.
    pub job: String,
    /// Whether it is the tick.
    pub tick: bool,
    /// How many tasks.
    pub tasks: u64,
    /// Whether they wait for somebody.
    pub held: bool,
    /// What the word means, where that is known.
    pub what: Option<String>,
    /// What can be done about it.
    pub hint: Option<String>,
    /// When the first is expected to start.
    pub start_ms: Option<u64>,
}

/// A task that runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Running {
    /// The scheduler's name for it.
    pub element: String,
    /// Its position in the wave.
    pub task: u64,
    /// Its node.
    pub node: Option<String>,
    /// Since when.
    pub since_ms: Option<u64>,
    /// Its task groups, as in `launch/wave-N.tasks`.
    pub groups: String,
    /// Their records, and how many are finished.
    pub records: u64,
    /// See `records`.
    pub finished: u64,
    /// When a result of it was last written; null before the first.
    pub written_ms: Option<u64>,
    /// Whether it is far behind the others.
    pub straggler: bool,
}

impl Cluster {
    /// What the journal, the files and the scheduler say; none where the campaign runs on this machine.
    ///
    /// # Errors
    /// A file cannot be read (exit 6).
    pub fn of(
        campaign: &Campaign,
        state: &State,
        entries: &[Entry],
        look: &Look<'_>,
        hearing: &Hearing,
    ) -> Result<Option<Self>> {
        if campaign.file.execution.cluster.is_none() {
            return Ok(None);
        }
        let (heard, dir) = (hearing.heard(), campaign.dir.root().display().to_string());
        let binding = scheduler::of(campaign.file.execution.scheduler)?;
        let mut waves = waves(entries);
        waves.drain(..waves.len().saturating_sub(WAVES_MAX));
        let (mut running, mut waiting, mut at_work) = (Vec::new(), Vec::new(), None);
        if let Some(active) = &state.active {
            let tasks = tasks_of(campaign, active.number)?;
            if let Some(facts) = waves.last_mut().filter(|wave| wave.number == active.number) {
                facts.now = Some(now(&tasks, facts.tasks, look, heard));
            }
            if let (Some(job), Some(heard)) = (&active.job, heard) {
                running = running_tasks(campaign, binding, job, &tasks, look, heard);
                at_work = Some(groups_of(&running, &tasks));
                // (What is not seen is not slow.)
                if !parcel::is_carried(campaign) {
                    mark_stragglers(&mut running, clock::unix_ms());
                }
                waiting = waits(&dir, binding, job, false, &heard.wave, heard);
            }
        }
        let returned = returned(campaign, state);
        // One that was cancelled with the campaign is in the journal for ever.
        let tick = state.tick.as_ref().filter(|_| state.phase == Phase::Active);
        let element = heard.and_then(|heard| heard.tick.as_ref());
        if let (Some(job), Some(heard), Some(element)) = (tick.and_then(|tick| tick.job.as_ref()), heard, element) {
            waiting.extend(waits(&dir, binding, job, true, std::slice::from_ref(element), heard));
        }
        waiting.sort_by_key(|wait| (!wait.held, wait.tick, std::cmp::Reverse(wait.tasks)));
        let state = element.map(|element| word(element.stand));
        let beside = |which: fn(&Heard) -> Option<&Beside>| heard.and_then(which).map(BesideFacts::of);
        Ok(Some(Self {
            scheduler: Scheduler::of(campaign.file.execution.scheduler, hearing),
            waves,
            tick: tick.map(|tick| TickFacts { round: tick.round, job: tick.job.clone(), state }),
            tick_at_work: heard.is_some_and(|heard| heard.tick_at_work),
            stand_in: beside(|heard| heard.stand_in.as_ref()),
            look: beside(|heard| heard.look.as_ref()),
            returned,
            failed_tries: None,
            waiting,
            running,
            at_work,
        }))
    }

    /// Whether it is known that nothing of the active wave runs.
    pub fn is_idle(&self) -> bool {
        self.active().and_then(|(_, now)| now.queue).is_some_and(|queue| queue.running == 0)
    }

    /// Notes what the tasks of the active wave wrote down.
    pub fn note_tries(&mut self, restarts: u64, failed: Option<FailedTries>) {
        self.failed_tries = failed;
        self.waves.iter_mut().filter_map(|wave| wave.now.as_mut()).for_each(|now| now.restarts = restarts);
    }

    /// The wave that has not ended.
    pub fn active(&self) -> Option<(&WaveFacts, &WaveNow)> {
        self.waves.iter().find_map(|wave| Some((wave, wave.now.as_ref()?)))
    }
}

/// See [`Cluster::returned`].
fn returned(campaign: &Campaign, state: &State) -> Option<u64> {
    let wave = state.active.as_ref().filter(|_| parcel::is_carried(campaign))?;
    Some(parcel::returned::waiting(&campaign.dir, wave.number))
}

impl Running {
    /// Seconds that are left of it at its own pace; none before that can be told.
    pub fn left_s(&self, now_ms: u64) -> Option<f64> {
        let ran_ms = now_ms.saturating_sub(self.since_ms?);
        let left = self.records.saturating_sub(self.finished) as f64;
        (ran_ms >= JUDGED_AFTER_MS && self.finished > 0).then(|| left * ran_ms as f64 / 1e3 / self.finished as f64)
    }
}

impl Scheduler {
    fn of(name: SchedulerKind, hearing: &Hearing) -> Self {
        let (heard, why, at_ms) = match hearing {
            Hearing::NoNeed => (None, None, None),
            Hearing::NotAsked => (Some(false), Some("it was not asked".to_owned()), None),
            Hearing::Silence(why) => (Some(false), Some(why.clone()), None),
            Hearing::Heard(heard) => (Some(true), None, Some(heard.at_ms)),
        };
        Self { name, heard, why, at_ms }
    }
}

/// The task groups of each task of a wave; none where it was intended, and its file never written.
fn tasks_of(campaign: &Campaign, number: u64) -> Result<Vec<Vec<GroupIndex>>> {
    if campaign.dir.wave_tasks(number).exists() { wave::read(&campaign.dir, number) } else { Ok(Vec::new()) }
}

/// All waves that the journal knows.
fn waves(entries: &[Entry]) -> Vec<WaveFacts> {
    let mut waves: BTreeMap<u64, WaveFacts> = BTreeMap::new();
    for Entry { at_ms, event, .. } in entries {
        match event {
            Event::WaveIntended { wave, tasks, groups, .. } => {
                let (number, tasks, groups) = (*wave, *tasks, *groups);
                waves.insert(number, WaveFacts { number, state: "intended", tasks, groups, ..WaveFacts::default() });
            }
            Event::WaveSubmitted { wave, job } => {
                let Some(wave) = waves.get_mut(wave) else { continue };
                (wave.state, wave.job) = ("submitted", Some(job.clone()));
                wave.submitted_ms = wave.submitted_ms.or(Some(*at_ms));
            }
            Event::WaveRefused { wave, .. } | Event::WaveEnded { wave, .. } => {
                let Some(wave) = waves.get_mut(wave) else { continue };
                wave.state = if matches!(event, Event::WaveEnded { .. }) { "ended" } else { "refused" };
                wave.ended_ms = Some(*at_ms);
            }
            Event::TaskFailed { wave, .. } => {
                let Some(wave) = waves.get_mut(wave) else { continue };
                wave.failed += 1;
            }
            _ => {}
        }
    }
    waves.into_values().collect()
}

/// How far a wave of `count` tasks is.
fn now(tasks: &[Vec<GroupIndex>], count: u64, look: &Look<'_>, heard: Option<&Heard>) -> WaveNow {
    let mut now = WaveNow::default();
    for groups in tasks {
        let done = groups.iter().filter(|group| !look.missing().contains(group)).count();
        let is_begun = done > 0 || groups.iter().any(|group| look.begun(*group).is_some());
        now.groups_done += done as u64;
        now.tasks_done += u64::from(done == groups.len());
        now.tasks_begun += u64::from(is_begun && done < groups.len());
    }
    now.queue = heard.map(|heard| {
        let how_many = |stand| heard.wave.iter().filter(|element| element.stand == stand).count() as u64;
        Queue {
            waiting: how_many(Stand::Waiting),
            held: how_many(Stand::Held),
            running: how_many(Stand::Running),
            ended: how_many(Stand::Ended),
            unknown: count.saturating_sub(heard.wave.len() as u64),
        }
    });
    now
}

fn running_tasks(
    campaign: &Campaign,
    binding: &dyn Binding,
    job: &str,
    tasks: &[Vec<GroupIndex>],
    look: &Look<'_>,
    heard: &Heard,
) -> Vec<Running> {
    let one = |element: &Element| {
        let groups = usize::try_from(element.task).ok().and_then(|task| tasks.get(task)).map_or(&[][..], Vec::as_slice);
        let (mut records, mut finished, mut written_ms) = (0, 0, 0);
        for group in groups {
            let range = campaign.plan.group(*group);
            let size = range.end - range.start;
            let (rows, at_ms) = match (look.sealer(*group), look.begun(*group)) {
                (Some(sealer), _) => (size, sealer.finished_ms),
                (None, begun) => begun.map_or((0, 0), |begun| (begun.rows, begun.written_ms)),
            };
            records += size;
            finished += rows;
            written_ms = written_ms.max(at_ms);
        }
        Running {
            element: binding.task_name(job, element.task),
            task: element.task,
            node: element.node.clone(),
            since_ms: element.start_ms,
            groups: wave::ranges(groups),
            records,
            finished,
            written_ms: Some(written_ms).filter(|ms| *ms > 0),
            straggler: false,
        }
    };
    heard.wave.iter().filter(|element| element.stand == Stand::Running).map(one).collect()
}

/// The task groups of the tasks that run.
fn groups_of(running: &[Running], tasks: &[Vec<GroupIndex>]) -> BTreeSet<GroupIndex> {
    let groups = running.iter().filter_map(|task| tasks.get(usize::try_from(task.task).ok()?));
    groups.flatten().copied().collect()
}

/// Marks what is far behind the middle one of those that run: it has finished a smaller part of its records a second. What
/// earlier attempts finished counts too, so this is a hint.
fn mark_stragglers(running: &mut [Running], now_ms: u64) {
    let rate = |task: &Running| {
        let ran_ms = now_ms.saturating_sub(task.since_ms?);
        (ran_ms >= JUDGED_AFTER_MS && task.records > 0)
            .then(|| task.finished as f64 / task.records as f64 / ran_ms as f64)
    };
    let mut rates: Vec<f64> = running.iter().filter_map(rate).collect();
    if rates.len() < OTHERS_MIN {
        return;
    }
    rates.sort_by(f64::total_cmp);
    let middle = rates[rates.len() / 2];
    for task in running {
        task.straggler = rate(task).is_some_and(|rate| rate * BEHIND < middle);
    }
}

/// What of `elements`, tasks of `job`, waits, by its reason.
fn waits(dir: &str, binding: &dyn Binding, job: &str, is_tick: bool, elements: &[Element], heard: &Heard) -> Vec<Wait> {
    let mut by_reason: BTreeMap<(bool, Option<String>), Vec<&Element>> = BTreeMap::new();
    for element in elements.iter().filter(|element| matches!(element.stand, Stand::Waiting | Stand::Held)) {
        by_reason.entry((element.stand == Stand::Held, element.reason.clone())).or_default().push(element);
    }
    let one = |((held, reason), elements): ((bool, Option<String>), Vec<&Element>)| {
        let meaning = reason.as_ref().and_then(|reason| heard.meanings.get(reason));
        let tasks: Vec<u64> = elements.iter().map(|element| element.task).collect();
        let tasks = if is_tick || tasks.len() > NAMED_MAX { &[][..] } else { &tasks };
        let names = binding.named(job, tasks);
        let start_ms = elements.iter().filter_map(|element| element.start_ms).min();
        let hint =
            meaning.map(|meaning| meaning.hint.replace("{task}", &names).replace("{job}", &scheduler::whole(job)));
        let hint = hint.map(|hint| next::with_dir(&hint, dir));
        let what = meaning.map(|meaning| meaning.what.to_owned());
        let (tasks, job) = (elements.len() as u64, job.to_owned());
        Wait { reason, job, tick: is_tick, tasks, held, what, hint, start_ms }
    };
    by_reason.into_iter().map(one).collect()
}

const fn word(stand: Stand) -> &'static str {
    match stand {
        Stand::Waiting => "waiting",
        Stand::Held => "held",
        Stand::Running => "running",
        Stand::Ended => "ended",
    }
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
