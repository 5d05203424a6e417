//! The state of a campaign: a fold of its events. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Entry, Event, PauseCode};
use crate::error::{Error, Result};
use crate::id::GroupIndex;

/// Where a campaign stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Planned; nobody has begun to work on it.
    Planned,
    /// Being worked on, as far as the journal knows.
    Active,
    /// Stopped at a clean checkpoint.
    Stopped,
    /// Waits for somebody.
    Paused {
        /// Why.
        reason: String,
        /// Why, as a code.
        code: Option<PauseCode>,
    },
    /// Cannot go on.
    Failed {
        /// The exit code.
        exit: u8,
        /// Why.
        what: String,
    },
    /// Sealed, with every record.
    Complete,
}

/// A wave that was submitted, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// Its number.
    pub number: u64,
    /// Our mark on it.
    pub tag: String,
    /// The scheduler's name for it, once accepted.
    pub job: Option<String>,
    /// Records that were finished before it.
    pub finished: u64,
}

/// A job that goes on with the campaign when a wave has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Its number.
    pub round: u64,
    /// Our mark on it.
    pub tag: String,
    /// The scheduler's name for it, once accepted.
    pub job: Option<String>,
}

/// What a worker said when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The exit code that it stands for.
    pub exit: u8,
    /// What happened, to what.
    pub what: String,
    /// Where it waits for somebody: for what.
    pub pause: Option<PauseCode>,
}

/// What the events add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// Whether it was ever planned.
    pub planned: bool,
    /// The number of the last wave; 0 before the first.
    pub waves: u64,
    /// The wave that has not ended, if any.
    pub active: Option<Wave>,
    /// The wave that had not ended when somebody stopped the campaign, or a tick had enough of it: its tasks were asked to end.
    pub cancelled: Option<u64>,
    /// Whether somebody stopped the campaign, and its scheduler has not been told to end what it has of it.
    pub is_uncleared: bool,
    /// How often tasks of the last wave were let go that the scheduler held by itself.
    pub releases: BTreeMap<u64, u32>,
    /// The tasks of the last wave that were ended for that, and why they were held.
    pub given_up: BTreeMap<u64, String>,
    /// The tick that has not begun, if any.
    pub tick: Option<Tick>,
    /// The number of the last tick; 0 before the first.
    pub ticks: u64,
    /// Ticks since a person last started the campaign.
    pub rounds: u64,
    /// The waves in which a task ended for want of memory, since a person last started it.
    pub out_of_memory: BTreeSet<u64>,
    /// How often tasks failed by no fault of their own, by node.
    pub bad_nodes: BTreeMap<String, u32>,
    /// How often a group failed without any progress in between.
    pub failures: BTreeMap<GroupIndex, u32>,
    /// What the last failed task said.
    pub last_problem: Option<Problem>,
    /// A failure that would only repeat itself: the program, or its input, is at fault.
    pub broken: Option<Problem>,
    /// Payload digest of the last seal.
    pub payload: Option<String>,
    /// Core time used by the tasks of all drivers, in core-milliseconds.
    pub core_ms: u64,
    /// Whether the rows were removed after the pack was archived.
    pub archived: bool,
    /// When the last event happened, in milliseconds since the Unix epoch.
    pub last_ms: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            phase: Phase::Planned,
            planned: false,
            waves: 0,
            active: None,
            cancelled: None,
            is_uncleared: false,
            releases: BTreeMap::new(),
            given_up: BTreeMap::new(),
            tick: None,
            ticks: 0,
            rounds: 0,
            out_of_memory: BTreeSet::new(),
            bad_nodes: BTreeMap::new(),
            failures: BTreeMap::new(),
            last_problem: None,
            broken: None,
            payload: None,
            core_ms: 0,
            archived: false,
            last_ms: 0,
        }
    }
}

impl State {
    /// Folds all of `entries`.
    ///
    /// # Errors
    /// An event cannot follow those before it (exit 4).
    pub fn of(entries: &[Entry]) -> Result<Self> {
        let mut state = Self::default();
        entries.iter().try_for_each(|entry| state.apply(entry))?;
        Ok(state)
    }

    /// Applies one event.
    ///
    /// # Errors
    /// It cannot follow those before it (exit 4).
    pub fn apply(&mut self, entry: &Entry) -> Result<()> {
        self.last_ms = entry.at_ms;
        if self.follow(&entry.event) {
            return Ok(());
        }
        Err(Error::verification(format!(
            "event {} of the journal cannot follow those before it: {:?}",
            entry.seq, entry.event
        )))
    }

    /// Whether `event` may come next. A writer asks before it writes, so that no journal holds what cannot be read.
    pub fn admits(&self, event: &Event) -> bool {
        self.clone().follow(event)
    }

    /// Takes the step that `event` is; whether it was a legal one.
    fn follow(&mut self, event: &Event) -> bool {
        match event {
            Event::Planned { .. } => self.plan(),
            Event::DriverStarted { .. } => self.resume(),
            Event::WaveIntended { wave, tag, finished, .. } => self.intend(*wave, tag, finished.unwrap_or(0)),
            Event::WaveSubmitted { wave, job } => self.submitted(*wave, job),
            Event::WaveRefused { wave, .. } => self.end(*wave),
            Event::WaveEnded { wave, core_ms } => {
                self.core_ms = self.core_ms.saturating_add(core_ms.unwrap_or(0));
                self.end(*wave)
            }
            Event::TaskFailed { .. } => self.task_failed(event),
            Event::WaveCancelled { wave } => {
                self.cancelled = Some(*wave);
                self.active.as_ref().is_some_and(|active| active.number == *wave)
            }
            Event::Held { wave, released, ended, what } => self.held(*wave, released, ended, what),
            Event::TickIntended { round, tag } => self.tick_intended(*round, tag),
            Event::TickSubmitted { round, job } => self.tick_submitted(*round, job),
            Event::TickLost { round, .. } => self.tick.take().is_some_and(|tick| tick.round == *round),
            Event::Ticked { round, .. } => self.ticked(*round),
            Event::Stopped { .. } => self.stop(),
            Event::QueueCleared {} => {
                self.is_uncleared = false;
                // One that begins all the same finds the campaign stopped.
                self.tick = None;
                true
            }
            Event::Paused { reason, code } => self.enter(Phase::Paused { reason: reason.clone(), code: *code }),
            Event::Failed { exit, what } => self.enter(Phase::Failed { exit: *exit, what: what.clone() }),
            Event::Sealed { payload, complete, .. } => self.sealed(payload, *complete),
            Event::CoreTime { core_ms } => {
                self.core_ms = self.core_ms.saturating_add(*core_ms);
                true
            }
            Event::Archived { rows_removed, .. } => {
                self.archived |= rows_removed;
                self.phase == Phase::Complete
            }
            Event::Signed { .. } | Event::Amended { .. } | Event::CarriedOver { .. } => true,
        }
    }

    /// A planner that died before `campaign.json` was there is followed by another; and a plan of
    /// which nothing was finished may be made anew.
    fn plan(&mut self) -> bool {
        self.planned = true;
        let legal = self.phase != Phase::Complete;
        self.phase = Phase::Planned;
        legal
    }

    /// A person starts it anew: failures are forgiven, since somebody may have mended their cause.
    fn resume(&mut self) -> bool {
        self.failures.clear();
        self.bad_nodes.clear();
        self.broken = None;
        self.out_of_memory.clear();
        self.releases.clear();
        self.rounds = 0;
        self.at_work()
    }

    fn at_work(&mut self) -> bool {
        if self.phase != Phase::Complete {
            self.phase = Phase::Active;
        }
        self.is_uncleared = false;
        self.planned
    }

    fn tick_intended(&mut self, round: u64, tag: &str) -> bool {
        let next = round == self.ticks + 1 && self.tick.is_none();
        self.ticks = round;
        self.rounds += 1;
        self.tick = Some(Tick { round, tag: tag.to_owned(), job: None });
        next
    }

    fn tick_submitted(&mut self, round: u64, job: &str) -> bool {
        let Some(tick) = self.tick.as_mut().filter(|tick| tick.round == round) else { return false };
        tick.job = Some(job.to_owned());
        true
    }

    /// A tick has begun. What failed is not forgiven: nobody was there to mend anything.
    fn ticked(&mut self, round: Option<u64>) -> bool {
        self.tick.take_if(|tick| Some(tick.round) == round);
        self.at_work()
    }

    fn intend(&mut self, wave: u64, tag: &str, finished: u64) -> bool {
        let next = wave == self.waves + 1 && self.active.is_none();
        self.waves = wave;
        (self.releases, self.given_up) = (BTreeMap::new(), BTreeMap::new());
        self.active = Some(Wave { number: wave, tag: tag.to_owned(), job: None, finished });
        self.phase = Phase::Active;
        next
    }

    fn held(&mut self, wave: u64, released: &[u64], ended: &[u64], what: &str) -> bool {
        for task in released {
            *self.releases.entry(*task).or_default() += 1;
        }
        self.given_up.extend(ended.iter().map(|task| (*task, what.to_owned())));
        self.active.as_ref().is_some_and(|active| active.number == wave)
    }

    fn submitted(&mut self, wave: u64, job: &str) -> bool {
        let Some(active) = self.active.as_mut().filter(|a| a.number == wave) else { return false };
        active.job = Some(job.to_owned());
        true
    }

    fn end(&mut self, wave: u64) -> bool {
        self.active.take().is_some_and(|a| a.number == wave)
    }

    fn task_failed(&mut self, event: &Event) -> bool {
        let Event::TaskFailed { wave, groups, progress, exit, what, program, pause, node, state, .. } = event else {
            return false;
        };
        for group in groups {
            let count = self.failures.entry(GroupIndex(*group)).or_default();
            *count = if *progress { 1 } else { *count + 1 };
        }
        // (What was preempted, or reached its time limit, says nothing about its node.)
        let by_its_node = !program && pause.is_none() && (state == "NodeFailed" || state.starts_with("Failed"));
        if state == "OutOfMemory" {
            self.out_of_memory.insert(*wave);
        } else if let Some(node) = node.as_ref().filter(|_| by_its_node) {
            *self.bad_nodes.entry(node.clone()).or_default() += 1;
        }
        let problem = Problem { exit: *exit, what: what.clone(), pause: *pause };
        self.broken = self.broken.take().or_else(|| program.then(|| problem.clone()));
        self.last_problem = Some(problem);
        true
    }

    fn sealed(&mut self, payload: &str, complete: bool) -> bool {
        self.payload = Some(payload.to_owned());
        match (complete, &self.phase) {
            (true, _) => self.phase = Phase::Complete,
            // What was there when it was complete has been lost since.
            (false, Phase::Complete) => self.phase = Phase::Stopped,
            (false, _) => {}
        }
        true
    }

    fn stop(&mut self) -> bool {
        self.cancelled = self.active.as_ref().map(|wave| wave.number).or(self.cancelled);
        self.is_uncleared = self.active.is_some() || self.tick.is_some();
        self.enter(Phase::Stopped)
    }

    fn enter(&mut self, phase: Phase) -> bool {
        self.phase = phase;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_counted_a_task_in_one_wave_and_no_wave_that_a_tick_ended_was_ended_by_somebody() {
        let mut state = State { planned: true, ..State::default() };
        let wave = |wave| Event::WaveIntended { wave, tag: "t".into(), tasks: 2, groups: 2, finished: None };
        let held = |wave, released: &[u64], ended: &[u64]| {
            let (released, ended) = (released.to_vec(), ended.to_vec());
            Event::Held { wave, released, ended, what: "launch failed".to_owned() }
        };
        assert!(state.follow(&wave(1)) && state.follow(&held(1, &[0, 1], &[])) && state.follow(&held(1, &[1], &[0])));
        assert_eq!((&state.releases[&0], &state.releases[&1], state.given_up.len()), (&1, &2, 1));
        assert!(!state.clone().follow(&held(2, &[0], &[])), "of another wave nothing is held");
        assert!(state.follow(&Event::WaveCancelled { wave: 1 }));
        assert_eq!((state.cancelled, &state.phase), (Some(1), &Phase::Active));
        assert!(state.follow(&Event::WaveEnded { wave: 1, core_ms: None }) && state.follow(&wave(2)));
        assert!(state.releases.is_empty() && state.given_up.is_empty());
    }

    #[test]
    fn only_what_its_machine_did_to_a_task_speaks_against_a_node() {
        let failed = |state: &str, program| Event::TaskFailed {
            wave: 1,
            task: 0,
            state: state.to_owned(),
            groups: vec![0],
            progress: true,
            program,
            exit: 6,
            what: "why".to_owned(),
            pause: None,
            node: Some("n1".to_owned()),
        };
        let counted = |state: &str, program| {
            let mut folded = State::default();
            assert!(folded.follow(&failed(state, program)));
            folded.bad_nodes.values().sum::<u32>()
        };
        for state in ["NodeFailed", "Failed { exit: 6 }"] {
            assert_eq!(counted(state, false), 1, "{state}");
        }
        for state in ["Preempted", "TimedOut", "Checkpointed", "Unknown", "OutOfMemory"] {
            assert_eq!(counted(state, false), 0, "{state}");
        }
        assert_eq!(counted("Failed { exit: 2 }", true), 0);
    }

    #[test]
    fn what_a_wave_used_counts_when_it_has_ended() {
        let mut state = State::default();
        let intended = Event::WaveIntended { wave: 1, tag: "t".into(), tasks: 2, groups: 2, finished: None };
        assert!(state.follow(&intended) && state.follow(&Event::WaveEnded { wave: 1, core_ms: Some(7) }));
        assert_eq!(state.core_ms, 7);
        let of_an_earlier_version: Event = serde_json::from_str(r#"{"kind":"wave_ended","wave":1}"#).unwrap();
        assert_eq!(of_an_earlier_version, Event::WaveEnded { wave: 1, core_ms: None });
    }

    #[test]
    fn a_wave_that_a_stop_found_at_work_was_asked_to_end_and_no_later_one() {
        let mut state = State { planned: true, ..State::default() };
        let wave = |wave| Event::WaveIntended { wave, tag: "t".into(), tasks: 2, groups: 2, finished: None };
        let stopped = || Event::Stopped { reason: "cancelled".into() };
        assert!(state.follow(&stopped()) && state.cancelled.is_none());
        assert!(state.follow(&wave(1)) && state.follow(&stopped()));
        assert_eq!(state.cancelled, Some(1));
        assert!(state.follow(&Event::WaveEnded { wave: 1, core_ms: None }) && state.follow(&wave(2)));
        assert_ne!(state.cancelled, state.active.map(|wave| wave.number));
    }

    #[test]
    fn a_stop_is_heard_by_the_scheduler_when_somebody_says_so_or_when_the_campaign_goes_on() {
        let wave = Event::WaveIntended { wave: 1, tag: "t".into(), tasks: 2, groups: 2, finished: None };
        let stopped = Event::Stopped { reason: "cancelled".into() };
        let started = Event::DriverStarted { molsieve: String::new(), host: String::new(), program: None };
        let mut state = State { planned: true, ..State::default() };
        assert!(state.follow(&stopped) && !state.is_uncleared, "nothing of it was in a queue");
        assert!(state.follow(&wave) && state.follow(&stopped) && state.is_uncleared);
        for told in [Event::QueueCleared {}, started] {
            let mut told_so = state.clone();
            assert!(told_so.follow(&told) && !told_so.is_uncleared, "{told:?}");
        }
    }

    #[test]
    fn whoever_ends_a_wave_knows_what_was_finished_before_it() {
        let wave = |finished| Event::WaveIntended { wave: 1, tag: "t".into(), tasks: 2, groups: 2, finished };
        for (said, known) in [(Some(7), 7), (None, 0)] {
            let mut state = State::default();
            assert!(state.follow(&wave(said)));
            assert_eq!(state.active.map(|wave| wave.finished), Some(known));
        }
    }
}
