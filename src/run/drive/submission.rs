//! What is handed to a scheduler: a wave of tasks, and the tick that goes on when it has ended.
//!
//! Intent before effect (promise P4): the journal says what is about to be submitted, with its tag, before
//! anything is; the files that are submitted are written in between.

use std::collections::BTreeSet;
use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, JobId, JobSpec, JobTag};

use crate::campaign::file::{Campaign, Execution};
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal;
use crate::journal::event::{Event, PauseCode};
use crate::journal::state::{Phase, State};
use crate::run::drive::driver::Driver;
use crate::run::drive::jobs::{Making, stand_in_job, tick_job, tick_tag, wave_with_tick};
use crate::run::drive::room::{self, Ask};
use crate::run::parcel;
use crate::run::policy::Pause;
use crate::run::wave;
use crate::scheduler::{self, RESUME_HINT, refused};

/// How long a tick waits for room in the queue, and how often it looks: nobody else would. A tick may take an hour.
const ROOM_PATIENCE: Duration = Duration::from_secs(30 * 60);
const ROOM_EVERY: Duration = Duration::from_secs(20);

/// Submits `groups` as a new wave: over as many tasks as are wanted and as there is room for. Where they are too many
/// all the same, over half of them, and so on down to one; a tick then waits for room. A tick that is refused for good pauses:
/// it has nobody to tell.
///
/// # Errors
/// The scheduler refuses (exit 5), or the system does (exit 6).
pub(in crate::run) fn submit(driver: &mut Driver<'_>, groups: &BTreeSet<GroupIndex>) -> Result<Option<Pause>> {
    let execution = &driver.campaign.file.execution;
    let mut ask = Ask::at_first(execution, &driver.state);
    let most = room::tasks_max(&driver.adapter.capabilities(), &Making::of(driver));
    let mut count = driver.settings.tasks.min(most).max(1);
    let waiting = Stopwatch::start();
    // The tick that is part of the wave is the same one in every try.
    let round = driver.state.ticks + 1;
    loop {
        let campaign = driver.campaign;
        let tasks = wave::deal(&campaign.plan, campaign.file.identity.seed, groups, count);
        let error = match submit_wave(driver, &tasks, &ask, round)? {
            None => return Ok(None),
            Some(AdapterError::TooMany(_)) if tasks.len() > 1 => {
                count = tasks.len() as u64 / 2;
                continue;
            }
            // Another campaign of the same user fills the queue, perhaps.
            Some(AdapterError::TooMany(_)) if driver.by_itself && waiting.elapsed() < ROOM_PATIENCE => {
                driver.adapter.wait(ROOM_EVERY);
                driver.journal.still_ours()?;
                continue;
            }
            Some(AdapterError::Rejected(_)) if ask.lessen(execution) => continue,
            Some(AdapterError::TooMany(what)) => no_room(execution, &what),
            Some(error) => refused(&error),
        };
        lose_tick(driver, error.what())?;
        let pause = Pause { code: PauseCode::CannotSubmit, reason: error.what().to_owned() };
        if driver.by_itself {
            return Ok(Some(pause));
        }
        // A person is told here and now; whoever asks later finds it in the journal.
        driver.pause(&pause)?;
        return Err(error);
    }
}

/// The scheduler takes not even one task, or not what goes on after it.
fn no_room(execution: &Execution, what: &str) -> Error {
    let error = Error::new(Kind::Scheduler, format!("the scheduler refused even a single task: {what}"));
    let error = match scheduler::of(execution.scheduler) {
        Ok(binding) => error.hint(binding.when_full()),
        Err(_) => error,
    };
    error
        .hint("a limit may also be on cores, memory or time: `molsieve resume DIR --walltime T` asks for less")
        .hint(RESUME_HINT)
}

/// Submits `tasks` as a new wave; why not, where the scheduler refuses. Where it does not answer, the intent stays, and
/// whoever drives next looks for its tag: it may have happened.
fn submit_wave(
    driver: &mut Driver<'_>,
    tasks: &[Vec<GroupIndex>],
    ask: &Ask,
    round: u64,
) -> Result<Option<AdapterError>> {
    let campaign = driver.campaign;
    let number = driver.state.waves + 1;
    let mut job = wave_with_tick(&Making::of(driver), number, tasks.len() as u64, round)?;
    (job.exclude, job.resources.memory_mib) = (ask.exclude.clone(), ask.memory_mib);
    fs::create_dir(&campaign.dir.logs())?;
    let dealt = tasks.iter().map(Vec::len).sum::<usize>() as u64;
    let (wave, tag) = (number, job.tag.0.clone());
    let finished = Some(driver.look.finished());
    driver.record(Event::WaveIntended { wave, tag, tasks: tasks.len() as u64, groups: dealt, finished })?;
    // After the intent: from here on this number is this driver's, and nobody else writes these files.
    wave::write(&campaign.dir, number, tasks)?;
    if parcel::is_carried(campaign) {
        parcel::pack::write(campaign, number, tasks, &driver.settings.program)?;
    }
    driver.cancelled = false;
    if job.finally.is_some() {
        intend_tick(driver, round)?;
    }
    match hand_over_ours(driver, &job)? {
        Ok(id) => {
            let submitted = driver.record(Event::WaveSubmitted { wave, job: id.0.clone() });
            let followed = submitted.and_then(|()| match &job.finally {
                Some(_) => driver.record(Event::TickSubmitted { round, job: id.finally().0 }),
                None => Ok(()),
            });
            followed.inspect_err(|_| withdraw(driver, &job.tag, id)).map(|()| None)
        }
        Err(error) if !is_a_no(&error) => Err(refused(&error)),
        Err(error) => {
            driver.record(Event::WaveRefused { wave, what: error.to_string() })?;
            Ok(Some(error))
        }
    }
}

/// Notes that the tick of `round` is about to be submitted as a part of a wave. Another that is still in the queue is part of a
/// wave that is over: it finds that it is succeeded.
fn intend_tick(driver: &mut Driver<'_>, round: u64) -> Result<()> {
    if driver.state.ticks == round {
        return Ok(());
    }
    lose_tick(driver, "its wave is over, and the next one brings its own")?;
    let tag = tick_tag(driver.campaign, round)?;
    driver.record(Event::TickIntended { round, tag: tag.0 })
}

/// Strikes out the tick that the journal speaks of, where ticks are part of their waves.
fn lose_tick(driver: &mut Driver<'_>, why: &str) -> Result<()> {
    let Some(round) = driver.state.tick.as_ref().map(|tick| tick.round) else { return Ok(()) };
    if !Making::of(driver).is_one_job() {
        return Ok(());
    }
    driver.record(Event::TickLost { round, what: why.to_owned() })
}

/// Whether the scheduler answered, and did not do it.
const fn is_a_no(error: &AdapterError) -> bool {
    matches!(error, AdapterError::Rejected(_) | AdapterError::TooMany(_))
}

/// What came of submitting the tick of the active wave.
pub(in crate::run) enum Followed {
    /// It is in the queue.
    Yes,
    /// It is gone, and no other can be: it is part of its wave, and was submitted with it.
    Never,
    /// The wave left no room for it, and was taken back: the next one is of half as many tasks.
    Withdrawn,
    /// It was refused for good, and nobody is there to be told.
    Refused(Pause),
}

/// Submits the tick that goes on when the active wave has ended.
///
/// # Errors
/// As [`submit`].
pub(in crate::run) fn follow(driver: &mut Driver<'_>) -> Result<Followed> {
    if Making::of(driver).is_one_job() {
        return Ok(Followed::Never);
    }
    let error = match submit_tick(driver)? {
        Ok(()) => return Ok(Followed::Yes),
        Err(AdapterError::TooMany(_)) if withdraw_wave(driver)? => return Ok(Followed::Withdrawn),
        Err(AdapterError::TooMany(what)) => no_room(&driver.campaign.file.execution, &what),
        Err(error) => refused(&error),
    };
    if !driver.by_itself {
        return Err(error);
    }
    Ok(Followed::Refused(Pause { code: PauseCode::CannotSubmit, reason: error.what().to_owned() }))
}

/// Submits the tick and what stands in for it; why not, where the scheduler refuses.
fn submit_tick(driver: &mut Driver<'_>) -> Result<Result<(), AdapterError>> {
    let round = driver.state.ticks + 1;
    let mut job = tick_job(&Making::of(driver), round)?;
    driver.record(Event::TickIntended { round, tag: job.tag.0.clone() })?;
    let mut handed_over = hand_over_ours(driver, &job)?;
    if matches!(handed_over, Err(AdapterError::Rejected(_))) && !job.exclude.is_empty() {
        job.exclude.clear();
        handed_over = hand_over_ours(driver, &job)?;
    }
    match handed_over {
        Ok(id) => {
            let submitted = driver.record(Event::TickSubmitted { round, job: id.0.clone() });
            submitted.inspect_err(|_| withdraw(driver, &job.tag, id.clone()))?;
            let stand_in = stand_in_job(&Making::of(driver), round, id)?;
            // Without it the campaign goes on all the same, as long as no tick fails.
            let _ = hand_over_ours(driver, &stand_in)?;
            Ok(Ok(()))
        }
        Err(error) if !is_a_no(&error) => Err(refused(&error)),
        Err(error) => {
            driver.record(Event::TickLost { round, what: error.to_string() })?;
            Ok(Err(error))
        }
    }
}

/// Takes the active wave back; whether the next one can be smaller.
///
/// # Errors
/// The scheduler does not answer (exit 5).
fn withdraw_wave(driver: &mut Driver<'_>) -> Result<bool> {
    let number = driver.state.active.as_ref().map_or(0, |wave| wave.number);
    let tasks = wave::read(&driver.campaign.dir, number)?.len() as u64;
    driver.settings.tasks = tasks / 2;
    driver.cancel()?;
    Ok(tasks > 1)
}

/// Takes `job` back, which was being submitted under `tag` while somebody else took over, unless they go on with that very
/// job: they find it by its tag.
fn withdraw(driver: &mut Driver<'_>, tag: &JobTag, job: JobId) {
    let Ok(history) = journal::read(&driver.campaign.dir) else { return };
    let Ok(state) = State::of(&history.entries) else { return };
    let tags = [state.active.map(|wave| wave.tag), state.tick.map(|tick| tick.tag)];
    if state.phase != Phase::Active || !tags.contains(&Some(tag.0.clone())) {
        // (If that fails, whoever looks at the queue sees a twin: it does no harm, and ends by itself.)
        let _ = driver.adapter.cancel(&[job]);
    }
}

/// Writes the files of `job`, and submits it; where there is no answer, again, as long as it `may_still`.
pub(in crate::run) fn hand_over(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    job: &JobSpec,
    may_still: &mut dyn FnMut() -> bool,
) -> Result<Result<JobId, AdapterError>> {
    let files = match adapter.files(job) {
        Ok(files) => files,
        Err(error) => return Ok(Err(error)),
    };
    for file in files {
        fs::create_dir(&campaign.dir.launch())?;
        fs::replace(&file.path, file.text.as_bytes())?;
    }
    Ok(adapter.submit_while(job, may_still))
}

/// As [`hand_over`], as long as nobody has taken over from `driver`: whoever has, looks for the tag, and may find nothing yet.
fn hand_over_ours(driver: &mut Driver<'_>, job: &JobSpec) -> Result<Result<JobId, AdapterError>> {
    let Driver { campaign, adapter, journal, .. } = driver;
    let handed_over = hand_over(campaign, *adapter, job, &mut || journal.still_ours().is_ok())?;
    if handed_over.as_ref().is_err_and(|error| !is_a_no(error)) {
        // That somebody else goes on says more than that there was no answer.
        journal.still_ours()?;
    }
    Ok(handed_over)
}
