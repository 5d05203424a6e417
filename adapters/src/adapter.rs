//! The joint: what a scheduler must be able to do, and how it says no.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskId, TaskReport, TaskState};

/// How something can be run after all tasks of a job have ended, however they ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finally {
    /// The scheduler has a word for it (a DAG's final node).
    Native,
    /// By a second job that depends on the first.
    Dependency,
    /// Only by whoever submitted and is still there.
    Driver,
}

/// What a scheduler can do, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The most tasks that one job may have; none if there is no limit.
    pub array_len_max: Option<u64>,
    /// How many tasks may still be submitted by this user, all jobs together; none if no limit is known.
    pub room: Option<u64>,
    /// Whether it starts a task again by itself after a preemption or the loss of a node.
    pub requeues: bool,
    /// How something is run at the end.
    pub finally: Finally,
    /// Whether the standard input of a task ends when the submitter does.
    pub lifeline: bool,
}

/// Why a scheduler did not do it: the cases that call for different reactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdapterError {
    /// No answer: it may or may not have happened. Look for the tag, then try later.
    Unreachable(String),
    /// The answer was no: the request must change.
    Rejected(String),
    /// The answer was no, to this many tasks or to this much of something: fewer tasks may be accepted.
    TooMany(String),
    /// There was an answer, but not one that we know; it carries the text.
    Unparsed(String),
}

impl fmt::Display for AdapterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(what) => write!(f, "the scheduler cannot be reached: {what}"),
            Self::Rejected(what) | Self::TooMany(what) => write!(f, "the scheduler refused: {what}"),
            Self::Unparsed(what) => write!(f, "the scheduler gave an answer that is not understood: {what}"),
        }
    }
}

impl std::error::Error for AdapterError {}

/// A scheduler.
pub trait Adapter: fmt::Debug + Send {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The files that [`Adapter::submit`] hands over: they are to be written first, as they are.
    ///
    /// # Errors
    /// The job cannot be written down ([`AdapterError::Rejected`]).
    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        let _ = job;
        Ok(Vec::new())
    }

    /// When `job` would start, in the scheduler's words; nothing is submitted. None where nobody can tell.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn would_start(&mut self, job: &JobSpec) -> Result<Option<String>, AdapterError> {
        let _ = job;
        Ok(None)
    }

    /// Hands over a job. When it returns, the scheduler has accepted all of its tasks.
    ///
    /// # Errors
    /// See [`AdapterError`]; after `Unreachable`, [`Adapter::find`] tells whether it happened.
    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError>;

    /// As [`Adapter::submit`], where it may be tried more than once: before each further try `may_still` is asked, and where it
    /// says no, what came of the last one is the answer. Somebody else may be responsible by then.
    ///
    /// # Errors
    /// As [`Adapter::submit`].
    fn submit_while(&mut self, job: &JobSpec, may_still: &mut dyn FnMut() -> bool) -> Result<JobId, AdapterError> {
        let _ = may_still;
        self.submit(job)
    }

    /// What is known of every task of `jobs`, in one query. A task that is not known any more has no
    /// entry: it is `Unknown` to the caller.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError>;

    /// Asks for the end of `jobs`; what has ended already is fine.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError>;

    /// Whether what waits for `reason`, a word of [`TaskReport::reason`], is held by the scheduler itself, after a failure of its
    /// own, and by nobody's wish: then it may be released.
    fn is_own_hold(&self, reason: &str) -> bool {
        let _ = reason;
        false
    }

    /// Whether what is reported for `reason`, a word of [`TaskReport::reason`], is part of a job that never ends by itself, since its
    /// scheduler has lost an end: then the job is to be ended, and what is missing submitted again.
    fn is_stuck(&self, reason: &str) -> bool {
        let _ = reason;
        false
    }

    /// Lets tasks of `job` go that are held; the job as a whole where none are named.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        let _ = (job, tasks);
        Ok(())
    }

    /// Asks for the end of `tasks` of `job` alone; what has ended already is fine.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        let _ = (job, tasks);
        Ok(())
    }

    /// Asks that the tasks of `job` that run end at a checkpoint and bring what they have to this machine, and that none begins: before
    /// the job is removed, where that throws away what is on nodes. Nothing where nodes write to our files themselves.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn recall(&mut self, job: &JobId) -> Result<(), AdapterError> {
        let _ = job;
        Ok(())
    }

    /// What has become of that: the tasks of `job` that are still on nodes, and what the others left.
    ///
    /// # Errors
    /// See [`AdapterError`]; nothing comes to this machine ([`AdapterError::Rejected`]).
    fn recalled(&mut self, job: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        let _ = job;
        Ok(Vec::new())
    }

    /// What the tasks' own output says of an end that the scheduler does not explain, such as a want of memory; none where it
    /// says nothing.
    fn diagnose(&self, output: &str) -> Option<TaskState> {
        let _ = output;
        None
    }

    /// What waiting for `reason`, a word of [`TaskReport::reason`], means; none where that is not known.
    fn explain(&self, reason: &str) -> Option<Explained> {
        let _ = reason;
        None
    }

    /// Waits for at most `time`; less if something is known to have changed.
    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// The jobs that carry `tag`, whether or not we remember submitting them.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError>;

    /// The jobs that carry any of `tags`, and what is known of their tasks: in one query, where the scheduler has one for it.
    ///
    /// # Errors
    /// See [`AdapterError`].
    fn survey(&mut self, tags: &[JobTag]) -> Result<(Vec<Job>, BTreeMap<TaskId, TaskReport>), AdapterError> {
        one_by_one(self, tags)
    }
}

/// What [`Adapter::survey`] does where a scheduler has no query for several tags.
pub(crate) fn one_by_one<A: Adapter + ?Sized>(
    adapter: &mut A,
    tags: &[JobTag],
) -> Result<(Vec<Job>, BTreeMap<TaskId, TaskReport>), AdapterError> {
    let mut jobs = Vec::new();
    for tag in tags {
        jobs.extend(adapter.find(tag)?.into_iter().map(|id| Job { id, tag: tag.clone() }));
    }
    let reports = if jobs.is_empty() { BTreeMap::new() } else { adapter.poll(&jobs)? };
    Ok((jobs, reports))
}

/// Whatever scheduler it is: so that an adapter around an adapter need not know.
impl Adapter for Box<dyn Adapter> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        (**self).files(job)
    }

    fn would_start(&mut self, job: &JobSpec) -> Result<Option<String>, AdapterError> {
        (**self).would_start(job)
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        (**self).submit(job)
    }

    fn submit_while(&mut self, job: &JobSpec, may_still: &mut dyn FnMut() -> bool) -> Result<JobId, AdapterError> {
        (**self).submit_while(job, may_still)
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        (**self).poll(jobs)
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        (**self).cancel(jobs)
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        (**self).is_own_hold(reason)
    }

    fn is_stuck(&self, reason: &str) -> bool {
        (**self).is_stuck(reason)
    }

    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        (**self).release(job, tasks)
    }

    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        (**self).cancel_tasks(job, tasks)
    }

    fn recall(&mut self, job: &JobId) -> Result<(), AdapterError> {
        (**self).recall(job)
    }

    fn recalled(&mut self, job: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        (**self).recalled(job)
    }

    fn diagnose(&self, output: &str) -> Option<TaskState> {
        (**self).diagnose(output)
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        (**self).explain(reason)
    }

    fn wait(&mut self, time: Duration) {
        (**self).wait(time);
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        (**self).find(tag)
    }

    fn survey(&mut self, tags: &[JobTag]) -> Result<(Vec<Job>, BTreeMap<TaskId, TaskReport>), AdapterError> {
        (**self).survey(tags)
    }
}
