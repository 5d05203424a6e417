//! What a wave that has ended leaves to be told: which of its tasks failed, at what, and whose fault it was.

use molsieve_adapters::{Blame, TaskReport, TaskState};

use super::driver::Driver;
use super::wave;
use crate::error::{Kind, Result};
use crate::fs;
use crate::journal::event::{Event, PauseCode};
use crate::journal::last_words::LastWords;
use crate::journal::state::Wave;
use crate::journal::task_time::TaskTime;

/// So much of the end of a wave's output is read.
const OUTPUT_MAX: u64 = 256 << 10;

/// Notes what went wrong in the active wave, and that it has ended; whether somebody cancelled all of it at the scheduler.
///
/// # Errors
/// The journal cannot be written (exit 6), or is another's by now (exit 75).
pub(super) fn end_wave(driver: &mut Driver<'_>, reports: &[TaskReport]) -> Result<bool> {
    let Some(Wave { number, finished, .. }) = driver.state.active.clone() else { return Ok(false) };
    let progress = driver.look.finished() > finished;
    let groups = wave::read(&driver.campaign.dir, number)?;
    let over_memory = is_over_memory(driver, number, reports);
    let mut unfinished = Vec::new();
    for (task, (report, groups)) in reports.iter().zip(&groups).enumerate() {
        let missing = groups.iter().filter(|g| driver.look.missing().contains(g)).map(|g| g.0);
        let missing: Vec<u64> = missing.collect();
        if missing.is_empty() {
            continue;
        }
        unfinished.push(report.state);
        let words = LastWords::hear(&driver.campaign.dir, number, task as u64);
        // What was cancelled was cancelled by somebody; what was checkpointed at a stop, or with its share of the core time
        // used up, is as it should be.
        let is_spent = words.as_ref().is_some_and(|words| words.pause == Some(PauseCode::CoreHours));
        let wanted = match report.state {
            TaskState::Cancelled => true,
            TaskState::Checkpointed => is_spent || driver.cancelled || driver.settings.stop.is_raised(),
            TaskState::Unknown => is_spent,
            _ => false,
        };
        if !wanted {
            let state = if over_memory && is_unexplained(report.state) { TaskState::OutOfMemory } else { report.state };
            let report = TaskReport { state, ..report.clone() };
            let event = failure(driver, number, task as u64, &report, missing, progress, words);
            driver.record(event)?;
        }
    }
    let core_ms = used(driver, number, groups.len() as u64);
    driver.record(Event::WaveEnded { wave: number, core_ms })?;
    let all_cancelled = !unfinished.is_empty() && unfinished.iter().all(|state| *state == TaskState::Cancelled);
    // One element of many is submitted again; a whole job was meant.
    let whole = unfinished.len() > 1 || reports.len() == 1;
    // (A person who starts it knows that it was.)
    Ok(all_cancelled && whole && driver.by_itself && !driver.cancelled)
}

/// What the tasks of `wave` wrote down that they used; none where this driver looked on, and noted it as it went.
fn used(driver: &Driver<'_>, wave: u64, tasks: u64) -> Option<u64> {
    let nobody_looked_on = !driver.adapter.capabilities().lifeline;
    nobody_looked_on.then(|| TaskTime::of_wave(&driver.campaign.dir, wave, tasks))
}

/// An end that may have been for want of memory, although the scheduler does not say so.
const fn is_unexplained(state: TaskState) -> bool {
    matches!(state, TaskState::NodeFailed | TaskState::Unknown)
}

/// Whether the output of `wave` says that a task was ended for want of memory, where the scheduler does not. It does not say
/// which: more memory is for all of them.
fn is_over_memory(driver: &Driver<'_>, wave: u64, reports: &[TaskReport]) -> bool {
    let path = driver.campaign.dir.wave_output(wave);
    let is_asked = reports.iter().any(|report| is_unexplained(report.state));
    let output = is_asked.then(|| fs::read_end(&path, OUTPUT_MAX).unwrap_or_default()).unwrap_or_default();
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
    let wordless = || match pause {
        Some(_) => format!("the disk or the quota of `{dir}` is full: a worker could not even write why it ended"),
        None => format!("a worker ended as {state:?}, without a word"),
    };
    // A scheduler forgets how a task ended; its words do not.
    let is_forgotten = state.blame() == Blame::Unknown;
    let program = state.blame() == Blame::Program || is_forgotten && words.as_ref().is_some_and(|words| words.program);
    let what = words.map_or_else(wordless, |words| words.what);
    let state = format!("{state:?}");
    let node = report.node.clone();
    Event::TaskFailed { wave, task, state, groups, progress, program, exit, what, pause, node }
}
