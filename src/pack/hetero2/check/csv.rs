//! CSV of others, as RFC 4180 has it: cut from a stream into lines of fields, in bounded memory.

/// No line has more bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// No line has more fields.
const FIELDS_MAX: usize = 256;

/// One line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    text: &'a [u8],
    ends: &'a [usize],
    /// Its number in the file, from 1.
    pub number: u64,
}

impl<'a> Line<'a> {
    /// How many fields it has.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// The field at `index`, without its quotes; empty where there is none.
    pub fn field(&self, index: usize) -> &'a [u8] {
        let Some(end) = self.ends.get(index) else { return b"" };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..*end]
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
    /// Lines so far.
    pub lines: u64,
    /// Lines that end with a line feed alone.
    pub bare: u64,
}

impl Cutter {
    /// Calls `each` with every line that `block` completes.
    ///
    /// # Errors
    /// What is wrong with the line that is being read: a fragment.
    pub fn feed(&mut self, block: &[u8], each: &mut dyn FnMut(Line<'_>)) -> Result<(), String> {
        for byte in block {
            self.take(*byte, each).map_err(|why| format!("line {}: {why}", self.lines + 1))?;
        }
        Ok(())
    }

    /// The stream is at its end.
    ///
    /// # Errors
    /// It ends in the middle of a line.
    pub fn finish(&self) -> Result<(), String> {
        let is_clean = self.state == State::Start && self.ends.is_empty() && self.text.is_empty();
        if is_clean { Ok(()) } else { Err(format!("line {} has no end", self.lines + 1)) }
    }

    fn take(&mut self, byte: u8, each: &mut dyn FnMut(Line<'_>)) -> Result<(), &'static str> {
        self.state = match (self.state, byte) {
            (State::Return, b'\n') => self.line(each),
            (State::Return, _) => return Err("it holds a carriage return alone"),
            (State::Start, b'"') => State::Quoted,
            (State::Quoted, b'"') => State::Quote,
            (State::Quoted, _) => self.keep(byte, State::Quoted)?,
            (State::Quote, b'"') => self.keep(b'"', State::Quoted)?,
            (_, b',') => {
                self.field()?;
                State::Start
            }
            (_, b'\r') => {
                self.field()?;
                State::Return
            }
            (_, b'\n') => {
                self.field()?;
                self.bare += 1;
                self.line(each)
            }
            (State::Quote, _) => return Err("there is text behind a quoted field"),
            (State::Plain, b'"') => return Err("there is a quote in a field without quotes"),
            (State::Start | State::Plain, _) => self.keep(byte, State::Plain)?,
        };
        Ok(())
    }

    fn keep(&mut self, byte: u8, state: State) -> Result<State, &'static str> {
        if self.text.len() == LINE_BYTES_MAX {
            return Err("it is longer than a line can be");
        }
        self.text.push(byte);
        Ok(state)
    }

    fn field(&mut self) -> Result<(), &'static str> {
        if self.ends.len() == FIELDS_MAX {
            return Err("it has more fields than a line can have");
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    fn line(&mut self, each: &mut dyn FnMut(Line<'_>)) -> State {
        self.lines += 1;
        each(Line { text: &self.text, ends: &self.ends, number: self.lines });
        self.text.clear();
        self.ends.clear();
        State::Start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, blocks: usize) -> Result<Vec<Vec<String>>, String> {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        for block in text.as_bytes().chunks(blocks) {
            cutter.feed(block, &mut |line| {
                lines.push((0..line.len()).map(|at| String::from_utf8_lossy(line.field(at)).into_owned()).collect());
            })?;
        }
        cutter.finish().map(|()| lines)
    }

    #[test]
    fn fields_are_what_a_python_reader_sees_wherever_blocks_end() {
        for blocks in [1, 2, 7, 100] {
            let lines = cut("a,b\r\n\"x,\"\"y\r\n\",\r\n,\n", blocks).unwrap();
            assert_eq!(lines, [vec!["a", "b"], vec!["x,\"y\r\n", ""], vec!["", ""]]);
        }
    }

    #[test]
    fn what_is_no_csv_is_refused_and_memory_is_bounded() {
        assert!(cut("a,b", 9).unwrap_err().contains("has no end"));
        assert!(cut("a\rb\n", 9).unwrap_err().contains("carriage return"));
        assert!(cut("\"a\"b\n", 9).unwrap_err().contains("behind a quoted"));
        assert!(cut("a\"b\n", 9).unwrap_err().contains("a quote in"));
        assert!(cut(&"a".repeat(LINE_BYTES_MAX + 1), 1000).unwrap_err().contains("longer"));
        assert!(cut(&",".repeat(FIELDS_MAX + 1), 1000).unwrap_err().contains("more fields"));
    }
}
