//! The terminal of whoever started this: the one place where a secret is asked for. It is passed on and forgotten.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::canonical::escape;

/// No answer is longer, in bytes.
const ANSWER_BYTES_MAX: u64 = 4096;

/// The controlling terminal, wherever the streams lead.
#[derive(Debug)]
pub struct Terminal(File);

impl Terminal {
    /// The terminal, if there is one.
    ///
    /// # Errors
    /// There is none.
    pub fn open() -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        Ok(Self(File::from(rustix::fs::open("/dev/tty", flags, Mode::empty())?)))
    }

    /// Asks `question`; what is typed is seen only if `echo` says so.
    ///
    /// # Errors
    /// The terminal cannot be used.
    pub fn ask(&mut self, question: &str, echo: bool) -> io::Result<String> {
        let before = tcgetattr(&self.0)?;
        let mut during = before.clone();
        if !echo {
            during.local_modes.remove(LocalModes::ECHO);
            during.local_modes.insert(LocalModes::ECHONL);
        }
        // Before the question: an answer that comes at once would be shown, and then thrown away with what is flushed.
        tcsetattr(&self.0, OptionalActions::Flush, &during)?;
        let answer = self.converse(question);
        tcsetattr(&self.0, OptionalActions::Flush, &before)?;
        let answer = answer?;
        Ok(answer.trim_end_matches(['\n', '\r']).to_owned())
    }
    fn converse(&mut self, question: &str) -> io::Result<String> {
        write!(self.0, "{}", escape::visible(question))?;
        self.0.flush()?;
        let mut answer = String::new();
        BufReader::new(io::Read::take(&self.0, ANSWER_BYTES_MAX)).read_line(&mut answer)?;
        Ok(answer)
    }
}
