//! Core time: the cores of the tasks that run × time, as the driver sees it at its looks.
//!
//! What is counted goes to the journal now and then, and at the end of each wave, so that it
//! outlives the driver; a driver that is killed loses a minute of it at most.

use std::time::Duration;

use crate::clock::Stopwatch;

/// How long what was counted may stay out of the journal.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// A meter of core time.
#[derive(Debug)]
pub struct CoreTime {
    /// Cores in use since the last look.
    cores: u64,
    looked: Stopwatch,
    noted: Stopwatch,
    /// Counted, and not in the journal.
    pending: Duration,
}

impl CoreTime {
    /// Nothing runs.
    pub fn start() -> Self {
        Self { cores: 0, looked: Stopwatch::start(), noted: Stopwatch::start(), pending: Duration::ZERO }
    }

    /// Counts the time since the last look; from now on `cores` are in use.
    pub fn look(&mut self, cores: u64) {
        let before = u32::try_from(self.cores).unwrap_or(u32::MAX);
        self.pending = self.pending.saturating_add(self.looked.elapsed().saturating_mul(before));
        (self.cores, self.looked) = (cores, Stopwatch::start());
    }

    /// What was counted and is not in the journal, in core-milliseconds.
    pub fn pending_ms(&self) -> u64 {
        u64::try_from(self.pending.as_millis()).unwrap_or(u64::MAX)
    }

    /// What is to be noted in the journal now, in core-milliseconds, if it is time or `at_once`.
    pub fn to_note(&self, at_once: bool) -> Option<u64> {
        let due = at_once || self.noted.elapsed() >= NOTE_EVERY;
        Some(self.pending_ms()).filter(|ms| due && *ms > 0)
    }

    /// It was noted.
    pub fn noted(&mut self, core_ms: u64) {
        self.pending = self.pending.saturating_sub(Duration::from_millis(core_ms));
        self.noted = Stopwatch::start();
    }
}
