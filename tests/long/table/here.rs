//! This machine: tasks of one process each, and one task of many ranks.

use std::process::Command;

use super::cell::{Cell, argv, variable};
use super::engine::{AtEnd, Blow, Contender, Fault, first_line, proven};
use super::ranks;
use crate::clusters::seen;
use crate::clusters::slurm::until;

/// This machine: a driver, and a process a task.
pub struct Local;

impl Contender for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn version(&self) -> String {
        super::engine::molsieve()
    }

    fn shape(&self) -> String {
        "a driver and four workers at a time".to_owned()
    }

    fn keys(&self) -> String {
        "kind = \"local\"".to_owned()
    }

    fn submit_options(&self) -> &'static [&'static str] {
        &["--workers", "4"]
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of a worker",
            Fault::Node => "kill -9 of driver, workers and scorers at once, as by a loss of power",
            Fault::Coordinator => "kill -9 of the driver",
            Fault::Stop => "cancel, resume",
            Fault::Twice => "submit again, and a twin of a task",
        })
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        match blow {
            Blow::Worker => {
                let worker = cell.workers().remove(0);
                cell.kill(worker.pid, "a worker");
                cell.hold(false);
                return Box::new(|| cell.note_failures());
            }
            Blow::Coordinator => {
                let driver = driver(cell);
                cell.kill(driver, "the driver");
                cell.await_nobody();
                let stops = seen::log_lines(&cell.dir(), "stopped before all records were finished");
                cell.note(format!("its workers have ended, {stops} of them logged a stop at a checkpoint"));
                cell.resume();
            }
            Blow::Node => all_at_once(cell),
        }
        proven()
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        note_one_driver(cell);
    }
}

/// A second driver has taken over from the first one.
fn note_one_driver(cell: &Cell<'_>) {
    until("the second driver has taken over", 30, || seen::events_of(&cell.dir(), "driver_started").len() == 2);
    until("one driver is left", 30, || drivers(cell).len() == 1);
    until("it has begun a wave", 30, || cell.waves() == 2);
    cell.note(format!("a second driver took over, the first one is gone: process {} drives wave 2", drivers(cell)[0]));
}

/// The process that drives it.
fn driver(cell: &Cell<'_>) -> u32 {
    let drivers = drivers(cell);
    assert_eq!(drivers.len(), 1, "one driver: {drivers:?}");
    drivers[0]
}

fn drivers(cell: &Cell<'_>) -> Vec<u32> {
    let is_driver = |pid: &u32| argv(*pid).iter().any(|word| word == "--detached");
    cell.processes().into_iter().filter(is_driver).collect()
}

/// Everything of it dies at the same moment, and somebody goes on.
fn all_at_once(cell: &Cell<'_>) {
    let all = cell.processes();
    let pids: Vec<String> = all.iter().map(u32::to_string).collect();
    let _ = Command::new("kill").arg("-KILL").args(&pids).output().unwrap();
    cell.await_nobody();
    assert!(all.len() > 2, "driver, worker and scorer: {pids:?}");
    cell.note(format!("`kill -9 {}`: all that it had on this machine; nothing is left", pids.join(" ")));
    assert!(!cell.is_sealed());
    cell.resume();
}

/// This machine: a driver, and one launch of four ranks.
pub struct Mpi;

impl Mpi {
    pub fn up() -> Option<Self> {
        ranks::is_there().then_some(Self)
    }
}

/// What `mpirun` says of itself.
pub fn mpirun() -> String {
    first_line(Command::new("mpirun").arg("--version"))
}

/// The processes of ranks, by their number.
pub fn rank_pids(cell: &Cell<'_>, number: &str) -> Vec<u32> {
    let mut ranks = ranks::of(&cell.dir(), "molsieve-mpi");
    let key = |pid: u32| variable(pid, "OMPI_COMM_WORLD_RANK").or_else(|| variable(pid, "PMIX_RANK"));
    // (`srun` has the launch's words in its own arguments, and is no rank.)
    ranks.retain(|pid| argv(*pid).first().is_some_and(|program| program.ends_with("molsieve-mpi")));
    ranks.retain(|pid| key(*pid).as_deref() == Some(number));
    ranks
}

/// The rank that scores, else the second: not the one that hands out.
pub fn busy_rank(cell: &Cell<'_>) -> String {
    let scores = |number: &&&str| {
        let pids = rank_pids(cell, number);
        let has_child = |pid: &u32| {
            let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            !children.trim().is_empty()
        };
        pids.iter().any(has_child)
    };
    ["1", "2", "3"].iter().find(scores).unwrap_or(&"1").to_string()
}

/// `kill -9` of a rank: its launch ends, and another wave is launched.
pub fn kill_rank<'a>(cell: &'a Cell<'a>, number: &str, what: &str) -> AtEnd<'a> {
    let pids = rank_pids(cell, number);
    assert_eq!(pids.len(), 1, "rank {number}: {pids:?}");
    cell.kill(pids[0], what);
    until("another wave is launched", 90, || cell.waves() > 1);
    cell.hold(false);
    Box::new(|| cell.note_failures())
}

impl Contender for Mpi {
    fn name(&self) -> &'static str {
        "MPI"
    }

    fn version(&self) -> String {
        mpirun()
    }

    fn shape(&self) -> String {
        "a driver and one launch of four ranks by `mpirun`".to_owned()
    }

    fn keys(&self) -> String {
        "kind = \"mpi\"\nranks = 4\nhand_out = \"dynamic\"".to_owned()
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of a rank that scores",
            Fault::Node => "kill -9 of driver, `mpirun`, ranks and scorers at once, as by a loss of power",
            Fault::Coordinator => "kill -9 of rank 0",
            Fault::Stop => "cancel, resume",
            Fault::Twice => "submit again, and a twin of the task",
        })
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        match blow {
            Blow::Worker => {
                let number = busy_rank(cell);
                kill_rank(cell, &number, &format!("rank {number}"))
            }
            Blow::Coordinator => kill_rank(cell, "0", "rank 0"),
            Blow::Node => {
                all_at_once(cell);
                proven()
            }
        }
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        note_one_driver(cell);
    }
}
