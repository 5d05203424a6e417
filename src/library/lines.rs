//! Bytes to lines, in constant memory whatever the lines are.

use std::io::{self, Read};

/// The longest line that is kept whole, in bytes. Of a longer one only the start is kept: it is one
/// record all the same, and any scorer will find it too long.
pub const LINE_MAX: usize = 4 << 20;

/// Bytes asked from the system at a time: fits in the second-level cache with what is made of it.
const READ: usize = 256 << 10;

/// One line, without its line feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes, at most [`LINE_MAX`].
    pub bytes: &'a [u8],
    /// Where it starts in the stream, in bytes.
    pub offset: u64,
    /// Whether bytes over [`LINE_MAX`] were dropped.
    pub is_cut: bool,
    /// Whether a line feed ended it; if not, the stream did.
    pub is_terminated: bool,
}

/// Splits a stream at line feeds.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes after `start` that are known to hold no line feed.
    scanned: usize,
    /// Offset of `buffer[start]` in the stream.
    offset: u64,
    has_ended: bool,
    /// The rest of a line that was cut is still to be dropped.
    is_skipping: bool,
}

impl<R: Read> Lines<R> {
    /// Lines of `source`, whose first byte has offset `offset` in the stream.
    pub const fn starting_at(source: R, offset: u64) -> Self {
        Self { source, buffer: Vec::new(), start: 0, end: 0, scanned: 0, offset, has_ended: false, is_skipping: false }
    }

    /// Goes on elsewhere: forgets what was read, lets `seek` move the source, and counts from `offset`.
    ///
    /// # Errors
    /// What `seek` returns.
    pub fn restart(&mut self, seek: impl FnOnce(&mut R) -> io::Result<()>, offset: u64) -> io::Result<()> {
        (self.start, self.end, self.scanned) = (0, 0, 0);
        (self.has_ended, self.is_skipping) = (false, false);
        self.offset = offset;
        seek(&mut self.source)
    }

    /// The next bytes, `max` of them or all that there are, without consuming any.
    ///
    /// # Errors
    /// The source cannot be read.
    pub fn peek(&mut self, max: usize) -> io::Result<&[u8]> {
        while self.end - self.start < max && !self.has_ended {
            self.fill()?;
        }
        let seen = self.end.min(self.start + max);
        Ok(&self.buffer[self.start..seen])
    }

    /// Offset of the first byte that was not given out yet.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line, or `None` at the end. A stream that ends with a line feed has no empty line after it.
    ///
    /// # Errors
    /// The source cannot be read.
    #[inline]
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.is_skipping {
            self.skip_rest()?;
        }
        loop {
            let unseen = self.start + self.scanned;
            if let Some(n) = memchr::memchr(b'\n', &self.buffer[unseen..self.end]) {
                return Ok(Some(self.give(self.scanned + n, 1)));
            }
            self.scanned = self.end - self.start;
            if self.scanned > LINE_MAX {
                self.is_skipping = true;
                return Ok(Some(self.give(LINE_MAX, 0)));
            }
            if self.has_ended {
                let rest = self.scanned;
                return Ok(if rest == 0 { None } else { Some(self.give(rest, 0)) });
            }
            self.fill()?;
        }
    }

    /// Consumes `length` bytes and `feed` line feeds, and gives out the bytes as a line.
    #[inline]
    fn give(&mut self, length: usize, feed: usize) -> Line<'_> {
        let (begin, offset) = (self.start, self.offset);
        let kept = length.min(LINE_MAX);
        self.consume(length + feed);
        Line {
            bytes: &self.buffer[begin..begin + kept],
            offset,
            is_cut: kept < length || self.is_skipping,
            is_terminated: feed == 1,
        }
    }

    #[inline]
    fn consume(&mut self, n: usize) {
        self.start += n;
        self.offset += n as u64;
        self.scanned = 0;
    }

    /// Drops what is left of a line that was cut.
    fn skip_rest(&mut self) -> io::Result<()> {
        loop {
            if let Some(n) = memchr::memchr(b'\n', &self.buffer[self.start..self.end]) {
                self.consume(n + 1);
                self.is_skipping = false;
                return Ok(());
            }
            self.consume(self.end - self.start);
            if self.has_ended {
                self.is_skipping = false;
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Reads more, after moving what is left (the start of a line) to the front.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < READ {
            let wanted = (self.end + READ).max(self.buffer.len());
            self.buffer.resize(wanted, 0);
        }
        let free = &mut self.buffer[self.end..self.end + READ];
        loop {
            match self.source.read(free) {
                Ok(0) => self.has_ended = true,
                Ok(n) => self.end += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most `step` bytes a read.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(out.len()).min(self.0.len());
            out[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn all(bytes: &[u8], step: usize) -> Vec<(Vec<u8>, u64, bool)> {
        let mut lines = Lines::starting_at(Trickle(bytes, step), 0);
        lines.peek(step * 2).unwrap();
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push((line.bytes.to_vec(), line.offset, line.is_terminated));
        }
        assert_eq!(lines.offset(), bytes.len() as u64);
        found
    }

    proptest! {
        #[test]
        fn lines_are_what_is_between_line_feeds(bytes in "[a-c\n\r]{0,60}", step in 1usize..9) {
            let bytes = bytes.as_bytes();
            let mut expected = Vec::new();
            let mut offset = 0;
            for piece in bytes.split_inclusive(|b| *b == b'\n') {
                let is_terminated = piece.ends_with(b"\n");
                let line = piece.strip_suffix(b"\n").unwrap_or(piece);
                expected.push((line.to_vec(), offset, is_terminated));
                offset += piece.len() as u64;
            }
            prop_assert_eq!(all(bytes, step), expected);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_one_line_and_memory_stays_bounded() {
        for excess in [0, 1, READ, 9 << 20] {
            let mut bytes = vec![b'C'; LINE_MAX + excess];
            bytes.extend_from_slice(b"\nnext\n");
            let mut lines = Lines::starting_at(bytes.as_slice(), 0);
            let first = lines.next_line().unwrap().unwrap();
            assert_eq!((first.bytes.len(), first.is_cut), (LINE_MAX, excess > 0));
            let second = lines.next_line().unwrap().unwrap();
            assert_eq!((second.bytes, second.offset), (&b"next"[..], (LINE_MAX + excess + 1) as u64));
            assert!(lines.next_line().unwrap().is_none());
            assert!(lines.buffer.len() <= LINE_MAX + 2 * READ);
        }
    }
}
