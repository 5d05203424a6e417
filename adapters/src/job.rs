//! The words of the joint: jobs, tasks, and what can become of them.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Our unique mark on a job, by which it is found again after a crash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobTag(pub String);

/// The scheduler's own name for a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobId(pub String);

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

/// What each task of a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Resources {
    /// Processor cores.
    pub cpus: u32,
    /// Memory, in MiB; none leaves it to the scheduler.
    pub memory_mib: Option<u64>,
    /// Time limit, in seconds; none leaves it to the scheduler.
    pub walltime_s: Option<u64>,
}

/// A job: tasks that differ only in their last argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSpec {
    /// Our mark.
    pub tag: JobTag,
    /// The argument vector of task `k` is this, then `k`.
    pub argv: Vec<OsString>,
    /// How many tasks.
    pub tasks: u64,
    /// What each of them needs.
    pub resources: Resources,
    /// Where the tasks' own output goes; a file a task, appended to.
    pub logs: PathBuf,
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
