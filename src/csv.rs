//! CSV of others, as RFC 4180 has it: cut from a stream into lines of fields, in bounded memory. What is ambiguous is refused.

use std::borrow::Cow;
use std::fmt;

/// No line has more bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// No line has more fields.
const FIELDS_MAX: usize = 4096;

/// One line; a field in quotes may hold line feeds, so it may be several of the file's.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    /// Which line it is, from 1.
    pub number: u64,
    /// The line of the file on which it begins, from 1.
    pub begins: u64,
}

impl<'a> Line<'a> {
    /// How many fields it has.
    pub const fn fields(&self) -> usize {
        self.ends.len()
    }

    /// Whether nothing at all is on it.
    pub const fn is_blank(&self) -> bool {
        self.text.is_empty() && self.ends.len() == 1
    }

    /// The field at `index`, without its quotes; empty where there is none.
    pub fn field(&self, index: usize) -> &'a [u8] {
        let Some(end) = self.ends.get(index) else { return b"" };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..*end]
    }
}

/// Why a line is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A carriage return without a line feed.
    Return,
    /// Something between a closing quotation mark and the next comma.
    BehindQuote,
    /// A quotation mark in a field that does not begin with one.
    QuoteWithin,
    /// A quotation mark that is never closed.
    Open,
    /// The stream ends in the middle of a line.
    Unended,
    /// More than [`LINE_BYTES_MAX`] bytes.
    TooLong,
    /// More fields than a line can have.
    TooMany,
}

/// What follows "line N ".
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return => f.write_str("has a carriage return alone"),
            Self::BehindQuote => f.write_str("has text between a closing quotation mark and the next comma"),
            Self::QuoteWithin => f.write_str("has a quotation mark inside a field that does not begin with one"),
            Self::Open => f.write_str("has a quotation mark that is never closed"),
            Self::Unended => f.write_str("has no end"),
            Self::TooLong => write!(f, "begins a record of more than {} MiB", LINE_BYTES_MAX >> 20),
            Self::TooMany => write!(f, "has more than {FIELDS_MAX} fields"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before a field.
    #[default]
    Start,
    /// In a field without quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes: the end of them, or half of one that is meant.
    Quote,
    /// Behind a carriage return.
    Return,
}

/// Cuts a stream.
#[derive(Debug, Default)]
pub struct Cutter {
    text: Vec<u8>,
    ends: Vec<usize>,
    state: State,
    /// Lines of the file before the one that is being read, and before the one on which it began.
    feeds: u64,
    begun: u64,
    /// Lines so far.
    pub lines: u64,
    /// Lines that end with a line feed alone.
    pub bare: u64,
}

impl Cutter {
    /// Calls `each` with every line that `block` completes.
    ///
    /// # Errors
    /// What is wrong with the line that begins at [`Cutter::at`]; or what `each` answers.
    pub fn feed<E: From<Fault>>(
        &mut self,
        block: &[u8],
        each: &mut dyn FnMut(Line<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for byte in block {
            if self.take(*byte)? {
                self.lines += 1;
                each(Line { text: &self.text, ends: &self.ends, number: self.lines, begins: self.at() })?;
                self.text.clear();
                self.ends.clear();
                self.begun = self.feeds;
            }
        }
        Ok(())
    }

    /// The line of the file on which the line begins that is being read, from 1.
    pub const fn at(&self) -> u64 {
        self.begun + 1
    }

    /// Whether the last line has its end.
    pub fn is_clean(&self) -> bool {
        self.state == State::Start && self.ends.is_empty() && self.text.is_empty()
    }

    /// The stream is at its end.
    ///
    /// # Errors
    /// It ends in the middle of a line.
    pub fn finish(&self) -> Result<(), Fault> {
        match self.state {
            State::Quoted => Err(Fault::Open),
            _ if self.is_clean() => Ok(()),
            _ => Err(Fault::Unended),
        }
    }

    /// Takes a byte; whether it ends the line.
    fn take(&mut self, byte: u8) -> Result<bool, Fault> {
        self.feeds += u64::from(byte == b'\n');
        self.state = match (self.state, byte) {
            (State::Return, b'\n') => State::Start,
            (State::Return, _) => return Err(Fault::Return),
            (State::Start, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, _) => self.keep(byte, State::Quoted)?,
            (State::Quote, b'"') => self.keep(b'"', State::Quoted)?,
            (_, b',') => self.field(State::Start)?,
            (_, b'\r') => self.field(State::Return)?,
            (_, b'\n') => {
                self.bare += 1;
                self.field(State::Start)?
            }
            (State::Quote, _) => return Err(Fault::BehindQuote),
            (State::Plain, b'"') => return Err(Fault::QuoteWithin),
            (State::Start | State::Plain, _) => self.keep(byte, State::Plain)?,
        };
        Ok(byte == b'\n' && self.state == State::Start)
    }

    fn keep(&mut self, byte: u8, state: State) -> Result<State, Fault> {
        if self.text.len() == LINE_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        self.text.push(byte);
        Ok(state)
    }

    fn field(&mut self, state: State) -> Result<State, Fault> {
        if self.ends.len() == FIELDS_MAX {
            return Err(Fault::TooMany);
        }
        self.ends.push(self.text.len());
        Ok(state)
    }
}

/// `field` as it is written: in quotes where it must be.
pub fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", field.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, blocks: usize) -> Result<Vec<Vec<String>>, (u64, Fault)> {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        for block in text.as_bytes().chunks(blocks) {
            let mut each = |line: Line<'_>| {
                let fields = (0..line.fields()).map(|at| String::from_utf8_lossy(line.field(at)).into_owned());
                lines.push(fields.collect());
                Ok::<(), Fault>(())
            };
            cutter.feed(block, &mut each).map_err(|fault| (cutter.at(), fault))?;
        }
        cutter.finish().map(|()| lines).map_err(|fault| (cutter.at(), fault))
    }

    #[test]
    fn fields_are_what_a_python_reader_sees_wherever_blocks_end() {
        for blocks in [1, 2, 7, 100] {
            let lines = cut("a,b\r\n\"x,\"\"y\r\n\",\r\n,\n", blocks).unwrap();
            assert_eq!(lines, [vec!["a", "b"], vec!["x,\"y\r\n", ""], vec!["", ""]]);
        }
    }

    #[test]
    fn what_is_no_csv_is_refused_by_the_line_on_which_it_begins_and_memory_is_bounded() {
        assert_eq!(cut("a,b", 9), Err((1, Fault::Unended)));
        assert_eq!(cut("a\n\"b\n\n\"\n\"c\n", 9), Err((5, Fault::Open)));
        assert_eq!(cut("a\rb\n", 9), Err((1, Fault::Return)));
        assert_eq!(cut("\n\"a\"b\n", 9), Err((2, Fault::BehindQuote)));
        assert_eq!(cut("a\"b\n", 9), Err((1, Fault::QuoteWithin)));
        assert_eq!(cut(&"a".repeat(LINE_BYTES_MAX + 1), 1000), Err((1, Fault::TooLong)));
        assert_eq!(cut(&",".repeat(FIELDS_MAX + 1), 1000), Err((1, Fault::TooMany)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for field in ["", "a", "a,b", "\"", "a\r\nb", "a\"b"] {
            let lines = cut(&format!("{},x\n", quoted(field)), 3).unwrap();
            assert_eq!(lines, [vec![field, "x"]]);
        }
    }
}
