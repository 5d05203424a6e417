//! This machine as a scheduler: a supervisor of processes, as many at a time as there are slots.
//!
//! Each slot is a thread that takes the next task, starts it, and waits for it. A task gets its own
//! process group, so that Ctrl-C on the terminal reaches the supervisor alone, and a pipe on its
//! standard input that is never written to: when the supervisor dies, however it dies, the pipe
//! closes, and a task that watches it can stop cleanly. Nothing outlives the supervisor by intent,
//! so [`Adapter::find`] finds nothing after a restart.

use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use crate::adapter::{Adapter, AdapterError, Capabilities, Finally};
use crate::job::{Blame, Job, JobId, JobSpec, JobTag, TaskId, TaskReport, TaskState, Tasks};

/// The supervisor.
#[derive(Debug)]
pub struct Local {
    shared: Arc<Shared>,
    slots: Vec<JoinHandle<()>>,
    jobs: u64,
    /// Changes that were known at the last wait.
    seen: u64,
}

#[derive(Debug, Default)]
struct Shared {
    board: Mutex<Board>,
    /// Something was queued, or it is time to go.
    work: Condvar,
    /// Some task changed its state.
    news: Condvar,
}

/// What is known of all tasks.
#[derive(Debug, Default)]
struct Board {
    queue: VecDeque<(TaskId, Arc<JobSpec>)>,
    states: BTreeMap<TaskId, TaskState>,
    running: BTreeMap<TaskId, Process>,
    tags: Vec<(JobTag, JobId)>,
    /// Jobs that were asked to end: a task that was being started at that moment is told when it is up.
    cancelled: Vec<JobId>,
    changes: u64,
    closing: bool,
}

impl Local {
    /// A supervisor that runs at most `slots` tasks at a time.
    pub fn new(slots: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let start = |_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.serve())
        };
        let slots = (0..slots.max(1)).map(start).collect();
        Self { shared, slots, jobs: 0, seen: 0 }
    }

    /// A handle that can end everything at once, from another thread.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.shared))
    }
}

/// Ends every running task at once, without a checkpoint.
#[derive(Debug)]
pub struct Killer(Arc<Shared>);

impl Killer {
    /// Does it.
    pub fn kill_all(&self) {
        let mut board = self.0.lock();
        board.queue.clear();
        board.running.values().for_each(|process| process.signal(Signal::KILL));
    }
}

impl Drop for Local {
    /// Asks everything that still runs to end, and waits for every process that was started.
    fn drop(&mut self) {
        let jobs: Vec<JobId> = self.shared.lock().tags.iter().map(|(_, job)| job.clone()).collect();
        let _ = self.cancel(&jobs);
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        for slot in self.slots.drain(..) {
            let _ = slot.join();
        }
    }
}

impl Adapter for Local {
    fn capabilities(&self) -> Capabilities {
        Capabilities { array_len_max: None, room: None, requeues: false, finally: Finally::Driver, lifeline: true }
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        if job.argv.is_empty() {
            return Err(AdapterError::Rejected("a job needs a program".to_owned()));
        }
        self.jobs += 1;
        let id = JobId(format!("local-{}", self.jobs));
        let spec = Arc::new(job.clone());
        let mut board = self.shared.lock();
        for index in 0..job.tasks.count() {
            let task = TaskId { job: id.clone(), index };
            board.states.insert(task.clone(), TaskState::Pending);
            board.queue.push_back((task, Arc::clone(&spec)));
        }
        board.tags.push((job.tag.clone(), id.clone()));
        drop(board);
        self.shared.work.notify_all();
        Ok(id)
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        let board = self.shared.lock();
        let asked = board.states.iter().filter(|(task, _)| jobs.iter().any(|job| job.id == task.job));
        Ok(asked.map(|(task, state)| (task.clone(), TaskReport::of(*state))).collect())
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        let mut board = self.shared.lock();
        // A second signal would tell a task to end at once, without its checkpoint.
        let jobs: Vec<JobId> = jobs.iter().filter(|job| !board.cancelled.contains(job)).cloned().collect();
        if jobs.is_empty() {
            return Ok(());
        }
        board.cancelled.extend_from_slice(&jobs);
        board.drop_queued(|task| jobs.contains(&task.job));
        board.signal(&jobs, Signal::TERM);
        drop(board);
        self.shared.news.notify_all();
        Ok(())
    }

    fn wait(&mut self, time: Duration) {
        let board = self.shared.lock();
        let seen = std::mem::replace(&mut self.seen, board.changes);
        let _ = self.shared.news.wait_timeout_while(board, time, |b| b.changes == seen);
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        let board = self.shared.lock();
        Ok(board.tags.iter().filter(|(t, _)| t == tag).map(|(_, id)| id.clone()).collect())
    }
}

/// A running process that can be signalled.
#[derive(Debug)]
struct Process {
    pid: Pid,
    /// Names the process and no later one with its number; kernels before 5.3 have none.
    handle: Option<OwnedFd>,
}

impl Process {
    fn of(pid: Pid) -> Self {
        Self { pid, handle: pidfd_open(pid, PidfdFlags::empty()).ok() }
    }

    /// A process that has just ended cannot be signalled, and need not be.
    fn signal(&self, signal: Signal) {
        let _ = match &self.handle {
            Some(handle) => pidfd_send_signal(handle, signal),
            None => kill_process(self.pid, signal),
        };
    }
}

impl Board {
    fn set(&mut self, task: TaskId, state: TaskState) {
        self.states.insert(task, state);
        self.changes += 1;
    }

    /// Takes the tasks that `unwanted` names off the queue.
    fn drop_queued(&mut self, unwanted: impl Fn(&TaskId) -> bool) {
        let queue = std::mem::take(&mut self.queue);
        let (dropped, kept): (VecDeque<_>, VecDeque<_>) = queue.into_iter().partition(|(task, _)| unwanted(task));
        self.queue = kept;
        for (task, _) in dropped {
            self.set(task, TaskState::Cancelled);
        }
    }

    fn signal(&self, jobs: &[JobId], signal: Signal) {
        for (task, process) in &self.running {
            if jobs.contains(&task.job) {
                process.signal(signal);
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a slot.
    fn serve(&self) {
        while let Some((task, job)) = self.next() {
            let state = self.run(&task, &job);
            let mut board = self.lock();
            board.running.remove(&task);
            if state.blame() == Blame::Program {
                // The others would fail the same way: a broken program does not tour the tasks.
                board.drop_queued(|other| other.job == task.job);
            }
            board.set(task, state);
            drop(board);
            self.news.notify_all();
        }
    }

    /// The next task, or none when it is time to go.
    fn next(&self) -> Option<(TaskId, Arc<JobSpec>)> {
        let mut board = self.lock();
        loop {
            if let Some((task, job)) = board.queue.pop_front() {
                board.set(task.clone(), TaskState::Running);
                return Some((task, job));
            }
            if board.closing {
                return None;
            }
            board = self.work.wait(board).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Starts one task and waits for its end.
    fn run(&self, task: &TaskId, job: &JobSpec) -> TaskState {
        let Ok(mut child) = start(task, job) else { return TaskState::Failed { exit: 127 } };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(process) = pid.map(Process::of) {
            let mut board = self.lock();
            if board.cancelled.contains(&task.job) {
                process.signal(Signal::TERM);
            }
            board.running.insert(task.clone(), process);
        }
        // The pipe must outlive the wait: `Child::wait` would close it first.
        let lifeline = child.stdin.take();
        let status = child.wait();
        drop(lifeline);
        status.map_or(TaskState::Unknown, state_of)
    }
}

fn start(task: &TaskId, job: &JobSpec) -> io::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(&job.logs)?;
    let number = matches!(job.tasks, Tasks::Array(_)).then(|| task.index.to_string());
    Command::new(&job.argv[0])
        .args(&job.argv[1..])
        .args(number)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()
}

/// A death by signal is the machine's doing as far as we can tell; whoever killed it knows better.
fn state_of(status: ExitStatus) -> TaskState {
    match (status.code(), status.signal()) {
        (Some(exit), _) => TaskState::of_exit(exit),
        (None, Some(_)) => TaskState::NodeFailed,
        (None, None) => TaskState::Unknown,
    }
}
