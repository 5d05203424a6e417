//! An adapter around an adapter: it asks again for a while where there is no answer.
//!
//! A submission without an answer may have happened: it is looked for by its tag before it is tried again.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::adapter::{Adapter, AdapterError, Capabilities};
use crate::job::{EmittedFile, Explained, Job, JobId, JobSpec, JobTag, Recalled, TaskId, TaskReport, TaskState};

/// How long to wait before the second try; twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// While somebody looks on, it is noticed so soon that they have had enough.
const NOTICE_WITHIN: Duration = Duration::from_millis(200);

/// Whoever looks on while a scheduler is asked again and again.
pub trait Attendant: fmt::Debug + Send {
    /// From now on an answer is waited for; it is asked for again for at most so long.
    fn begins(&mut self, most: Duration);
    /// There is an answer, or it is not asked for any more.
    fn ends(&mut self);
    /// Whether they have had enough: then it is not asked for again.
    fn has_enough(&self) -> bool;
}

/// An adapter that has patience.
#[derive(Debug)]
pub struct Patient<A> {
    inner: A,
    patience: Duration,
    attendant: Option<Box<dyn Attendant>>,
}

impl<A: Adapter> Patient<A> {
    /// `inner`, asked again for at most `patience` where it does not answer.
    pub fn new(inner: A, patience: Duration) -> Self {
        Self { inner, patience, attendant: None }
    }

    /// The same, with somebody who looks on.
    #[must_use]
    pub fn attended(self, attendant: impl Attendant + 'static) -> Self {
        Self { attendant: Some(Box::new(attendant)), ..self }
    }

    /// Tries until there is an answer, or no patience left.
    fn ask<T>(&mut self, ask: impl FnMut(&mut A) -> Result<T, AdapterError>) -> Result<T, AdapterError> {
        self.ask_while(&mut || true, ask)
    }

    /// The same, for as long as `may_still` says yes before each further try.
    fn ask_while<T>(
        &mut self,
        may_still: &mut dyn FnMut() -> bool,
        ask: impl FnMut(&mut A) -> Result<T, AdapterError>,
    ) -> Result<T, AdapterError> {
        let patience = self.patience;
        self.attendant.iter_mut().for_each(|attendant| attendant.begins(patience));
        let answer = self.ask_on(may_still, ask);
        self.attendant.iter_mut().for_each(|attendant| attendant.ends());
        answer
    }

    fn ask_on<T>(
        &mut self,
        may_still: &mut dyn FnMut() -> bool,
        mut ask: impl FnMut(&mut A) -> Result<T, AdapterError>,
    ) -> Result<T, AdapterError> {
        let deadline = Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            match ask(&mut self.inner) {
                Err(error @ (AdapterError::Unreachable(_) | AdapterError::Unparsed(_))) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() || !self.pause(pause.min(left)) {
                        return Err(error);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    if !may_still() {
                        return Err(error);
                    }
                }
                answer => return answer,
            }
        }
    }
}

impl<A: Adapter> Patient<A> {
    /// Waits for `time`; whether nobody had enough meanwhile.
    fn pause(&mut self, time: Duration) -> bool {
        let Some(attendant) = &self.attendant else {
            self.inner.wait(time);
            return true;
        };
        let mut left = time;
        while !left.is_zero() && !attendant.has_enough() {
            let step = left.min(NOTICE_WITHIN);
            self.inner.wait(step);
            left -= step;
        }
        !attendant.has_enough()
    }
}

impl<A: Adapter> Adapter for Patient<A> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn files(&self, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
        self.inner.files(job)
    }

    fn would_start(&mut self, job: &JobSpec) -> Result<Option<String>, AdapterError> {
        self.ask(|inner| inner.would_start(job))
    }

    fn submit(&mut self, job: &JobSpec) -> Result<JobId, AdapterError> {
        self.submit_while(job, &mut || true)
    }

    fn submit_while(&mut self, job: &JobSpec, may_still: &mut dyn FnMut() -> bool) -> Result<JobId, AdapterError> {
        let mut tried = false;
        self.ask_while(may_still, |inner| {
            if std::mem::replace(&mut tried, true)
                && let Some(found) = inner.find(&job.tag)?.pop()
            {
                return Ok(found);
            }
            inner.submit(job)
        })
    }

    fn poll(&mut self, jobs: &[Job]) -> Result<BTreeMap<TaskId, TaskReport>, AdapterError> {
        self.ask(|inner| inner.poll(jobs))
    }

    fn cancel(&mut self, jobs: &[JobId]) -> Result<(), AdapterError> {
        self.ask(|inner| inner.cancel(jobs))
    }

    fn is_own_hold(&self, reason: &str) -> bool {
        self.inner.is_own_hold(reason)
    }

    fn is_stuck(&self, reason: &str) -> bool {
        self.inner.is_stuck(reason)
    }

    fn release(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.ask(|inner| inner.release(job, tasks))
    }

    fn cancel_tasks(&mut self, job: &JobId, tasks: &[u64]) -> Result<(), AdapterError> {
        self.ask(|inner| inner.cancel_tasks(job, tasks))
    }

    fn recall(&mut self, job: &JobId) -> Result<(), AdapterError> {
        self.ask(|inner| inner.recall(job))
    }

    fn recalled(&mut self, job: &JobId) -> Result<Vec<Recalled>, AdapterError> {
        self.ask(|inner| inner.recalled(job))
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
        self.ask(|inner| inner.find(tag))
    }

    fn survey(&mut self, tags: &[JobTag]) -> Result<(Vec<Job>, BTreeMap<TaskId, TaskReport>), AdapterError> {
        self.ask(|inner| inner.survey(tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Resources, Tasks};
    use crate::testing::{Memory, Script};
    use crate::throttled::Throttled;

    fn job() -> JobSpec {
        JobSpec {
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
        }
    }

    fn submitted(scripts: Vec<Script>) -> (Result<JobId, AdapterError>, usize) {
        let mut memory = Memory { submits: scripts.into(), ..Memory::default() };
        let mut patient = Patient::new(std::mem::take(&mut memory), Duration::from_secs(60));
        let answer = patient.submit(&job());
        (answer, patient.inner.jobs.len())
    }

    #[test]
    fn a_submission_whose_answer_was_lost_is_found_and_not_repeated() {
        assert_eq!(submitted(vec![Script::LoseAnswer]), (Ok(JobId("1".into())), 1));
    }

    #[test]
    fn a_scheduler_that_is_away_is_asked_again() {
        let away = Script::Away;
        assert_eq!(submitted(vec![away.clone(), away, Script::Babble("?".into())]), (Ok(JobId("1".into())), 1));
    }

    #[test]
    fn who_may_not_any_more_does_not_repeat_a_submission_that_was_not_answered() {
        for (tries, jobs) in [(0, 0), (1, 0), (2, 1)] {
            let memory = Memory { submits: vec![Script::Away; 2].into(), ..Memory::default() };
            // Also through an adapter around it, as a driver has it.
            let mut throttled = Throttled::new(Patient::new(memory, Duration::from_secs(60)), Duration::ZERO);
            let mut asked = 0;
            let answer = throttled.submit_while(&job(), &mut || {
                asked += 1;
                asked <= tries
            });
            assert_eq!(answer.is_ok(), jobs == 1, "{answer:?}");
            assert_eq!(throttled.find(&job().tag).unwrap().len(), jobs);
        }
    }

    #[test]
    fn a_no_is_an_answer() {
        let (answer, jobs) = submitted(vec![Script::Refuse("no such partition".into())]);
        assert!(matches!(answer, Err(AdapterError::Rejected(_))) && jobs == 0);
    }

    /// Somebody who has had enough after so many looks.
    #[derive(Debug)]
    struct Restless(std::cell::Cell<u32>);

    impl Attendant for Restless {
        fn begins(&mut self, most: Duration) {
            assert_eq!(most, Duration::from_secs(60));
        }

        fn ends(&mut self) {}

        fn has_enough(&self) -> bool {
            self.0.set(self.0.get().saturating_sub(1));
            self.0.get() == 0
        }
    }

    #[test]
    fn who_has_had_enough_waits_for_no_further_answer() {
        let memory = Memory { polls: vec![Script::Away; 9].into(), ..Memory::default() };
        let patient = Patient::new(memory, Duration::from_secs(60));
        let mut patient = patient.attended(Restless(std::cell::Cell::new(5)));
        let asked = [Job { id: JobId("1".into()), tag: JobTag("t".into()) }];
        assert!(matches!(patient.poll(&asked), Err(AdapterError::Unreachable(_))));
        assert_eq!(patient.inner.polls.len(), 8, "it was asked once");
    }

    #[test]
    fn what_is_to_come_back_is_asked_for_again_too() {
        let memory = Memory { recalls: vec![Script::Away; 2].into(), ..Memory::default() };
        let mut patient = Patient::new(memory, Duration::from_secs(60));
        assert_eq!(patient.recall(&JobId("1".into())), Ok(()));
        assert!(patient.inner.recalls.is_empty());
        patient.inner.recalls = vec![Script::Away, Script::Refuse("it is elsewhere".into())].into();
        assert!(matches!(patient.recalled(&JobId("1".into())), Err(AdapterError::Rejected(_))));
    }

    #[test]
    fn patience_ends() {
        let memory = Memory { polls: vec![Script::Away; 3].into(), ..Memory::default() };
        let mut patient = Patient::new(memory, Duration::ZERO);
        let asked = [Job { id: JobId("1".into()), tag: JobTag("t".into()) }];
        assert!(matches!(patient.poll(&asked), Err(AdapterError::Unreachable(_))));
    }
}
