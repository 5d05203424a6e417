//! What a command waits for, told to people on standard error: in silence nobody knows whether it hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::output::Output;
use super::progress::span;
use crate::clock::{self, UnixMs};
use crate::patience::{Patience, Wait};

/// How often it is looked whether there is something to tell.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Tells what is waited for, until it is dropped.
pub struct Teller {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Teller {
    /// Tells on `output` what `patience` is needed for.
    pub fn of(patience: &Patience, output: Output) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (patience, end) = (patience.clone(), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut is_told = false;
            while !end.load(Ordering::Relaxed) {
                if patience.has_enough() && !is_told {
                    is_told = true;
                    output.note("leaving as soon as what was begun has an answer; a second signal ends this at once");
                }
                if let Some(wait) = patience.news() {
                    output.note(in_words(&wait, clock::unix_ms()));
                }
                thread::park_timeout(LOOK_EVERY);
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn in_words(wait: &Wait, now_ms: UnixMs) -> String {
    let time: String = clock::rfc3339(wait.until_ms).chars().skip("2026-11-28T".len()).take("18:40:02".len()).collect();
    let left = span(wait.until_ms.saturating_sub(now_ms) as f64 / 1e3);
    format!("{} until {time} UTC at most, {left} from now", wait.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_with_its_end() {
        let until_ms = clock::of_utc("2026-11-28T18:40:02").unwrap();
        let wait = Wait { what: "the scheduler has not answered yet: it is asked again".to_owned(), until_ms };
        let told = in_words(&wait, until_ms - 58_000);
        assert_eq!(
            told,
            "the scheduler has not answered yet: it is asked again until 18:40:02 UTC at most, 58 s from now"
        );
    }
}
