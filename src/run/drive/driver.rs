//! A driver: what it holds, how it begins, and its words with the scheduler. Its [step](Driver::step) is next door.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::{Adapter, Job, JobId, JobTag, TaskId, TaskReport, TaskState};

use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal::event::Event;
use crate::journal::sign_of_life;
use crate::journal::state::{State, Wave};
use crate::journal::{History, Journal};
use crate::run::drive::carried::Carried;
use crate::run::drive::core_time::CoreTime;
use crate::run::drive::{LOOK_EVERY, Settings, ended};
use crate::run::look::Look;
use crate::run::policy::Pause;
use crate::run::wave;
use crate::scheduler::refused;
use crate::scorer::identity::ScorerLaunch;

/// No submission of a driver that died is waited for longer.
const LATE_MAX: Duration = Duration::from_secs(30);

/// A driver at work.
pub struct Driver<'a> {
    pub(in crate::run) campaign: &'a Campaign,
    pub(in crate::run) journal: &'a mut Journal,
    pub(in crate::run) adapter: &'a mut dyn Adapter,
    pub(in crate::run) settings: Settings<'a>,
    pub(in crate::run) state: State,
    pub(in crate::run) look: Look<'a>,
    pub(super) started: Stopwatch,
    pub(super) shown: Stopwatch,
    pub(super) finished_before: u64,
    pub(super) core_time: CoreTime,
    /// Core time that the last driver did not live to note.
    inherited_core_ms: u64,
    /// The active wave was asked to end by this driver.
    pub(in crate::run) cancelled: bool,
    /// Since when no task of the active wave is known to wait or run.
    pub(super) quiet: Option<Stopwatch>,
    /// The tasks of the active wave that were held at the last step, and why.
    pub(in crate::run) held: Vec<(u64, String)>,
    /// What was taken in of the active wave, where nodes share no files.
    pub(in crate::run) carried: Carried,
    /// Whether this is a tick, with nobody looking on.
    pub(in crate::run) by_itself: bool,
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
            carried: Carried::default(),
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
        self.take_in_what_is_left()?;
        self.look.refresh()?;
        self.finished_before = self.look.finished();
        self.adopt()
    }

    /// Whether, at the last step, tasks of the active wave waited or ran.
    pub(in crate::run) fn has_tasks_in_queue(&self) -> bool {
        self.state.active.is_some() && self.quiet.is_none()
    }

    /// Notes that the campaign waits for somebody.
    ///
    /// # Errors
    /// The journal cannot be written (exit 6), or is another's by now (exit 75).
    pub fn pause(&mut self, pause: &Pause) -> Result<()> {
        self.record(Event::Paused { reason: pause.reason.clone(), code: Some(pause.code) })
    }

    /// Notes in the journal what core time was used, if it is time or `at_once`.
    pub(super) fn note_core_time(&mut self, at_once: bool) -> Result<()> {
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
            self.await_late_submission()?;
            found = self.adapter.find(&tag).map_err(|e| refused(&e))?;
        }
        if let Some(job) = found.pop() {
            return self.record(Event::WaveSubmitted { wave: number, job: job.0 });
        }
        // Its tasks may have been at work all the same; whether its file was written is not known either.
        let tasks = wave::read(&self.campaign.dir, number).map_or(0, |tasks| tasks.len() as u64);
        self.record(Event::WaveEnded { wave: number, core_ms: ended::used(self, number, tasks) })
    }

    /// Waits as long as a submission may take to be seen.
    ///
    /// # Errors
    /// Who waits has had enough (exit 75): whether it was accepted is not known, and nothing is done.
    fn await_late_submission(&mut self) -> Result<()> {
        let late = self.settle().min(LATE_MAX);
        let patience = &self.settings.patience;
        let _waiting = patience.waits("a submission that was on its way may be seen late: it is looked for", late);
        patience.pause(late);
        if patience.has_enough() {
            let dir = self.campaign.dir.root().display();
            return Err(Error::new(Kind::Stopped, "before it was known whether the last submission was accepted")
                .hint(format!("nothing was submitted; `molsieve resume {dir}` looks for it, and goes on")));
        }
        Ok(())
    }

    /// How long what has ended may take to be seen.
    pub(in crate::run) fn settle(&self) -> Duration {
        self.campaign.file.execution.cluster.as_ref().map_or(Duration::ZERO, Cluster::settle)
    }

    /// What the scheduler says of all tasks of the active wave; what it does not know any more is `Unknown`.
    pub(super) fn poll(&mut self) -> Result<Vec<TaskReport>> {
        let reports = self.ask_scheduler()?;
        let running = reports.iter().filter(|task| task.state == TaskState::Running).count() as u64;
        // Where tasks keep account themselves, this driver's few looks are no measure.
        let watched = if self.adapter.capabilities().lifeline { running } else { 0 };
        self.core_time.look(watched * self.campaign.file.execution.task_cpus());
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
    pub(super) fn abandon(&mut self) {
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

    pub(in crate::run) fn record(&mut self, event: Event) -> Result<()> {
        if !self.state.admits(&event) {
            return Err(Error::bug(format!("the event {event:?} cannot come next")));
        }
        let entry = self.journal.record(event)?;
        self.state.apply(&entry)
    }
}
