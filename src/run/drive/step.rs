//! One step of a driver: look, decide, record, act.

use std::time::Duration;

use molsieve_adapters::{TaskReport, TaskState};

use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::journal::event::{Event, PauseCode};
use crate::journal::sign_of_life::{Pace, SignOfLife};
use crate::run::drive::driver::Driver;
use crate::run::drive::{Driven, ended, submission};
use crate::run::look::Progress;
use crate::run::policy::{self, Decision, Pause, Seen};

/// How often the driver leaves a sign of life.
const SHOW_EVERY: Duration = Duration::from_secs(5);

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

impl Driver<'_> {
    /// One step: look, decide, record, act.
    ///
    /// # Errors
    /// As [`drive`](super::drive).
    pub fn step(&mut self) -> Result<Step> {
        self.journal.still_ours()?;
        // First the scheduler, then the files: what it calls ended must be seen with all that it left.
        let reports = self.poll()?;
        let tasks: Vec<TaskState> = reports.iter().map(|report| report.state).collect();
        let held = (0..).zip(&reports).filter(|(_, report)| report.state == TaskState::Held);
        self.held = held.map(|(task, report)| (task, report.reason.clone().unwrap_or_default())).collect();
        self.note_quiet(&tasks);
        self.take_in(&reports)?;
        self.look.refresh()?;
        self.show(&tasks)?;
        self.note_core_time(false)?;
        if !self.cancelled && self.is_stuck(&reports) {
            // It never ends by itself, though nothing of it runs: it is taken back, and what is missing is submitted again.
            self.cancel()?;
            return Ok(Step::Wait);
        }
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

    /// Whether the active wave never ends by itself, since its scheduler has lost an end.
    fn is_stuck(&self, reports: &[TaskReport]) -> bool {
        let mut reasons = reports.iter().filter_map(|report| report.reason.as_deref());
        reasons.any(|reason| self.adapter.is_stuck(reason))
    }

    /// Whether this driver may submit jobs; if not, why the campaign waits for somebody.
    pub(in crate::run) fn may_submit(&self) -> std::result::Result<(), Pause> {
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
}
