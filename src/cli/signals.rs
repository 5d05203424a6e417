//! Signals and the lifeline: who may ask this process to stop, and how.

use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook::iterator::Signals;

use crate::error::{Error, Kind, Result};
use crate::stop::Stop;

/// The first signal that this process was sent, if any was.
#[derive(Clone, Debug, Default)]
pub struct FirstSignal(Arc<OnceLock<i32>>);

impl FirstSignal {
    /// Whether there was one.
    pub fn is_there(&self) -> bool {
        self.0.get().is_some()
    }

    /// Whether it was the one by which a scheduler says that the time is nearly up (SIGUSR1).
    pub fn is_of_the_clock(&self) -> bool {
        self.0.get() == Some(&SIGUSR1)
    }
}

/// Raises `stop` at the first SIGTERM, SIGINT, SIGHUP or SIGUSR1. At the second, calls `at_once` and ends
/// the process with exit code 75.
///
/// # Errors
/// The system lets no handler be set (exit 6).
pub fn raise_on_signal(stop: &Stop, at_once: impl Fn() + Send + 'static) -> Result<FirstSignal> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|e| Error::environment(format!("cannot listen for signals: {e}")))?;
    let (stop, first) = (stop.clone(), FirstSignal::default());
    let told = first.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = told.0.set(signal);
            if stop.is_raised() {
                at_once();
                std::process::exit(Kind::Stopped.exit_code().into());
            }
            stop.raise();
        }
    });
    Ok(first)
}

/// Raises `stop` at every such signal, and never ends the process by itself: a rank is told by its launcher, by the scheduler and by
/// other ranks, all at once.
///
/// # Errors
/// As [`raise_on_signal`].
pub fn raise_on_signals(stop: &Stop) -> Result<FirstSignal> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|e| Error::environment(format!("cannot listen for signals: {e}")))?;
    let (stop, first) = (stop.clone(), FirstSignal::default());
    let told = first.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            let _ = told.0.set(signal);
            stop.raise();
        }
    });
    Ok(first)
}

/// Makes a write beyond the file size limit an error like that of a full disk, and not a silent death.
///
/// # Errors
/// The system lets no handler be set (exit 6).
pub fn survive_file_size_limit() -> Result<()> {
    // The flag is never read: that there is a handler is enough for the write to return an error.
    signal_hook::flag::register(SIGXFSZ, Arc::default())
        .map(|_| ())
        .map_err(|e| Error::environment(format!("cannot listen for signals: {e}")))
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
