//! The journal: append-only, chained, one segment a writer.
//!
//! A writer creates the next segment with `O_EXCL` and then reads all earlier ones; so there is one
//! order of writers, without a lock that could outlive its holder. A writer that sees a higher
//! segment than its own has been taken over from: it stops before any further effect. Whatever it
//! wrote after the successor had read is not in the chain and is not read again.
//!
//! [`state`] is the fold over the events. A worker's last words, what it used, and a driver's sign of life
//! are hints beside it.

pub mod event;
pub mod last_words;
pub mod sign_of_life;
pub mod state;
pub mod task_time;

use std::path::Path;

use crate::canonical::json;
use crate::clock;
use crate::digest::{self, Digest};
use crate::error::{Error, Kind, Result};
use crate::fs::{self, Appender};
use crate::layout::CampaignDir;
use event::{Entry, Event, SCHEMA};

/// The events of a campaign, in order.
#[derive(Clone, Debug)]
pub struct History {
    /// The entries.
    pub entries: Vec<Entry>,
    /// BLAKE3 of the last line.
    head: Digest,
    /// The highest segment.
    pub segments: u64,
}

/// Reads all events of the campaign in `dir`; none if there is no journal yet.
///
/// # Errors
/// A segment cannot be read (exit 6), or the chain is broken (exit 4).
pub fn read(dir: &CampaignDir) -> Result<History> {
    read_up_to(dir, u64::MAX)
}

/// A writer may be at work meanwhile: what was read of its segment may end before the line after which its successor began. So
/// what looks like damage is looked at again, until it looks the same twice. A segment that was read whole does not grow once
/// a later one has begun, so a race is over when as much was read as the last time.
fn read_up_to(dir: &CampaignDir, last: u64) -> Result<History> {
    let mut before = None;
    loop {
        let mut lengths = Vec::new();
        match read_once(dir, last, &mut lengths) {
            Err(error) if error.kind() == Kind::Verification && before.as_ref() != Some(&lengths) => {
                before = Some(lengths);
            }
            read => return read,
        }
    }
}

/// Reads once. `lengths` are those of the segments that were read.
fn read_once(dir: &CampaignDir, last: u64, lengths: &mut Vec<usize>) -> Result<History> {
    let mut history = History { entries: Vec::new(), head: digest::blake3(b""), segments: 0 };
    while history.segments < last {
        let path = dir.journal_segment(history.segments + 1);
        let bytes = match fs::read_plain(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                no_later_segment(dir, history.segments)?;
                break;
            }
            Err(e) => return Err(Error::io("cannot read the journal", &path, &e)),
        };
        history.segments += 1;
        lengths.push(bytes.len());
        history.take(&path, &bytes)?;
    }
    Ok(history)
}

/// Segments are numbered without gaps: a later one than the last says that one was removed.
fn no_later_segment(dir: &CampaignDir, last: u64) -> Result<()> {
    let entries = std::fs::read_dir(dir.journal()).into_iter().flatten().flatten();
    let number = |name: String| name.strip_suffix(".jsonl")?.parse::<u64>().ok();
    let highest = entries.filter_map(|entry| number(entry.file_name().into_string().ok()?)).max();
    if highest.is_none_or(|highest| highest <= last) || dir.journal_segment(last + 1).exists() {
        // (A segment that appeared since is that of a new writer.)
        return Ok(());
    }
    Err(Error::verification(format!("segment {} of the journal is missing, and later ones are there", last + 1))
        .hint("a segment was removed by hand; restore the journal from a copy"))
}

impl History {
    /// Adds a segment. Its first line says after which line of the one before it was begun.
    fn take(&mut self, path: &Path, bytes: &[u8]) -> Result<()> {
        for (number, line) in bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            let Some(line) = line.strip_suffix(b"\n") else {
                // The torn end of a writer that was killed: it was never acknowledged.
                break;
            };
            let entry: Entry = json::from_slice("a line of the journal", line)
                .map_err(|e| e.within(format!("`{}`, line {}", path.display(), number + 1)))?;
            if number == 0 {
                self.rewind(&entry);
            }
            if entry.prev != self.head || entry.seq != self.entries.len() as u64 || entry.schema != SCHEMA {
                return Err(Error::verification(format!(
                    "the journal's chain is broken at `{}`, line {}",
                    path.display(),
                    number + 1
                ))
                .hint("a line was changed, removed or added by hand; restore the journal from a copy"));
            }
            self.head = digest::blake3(line);
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Drops what the writer before wrote too late for the writer of `first` to have read it.
    fn rewind(&mut self, first: &Entry) {
        let keep = usize::try_from(first.seq).unwrap_or(usize::MAX);
        let Some(next) = self.entries.get(keep) else { return };
        if next.prev == first.prev {
            self.head = first.prev;
            self.entries.truncate(keep);
        }
    }
}

/// The writing end of the journal.
#[derive(Debug)]
pub struct Journal {
    dir: CampaignDir,
    segment: u64,
    file: Appender,
    seq: u64,
    head: Digest,
    /// An append failed, and may have left half a line: nothing may follow it in this segment.
    is_torn: bool,
}

impl Journal {
    /// Takes the journal over, and gives what happened so far.
    ///
    /// # Errors
    /// The journal cannot be read or written (exit 6), or its chain is broken (exit 4).
    pub fn take_over(dir: &CampaignDir) -> Result<(Self, History)> {
        fs::create_dir(&dir.journal())?;
        let mut segment = read(dir)?.segments + 1;
        let file = loop {
            match Appender::create_new(&dir.journal_segment(segment))? {
                Some(file) => break file,
                None => segment += 1,
            }
        };
        let history = read_up_to(dir, segment - 1)?;
        let (seq, head) = (history.entries.len() as u64, history.head);
        Ok((Self { dir: dir.clone(), segment, file, seq, head, is_torn: false }, history))
    }

    /// Records `event`; it is durable when this returns, and nobody has taken over.
    ///
    /// # Errors
    /// Another process has taken over (exit 75): stop before any effect. Or the system refuses (exit 6).
    pub fn record(&mut self, event: Event) -> Result<Entry> {
        self.still_ours()?;
        if self.is_torn {
            return Err(
                Error::environment("the journal could not be written a moment ago").hint("run `molsieve resume`")
            );
        }
        let entry = Entry { schema: SCHEMA.to_owned(), seq: self.seq, prev: self.head, at_ms: clock::unix_ms(), event };
        let mut line = json::to_vec(&entry)?;
        let head = digest::blake3(&line);
        line.push(b'\n');
        self.is_torn = true;
        self.file.append(&line)?;
        self.file.sync()?;
        self.is_torn = false;
        self.still_ours()?;
        self.seq += 1;
        self.head = head;
        Ok(entry)
    }

    /// Whether nobody has taken over.
    ///
    /// # Errors
    /// Somebody has (exit 75).
    pub fn still_ours(&self) -> Result<()> {
        if !self.dir.journal_segment(self.segment + 1).exists() {
            return Ok(());
        }
        Err(Error::new(Kind::Stopped, format!("another molsieve has taken over `{}`", self.dir.root().display()))
            .hint("that one goes on; `molsieve status` shows how far it is"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(n: u64) -> Event {
        Event::WaveEnded { wave: n, core_ms: None }
    }

    fn waves(history: &History) -> Vec<u64> {
        let wave = |entry: &Entry| match entry.event {
            Event::WaveEnded { wave, .. } => wave,
            _ => panic!("another event"),
        };
        history.entries.iter().map(wave).collect()
    }

    #[test]
    fn events_are_read_in_the_order_of_their_writers() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        for writer in 0..3 {
            let (mut journal, history) = Journal::take_over(&dir).unwrap();
            assert_eq!(history.entries.len() as u64, writer * 2);
            journal.record(event(writer * 2)).unwrap();
            journal.record(event(writer * 2 + 1)).unwrap();
        }
        assert_eq!(waves(&read(&dir).unwrap()), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_writer_that_was_taken_over_from_stops_before_any_effect() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        let (mut old, _) = Journal::take_over(&dir).unwrap();
        old.record(event(0)).unwrap();
        let (mut new, _) = Journal::take_over(&dir).unwrap();
        assert_eq!(old.record(event(1)).unwrap_err().kind(), Kind::Stopped);
        new.record(event(2)).unwrap();
        assert_eq!(waves(&read(&dir).unwrap()), [0, 2]);
    }

    #[test]
    fn a_torn_last_line_was_never_acknowledged() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        let (mut journal, _) = Journal::take_over(&dir).unwrap();
        journal.record(event(0)).unwrap();
        journal.record(event(1)).unwrap();
        drop(journal);
        let path = dir.journal_segment(1);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let lines = whole[..length].iter().filter(|b| **b == b'\n').count();
            assert_eq!(read(&dir).unwrap().entries.len(), lines);
        }
    }

    #[test]
    fn who_reads_while_writers_follow_each_other_sees_no_damage() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let order = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut seen = 0;
                    while !is_over.load(order) {
                        let read = read(&dir).unwrap().entries.len();
                        assert!(read >= seen, "what was acknowledged is gone");
                        seen = read;
                    }
                });
            }
            let writing = || {
                for _ in 0..150 {
                    let (mut journal, _) = Journal::take_over(&dir)?;
                    (0..3).try_for_each(|n| journal.record(event(n)).map(drop))?;
                }
                Ok::<_, Error>(())
            };
            let written = writing();
            is_over.store(true, order);
            written.unwrap();
        });
        assert_eq!(read(&dir).unwrap().entries.len(), 450);
    }

    #[test]
    fn a_line_that_was_edited_breaks_the_chain() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        let (mut journal, _) = Journal::take_over(&dir).unwrap();
        (0..3).for_each(|n| drop(journal.record(event(n)).unwrap()));
        let path = dir.journal_segment(1);
        let text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [("\"wave\":1", "\"wave\":7"), ("\"seq\":1", "\"seq\":2")] {
            std::fs::write(&path, text.replace(from, to)).unwrap();
            assert_eq!(read(&dir).unwrap_err().kind(), Kind::Verification, "{from}");
        }
        let without_first: String = text.split_inclusive('\n').skip(1).collect();
        std::fs::write(&path, without_first).unwrap();
        assert_eq!(read(&dir).unwrap_err().kind(), Kind::Verification);
    }
}
