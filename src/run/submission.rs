//! What is handed to a scheduler: a wave of tasks, and the tick that goes on when it has ended.
//!
//! Intent before effect (promise P4): the journal says what is about to be submitted, with its tag, before
//! anything is; the files that are submitted are written in between.

use std::collections::BTreeSet;
use std::ffi::OsString;

use molsieve_adapters::{JobId, JobSpec, JobTag, Resources, Tasks};

use super::driver::{Driver, refused};
use super::wave;
use crate::campaign::file::{Campaign, Execution};
use crate::digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State};

/// A node that so many tasks ended on by no fault of their own is not used again.
const BAD_NODE_AFTER: u32 = 3;

/// So many nodes at most are left out: a site where more than these fail has another trouble.
const BAD_NODES_MAX: usize = 16;

/// A share of the budget that is less than this, in milliseconds a core, is not worth the start of a scorer.
const SHARE_MIN_MS: u64 = 60_000;

/// Want of memory doubles it so many times at most.
const DOUBLINGS_MAX: u32 = 3;

/// Submits `groups` as a new wave.
///
/// # Errors
/// The scheduler refuses (exit 5), or the system does (exit 6).
pub(super) fn submit(driver: &mut Driver<'_>, groups: &BTreeSet<GroupIndex>) -> Result<()> {
    let campaign = driver.campaign;
    let limit = driver.adapter.capabilities().array_len_max.unwrap_or(u64::MAX);
    let count = driver.settings.tasks.min(limit).min(affordable(driver)).max(1);
    let tasks = wave::deal(&campaign.plan, campaign.file.identity.seed, groups, count);
    let number = driver.state.waves + 1;
    let job = wave_job(driver, number, tasks.len() as u64)?;
    fs::create_dir(&campaign.dir.logs())?;
    let dealt = tasks.iter().map(Vec::len).sum::<usize>() as u64;
    let (wave, tag) = (number, job.tag.0.clone());
    let finished = Some(driver.look.finished());
    driver.record(Event::WaveIntended { wave, tag, tasks: tasks.len() as u64, groups: dealt, finished })?;
    // After the intent: from here on this number is this driver's, and nobody else writes these files.
    wave::write(&campaign.dir, number, &tasks)?;
    driver.cancelled = false;
    match hand_over(driver, &job) {
        Ok(job) => {
            let submitted = driver.record(Event::WaveSubmitted { wave, job: job.0.clone() });
            submitted.inspect_err(|_| withdraw(driver, job))
        }
        Err(error) => {
            driver.record(Event::WaveRefused { wave, what: error.what().to_owned() })?;
            Err(error)
        }
    }
}

/// Submits the tick that goes on when the active wave has ended.
///
/// # Errors
/// As [`submit`].
pub(super) fn submit_tick(driver: &mut Driver<'_>) -> Result<()> {
    let round = driver.state.ticks + 1;
    let job = tick_job(driver, round)?;
    driver.record(Event::TickIntended { round, tag: job.tag.0.clone() })?;
    match hand_over(driver, &job) {
        Ok(job) => {
            let submitted = driver.record(Event::TickSubmitted { round, job: job.0.clone() });
            submitted.inspect_err(|_| withdraw(driver, job.clone()))?;
            // Without it the campaign goes on all the same, as long as no tick fails.
            let _ = stand_in_job(driver, round, job).and_then(|stand_in| hand_over(driver, &stand_in));
            Ok(())
        }
        Err(error) => {
            driver.record(Event::TickLost { round, what: error.what().to_owned() })?;
            Err(error)
        }
    }
}

/// Takes `job` back, which was being submitted while somebody stopped the campaign. Where somebody else goes on with the
/// campaign instead, they find it by its tag.
fn withdraw(driver: &mut Driver<'_>, job: JobId) {
    let phase = |history: journal::History| State::of(&history.entries).ok().map(|state| state.phase);
    if journal::read(&driver.campaign.dir).ok().and_then(phase) == Some(Phase::Stopped) {
        // (If that fails, a person who cancelled will see it in the queue: it stops by itself at the next tick.)
        let _ = driver.adapter.cancel(&[job]);
    }
}

/// The core time that is left of the budget, if there is one and nobody will look on, in core-milliseconds.
fn left_ms(driver: &Driver<'_>) -> Option<u64> {
    let limit = driver.campaign.file.execution.core_ms_max.filter(|_| !driver.adapter.capabilities().lifeline)?;
    Some(limit.saturating_sub(driver.state.core_ms))
}

/// Over how many tasks the budget can be dealt, so that the share of each is worth its start.
fn affordable(driver: &Driver<'_>) -> u64 {
    let least = SHARE_MIN_MS.saturating_mul(u64::from(driver.campaign.file.execution.cpus.max(1)));
    left_ms(driver).map_or(u64::MAX, |left| left / least)
}

/// Writes the files of `job`, and submits it.
fn hand_over(driver: &mut Driver<'_>, job: &JobSpec) -> Result<JobId> {
    for file in driver.adapter.files(job).map_err(|e| refused(&e))? {
        fs::create_dir(&driver.campaign.dir.launch())?;
        fs::replace(&file.path, file.text.as_bytes())?;
    }
    driver.adapter.submit(job).map_err(|e| refused(&e))
}

/// The job of wave `number`.
fn wave_job(driver: &Driver<'_>, number: u64, tasks: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = driver.campaign;
    let mut argv: Vec<OsString> = vec![driver.settings.program.clone().into(), "worker".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--wave".into(), number.to_string().into()]);
    let capabilities = driver.adapter.capabilities();
    if capabilities.lifeline {
        argv.push("--lifeline".into());
    } else if capabilities.requeues {
        argv.push("--may-requeue".into());
    }
    if let Some(left) = left_ms(driver) {
        argv.extend(["--share".into(), (left / tasks.max(1)).max(1).to_string().into()]);
    }
    argv.push("--task".into());
    Ok(JobSpec {
        tag: tag(driver.campaign, &number.to_string())?,
        title: format!("molsieve: wave {number} of the campaign {}", file.identity.name),
        argv,
        tasks: Tasks::Array(tasks),
        running_max: file.execution.cluster.as_ref().and_then(|cluster| cluster.running_max),
        resources: resources(&file.execution, &driver.state),
        after: Vec::new(),
        instead_of: Vec::new(),
        exclude: bad_nodes(&driver.state),
        file: dir.wave_script(number),
        logs: dir.wave_output(number),
    })
}

/// The job of the tick of `round`.
fn tick_job(driver: &Driver<'_>, round: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = driver.campaign;
    let cluster = file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| Error::bug("a tick is submitted where there is no cluster"))?;
    let wave = driver.state.active.as_ref().and_then(|wave| wave.job.clone());
    let mut argv: Vec<OsString> = vec![driver.settings.program.clone().into(), "--quiet".into(), "tick".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--round".into(), round.to_string().into()]);
    Ok(JobSpec {
        tag: tick_tag(driver.campaign, round)?,
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
        exclude: bad_nodes(&driver.state),
        file: dir.tick_script(round),
        logs: dir.tick_output(),
    })
}

/// The job that stands in for `tick`, that of `round`, if it does not end well: by a failure, a time limit, or a death.
fn stand_in_job(driver: &Driver<'_>, round: u64, tick: JobId) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = driver.campaign;
    let mut job = tick_job(driver, round)?;
    job.argv.extend(["--instead-of".into(), tick.0.clone().into()]);
    job.tag = stand_in_tag(driver.campaign, round)?;
    job.title =
        format!("molsieve: stands in for tick {round} of the campaign {}, should that fail", file.identity.name);
    (job.after, job.instead_of, job.file) = (Vec::new(), vec![tick], dir.stand_in_script(round));
    Ok(job)
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
