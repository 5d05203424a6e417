//! What nodes return that share no files with us, as far as a driver has to do with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use molsieve_adapters::{Adapter, AdapterError, JobId, JobTag, Recalled, TaskReport, TaskState};

use crate::campaign::file::Campaign;
use crate::clock::Stopwatch;
use crate::error::{Kind, Result};
use crate::fs;
use crate::journal;
use crate::journal::event::Event;
use crate::journal::state::State;
use crate::layout::CampaignDir;
use crate::patience::Patience;
use crate::run::drive::driver::Driver;
use crate::run::parcel::{self, returned::Taker};
use crate::run::wave;
use crate::scheduler;

/// So long a transfer may take, beside what a task needs for its checkpoint.
const TRANSFER: Duration = Duration::from_secs(30);

/// How often it is looked whether a task has left its node.
const RECALL_EVERY: Duration = Duration::from_secs(1);

/// What was taken in of the active wave.
#[derive(Debug, Default)]
pub(in crate::run) struct Carried {
    wave: u64,
    taken: BTreeSet<u64>,
    /// Why something of what a task returned was refused.
    pub refused: BTreeMap<u64, String>,
}

impl Driver<'_> {
    /// Takes in what the tasks of the active wave returned that have ended. What nobody knows is waited for, since a transfer may
    /// be under way.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub(super) fn take_in(&mut self, reports: &[TaskReport]) -> Result<()> {
        let Some(number) = self.state.active.as_ref().map(|wave| wave.number) else { return Ok(()) };
        if !parcel::is_carried(self.campaign) {
            return Ok(());
        }
        if self.carried.wave != number {
            self.carried = Carried { wave: number, ..Carried::default() };
        }
        let is_settled = self.quiet.as_ref().is_some_and(|since| since.elapsed() >= self.settle());
        let is_over = |state: TaskState| state.is_final() || state == TaskState::Unknown && is_settled;
        let ended = (0..).zip(reports).filter(|(_, report)| is_over(report.state)).map(|(task, _)| task);
        let new: Vec<u64> = ended.filter(|task| !self.carried.taken.contains(task)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (tasks, mut taker) = (wave::read(&self.campaign.dir, number)?, Taker::of(self.campaign)?);
        for task in new {
            let groups = usize::try_from(task).ok().and_then(|at| tasks.get(at));
            let taken = taker.take(number, task, groups.map_or(&[][..], Vec::as_slice))?;
            self.carried.taken.insert(task);
            if let Some(complaint) = taken.complaint() {
                tracing::warn!(task, what = complaint, "not taken in");
                self.carried.refused.insert(task, complaint);
            }
        }
        Ok(())
    }

    /// Takes in what waves that are over left to be taken in: somebody cancelled one, say, and nobody looked since.
    ///
    /// # Errors
    /// As [`Driver::take_in`].
    pub(super) fn take_in_what_is_left(&mut self) -> Result<()> {
        let campaign = self.campaign;
        let dir = &campaign.dir;
        if !dir.returned().is_dir() {
            return Ok(());
        }
        let active = self.state.active.as_ref().filter(|_| parcel::is_carried(self.campaign)).map(|wave| wave.number);
        let mut taker = Taker::of(self.campaign)?;
        for number in (1..=self.state.waves).filter(|number| Some(*number) != active) {
            if !dir.returned_wave(number).is_dir() {
                continue;
            }
            let tasks = match wave::read(dir, number) {
                Ok(tasks) => tasks,
                // Nobody knows which task groups these are of: what was returned stays, for somebody to look at.
                Err(error) => {
                    tracing::warn!(wave = number, %error, "what its tasks returned is not taken in");
                    continue;
                }
            };
            let mut is_refused = false;
            for (task, groups) in (0..).zip(tasks) {
                if let Some(complaint) = taker.take(number, task, &groups)?.complaint() {
                    is_refused = true;
                    self.tell_refused(number, task, complaint)?;
                }
            }
            clear(campaign, number, is_refused)?;
        }
        Ok(())
    }

    /// Tells what was refused of a task whose wave is over: in the log, and once in the journal, where `status` and `logs` find it. What
    /// is refused stays, and everybody who drives finds it again.
    fn tell_refused(&mut self, wave: u64, task: u64, what: String) -> Result<()> {
        tracing::warn!(wave, task, what, "not taken in");
        let is_this = |event: &Event| match event {
            Event::TaskFailed { wave: of, task: its, what: said, .. } => (*of, *its) == (wave, task) && *said == what,
            _ => false,
        };
        if journal::read(&self.campaign.dir)?.entries.iter().any(|entry| is_this(&entry.event)) {
            return Ok(());
        }
        self.record(refusal(wave, task, what))
    }

    /// Removes what was carried for wave `number`, which has ended. What was refused stays.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub(super) fn clear_carried(&self, number: u64) -> Result<()> {
        clear(self.campaign, number, self.carried.wave == number && !self.carried.refused.is_empty())
    }
}

/// Has the tasks of the active wave end at a checkpoint and bring back what they have, before they are removed, and takes it in. What
/// does not come in time is lost: the next wave computes it again.
///
/// # Errors
/// The scheduler does not answer (exit 5), or the system refuses (exit 6).
pub(in crate::run) fn recall(
    campaign: &Campaign,
    adapter: &mut dyn Adapter,
    state: &State,
    patience: &Patience,
) -> Result<()> {
    let execution = &campaign.file.execution;
    let (Some(wave), Some(cluster)) =
        (&state.active, execution.cluster.as_ref().filter(|cluster| cluster.is_carried()))
    else {
        return Ok(());
    };
    let mut taker = Taker::of(campaign)?;
    let tasks = wave::read(&campaign.dir, wave.number)?;
    let most = Duration::from_secs(cluster.signal_before_s) + TRANSFER;
    let waiting = patience.waits("tasks come to a checkpoint, and bring back what they have", most);
    let mut left = Vec::new();
    for job in adapter.find(&JobTag(wave.tag.clone())).map_err(|e| scheduler::refused(&e))? {
        match come_back(adapter, &job, most, patience) {
            Ok(tasks) => left.extend(tasks),
            Err(AdapterError::Rejected(what)) => {
                tracing::warn!(what, "what tasks have since it last came home is computed again");
            }
            Err(error) => return Err(scheduler::refused(&error)),
        }
    }
    drop(waiting);
    for Recalled { task, place, .. } in left {
        if let Some(groups) = usize::try_from(task).ok().and_then(|at| tasks.get(at)) {
            let taken = taker.take_from(&CampaignDir::new(place), wave.number, task, groups)?;
            if let Some(complaint) = taken.complaint() {
                tracing::warn!(task, what = complaint, "not taken in, and gone with the job");
            }
        }
    }
    Ok(())
}

/// Has the tasks of `job` come back, for at most `most` and as long as `patience` has it: those that left something.
fn come_back(
    adapter: &mut dyn Adapter,
    job: &JobId,
    most: Duration,
    patience: &Patience,
) -> std::result::Result<Vec<Recalled>, AdapterError> {
    // First whether anything would: a task is not disturbed for nothing.
    adapter.recalled(job)?;
    adapter.recall(job)?;
    let started = Stopwatch::start();
    loop {
        let tasks = adapter.recalled(job)?;
        if !tasks.iter().any(|task| task.is_there) || started.elapsed() >= most || patience.has_enough() {
            return Ok(tasks.into_iter().filter(|task| !task.is_there && task.place.is_dir()).collect());
        }
        patience.pause(RECALL_EVERY);
    }
}

/// That what a task returned was refused when its wave was over. Nobody knows any more which node it was, and whether its task groups
/// are complete is seen where they are looked at: neither is counted.
fn refusal(wave: u64, task: u64, what: String) -> Event {
    Event::TaskFailed {
        wave,
        task,
        state: format!("{:?}", TaskState::NodeFailed),
        groups: Vec::new(),
        progress: false,
        program: false,
        exit: Kind::Environment.exit_code(),
        what,
        pause: None,
        node: None,
    }
}

fn clear(campaign: &Campaign, number: u64, is_refused: bool) -> Result<()> {
    let dir = &campaign.dir;
    if dir.wave_parcels(number).is_dir() {
        fs::tree::remove(&dir.wave_parcels(number))?;
    }
    if !is_refused && dir.returned_wave(number).is_dir() {
        fs::tree::remove(&dir.returned_wave(number))?;
    }
    Ok(())
}
