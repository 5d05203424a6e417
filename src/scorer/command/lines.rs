//! Lines out of a stream of bytes, in bounded memory.
//!
//! A line that starts with `{` is protocol and kept whole, up to [`LINE_BYTES_MAX`]. Any other is
//! noise: it is counted, and its bytes are dropped as they come, however many there are.

use std::mem;

/// The longest line of the protocol, its line feed excluded.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// What was found in the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// A line that starts with `{`, without its line feed.
    Line(Vec<u8>),
    /// A line that starts with `{` and is longer than [`LINE_BYTES_MAX`]; its bytes are dropped.
    TooLong,
}

#[derive(Debug, Default, PartialEq)]
enum State {
    #[default]
    Start,
    Protocol,
    Noise,
    Dropped,
}

/// Splits what it is fed into lines.
#[derive(Debug, Default)]
pub struct Lines {
    state: State,
    line: Vec<u8>,
    noise: u64,
}

impl Lines {
    /// How many lines of noise have ended since this was last asked.
    pub fn take_noise(&mut self) -> u64 {
        mem::take(&mut self.noise)
    }

    /// Takes more of the stream, and appends what it completes to `found`.
    pub fn feed(&mut self, mut bytes: &[u8], found: &mut Vec<Piece>) {
        while let Some(first) = bytes.first() {
            if self.state == State::Start {
                self.state = if *first == b'{' { State::Protocol } else { State::Noise };
            }
            let end = memchr::memchr(b'\n', bytes);
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.state == State::Protocol {
                self.keep(part, found);
            }
            let Some(end) = end else { return };
            match mem::take(&mut self.state) {
                State::Protocol => found.push(Piece::Line(mem::take(&mut self.line))),
                State::Noise => self.noise += 1,
                State::Start | State::Dropped => {}
            }
            bytes = &bytes[end + 1..];
        }
    }

    fn keep(&mut self, part: &[u8], found: &mut Vec<Piece>) {
        if self.line.len() + part.len() > LINE_BYTES_MAX {
            self.line = Vec::new();
            self.state = State::Dropped;
            found.push(Piece::TooLong);
        } else {
            self.line.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(stream: &[u8], step: usize) -> (Vec<Piece>, u64) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        stream.chunks(step).for_each(|part| lines.feed(part, &mut found));
        (found, lines.take_noise())
    }

    #[test]
    fn what_does_not_start_with_a_brace_is_noise() {
        let stream = b"hello\n{\"a\":1}\n\n {\"b\":2}\n{\"c\":3}\r\nwarning {\n{torn";
        for step in [1, 2, 7, 1000] {
            let (found, noise) = split(stream, step);
            assert_eq!(found, [Piece::Line(b"{\"a\":1}".to_vec()), Piece::Line(b"{\"c\":3}\r".to_vec())]);
            assert_eq!(noise, 4);
        }
    }

    #[test]
    fn a_line_over_the_limit_is_dropped_and_the_next_one_is_read() {
        let mut stream = vec![b'{'; LINE_BYTES_MAX + 1];
        stream.extend_from_slice(b"\n{}\n");
        assert_eq!(split(&stream, 1 << 16).0, [Piece::TooLong, Piece::Line(b"{}".to_vec())]);
        let mut longest = vec![b'{'; LINE_BYTES_MAX];
        longest.push(b'\n');
        assert_eq!(split(&longest, 1 << 16).0.len(), 1);
    }

    #[test]
    fn noise_takes_no_memory() {
        let (mut lines, noise) = (Lines::default(), vec![b'x'; 1 << 16]);
        for _ in 0..1000 {
            lines.feed(&noise, &mut Vec::new());
        }
        assert_eq!(lines.line.capacity(), 0);
    }

    proptest! {
        #[test]
        fn the_same_lines_are_found_however_the_stream_is_cut(
            stream in proptest::collection::vec(prop_oneof![Just(b'{'), Just(b'\n'), any::<u8>()], 0..200),
            step in 1usize..50,
        ) {
            let whole: Vec<&[u8]> = stream.split(|b| *b == b'\n').collect();
            let ended = &whole[..whole.len() - 1];
            let (found, noise) = split(&stream, step);
            let expected: Vec<Piece> =
                ended.iter().filter(|l| l.first() == Some(&b'{')).map(|l| Piece::Line(l.to_vec())).collect();
            prop_assert_eq!(noise as usize, ended.len() - expected.len());
            prop_assert_eq!(found, expected);
        }
    }
}
