//! The words of the joint: jobs, tasks, and what can become of them.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Our unique mark on a job, by which it is found again after a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobTag(pub String);

/// The scheduler's own name for a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub String);

/// What the name of a job's last part ends with.
const FINALLY: &str = "/final";

impl JobId {
    /// The name of what runs when the job has ended, which was submitted with it ([`JobSpec::finally`]). It is asked about, found
    /// and ended like a job of its own.
    #[must_use]
    pub fn finally(&self) -> Self {
        Self(format!("{self}{FINALLY}"))
    }

    /// The job whose last part this is; none if it is a job.
    pub fn whole(&self) -> Option<Self> {
        self.0.strip_suffix(FINALLY).map(|whole| Self(whole.to_owned()))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One task of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId {
    /// The job.
    pub job: JobId,
    /// Its position in the job, from 0.
    pub index: u64,
}

/// A job that was handed over: both names, because schedulers use their own anew after years.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// The scheduler's name for it.
    pub id: JobId,
    /// Our mark on it.
    pub tag: JobTag,
}

/// What each task of a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Resources {
    /// Processor cores.
    pub cpus: u32,
    /// GPUs.
    pub gpus: u32,
    /// Memory, in MiB; none leaves it to the scheduler.
    pub memory_mib: Option<u64>,
    /// Time limit, in seconds; none leaves it to the scheduler.
    pub walltime_s: Option<u64>,
}

/// The tasks of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tasks {
    /// One, which needs no number.
    #[default]
    One,
    /// So many; each gets its number, from 0, as its last argument.
    Array(u64),
}

impl Tasks {
    /// How many.
    pub const fn count(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Array(count) => count,
        }
    }
}

/// Where a job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On nodes.
    #[default]
    Node,
    /// Where jobs are submitted from, as far as a scheduler tells that from nodes: it asks about jobs, and submits them. It is one
    /// command ([`Tasks::One`]).
    Submitter,
}

/// What a scheduler tries again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often, beside the first time.
    pub times: u32,
    /// But not after this exit code.
    pub unless_exit: i32,
}

/// What goes along with the tasks of a job where a node does not see the submitter's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// Files that every task gets into the directory that it begins in, under their own names.
    pub inputs: Vec<PathBuf>,
    /// What a task leaves there that is brought back, by name.
    pub outputs: Vec<String>,
    /// What of it is kept when a task ends at a checkpoint and is to go on, by name.
    pub checkpoints: Vec<String>,
    /// What differs, by the number of a task.
    pub own: Vec<OwnFiles>,
}

/// What one task gets, and where what it leaves goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnFiles {
    /// Files that this task gets beside the others.
    pub inputs: Vec<PathBuf>,
    /// The directory that its outputs are brought back to. It is there.
    pub place: PathBuf,
}

/// A job: tasks that differ only in their last argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobSpec {
    /// Our mark.
    pub tag: JobTag,
    /// What it is, in a line for people who read the emitted file.
    pub title: String,
    /// The argument vector of a task, before its number.
    pub argv: Vec<OsString>,
    /// Its tasks.
    pub tasks: Tasks,
    /// Where they run.
    pub place: Place,
    /// How many of them may run at a time; none leaves it to the scheduler.
    pub running_max: Option<u64>,
    /// What each of them needs; where a task has ranks, what each of these needs.
    pub resources: Resources,
    /// A task is an allocation of so many ranks, over as many nodes as that takes, in which its program starts them; none is one
    /// process on one node. A scheduler that has no word for it refuses the job, except for this machine, which is all nodes.
    pub ranks: Option<u32>,
    /// How many of these ranks a node takes at most; none leaves it to the scheduler.
    pub ranks_per_node: Option<u32>,
    /// It starts when these jobs have ended, however they ended.
    pub after: Vec<JobId>,
    /// It starts only when one of these jobs has ended otherwise than well; if they all end well, it never starts and leaves
    /// the queue.
    pub instead_of: Vec<JobId>,
    /// It does not start before so many seconds have passed.
    pub begin_after_s: Option<u64>,
    /// Nodes that it must not run on.
    pub exclude: Vec<String>,
    /// How often the scheduler itself tries a task again that failed; none leaves that to the caller. A scheduler that has no
    /// word for it leaves it too.
    pub retry: Option<Retry>,
    /// What is submitted with it, and runs when all its tasks have ended, however they ended, on a machine that may submit. Only
    /// where [`Finally::Native`](crate::Finally::Native) is; see [`JobId::finally`].
    pub finally: Option<Box<Self>>,
    /// What is brought to and from its tasks; none where nodes see the submitter's files.
    pub transfers: Option<Transfers>,
    /// The path of the file that is emitted for it, without an extension.
    pub file: PathBuf,
    /// Where the tasks' own output goes: one file for all, appended to.
    pub logs: PathBuf,
}

/// A task that was asked to come to a checkpoint, and to bring what it has to this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Its position in the job.
    pub task: u64,
    /// Whether it is still on a node.
    pub is_there: bool,
    /// What it left is there, if it left anything.
    pub place: PathBuf,
}

/// A file that is written before a job is submitted: a person can read it, and submit it by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedFile {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub text: String,
}

/// What a scheduler says of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// What has become of it.
    pub state: TaskState,
    /// The node that it runs or ran on.
    pub node: Option<String>,
    /// Why it waits or ended, in the scheduler's words.
    pub reason: Option<String>,
    /// When it is expected to start, or started: in UTC, such as `2026-11-21T00:56:02`.
    pub start: Option<String>,
}

impl TaskReport {
    /// The state alone.
    pub const fn of(state: TaskState) -> Self {
        Self { state, node: None, reason: None, start: None }
    }
}

/// Why a task waits, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What the scheduler's word means: a lower-case fragment.
    pub what: &'static str,
    /// What can be done about it; `{job}` and `{task}` stand for the scheduler's names.
    pub hint: &'static str,
}

/// What has become of a task, as far as its scheduler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// Accepted, not started.
    Pending,
    /// Will not start until somebody does something.
    Held,
    /// Started.
    Running,
    /// Ended with exit code 0.
    Succeeded,
    /// Ended at a clean checkpoint (exit code 75 or 85) and wants to be continued.
    Checkpointed,
    /// Ended by itself with another exit code.
    Failed {
        /// The exit code.
        exit: i32,
    },
    /// Ended by the time limit.
    TimedOut,
    /// Ended for want of memory.
    OutOfMemory,
    /// Ended to make room.
    Preempted,
    /// Ended because its node did, or by a signal that nobody claims.
    NodeFailed,
    /// Ended because somebody asked for it.
    Cancelled,
    /// The scheduler does not know, or says something that we do not.
    Unknown,
}

/// Whose fault an end is; it decides what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Nobody's: it went well, or goes on.
    Nobody,
    /// The program or its input: the same again would fail the same way.
    Program,
    /// Too little was asked for: again with more.
    Resources,
    /// The machine: again, a bounded number of times, elsewhere if there is an elsewhere.
    Infrastructure,
    /// Somebody wanted it.
    User,
    /// Not known: once more.
    Unknown,
}

impl TaskState {
    /// Whether the task has ended.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Held | Self::Running | Self::Unknown)
    }

    /// Whose fault this end is.
    pub const fn blame(self) -> Blame {
        match self {
            Self::Pending | Self::Held | Self::Running | Self::Succeeded | Self::Checkpointed => Blame::Nobody,
            Self::Failed { exit: 6 | 126 | 127 } | Self::Preempted | Self::NodeFailed => Blame::Infrastructure,
            Self::Failed { .. } => Blame::Program,
            Self::TimedOut | Self::OutOfMemory => Blame::Resources,
            Self::Cancelled => Blame::User,
            Self::Unknown => Blame::Unknown,
        }
    }

    /// The state behind the exit code of a task that ended by itself.
    pub const fn of_exit(exit: i32) -> Self {
        match exit {
            0 => Self::Succeeded,
            75 | 85 => Self::Checkpointed,
            exit => Self::Failed { exit },
        }
    }
}
