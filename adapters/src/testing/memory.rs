//! A scheduler in memory: it does what a test says, and can be as unhelpful as a real one.

use std::collections::{BTreeMap, VecDeque};

use crate::adapter::{Adapter, AdapterError, Capabilities, Finally};
use crate::job::{Job, JobId, JobSpec, JobTag, Recalled, TaskId, TaskReport, TaskState};

/// What the scheduler does with the next request of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// As it should.
    Obey,
    /// It does as it should, and the answer is lost.
    LoseAnswer,
    /// Nothing, and there is no answer.
    Away,
    /// No.
    Refuse(String),
    /// Something that nobody understands.
    Babble(String),
}

/// A scheduler in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// What it does with the next submissions, in their order; then it obeys.
    pub submits: VecDeque<Script>,
    /// The same for polls.
    pub polls: VecDeque<Script>,
    /// The same for what is to come back from nodes.
    pub recalls: VecDeque<Script>,
    /// All jobs that it has accepted.
    pub jobs: Vec<(JobId, JobSpec)>,
    /// The states of their tasks. A test moves them.
    pub states: BTreeMap<TaskId, TaskState>,
    /// How many polls were heard.
    pub asked: u64,
    /// The reasons for which it holds tasks itself.
    pub own_holds: Vec<String>,
    /// The most tasks of a job.
    pub array_len_max: Option<u64>,
}

impl Memory {
    /// Moves all tasks of the job `id` to `state`.
    pub fn move_all(&mut self, id: &JobId, state: TaskState) {
        self.states.iter_mut().filter(|(task, _)| task.job == *id).for_each(|(_, own)| *own = state);
    }

    /// Moves `tasks` of `job`, or all where none are named, if they are as they must be.
    fn move_some(&mut self, job: &JobId, tasks: &[u64], is_meant: fn(TaskState) -> bool, to: TaskState) {
        let named = |task: &TaskId| task.job == *job && (tasks.is_empty() || tasks.contains(&task.index));
        let meant = self.states.iter_mut().filter(|(task, state)| named(task) && is_meant(**state));
        meant.for_each(|(_, state)| *state = to);
    }

    fn accept(&mut self, job: &JobSpec) -> JobId {
        let id = JobId((self.jobs.len() + 1).to_string());
        for index in 0..job.tasks.count() {
            self.states.insert(TaskId { job: id.clone(), index }, TaskState::Pending);
        }
        self.jobs.push((id.clone(), job.clone()));
        id
    }
}

fn lost() -> AdapterError {
    AdapterError::Unreachable("no answer".to_owned())
}

/// What the next of `scripts` says to a question.
fn answered(scripts: &mut VecDeque<Script>) -> Result<(), AdapterError> {
    match scripts.pop_front().unwrap_or(Script::Obey) {
        Script::Obey => Ok(()),
        Script::LoseAnswer | Script::Away => Err(lost()),
        Script::Refuse(why) => Err(AdapterError::Rejected(why)),
        Script::Babble(text) => Err(AdapterError::Unparsed(text)),
    }
}

impl Adapter for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            array_len_max: self.array_len_max,
            room: None,
            requeues: false,
            finally: Finally::Dependency,
            lifeline: false,
        }
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        if self.array_len_max.is_some_and(|most| job.tasks.count() > most) {
            return Err(AdapterError::TooMany("too many tasks in a job".to_owned()));
        }
        match self.submits.pop_front().unwrap_or(Script::Obey) {
            Script::Obey => Ok(self.accept(job)),
            Script::LoseAnswer => {
                self.accept(job);
                Err(lost())
            }
            Script::Away => Err(lost()),
            Script::Refuse(why) => Err(AdapterError::Rejected(why)),
            Script::Babble(text) => Err(AdapterError::Unparsed(text)),
        }
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        self.asked += 1;
        answered(&mut self.polls)?;
        let asked = self.states.iter().filter(|(task, _)| jobs.iter().any(|job| job.id == task.job));
        Ok(asked.map(|(task, state)| (task.clone(), TaskReport::of(*state))).collect())
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        let asked = self.states.iter_mut().filter(|(task, state)| jobs.contains(&task.job) && !state.is_final());
        asked.for_each(|(_, state)| *state = TaskState::Cancelled);
        Ok(())
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        self.own_holds.iter().any(|own| own == reason)
    }

    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.move_some(job, tasks, |state| state == TaskState::Held, TaskState::Pending);
        Ok(())
    }

    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.move_some(job, tasks, |state| !state.is_final(), TaskState::Cancelled);
        Ok(())
    }

    fn recall(&mut self, _: &JobId) -> Result<(), AdapterError> {
        answered(&mut self.recalls)
    }

    fn recalled(&mut self, _: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        answered(&mut self.recalls).map(|()| Vec::new())
    }

    fn wait(&mut self, _: std::time::Duration) {}

    fn find(&mut self, tag: &JobTag) -> Result<Vec<JobId>, AdapterError> {
        Ok(self.jobs.iter().filter(|(_, job)| job.tag == *tag).map(|(id, _)| id.clone()).collect())
    }
}
