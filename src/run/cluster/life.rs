//! The life of a worker on a cluster: how long it may be, why it ended, and whether it asks for another.
//!
//! A scheduler lets a task run for so long and no longer. One that was told that its time is nearly up, and has ended at a
//! checkpoint, asks to be put back into the queue, so that it need not wait for the end of its wave. Where it may not, or had
//! better not, the tick submits again what is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use molsieve_adapters::Inside;
use tracing::info;

use crate::campaign::file::Campaign;
use crate::campaign::scheduler::Cluster;
use crate::clock::{self, Stopwatch, UnixMs};
use crate::error::Result;
use crate::id::{AttemptId, GroupIndex};
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::journal::task_time::TaskTime;
use crate::layout::{CampaignDir, EntryKind};
use crate::run::parcel;
use crate::scheduler::{self, Notice};
use crate::scorer::identity::ScorerLaunch;
use crate::shard::tally::Tally;
use crate::stop::Stop;

/// How often what was used is written down; ten times a share, where that is more often.
const NOTE_EVERY: Duration = Duration::from_secs(60);

/// How often the checkpoint of a task is brought home that writes to its node alone, at most.
const TRANSFER_EVERY: Duration = Duration::from_secs(30 * 60);

/// How often the share is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which task it is, and what it may do.
#[derive(Clone, Debug)]
pub struct Orders {
    /// The wave.
    pub wave: u64,
    /// The task of that wave.
    pub task: u64,
    /// The core time that it may use in all its lives, in core-milliseconds.
    pub share_ms: Option<u64>,
    /// Whether the cluster puts a task back into the queue that asks for it.
    pub may_requeue: bool,
}

/// Keeps account of what a task uses, and tells it to stop when that is its share, or when its time is nearly up.
#[derive(Debug)]
pub struct Meter {
    spent: Arc<AtomicBool>,
    late: Arc<AtomicBool>,
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Meter {
    /// Goes on from what earlier lives of the task wrote down; `stop` is raised when the share is used up, or when this life has
    /// taken as much as it has `left`.
    pub fn start(dir: &CampaignDir, orders: &Orders, cpus: u64, left: Option<Duration>, stop: &Stop) -> Self {
        let (end, ended) = mpsc::channel();
        let (spent, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (tell, dir, stop) = (Arc::clone(&spent), dir.clone(), stop.clone());
        let tell_late = Arc::clone(&late);
        let &Orders { wave, task, share_ms, .. } = orders;
        let (before, watch) = (TaskTime::read(&dir, wave, task), Stopwatch::start());
        let thread = thread::spawn(move || {
            let mut noted = Stopwatch::start();
            let share = Duration::from_millis(share_ms.unwrap_or(u64::MAX) / cpus.max(1));
            let note_every = NOTE_EVERY.min(share / 10);
            let used = || before.saturating_add(core_ms(watch.elapsed(), cpus));
            // What cannot be written is not counted: the work is worth more than its account.
            let note = || TaskTime::write(&dir, wave, task, used());
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
                if share_ms.is_some_and(|share| used() >= share) && !tell.swap(true, Ordering::SeqCst) {
                    stop.raise();
                }
                if left.is_some_and(|left| watch.elapsed() >= left) && !tell_late.swap(true, Ordering::SeqCst) {
                    stop.raise();
                }
                if noted.elapsed() >= note_every {
                    let _ = note();
                    noted = Stopwatch::start();
                }
            }
            let _ = note();
        });
        Self { spent, late, end, thread }
    }

    /// Writes the account.
    pub fn end(self) -> Metered {
        drop(self.end);
        let _ = self.thread.join();
        Metered { is_spent: self.spent.load(Ordering::SeqCst), is_late: self.late.load(Ordering::SeqCst) }
    }
}

/// Why a [`Meter`] told a task to stop, if it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Its share was used up.
    pub is_spent: bool,
    /// Its time was nearly up.
    pub is_late: bool,
}

/// How long a task of `campaign` that has just begun works before it ends at a checkpoint by itself: as far as its scheduler has a
/// time limit for it, and does not tell it before. Of a short limit it is half.
///
/// Where what it does is on its node alone, it ends every half an hour, to have its checkpoint brought home, and goes on at once: a
/// node that dies takes no more with it.
pub fn time_left(campaign: &Campaign, now_ms: UnixMs) -> Option<Duration> {
    let cluster = campaign.file.execution.cluster.as_ref()?;
    let carried = cluster.is_carried().then(|| between_transfers(&campaign.file.execution.scorer));
    until_its_end(campaign, cluster, now_ms).into_iter().chain(carried).min()
}

/// How long a task works before its checkpoint is brought home. In that time it finishes records, however slow.
fn between_transfers(scorer: &ScorerLaunch) -> Duration {
    let ScorerLaunch::Command(command) = scorer else { return TRANSFER_EVERY };
    TRANSFER_EVERY.max(Duration::from_millis(command.startup_timeout_ms.saturating_add(command.timeout_ms)) * 4)
}

fn until_its_end(campaign: &Campaign, cluster: &Cluster, now_ms: UnixMs) -> Option<Duration> {
    let execution = &campaign.file.execution;
    let binding = scheduler::of(execution.scheduler).ok()?;
    let end_s = binding.inside()?.ends_at_s()?;
    binding.notice(cluster).works_for(Duration::from_millis((end_s * 1000).saturating_sub(now_ms)))
}

/// Whether somebody stopped `campaign` on a cluster: a task that begins all the same, since its scheduler was away when it was
/// told, has nothing to do. What cannot be read says nothing: the work does not depend on it.
pub fn is_cancelled(campaign: &Campaign) -> bool {
    let state = || State::of(&journal::read(&campaign.dir).ok()?.entries).ok();
    campaign.file.execution.cluster.is_some() && state().is_some_and(|state| state.phase == Phase::Stopped)
}

/// Cores × time, in core-milliseconds.
fn core_ms(time: Duration, cpus: u64) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(cpus)
}

/// A worker that has ended at a checkpoint.
pub struct Checkpointed<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Which task it was.
    pub orders: &'a Orders,
    /// Whether this life of it finished anything. One that comes to nothing is not followed by another like it: somebody who
    /// counts them decides.
    pub is_further: &'a dyn Fn() -> Result<bool>,
    /// When it began.
    pub began_ms: UnixMs,
}

impl Checkpointed<'_> {
    /// Asks for another life, if it was told by the clock to end, if something came of this one, and if the campaign is still
    /// at work; the exit code that this task must end with, where the scheduler agreed and knows it by one.
    ///
    /// # Errors
    /// The campaign directory cannot be read (exit 6), or the journal's chain is broken (exit 4).
    pub fn ask_for_another_life(&self) -> Result<Option<u8>> {
        let Some(mut inside) = scheduler::inside(&self.campaign.file.execution).filter(|_| self.orders.may_requeue)
        else {
            return Ok(None);
        };
        if !self.is_at_the_end_of_its_time(inside.as_mut(), clock::unix_ms()) || !(self.is_further)()? {
            return Ok(None);
        }
        // (Where files are carried there is no journal to be read: the scheduler ends what was cancelled.)
        if !parcel::is_carried(self.campaign)
            && State::of(&journal::read(&self.campaign.dir)?.entries)?.phase != Phase::Active
        {
            return Ok(None);
        }
        let (dir, Orders { wave, task, .. }) = (&self.campaign.dir, self.orders);
        // Before it is asked: a scheduler that agrees may end this process at once. What cannot be noted is not counted.
        let noted = TaskTime::note_restart(dir, *wave, *task, true);
        let asked = inside.requeue();
        if asked.is_err() && noted.is_ok() {
            let _ = TaskTime::note_restart(dir, *wave, *task, false);
        }
        info!(element = inside.name(), lives = inside.restarts() + 1, ?asked, "asked to be put back into the queue");
        Ok(asked.ok().and_then(|()| inside.requeue_exit()))
    }

    /// Whether the time limit is near. A signal alone does not say: a preemption may send the same.
    fn is_at_the_end_of_its_time(&self, inside: &mut dyn Inside, now_ms: UnixMs) -> bool {
        let execution = &self.campaign.file.execution;
        let Some(cluster) = &execution.cluster else { return false };
        let Ok(binding) = scheduler::of(execution.scheduler) else { return false };
        let asked = execution.walltime_s.map(|limit| self.began_ms / 1000 + binding.time_limit_s(limit));
        let notice = binding.notice(cluster);
        if matches!(notice, Notice::OwnClock { .. }) {
            // It is told by its own clock.
            return true;
        }
        let end = inside.ends_at_s().or(asked).or_else(|| inside.ask_end_s());
        end.is_some_and(|end| notice.is_due(Duration::from_millis((end * 1000).saturating_sub(now_ms))))
    }
}

/// Whether `attempt` finished anything of `groups`.
///
/// # Errors
/// A checkpoint cannot be read (exit 6).
pub fn is_further(dir: &CampaignDir, groups: &[GroupIndex], attempt: &AttemptId) -> Result<bool> {
    for group in groups {
        let dir = dir.group(*group);
        if dir.file(attempt, EntryKind::Receipt).exists() {
            return Ok(true);
        }
        let checkpoint = dir.checkpoint(attempt);
        let mut tally = Tally::default();
        if checkpoint.exists() {
            // (Whether there is any row is all that counts here.)
            tally.read_on(&checkpoint, u64::MAX)?;
        }
        if tally.rows > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    fn orders(share_ms: Option<u64>) -> Orders {
        Orders { wave: 1, task: 0, share_ms, may_requeue: false }
    }

    #[test]
    fn what_a_task_used_in_earlier_lives_counts_and_a_share_that_is_used_up_stops_it() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        fs::create_dir(&dir.logs()).unwrap();
        assert_eq!(Meter::start(&dir, &orders(None), 4, None, &Stop::new()).end(), Metered::default());
        TaskTime::write(&dir, 1, 0, 5000).unwrap();
        let stop = Stop::new();
        let meter = Meter::start(&dir, &orders(Some(5000)), 4, None, &stop);
        while !stop.is_raised() {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(meter.end(), Metered { is_spent: true, is_late: false });
        assert!(TaskTime::read(&dir, 1, 0) > 5000);
        assert!(TaskTime::read(&dir, 1, 1) == 0, "another task has an account of its own");
    }

    #[test]
    fn a_task_whose_time_is_nearly_up_stops_by_its_own_clock() {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        fs::create_dir(&dir.logs()).unwrap();
        let stop = Stop::new();
        let meter = Meter::start(&dir, &orders(None), 1, Some(Duration::from_millis(10)), &stop);
        while !stop.is_raised() {
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(meter.end(), Metered { is_spent: false, is_late: true });
    }
}
