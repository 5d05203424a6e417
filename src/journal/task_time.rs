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
}

impl TaskTime {
    /// Writes down what `task` of `wave` has used.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn write(dir: &CampaignDir, wave: u64, task: u64, core_ms: u64) -> Result<()> {
        let time = Self { schema: SCHEMA.to_owned(), core_ms };
        fs::replace(&dir.task_time(wave, task), &json::to_line(&time)?)
    }

    /// What all `tasks` of `wave` have used, as far as they wrote that down, in core-milliseconds.
    pub fn of_wave(dir: &CampaignDir, wave: u64, tasks: u64) -> u64 {
        (0..tasks).map(|task| Self::read(dir, wave, task)).fold(0, u64::saturating_add)
    }

    /// What `task` of `wave` has used, as far as it wrote that down, in core-milliseconds.
    pub fn read(dir: &CampaignDir, wave: u64, task: u64) -> u64 {
        let bytes = fs::read_plain(&dir.task_time(wave, task)).unwrap_or_default();
        json::from_slice::<Self>("the time of a task", &bytes).map_or(0, |time| time.core_ms)
    }
}
