//! A tick: what a campaign on a cluster does when a wave has ended and nobody is there (promise P6).
//!
//! Fold the journal, look, decide, record, act, until there is nothing left to do now: then the work is in the
//! queue, and behind it the next tick. A tick may be called at any time, by anybody, any number of times.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, Finally, TaskState};

use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::gather;
use crate::journal::event::{Entry, Event, PauseCode};
use crate::journal::state::{Phase, State};
use crate::journal::{self, Journal};
use crate::pack::seal::SealedPack;
use crate::patience::{Patience, Waiting};
use crate::run::cluster::mid_wave;
use crate::run::cluster::queue;
use crate::run::cluster::tries;
use crate::run::drive::carried;
use crate::run::drive::driver::Driver;
use crate::run::drive::step::Step;
use crate::run::drive::submission::{self, Followed};
use crate::run::drive::{Driven, Settings};
use crate::run::finish;
use crate::run::policy::Pause;
use crate::scheduler;
use crate::stop::Stop;

/// How often a tick looks at what has just ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A wave that was taken back has ended by then, as its tasks checkpoint.
const TAKEN_BACK: Duration = Duration::from_secs(120);

/// How often others may take over from who clears the queue: ticks that do the same, of which there are never many.
const CLEARS: u32 = 5;

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
    /// Whoever called had enough. What is in the queue goes on.
    Left {
        /// Whether anything is.
        in_queue: bool,
    },
}

/// How far step after step went.
enum Went {
    /// The work is in the queue, and its tick behind it.
    InQueue,
    /// As far as it goes.
    Over(Driven),
    /// Whoever called had enough.
    Left {
        /// Whether what is in the queue goes on.
        in_queue: bool,
    },
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

/// Does all that can be done now, and seals the pack when all is there. On a full disk the campaign waits for room. A person who
/// has had enough is heard between steps: before anything is submitted nothing is, and afterwards it is followed by its tick.
///
/// # Errors
/// As [`crate::run::drive::drive`] and [`finish::seal`].
pub fn tick(campaign: &Campaign, caller: Caller, program: &Path, patience: &Patience) -> Result<Ticked> {
    let cluster = campaign.file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| {
        Error::usage(format!("`{}` runs on this machine: it has no ticks", campaign.dir.root().display()))
            .hint("`molsieve resume` goes on with it")
    })?;
    let entries = journal::read(&campaign.dir)?.entries;
    let state = State::of(&entries)?;
    if caller != Caller::Person && state.phase != Phase::Active {
        let has_jobs = state.active.is_some() || state.tick.is_some() || caller != Caller::Tick(None);
        if state.phase == Phase::Stopped && has_jobs {
            let mut adapter = scheduler::open(&campaign.file.execution, cluster, caller.patience(), patience)?;
            clear(campaign, adapter.as_mut())?;
        }
        return Ok(Ticked::Nothing(state.phase));
    }
    let Some(round) = own_round(campaign, caller) else { return act(campaign, caller, program, &state, patience) };
    if let Some(pause) = tries::give_up_if_wordless(&campaign.dir, &entries, round)? {
        return Ok(Ticked::Paused(pause));
    }
    act(campaign, caller, program, &state, patience).or_else(|error| {
        let before = tries::begun(&entries, round);
        // (Where not even that can be written, the error itself says more.)
        let pause = tries::note_failure(&campaign.dir, round, before, &error).ok().flatten();
        pause.map(Ticked::Paused).ok_or(error)
    })
}

/// The round of a tick that is part of its wave: its scheduler starts it again if it fails.
fn own_round(campaign: &Campaign, caller: Caller) -> Option<u64> {
    let Caller::Tick(Some(round)) = caller else { return None };
    let execution = &campaign.file.execution;
    let (binding, cluster) = (scheduler::of(execution.scheduler).ok()?, execution.cluster.as_ref()?);
    let adapter = binding.unasked(cluster).ok()?;
    (adapter.capabilities().finally == Finally::Native).then_some(round)
}

fn act(campaign: &Campaign, caller: Caller, program: &Path, state: &State, patience: &Patience) -> Result<Ticked> {
    let cluster = campaign.file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| Error::bug("what has no cluster has a tick"))?;
    finish::can_write(&campaign.file.identity)?;
    let opened = scheduler::open(&campaign.file.execution, cluster, caller.patience(), patience);
    if patience.has_enough() {
        // Nothing was done, whether or not the scheduler has answered.
        return Ok(Ticked::Left { in_queue: state.phase == Phase::Active && state.tick.is_some() });
    }
    let mut adapter = opened?;
    let ticked = step(campaign, caller, program, adapter.as_mut(), state, patience);
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
    patience: &Patience,
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
        match queue::end_of_tick(campaign, adapter, round, instead_of)? {
            // `molsieve cancel` did it, and somebody has started the campaign again since.
            TaskState::Cancelled if was_stopped_after(&journal::read(&campaign.dir)?.entries, round) => {
                return Ok(Ticked::Nothing(state.phase.clone()));
            }
            TaskState::Cancelled => return stopped_with_its_tick(campaign, adapter).map(|()| Ticked::Stopped),
            // Somebody had taken over from it, and goes on; unless they died of the same, say.
            TaskState::Checkpointed if queue::is_gone_on_with(campaign, adapter)? => {
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
    // No signal stops the campaign here: to a job it means the process (a preemption, a time limit), and a person who has had
    // enough leaves. Killed anywhere, it is done again; `cancel` is what stops a campaign.
    let stop = Stop::new();
    finish::reserve(campaign);
    let tasks = campaign.file.execution.cluster.as_ref().map_or(1, scheduler::tasks);
    let patience = patience.clone();
    let settings = Settings { program: program.to_path_buf(), tasks, stop, patience, watch: &mut |_| {} };
    let driver = Driver::new(campaign, &mut journal, &history, adapter, settings)?;
    let ticked = go(driver, caller).and_then(|went| close(campaign, &mut journal, went));
    let ticked = match ticked {
        Err(full) if full.kind() == Kind::Full => {
            finish::pause_for_room(campaign, &journal, &full).map(Ticked::Paused).map_err(|_| full)
        }
        other => other,
    };
    finish::free_reserve(campaign, &journal);
    ticked
}

fn close(campaign: &Campaign, journal: &mut Journal, went: Went) -> Result<Ticked> {
    match went {
        Went::InQueue => Ok(Ticked::InQueue),
        Went::Left { in_queue } => Ok(Ticked::Left { in_queue }),
        Went::Over(Driven::Stopped) => {
            journal.record(Event::QueueCleared {})?;
            Ok(Ticked::Stopped)
        }
        Went::Over(Driven::Paused(pause)) => {
            if pause.code == PauseCode::CoreHours {
                finish::drain(campaign, journal, None)?;
            }
            Ok(Ticked::Paused(pause))
        }
        Went::Over(Driven::Ready) => {
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

/// Somebody cancelled the tick at the scheduler: that stops the campaign, and with it what is at work.
fn stopped_with_its_tick(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<()> {
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    journal.record(Event::Stopped { reason: "its tick was cancelled at the scheduler".to_owned() })?;
    queue::cancel(campaign, adapter, &State::of(&history.entries)?)?;
    journal.record(Event::QueueCleared {}).map(drop)
}

/// Ends what a campaign that was stopped has in the queue: its scheduler may have been away when somebody cancelled it. Whoever
/// has started it again since takes the journal over, and is not touched.
fn clear(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<()> {
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    let state = State::of(&history.entries)?;
    if state.phase != Phase::Stopped {
        return Ok(());
    }
    queue::cancel(campaign, adapter, &state)?;
    journal.record(Event::QueueCleared {}).map(drop)
}

/// Step after step.
fn go(mut driver: Driver<'_>, caller: Caller) -> Result<Went> {
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
    let mut waiting = None;
    loop {
        if driver.settings.patience.has_enough() && !needs_a_tick(&driver) {
            return leave(&mut driver);
        }
        match driver.step()? {
            Step::Acted => waiting = None,
            Step::Over(driven) => return Ok(Went::Over(driven)),
            // (A wave that was taken back is waited for.)
            Step::Wait if driver.has_tasks_in_queue() && !driver.cancelled => {
                if driver.by_itself {
                    mid_wave::let_go(&mut driver)?;
                }
                let is_followed = driver.may_submit().is_err() || queue::is_followed(&mut driver)?;
                match if is_followed { Followed::Yes } else { submission::follow(&mut driver)? } {
                    // It is the tick itself, and its wave's last tasks are about to end.
                    Followed::Never if matches!(caller, Caller::Tick(Some(_))) => driver.adapter.wait(LOOK_EVERY),
                    // (Without a tick, it is a look that finds the wave ended.)
                    Followed::Yes | Followed::Never => {
                        let Driver { campaign, state, settings, adapter, .. } = &mut driver;
                        mid_wave::follow(campaign, *adapter, state, &settings.program)?;
                        return Ok(Went::InQueue);
                    }
                    Followed::Withdrawn => {}
                    Followed::Refused(pause) => {
                        driver.pause(&pause)?;
                        return Ok(Went::Over(Driven::Paused(pause)));
                    }
                }
            }
            Step::Wait => {
                waiting.get_or_insert_with(|| ending(&driver));
                if driver.by_itself {
                    driver.adapter.wait(LOOK_EVERY);
                } else {
                    driver.settings.patience.pause(LOOK_EVERY);
                }
            }
        }
    }
}

/// Whether tasks are in the queue that nothing follows yet: whoever leaves them so leaves them for good.
fn needs_a_tick(driver: &Driver<'_>) -> bool {
    let is_submitted = driver.state.active.as_ref().is_some_and(|wave| wave.job.is_some());
    is_submitted && driver.state.tick.is_none() && driver.has_tasks_in_queue()
}

/// What is waited for where a wave has ended, or was taken back.
fn ending(driver: &Driver<'_>) -> Waiting {
    let (what, most) = if driver.cancelled {
        ("the wave that was taken back has to end first: it is waited for", TAKEN_BACK)
    } else {
        ("the wave has ended, and files may be seen late (`scheduler.settle`): they are looked for", driver.settle())
    };
    driver.settings.patience.waits(what, most)
}

/// Leaves a campaign as it is. Without a tick in the queue nobody goes on with it: then it is stopped.
fn leave(driver: &mut Driver<'_>) -> Result<Went> {
    let in_queue = driver.state.tick.is_some();
    if !in_queue {
        driver.record(Event::Stopped { reason: "whoever started it left before anything was submitted".to_owned() })?;
        // (Of a wave that it had before, every task has ended.)
        driver.record(Event::QueueCleared {})?;
    }
    Ok(Went::Left { in_queue })
}

/// Asks the scheduler to end all jobs of a campaign that was cancelled, first what would follow, and notes in `journal` that it did.
///
/// # Errors
/// The scheduler cannot be reached (exit 5).
pub fn cancel(campaign: &Campaign, journal: &mut Journal, patience: &Patience) -> Result<()> {
    let Some(cluster) = campaign.file.execution.cluster.as_ref() else { return Ok(()) };
    let mut adapter = scheduler::open(&campaign.file.execution, cluster, Caller::Person.patience(), patience)?;
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    carried::recall(campaign, adapter.as_mut(), &state, patience)?;
    queue::cancel(campaign, adapter.as_mut(), &state)?;
    let mut noted = journal.record(Event::QueueCleared {}).map(drop);
    // A tick that found the campaign stopped may have taken the journal over to do the same, and was then ended by this very
    // cancellation. (Where somebody goes on with the campaign instead, it is theirs.)
    for _ in 0..CLEARS {
        if noted.is_ok() || !is_uncleared(campaign)? {
            break;
        }
        noted = clear(campaign, adapter.as_mut());
    }
    Ok(())
}

/// Whether a campaign was stopped, and nobody has noted that its scheduler knows.
fn is_uncleared(campaign: &Campaign) -> Result<bool> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    Ok(state.phase == Phase::Stopped && state.is_uncleared)
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
