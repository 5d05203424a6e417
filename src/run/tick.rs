//! A tick: what a campaign on a cluster does when a wave has ended and nobody is there (promise P6).
//!
//! Fold the journal, look, decide, record, act, until there is nothing left to do now: then the work is in the
//! queue, and behind it the next tick. A tick may be called at any time, by anybody, any number of times.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, Job, JobId, JobTag, TaskState};

use super::driver::{Driven, Driver, Settings, Step, refused};
use super::policy::Pause;
use super::submission::Followed;
use super::{finish, mid_wave, scheduler, submission};
use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::gather;
use crate::journal::event::{Entry, Event, PauseCode};
use crate::journal::state::{Phase, State, Tick};
use crate::journal::{self, Journal};
use crate::pack::seal::SealedPack;
use crate::stop::Stop;

/// How often a tick looks at what has just ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long whoever took over from a tick may take until the next one is in the queue, beside what settles.
const SUCCESSOR_PATIENCE: Duration = Duration::from_secs(30);

/// What a tick came to.
#[derive(Debug)]
pub enum Ticked {
    /// The work is in the queue, and the next tick behind it.
    InQueue,
    /// Every record is there, and the pack is sealed.
    Sealed(Box<SealedPack>),
    /// It is finished, or was stopped, before: nothing was done.
    Nothing(Phase),
    /// It was stopped.
    Stopped,
    /// It waits for somebody.
    Paused(Pause),
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person: what failed is forgiven, and rounds are counted anew.
    Person,
    /// The tick of this round, or nobody that was submitted.
    Tick(Option<u64>),
    /// What looks at a wave while it runs.
    Look,
    /// What stands in for the tick of this round, which did not end well.
    StandIn {
        /// The round.
        round: u64,
        /// The job of that tick.
        instead_of: u64,
    },
}

/// Does all that can be done now, and seals the pack when all is there. On a full disk the campaign waits for room.
///
/// # Errors
/// As [`super::driver::drive`] and [`finish::seal`].
pub fn tick(campaign: &Campaign, caller: Caller, program: &Path) -> Result<Ticked> {
    let cluster = campaign.file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| {
        Error::usage(format!("`{}` runs on this machine: it has no ticks", campaign.dir.root().display()))
            .hint("`molsieve resume` goes on with it")
    })?;
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    if caller != Caller::Person && state.phase != Phase::Active {
        return Ok(Ticked::Nothing(state.phase));
    }
    finish::can_write(&campaign.file.identity)?;
    let mut adapter = scheduler::open(&campaign.file.execution, cluster, caller.patience())?;
    let ticked = step(campaign, caller, program, adapter.as_mut(), &state);
    if !matches!(ticked, Ok(Ticked::InQueue)) {
        mid_wave::end_if_over(campaign, adapter.as_mut());
    }
    ticked
}

fn step(
    campaign: &Campaign,
    caller: Caller,
    program: &Path,
    adapter: &mut dyn Adapter,
    state: &State,
) -> Result<Ticked> {
    if caller == Caller::Look {
        // First of all: should this one die, the next goes on.
        let is_tended = mid_wave::is_tended(campaign, adapter, state)?;
        mid_wave::follow(campaign, adapter, state, program)?;
        if is_tended {
            return Ok(Ticked::InQueue);
        }
    }
    if let Caller::StandIn { round, instead_of } = caller {
        match end_of_tick(campaign, adapter, round, instead_of)? {
            // `molsieve cancel` did it, and somebody has started the campaign again since.
            TaskState::Cancelled if was_stopped_after(&journal::read(&campaign.dir)?.entries, round) => {
                return Ok(Ticked::Nothing(state.phase.clone()));
            }
            TaskState::Cancelled => return stopped_with_its_tick(campaign, adapter).map(|()| Ticked::Stopped),
            // Somebody had taken over from it, and goes on; unless they died of the same, say.
            TaskState::Checkpointed if is_gone_on_with(campaign, adapter)? => {
                return Ok(Ticked::Nothing(state.phase.clone()));
            }
            _ => {}
        }
    }
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    // Somebody may have cancelled it in between; who takes over later than this is seen by the journal.
    let phase = State::of(&history.entries)?.phase;
    if caller != Caller::Person && phase != Phase::Active {
        return Ok(Ticked::Nothing(phase));
    }
    // Nobody is heard here: a signal means this process (a preemption, a time limit), not the campaign. Killed anywhere,
    // it is done again; `cancel` is what stops a campaign.
    let stop = Stop::new();
    finish::reserve(campaign);
    let tasks = campaign.file.execution.cluster.as_ref().map_or(1, scheduler::tasks);
    let settings = Settings { program: program.to_path_buf(), tasks, stop, watch: &mut |_| {} };
    let driver = Driver::new(campaign, &mut journal, &history, adapter, settings)?;
    let ticked = go(driver, caller).and_then(|driven| close(campaign, &mut journal, driven));
    let ticked = match ticked {
        Err(full) if full.kind() == Kind::Full => {
            finish::pause_for_room(campaign, &journal, &full).map(Ticked::Paused).map_err(|_| full)
        }
        other => other,
    };
    finish::free_reserve(campaign, &journal);
    ticked
}

fn close(campaign: &Campaign, journal: &mut Journal, driven: Option<Driven>) -> Result<Ticked> {
    match driven {
        None => Ok(Ticked::InQueue),
        Some(Driven::Stopped) => Ok(Ticked::Stopped),
        Some(Driven::Paused(pause)) => {
            if pause.code == PauseCode::CoreHours {
                finish::drain(campaign, journal, None)?;
            }
            Ok(Ticked::Paused(pause))
        }
        Some(Driven::Ready) => {
            let closed = finish::close(campaign, journal, None, gather::Missing::Refuse)?;
            Ok(Ticked::Sealed(Box::new(closed.sealed)))
        }
    }
}

/// Whether the campaign was stopped when the tick of `round` was in the queue, or later.
fn was_stopped_after(entries: &[Entry], round: u64) -> bool {
    let later = entries
        .iter()
        .rev()
        .take_while(|entry| !matches!(entry.event, Event::TickIntended { round: intended, .. } if intended == round));
    later.into_iter().any(|entry| matches!(entry.event, Event::Stopped { .. }))
}

/// What became of the tick that another stands in for.
fn end_of_tick(campaign: &Campaign, adapter: &mut dyn Adapter, round: u64, job: u64) -> Result<TaskState> {
    let job = Job { id: JobId(job.to_string()), tag: submission::tick_tag(campaign, round)? };
    let known = adapter.poll(&[job]).map_err(|e| refused(&e))?;
    Ok(known.into_values().next().map_or(TaskState::Unknown, |report| report.state))
}

/// Whether whoever took over from a tick goes on: the campaign is over, or a tick is in the queue, or comes into it while there
/// is patience. Nobody's word is taken for it, since a successor may have died before it did anything. Should one be at work all
/// the same, it sees that it is succeeded, and ends.
fn is_gone_on_with(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<bool> {
    let settle = campaign.file.execution.cluster.as_ref().map_or(Duration::ZERO, Cluster::settle);
    let waiting = Stopwatch::start();
    loop {
        let state = State::of(&journal::read(&campaign.dir)?.entries)?;
        if state.phase != Phase::Active || is_tick_in_queue(&state, adapter)? {
            return Ok(true);
        }
        if waiting.elapsed() >= settle + SUCCESSOR_PATIENCE {
            return Ok(false);
        }
        adapter.wait(LOOK_EVERY);
    }
}

/// Whether the tick that the journal speaks of waits or runs.
fn is_tick_in_queue(state: &State, adapter: &mut dyn Adapter) -> Result<bool> {
    let Some(Tick { tag, job: Some(job), .. }) = state.tick.clone() else { return Ok(false) };
    let known = adapter.poll(&[Job { id: JobId(job), tag: JobTag(tag) }]).map_err(|e| refused(&e))?;
    Ok(known.values().any(|tick| matches!(tick.state, TaskState::Pending | TaskState::Held | TaskState::Running)))
}

/// Somebody cancelled the tick at the scheduler: that stops the campaign, and with it what is at work.
fn stopped_with_its_tick(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<()> {
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    journal.record(Event::Stopped { reason: "its tick was cancelled at the scheduler".to_owned() })?;
    cancel_jobs(campaign, adapter, &State::of(&history.entries)?)
}

/// Step after step; none if the work is in the queue.
fn go(mut driver: Driver<'_>, caller: Caller) -> Result<Option<Driven>> {
    match caller {
        Caller::Person => driver.start()?,
        Caller::Tick(_) | Caller::Look | Caller::StandIn { .. } => {
            let round = caller.round();
            let (molsieve, host) = (env!("CARGO_PKG_VERSION").to_owned(), crate::host::name());
            driver.by_itself = true;
            driver.record(Event::Ticked { round, molsieve, host })?;
            driver.begin()?;
        }
    }
    loop {
        match driver.step()? {
            Step::Acted => {}
            Step::Over(driven) => return Ok(Some(driven)),
            // (A wave that was taken back is waited for.)
            Step::Wait if driver.has_tasks_in_queue() && !driver.cancelled => {
                if driver.by_itself {
                    mid_wave::let_go(&mut driver)?;
                }
                let is_followed = driver.may_submit().is_err() || is_followed(&mut driver)?;
                match if is_followed { Followed::Yes } else { submission::follow(&mut driver)? } {
                    Followed::Yes => {
                        let Driver { campaign, state, settings, adapter, .. } = &mut driver;
                        mid_wave::follow(campaign, *adapter, state, &settings.program)?;
                        return Ok(None);
                    }
                    Followed::Withdrawn => {}
                    Followed::Refused(pause) => {
                        driver.pause(&pause)?;
                        return Ok(Some(Driven::Paused(pause)));
                    }
                }
            }
            Step::Wait => driver.adapter.wait(LOOK_EVERY),
        }
    }
}

/// Asks the scheduler to end all jobs of a campaign that was cancelled: first what would follow.
///
/// # Errors
/// The scheduler cannot be reached (exit 5).
pub fn cancel(campaign: &Campaign) -> Result<()> {
    let Some(cluster) = campaign.file.execution.cluster.as_ref() else { return Ok(()) };
    let mut adapter = scheduler::open(&campaign.file.execution, cluster, Caller::Person.patience())?;
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    cancel_jobs(campaign, adapter.as_mut(), &state)
}

/// Cancels the looks, the tick of `state`, what stands in for it, and the wave. They are found by their tags: a number may be
/// another job's by now, on a cluster that was set up anew, and of what was only intended nobody knows one.
fn cancel_jobs(campaign: &Campaign, adapter: &mut dyn Adapter, state: &State) -> Result<()> {
    let mut tags = Vec::new();
    // First what would stand in for the tick: that it was cancelled is what it waits for.
    if state.ticks > 0 {
        tags.push(submission::stand_in_tag(campaign, state.ticks)?);
    }
    tags.extend(state.tick.as_ref().map(|tick| JobTag(tick.tag.clone())));
    tags.extend(state.active.as_ref().map(|wave| JobTag(wave.tag.clone())));
    let mut jobs = Vec::new();
    for tag in &tags {
        jobs.extend(adapter.find(tag).map_err(|e| refused(&e))?);
    }
    // What stands in for a tick does this too, and has to come to its end.
    let own = scheduler::inside(&campaign.file.execution).map(|own| own.name().to_owned());
    jobs.retain(|job| Some(&job.0) != own.as_ref());
    mid_wave::end(campaign, adapter)?;
    adapter.cancel(&jobs).map_err(|e| refused(&e))
}

impl Caller {
    /// How long a scheduler that does not answer is asked again: nobody else would, after a tick.
    const fn patience(self) -> Duration {
        match self {
            Self::Person => Duration::from_secs(60),
            Self::Tick(_) | Self::Look | Self::StandIn { .. } => Duration::from_secs(30 * 60),
        }
    }

    const fn round(self) -> Option<u64> {
        match self {
            Self::Person | Self::Look => None,
            Self::Tick(round) => round,
            Self::StandIn { round, .. } => Some(round),
        }
    }
}

/// Whether a tick is in the queue. One that nobody knows is struck out.
fn is_followed(driver: &mut Driver<'_>) -> Result<bool> {
    let Some(Tick { round, tag, job }) = driver.state.tick.clone() else { return Ok(false) };
    let tag = JobTag(tag);
    let job = match job {
        Some(job) => Some(JobId(job)),
        None => driver.adapter.find(&tag).map_err(|e| refused(&e))?.pop(),
    };
    if let Some(id) = job {
        let known = driver.adapter.poll(&[Job { id: id.clone(), tag }]).map_err(|e| refused(&e))?;
        let is_held = known.values().any(|tick| {
            tick.state == TaskState::Held && tick.reason.as_ref().is_some_and(|why| driver.adapter.is_own_hold(why))
        });
        if is_held && driver.by_itself {
            mid_wave::heard(driver.adapter.release(&id, &[]))?;
        }
        if known.values().any(|tick| matches!(tick.state, TaskState::Pending | TaskState::Held | TaskState::Running)) {
            if driver.state.tick.as_ref().is_some_and(|tick| tick.job.is_none()) {
                driver.record(Event::TickSubmitted { round, job: id.0 })?;
            }
            return Ok(true);
        }
    }
    driver.record(Event::TickLost { round, what: "the scheduler does not know it any more".to_owned() })?;
    Ok(false)
}
