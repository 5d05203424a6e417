//! What the scheduler says of a campaign's jobs, for people who ask how it is: a hint beside the files, asked for once.
//!
//! Nothing depends on the answer. So nobody waits for it for long, and a controller that is away is a fact to tell.

use std::collections::BTreeMap;
use std::time::Duration;

use molsieve_adapters::{Adapter, Job, JobId, JobTag, TaskId, TaskReport, TaskState};

use crate::campaign::file::Campaign;
use crate::campaign::kind::SchedulerKind;
use crate::campaign::scheduler::Cluster;
use crate::clock;
use crate::journal::event::{Entry, Event};
use crate::journal::state::{Phase, State};
use crate::scheduler;

/// How long a scheduler may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Where a task stands, as far as its scheduler says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It waits for its turn.
    Waiting,
    /// It waits for somebody.
    Held,
    /// It runs.
    Running,
    /// It has ended.
    Ended,
}

/// What is said of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its position in its job.
    pub task: u64,
    /// Where it stands.
    pub stand: Stand,
    /// The node that it runs or ran on.
    pub node: Option<String>,
    /// Why it waits or ended, in the scheduler's word.
    pub reason: Option<String>,
    /// When it started, or is expected to.
    pub start_ms: Option<u64>,
}

/// What a word of the scheduler means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// As a lower-case fragment.
    pub what: &'static str,
    /// What can be done about it; `{job}` and `{task}` stand for the scheduler's names.
    pub hint: &'static str,
}

/// A small job beside a wave and its tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// The scheduler's name for it.
    pub job: String,
    /// What is said of it.
    pub element: Element,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// When it came.
    pub at_ms: u64,
    /// The tasks of the active wave that the scheduler knows, by position.
    pub wave: Vec<Element>,
    /// The tick that follows.
    pub tick: Option<Element>,
    /// Whether that tick has ended in another way than well: it has left nobody who goes on.
    pub tick_failed: bool,
    /// Whether an earlier tick is at work.
    pub tick_at_work: bool,
    /// What stands in for the tick, should that fail.
    pub stand_in: Option<Beside>,
    /// What looks at the wave while it runs.
    pub look: Option<Beside>,
    /// What the reasons in it mean, where that is known.
    pub meanings: BTreeMap<String, Meaning>,
    /// Whether the scheduler knows no job at all of those that it was asked about, not even as ended.
    pub knows_none: bool,
}

impl Heard {
    /// Whether anything of the campaign waits or runs.
    pub fn is_in_queue(&self) -> bool {
        let waits = |look: &Beside| look.element.stand != Stand::Ended;
        self.is_followed() || self.wave.iter().any(lives) || self.look.as_ref().is_some_and(waits)
    }

    /// Whether something goes on when the wave has ended, or does so now: a tick, what stands in for it, or a look at work.
    pub fn is_followed(&self) -> bool {
        let stands_in = self.stand_in.as_ref().is_some_and(|beside| lives(&beside.element));
        let looks = self.look.as_ref().is_some_and(|look| look.element.stand == Stand::Running);
        self.tick_at_work || self.tick.as_ref().is_some_and(lives) || stands_in || looks
    }
}

fn lives(element: &Element) -> bool {
    element.stand != Stand::Ended
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// There is nothing to ask: no cluster, or nothing that should be in its queue.
    NoNeed,
    /// Somebody did not want it asked.
    NotAsked,
    /// It was not heard; a sentence says why.
    Silence(String),
    /// It answered.
    Heard(Box<Heard>),
}

impl Hearing {
    /// The answer, if there is one.
    pub fn heard(&self) -> Option<&Heard> {
        if let Self::Heard(heard) = self { Some(heard) } else { None }
    }
}

impl From<Result<Heard, String>> for Hearing {
    fn from(answer: Result<Heard, String>) -> Self {
        answer.map_or_else(Self::Silence, |heard| Self::Heard(Box::new(heard)))
    }
}

/// What a scheduler is to be asked. It borrows nothing of the campaign, so that a thread may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    scheduler: SchedulerKind,
    cluster: Cluster,
    wave: Option<Job>,
    tick: Option<Job>,
    /// The tick before, which may be at work.
    earlier: Option<Job>,
    /// The marks on what stands in for the tick, and on every look.
    stand_in: Option<JobTag>,
    look: Option<JobTag>,
}

impl Question {
    /// What there is to ask of `campaign`, whose journal holds `entries`: its wave and its tick. None on this machine, and where
    /// nothing of it should be in a queue.
    pub fn of(campaign: &Campaign, state: &State, entries: &[Entry]) -> Option<Self> {
        let cluster = campaign.file.execution.cluster.as_ref()?;
        let job = |id: &Option<String>, tag: &str| Some(Job { id: JobId(id.clone()?), tag: JobTag(tag.to_owned()) });
        let wave = state.active.as_ref().and_then(|wave| job(&wave.job, &wave.tag));
        let tick = state.tick.as_ref().and_then(|tick| job(&tick.job, &tick.tag));
        let earlier = last_tick(entries).filter(|last| tick.as_ref() != Some(last));
        let is_over = state.phase != Phase::Active && state.active.is_none();
        let is_nothing = wave.is_none() && tick.is_none() && earlier.is_none();
        let any = [&wave, &tick, &earlier].into_iter().flatten().next();
        let beside = |what: &str| any.and_then(|job| tag_beside(&job.tag, what));
        let (stand_in, look) = (beside(&format!("s{}", state.ticks)), beside("look"));
        let (scheduler, cluster) = (campaign.file.execution.scheduler, cluster.clone());
        (!is_over && !is_nothing).then_some(Self { scheduler, cluster, wave, tick, earlier, stand_in, look })
    }

    /// Asks, with one query for all jobs and seconds of patience.
    ///
    /// # Errors
    /// A sentence: the scheduler cannot be reached, or its answer is not understood.
    pub fn ask(&self) -> Result<Heard, String> {
        let binding = scheduler::of(self.scheduler);
        let listener = binding.and_then(|binding| binding.listener(&self.cluster, ANSWER_WITHIN));
        self.ask_of(listener.map_err(|e| e.what().to_owned())?.as_mut())
    }

    fn ask_of(&self, adapter: &mut dyn Adapter) -> Result<Heard, String> {
        let known = [&self.wave, &self.tick, &self.earlier].into_iter().flatten();
        let beside = [&self.stand_in, &self.look].into_iter().flatten().cloned();
        let tags: Vec<JobTag> = known.map(|job| job.tag.clone()).chain(beside).collect();
        let (jobs, reports) = adapter.survey(&tags).map_err(|e| e.to_string())?;
        let mut heard = Heard { at_ms: clock::unix_ms(), knows_none: jobs.is_empty(), ..Heard::default() };
        let is = |job: &Option<Job>, task: &TaskId| job.as_ref().is_some_and(|job| job.id == task.job);
        let tag_of = |task: &TaskId| jobs.iter().find(|job| job.id == task.job).map(|job| &job.tag);
        for (task, report) in reports {
            let failed = report.state.is_final() && report.state != TaskState::Succeeded;
            let Some(element) = element(task.index, report) else { continue };
            if let Some(reason) = &element.reason
                && let Some(known) = adapter.explain(reason)
            {
                heard.meanings.insert(reason.clone(), Meaning { what: known.what, hint: known.hint });
            }
            if is(&self.wave, &task) {
                heard.wave.push(element);
            } else if is(&self.tick, &task) {
                (heard.tick, heard.tick_failed) = (Some(element), failed);
            } else if is(&self.earlier, &task) {
                heard.tick_at_work |= lives(&element);
            } else if tag_of(&task) == self.stand_in.as_ref() {
                heard.stand_in = Some(first(heard.stand_in, &task, element));
            } else if tag_of(&task) == self.look.as_ref() {
                heard.look = Some(first(heard.look, &task, element));
            }
        }
        Ok(heard)
    }
}

/// The mark on another job of the campaign that a job with this one belongs to.
fn tag_beside(tag: &JobTag, what: &str) -> Option<JobTag> {
    tag.0.rsplit_once('-').map(|(place, _)| JobTag(format!("{place}-{what}")))
}

/// Of several jobs with one mark, the one that runs, else one that waits.
fn first(before: Option<Beside>, task: &TaskId, element: Element) -> Beside {
    let rank = |element: &Element| match element.stand {
        Stand::Running => 0,
        Stand::Waiting | Stand::Held => 1,
        Stand::Ended => 2,
    };
    before
        .filter(|before| rank(&before.element) <= rank(&element))
        .unwrap_or_else(|| Beside { job: task.job.0.clone(), element })
}

/// What is known of a task; nothing where the scheduler's word for it is not.
fn element(task: u64, report: TaskReport) -> Option<Element> {
    let stand = match report.state {
        TaskState::Pending => Stand::Waiting,
        TaskState::Held => Stand::Held,
        TaskState::Running => Stand::Running,
        TaskState::Unknown => return None,
        _ => Stand::Ended,
    };
    let start_ms = report.start.as_deref().and_then(clock::of_utc);
    // Of what runs the reason says nothing.
    let reason = report.reason.filter(|_| stand != Stand::Running);
    Some(Element { task, stand, node: report.node, reason, start_ms })
}

/// The last tick that a scheduler accepted.
fn last_tick(entries: &[Entry]) -> Option<Job> {
    let (round, job) = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::TickSubmitted { round, job } => Some((round, job)),
        _ => None,
    })?;
    let tag = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::TickIntended { round: intended, tag } if intended == round => Some(tag),
        _ => None,
    })?;
    Some(Job { id: JobId(job.clone()), tag: JobTag(tag.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::scheduler::SchedulerSection;
    use molsieve_adapters::command::{Call, Runner, Said, Silent};
    use molsieve_adapters::slurm::{Limits, Site};
    use molsieve_adapters::{Cli, Slurm};

    /// A queue that says what it is told to.
    #[derive(Debug)]
    struct Queue(Result<String, ()>);

    impl Runner for Queue {
        fn run(&mut self, call: &Call) -> Result<Said, Silent> {
            assert_eq!(call.program(), "squeue", "one command, and no other");
            let stdout = self.0.clone().map_err(|()| Silent::Absent)?;
            Ok(Said { code: Some(0), stdout, stderr: String::new() })
        }
    }

    fn question() -> Question {
        let job = |id: &str, tag: &str| Some(Job { id: JobId(id.into()), tag: JobTag(tag.into()) });
        let (wave, tick, earlier) = (job("7", "m-1"), job("8", "m-t2"), job("6", "m-t1"));
        let cluster = SchedulerSection::of(SchedulerKind::Slurm).cluster().unwrap().unwrap();
        let (stand_in, look) = (Some(JobTag("m-s2".into())), Some(JobTag("m-look".into())));
        Question { scheduler: SchedulerKind::Slurm, cluster, wave, tick, earlier, stand_in, look }
    }

    fn row(job: &str, task: &str, name: &str, state: &str, start: &str, node: &str, reason: &str) -> String {
        format!("{job:<20}{task:<20}{name:<80}{state:<24}{:<16}{start:<28}{node:<64}{reason:<128}\n", "0")
    }

    fn asked(queue: Result<String, ()>) -> Result<Heard, String> {
        question().ask_of(&mut Cli::with(Slurm::new(Site::default(), Limits::default()), Queue(queue)))
    }

    #[test]
    fn one_query_answers_for_the_wave_its_tick_and_the_tick_at_work() {
        let time = "2026-11-21T00:56:02";
        let text = [
            row("7", "0", "m-1", "RUNNING", time, "n1", "None"),
            row("7", "1", "m-1", "PENDING", "N/A", "", "JobHeldUser"),
            row("7", "2", "m-1", "COMPLETED", time, "n2", "None"),
            row("7", "3", "m-1", "FROBNICATED", time, "n2", "None"),
            row("8", "N/A", "m-t2", "PENDING", "N/A", "", "Dependency"),
            row("6", "N/A", "m-t1", "COMPLETED", time, "n1", "None"),
            row("9", "N/A", "m-s2", "PENDING", "N/A", "", "Dependency"),
            row("5", "N/A", "m-look", "COMPLETED", time, "n1", "None"),
            row("10", "N/A", "m-look", "PENDING", time, "", "BeginTime"),
            row("11", "N/A", "another", "RUNNING", time, "n1", "None"),
        ];
        let heard = asked(Ok(text.concat())).unwrap();
        let stands: Vec<_> = heard.wave.iter().map(|e| (e.task, e.stand)).collect();
        assert_eq!(stands, [(0, Stand::Running), (1, Stand::Held), (2, Stand::Ended)]);
        assert_eq!(heard.wave[0].start_ms, clock::of_utc(time));
        assert!(heard.meanings["JobHeldUser"].hint.contains("release"));
        assert!(heard.tick.as_ref().is_some_and(|tick| tick.stand == Stand::Waiting) && !heard.tick_at_work);
        assert!(heard.is_in_queue() && heard.is_followed());
        let (stand_in, look) = (heard.stand_in.unwrap(), heard.look.unwrap());
        assert_eq!((stand_in.job.as_str(), stand_in.element.stand), ("9", Stand::Waiting));
        assert_eq!((look.job.as_str(), look.element.start_ms), ("10", clock::of_utc(time)));
    }

    #[test]
    fn a_look_that_waits_follows_no_wave_and_one_at_work_does() {
        let of = |state: &str| asked(Ok(row("10", "N/A", "m-look", state, "N/A", "", "BeginTime"))).unwrap();
        assert!(of("PENDING").is_in_queue() && !of("PENDING").is_followed());
        assert!(of("RUNNING").is_followed());
    }

    #[test]
    fn a_queue_that_knows_only_ends_has_nothing_of_it() {
        let text = row("7", "0", "m-1", "CANCELLED", "N/A", "", "None");
        let heard = asked(Ok(text)).unwrap();
        assert!(!heard.is_in_queue() && !heard.knows_none && !heard.tick_failed);
        for (state, failed) in [("COMPLETED", false), ("FAILED", true), ("CANCELLED", true), ("RUNNING", false)] {
            let text = row("8", "N/A", "m-t2", state, "N/A", "n1", "None");
            assert_eq!(asked(Ok(text)).unwrap().tick_failed, failed, "{state}");
        }
        assert!(asked(Ok(String::new())).unwrap().knows_none);
        let text = row("6", "N/A", "m-t1", "RUNNING", "N/A", "n1", "None");
        assert!(asked(Ok(text)).unwrap().is_in_queue(), "the tick before may be at work");
    }

    #[test]
    fn a_machine_without_a_scheduler_says_so() {
        assert!(asked(Err(())).unwrap_err().contains("`squeue` is not on the PATH"));
    }
}
