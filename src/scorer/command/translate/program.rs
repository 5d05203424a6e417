//! The user's program, started once and waited for.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use crate::scorer::command::shim;

/// How a program ended that should not have ended so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// With an exit code that is not among those that are fine.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

/// How programs are started: through our own executable, which ties them to this process.
#[derive(Clone, Debug)]
pub struct Starter {
    /// Our own executable.
    pub shim: PathBuf,
    /// Exit codes that are fine.
    pub ok_exit: Vec<i32>,
}

impl Starter {
    /// A command that becomes `argv`. It shares our process group, so that whoever ends us ends it.
    pub fn command(&self, argv: impl IntoIterator<Item = impl Into<OsString>>) -> Command {
        let mut command = Command::new(&self.shim);
        command.arg(shim::SUBCOMMAND).arg(std::process::id().to_string());
        command.args(argv.into_iter().map(Into::into)).stdin(Stdio::null());
        command
    }

    /// Runs `argv` to its end. What it prints goes where our own words go: into the log of the scorer.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn run(&self, argv: impl IntoIterator<Item = impl Into<OsString>>) -> io::Result<Result<(), Death>> {
        let words = io::stderr().as_fd().try_clone_to_owned()?;
        let status = self.command(argv).stdout(Stdio::from(words)).status()?;
        Ok(self.judge(status))
    }

    /// Whether `status` is fine.
    pub fn judge(&self, status: ExitStatus) -> Result<(), Death> {
        match (status.code(), status.signal()) {
            (Some(code), _) if self.ok_exit.contains(&code) => Ok(()),
            (Some(code), _) => Err(Death::Code(code)),
            (None, signal) => Err(Death::Signal(signal.unwrap_or_default())),
        }
    }
}
