//! The part of a binding that is only text: what to write, what to ask, and what an answer means.
//!
//! A dialect does nothing: no disk, no process, no clock. [`Cli`](crate::cli::Cli) does, the same way for all.

use std::collections::BTreeMap;
use std::fmt;

use crate::adapter::{AdapterError, Capabilities};
use crate::command::{Call, Said};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskId, TaskReport, TaskState};

/// What is known of some tasks.
pub type Reports = BTreeMap<TaskId, TaskReport>;

/// A scheduler's commands and answers.
///
/// A `parse_` function gets what its command said, however that ended.
pub trait Dialect: fmt::Debug + Send {
    /// What it can do, as far as is known.
    fn capabilities(&self) -> Capabilities;

    /// The files of a job; the first is the one that is submitted.
    ///
    /// # Errors
    /// The job cannot be written down ([`AdapterError::Rejected`]).
    fn render(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError>;

    /// Submits the first of `files`.
    fn submit(&self, files: &[EmittedFile]) -> Call;

    /// The name of the job that was accepted.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_submit(&self, said: &Said) -> Result<JobId, AdapterError>;

    /// Asks when the first of `files` would start; none where nobody can tell.
    fn rehearse(&self, files: &[EmittedFile]) -> Option<Call>;

    /// When it would start, in the scheduler's words.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_rehearse(&self, said: &Said) -> Result<Option<String>, AdapterError>;

    /// Asks for all tasks of `jobs` that are waiting, running, or lately ended.
    fn poll(&self, jobs: &[Job]) -> Call;

    /// What is known of them.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_poll(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError>;

    /// Whether a report of the queue is only what follows from its silence: the books may know better.
    fn is_guess(&self, report: &TaskReport) -> bool {
        let _ = report;
        false
    }

    /// What is known of a task that the books speak of, and perhaps the queue: none where the queue knows it better.
    fn both(&self, queue: Option<&TaskReport>, books: TaskReport) -> Option<TaskReport> {
        queue.is_none_or(|queue| self.is_guess(queue) && !self.is_guess(&books)).then_some(books)
    }

    /// Whether what is in a state for `reason` is part of a job that never ends by itself, since its scheduler has lost an end.
    fn is_stuck(&self, reason: &str) -> bool {
        let _ = reason;
        false
    }

    /// Asks the books about `jobs` of which the queue does not know all; none where no books are kept.
    fn history(&self, jobs: &[Job]) -> Option<Call>;

    /// What the books say.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_history(&self, jobs: &[Job], said: &Said) -> Result<Reports, AdapterError>;

    /// Asks for the end of `jobs`.
    fn cancel(&self, jobs: &[JobId]) -> Call;

    /// Whether that was understood; jobs that have ended already are fine.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_cancel(&self, said: &Said) -> Result<(), AdapterError>;

    /// Whether what waits for `reason` is held by the scheduler itself, and by nobody's wish.
    fn is_own_hold(&self, reason: &str) -> bool {
        let _ = reason;
        false
    }

    /// Lets `tasks` of `job` go that are held; the job as a whole where none are named. None where nothing is ever held.
    fn release(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        let _ = (job, tasks);
        None
    }

    /// Whether that was done; jobs that have ended already are fine.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_release(&self, said: &Said) -> Result<(), AdapterError> {
        let _ = said;
        Ok(())
    }

    /// Asks for the end of `tasks` of `job` alone; none where there is no such thing.
    fn cancel_tasks(&self, job: &JobId, tasks: &[u64]) -> Option<Call> {
        let _ = (job, tasks);
        None
    }

    /// Asks that the tasks of `job` that run end at a checkpoint and bring what they have to this machine, and that none begins; none
    /// where nodes write to our files themselves. (That nothing runs is no failure: its answer is not looked at.)
    fn recall(&self, job: &JobId) -> Option<Call> {
        let _ = job;
        None
    }

    /// Asks what has become of that: first where this machine keeps what tasks left, then about the tasks.
    fn recalled(&self, job: &JobId) -> Option<[Call; 2]> {
        let _ = job;
        None
    }

    /// What was said to these two.
    ///
    /// # Errors
    /// See [`AdapterError`]; nothing comes to this machine ([`AdapterError::Rejected`]).
    fn parse_recalled(&self, said: &[Said; 2]) -> Result<Vec<Recalled>, AdapterError> {
        let _ = said;
        Ok(Vec::new())
    }

    /// What the tasks' own output says of an end that the queue does not explain.
    fn diagnose(&self, output: &str) -> Option<TaskState>;

    /// What waiting for `reason` means; none where that is not known.
    fn explain(&self, reason: &str) -> Option<Explained> {
        let _ = reason;
        None
    }

    /// Asks for the jobs that carry `tag`.
    fn find(&self, tag: &JobTag) -> Call;

    /// Asks for the jobs that carry any of `tags`, with all that [`Dialect::parse_poll`] needs to know of their tasks; none
    /// where that takes more than one query.
    fn find_all(&self, tags: &[JobTag]) -> Option<Call> {
        let _ = tags;
        None
    }

    /// Asks the books for such jobs, where the queue has none; none where no books are kept, or the queue has them.
    fn find_ended(&self, tag: &JobTag) -> Option<Call> {
        let _ = tag;
        None
    }

    /// Their names, each once.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn parse_find(&self, tag: &JobTag, said: &Said) -> Result<Vec<JobId>, AdapterError>;
}
