//! The wish to stop, shared by everything that works in one process.
//!
//! A first SIGTERM, SIGINT or SIGUSR1, or the end of the lifeline (the pipe to whoever started us),
//! asks for a clean stop: finish or abandon what is in flight, sync, exit 75. A second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A flag that is raised once and never lowered.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits for `time`, in steps, or until it is raised; whether it is.
    pub fn wait(&self, time: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(20);
        let mut left = time;
        while !self.is_raised() && left > Duration::ZERO {
            let step = left.min(STEP);
            std::thread::sleep(step);
            left -= step;
        }
        self.is_raised()
    }

    /// The flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
