//! The driver: looks, decides, records, acts. The only caller of scheduler adapters.

use std::path::{Path, PathBuf};
use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, Blame, JobId, JobSpec, JobTag, Resources, TaskId, TaskState};

use super::core_time::CoreTime;
use super::look::Look;
use super::policy::{self, Decision, Pause, Seen};
use super::wave;
use crate::campaign::file::Campaign;
use crate::clock::Stopwatch;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::id::GroupIndex;
use crate::journal::event::{Event, PauseCode};
use crate::journal::last_words::LastWords;
use crate::journal::sign_of_life::{Pace, SignOfLife};
use crate::journal::state::{State, Wave};
use crate::journal::{History, Journal};
use crate::scorer::identity::ScorerLaunch;
use crate::shard::receipt::Counts;
use crate::stop::Stop;

/// How often the driver looks when the adapter has no news.
const LOOK_EVERY: Duration = Duration::from_millis(500);

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
    /// Tasks that run at a time.
    pub slots: u64,
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
    let mut driver = Driver {
        state: State::of(&history.entries)?,
        look: Look::new(campaign)?,
        started: Stopwatch::start(),
        shown: Stopwatch::start(),
        finished_before: 0,
        finished_at_wave: 0,
        core_time: CoreTime::start(),
        cancelled: false,
        campaign,
        journal,
        adapter,
        settings,
    };
    let program = match &campaign.file.execution.scorer {
        // What a container holds, the digest of its image says.
        ScorerLaunch::Command(command) if command.container.is_some() => None,
        ScorerLaunch::Command(command) => Some(digest::sha256_file(Path::new(&command.argv[0]))?.0),
        _ => None,
    };
    let (molsieve, host) = (env!("CARGO_PKG_VERSION").to_owned(), crate::host::name());
    driver.record(Event::DriverStarted { molsieve, host, program })?;
    driver.look.refresh()?;
    driver.finished_before = driver.look.finished();
    let driven = driver.run();
    if driven.is_err() {
        driver.abandon();
    }
    driven
}

struct Driver<'a> {
    campaign: &'a Campaign,
    journal: &'a mut Journal,
    adapter: &'a mut dyn Adapter,
    settings: Settings<'a>,
    state: State,
    look: Look<'a>,
    started: Stopwatch,
    shown: Stopwatch,
    finished_before: u64,
    finished_at_wave: u64,
    core_time: CoreTime,
    /// The active wave was asked to end by this driver.
    cancelled: bool,
}

impl Driver<'_> {
    fn run(&mut self) -> Result<Driven> {
        self.adopt()?;
        loop {
            self.journal.still_ours()?;
            // First the scheduler, then the files: what it calls ended must be seen with all that it left.
            let tasks = self.poll()?;
            self.look.refresh()?;
            self.show(&tasks)?;
            self.note_core_time(false)?;
            let seen = Seen {
                missing: self.look.missing(),
                finished: self.look.finished(),
                errors: self.look.errors(),
                tasks: &tasks,
                stopping: self.settings.stop.is_raised(),
                max_error_ppm: self.campaign.file.execution.max_error_ppm,
                core_ms: self.core_time.pending_ms(),
                core_ms_max: self.campaign.file.execution.core_ms_max,
            };
            match policy::decide(&self.state, &seen) {
                Decision::Seal => return Ok(Driven::Ready),
                Decision::Submit(groups) => {
                    let Campaign { plan, file, .. } = self.campaign;
                    self.submit(&wave::deal(plan, file.identity.seed, &groups, self.settings.slots))?;
                }
                Decision::Wait => self.adapter.wait(LOOK_EVERY),
                Decision::Cancel => {
                    self.cancel()?;
                    self.adapter.wait(LOOK_EVERY);
                }
                Decision::EndWave => self.end_wave(&tasks)?,
                Decision::Stopped => {
                    self.record(Event::Stopped { reason: "asked to stop".to_owned() })?;
                    return Ok(Driven::Stopped);
                }
                Decision::Pause(pause) => {
                    self.record(Event::Paused { reason: pause.reason.clone(), code: Some(pause.code) })?;
                    return Ok(Driven::Paused(pause));
                }
                Decision::Fail(exit, what) => {
                    self.record(Event::Failed { exit, what: what.clone() })?;
                    return Err(Error::new(Kind::of_exit_code(exit), what)
                        .hint("when the cause is mended, `molsieve resume` goes on from the checkpoints"));
                }
            }
        }
    }

    /// Notes in the journal what core time was used, if it is time or `at_once`.
    fn note_core_time(&mut self, at_once: bool) -> Result<()> {
        let Some(core_ms) = self.core_time.to_note(at_once) else { return Ok(()) };
        self.record(Event::CoreTime { core_ms })?;
        self.core_time.noted(core_ms);
        Ok(())
    }

    /// A wave that an earlier driver left: the scheduler is asked for its tag. If nobody knows it,
    /// it is over, and whatever it finished is in the files.
    fn adopt(&mut self) -> Result<()> {
        let Some(Wave { number, tag, .. }) = self.state.active.clone() else { return Ok(()) };
        match self.adapter.find(&JobTag(tag)).map_err(|e| refused(&e))?.pop() {
            Some(job) => self.record(Event::WaveSubmitted { wave: number, job: job.0 }),
            None => self.record(Event::WaveEnded { wave: number }),
        }
    }

    /// The states of all tasks of the active wave; what the scheduler does not know any more is `Unknown`.
    fn poll(&mut self) -> Result<Vec<TaskState>> {
        let tasks = self.ask_scheduler()?;
        let running = tasks.iter().filter(|task| **task == TaskState::Running).count() as u64;
        self.core_time.look(running * u64::from(self.campaign.file.execution.cpus));
        Ok(tasks)
    }

    fn ask_scheduler(&mut self) -> Result<Vec<TaskState>> {
        let Some(Wave { number, job: Some(job), .. }) = &self.state.active else { return Ok(Vec::new()) };
        let job = JobId(job.clone());
        let known = self.adapter.poll(std::slice::from_ref(&job)).map_err(|e| refused(&e))?;
        let tasks = wave::read(&self.campaign.dir, *number)?.len() as u64;
        let state = |index| known.get(&TaskId { job: job.clone(), index }).copied().unwrap_or(TaskState::Unknown);
        Ok((0..tasks).map(state).collect())
    }

    fn submit(&mut self, tasks: &[Vec<GroupIndex>]) -> Result<()> {
        let number = self.state.waves + 1;
        let campaign = self.campaign.file.identity.digest()?;
        let dir = &self.campaign.dir;
        // The tag holds the directory too: the same campaign may run in two of them.
        let place = digest::blake3(format!("{campaign}{}", dir.root().display()).as_bytes()).to_string();
        let tag = format!("molsieve-{}-{number}", &place[..12]);
        fs::create_dir(&dir.logs())?;
        let groups = tasks.iter().map(Vec::len).sum::<usize>() as u64;
        let count = tasks.len() as u64;
        self.record(Event::WaveIntended { wave: number, tag: tag.clone(), tasks: count, groups })?;
        // After the intent: from here on this number is this driver's, and nobody else writes that file.
        wave::write(&self.campaign.dir, number, tasks)?;
        (self.finished_at_wave, self.cancelled) = (self.look.finished(), false);
        let execution = &self.campaign.file.execution;
        let job = JobSpec {
            tag: JobTag(tag),
            argv: self.worker_argv(number),
            tasks: count,
            resources: Resources {
                cpus: execution.cpus,
                memory_mib: execution.memory_mib,
                walltime_s: execution.walltime_s,
            },
            logs: self.campaign.dir.wave_output(number),
        };
        match self.adapter.submit(&job) {
            Ok(job) => self.record(Event::WaveSubmitted { wave: number, job: job.0 }),
            Err(error) => {
                self.record(Event::WaveRefused { wave: number, what: error.to_string() })?;
                Err(refused(&error))
            }
        }
    }

    fn worker_argv(&self, wave: u64) -> Vec<std::ffi::OsString> {
        let mut argv = vec![self.settings.program.clone().into_os_string(), "worker".into()];
        argv.push(self.campaign.dir.root().as_os_str().to_owned());
        argv.extend(["--wave".into(), wave.to_string().into(), "--lifeline".into(), "--task".into()]);
        argv
    }

    fn cancel(&mut self) -> Result<()> {
        let Some(job) = self.state.active.as_ref().and_then(|wave| wave.job.clone()) else { return Ok(()) };
        self.cancelled = true;
        self.adapter.cancel(&[JobId(job)]).map_err(|e| refused(&e))
    }

    /// Notes what went wrong in a wave that has ended, and that it has.
    fn end_wave(&mut self, tasks: &[TaskState]) -> Result<()> {
        let Some(Wave { number, .. }) = self.state.active.clone() else { return Ok(()) };
        self.note_core_time(true)?;
        let progress = self.look.finished() > self.finished_at_wave;
        let groups = wave::read(&self.campaign.dir, number)?;
        for (task, (state, groups)) in tasks.iter().zip(&groups).enumerate() {
            let missing = groups.iter().filter(|g| self.look.missing().contains(g)).map(|g| g.0);
            let missing: Vec<u64> = missing.collect();
            // What was cancelled was cancelled by us; what was checkpointed at a stop is as it should be.
            let wanted = match state {
                TaskState::Cancelled => true,
                TaskState::Checkpointed => self.cancelled || self.settings.stop.is_raised(),
                _ => false,
            };
            if missing.is_empty() || wanted {
                continue;
            }
            let event = self.failure(number, task as u64, *state, missing, progress);
            self.record(event)?;
        }
        self.record(Event::WaveEnded { wave: number })
    }

    fn failure(&self, wave: u64, task: u64, state: TaskState, groups: Vec<u64>, progress: bool) -> Event {
        let words = LastWords::hear(&self.campaign.dir, wave, task);
        let exit = words.as_ref().map_or_else(|| Kind::Environment.exit_code(), |w| w.exit);
        // A worker that waits for somebody and could not even write for what, met a full disk.
        let waits = state == TaskState::Failed { exit: i32::from(Kind::Incomplete.exit_code()) };
        let pause = words.as_ref().map_or(waits.then_some(PauseCode::DiskFull), |words| words.pause);
        let dir = self.campaign.dir.root().display();
        let wordless = || match pause {
            Some(_) => format!("the disk or the quota of `{dir}` is full: a worker could not even write why it ended"),
            None => format!("a worker ended as {state:?}, without a word"),
        };
        let what = words.map_or_else(wordless, |words| words.what);
        let program = state.blame() == Blame::Program;
        Event::TaskFailed { wave, task, state: format!("{state:?}"), groups, progress, program, exit, what, pause }
    }

    /// On the way out with an error: nothing that this driver started stays.
    fn abandon(&mut self) {
        if self.cancel().is_err() {
            return;
        }
        while self.poll().is_ok_and(|tasks| tasks.iter().any(|t| matches!(t, TaskState::Running | TaskState::Pending)))
        {
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

    fn record(&mut self, event: Event) -> Result<()> {
        if !self.state.admits(&event) {
            return Err(Error::bug(format!("the event {event:?} cannot come next")));
        }
        let entry = self.journal.record(event)?;
        self.state.apply(&entry)
    }
}

fn refused(error: &AdapterError) -> Error {
    Error::new(Kind::Scheduler, error.to_string()).hint("nothing is lost: `molsieve resume` goes on from here")
}
