//! A look: the small job that looks at a campaign while its wave runs, and the next one after it.
//!
//! What only somebody sees who looks in mid-wave is dealt with by it: too many errors, and tasks that the scheduler holds after a
//! failure of its own, so that their wave would never end. The scheduler is the truth of whether a look waits; two are as
//! good as one, and one that finds the campaign over ends the row.

use std::path::Path;

use molsieve_adapters::{Adapter, AdapterError, JobId, JobTag, TaskState};

use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State, Wave};
use crate::run::cluster::queue::{heard, others};
use crate::run::drive::driver::Driver;
use crate::run::drive::jobs::{self, Making};
use crate::run::drive::submission;
use crate::scheduler::refused;

/// So often a task that its scheduler holds is let go in one wave; then it is ended, and the next wave has its task groups.
pub(in crate::run) const RELEASES_MAX: u32 = 3;

/// Makes sure that a look waits. One that is refused is done without: the campaign goes on all the same when its wave ends.
///
/// # Errors
/// Its script cannot be written (exit 6).
pub(in crate::run) fn follow(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    state: &State,
    program: &Path,
) -> Result<()> {
    let cluster = campaign.file.execution.cluster.as_ref().filter(|cluster| cluster.nodes_may_submit);
    let Some(after_s) = cluster.and_then(|cluster| cluster.look_s) else { return Ok(()) };
    let waits = |known: Vec<(JobId, TaskState)>| known.iter().any(|(_, state)| *state == TaskState::Pending);
    if others(campaign, adapter, &[jobs::look_tag(campaign)?]).map_or(true, waits) {
        return Ok(());
    }
    let finally = adapter.capabilities().finally;
    let making = Making { campaign, state, program, lifeline: false, requeues: false, finally };
    let mut job = jobs::look_job(&making, after_s)?;
    let mut is_wanted = || !is_over(campaign);
    let mut handed_over = submission::hand_over(campaign, adapter, &job, &mut is_wanted)?;
    if matches!(handed_over, Err(AdapterError::Rejected(_))) && !job.exclude.is_empty() {
        job.exclude.clear();
        handed_over = submission::hand_over(campaign, adapter, &job, &mut is_wanted)?;
    }
    // Somebody may have stopped the campaign meanwhile, and found no look.
    if let Ok(id) = handed_over
        && is_over(campaign)
    {
        let _ = adapter.cancel(&[id]);
    }
    Ok(())
}

/// Whether a tick, what stands in for it, or another look is at work: then there is nothing to look for.
pub(in crate::run) fn is_tended(campaign: &Campaign, adapter: &mut dyn Adapter, state: &State) -> Result<bool> {
    let round = state.ticks;
    let tick = [jobs::tick_tag(campaign, round)?, jobs::stand_in_tag(campaign, round)?];
    let tags: Vec<JobTag> = tick.into_iter().chain([jobs::look_tag(campaign)?]).collect();
    let known = others(campaign, adapter, &tags).unwrap_or_default();
    Ok(known.iter().any(|(_, state)| *state == TaskState::Running))
}

/// Takes the looks of `campaign` out of the queue, but not this process.
pub(in crate::run) fn end(campaign: &Campaign, adapter: &mut dyn Adapter) -> Result<()> {
    let known = others(campaign, adapter, &[jobs::look_tag(campaign)?]).map_err(|e| refused(&e))?;
    let live = known.into_iter().filter(|(_, state)| !state.is_final()).map(|(job, _)| job);
    adapter.cancel(&live.collect::<Vec<_>>()).map_err(|e| refused(&e))
}

/// The same, if the campaign is over. (One that stays finds that out by itself.)
pub(in crate::run) fn end_if_over(campaign: &Campaign, adapter: &mut dyn Adapter) {
    if is_over(campaign) {
        let _ = end(campaign, adapter);
    }
}

fn is_over(campaign: &Campaign) -> bool {
    let state = journal::read(&campaign.dir).and_then(|history| State::of(&history.entries));
    state.is_ok_and(|state| state.phase != Phase::Active)
}

/// Lets the tasks of the active wave go that the scheduler holds by itself, and ends those that it has held too often. What
/// somebody holds stays so.
///
/// # Errors
/// The journal cannot be written (exit 6), or the scheduler does not answer (exit 5).
pub(in crate::run) fn let_go(driver: &mut Driver<'_>) -> Result<()> {
    let Some(Wave { number: wave, job: Some(job), .. }) = driver.state.active.clone() else { return Ok(()) };
    let own = driver.held.iter().filter(|(_, reason)| driver.adapter.is_own_hold(reason));
    let Some((_, what)) = own.clone().next().cloned() else { return Ok(()) };
    let releases = |task: &u64| driver.state.releases.get(task).copied().unwrap_or(0);
    let (ended, released): (Vec<u64>, Vec<u64>) =
        own.map(|(task, _)| *task).partition(|task| releases(task) >= RELEASES_MAX);
    driver.record(Event::Held { wave, released: released.clone(), ended: ended.clone(), what })?;
    let job = JobId(job);
    if !released.is_empty() {
        heard(driver.adapter.release(&job, &released))?;
    }
    if !ended.is_empty() {
        heard(driver.adapter.cancel_tasks(&job, &ended))?;
    }
    Ok(())
}
