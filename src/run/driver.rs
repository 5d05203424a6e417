//! The driver: looks, decides, records, acts.
//!
//! [`drive`] stays until the campaign is done, or stopped. Where a scheduler runs the work without us, a
//! driver does one [step](Driver::step) after the other only as long as there is something to do now; see
//! [`tick`](super::tick).

use std::path::{Path, PathBuf};
use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, Job, JobId, JobTag, TaskId, TaskReport, TaskState};

use super::core_time::CoreTime;
use super::look::Look;
use super::policy::{self, Decision, Pause, Seen};
use super::{ended, submission, wave};
use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal::event::{Event, PauseCode};
use crate::journal::sign_of_life::{self, Pace, SignOfLife};
use crate::journal::state::{State, Wave};
use crate::journal::{History, Journal};
use crate::scorer::identity::ScorerLaunch;
use crate::shard::receipt::Counts;
use crate::stop::Stop;

/// How often the driver looks when the adapter has no news.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// No submission of a driver that died is waited for longer.
const LATE_MAX: Duration = Duration::from_secs(30);

/// How often the driver leaves a sign of life.
const SHOW_EVERY: Duration = Duration::from_secs(5);

/// What a person may want to see while it runs.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Records of the library.
    pub records: u64,
    /// Records that are finished.
    pub finished: u64,
    /// Records that were finished when this driver began.
    pub before: u64,
    /// Shards of the plan, and those that are done.
    pub shards: (u64, u64),
    /// How the records of sealed task groups ended.
    pub sealed: &'a Counts,
    /// Tasks that run now.
    pub running: usize,
    /// How long this driver has been at it.
    pub elapsed: Duration,
}

/// What else the driver needs to know.
pub struct Settings<'a> {
    /// The program that runs a task: this one.
    pub program: PathBuf,
    /// How many tasks a wave is dealt to, at most.
    pub tasks: u64,
    /// Raised when somebody asks to stop.
    pub stop: Stop,
    /// Called at every look.
    pub watch: &'a mut dyn FnMut(&Progress<'_>),
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Driven {
    /// Every group has its receipt.
    Ready,
    /// Stopped at a clean checkpoint.
    Stopped,
    /// It waits for somebody; every task has ended.
    Paused(Pause),
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something was done: look again at once.
    Acted,
    /// Tasks run, or have just ended: look again in a while.
    Wait,
    /// There is nothing left to do.
    Over(Driven),
}

/// Drives the campaign until every group has its receipt, or until it is stopped, pauses or fails.
///
/// # Errors
/// It fails (the exit code of what made it fail), another process takes over
/// (exit 75), or the scheduler refuses (exit 5).
pub fn drive<'a>(
    campaign: &'a Campaign,
    journal: &'a mut Journal,
    history: &History,
    adapter: &'a mut dyn Adapter,
    settings: Settings<'a>,
) -> Result<Driven> {
    let mut driver = Driver::new(campaign, journal, history, adapter, settings)?;
    driver.start()?;
    let driven = driver.run();
    if driven.is_err() {
        driver.abandon();
    }
    driven
}

/// A driver at work.
pub struct Driver<'a> {
    pub(super) campaign: &'a Campaign,
    pub(super) journal: &'a mut Journal,
    pub(super) adapter: &'a mut dyn Adapter,
    pub(super) settings: Settings<'a>,
    pub(super) state: State,
    pub(super) look: Look<'a>,
    started: Stopwatch,
    shown: Stopwatch,
    finished_before: u64,
    core_time: CoreTime,
    /// Core time that the last driver did not live to note.
    inherited_core_ms: u64,
    /// The active wave was asked to end by this driver.
    pub(super) cancelled: bool,
    /// Since when no task of the active wave is known to wait or run.
    quiet: Option<Stopwatch>,
    /// The tasks of the active wave that were held at the last step, and why.
    pub(super) held: Vec<(u64, String)>,
    /// Whether this is a tick, with nobody looking on.
    pub(super) by_itself: bool,
}

impl<'a> Driver<'a> {
    /// A driver that has read the journal and looked at nothing yet.
    ///
    /// # Errors
    /// The events of the journal do not follow each other (exit 4).
    pub fn new(
        campaign: &'a Campaign,
        journal: &'a mut Journal,
        history: &History,
        adapter: &'a mut dyn Adapter,
        settings: Settings<'a>,
    ) -> Result<Self> {
        Ok(Self {
            state: State::of(&history.entries)?,
            inherited_core_ms: sign_of_life::uncounted_core_ms(&campaign.dir, &history.entries),
            look: Look::new(campaign)?,
            started: Stopwatch::start(),
            shown: Stopwatch::start(),
            finished_before: 0,
            core_time: CoreTime::start(),
            cancelled: false,
            quiet: None,
            held: Vec::new(),
            by_itself: false,
            campaign,
            journal,
            adapter,
            settings,
        })
    }

    /// Notes that a person has started it, and adopts what an earlier driver left.
    ///
    /// # Errors
    /// The scorer's program is gone (exit 2), the scheduler does not answer (exit 5), or the system refuses (exit 6).
    pub fn start(&mut self) -> Result<()> {
        let program = match &self.campaign.file.execution.scorer {
            // What a container holds, the digest of its image says.
            ScorerLaunch::Command(command) if command.container.is_some() => None,
            ScorerLaunch::Command(command) => Some(fs::sha256_input(Path::new(&command.argv[0]))?.0),
            _ => None,
        };
        let (molsieve, host) = (env!("CARGO_PKG_VERSION").to_owned(), crate::host::name());
        self.record(Event::DriverStarted { molsieve, host, program })?;
        self.begin()
    }

    /// Looks for the first time, and adopts what an earlier driver left.
    ///
    /// # Errors
    /// As [`Driver::start`].
    pub fn begin(&mut self) -> Result<()> {
        if self.inherited_core_ms > 0 {
            self.record(Event::CoreTime { core_ms: self.inherited_core_ms })?;
        }
        self.look.refresh()?;
        self.finished_before = self.look.finished();
        self.adopt()
    }

    fn run(&mut self) -> Result<Driven> {
        loop {
            match self.step()? {
                Step::Acted => {}
                Step::Wait => self.adapter.wait(LOOK_EVERY),
                Step::Over(driven) => return Ok(driven),
            }
        }
    }

    /// One step: look, decide, record, act.
    ///
    /// # Errors
    /// As [`drive`].
    pub fn step(&mut self) -> Result<Step> {
        self.journal.still_ours()?;
        // First the scheduler, then the files: what it calls ended must be seen with all that it left.
        let reports = self.poll()?;
        let tasks: Vec<TaskState> = reports.iter().map(|report| report.state).collect();
        let held = (0..).zip(&reports).filter(|(_, report)| report.state == TaskState::Held);
        self.held = held.map(|(task, report)| (task, report.reason.clone().unwrap_or_default())).collect();
        self.look.refresh()?;
        self.show(&tasks)?;
        self.note_core_time(false)?;
        self.note_quiet(&tasks);
        match policy::decide(&self.state, &self.seen(&tasks)) {
            Decision::Seal => return Ok(Step::Over(Driven::Ready)),
            Decision::Submit(groups) => {
                let pause = match self.may_submit() {
                    Ok(()) => submission::submit(self, &groups)?,
                    Err(pause) => Some(pause),
                };
                if let Some(pause) = pause {
                    self.pause(&pause)?;
                    return Ok(Step::Over(Driven::Paused(pause)));
                }
            }
            Decision::Wait => return Ok(Step::Wait),
            Decision::Cancel => {
                self.cancel()?;
                return Ok(Step::Wait);
            }
            Decision::EndWave => {
                self.note_core_time(true)?;
                if ended::end_wave(self, &reports)? {
                    self.record(Event::Stopped { reason: "its job was cancelled at the scheduler".to_owned() })?;
                    return Ok(Step::Over(Driven::Stopped));
                }
            }
            Decision::Stopped => {
                self.record(Event::Stopped { reason: "asked to stop".to_owned() })?;
                return Ok(Step::Over(Driven::Stopped));
            }
            Decision::Pause(pause) => {
                self.pause(&pause)?;
                return Ok(Step::Over(Driven::Paused(pause)));
            }
            Decision::Fail(exit, what) => {
                self.record(Event::Failed { exit, what: what.clone() })?;
                return Err(Error::new(Kind::of_exit_code(exit), what)
                    .hint("when the cause is mended, `molsieve resume` goes on from the checkpoints"));
            }
        }
        Ok(Step::Acted)
    }

    /// Whether this driver may submit jobs; if not, why the campaign waits for somebody.
    pub(super) fn may_submit(&self) -> std::result::Result<(), Pause> {
        let Some(cluster) = self.campaign.file.execution.cluster.as_ref().filter(|_| self.by_itself) else {
            return Ok(());
        };
        let most = cluster.rounds_max;
        let (code, reason) = if !cluster.nodes_may_submit {
            (PauseCode::CannotSubmit, "something is left to submit, and jobs may not submit jobs here".to_owned())
        } else if self.state.rounds >= most {
            (PauseCode::Rounds, format!("{most} rounds were submitted by themselves, as `scheduler.rounds` allows"))
        } else {
            return Ok(());
        };
        Err(Pause { code, reason })
    }

    /// Whether, at the last step, tasks of the active wave waited or ran.
    pub(super) fn has_tasks_in_queue(&self) -> bool {
        self.state.active.is_some() && self.quiet.is_none()
    }

    /// Notes that the campaign waits for somebody.
    ///
    /// # Errors
    /// The journal cannot be written (exit 6), or is another's by now (exit 75).
    pub fn pause(&mut self, pause: &Pause) -> Result<()> {
        self.record(Event::Paused { reason: pause.reason.clone(), code: Some(pause.code) })
    }

    /// Notes since when no task of the active wave waits or runs.
    fn note_quiet(&mut self, tasks: &[TaskState]) {
        let alive = |task: &TaskState| matches!(task, TaskState::Pending | TaskState::Held | TaskState::Running);
        if self.state.active.is_none() || tasks.iter().any(alive) {
            self.quiet = None;
        } else if self.quiet.is_none() {
            self.quiet = Some(Stopwatch::start());
        }
    }

    fn seen<'s>(&'s self, tasks: &'s [TaskState]) -> Seen<'s> {
        let execution = &self.campaign.file.execution;
        Seen {
            missing: self.look.missing(),
            finished: self.look.finished(),
            errors: self.look.errors(),
            tasks,
            settled: self.quiet.as_ref().is_none_or(|since| since.elapsed() >= self.settle()),
            stopping: self.settings.stop.is_raised(),
            max_error_ppm: execution.max_error_ppm,
            core_ms: self.core_time.pending_ms(),
            core_ms_max: execution.core_ms_max,
        }
    }

    /// Notes in the journal what core time was used, if it is time or `at_once`.
    fn note_core_time(&mut self, at_once: bool) -> Result<()> {
        let Some(core_ms) = self.core_time.to_note(at_once) else { return Ok(()) };
        self.record(Event::CoreTime { core_ms })?;
        self.core_time.noted(core_ms);
        Ok(())
    }

    /// A wave that an earlier driver left. If nobody says which job it is, the scheduler is asked for its tag; if that knows
    /// it neither, it is over, and whatever it finished is in the files.
    fn adopt(&mut self) -> Result<()> {
        let Some(Wave { number, tag, job, .. }) = self.state.active.clone() else { return Ok(()) };
        // This machine begins anew with each driver. A cluster's jobs go on, and how they ended is told by their words, though
        // the scheduler may have forgotten them.
        let goes_on = !self.adapter.capabilities().lifeline;
        if goes_on && job.is_some() {
            return Ok(());
        }
        let tag = JobTag(tag);
        let mut found = self.adapter.find(&tag).map_err(|e| refused(&e))?;
        if found.is_empty() && goes_on {
            // A submission that was on its way when its driver died may take a moment to be seen.
            self.adapter.wait(self.settle().min(LATE_MAX));
            found = self.adapter.find(&tag).map_err(|e| refused(&e))?;
        }
        if let Some(job) = found.pop() {
            return self.record(Event::WaveSubmitted { wave: number, job: job.0 });
        }
        // Its tasks may have been at work all the same; whether its file was written is not known either.
        let tasks = wave::read(&self.campaign.dir, number).map_or(0, |tasks| tasks.len() as u64);
        self.record(Event::WaveEnded { wave: number, core_ms: ended::used(self, number, tasks) })
    }

    /// How long what has ended may take to be seen.
    fn settle(&self) -> Duration {
        self.campaign.file.execution.cluster.as_ref().map_or(Duration::ZERO, Cluster::settle)
    }

    /// What the scheduler says of all tasks of the active wave; what it does not know any more is `Unknown`.
    fn poll(&mut self) -> Result<Vec<TaskReport>> {
        let reports = self.ask_scheduler()?;
        let running = reports.iter().filter(|task| task.state == TaskState::Running).count() as u64;
        // Where tasks keep account themselves, this driver's few looks are no measure.
        let watched = if self.adapter.capabilities().lifeline { running } else { 0 };
        self.core_time.look(watched * u64::from(self.campaign.file.execution.cpus));
        Ok(reports)
    }

    fn ask_scheduler(&mut self) -> Result<Vec<TaskReport>> {
        let Some(Wave { number, job: Some(id), tag, .. }) = &self.state.active else { return Ok(Vec::new()) };
        let job = Job { id: JobId(id.clone()), tag: JobTag(tag.clone()) };
        let mut known = self.adapter.poll(std::slice::from_ref(&job)).map_err(|e| refused(&e))?;
        let tasks = wave::read(&self.campaign.dir, *number)?.len() as u64;
        let report = |index| known.remove(&TaskId { job: job.id.clone(), index });
        Ok((0..tasks).map(report).map(|found| found.unwrap_or(TaskReport::of(TaskState::Unknown))).collect())
    }

    /// Asks the active wave to end.
    ///
    /// # Errors
    /// The scheduler does not answer (exit 5).
    pub fn cancel(&mut self) -> Result<()> {
        let Some(Wave { number: wave, tag, job: Some(_), .. }) = self.state.active.clone() else { return Ok(()) };
        // Another may find it ended, and must not take it for somebody's wish: its tick begins when its last task has ended.
        if self.by_itself && self.state.cancelled != Some(wave) {
            self.record(Event::WaveCancelled { wave })?;
        }
        self.cancelled = true;
        // By its tag: a number may be another job's by now, and a twin has the same tag.
        let jobs = self.adapter.find(&JobTag(tag)).map_err(|e| refused(&e))?;
        self.adapter.cancel(&jobs).map_err(|e| refused(&e))
    }

    /// On the way out with an error: nothing that this driver started stays.
    fn abandon(&mut self) {
        if self.cancel().is_err() {
            return;
        }
        let alive = |report: &TaskReport| matches!(report.state, TaskState::Running | TaskState::Pending);
        while self.poll().is_ok_and(|reports| reports.iter().any(alive)) {
            self.adapter.wait(LOOK_EVERY);
        }
        // (Not where another driver has taken over, nor on a full disk.)
        let _ = self.note_core_time(true);
    }

    fn show(&mut self, tasks: &[TaskState]) -> Result<()> {
        if self.shown.elapsed() >= SHOW_EVERY {
            let finished = self.look.finished().saturating_sub(self.finished_before);
            let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let core_ms = self.core_time.pending_ms();
            SignOfLife::show(&self.campaign.dir, Pace { finished, elapsed_ms, core_ms })?;
            self.shown = Stopwatch::start();
        }
        let plan = &self.campaign.plan;
        let progress = Progress {
            records: plan.records,
            finished: self.look.finished().min(plan.records),
            before: self.finished_before,
            shards: (plan.shards(), self.look.shards_done()),
            sealed: self.look.sealed(),
            running: tasks.iter().filter(|t| **t == TaskState::Running).count(),
            elapsed: self.started.elapsed(),
        };
        (self.settings.watch)(&progress);
        Ok(())
    }

    pub(super) fn record(&mut self, event: Event) -> Result<()> {
        if !self.state.admits(&event) {
            return Err(Error::bug(format!("the event {event:?} cannot come next")));
        }
        let entry = self.journal.record(event)?;
        self.state.apply(&entry)
    }
}

/// What a person can do where a scheduler did not do its part.
pub(super) const RESUME_HINT: &str = "nothing is lost: `molsieve resume DIR` goes on from here; where the campaign file must change, with `--config FILE`";

pub(super) fn refused(error: &AdapterError) -> Error {
    Error::new(Kind::Scheduler, error.to_string()).hint(RESUME_HINT)
}
