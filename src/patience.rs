//! What a process waits for: told to whoever watches, and ended early by whoever has had enough.
//!
//! Code that waits says so ([`Patience::waits`]), and looks now and then whether it had better go
//! ([`Patience::has_enough`]). Who talks to people asks for [`Patience::news`], in a thread of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::{self, Stopwatch, UnixMs};
use crate::stop::Stop;

/// What is over sooner is not worth a word.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// How soon somebody who has had enough may go.
const NOTICE_WITHIN: Duration = Duration::from_millis(100);

/// The patience of one process, shared by everything in it.
#[derive(Clone, Debug, Default)]
pub struct Patience {
    leave: Stop,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    waits: Vec<(u64, Wait, Stopwatch)>,
    begun: u64,
    told: BTreeSet<String>,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// As a sentence that "until" can follow.
    pub what: String,
    /// Until when, at most.
    pub until_ms: UnixMs,
}

/// A wait, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Waiting {
    number: u64,
    shared: Arc<Mutex<Shared>>,
}

impl Patience {
    /// The patience of somebody who goes when `leave` is raised.
    pub fn until(leave: &Stop) -> Self {
        Self { leave: leave.clone(), ..Self::default() }
    }

    /// Whether whoever waits has had enough.
    pub fn has_enough(&self) -> bool {
        self.leave.is_raised()
    }

    /// Notes that `what` is waited for from now on, for at most `most`.
    pub fn waits(&self, what: impl Into<String>, most: Duration) -> Waiting {
        let mut shared = locked(&self.shared);
        shared.begun += 1;
        let number = shared.begun;
        let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let wait = Wait { what: what.into(), until_ms: clock::unix_ms().saturating_add(most_ms) };
        shared.waits.push((number, wait, Stopwatch::start()));
        Waiting { number, shared: Arc::clone(&self.shared) }
    }

    /// What has been waited for so long that somebody should be told, and was not: each thing once.
    pub fn news(&self) -> Option<Wait> {
        self.news_after(TOLD_AFTER)
    }

    fn news_after(&self, long: Duration) -> Option<Wait> {
        let mut shared = locked(&self.shared);
        // What began last is what holds up the others.
        let (_, wait, since) = shared.waits.last()?;
        let wait = Some(wait).filter(|wait| since.elapsed() >= long && !shared.told.contains(&wait.what)).cloned()?;
        shared.told.insert(wait.what.clone());
        Some(wait)
    }

    /// Waits for `time`, or until whoever waits has had enough.
    pub fn pause(&self, time: Duration) {
        let since = Stopwatch::start();
        while !self.has_enough() {
            let left = time.saturating_sub(since.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(NOTICE_WITHIN));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        locked(&self.shared).waits.retain(|(number, ..)| *number != self.number);
    }
}

/// A thread that panicked while it held this left nothing half done.
fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_told_once_and_the_last_that_began_first() {
        let patience = Patience::default();
        let told = || patience.news_after(Duration::ZERO).map(|wait| wait.what);
        assert_eq!(told(), None);
        let outer = patience.waits("the queue", Duration::from_secs(60));
        let inner = patience.waits("an answer", Duration::from_secs(60));
        assert_eq!((told().as_deref(), told()), (Some("an answer"), None));
        drop(inner);
        assert_eq!((told().as_deref(), told()), (Some("the queue"), None));
        drop(outer);
        let again = patience.waits("an answer", Duration::from_secs(60));
        assert_eq!(told(), None, "it was told before");
        drop(again);
    }

    #[test]
    fn what_is_over_soon_is_not_told() {
        let patience = Patience::default();
        let wait = patience.waits("an answer", Duration::from_secs(60));
        assert_eq!(patience.news_after(Duration::from_secs(3600)), None);
        assert!(patience.news_after(Duration::ZERO).is_some());
        drop(wait);
    }

    #[test]
    fn who_has_had_enough_waits_no_longer() {
        let stop = Stop::new();
        let patience = Patience::until(&stop);
        stop.raise();
        assert!(patience.has_enough());
        patience.pause(Duration::from_secs(3600));
    }
}
