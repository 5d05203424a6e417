//! What a wave that has ended leaves to be told: which of its tasks failed, at what, and whose fault it was.

use molsieve_adapters::{Blame, TaskReport, TaskState};

use super::driver::Driver;
use super::wave;
use crate::error::{Kind, Result};
use crate::journal::event::{Event, PauseCode};
use crate::journal::last_words::LastWords;
use crate::journal::state::Wave;

/// Notes what went wrong in the active wave, and that it has ended; whether somebody cancelled all of it at the scheduler.
///
/// # Errors
/// The journal cannot be written (exit 6), or is another's by now (exit 75).
pub(super) fn end_wave(driver: &mut Driver<'_>, reports: &[TaskReport]) -> Result<bool> {
    let Some(Wave { number, finished, .. }) = driver.state.active.clone() else { return Ok(false) };
    // By this driver, by a signal to it, or by `molsieve cancel`.
    let asked = driver.cancelled || driver.settings.stop.is_raised() || driver.state.cancelled == Some(number);
    let progress = driver.look.finished() > finished;
    let groups = wave::read(&driver.campaign.dir, number)?;
    let mut unfinished = Vec::new();
    for (task, (report, groups)) in reports.iter().zip(&groups).enumerate() {
        let missing = groups.iter().filter(|g| driver.look.missing().contains(g)).map(|g| g.0);
        let missing: Vec<u64> = missing.collect();
        if missing.is_empty() {
            continue;
        }
        unfinished.push(report.state);
        // What was cancelled was cancelled by somebody; what was checkpointed at a stop is as it should be.
        let wanted = match report.state {
            TaskState::Cancelled => true,
            TaskState::Checkpointed => asked,
            _ => false,
        };
        if !wanted {
            let event = failure(driver, number, task as u64, report, missing, progress);
            driver.record(event)?;
        }
    }
    driver.record(Event::WaveEnded { wave: number })?;
    let all_cancelled = !unfinished.is_empty() && unfinished.iter().all(|state| *state == TaskState::Cancelled);
    // One element of many is submitted again; a whole job was meant.
    let whole = unfinished.len() > 1 || reports.len() == 1;
    Ok(all_cancelled && whole && !asked)
}

fn failure(driver: &Driver<'_>, wave: u64, task: u64, report: &TaskReport, groups: Vec<u64>, progress: bool) -> Event {
    let state = report.state;
    let words = LastWords::hear(&driver.campaign.dir, wave, task);
    let exit = words.as_ref().map_or_else(|| Kind::Environment.exit_code(), |w| w.exit);
    // A worker that waits for somebody and could not even write for what, met a full disk.
    let waits = state == TaskState::Failed { exit: i32::from(Kind::Incomplete.exit_code()) };
    let pause = words.as_ref().map_or(waits.then_some(PauseCode::DiskFull), |words| words.pause);
    let dir = driver.campaign.dir.root().display();
    let wordless = || match pause {
        Some(_) => format!("the disk or the quota of `{dir}` is full: a worker could not even write why it ended"),
        None => format!("a worker ended as {state:?}, without a word"),
    };
    let what = words.map_or_else(wordless, |words| words.what);
    let program = state.blame() == Blame::Program;
    let state = format!("{state:?}");
    let node = report.node.clone();
    Event::TaskFailed { wave, task, state, groups, progress, program, exit, what, pause, node }
}
