//! What a wave that has ended leaves to be told: which of its tasks failed, at what, and whose fault it was.

use std::cell::LazyCell;

use molsieve_adapters::{Blame, TaskReport, TaskState};

use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal::event::{Event, PauseCode};
use crate::journal::last_words::LastWords;
use crate::journal::state::Wave;
use crate::journal::task_time::TaskTime;
use crate::run::drive::driver::Driver;
use crate::run::{finish, wave};

/// So much of the end of a wave's output is read.
const OUTPUT_MAX: u64 = 256 << 10;

/// Notes what went wrong in the active wave, and that it has ended; whether somebody cancelled all of it at the scheduler.
///
/// # Errors
/// The journal cannot be written (exit 6), or is another's by now (exit 75).
pub(in crate::run) fn end_wave(driver: &mut Driver<'_>, reports: &[TaskReport]) -> Result<bool> {
    let Some(Wave { number, finished, .. }) = driver.state.active.clone() else { return Ok(false) };
    // By this driver, by a signal to it, or by `molsieve cancel`.
    let asked = driver.cancelled || driver.settings.stop.is_raised() || driver.state.cancelled == Some(number);
    let progress = driver.look.finished() > finished;
    let groups = wave::read(&driver.campaign.dir, number)?;
    let over_memory = is_over_memory(driver, number, reports);
    // A person who goes on may have made room since. (Nobody goes on by itself, or here, after a full disk.)
    let (campaign, by_a_person) = (driver.campaign, !driver.by_itself && !driver.adapter.capabilities().lifeline);
    let has_room_again = LazyCell::new(|| by_a_person && finish::has_room(campaign));
    let mut unfinished = Vec::new();
    for (task, (report, groups)) in reports.iter().zip(&groups).enumerate() {
        let missing = groups.iter().filter(|g| driver.look.missing().contains(g)).map(|g| g.0);
        let missing: Vec<u64> = missing.collect();
        if missing.is_empty() {
            continue;
        }
        let given_up = driver.state.given_up.contains_key(&(task as u64));
        let report = TaskReport { state: of_given_up(report.state, given_up), ..report.clone() };
        unfinished.push(report.state);
        let mut words = LastWords::hear(&driver.campaign.dir, number, task as u64).filter(|_| !given_up);
        let mut report = report;
        if let Some(complaint) = driver.carried.refused.get(&(task as u64)) {
            // Whoever it was that returned it, it was that node.
            words = Some(LastWords::of(&Error::environment(complaint.clone())));
            report.state = TaskState::NodeFailed;
        }
        // What was cancelled was cancelled by somebody; what was checkpointed at a stop, or with its share of the core time
        // used up, is as it should be.
        let is_spent = words.as_ref().is_some_and(|words| words.pause == Some(PauseCode::CoreHours));
        let wanted = match report.state {
            TaskState::Cancelled => true,
            TaskState::Checkpointed => is_spent || asked,
            TaskState::Unknown => is_spent,
            _ => false,
        };
        if !wanted {
            let state = explained(report.state, over_memory, words.as_ref());
            let report = TaskReport { state, ..report };
            let mut event = failure(driver, number, task as u64, &report, missing, progress, words);
            if let Event::TaskFailed { pause: Some(PauseCode::DiskFull), program, .. } = &mut event {
                // The same again would not fail the same way.
                *program &= !*has_room_again;
            }
            driver.record(event)?;
        }
    }
    let core_ms = used(driver, number, groups.len() as u64);
    driver.record(Event::WaveEnded { wave: number, core_ms })?;
    driver.clear_carried(number)?;
    let all_cancelled = !unfinished.is_empty() && unfinished.iter().all(|state| *state == TaskState::Cancelled);
    // Some elements of many are submitted again; a whole job was meant. Who cancels the few that are left of one is asked
    // twice: it comes back, and is a whole one then.
    let whole = reports.len() == 1 || unfinished.len() > 1 && 2 * unfinished.len() >= reports.len();
    // (A person who starts it knows that it was.)
    Ok(all_cancelled && whole && driver.by_itself && !asked)
}

/// What the tasks of `wave` wrote down that they used; none where this driver looked on, and noted it as it went.
pub(in crate::run) fn used(driver: &Driver<'_>, wave: u64, tasks: u64) -> Option<u64> {
    let nobody_looked_on = !driver.adapter.capabilities().lifeline;
    nobody_looked_on.then(|| TaskTime::of_wave(&driver.campaign.dir, wave, tasks).core_ms)
}

/// An end that may have been for want of memory, although the scheduler does not say so.
const fn is_unexplained(state: TaskState) -> bool {
    matches!(state, TaskState::NodeFailed | TaskState::Unknown)
}

/// How a task ended that was ended because its scheduler held it again and again: by no fault or wish of anybody.
const fn of_given_up(state: TaskState, given_up: bool) -> TaskState {
    if given_up && matches!(state, TaskState::Cancelled | TaskState::Unknown) { TaskState::NodeFailed } else { state }
}

/// How a task ended, where its scheduler does not say, or has forgotten: its words do, or the output of its wave.
fn explained(state: TaskState, over_memory: bool, words: Option<&LastWords>) -> TaskState {
    match (state, words) {
        (TaskState::Unknown, Some(words)) => TaskState::of_exit(words.process_exit().into()),
        (state, _) if over_memory && is_unexplained(state) => TaskState::OutOfMemory,
        (state, _) => state,
    }
}

/// Whether the output of `wave` says that a task was ended for want of memory, where the scheduler does not. It does not say
/// which: more memory is for all of them.
fn is_over_memory(driver: &Driver<'_>, wave: u64, reports: &[TaskReport]) -> bool {
    let path = driver.campaign.dir.wave_output(wave);
    let is_asked = reports.iter().any(|report| is_unexplained(report.state));
    let output = if is_asked { fs::read_end(&path, OUTPUT_MAX).unwrap_or_default() } else { Vec::new() };
    driver.adapter.diagnose(&String::from_utf8_lossy(&output)) == Some(TaskState::OutOfMemory)
}

fn failure(
    driver: &Driver<'_>,
    wave: u64,
    task: u64,
    report: &TaskReport,
    groups: Vec<u64>,
    progress: bool,
    words: Option<LastWords>,
) -> Event {
    let state = report.state;
    let exit = words.as_ref().map_or_else(|| Kind::Environment.exit_code(), |w| w.exit);
    // A worker that waits for somebody and could not even write for what, met a full disk.
    let waits = state == TaskState::Failed { exit: i32::from(Kind::Incomplete.exit_code()) };
    let pause = words.as_ref().map_or(waits.then_some(PauseCode::DiskFull), |words| words.pause);
    let dir = driver.campaign.dir.root().display();
    let held = driver.state.given_up.get(&task);
    let wordless = || match pause {
        None if let Some(why) = held => format!("no node could start it: {why}"),
        Some(_) => format!("the disk or the quota of `{dir}` is full: a worker could not even write why it ended"),
        None => format!("a worker ended as {state:?}, without a word"),
    };
    let node = report.node.clone().or_else(|| words.as_ref().and_then(|words| words.node.clone()));
    let program = state.blame() == Blame::Program;
    let what = words.map_or_else(wordless, |words| words.what);
    let state = format!("{state:?}");
    Event::TaskFailed { wave, task, state, groups, progress, program, exit, what, pause, node }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scheduler_has_forgotten_is_known_by_the_words_of_the_task() {
        let words = |kind| LastWords::of(&Error::new(kind, "why"));
        let of = |state, kind| explained(state, false, Some(&words(kind)));
        assert_eq!(of(TaskState::Unknown, Kind::Environment), TaskState::Failed { exit: 6 });
        assert_eq!(of(TaskState::Unknown, Kind::Scorer).blame(), Blame::Program);
        assert_eq!(of(TaskState::Preempted, Kind::Scorer), TaskState::Preempted, "what it says is taken");
        assert_eq!(explained(TaskState::Unknown, false, None), TaskState::Unknown);
    }

    #[test]
    fn a_task_that_was_given_up_was_cancelled_by_nobody() {
        assert_eq!(of_given_up(TaskState::Cancelled, true), TaskState::NodeFailed);
        assert_eq!(of_given_up(TaskState::Unknown, true), TaskState::NodeFailed, "the queue has forgotten it");
        assert_eq!(of_given_up(TaskState::Cancelled, false), TaskState::Cancelled);
        assert_eq!(of_given_up(TaskState::Succeeded, true), TaskState::Succeeded, "it had begun after all");
    }

    #[test]
    fn only_an_end_that_nobody_explains_may_have_been_for_want_of_memory() {
        for (state, then) in [
            (TaskState::NodeFailed, TaskState::OutOfMemory),
            (TaskState::Unknown, TaskState::OutOfMemory),
            (TaskState::Failed { exit: 2 }, TaskState::Failed { exit: 2 }),
            (TaskState::Preempted, TaskState::Preempted),
        ] {
            assert_eq!(explained(state, true, None), then);
            assert_eq!(explained(state, false, None), state);
        }
    }
}
