//! The user's program, started once and waited for.

use std::cell::Cell;
use std::fmt;
use std::io::{self, PipeWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::spec::Spec;
use crate::scorer::command::contain::{self, Contained};
use crate::scorer::command::launch::GPUS_VARIABLE;
use crate::scorer::command::trace::Seen;
use crate::scorer::command::{shim, trace};

/// How a program ended that should not have ended so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// With an exit code that is not among those that are fine.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// It never began: the system starts no such program.
    NotStarted,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with exit code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
            Self::NotStarted => write!(f, "could not be started"),
        }
    }
}

/// A program that has ended.
#[derive(Debug)]
pub struct Run {
    /// Its exit code, if that is one that is fine.
    pub end: Result<i32, Death>,
    /// What it printed, where that was listened to.
    pub printed: Printed,
    /// The end of what it said in the log.
    said: Vec<u8>,
}

impl Run {
    /// The trace of a failure: what was seen, how it ended (of a death it tells whoever tells that), the last line that it
    /// printed, the `command` as a person may run it, and what it said on stderr.
    pub fn seen(&self, what: Option<&str>, command: &[String]) -> Seen {
        let told = self.told(command);
        let what = what.map_or_else(|| told.clone(), |what| format!("{what}; {told}"));
        Seen::of(what, &self.said)
    }

    fn told(&self, command: &[String]) -> String {
        let arguments: Vec<String> =
            command.iter().map(|text| format!("\"{}\"", trace::excerpt(text.as_bytes()))).collect();
        let end = self.end.map_or_else(|_| String::new(), |code| format!("exit code {code}; "));
        let lines = self.printed.as_deref().unwrap_or_default().split(|byte| *byte == b'\n');
        let last = lines.rev().find(|line| !line.trim_ascii().is_empty());
        let last = last.map(|line| format!("the last line that it printed is `{}`; ", trace::excerpt(line)));
        format!("{end}{}command [{}]", last.unwrap_or_default(), arguments.join(", "))
    }
}

/// What a program printed; `None` if it was more than [`PRINTED_BYTES_MAX`].
pub type Printed = Option<Vec<u8>>;

/// More than this of what a program prints is not searched.
const PRINTED_BYTES_MAX: usize = 16 << 20;
/// How long the output of a program that has ended is read on.
const DRAIN: Duration = Duration::from_secs(2);

/// How long what such a program says in the log is read on: it is there already, and has only to be fetched.
const DRAIN_SAID: Duration = Duration::from_millis(200);

/// Passes on what a program says to our own stderr, which is the log of the scorer, and keeps its end in `kept`.
fn pass_on(mut said: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = vec![0; 8 << 10];
    while let Ok(count @ 1..) = said.read(&mut buffer) {
        // A log that cannot be written is no reason to stop.
        let _ = io::stderr().write_all(&buffer[..count]);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..count]);
        let excess = kept.len().saturating_sub(trace::SAID_BYTES);
        kept.drain(..excess);
    }
}

/// A thread that listens to a program, and what it has heard.
struct Listener<T> {
    heard: Arc<Mutex<T>>,
    done: Receiver<()>,
}

impl<T: Clone + Send + 'static> Listener<T> {
    fn start(heard: T, listen: impl FnOnce(&Mutex<T>) + Send + 'static) -> io::Result<Self> {
        let heard = Arc::new(Mutex::new(heard));
        let (sender, done) = channel();
        let into = Arc::clone(&heard);
        std::thread::Builder::new().spawn(move || {
            listen(&into);
            sender.send(())
        })?;
        Ok(Self { heard, done })
    }

    /// What it has heard at the end of its stream, or after `patience`: what the program left behind in the background
    /// may hold its output open, and that is not waited for.
    fn take(&self, patience: Duration) -> T {
        let _ = self.done.recv_timeout(patience);
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads to the end, so that no program waits for us, into `kept` until that is too much.
fn read_all(mut stdout: impl Read, kept: &Mutex<Printed>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = stdout.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_some_and(|bytes| bytes.len() + count > PRINTED_BYTES_MAX) {
            *kept = None;
        }
        if let Some(bytes) = kept.as_mut() {
            bytes.extend_from_slice(&buffer[..count]);
        }
    }
}

/// How programs are started: through our own executable, which ties them to this process.
#[derive(Debug)]
pub struct Starter {
    /// Our own executable.
    shim: PathBuf,
    /// Exit codes that are fine.
    ok_exit: Vec<i32>,
    /// The container that the program runs in.
    contained: Option<Contained>,
    /// Our private directory.
    tmp: PathBuf,
    /// How many programs were started.
    count: Cell<u64>,
}

impl Starter {
    /// Starts the program of `spec` through `shim`, our own executable.
    pub fn new(shim: PathBuf, spec: &Spec, tmp: &Path) -> Self {
        let (ok_exit, contained) = (spec.translation.ok_exit.clone(), spec.contained.clone());
        Self { shim, ok_exit, contained, tmp: tmp.to_path_buf(), count: Cell::new(0) }
    }

    /// A command that becomes `argv`, in its container if it has one. It shares our process group, so that whoever
    /// ends us ends it.
    fn command(&self, argv: &[String]) -> Command {
        let mut command = Command::new(&self.shim);
        command.arg(shim::SUBCOMMAND).arg(std::process::id().to_string()).stdin(Stdio::null());
        let Some(contained) = &self.contained else {
            command.args(argv);
            return command;
        };
        self.count.set(self.count.get() + 1);
        let name = format!("{}-{}", contain::name_of(&self.tmp), self.count.get());
        let gpus = std::env::var(GPUS_VARIABLE).ok();
        command.args(contained.wrap(argv, &name, &self.tmp.display().to_string(), gpus.as_deref()));
        command.envs(contained.settings_of_runtime());
        command
    }

    /// Starts `argv` as a server: it is written to and read from.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn serve(&self, argv: &[String]) -> io::Result<Child> {
        self.command(argv).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    }

    /// Runs `argv` to its end, and listens to what it prints. What it says on stderr goes to the log of the scorer.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn capture(&self, argv: &[String]) -> io::Result<Run> {
        let (output, prints) = io::pipe()?;
        let printed = Listener::start(Some(Vec::new()), |kept| read_all(output, kept))?;
        self.listen(argv, Some(prints), || printed.take(DRAIN))
    }

    /// Runs `argv` to its end. What it prints goes where our own words go: into the log of the scorer.
    ///
    /// # Errors
    /// The system starts no process.
    pub fn run(&self, argv: &[String]) -> io::Result<Run> {
        self.listen(argv, None, || Some(Vec::new()))
    }

    /// Runs `argv` to its end, with what it prints going to `prints`, else to the log.
    fn listen(
        &self,
        argv: &[String],
        prints: Option<PipeWriter>,
        printed: impl FnOnce() -> Printed,
    ) -> io::Result<Run> {
        let (words, says) = io::pipe()?;
        let said = Listener::start(Vec::new(), |kept| pass_on(words, kept))?;
        let prints = prints.map_or_else(|| says.try_clone(), Ok)?;
        // The command, which holds our ends of the pipes, is gone once the program runs.
        let mut process = self.command(argv).stdout(prints).stderr(says).spawn()?;
        let status = process.wait()?;
        Ok(Run { end: self.judge(status), printed: printed(), said: said.take(DRAIN_SAID) })
    }

    /// The exit code, if it is one that is fine.
    ///
    /// # Errors
    /// It is none of those, a signal ended the program, or it could not be started.
    pub fn judge(&self, status: ExitStatus) -> Result<i32, Death> {
        if shim::is_not_started_in(&self.tmp) {
            return Err(Death::NotStarted);
        }
        match (status.code(), status.signal()) {
            (Some(code), _) if self.ok_exit.contains(&code) => Ok(code),
            (Some(code), _) => Err(Death::Code(code)),
            (None, signal) => Err(Death::Signal(signal.unwrap_or_default())),
        }
    }
}
