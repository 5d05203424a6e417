//! What one process does of a task: it takes task groups from their checkpoints to their receipts, alone or beside others.

use std::fmt;
use std::path::PathBuf;

use tracing::info;

use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::{AttemptId, GroupIndex};
use crate::layout::CampaignDir;
use crate::library::snapshot::Snapshot;
use crate::run::wave;
use crate::scorer::Ended;
use crate::scorer::open::{self, Here};
use crate::shard::checkpoint::{self, Header};
use crate::shard::group::Workplace;
use crate::shard::worker::{self, Assignment, Queue};
use crate::stop::Stop;

/// A process at work on a task.
#[derive(Debug)]
pub struct Process<'a> {
    /// The campaign.
    pub campaign: &'a Campaign,
    /// Which task.
    pub task: TaskName,
    /// What its checkpoints are called.
    pub attempt: &'a AttemptId,
    /// This program, which becomes a scorer's child.
    pub program: PathBuf,
}

/// A task, and which of its processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskName {
    /// The wave.
    pub wave: u64,
    /// The task of that wave, from 0.
    pub task: u64,
    /// The rank, where several work on it.
    pub rank: Option<u32>,
}

impl TaskName {
    /// What its log is called in [`CampaignDir::log`].
    pub fn log(&self) -> String {
        let task = CampaignDir::task_name(self.wave, self.task);
        self.rank.map_or_else(|| task.clone(), |rank| format!("{task}-rank-{rank}"))
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wave {} task {}", self.wave, self.task)?;
        self.rank.map_or(Ok(()), |rank| write!(f, " rank {rank}"))
    }
}

impl Process<'_> {
    /// Works on the task groups of `queue`, until each has its receipt, or until `stop`.
    ///
    /// # Errors
    /// As [`worker::work`].
    pub fn work(&self, queue: Box<dyn Queue + '_>, stop: &Stop) -> Result<Ended> {
        let Self { campaign, task, attempt, program } = self;
        let (identity, execution) = (&campaign.file.identity, &campaign.file.execution);
        let library = campaign.dir.library_named(&execution.library);
        if !library.exists() {
            return Err(Error::environment(format!("the library snapshot `{}` is not there", library.display())).hint(
                "it was there when the campaign was planned: check that its file system is mounted on this node",
            ));
        }
        let library = Snapshot::open(&library)?;
        if library.root() != identity.library.root {
            return Err(Error::usage("the library snapshot is not the one that was planned"));
        }
        let here = Here { program: program.clone() };
        let post = execution.post(&here, identity.seed, campaign.dir.scorer_stderr(attempt))?;
        let mut pool = open::pool(&execution.scorer, &identity.scorer, &post)?;
        let place = Workplace {
            host: host::name(),
            cpu: host::cpu(),
            scheduler: format!("{} {task}", execution.scheduler),
            sync: execution.sync(),
            keep: identity.keep(execution.keep),
        };
        let header = Header {
            schema: checkpoint::SCHEMA.to_owned(),
            plan: campaign.plan.digest()?,
            scorer: identity.scorer.digest()?,
            group: GroupIndex(0),
            attempt: (*attempt).clone(),
        };
        let assignment =
            Assignment { dir: &campaign.dir, plan: &campaign.plan, library: &library, header, groups: queue };
        let ended = worker::work(assignment, &place, pool.as_mut(), stop)?;
        let facts = pool.facts();
        info!(
            children = facts.starts,
            crashes = facts.crashes,
            timeouts = facts.timeouts,
            broken_replies = facts.violations,
            lines_of_noise = facts.noise_lines,
            slowest_request_ms = facts.slowest.first().map(|request| request.ms),
            "{}",
            match ended {
                Ended::Done => "all records are finished",
                Ended::Stopped => "stopped before all records were finished",
            }
        );
        Ok(ended)
    }
}

/// The task groups of `task`, a task of wave `wave`.
///
/// # Errors
/// There is no such task (exit 2), or its file cannot be read (exit 6).
pub fn groups(dir: &CampaignDir, wave: u64, task: u64) -> Result<Vec<GroupIndex>> {
    let groups = wave::read(dir, wave).map_err(by_this_node)?;
    usize::try_from(task)
        .ok()
        .and_then(|task| groups.into_iter().nth(task))
        .ok_or_else(|| Error::usage(format!("wave {wave} has no task {task}")).hint("tasks are counted from 0"))
}

/// What was there when the task was submitted, and is not there now, is this node's doing and not the campaign's.
pub fn by_this_node(error: Error) -> Error {
    match error.kind() {
        Kind::Usage => Error::environment(error.what())
            .hint("it was there when the task was submitted: check that its file system is mounted on this node"),
        _ => error,
    }
}
