//! What the children say on stderr: read always, kept in bounded space.
//!
//! The last [`TAIL_BYTES`] of each child are held in memory, for error messages. The log file gets
//! the first [`HEAD_BYTES`] of all children together as they come, and from then on only the tail
//! of each child when it ends, up to [`FILE_BYTES_MAX`]. So a child that floods stderr neither
//! blocks nor fills the disk, and the last words of one that dies are not lost.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::fs::Appender;

/// How much of the end of a child's stderr is held in memory.
pub const TAIL_BYTES: usize = 64 << 10;
/// How much of stderr goes to the log file as it comes.
pub const HEAD_BYTES: usize = 1 << 20;
/// How long the log file may get, about.
pub const FILE_BYTES_MAX: usize = 4 << 20;

/// The log file that the children of a pool share. A log that cannot be written is no reason to stop.
#[derive(Debug)]
pub struct Log {
    path: Option<PathBuf>,
    file: Option<Appender>,
    written: usize,
}

/// A [`Log`] that several children hold.
pub type SharedLog = Arc<Mutex<Log>>;

impl Log {
    /// A log that is created at `path` when there is something to write; a file that exists is left alone.
    pub fn new(path: Option<PathBuf>) -> SharedLog {
        Arc::new(Mutex::new(Self { path, file: None, written: 0 }))
    }

    /// Writes lines of our own, while the file has room for any.
    pub fn note(&mut self, lines: &str) {
        self.write(lines.as_bytes(), FILE_BYTES_MAX);
    }

    /// Writes lines of our own that leave room for the last words of children.
    pub fn remark(&mut self, lines: &str) {
        self.write(lines.as_bytes(), HEAD_BYTES);
    }

    /// Writes as much of `bytes` as `limit` lets; the answer is how much was left out.
    fn write(&mut self, bytes: &[u8], limit: usize) -> usize {
        let room = limit.saturating_sub(self.written).min(bytes.len());
        if room > 0 {
            if let Some(path) = self.path.take() {
                self.file = Appender::create_new(&path).ok().flatten();
            }
            if self.file.as_mut().is_some_and(|file| file.append(&bytes[..room]).is_err()) {
                self.file = None;
            }
            self.written += room;
        }
        bytes.len() - room
    }
}

/// The end of what one child said.
#[derive(Debug, Default)]
pub struct Tail {
    bytes: VecDeque<u8>,
    /// How many bytes are not in the log file.
    left_out: usize,
    /// How many bytes it said in all.
    said: u64,
}

/// A [`Tail`] that is read while it grows.
pub type SharedTail = Arc<Mutex<Tail>>;

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.said += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let excess = (self.bytes.len() + bytes.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..excess);
        self.bytes.extend(bytes);
    }

    /// How many bytes it has said until now: a mark for [`Tail::since`].
    pub fn mark(&self) -> u64 {
        self.said
    }

    /// What it said since `mark`, as far as it is held.
    pub fn since(&self, mark: u64) -> Vec<u8> {
        let count = usize::try_from(self.said.saturating_sub(mark)).unwrap_or(usize::MAX).min(self.bytes.len());
        self.bytes.iter().skip(self.bytes.len() - count).copied().collect()
    }

    /// The last `count` lines that are not blank, each cut at 200 characters.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        let shown = &lines[lines.len().saturating_sub(count)..];
        shown.iter().map(|line| line.chars().filter(|c| !c.is_control()).take(200).collect()).collect()
    }
}

/// Reads `stderr` to its end.
pub async fn collect(mut stderr: impl AsyncRead + Unpin, tail: SharedTail, log: SharedLog) {
    let mut buffer = vec![0; 8 << 10];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let left_out = lock(&log).write(&buffer[..count], HEAD_BYTES);
        let mut tail = lock(&tail);
        tail.push(&buffer[..count]);
        tail.left_out += left_out;
    }
}

/// Writes the last words of a child that ended, as far as they are not in the log yet.
pub fn finish(tail: &SharedTail, log: &SharedLog) {
    let mut tail = lock(tail);
    let (cut, shown) = (tail.left_out > tail.bytes.len(), tail.left_out.min(tail.bytes.len()));
    if shown == 0 {
        return;
    }
    let mut words =
        if cut { b"\n[molsieve: left out here; the last words of a child follow]\n".to_vec() } else { Vec::new() };
    words.extend(tail.bytes.iter().skip(tail.bytes.len() - shown));
    tail.left_out = 0;
    lock(log).write(&words, FILE_BYTES_MAX);
}

/// A lock whose holders never panic in between.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn said(path: &std::path::Path, text: &[u8]) -> Tail {
        let (tail, log) = (SharedTail::default(), Log::new(Some(path.to_path_buf())));
        collect(text, Arc::clone(&tail), Arc::clone(&log)).await;
        finish(&tail, &log);
        Arc::into_inner(tail).unwrap().into_inner().unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_flood_is_cut_and_the_last_words_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr");
        let mut flood = b"x\n".repeat(5 << 20);
        flood.extend_from_slice(b"the last words\n");
        let tail = said(&path, &flood).await;
        assert_eq!(tail.last_lines(1), ["the last words"]);
        assert_eq!(tail.bytes.len(), TAIL_BYTES);
        assert_eq!(tail.mark(), flood.len() as u64);
        assert_eq!((tail.since(0).len(), tail.since(tail.mark() - 6)), (TAIL_BYTES, b"words\n".to_vec()));
        assert!(tail.since(tail.mark()).is_empty());
        let file = std::fs::read(&path).unwrap();
        assert!(file.len() < FILE_BYTES_MAX && file.ends_with(b"the last words\n"));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_few_words_are_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stderr");
        let tail = said(&path, b"one\n\n  \ntwo\x1b[0m\nthree").await;
        assert_eq!(tail.last_lines(2), ["two[0m", "three"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n\n  \ntwo\x1b[0m\nthree");
    }
}
