//! The jobs of a campaign: what is asked for a wave, and for the small jobs beside it. Pure.

use std::ffi::OsString;
use std::path::Path;

use molsieve_adapters::{Finally, JobId, JobSpec, JobTag, Place, Resources, Retry, Tasks};

use crate::campaign::file::Campaign;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::journal::state::State;
use crate::run::drive::driver::Driver;
use crate::run::drive::room::{bad_nodes, left_ms, resources};
use crate::run::parcel;

/// Where a scheduler itself tries again what is part of a wave, so often it tries a task: who is at fault is the campaign's to judge.
const TASK_RETRIES: u32 = 1;

/// So often it tries a tick, and starts it once more to say that it came to nothing. There, nobody stands in for one.
pub(in crate::run) const TICK_RETRIES: u32 = 3;

/// What jobs are made from.
pub(in crate::run) struct Making<'a> {
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
    /// How what goes on after a wave is handed over.
    pub finally: Finally,
}

impl<'a> Making<'a> {
    /// What `driver` makes jobs from.
    pub fn of(driver: &'a Driver<'_>) -> Self {
        let able = driver.adapter.capabilities();
        let (lifeline, requeues, finally) = (able.lifeline, able.requeues, able.finally);
        let (state, program) = (&driver.state, driver.settings.program.as_path());
        Self { campaign: driver.campaign, state, program, lifeline, requeues, finally }
    }

    /// Whether a tick is part of its wave, since the scheduler knows no job that waits for another.
    pub fn is_one_job(&self) -> bool {
        self.finally == Finally::Native
    }
}

/// The job of wave `number`, with the tick of `round` where that is part of it.
pub(in crate::run) fn wave_with_tick(from: &Making<'_>, number: u64, tasks: u64, round: u64) -> Result<JobSpec> {
    let job = wave_job(from, number, tasks)?;
    if !from.is_one_job() {
        return Ok(job);
    }
    Ok(JobSpec { finally: Some(Box::new(tick_job(from, round)?)), retry: Some(retry(TASK_RETRIES)), ..job })
}

/// What ended at a checkpoint is not tried again: it was stopped, has had its share, or somebody has taken over from it.
fn retry(times: u32) -> Retry {
    Retry { times, unless_exit: Kind::Stopped.exit_code().into() }
}

/// The job of wave `number`.
fn wave_job(from: &Making<'_>, number: u64, tasks: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let ranks = file.execution.launch.as_ref().map(|launch| launch.ranks);
    let command = if ranks.is_some() { "launch" } else { "worker" };
    let transfers = parcel::transfers(from.campaign, number, tasks);
    let (program, place) = match &transfers {
        None => (from.program.as_os_str(), dir.root().as_os_str()),
        Some(_) => (parcel::PROGRAM.as_ref(), parcel::HERE.as_ref()),
    };
    let mut argv: Vec<OsString> = vec![program.into(), command.into(), place.to_owned()];
    if transfers.is_some() {
        argv.push("--parcels".into());
    }
    argv.extend(["--wave".into(), number.to_string().into()]);
    if let Some(launch) = &file.execution.launch {
        let launcher = launch.launcher.program();
        argv.extend(["--launcher".into(), launcher.into(), "--ranks".into(), launch.ranks.to_string().into()]);
    }
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
        ranks,
        ranks_per_node: file.execution.launch.as_ref().and_then(|launch| launch.ranks_per_node),
        transfers,
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
pub(in crate::run) fn tick_job(from: &Making<'_>, round: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let cluster = file.execution.cluster.as_ref();
    let cluster = cluster.ok_or_else(|| Error::bug("a tick is submitted where there is no cluster"))?;
    let wave = from.state.active.as_ref().and_then(|wave| wave.job.clone()).filter(|_| !from.is_one_job());
    let mut argv: Vec<OsString> = vec![from.program.into(), "--quiet".into(), "tick".into()];
    argv.push(dir.root().as_os_str().to_owned());
    argv.extend(["--round".into(), round.to_string().into()]);
    Ok(JobSpec {
        tag: tick_tag(from.campaign, round)?,
        title: format!("molsieve: goes on with the campaign {} when its wave has ended", file.identity.name),
        argv,
        tasks: Tasks::One,
        place: Place::Submitter,
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
        retry: from.is_one_job().then(|| retry(TICK_RETRIES)),
        file: dir.tick_script(round),
        logs: dir.tick_output(),
        ..JobSpec::default()
    })
}

/// The job that stands in for `tick`, that of `round`, if it does not end well: by a failure, a time limit, or a death.
pub(in crate::run) fn stand_in_job(from: &Making<'_>, round: u64, tick: JobId) -> Result<JobSpec> {
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
pub(in crate::run) fn look_job(from: &Making<'_>, after_s: u64) -> Result<JobSpec> {
    let Campaign { dir, file, .. } = from.campaign;
    let mut job = tick_job(from, from.state.ticks)?;
    job.argv = vec![from.program.into(), "--quiet".into(), "tick".into(), dir.root().into(), "--look".into()];
    job.tag = look_tag(from.campaign)?;
    job.title = format!("molsieve: looks at the campaign {} while its wave runs", file.identity.name);
    (job.after, job.retry) = (Vec::new(), None);
    (job.begin_after_s, job.file) = (Some(after_s), dir.look_script());
    Ok(job)
}

/// The mark on every look of a campaign.
pub(in crate::run) fn look_tag(campaign: &Campaign) -> Result<JobTag> {
    tag(campaign, "look")
}

/// The mark on the tick of `round`.
pub(in crate::run) fn tick_tag(campaign: &Campaign, round: u64) -> Result<JobTag> {
    tag(campaign, &format!("t{round}"))
}

/// The mark on what stands in for the tick of `round`.
pub(in crate::run) fn stand_in_tag(campaign: &Campaign, round: u64) -> Result<JobTag> {
    tag(campaign, &format!("s{round}"))
}

/// Our mark on a job. It holds the directory too: the same campaign may run in two of them. And what was drawn when it was
/// planned there: jobs of one that was in the directory before may still be in the queue.
fn tag(campaign: &Campaign, what: &str) -> Result<JobTag> {
    let identity = campaign.file.identity.digest()?;
    let nonce = campaign.file.nonce.as_deref().unwrap_or_default();
    let place = digest::blake3(format!("{identity}{}{nonce}", campaign.dir.root().display()).as_bytes()).to_string();
    Ok(JobTag(format!("molsieve-{}-{what}", &place[..12])))
}
