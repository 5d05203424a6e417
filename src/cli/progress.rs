//! Progress for a person: a bar on a terminal, a plain line now and then in a pipe.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;
use crate::clock::Stopwatch;
use crate::run::look::Progress;

/// In a pipe, a line is printed this often at most.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows progress.
pub struct Meter {
    output: Output,
    bar: Option<ProgressBar>,
    last_line: Duration,
}

impl Meter {
    /// A bar of `records` if somebody watches, lines otherwise.
    pub fn new(output: Output, records: u64) -> Self {
        let bar = output.is_watched().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {percent:>3}%  {msg}");
            ProgressBar::new(records).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { output, bar, last_line: Duration::ZERO }
    }

    /// Shows `now`.
    pub fn show(&mut self, now: &Progress<'_>) {
        if let Some(bar) = &self.bar {
            bar.set_position(now.finished);
            bar.set_message(describe(now));
        } else if now.elapsed >= self.last_line + LINE_EVERY {
            self.last_line = now.elapsed;
            self.output.note(format!("{} / {} records  {}", now.finished, now.records, describe(now)));
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells how far a snapshot is, now and then: a large library takes a while.
pub fn reading(output: Output) -> impl Fn(u64, u64) + Sync {
    let (begun, told) = (Stopwatch::start(), AtomicU64::new(0));
    move |bytes, records| {
        if let Some(line) = reading_line(begun.elapsed(), &told, bytes, records) {
            output.note(line);
        }
    }
}

/// The line that is due after `elapsed`, if one is; `told` is the second of the last one. Of several
/// threads that ask at once, one gets it.
fn reading_line(elapsed: Duration, told: &AtomicU64, bytes: u64, records: u64) -> Option<String> {
    let (now, last) = (elapsed.as_secs(), told.load(Ordering::Relaxed));
    let is_due = now >= last + LINE_EVERY.as_secs();
    let is_mine = is_due && told.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    is_mine.then(|| format!("reading the library: {records} records, {} MiB", bytes >> 20))
}

/// Shards, rate and the time that is left.
fn describe(now: &Progress<'_>) -> String {
    let (shards, done) = now.shards;
    let mut text = format!("{done}/{shards} shards");
    let seconds = now.elapsed.as_secs_f64();
    let rate = now.finished.saturating_sub(now.before) as f64 / seconds.max(0.001);
    if rate > 0.0 && seconds > 1.0 {
        let left = now.records.saturating_sub(now.finished) as f64 / rate;
        text += &format!("  {rate:.0} records/s  {} left", span(left));
    }
    if now.sealed.error > 0 {
        text += &format!("  {} errors", now.sealed.error);
    }
    text
}

/// A span of time, to two units.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.round().min(9e15) as u64;
    let (d, h, m, s) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    match (d, h, m) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, _) => format!("{m} min {s} s"),
        (0, ..) => format!("{h} h {m} min"),
        _ => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_snapshot_is_told_of_every_ten_seconds_and_by_one_thread() {
        let told = AtomicU64::new(0);
        let line = |second, bytes, records| reading_line(Duration::from_secs(second), &told, bytes, records);
        assert_eq!(line(0, 1, 1), None);
        assert_eq!(line(9, 5 << 20, 100), None);
        assert_eq!(line(10, 7 << 20, 4096).unwrap(), "reading the library: 4096 records, 7 MiB");
        assert_eq!(line(10, 8 << 20, 8192), None);
        assert_eq!(line(19, 8 << 20, 8192), None);
        let told_at_once: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| line(35, 0, 9).is_some())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(told_at_once.iter().filter(|is_told| **is_told).count(), 1);
    }

    #[test]
    fn a_span_is_told_in_two_units() {
        assert_eq!([span(0.4), span(61.0), span(7265.0), span(90_061.0)], ["0 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]);
    }
}
