//! An adapter for every scheduler that is spoken to by commands: what a dialect writes is run, what is said it reads.

use crate::adapter::{self, Adapter, AdapterError, Capabilities};
use crate::command::{Call, Runner, Said, System};
use crate::dialect::{Dialect, Reports};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskState};

/// A scheduler behind its commands.
#[derive(Debug)]
pub struct Cli<D, R = System> {
    dialect: D,
    runner: R,
}

impl<D: Dialect> Cli<D> {
    /// The scheduler of this machine that speaks `dialect`.
    pub fn new(dialect: D) -> Self {
        Self::with(dialect, System::default())
    }
}

impl<D: Dialect, R: Runner> Cli<D, R> {
    /// As [`Cli::new`], with another way to run commands.
    pub fn with(dialect: D, runner: R) -> Self {
        Self { dialect, runner }
    }

    /// Whether the queue has said all that there is to say of `job`.
    fn knows_all(&self, job: &Job, reports: &Reports) -> bool {
        let mut own = reports.iter().filter(|(task, _)| task.job == job.id).map(|(_, report)| report).peekable();
        own.peek().is_some() && own.all(|report| !self.dialect.is_guess(report))
    }

    fn hear(&mut self, call: &Call) -> Result<Said, AdapterError> {
        // A program that is absent is no `Rejected`: on a node whose file system is away for a minute it comes back.
        self.runner.run(call).map_err(|silent| AdapterError::Unreachable(format!("`{}` {silent}", call.program())))
    }
}

impl<D: Dialect, R: Runner> Adapter for Cli<D, R> {
    fn capabilities(&self) -> Capabilities {
        self.dialect.capabilities()
    }

    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        self.dialect.render(job)
    }

    fn would_start(&mut self, job: &JobSpec) -> Result<Option<String>, AdapterError> {
        let files = self.dialect.render(job)?;
        let Some(call) = self.dialect.rehearse(&files) else { return Ok(None) };
        let said = self.hear(&call)?;
        self.dialect.parse_rehearse(&said)
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        let files = self.dialect.render(job)?;
        let said = self.hear(&self.dialect.submit(&files))?;
        self.dialect.parse_submit(&said)
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<Reports, AdapterError> {
        if jobs.is_empty() {
            return Ok(Reports::new());
        }
        let said = self.hear(&self.dialect.poll(jobs))?;
        let mut reports = self.dialect.parse_poll(jobs, &said)?;
        let gone: Vec<Job> = jobs.iter().filter(|job| !self.knows_all(job, &reports)).cloned().collect();
        if let Some(call) = self.dialect.history(&gone).filter(|_| !gone.is_empty()) {
            // The books may be closed or late. What they do not say stays unknown, and files are the truth.
            if let Ok(found) = self.hear(&call).and_then(|said| self.dialect.parse_history(&gone, &said)) {
                for (task, report) in found {
                    let known = self.dialect.both(reports.get(&task), report);
                    reports.extend(known.map(|report| (task, report)));
                }
            }
        }
        Ok(reports)
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let said = self.hear(&self.dialect.cancel(jobs))?;
        self.dialect.parse_cancel(&said)
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        self.dialect.is_own_hold(reason)
    }

    fn is_stuck(&self, reason: &str) -> bool {
        self.dialect.is_stuck(reason)
    }

    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        let Some(call) = self.dialect.release(job, tasks) else { return Ok(()) };
        let said = self.hear(&call)?;
        self.dialect.parse_release(&said)
    }

    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        let Some(call) = self.dialect.cancel_tasks(job, tasks) else { return Ok(()) };
        let said = self.hear(&call)?;
        self.dialect.parse_cancel(&said)
    }

    fn recall(&mut self, job: &JobId) -> Result<(), AdapterError> {
        self.dialect.recall(job).map_or(Ok(()), |call| self.hear(&call).map(drop))
    }

    fn recalled(&mut self, job: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        let Some([place, tasks]) = self.dialect.recalled(job) else { return Ok(Vec::new()) };
        let said = [self.hear(&place)?, self.hear(&tasks)?];
        self.dialect.parse_recalled(&said)
    }

    fn diagnose(&self, output: &str) -> Option<TaskState> {
        self.dialect.diagnose(output)
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        self.dialect.explain(reason)
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        let said = self.hear(&self.dialect.find(tag))?;
        let found = self.dialect.parse_find(tag, &said)?;
        match self.dialect.find_ended(tag).filter(|_| found.is_empty()) {
            None => Ok(found),
            Some(call) => {
                let said = self.hear(&call)?;
                self.dialect.parse_find(tag, &said)
            }
        }
    }

    fn survey(&mut self, tags: &[JobTag]) -> Result<(Vec<Job>, Reports), AdapterError> {
        let Some(call) = self.dialect.find_all(tags) else { return adapter::one_by_one(self, tags) };
        let said = self.hear(&call)?;
        let mut jobs = Vec::new();
        for tag in tags {
            let found = self.dialect.parse_find(tag, &said)?;
            jobs.extend(found.into_iter().map(|id| Job { id, tag: tag.clone() }));
        }
        let reports = self.dialect.parse_poll(&jobs, &said)?;
        Ok((jobs, reports))
    }
}
