//! Ray: tasks of one job.

use std::process::Command;

use super::cell::Cell;
use super::engine::{AtEnd, Blow, Contender, Fault, first_line, proven};
use super::ray_cluster::Ray;
use super::scene::Engine;
use crate::clusters::slurm::until;
use crate::clusters::stage::Stage;
use crate::env::project;

/// A head and two nodes.
pub struct OnRay {
    ray: Ray,
}

impl OnRay {
    pub fn up(stage: &Stage) -> Option<Self> {
        let ray = Ray::up(&stage.env.path("ray"), &[])?;
        Some(Self { ray })
    }

    fn kill_worker(&self, cell: &Cell<'_>) {
        let [node, pid, task] = self.ray.workers().remove(0);
        let before = self.ray.starts(&task);
        self.ray.script("kill", &[&pid]);
        until("Ray begins it again", 90, || self.ray.starts(&task) > before);
        let after = self.ray.starts(&task);
        cell.note(format!("`kill -9 {pid}`, the process of `{task}` on {node}: begun {before} → {after} times"));
    }

    fn crash_node(&self, cell: &Cell<'_>) {
        let [node, _, task] = self.ray.workers().remove(0);
        let on_it = self.ray.workers().iter().filter(|[on, ..]| *on == node).count();
        let before = self.ray.starts(&task);
        self.ray.script("crash", &[&node]);
        // (What is lost waits for room on the node that is left.)
        cell.hold(false);
        until("Ray begins it again", 120, || self.ray.starts(&task) > before || cell.is_sealed());
        let after = self.ray.starts(&task);
        assert!(after > before, "`{task}` was not begun again");
        cell.note(format!("{node} crashed with {on_it} processes of tasks (kill -9 of its raylet and all others): `{task}` begun {before} → {after} times"));
        self.ray.script("node", &[&node]);
    }

    fn restart_head(&self, cell: &Cell<'_>) {
        let jobs = self.ray.script("jobs", &[]);
        let alive = jobs.lines().filter(|line| line.ends_with("RUNNING")).count();
        self.ray.script("head", &["stop"]);
        let said = cell.does(&["status", "d"]);
        assert!(said.contains("cannot be reached"), "{said}");
        let line = said.lines().find(|line| line.contains("cannot be reached")).unwrap_or_default();
        self.ray.script("head", &["start"]);
        assert_eq!(self.ray.script("jobs", &[]), "", "a new head knows none");
        cell.note(format!(
            "head killed with {alive} jobs RUNNING; `status`: {}; the new head knows no job",
            line.trim()
        ));
        cell.await_nobody();
        cell.resume();
    }
}

impl Contender for OnRay {
    fn name(&self) -> &'static str {
        "Ray"
    }

    fn version(&self) -> String {
        first_line(Command::new(project(".venv/bin/ray")).arg("--version"))
    }

    fn shape(&self) -> String {
        "a head, 2 nodes of 2 cores, jobs of 12 tasks".to_owned()
    }

    fn keys(&self) -> String {
        format!("kind = \"ray\"\nsettle = \"2s\"\ntasks = 12\n{}", self.ray.keys())
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of the process that runs a task",
            Fault::Node => "a node crashes: raylet and all its processes",
            Fault::Coordinator => "the head is killed and started anew",
            Fault::Stop => "cancel, resume",
            Fault::Twice => "submit again, the job posted again, and a twin of a task",
        })
    }

    fn command(&self, program: &str) -> Command {
        self.ray.command(program)
    }

    fn queue(&self) -> String {
        self.ray.queue()
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        match blow {
            Blow::Worker => self.kill_worker(cell),
            Blow::Node => self.crash_node(cell),
            Blow::Coordinator => self.restart_head(cell),
        }
        cell.hold(false);
        proven()
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        let request = cell.dir().join("launch/wave-1.json").display().to_string();
        let said = self.ray.script("post", &[&request]).trim().to_owned();
        assert!(said.ends_with("already exists") && cell.waves() == 1, "{said}");
        cell.note(format!("the same job to the Jobs API: `{said}`"));
    }

    fn mend(&self) {
        self.ray.script("head", &["stop"]);
        self.ray.script("head", &["start"]);
    }
}
