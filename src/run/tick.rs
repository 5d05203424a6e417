//! A tick: what a campaign on a cluster does when a wave has ended and nobody is there (promise P6).
//!
//! Fold the journal, look, decide, record, act, until there is nothing left to do now: then the work is in the
//! queue, and behind it the next tick. A tick may be called at any time, by anybody, any number of times.

use std::path::PathBuf;
use std::time::Duration;

use molsieve_adapters::{Job, JobId, JobTag, TaskState};

use super::driver::{Driven, Driver, Settings, Step, refused};
use super::policy::Pause;
use super::{finish, scheduler, submission};
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::gather;
use crate::journal::event::Event;
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
}

/// Does all that can be done now, and seals the pack when all is there.
///
/// # Errors
/// As [`super::driver::drive`] and [`finish::seal`].
pub fn tick(campaign: &Campaign, caller: Caller, program: PathBuf) -> Result<Ticked> {
    let cluster = campaign.file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| {
        Error::usage(format!("`{}` runs on this machine: it has no ticks", campaign.dir.root().display()))
            .hint("`molsieve resume` goes on with it")
    })?;
    if let (Caller::Tick(_), phase) = (caller, State::of(&journal::read(&campaign.dir)?.entries)?.phase)
        && phase != Phase::Active
    {
        return Ok(Ticked::Nothing(phase));
    }
    finish::can_write(&campaign.file.identity)?;
    let mut adapter = scheduler::open(&campaign.file.execution, cluster, caller.patience())?;
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    // Nobody is heard here: a signal means this process (a preemption, a time limit), not the campaign. Killed anywhere,
    // it is done again; `cancel` is what stops a campaign.
    let stop = Stop::new();
    let settings = Settings { program, tasks: scheduler::tasks(cluster), stop, watch: &mut |_| {} };
    let driver = Driver::new(campaign, &mut journal, &history, adapter.as_mut(), settings)?;
    let Some(driven) = go(driver, caller)? else { return Ok(Ticked::InQueue) };
    match driven {
        Driven::Stopped => Ok(Ticked::Stopped),
        Driven::Paused(pause) => Ok(Ticked::Paused(pause)),
        Driven::Ready => {
            let sealed = finish::seal(campaign, gather::Missing::Refuse)?;
            finish::note_sealed(&mut journal, &sealed)?;
            Ok(Ticked::Sealed(Box::new(sealed)))
        }
    }
}

/// Step after step; none if the work is in the queue.
fn go(mut driver: Driver<'_>, caller: Caller) -> Result<Option<Driven>> {
    match caller {
        Caller::Person => driver.start()?,
        Caller::Tick(round) => {
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
                if driver.may_submit().is_err() || is_followed(&mut driver)? {
                    return Ok(None);
                }
                match submission::submit_tick(&mut driver)? {
                    None => return Ok(None),
                    Some(what) => submission::withdraw_wave(&mut driver, &what)?,
                }
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
    let jobs = [state.tick.and_then(|tick| tick.job), state.active.and_then(|wave| wave.job)];
    let jobs: Vec<JobId> = jobs.into_iter().flatten().map(JobId).collect();
    adapter.cancel(&jobs).map_err(|e| refused(&e))
}

impl Caller {
    /// How long a scheduler that does not answer is asked again: nobody else would, after a tick.
    const fn patience(self) -> Duration {
        match self {
            Self::Person => Duration::from_secs(60),
            Self::Tick(_) => Duration::from_secs(30 * 60),
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
