//! How much core time a task of a wave has used: what its worker writes down while it is at work.
//!
//! Where a scheduler runs the work there is no driver that could watch it, and a scheduler forgets. So each worker keeps this
//! file, from one life of its task to the next; whoever ends the wave adds them up. A worker that is killed loses a minute.

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::error::Result;
use crate::fs;
use crate::layout::CampaignDir;

/// Schema of [`TaskTime`].
pub const SCHEMA: &str = "molsieve.task-time.v1";

/// What a task has used, in all its lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskTime {
    /// [`SCHEMA`].
    pub schema: String,
    /// Core-milliseconds: the cores of the task × time.
    pub core_ms: u64,
    /// How often it ended at a checkpoint for want of time, and asked to be put back into the queue; absent if never.
    #[serde(default, skip_serializing_if = "is_none")]
    pub restarts: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(restarts: &u64) -> bool {
    *restarts == 0
}

/// What the tasks of a wave have used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Core-milliseconds.
    pub core_ms: u64,
    /// How often they asked to be put back into the queue.
    pub restarts: u64,
}

impl TaskTime {
    /// Writes down what `task` of `wave` has used.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn write(dir: &CampaignDir, wave: u64, task: u64, core_ms: u64) -> Result<()> {
        let restarts = Self::of_task(dir, wave, task).restarts;
        Self::replace(dir, wave, task, Used { core_ms, restarts })
    }

    /// Writes down that `task` of `wave` asks to be put back into the queue, or that it was told no.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn note_restart(dir: &CampaignDir, wave: u64, task: u64, is_asked: bool) -> Result<()> {
        let Used { core_ms, restarts } = Self::of_task(dir, wave, task);
        let restarts = if is_asked { restarts.saturating_add(1) } else { restarts.saturating_sub(1) };
        Self::replace(dir, wave, task, Used { core_ms, restarts })
    }

    fn replace(dir: &CampaignDir, wave: u64, task: u64, Used { core_ms, restarts }: Used) -> Result<()> {
        let time = Self { schema: SCHEMA.to_owned(), core_ms, restarts };
        fs::replace(&dir.task_time(wave, task), &json::to_line(&time)?)
    }

    /// What all `tasks` of `wave` have used, as far as they wrote that down, in core-milliseconds.
    pub fn of_wave(dir: &CampaignDir, wave: u64, tasks: u64) -> Used {
        (0..tasks).map(|task| Self::of_task(dir, wave, task)).fold(Used::default(), |sum, one| Used {
            core_ms: sum.core_ms.saturating_add(one.core_ms),
            restarts: sum.restarts.saturating_add(one.restarts),
        })
    }

    /// What `task` of `wave` has used, as far as it wrote that down, in core-milliseconds.
    pub fn read(dir: &CampaignDir, wave: u64, task: u64) -> u64 {
        Self::of_task(dir, wave, task).core_ms
    }

    fn of_task(dir: &CampaignDir, wave: u64, task: u64) -> Used {
        let bytes = fs::read_small(&dir.task_time(wave, task)).unwrap_or_default();
        let time = json::from_slice::<Self>("the time of a task", &bytes);
        time.map_or(Used::default(), |Self { core_ms, restarts, .. }| Used { core_ms, restarts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_counted_beside_the_time_and_a_no_is_taken_back() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        fs::create_dir(&dir.logs()).unwrap();
        TaskTime::write(&dir, 1, 0, 500).unwrap();
        let first = fs::read_plain(&dir.task_time(1, 0)).unwrap();
        assert!(!String::from_utf8_lossy(&first).contains("restarts"), "as it was written before there were any");
        for is_asked in [true, true, false] {
            TaskTime::note_restart(&dir, 1, 0, is_asked).unwrap();
        }
        TaskTime::write(&dir, 1, 0, 900).unwrap();
        TaskTime::note_restart(&dir, 1, 2, true).unwrap();
        assert_eq!(TaskTime::of_wave(&dir, 1, 3), Used { core_ms: 900, restarts: 2 });
    }
}
