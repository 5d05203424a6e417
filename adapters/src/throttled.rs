//! An adapter around an adapter: it does not ask more often than a good citizen does.
//!
//! A scheduler is asked at most once in a while what has become of a job, and never again of what has ended. In between, what
//! it said last is repeated. Only the first question about a job is never put off.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::adapter::{Adapter, AdapterError, Capabilities};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskId, TaskReport, TaskState};

/// An adapter that asks seldom.
#[derive(Debug)]
pub struct Throttled<A> {
    inner: A,
    every: Duration,
    /// When each job was last asked about.
    asked: BTreeMap<JobId, Instant>,
    /// The last answer. What has ended stays in it, though the scheduler may forget it.
    known: BTreeMap<TaskId, TaskReport>,
}

impl<A: Adapter> Throttled<A> {
    /// `inner`, asked about the same job at most once in `every`.
    pub fn new(inner: A, every: Duration) -> Self {
        Self { inner, every, asked: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// Whether there may be news of `job`, and it is time to ask.
    fn is_due(&self, job: &JobId) -> bool {
        let Some(asked) = self.asked.get(job) else { return true };
        let mut own = self.known.iter().filter(|(task, _)| task.job == *job).map(|(_, report)| report.state).peekable();
        let is_over = own.peek().is_some() && own.all(TaskState::is_final);
        !is_over && asked.elapsed() >= self.every
    }

    /// Asks about `jobs`, and remembers.
    fn ask(&mut self, jobs: &[Job]) -> Result<(), AdapterError> {
        let answer = self.inner.poll(jobs)?;
        let is_asked = |task: &TaskId| jobs.iter().any(|job| job.id == task.job);
        self.known.retain(|task, report| !is_asked(task) || report.state.is_final());
        self.known.extend(answer);
        let now = Instant::now();
        self.asked.extend(jobs.iter().map(|job| (job.id.clone(), now)));
        Ok(())
    }
}

impl<A: Adapter> Adapter for Throttled<A> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        self.inner.files(job)
    }

    fn would_start(&mut self, job: &JobSpec) -> Result<Option<String>, AdapterError> {
        self.inner.would_start(job)
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        self.inner.submit(job)
    }

    fn submit_while(&mut self, job: &JobSpec, may_still: &mut dyn FnMut() -> bool) -> Result<JobId, AdapterError> {
        self.inner.submit_while(job, may_still)
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        // Where one is asked about, all are: it is one query.
        if jobs.iter().any(|job| self.is_due(&job.id)) {
            self.ask(jobs)?;
        }
        let asked = self.known.iter().filter(|(task, _)| jobs.iter().any(|job| job.id == task.job));
        Ok(asked.map(|(task, report)| (task.clone(), report.clone())).collect())
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        // There will be news.
        self.asked.retain(|job, _| !jobs.contains(job));
        self.inner.cancel(jobs)
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        self.inner.is_own_hold(reason)
    }

    fn is_stuck(&self, reason: &str) -> bool {
        self.inner.is_stuck(reason)
    }

    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.asked.remove(job);
        self.inner.release(job, tasks)
    }

    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.asked.remove(job);
        self.inner.cancel_tasks(job, tasks)
    }

    fn recall(&mut self, job: &JobId) -> Result<(), AdapterError> {
        self.inner.recall(job)
    }

    fn recalled(&mut self, job: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        self.inner.recalled(job)
    }

    fn diagnose(&self, output: &str) -> Option<TaskState> {
        self.inner.diagnose(output)
    }

    fn explain(&self, reason: &str) -> Option<Explained> {
        self.inner.explain(reason)
    }

    fn wait(&mut self, time: Duration) {
        self.inner.wait(time);
    }

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        self.inner.find(tag)
    }

    fn survey(&mut self, tags: &[JobTag]) -> Result<(Vec<Job>, BTreeMap<TaskId, TaskReport>), AdapterError> {
        self.inner.survey(tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Resources, Tasks};
    use crate::testing::{Memory, Script};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Two tasks in memory, asked about at most once in `every`.
    fn submitted(every: Duration) -> (Throttled<Memory>, [Job; 1]) {
        let mut throttled = Throttled::new(Memory::default(), every);
        let job = JobSpec {
            tag: JobTag("molsieve-abc-1".into()),
            title: String::new(),
            argv: vec!["true".into()],
            tasks: Tasks::Array(2),
            running_max: None,
            resources: Resources::default(),
            after: Vec::new(),
            instead_of: Vec::new(),
            begin_after_s: None,
            exclude: Vec::new(),
            file: "f".into(),
            logs: "l".into(),
            ..JobSpec::default()
        };
        let id = throttled.submit(&job).unwrap();
        (throttled, [Job { id, tag: job.tag }])
    }

    fn states(adapter: &mut Throttled<Memory>, jobs: &[Job]) -> Vec<TaskState> {
        adapter.poll(jobs).unwrap().into_values().map(|report| report.state).collect()
    }

    #[test]
    fn a_job_is_asked_about_at_once_and_then_not_before_it_is_time() {
        let (mut adapter, jobs) = submitted(HOUR);
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Pending; 2]);
        adapter.inner.move_all(&jobs[0].id, TaskState::Running);
        for _ in 0..100 {
            assert_eq!(states(&mut adapter, &jobs), [TaskState::Pending; 2], "what was said last is repeated");
        }
        assert_eq!(adapter.inner.asked, 1);
        adapter.every = Duration::ZERO;
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Running; 2]);
    }

    #[test]
    fn what_has_ended_is_never_asked_again_and_not_forgotten_with_the_scheduler() {
        let (mut adapter, jobs) = submitted(Duration::ZERO);
        let task = |index| TaskId { job: jobs[0].id.clone(), index };
        adapter.inner.states.insert(task(0), TaskState::Succeeded);
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Succeeded, TaskState::Pending]);
        adapter.inner.states.remove(&task(0));
        adapter.inner.states.insert(task(1), TaskState::Checkpointed);
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Succeeded, TaskState::Checkpointed]);
        let asked = adapter.inner.asked;
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Succeeded, TaskState::Checkpointed]);
        assert_eq!(adapter.inner.asked, asked);
    }

    #[test]
    fn an_answer_that_never_came_is_asked_for_again_at_once() {
        let (mut adapter, jobs) = submitted(HOUR);
        adapter.inner.polls.push_back(Script::Away);
        assert!(adapter.poll(&jobs).is_err());
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Pending; 2]);
    }

    #[test]
    fn what_is_cancelled_is_asked_about_at_once() {
        let (mut adapter, jobs) = submitted(HOUR);
        states(&mut adapter, &jobs);
        adapter.cancel(&[jobs[0].id.clone()]).unwrap();
        assert_eq!(states(&mut adapter, &jobs), [TaskState::Cancelled; 2]);
    }
}
