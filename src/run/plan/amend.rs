//! What may change between two drivers of one campaign: scheduler, resources and limits, and nothing that is frozen.
//!
//! A change goes to the journal first and then to the execution part of `campaign.json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, Job, JobId, JobTag, TaskState};
use serde_json::{Map, Value as Json};

use crate::campaign::file::{Campaign, Execution};
use crate::campaign::kind::SchedulerKind;
use crate::campaign::launch::Launch;
use crate::campaign::scheduler::{ALLOCATIONS, Cluster, SchedulerSection};
use crate::campaign::site::SiteProfile;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State, Wave};
use crate::journal::task_time::TaskTime;
use crate::patience::Patience;
use crate::run::wave;
use crate::scheduler::{self, refused};
use crate::scorer::identity::ScorerLaunch;

/// What becomes of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Off,
    /// It is this from now on.
    At(T),
}

impl<T: Copy> Limit<T> {
    fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Off => None,
            Self::At(new) => Some(new),
        }
    }
}

/// How long the scheduler that is left may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a campaign goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    scheduler: SchedulerKind,
    cluster: Option<Cluster>,
    launch: Option<Launch>,
    /// What the site gives a task that is not given anything else.
    memory_mib: Option<u64>,
    walltime_s: Option<u64>,
}

impl Place {
    /// At the site that `reference` stands for, a path from `base` or a name.
    ///
    /// # Errors
    /// As [`SiteProfile::find`] and [`scheduler::cluster`].
    pub fn site(reference: &str, base: &Path) -> Result<Self> {
        let profile = SiteProfile::find(reference, base)?;
        let section = SchedulerSection { site: Some(profile.name.clone()), ..profile.scheduler_section()? };
        let resources = profile.resources_section()?;
        Ok(Self {
            cluster: scheduler::cluster(&section, base)?,
            launch: section.launch()?,
            scheduler: section.kind()?,
            memory_mib: resources.memory_mib()?,
            walltime_s: resources.walltime_s()?,
        })
    }

    /// On the scheduler `kind`, without the words of any site; a task has `ranks`, where somebody says how many.
    ///
    /// # Errors
    /// It cannot do without them (exit 2).
    pub fn scheduler(kind: SchedulerKind, ranks: Option<u32>) -> Result<Self> {
        let section = SchedulerSection { ranks, ..SchedulerSection::of(kind) };
        let (cluster, launch) = (section.cluster()?, section.launch()?);
        Ok(Self { scheduler: kind, cluster, launch, memory_mib: None, walltime_s: None })
    }
}

/// What somebody wants otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Where it goes on.
    pub place: Option<Place>,
    /// Ranks a task.
    pub ranks: Option<u32>,
    /// Cores a task.
    pub cpus: Option<u32>,
    /// Memory a task, in MiB.
    pub memory_mib: Limit<u64>,
    /// Time limit a task, in seconds.
    pub walltime_s: Limit<u64>,
    /// Share of ERROR rows that pauses the campaign, in millionths.
    pub max_error_ppm: Limit<u64>,
    /// Core time that drains the campaign, in core-milliseconds.
    pub core_ms_max: Limit<u64>,
    /// The time that one request to a command scorer may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How long a command scorer may ask to retry without any result, in milliseconds.
    pub retry_patience_ms: Option<u64>,
}

impl Changes {
    /// Whether they say what a task gets.
    pub fn are_of_resources(&self) -> bool {
        let (memory, walltime) = (self.memory_mib != Limit::Keep, self.walltime_s != Limit::Keep);
        memory || walltime || self.ranks.is_some() || self.cpus.is_some()
    }

    /// The execution as it is wanted.
    ///
    /// # Errors
    /// A change means nothing to this scorer (exit 2).
    pub fn applied_to(&self, execution: &Execution) -> Result<Execution> {
        let mut new = execution.clone();
        if let Some(place) = &self.place {
            // What is said of a cluster stays where only its scheduler is said again.
            if place.cluster.as_ref().is_none_or(|to| to.site.is_some()) || place.scheduler != new.scheduler {
                new.cluster.clone_from(&place.cluster);
                new.launch.clone_from(&place.launch);
            }
            new.scheduler = place.scheduler;
            new.memory_mib = new.memory_mib.or(place.memory_mib);
            new.walltime_s = new.walltime_s.or(place.walltime_s);
        }
        if let Some(ranks) = self.ranks {
            launched(&mut new, ranks)?;
        }
        new.cpus = self.cpus.unwrap_or(new.cpus);
        new.memory_mib = self.memory_mib.over(new.memory_mib);
        new.walltime_s = self.walltime_s.over(new.walltime_s);
        new.max_error_ppm = self.max_error_ppm.over(new.max_error_ppm);
        new.core_ms_max = self.core_ms_max.over(new.core_ms_max);
        let patience = [self.timeout_ms, self.retry_patience_ms];
        match &mut new.scorer {
            ScorerLaunch::Command(command) => {
                command.timeout_ms = self.timeout_ms.unwrap_or(command.timeout_ms);
                command.retry_patience_ms = self.retry_patience_ms.unwrap_or(command.retry_patience_ms);
            }
            _ if patience.iter().any(Option::is_some) => {
                return Err(Error::usage("`--timeout` and `--retry-patience` mean nothing to a built-in scorer")
                    .hint("leave them away: a built-in scorer is never waited for"));
            }
            _ => {}
        }
        scheduler::check(&new)?;
        Ok(new)
    }
}

/// Makes a task of `new` a launch of so many ranks; where it was one already, what else is said of that stays.
fn launched(new: &mut Execution, ranks: u32) -> Result<()> {
    if !new.scheduler.launches() {
        return Err(Error::usage(format!(
            "a task of `kind = \"{}\"` is one process, and no launch of ranks",
            new.scheduler
        ))
        .hint(format!("`--scheduler mpi --ranks {ranks}` goes on with ranks on this machine")));
    }
    let launch = match &new.launch {
        Some(launch) => Some(launch.with_ranks(ranks)?),
        None => SchedulerSection { ranks: Some(ranks), ..SchedulerSection::of(new.scheduler) }.launch()?,
    };
    if let Some(cluster) = new.cluster.as_mut().filter(|_| new.launch.is_none()) {
        cluster.tasks_max = cluster.tasks_max.or(Some(ALLOCATIONS));
    }
    new.launch = launch;
    Ok(())
}

/// Gives `campaign` another execution. Where that changes anything, its journal is taken over first.
///
/// # Errors
/// It leaves a cluster with its jobs in the queue (exit 2), or one that does not answer (exit 5); the journal cannot be
/// taken over (exit 4 or 6), or the system refuses (exit 6).
pub fn amend(mut campaign: Campaign, execution: Execution) -> Result<Campaign> {
    if campaign.file.execution == execution {
        return Ok(campaign);
    }
    let changes = told(&campaign.file.execution, &execution);
    let left = left_behind(&campaign, &execution)?;
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    if let Some(then) = left {
        let now = State::of(&history.entries)?;
        if (&now.active, &now.tick) != (&then.active, &then.tick) {
            return Err(Error::new(Kind::Stopped, "somebody else went on with the campaign meanwhile")
                .hint("`molsieve status` says what it does now; then say this again"));
        }
        for event in leaving(&campaign, now) {
            journal.record(event)?;
        }
    }
    if !changes.is_empty() {
        journal.record(Event::Amended { changes })?;
    }
    campaign.file.execution = execution;
    campaign.rewrite()?;
    Ok(campaign)
}

/// The state at which a cluster is left with the move to `new`, where one is that the journal says something of.
fn left_behind(campaign: &Campaign, new: &Execution) -> Result<Option<State>> {
    let old = &campaign.file.execution;
    // On this machine a driver sees that it is succeeded, and its tasks end with it.
    let Some(cluster) = &old.cluster else { return Ok(None) };
    if old.scheduler == new.scheduler && new.cluster.as_ref().is_some_and(|to| to.site == cluster.site) {
        return Ok(None);
    }
    let state = State::of(&crate::journal::read(&campaign.dir)?.entries)?;
    if state.active.is_none() && state.tick.is_none() {
        return Ok(None);
    }
    let dir = campaign.dir.root().display();
    match scheduler::open(old, cluster, PATIENCE, &Patience::default())
        .and_then(|mut adapter| in_queue(adapter.as_mut(), &state))
    {
        Ok(None) => {}
        Ok(Some(job)) => {
            return Err(Error::usage(format!(
                "job {job} of this campaign is in the queue of the cluster that it leaves"
            ))
            .hint(format!("`molsieve cancel {dir}` stops it at a checkpoint; when it has ended, say this again")));
        }
        // Its jobs were asked to end while it answered, and what one of them still finishes does no harm.
        Err(_) if state.phase == Phase::Stopped => {}
        Err(away) => {
            return Err(Error::new(
                Kind::Scheduler,
                format!("whether jobs of this campaign are in the queue that it leaves is not known: {}", away.what()),
            )
            .hint(format!("`molsieve cancel {dir}`, on a machine of the cluster that it leaves, stops them"))
            .hint("once it is cancelled there, it goes on anywhere"));
        }
    }
    Ok(Some(state))
}

/// What ends with a move: the wave and the tick of the cluster that is left.
fn leaving(campaign: &Campaign, state: State) -> Vec<Event> {
    let ended = |wave: Wave| {
        let tasks = wave::read(&campaign.dir, wave.number).map_or(0, |tasks| tasks.len() as u64);
        Event::WaveEnded {
            wave: wave.number,
            core_ms: Some(TaskTime::of_wave(&campaign.dir, wave.number, tasks).core_ms),
        }
    };
    let wave = state.active.map(ended);
    let what = "the campaign left its cluster".to_owned();
    wave.into_iter().chain(state.tick.map(|tick| Event::TickLost { round: tick.round, what })).collect()
}

/// A job of the campaign that waits or runs.
fn in_queue(adapter: &mut dyn Adapter, state: &State) -> Result<Option<JobId>> {
    let tick = state.tick.as_ref().map(|tick| (&tick.tag, &tick.job));
    for (tag, id) in state.active.as_ref().map(|wave| (&wave.tag, &wave.job)).into_iter().chain(tick) {
        let tag = JobTag(tag.clone());
        let id = match id {
            Some(id) => Some(JobId(id.clone())),
            None => adapter.find(&tag).map_err(|e| refused(&e))?.pop(),
        };
        let Some(id) = id else { continue };
        let known = adapter.poll(&[Job { id: id.clone(), tag }]).map_err(|e| refused(&e))?;
        if known.values().any(|task| matches!(task.state, TaskState::Pending | TaskState::Held | TaskState::Running)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// What differs, as "old → new".
fn told(old: &Execution, new: &Execution) -> BTreeMap<String, String> {
    let with_site = |execution: &Execution| {
        let mut told = execution.told();
        let site = execution.cluster.as_ref().and_then(|cluster| cluster.site.clone());
        told.extend(site.map(|site| ("site".to_owned(), Json::from(site))));
        told
    };
    let (old, new) = (with_site(old), with_site(new));
    let word = |of: &Map<String, Json>, key: &String| of.get(key).cloned().unwrap_or_default().to_string();
    let keys = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key));
    keys.map(|key| (key.clone(), format!("{} → {}", word(&old, key), word(&new, key)))).collect()
}
