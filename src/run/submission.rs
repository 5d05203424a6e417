//! What is handed to a scheduler: a wave of tasks, and the tick that goes on when it has ended.
//!
//! Intent before effect (promise P4): the journal says what is about to be submitted, with its tag, before
//! anything is; the files that are submitted are written in between.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, JobId, JobSpec, JobTag, Resources, Tasks};

use super::driver::{Driver, RESUME_HINT, refused};
use super::policy::Pause;
use super::wave;
use crate::campaign::file::{Campaign, Execution};
use crate::clock::Stopwatch;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal;
use crate::journal::event::{Event, PauseCode};
use crate::journal::state::{Phase, State};

/// A node that so many tasks ended on by no fault of their own is not used again.
const BAD_NODE_AFTER: u32 = 3;

/// So many nodes at most are left out: a site where more than these fail has another trouble.
const BAD_NODES_MAX: usize = 16;

/// A share of the budget that is less than this, in milliseconds a core, is not worth the start of a scorer.
const SHARE_MIN_MS: u64 = 60_000;

/// Want of memory doubles it so many times at most.
const DOUBLINGS_MAX: u32 = 3;

/// Jobs beside a wave's tasks for which room is left where a user may have so many: the tick, its stand-in, the look,
/// and one to spare.
pub(super) const JOBS_BESIDE: u64 = 4;

/// How long a tick waits for room in the queue, and how often it looks: nobody else would. A tick may take an hour.
const ROOM_PATIENCE: Duration = Duration::from_secs(30 * 60);
const ROOM_EVERY: Duration = Duration::from_secs(20);

/// What jobs are made from.
pub(super) struct Making<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Where it stands.
    pub state: &'a State,
    /// The program that runs a task.
    pub program: &'a Path,
    /// Whether the standard input of a task ends when the submitter does.
    pub lifeline: bool,
    /// Whether a task is put back into the queue that asks for it.
    pub requeues: bool,
}

impl<'a> Making<'a> {
    fn of(driver: &'a Driver<'_>) -> Self {
        let able = driver.adapter.capabilities();
        let (lifeline, requeues) = (able.lifeline, able.requeues);
        Self { campaign: driver.campaign, state: &driver.state, program: &driver.settings.program, lifeline, requeues }
    }
}

/// What is asked for beside the tasks: less of it, where the scheduler refuses.
struct Ask {
    /// Nodes that are left out.
    exclude: Vec<String>,
    /// Memory a task, in MiB.
    memory_mib: Option<u64>,
}

impl Ask {
    /// Asks for less than before; whether that was possible. A cluster may have no node but those that are left out, or none
    /// with so much memory as a want of it made of what was asked for.
    fn lessen(&mut self, execution: &Execution) -> bool {
        if !self.exclude.is_empty() {
            self.exclude.clear();
            return true;
        }
        let is_more = self.memory_mib > execution.memory_mib;
        if is_more {
            self.memory_mib = self.memory_mib.map(|mib| mib / 2).max(execution.memory_mib);
        }
        is_more
    }
}

/// Submits `groups` as a new wave: over as many tasks as are wanted and as there is room for. Where they are too many
/// all the same, over half of them, and so on down to one; a tick then waits for room. A tick that is refused for good pauses:
/// it has nobody to tell.
///
/// # Errors
/// The scheduler refuses (exit 5), or the system does (exit 6).
pub(super) fn submit(driver: &mut Driver<'_>, groups: &BTreeSet<GroupIndex>) -> Result<Option<Pause>> {
    let execution = &driver.campaign.file.execution;
    let memory_mib = resources(execution, &driver.state).memory_mib;
    let mut ask = Ask { exclude: bad_nodes(&driver.state), memory_mib };
    let able = driver.adapter.capabilities();
    let room = able.room.map_or(u64::MAX, |room| room.saturating_sub(JOBS_BESIDE));
    let most = able.array_len_max.unwrap_or(u64::MAX).min(room).min(affordable(&Making::of(driver)));
    let mut count = driver.settings.tasks.min(most).max(1);
    let waiting = Stopwatch::start();
    loop {
        let campaign = driver.campaign;
        let tasks = wave::deal(&campaign.plan, campaign.file.identity.seed, groups, count);
        let error = match submit_wave(driver, &tasks, &ask)? {
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
            Some(AdapterError::TooMany(what)) => no_room(&what),
            Some(error) => refused(&error),
        };
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
fn no_room(what: &str) -> Error {
    Error::new(Kind::Scheduler, format!("the scheduler refused even a single task: {what}"))
        .hint(
            "`squeue --me` shows what is in the queue already, and `sacctmgr show assoc user=$USER` what you may have",
        )
        .hint("a limit may also be on cores, memory or time: `molsieve resume DIR --walltime T` asks for less")
        .hint(RESUME_HINT)
}

/// Submits `tasks` as a new wave; why not, where the scheduler refuses. Where it does not answer, the intent stays, and
/// whoever drives next looks for its tag: it may have happened.
fn submit_wave(driver: &mut Driver<'_>, tasks: &[Vec<GroupIndex>], ask: &Ask) -> Result<Option<AdapterError>> {
    let campaign = driver.campaign;
    let number = driver.state.waves + 1;
    let mut job = wave_job(&Making::of(driver), number, tasks.len() as u64)?;
    (job.exclude, job.resources.memory_mib) = (ask.exclude.clone(), ask.memory_mib);
    fs::create_dir(&campaign.dir.logs())?;
    let dealt = tasks.iter().map(Vec::len).sum::<usize>() as u64;
    let (wave, tag) = (number, job.tag.0.clone());
    let finished = Some(driver.look.finished());
    driver.record(Event::WaveIntended { wave, tag, tasks: tasks.len() as u64, groups: dealt, finished })?;
    // After the intent: from here on this number is this driver's, and nobody else writes these files.
    wave::write(&campaign.dir, number, tasks)?;
    driver.cancelled = false;
    match hand_over(driver.campaign, driver.adapter, &job)? {
        Ok(id) => {
            let submitted = driver.record(Event::WaveSubmitted { wave, job: id.0.clone() });
            submitted.inspect_err(|_| withdraw(driver, &job.tag, id)).map(|()| None)
        }
        Err(error) if !is_a_no(&error) => Err(refused(&error)),
        Err(error) => {
            driver.record(Event::WaveRefused { wave, what: error.to_string() })?;
            Ok(Some(error))
        }
    }
}

/// Whether the scheduler answered, and did not do it.
const fn is_a_no(error: &AdapterError) -> bool {
    matches!(error, AdapterError::Rejected(_) | AdapterError::TooMany(_))
}

/// What came of submitting the tick of the active wave.
pub(super) enum Followed {
    /// It is in the queue.
    Yes,
    /// The wave left no room for it, and was taken back: the next one is of half as many tasks.
    Withdrawn,
    /// It was refused for good, and nobody is there to be told.
    Refused(Pause),
}

/// Submits the tick that goes on when the active wave has ended.
///
/// # Errors
/// As [`submit`].
pub(super) fn follow(driver: &mut Driver<'_>) -> Result<Followed> {
    let error = match submit_tick(driver)? {
        Ok(()) => return Ok(Followed::Yes),
        Err(AdapterError::TooMany(_)) if withdraw_wave(driver)? => return Ok(Followed::Withdrawn),
        Err(AdapterError::TooMany(what)) => no_room(&what),
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
    let mut handed_over = hand_over(driver.campaign, driver.adapter, &job)?;
    if matches!(handed_over, Err(AdapterError::Rejected(_))) && !job.exclude.is_empty() {
        job.exclude.clear();
        handed_over = hand_over(driver.campaign, driver.adapter, &job)?;
    }
    match handed_over {
        Ok(id) => {
            let submitted = driver.record(Event::TickSubmitted { round, job: id.0.clone() });
            submitted.inspect_err(|_| withdraw(driver, &job.tag, id.clone()))?;
            let stand_in = stand_in_job(&Making::of(driver), round, id)?;
            // Without it the campaign goes on all the same, as long as no tick fails.
            let _ = hand_over(driver.campaign, driver.adapter, &stand_in)?;
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

/// The core time that is left of the budget, if there is one and nobody will look on, in core-milliseconds.
fn left_ms(from: &Making<'_>) -> Option<u64> {
    let limit = from.campaign.file.execution.core_ms_max.filter(|_| !from.lifeline)?;
    Some(limit.saturating_sub(from.state.core_ms))
}

/// Over how many tasks the budget can be dealt, so that the share of each is worth its start.
pub(super) fn affordable(from: &Making<'_>) -> u64 {
    let least = SHARE_MIN_MS.saturating_mul(u64::from(from.campaign.file.execution.cpus.max(1)));
    left_ms(from).map_or(u64::MAX, |left| left / least)
}

/// Writes the files of `job`, and submits it.
pub(super) fn hand_over(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    job: &JobSpec,
) -> Result<Result<JobId, AdapterError>> {
    let files = match adapter.files(job) {
        Ok(files) => files,
        Err(error) => return Ok(Err(error)),
    };
    for file in files {
        fs::create_dir(&campaign.dir.launch())?;
        fs::replace(&file.path, file.text.as_bytes())?;
    }
    Ok(adapter.submit(job))
}

/// The job of wave `number`.
pub(super) fn wave_job(from: &Making<'_>, number: u64, tasks: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let mut argv: Vec<OsString> = vec![from.program.into(), "worker".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--wave".into(), number.to_string().into()]);
    if from.lifeline {
        argv.push("--lifeline".into());
    } else if from.requeues {
        argv.push("--may-requeue".into());
    }
    if let Some(left) = left_ms(from) {
        argv.extend(["--share".into(), (left / tasks.max(1)).max(1).to_string().into()]);
    }
    argv.push("--task".into());
    Ok(JobSpec {
        tag: tag(from.campaign, &number.to_string())?,
        title: format!("molsieve: wave {number} of the campaign {}", file.identity.name),
        argv,
        tasks: Tasks::Array(tasks),
        running_max: file.execution.cluster.as_ref().and_then(|cluster| cluster.running_max),
        resources: resources(&file.execution, from.state),
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: bad_nodes(from.state),
        file: dir.wave_script(number),
        logs: dir.wave_output(number),
        ..JobSpec::default()
    })
}

/// The job of the tick of `round`.
pub(super) fn tick_job(from: &Making<'_>, round: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let cluster = file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| Error::bug("a tick is submitted where there is no cluster"))?;
    let wave = from.state.active.as_ref().and_then(|wave| wave.job.clone());
    let mut argv: Vec<OsString> = vec![from.program.into(), "--quiet".into(), "tick".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--round".into(), round.to_string().into()]);
    Ok(JobSpec {
        tag: tick_tag(from.campaign, round)?,
        title: format!("molsieve: goes on with the campaign {} when its wave has ended", file.identity.name),
        argv,
        tasks: Tasks::One,
        running_max: None,
        resources: Resources {
            cpus: 1,
            gpus: 0,
            memory_mib: Some(cluster.tick_memory_mib),
            walltime_s: Some(cluster.tick_walltime_s),
        },
        after: wave.into_iter().map(JobId).collect(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: bad_nodes(from.state),
        file: dir.tick_script(round),
        logs: dir.tick_output(),
        ..JobSpec::default()
    })
}

/// The job that stands in for `tick`, that of `round`, if it does not end well: by a failure, a time limit, or a death.
fn stand_in_job(from: &Making<'_>, round: u64, tick: JobId) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let mut job = tick_job(from, round)?;
    job.argv.extend(["--instead-of".into(), tick.0.clone().into()]);
    job.tag = stand_in_tag(from.campaign, round)?;
    job.title =
        format!("molsieve: stands in for tick {round} of the campaign {}, should that fail", file.identity.name);
    (job.after, job.instead_of, job.file) = (Vec::new(), vec![tick], dir.stand_in_script(round));
    Ok(job)
}

/// The job that looks at the wave after so many seconds.
pub(super) fn look_job(from: &Making<'_>, after_s: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let mut job = tick_job(from, from.state.ticks)?;
    job.argv = vec![from.program.into(), "--quiet".into(), "tick".into(), dir.root().into(), "--look".into()];
    job.tag = look_tag(from.campaign)?;
    job.title = format!("molsieve: looks at the campaign {} while its wave runs", file.identity.name);
    (job.after, job.begin_after_s, job.file) = (Vec::new(), Some(after_s), dir.look_script());
    Ok(job)
}

/// The mark on every look of a campaign.
pub(super) fn look_tag(campaign: &Campaign) -> Result<JobTag> {
    tag(campaign, "look")
}

/// The mark on the tick of `round`.
pub(super) fn tick_tag(campaign: &Campaign, round: u64) -> Result<JobTag> {
    tag(campaign, &format!("t{round}"))
}

/// The mark on what stands in for the tick of `round`.
pub(super) fn stand_in_tag(campaign: &Campaign, round: u64) -> Result<JobTag> {
    tag(campaign, &format!("s{round}"))
}

/// Our mark on a job. It holds the directory too: the same campaign may run in two of them.
fn tag(campaign: &Campaign, what: &str) -> Result<JobTag> {
    let identity = campaign.file.identity.digest()?;
    let place = digest::blake3(format!("{identity}{}", campaign.dir.root().display()).as_bytes()).to_string();
    Ok(JobTag(format!("molsieve-{}-{what}", &place[..12])))
}

/// What each task gets: what was asked for, and more memory after a want of it.
fn resources(execution: &Execution, state: &State) -> Resources {
    let doublings = u32::try_from(state.out_of_memory.len()).unwrap_or(DOUBLINGS_MAX).min(DOUBLINGS_MAX);
    Resources {
        cpus: execution.cpus,
        gpus: execution.gpus,
        memory_mib: execution.memory_mib.map(|mib| mib.saturating_mul(1 << doublings)),
        walltime_s: execution.walltime_s,
    }
}

/// Nodes on which tasks kept ending by no fault of their own, the worst first.
fn bad_nodes(state: &State) -> Vec<String> {
    let mut bad: Vec<_> = state.bad_nodes.iter().filter(|(_, failures)| **failures >= BAD_NODE_AFTER).collect();
    bad.sort_by_key(|(name, failures)| (std::cmp::Reverse(**failures), *name));
    bad.into_iter().take(BAD_NODES_MAX).map(|(name, _)| name.clone()).collect()
}
