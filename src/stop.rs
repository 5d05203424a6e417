//! The wish to stop, shared by everything that works in one process.
//!
//! A first SIGTERM, SIGINT or SIGUSR1, or the end of the lifeline (the pipe to whoever started us),
//! asks for a clean stop: finish or abandon what is in flight, sync, exit 75. A second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}
