//! How a command is run on another machine: a channel with two ends of bytes, and how it ended.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::login::{Means, Way};
use crate::error::{Error, Kind, Result};

#[cfg(feature = "ssh2")]
mod known;
#[cfg(feature = "ssh2")]
mod pump;
#[cfg(feature = "ssh2")]
mod ssh2;
mod system;

/// So much of what came on standard error, its end, is kept to be shown.
const SAID_BYTES: usize = 4 << 10;

/// How long a connection may take to be made.
pub(super) const CONNECT_S: u64 = 30;

/// Runs commands on the machine that it is connected to.
pub trait Transport {
    /// Runs `command`, which the login shell there reads: one of the fixed texts of [`super::bootstrap`].
    ///
    /// # Errors
    /// The machine cannot be reached, is not the one that it should be, or refuses the login (exit 5).
    fn open(&mut self, command: &str) -> Result<Channel>;
}

/// A command that runs there.
pub struct Channel {
    /// Its standard input. When this is dropped, it ends.
    pub input: Box<dyn Write + Send>,
    /// Its standard output.
    pub output: Box<dyn Read + Send>,
    /// How it ended.
    pub end: Box<dyn End>,
}

/// The end of a channel.
pub trait End: Send {
    /// How the command ended. It is waited for so long; then it is none of anybody's business any more.
    fn wait(&mut self, most: Duration) -> Ended;
    /// Ends the channel at once.
    fn cut(&mut self);
}

/// How a command there ended. A status of 0 beside a signal is no success: it is a kill.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The exit status, if one was told.
    pub exit: Option<i32>,
    /// The signal, if one was told.
    pub signal: Option<String>,
    /// The end of what came on standard error, of the command or of the transport.
    pub said: String,
}

/// Connects, the way that is asked for.
///
/// # Errors
/// As [`Transport::open`]; this program was built without what is asked for (exit 2), or there is no such program (exit 6).
pub fn connect(way: &Way) -> Result<Box<dyn Transport>> {
    match way.means {
        Means::Ssh => Ok(Box::new(system::System::new(way)?)),
        #[cfg(feature = "ssh2")]
        Means::Ssh2 => Ok(Box::new(ssh2::Ssh2::connect(way)?)),
        #[cfg(not(feature = "ssh2"))]
        Means::Ssh2 => Err(Error::usage("this molsieve was built without the feature `ssh2`")
            .hint("use the system's ssh: `--transport ssh`")),
    }
}

/// An error of the line to `way`: exit 5.
pub(super) fn unreachable(way: &Way, what: &str) -> Error {
    Error::new(Kind::Scheduler, format!("`{}`: {what}", way.login))
}

/// The end of a stream that somebody reads, as text.
#[derive(Clone, Debug, Default)]
struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    fn push(&self, bytes: &[u8]) {
        if let Ok(mut tail) = self.0.lock() {
            tail.extend_from_slice(bytes);
            if tail.len() > 2 * SAID_BYTES {
                let cut = tail.len() - SAID_BYTES;
                tail.drain(..cut);
            }
        }
    }

    fn text(&self) -> String {
        self.0.lock().map(|tail| String::from_utf8_lossy(&tail).trim().to_owned()).unwrap_or_default()
    }
}
