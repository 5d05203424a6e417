//! Signals and the lifeline: who may ask this process to stop, and how.

use std::io::Read;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::error::{Error, Kind, Result};
use crate::shard::stop::Stop;

/// Raises `stop` at the first SIGTERM, SIGINT, SIGHUP or SIGUSR1. At the second, calls `at_once` and ends
/// the process with exit code 75.
///
/// # Errors
/// The system lets no handler be set (exit 6).
pub fn raise_on_signal(stop: &Stop, at_once: impl Fn() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|e| Error::environment(format!("cannot listen for signals: {e}")))?;
    let stop = stop.clone();
    thread::spawn(move || {
        for _ in signals.forever() {
            if stop.is_raised() {
                at_once();
                std::process::exit(Kind::Stopped.exit_code().into());
            }
            stop.raise();
        }
    });
    Ok(())
}

/// Raises `stop` when standard input ends: whoever started us has gone.
pub fn raise_at_end_of_lifeline(stop: &Stop) {
    let stop = stop.clone();
    thread::spawn(move || {
        let mut byte = [0; 64];
        // Nobody writes to a lifeline; anything but the end is waited over.
        while std::io::stdin().lock().read(&mut byte).is_ok_and(|n| n > 0) {}
        stop.raise();
    });
}
