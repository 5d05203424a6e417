//! SLURM: tasks as elements of an array, and ranks in one allocation over two nodes.

use std::process::Command;

use super::cell::Cell;
use super::engine::{AtEnd, Blow, Contender, Fault, first_line, proven};
use super::here::{busy_rank, kill_rank, mpirun};
use super::ranks;
use crate::clusters::faults;
use crate::clusters::seen;
use crate::clusters::slurm::{Slurm, until};
use crate::clusters::stage::{Act, Stage};

/// The nodes on which tasks run.
const NODES: [&str; 4] = ["n1", "n2", "n3", "n4"];

/// Tasks as elements of an array, on four nodes.
pub struct Elements {
    slurm: Slurm,
}

impl Elements {
    pub fn up(stage: &Stage) -> Option<Self> {
        let slurm = Slurm::up_with(&stage.env.path("slurm"), &["--cpus", "4"])?;
        Some(Self { slurm })
    }
}

/// Does something to the cell as a scene of the long suite, and takes over what it notes.
fn as_scene<'a, T>(cell: &'a Cell<'a>, slurm: &'a Slurm, what: impl FnOnce(&Act<'a>) -> T) -> T {
    let scene = Act::on(cell.stage, slurm, &cell.name);
    let made = what(&scene);
    cell.proof.borrow_mut().append(&mut scene.evidence.borrow_mut());
    made
}

/// What `slurmctld` and, as of one release, its sisters say of their version.
fn version(slurm: &Slurm) -> String {
    first_line(slurm.command("slurmctld").arg("-V"))
}

fn kill_worker(scene: &Act<'_>, cell: &Cell<'_>) {
    let element = scene.await_running_on(scene.busiest(&NODES)).remove(0);
    let index = element.id.split('_').nth(1).unwrap().to_owned();
    let mut pid = None;
    until("its worker is at work", 60, || {
        pid = cell.workers().iter().find(|worker| worker.task == index).map(|worker| worker.pid);
        pid.is_some()
    });
    cell.kill(pid.unwrap(), &format!("the worker of element {}", element.id));
    let mut after = None;
    until("SLURM knows it", 60, || {
        after = scene.element(&element.id).filter(|now| !now.runs() && now.state != "COMPLETING");
        after.is_some()
    });
    scene.note_change("SLURM", &[element], &[after.unwrap()]);
}

/// `kill -9` of the controller: tasks go on, and end while nobody listens.
fn kill_controller(scene: &Act<'_>, cell: &Cell<'_>) {
    let before: Vec<_> = scene.elements().into_iter().filter(seen::Element::runs).collect();
    let pid = scene.slurm.controller_pid();
    scene.slurm.controller("kill");
    let ping = first_line(scene.slurm.command("scontrol").arg("ping"));
    assert!(ping.contains("DOWN"), "the controller is down: {ping}");
    let receipts = || seen::group_files(&cell.dir().join("groups"), ".receipt.json").len();
    let were = receipts();
    cell.hold(false);
    until("task groups are finished meanwhile", 90, || receipts() > were);
    scene.slurm.controller("start");
    scene.note(format!(
        "`kill -9 {pid}`, slurmctld: `{ping}`; {} task groups were finished meanwhile",
        receipts() - were
    ));
    let now: Vec<_> = before.iter().filter_map(|element| scene.element(&element.id)).collect();
    scene.note_change("up again", &before, &now);
}

impl Contender for Elements {
    fn name(&self) -> &'static str {
        "SLURM"
    }

    fn version(&self) -> String {
        version(&self.slurm)
    }

    fn shape(&self) -> String {
        "4 nodes of 4 cores, arrays of 12 tasks".to_owned()
    }

    fn keys(&self) -> String {
        "kind = \"slurm\"\nsettle = \"2s\"\ntasks = 12".to_owned()
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of an element's worker",
            Fault::Node => "a node crashes: slurmd and all its jobs",
            Fault::Coordinator => "kill -9 of slurmctld, up again later",
            Fault::Stop => "cancel, resume",
            Fault::Twice => "submit again, and a twin of a task",
        })
    }

    fn command(&self, program: &str) -> Command {
        self.slurm.command(program)
    }

    fn queue(&self) -> String {
        self.slurm.queue()
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        as_scene(cell, &self.slurm, |scene| match blow {
            Blow::Worker => kill_worker(scene, cell),
            Blow::Node => faults::crash(scene, scene.busiest(&NODES)),
            Blow::Coordinator => kill_controller(scene, cell),
        });
        cell.hold(false);
        if blow == Blow::Worker { Box::new(|| cell.note_failures()) } else { proven() }
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        note_one_array(cell, &self.slurm);
    }

    fn mend(&self) {
        mend(&self.slurm, &NODES);
    }
}

/// The queue has every name once.
fn note_one_array(cell: &Cell<'_>, slurm: &Slurm) {
    let said = slurm.said("squeue", &["--noheader", "--format=%F %j"]);
    let mut jobs: Vec<(&str, &str)> = said.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    jobs.sort_unstable();
    jobs.dedup();
    let mut names: Vec<&str> = jobs.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!((names.len(), cell.waves()), (all, 1), "nothing is there twice: {said}");
    cell.note(format!("squeue has each name once: {}", names.join(", ")));
}

fn mend(slurm: &Slurm, nodes: &[&str]) {
    slurm.controller("start");
    nodes.iter().for_each(|node| slurm.repair(node));
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let _ = slurm.command("scancel").arg(format!("--user={user}")).output();
}

/// Six ranks in one allocation over two nodes, started by `srun`.
pub struct Allocation {
    slurm: Slurm,
}

impl Allocation {
    pub fn up(stage: &Stage) -> Option<Self> {
        if !ranks::is_there() {
            return None;
        }
        let slurm = Slurm::up_with(&stage.env.path("slurm-mpi"), &["--mpi", "--nodes", "2", "--cpus", "4"])?;
        Some(Self { slurm })
    }
}

/// A node of the allocation dies.
fn crash(scene: &Act<'_>, node: &str) {
    let before: Vec<_> = scene.elements().into_iter().filter(seen::Element::runs).collect();
    assert_eq!(before.len(), 1, "one allocation: {before:?}");
    scene.slurm.crash(node);
    let mut after = Vec::new();
    until("the allocation is known to be lost", 120, || {
        after = scene.element(&before[0].id).into_iter().collect();
        after.iter().any(|now| now.restarts > before[0].restarts || !now.runs())
    });
    scene.note_change(&format!("{node} crashed"), &before, &after);
    scene.slurm.repair(node);
}

impl Contender for Allocation {
    fn name(&self) -> &'static str {
        "MPI in SLURM"
    }

    fn version(&self) -> String {
        format!("{}, {}", version(&self.slurm), mpirun())
    }

    fn shape(&self) -> String {
        "2 nodes of 4 cores, one allocation of six ranks over both, by `srun`".to_owned()
    }

    fn keys(&self) -> String {
        "kind = \"slurm\"\nsettle = \"2s\"\nranks = 6\nlauncher = \"srun\"\nhand_out = \"dynamic\"\n\
         export = [\"OMPI_ALLOW_RUN_AS_ROOT\", \"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM\"]"
            .to_owned()
    }

    fn is_thorough(&self) -> bool {
        false
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of a rank that scores",
            Fault::Node => "one of its two nodes crashes: slurmd and all its ranks",
            Fault::Coordinator => "kill -9 of rank 0",
            Fault::Stop => "cancel, resume",
            Fault::Twice => "submit again, and a twin of the task",
        })
    }

    fn command(&self, program: &str) -> Command {
        self.slurm.command(program)
    }

    fn queue(&self) -> String {
        self.slurm.queue()
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        match blow {
            Blow::Worker => {
                let number = busy_rank(cell);
                kill_rank(cell, &number, &format!("rank {number}"))
            }
            Blow::Coordinator => kill_rank(cell, "0", "rank 0"),
            Blow::Node => {
                as_scene(cell, &self.slurm, |scene| crash(scene, "n2"));
                cell.hold(false);
                proven()
            }
        }
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        note_one_array(cell, &self.slurm);
    }

    fn mend(&self) {
        mend(&self.slurm, &NODES[..2]);
    }
}
