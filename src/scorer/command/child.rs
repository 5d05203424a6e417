//! One child process: bytes in, lines out, and its end. It takes no decision.
//!
//! A task of the runtime owns the process and its pipes. Reading and writing go on side by side,
//! so that neither side can block the other with a full pipe. However the task ends, the whole
//! process group of the child is killed and the child is reaped.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child as Process, ChildStdin, ChildStdout};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::contain;
use super::launch::{Environment, Launch};
use super::lines::{Lines, Piece};
use super::stderr::{self, SharedLog, SharedTail};
use crate::error::{Error, Result};
use crate::fs::held::Held;
use crate::fs::scratch::Scratch;

/// How long pipes are read on after the end of a child; only a descendant that left its process
/// group can hold them open.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a killed child is waited for; only the kernel can hold it (as in a hung network file system).
const REAP: Duration = Duration::from_secs(5);

/// Which child of which lane: a lane has one child after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// The lane.
    pub lane: usize,
    /// Counts the children of the lane.
    pub number: u64,
}

/// What a child did.
#[derive(Debug)]
pub struct Event {
    /// Which child.
    pub life: Life,
    /// Lines on its stdout that were not protocol, since its last event.
    pub noise: u64,
    /// What it did.
    pub what: What,
}

/// What a child did.
#[derive(Debug)]
pub enum What {
    /// It wrote a line that starts with `{`.
    Said(Vec<u8>),
    /// It wrote a line that starts with `{` and is over the limit.
    TooLong,
    /// It wrote more lines than it was asked for. Nothing of it is read from then on.
    Unasked,
    /// It is gone, and so is its process group.
    Ended(End),
}

/// How a child ended.
#[derive(Debug)]
pub struct End {
    /// In words.
    pub how: String,
    /// How many bytes of its input it had read, as far as the kernel knows.
    pub read: u64,
}

impl End {
    /// Whether SIGKILL ended it, and not from us: we say `killed` of those.
    pub fn is_sigkill(&self) -> bool {
        self.how == "signal 9"
    }
}

enum Order {
    Write(Vec<u8>),
    Close,
    Kill,
}

/// The hold on a running child.
#[derive(Debug)]
pub struct Child {
    orders: UnboundedSender<Order>,
    tail: SharedTail,
    log: SharedLog,
    task: JoinHandle<()>,
    /// Its private directory: removed when the pool lets go of the child, which by then has ended, and
    /// all that it said has been heard. What it said may name files in here.
    tmp: Scratch,
}

impl Child {
    /// Starts a child; what it does arrives at `events`. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The system starts no process (exit 6).
    pub fn start(
        launch: &Launch,
        environment: &Environment,
        life: Life,
        events: &UnboundedSender<Event>,
        log: &SharedLog,
    ) -> Result<Self> {
        let tmp = Scratch::create()?;
        let mut process = launch.spawn(environment, tmp.path())?;
        let group = Group::of(&process);
        let (Some(stdin), Some(stdout), Some(errors)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(Error::bug("a child was started without pipes"));
        };
        let (orders, inbox) = unbounded_channel();
        let tail = SharedTail::default();
        let errors = tokio::spawn(stderr::collect(errors, SharedTail::clone(&tail), SharedLog::clone(log)));
        let keeper = Keeper {
            containers: launch.keeper.clone().map(|program| (program, tmp.path().to_path_buf())),
            life,
            process,
            group,
            stdin: Some(stdin),
            stdout,
            inbox,
            events: events.clone(),
            outbox: VecDeque::new(),
            sent: 0,
            written: 0,
            expected: 1,
            lines: Lines::default(),
        };
        let (kept, lines) = (SharedTail::clone(&tail), SharedLog::clone(log));
        let task = tokio::spawn(async move {
            keeper.keep(errors, kept, lines).await;
        });
        Ok(Self { orders, tail, log: SharedLog::clone(log), task, tmp })
    }

    /// Writes a request, of which one line is expected in return.
    pub fn write(&self, request: Vec<u8>) {
        let _ = self.orders.send(Order::Write(request));
    }

    /// Closes its input: a well-behaved child then ends.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }

    /// Kills its process group.
    pub fn kill(&self) {
        let _ = self.orders.send(Order::Kill);
    }

    /// The last lines that it said on stderr.
    pub fn last_words(&self) -> Vec<String> {
        stderr::lock(&self.tail).last_lines(5)
    }

    /// How much it has said on stderr until now.
    pub fn mark(&self) -> u64 {
        stderr::lock(&self.tail).mark()
    }

    /// What it said on stderr since `mark`, as far as that is held.
    pub fn said_since(&self, mark: u64) -> Vec<u8> {
        stderr::lock(&self.tail).since(mark)
    }

    /// Its private directory.
    pub fn tmp(&self) -> &Held {
        self.tmp.held()
    }

    /// Waits until it is gone, for `patience` at most; whether it is.
    pub async fn gone(&mut self, patience: Duration) -> bool {
        self.task.is_finished() || timeout(patience, &mut self.task).await.is_ok()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let held = self.tmp.held();
        if !held.is_in_place() {
            let what =
                "was moved or replaced; of it is removed what can be found, and of what replaced it at most a link";
            stderr::lock(&self.log).note(&format!("the private directory `{}` {what}", held.path().display()));
        }
    }
}

/// The process group of a child; killed when this goes out of scope.
struct Group(Option<Pid>);

impl Group {
    fn of(process: &Process) -> Self {
        Self(process.id().and_then(|id| Pid::from_raw(id as i32)))
    }

    fn kill(&self) {
        if let Some(leader) = self.0 {
            // An error means that nobody is left in it.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Owns the process and its pipes.
struct Keeper {
    /// What keeps its containers, and the directory that they are named by.
    containers: Option<(PathBuf, PathBuf)>,
    life: Life,
    process: Process,
    group: Group,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    inbox: UnboundedReceiver<Order>,
    events: UnboundedSender<Event>,
    outbox: VecDeque<Vec<u8>>,
    /// How much of the first of `outbox` is written.
    sent: usize,
    /// Bytes written in all.
    written: u64,
    /// How many lines it may still write: its hello, and one a request.
    expected: usize,
    lines: Lines,
}

impl Keeper {
    async fn keep(mut self, errors: JoinHandle<()>, tail: SharedTail, log: SharedLog) {
        let mut how = self.serve().await;
        self.group.kill();
        self.drain().await;
        // The pipe is asked once nobody can read from it any more.
        let unread = self.stdin.as_ref().and_then(|pipe| rustix::io::ioctl_fionread(pipe).ok()).unwrap_or(0);
        if let Ok(Ok(status)) = timeout(REAP, self.process.wait()).await {
            how = how.or_else(|| Some(describe(status)));
            self.group.0 = None;
        }
        let mut errors = errors;
        if timeout(DRAIN, &mut errors).await.is_err() {
            errors.abort();
        }
        stderr::finish(&tail, &log);
        if let Some((program, tmp)) = self.containers.take() {
            let _ = tokio::task::spawn_blocking(move || contain::reap(&program, &tmp)).await;
        }
        let how = how.unwrap_or_else(|| "killed".to_owned());
        let end = End { how, read: self.written.saturating_sub(unread) };
        self.tell(What::Ended(end));
    }

    /// Moves bytes until the child ends, closes its output, or is to be killed.
    /// The answer is how it ended, if its exit status does not say it.
    async fn serve(&mut self) -> Option<String> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let next = self.outbox.front().map_or(&[][..], |bytes| &bytes[self.sent..]);
            let writable = !next.is_empty() && self.stdin.is_some();
            tokio::select! {
                biased;
                order = self.inbox.recv() => match order {
                    Some(Order::Write(bytes)) => {
                        self.expected += 1;
                        self.outbox.push_back(bytes);
                    }
                    Some(Order::Close) => self.stdin = None,
                    Some(Order::Kill) | None => return Some("killed".to_owned()),
                },
                written = write_some(&mut self.stdin, next), if writable => self.wrote(&written),
                count = self.stdout.read(&mut buffer) => match count {
                    Ok(count @ 1..) => if !self.heard(&buffer[..count]) { return Some("killed".to_owned()) },
                    _ => return self.closed_output().await,
                },
                status = self.process.wait() => return status.ok().map(describe),
            }
        }
    }

    /// Its output is at its end. Mostly because it ended: then its exit status is a moment away.
    async fn closed_output(&mut self) -> Option<String> {
        match timeout(DRAIN, self.process.wait()).await {
            Ok(status) => status.ok().map(describe),
            Err(_) => Some("it closed its output".to_owned()),
        }
    }

    fn wrote(&mut self, written: &std::io::Result<usize>) {
        let Ok(count) = *written else {
            // It closed its input. What it was asked before may still be answered; the rest runs into the time-out.
            self.outbox.clear();
            self.sent = 0;
            return;
        };
        self.sent += count;
        self.written += count as u64;
        if self.outbox.front().is_some_and(|bytes| self.sent == bytes.len()) {
            self.outbox.pop_front();
            self.sent = 0;
        }
    }

    /// Takes what it wrote; `false` if it is not to be heard any more.
    fn heard(&mut self, bytes: &[u8]) -> bool {
        let mut found = Vec::new();
        self.lines.feed(bytes, &mut found);
        for piece in found {
            if self.expected == 0 {
                self.tell(What::Unasked);
                return false;
            }
            self.expected -= 1;
            self.tell(match piece {
                Piece::Line(line) => What::Said(line),
                Piece::TooLong => What::TooLong,
            });
        }
        true
    }

    /// Reads what it wrote before it ended.
    async fn drain(&mut self) {
        let mut buffer = vec![0; 64 << 10];
        let rest = async {
            while let Ok(count @ 1..) = self.stdout.read(&mut buffer).await {
                if !self.heard(&buffer[..count]) {
                    return;
                }
            }
        };
        let _ = timeout(DRAIN, rest).await;
    }

    fn tell(&mut self, what: What) {
        // Nobody listens any more once the pool is gone.
        let _ = self.events.send(Event { life: self.life, noise: self.lines.take_noise(), what });
    }
}

async fn write_some(stdin: &mut Option<ChildStdin>, bytes: &[u8]) -> std::io::Result<usize> {
    match stdin {
        Some(pipe) => pipe.write(bytes).await,
        None => Ok(0),
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".to_owned(),
    }
}
