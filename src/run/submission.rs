//! What is handed to a scheduler: a wave of tasks, and the tick that goes on when it has ended.
//!
//! Intent before effect (promise P4): the journal says what is about to be submitted, with its tag, before
//! anything is; the files that are submitted are written in between.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{AdapterError, JobId, JobSpec, JobTag, Resources, Tasks};

use super::driver::{Driver, refused};
use super::wave;
use crate::campaign::file::{Campaign, Execution};
use crate::clock::Stopwatch;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal::event::Event;
use crate::journal::state::State;

/// A node that so many tasks ended on by no fault of their own is not used again.
const BAD_NODE_AFTER: u32 = 3;

/// So many nodes at most are left out: a site where more than these fail has another trouble.
const BAD_NODES_MAX: usize = 16;

/// Want of memory doubles it so many times at most.
const DOUBLINGS_MAX: u32 = 3;

/// Jobs beside a wave's tasks for which room is left where a user may have so many: the tick, and one to spare.
pub(super) const JOBS_BESIDE: u64 = 2;

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
}

impl<'a> Making<'a> {
    fn of(driver: &'a Driver<'_>) -> Self {
        let lifeline = driver.adapter.capabilities().lifeline;
        Self { campaign: driver.campaign, state: &driver.state, program: &driver.settings.program, lifeline }
    }
}

/// Submits `groups` as a new wave: over as many tasks as are wanted and as there is room for. Where they are too many
/// all the same, over half of them, and so on down to one; a tick then waits for room.
///
/// # Errors
/// The scheduler refuses (exit 5), or the system does (exit 6).
pub(super) fn submit(driver: &mut Driver<'_>, groups: &BTreeSet<GroupIndex>) -> Result<()> {
    let able = driver.adapter.capabilities();
    let room = able.room.map_or(u64::MAX, |room| room.saturating_sub(JOBS_BESIDE));
    let waiting = Stopwatch::start();
    let mut count = driver.settings.tasks.min(able.array_len_max.unwrap_or(u64::MAX)).min(room).max(1);
    loop {
        let campaign = driver.campaign;
        let tasks = wave::deal(&campaign.plan, campaign.file.identity.seed, groups, count);
        match submit_wave(driver, &tasks)? {
            None => return Ok(()),
            Some(AdapterError::TooMany(_)) if tasks.len() > 1 => count = tasks.len() as u64 / 2,
            // Another campaign of the same user fills the queue, perhaps.
            Some(AdapterError::TooMany(_)) if driver.by_itself && waiting.elapsed() < ROOM_PATIENCE => {
                driver.adapter.wait(ROOM_EVERY);
                driver.journal.still_ours()?;
            }
            Some(AdapterError::TooMany(what)) => return Err(no_room(&what)),
            Some(error) => return Err(refused(&error)),
        }
    }
}

/// The scheduler takes not even one task, or not what goes on after it.
fn no_room(what: &str) -> Error {
    Error::new(Kind::Scheduler, format!("the scheduler refused even a single task: {what}"))
        .hint(
            "`squeue --me` shows what is in the queue already, and `sacctmgr show assoc user=$USER` what you may have",
        )
        .hint("a limit may also be on cores, memory or time: `molsieve resume DIR --walltime T` asks for less")
        .hint("nothing is lost: `molsieve resume` goes on from here")
}

/// Submits `tasks` as a new wave; why not, where the scheduler refuses.
fn submit_wave(driver: &mut Driver<'_>, tasks: &[Vec<GroupIndex>]) -> Result<Option<AdapterError>> {
    let campaign = driver.campaign;
    let number = driver.state.waves + 1;
    let job = wave_job(&Making::of(driver), number, tasks.len() as u64)?;
    fs::create_dir(&campaign.dir.logs())?;
    let dealt = tasks.iter().map(Vec::len).sum::<usize>() as u64;
    let (wave, tag) = (number, job.tag.0.clone());
    let finished = Some(driver.look.finished());
    driver.record(Event::WaveIntended { wave, tag, tasks: tasks.len() as u64, groups: dealt, finished })?;
    // After the intent: from here on this number is this driver's, and nobody else writes these files.
    wave::write(&campaign.dir, number, tasks)?;
    driver.cancelled = false;
    match hand_over(driver, &job)? {
        Ok(job) => driver.record(Event::WaveSubmitted { wave, job: job.0 }).map(|()| None),
        Err(error) => {
            driver.record(Event::WaveRefused { wave, what: error.to_string() })?;
            Ok(Some(error))
        }
    }
}

/// Submits the tick that goes on when the active wave has ended; where there is no room for it, what the scheduler said.
///
/// # Errors
/// As [`submit`].
pub(super) fn submit_tick(driver: &mut Driver<'_>) -> Result<Option<String>> {
    let round = driver.state.ticks + 1;
    let job = tick_job(&Making::of(driver), round)?;
    driver.record(Event::TickIntended { round, tag: job.tag.0.clone() })?;
    let error = match hand_over(driver, &job)? {
        Ok(job) => return driver.record(Event::TickSubmitted { round, job: job.0 }).map(|()| None),
        Err(error) => error,
    };
    driver.record(Event::TickLost { round, what: error.to_string() })?;
    match error {
        AdapterError::TooMany(what) => Ok(Some(what)),
        error => Err(refused(&error)),
    }
}

/// Takes the active wave back, which left no room for its tick (`what` was said), so that the next one is of half as many tasks.
///
/// # Errors
/// It is of a single task already, or the scheduler does not answer (exit 5).
pub(super) fn withdraw_wave(driver: &mut Driver<'_>, what: &str) -> Result<()> {
    let number = driver.state.active.as_ref().map_or(0, |wave| wave.number);
    let tasks = wave::read(&driver.campaign.dir, number)?.len() as u64;
    driver.settings.tasks = tasks / 2;
    driver.cancel()?;
    if tasks > 1 { Ok(()) } else { Err(no_room(what)) }
}

/// Writes the files of `job`, and submits it.
fn hand_over(driver: &mut Driver<'_>, job: &JobSpec) -> Result<Result<JobId, AdapterError>> {
    let files = match driver.adapter.files(job) {
        Ok(files) => files,
        Err(error) => return Ok(Err(error)),
    };
    for file in files {
        fs::create_dir(&driver.campaign.dir.launch())?;
        fs::replace(&file.path, file.text.as_bytes())?;
    }
    Ok(driver.adapter.submit(job))
}

/// The job of wave `number`.
pub(super) fn wave_job(from: &Making<'_>, number: u64, tasks: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let mut argv: Vec<OsString> = vec![from.program.into(), "worker".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--wave".into(), number.to_string().into()]);
    if from.lifeline {
        argv.push("--lifeline".into());
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
        exclude: bad_nodes(from.state),
        file: dir.wave_script(number),
        logs: dir.wave_output(number),
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
        tag: tag(from.campaign, &format!("t{round}"))?,
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
        exclude: bad_nodes(from.state),
        file: dir.tick_script(round),
        logs: dir.tick_output(),
    })
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
