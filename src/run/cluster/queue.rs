//! What of a campaign is in the queue beside its wave, asked of the scheduler by tag.

use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, Job, JobId, JobTag, TaskState};

use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::clock::Stopwatch;
use crate::error::Result;
use crate::journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State, Tick};
use crate::run::cluster::mid_wave;
use crate::run::drive::driver::Driver;
use crate::run::drive::jobs;
use crate::scheduler::{self, refused};

/// How long whoever took over from a tick may take until the next one is in the queue, beside what settles.
const SUCCESSOR_PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether they have put it there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Whether a tick is in the queue. One that nobody knows is struck out.
pub(in crate::run) fn is_followed(driver: &mut Driver<'_>) -> Result<bool> {
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
            heard(driver.adapter.release(&id, &[]))?;
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

/// What became of the tick that another stands in for.
pub(in crate::run) fn end_of_tick(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    round: u64,
    job: u64,
) -> Result<TaskState> {
    let job = Job { id: JobId(job.to_string()), tag: jobs::tick_tag(campaign, round)? };
    let known = adapter.poll(&[job]).map_err(|e| refused(&e))?;
    Ok(known.into_values().next().map_or(TaskState::Unknown, |report| report.state))
}

/// Whether whoever took over from a tick goes on: the campaign is over, or a tick is in the queue, or comes into it while there
/// is patience. Nobody's word is taken for it, since a successor may have died before it did anything. Should one be at work all
/// the same, it sees that it is succeeded, and ends.
pub(in crate::run) fn is_gone_on_with(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<bool> {
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
        adapter.wait(LOOK_AGAIN);
    }
}

/// Whether the tick that the journal speaks of waits or runs.
fn is_tick_in_queue(state: &State, adapter: &mut dyn Adapter) -> Result<bool> {
    let Some(Tick { tag, job: Some(job), .. }) = state.tick.clone() else { return Ok(false) };
    let known = adapter.poll(&[Job { id: JobId(job), tag: JobTag(tag) }]).map_err(|e| refused(&e))?;
    Ok(known.values().any(|tick| matches!(tick.state, TaskState::Pending | TaskState::Held | TaskState::Running)))
}

/// Cancels the looks, the tick of `state`, what stands in for it, and the wave. They are found by their tags: a number may be
/// another job's by now, on a cluster that was set up anew, and of what was only intended nobody knows one.
pub(in crate::run) fn cancel(campaign: &Campaign, adapter: &mut dyn Adapter, state: &State) -> Result<()> {
    let mut tags = Vec::new();
    // First what would stand in for the tick: that it was cancelled is what it waits for.
    if state.ticks > 0 {
        tags.push(jobs::stand_in_tag(campaign, state.ticks)?);
        tags.push(jobs::tick_tag(campaign, state.ticks)?);
    }
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

/// The jobs that carry one of `tags` and are not this process, as far as they are known.
pub(in crate::run) fn others(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    tags: &[JobTag],
) -> std::result::Result<Vec<(JobId, TaskState)>, AdapterError> {
    let own = scheduler::inside(&campaign.file.execution).map(|own| own.name().to_owned());
    let mut jobs = Vec::new();
    for tag in tags {
        let found = adapter.find(tag)?.into_iter().filter(|id| Some(&id.0) != own.as_ref());
        jobs.extend(found.map(|id| Job { id, tag: tag.clone() }));
    }
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(adapter.poll(&jobs)?.into_iter().map(|(task, report)| (task.job, report.state)).collect())
}

/// A no changes nothing: what is still held is seen by the next look.
pub(in crate::run) fn heard(answer: std::result::Result<(), AdapterError>) -> Result<()> {
    match answer {
        Err(away @ (AdapterError::Unreachable(_) | AdapterError::Unparsed(_))) => Err(refused(&away)),
        _ => Ok(()),
    }
}
