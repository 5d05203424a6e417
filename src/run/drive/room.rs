//! Bounds on what is asked of a scheduler: the budget, memory after a want of it, and nodes that fail. Pure.

use molsieve_adapters::{Capabilities, Resources};

use crate::campaign::file::Execution;
use crate::journal::state::State;
use crate::run::drive::jobs::Making;

/// A node that so many tasks ended on by no fault of their own is not used again.
const BAD_NODE_AFTER: u32 = 3;

/// So many nodes at most are left out: a site where more than these fail has another trouble.
const BAD_NODES_MAX: usize = 16;

/// A share of the budget that is less than this, in milliseconds a core, is not worth the start of a scorer.
const SHARE_MIN_MS: u64 = 60_000;

/// Want of memory doubles it so many times at most.
const DOUBLINGS_MAX: u32 = 3;

/// Jobs beside a wave's tasks for which room is left where a user may have so many: the tick, its stand-in, the look,
/// and one to spare.
pub(in crate::run) const JOBS_BESIDE: u64 = 4;

/// What is asked for beside the tasks: less of it, where the scheduler refuses.
pub(in crate::run) struct Ask {
    /// Nodes that are left out.
    pub exclude: Vec<String>,
    /// Memory a task, in MiB.
    pub memory_mib: Option<u64>,
}

impl Ask {
    /// All that is wanted.
    pub fn at_first(execution: &Execution, state: &State) -> Self {
        Self { exclude: bad_nodes(state), memory_mib: resources(execution, state).memory_mib }
    }

    /// Asks for less than before; whether that was possible. A cluster may have no node but those that are left out, or none
    /// with so much memory as a want of it made of what was asked for.
    pub fn lessen(&mut self, execution: &Execution) -> bool {
        if !self.exclude.is_empty() {
            self.exclude.clear();
            return true;
        }
        let is_more = self.memory_mib > execution.memory_mib;
        if is_more {
            self.memory_mib = self.memory_mib.map(|mib| mib / 2).max(execution.memory_mib);
        }
        is_more
    }
}

/// Over how many tasks a wave may be dealt, as far as the scheduler and the budget say.
pub(in crate::run) fn tasks_max(able: &Capabilities, from: &Making<'_>) -> u64 {
    let room = able.room.map_or(u64::MAX, |room| room.saturating_sub(JOBS_BESIDE));
    able.array_len_max.unwrap_or(u64::MAX).min(room).min(affordable(from))
}

/// The core time that is left of the budget, if there is one and nobody will look on, in core-milliseconds.
pub(in crate::run) fn left_ms(from: &Making<'_>) -> Option<u64> {
    let limit = from.campaign.file.execution.core_ms_max.filter(|_| !from.lifeline)?;
    Some(limit.saturating_sub(from.state.core_ms))
}

/// Over how many tasks the budget can be dealt, so that the share of each is worth its start.
pub(in crate::run) fn affordable(from: &Making<'_>) -> u64 {
    let least = SHARE_MIN_MS.saturating_mul(from.campaign.file.execution.task_cpus().max(1));
    left_ms(from).map_or(u64::MAX, |left| left / least)
}

/// What each task gets: what was asked for, and more memory after a want of it.
pub(in crate::run) fn resources(execution: &Execution, state: &State) -> Resources {
    let doublings = u32::try_from(state.out_of_memory.len()).unwrap_or(DOUBLINGS_MAX).min(DOUBLINGS_MAX);
    Resources {
        cpus: execution.cpus,
        gpus: execution.gpus,
        memory_mib: execution.memory_mib.map(|mib| mib.saturating_mul(1 << doublings)),
        walltime_s: execution.walltime_s,
    }
}

/// Nodes on which tasks kept ending by no fault of their own, the worst first.
pub(in crate::run) fn bad_nodes(state: &State) -> Vec<String> {
    let mut bad: Vec<_> = state.bad_nodes.iter().filter(|(_, failures)| **failures >= BAD_NODE_AFTER).collect();
    bad.sort_by_key(|(name, failures)| (std::cmp::Reverse(**failures), *name));
    bad.into_iter().take(BAD_NODES_MAX).map(|(name, _)| name.clone()).collect()
}
