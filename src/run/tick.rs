//! A tick: what a campaign on a cluster does when a wave has ended and nobody is there (promise P6).
//!
//! Fold the journal, look, decide, record, act, until there is nothing left to do now: then the work is in the
//! queue, and behind it the next tick. A tick may be called at any time, by anybody, any number of times.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, Job, JobId, JobTag, TaskState};

use super::driver::{Driven, Driver, Settings, Step, refused};
use super::policy::Pause;
use super::{finish, mid_wave, scheduler, submission};
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::gather;
use crate::journal::event::{Event, PauseCode};
use crate::journal::state::{Phase, State, Tick};
use crate::journal::{self, Journal};
use crate::pack::seal::SealedPack;
use crate::stop::Stop;

/// How often a tick looks at what has just ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

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
    let ticked = match step(campaign, caller, program, adapter.as_mut(), &state) {
        Err(full) if full.kind() == Kind::Full => {
            let (journal, _) = Journal::take_over(&campaign.dir)?;
            finish::pause_for_room(campaign, &journal, &full).map(Ticked::Paused)
        }
        ticked => ticked,
    };
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
            TaskState::Cancelled => return stopped_with_its_tick(campaign, adapter).map(|()| Ticked::Stopped),
            // Somebody had taken over from it, and goes on.
            TaskState::Checkpointed => return Ok(Ticked::Nothing(state.phase.clone())),
            _ => {}
        }
    }
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    // Somebody may have stopped it while the scheduler was asked.
    let phase = State::of(&history.entries)?.phase;
    if caller != Caller::Person && phase != Phase::Active {
        return Ok(Ticked::Nothing(phase));
    }
    // Nobody is heard here: a signal means this process (a preemption, a time limit), not the campaign. Killed anywhere,
    // it is done again; `cancel` is what stops a campaign.
    let stop = Stop::new();
    let tasks = campaign.file.execution.cluster.as_ref().map_or(1, scheduler::tasks);
    let settings = Settings { program: program.to_path_buf(), tasks, stop, watch: &mut |_| {} };
    let driver = Driver::new(campaign, &mut journal, &history, adapter, settings)?;
    let Some(driven) = go(driver, caller)? else { return Ok(Ticked::InQueue) };
    match driven {
        Driven::Stopped => Ok(Ticked::Stopped),
        Driven::Paused(pause) => {
            if pause.code == PauseCode::CoreHours {
                drain(campaign, &mut journal)?;
            }
            Ok(Ticked::Paused(pause))
        }
        Driven::Ready => {
            let sealed = finish::seal(campaign, gather::Missing::Refuse)?;
            finish::note_sealed(&mut journal, &sealed)?;
            Ok(Ticked::Sealed(Box::new(sealed)))
        }
    }
}

/// The budget is used up: what is sealed becomes an INCOMPLETE pack.
fn drain(campaign: &Campaign, journal: &mut Journal) -> Result<()> {
    match finish::seal(campaign, gather::Missing::Allow) {
        Ok(sealed) => finish::note_sealed(journal, &sealed),
        // Not one task group is complete: what is finished is in the checkpoints, and there is nothing to pack.
        Err(e) if e.kind() == Kind::Incomplete => Ok(()),
        Err(e) => Err(e),
    }
}

/// What became of the tick that another stands in for.
fn end_of_tick(campaign: &Campaign, adapter: &mut dyn Adapter, round: u64, job: u64) -> Result<TaskState> {
    let job = Job { id: JobId(job.to_string()), tag: submission::tick_tag(campaign, round)? };
    let known = adapter.poll(&[job]).map_err(|e| refused(&e))?;
    Ok(known.into_values().next().map_or(TaskState::Unknown, |report| report.state))
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
                let no_room = if is_followed { None } else { submission::submit_tick(&mut driver)? };
                let Some(what) = no_room else {
                    let Driver { campaign, state, settings, adapter, .. } = &mut driver;
                    mid_wave::follow(campaign, *adapter, state, &settings.program)?;
                    return Ok(None);
                };
                submission::withdraw_wave(&mut driver, &what)?;
            }
            Step::Wait => driver.adapter.wait(LOOK_EVERY),
        }
    }
}

/// Asks the scheduler to end all jobs of a campaign that was cancelled: the tick first, so that nothing follows.
///
/// # Errors
/// The scheduler cannot be reached (exit 5).
pub fn cancel(campaign: &Campaign) -> Result<()> {
    let Some(cluster) = campaign.file.execution.cluster.as_ref() else { return Ok(()) };
    let mut adapter = scheduler::open(&campaign.file.execution, cluster, Caller::Person.patience())?;
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    cancel_jobs(campaign, adapter.as_mut(), &state)
}

/// Cancels the tick of `state`, what stands in for it, the wave, and the looks. What was intended, and of which nobody wrote down the
/// job, is found by its tag.
fn cancel_jobs(campaign: &Campaign, adapter: &mut dyn Adapter, state: &State) -> Result<()> {
    let mut jobs = Vec::new();
    let mut add = |job: Option<&String>, tag: JobTag, adapter: &mut dyn Adapter| match job {
        Some(job) => {
            jobs.push(JobId(job.clone()));
            Ok(())
        }
        None => adapter.find(&tag).map(|found| jobs.extend(found)).map_err(|e| refused(&e)),
    };
    if let Some(tick) = &state.tick {
        add(tick.job.as_ref(), JobTag(tick.tag.clone()), adapter)?;
    }
    if state.ticks > 0 {
        add(None, submission::stand_in_tag(campaign, state.ticks)?, adapter)?;
    }
    if let Some(wave) = &state.active {
        add(wave.job.as_ref(), JobTag(wave.tag.clone()), adapter)?;
    }
    // First, since a stand-in that stops the campaign is among the others.
    let ended = mid_wave::end(campaign, adapter);
    adapter.cancel(&jobs).map_err(|e| refused(&e)).and(ended)
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
