//! HTCondor: tasks as nodes of a DAG.

use std::path::Path;
use std::process::Command;

use super::cell::{Cell, rows_in_checkpoints};
use super::engine::{AtEnd, Blow, Contender, Fault, first_line};
use super::htcondor::HtCondor;
use super::scene::Engine;
use crate::clusters::seen;
use crate::clusters::slurm::until;
use crate::clusters::stage::Stage;

/// A pool of four nodes.
pub struct Pool {
    pool: HtCondor,
    /// Whether its nodes see the directory in which campaigns are, or get what they need.
    is_shared: bool,
}

impl Pool {
    /// Whose files are shared.
    pub fn up(stage: &Stage) -> Option<Self> {
        let pool = HtCondor::up(&stage.env.path("pool"), &["--cpus", "4"])?;
        Some(Self { pool, is_shared: true })
    }

    /// For whose nodes the directory is empty in which all of it is: libraries, campaigns, scorers.
    pub fn apart(stage: &Stage) -> Option<Self> {
        let options = ["--cpus", "4", "--no-shared-files", "--hide-campaigns"];
        let pool = HtCondor::up(&stage.env.path("pool-apart"), &options)?;
        Some(Self { pool, is_shared: false })
    }

    /// An attribute of a job that is in the queue; none if it is not.
    fn queued(&self, job: &str, attribute: &str) -> Option<String> {
        self.pool.queued(&of(job), attribute).pop()
    }

    /// An attribute of a job that has left it.
    fn left(&self, job: &str, attribute: &str) -> Option<String> {
        self.pool.left(&of(job), attribute).pop()
    }

    /// How often it was started.
    fn starts(&self, job: &str) -> u32 {
        let starts = self.queued(job, "NumShadowStarts").or_else(|| self.left(job, "NumShadowStarts"));
        starts.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    fn kill_worker<'a>(&'a self, cell: &'a Cell<'a>) -> AtEnd<'a> {
        // (One whose files are on their way runs, to HTCondor, and has no process.)
        let with_process = || self.pool.running().into_iter().find_map(|job| Some((self.pool.pid(&job)?, job)));
        let mut found = None;
        until("a job has a process", 60, || {
            found = with_process();
            found.is_some()
        });
        let (pid, job) = found.unwrap();
        let task = self.queued(&job, "MolsieveTask").unwrap();
        let dag = self.pool.dag();
        cell.kill(pid, &format!("the process of job {job}, task {task}"));
        cell.hold(false);
        Box::new(move || {
            let lives = format!("DAGManJobId == {dag} && MolsieveTask == {task}");
            let told = "strcat(ClusterId, \".\", ProcId, ExitBySignal ? strcat(\" signal \", ExitSignal) : strcat(\" exit \", ExitCode))";
            let mut lives = self.pool.left(&lives, told);
            lives.reverse();
            assert!(lives.iter().any(|life| life.ends_with("signal 9")), "{lives:?}");
            cell.note(format!("condor_history of task {task}: {}", lives.join(", then ")));
        })
    }

    fn crash_node<'a>(&'a self, cell: &'a Cell<'a>) -> AtEnd<'a> {
        let job = self.pool.running().remove(0);
        let host = self.queued(&job, "RemoteHost").unwrap();
        let node = host.rsplit('@').next().unwrap().split('.').next().unwrap().to_owned();
        let before = self.starts(&job);
        self.pool.script("crash", &[&node]);
        cell.hold(false);
        until("the job is started elsewhere, or again", 120, || self.starts(&job) > before);
        let now = self.starts(&job);
        cell.note(format!(
            "{node} crashed (its daemons and all its jobs, kill -9): job {job} on {host}, starts {before} → {now}"
        ));
        self.pool.script("node", &[&node]);
        Box::new(move || {
            let last = self.left(&job, "LastRemoteHost").unwrap_or_default();
            cell.note(format!("condor_history: {job} ended on {last} after {} starts", self.starts(&job)));
        })
    }

    fn kill_dag<'a>(&'a self, cell: &'a Cell<'a>) -> AtEnd<'a> {
        let dag = self.pool.dag();
        let pid = self.pool.script("dagman", &[&dag]).trim().parse().unwrap();
        cell.kill(pid, &format!("condor_dagman of {dag}"));
        self.pool.script("schedd", &["kill"]);
        cell.note("`kill -9` of condor_schedd, whose master starts it again");
        until("the access point answers", 60, || {
            self.pool.command("condor_q").output().is_ok_and(|said| said.status.success())
        });
        cell.hold(false);
        Box::new(move || {
            let log = std::fs::read_to_string(cell.dir().join("launch/wave-1.dag.dagman.out")).unwrap();
            let line = log.lines().find(|line| line.contains("RECOVERY mode"));
            let line = line.expect("the DAG read its log anew");
            cell.note(format!("wave-1.dag.dagman.out: `{}`", line.trim().trim_end_matches('>').trim()));
        })
    }
}

/// That it is this job.
fn of(job: &str) -> String {
    let (cluster, process) = job.split_once('.').unwrap_or((job, "0"));
    format!("ClusterId == {cluster} && ProcId == {process}")
}

impl Contender for Pool {
    fn name(&self) -> &'static str {
        if self.is_shared { "HTCondor" } else { "HTCondor, no shared files" }
    }

    fn version(&self) -> String {
        first_line(&mut self.pool.command("condor_version"))
    }

    fn shape(&self) -> String {
        let files = if self.is_shared { "shared files" } else { "which see no file of a campaign" };
        format!("4 nodes of 4 cores, {files}; DAGs of 12 tasks")
    }

    fn keys(&self) -> String {
        let files = if self.is_shared { "shared" } else { "transfer" };
        format!("kind = \"htcondor\"\nsettle = \"2s\"\ntasks = 12\nfiles = \"{files}\"")
    }

    fn is_at_work(&self, cell: &Cell<'_>) -> bool {
        if self.is_shared {
            return cell.is_at_work_here();
        }
        let place = |job: &String| std::fs::read_link(format!("/proc/{}/cwd", self.pool.pid(job)?)).ok();
        // (A task group of one record has rows in its checkpoint for a moment only, so a receipt of another will do.)
        let has_rows =
            |groups: &Path| rows_in_checkpoints(groups) > 0 || !seen::group_files(groups, ".receipt.json").is_empty();
        self.pool.running().iter().filter_map(place).any(|place| has_rows(&place.join("groups")))
    }

    fn has_twins(&self) -> bool {
        self.is_shared
    }

    fn fault(&self, fault: Fault) -> Option<&'static str> {
        Some(match fault {
            Fault::None => "none",
            Fault::Worker => "kill -9 of a job's worker",
            Fault::Node => "a node crashes: startd, starters and jobs",
            Fault::Coordinator => "kill -9 of condor_dagman and of condor_schedd",
            Fault::Stop => "cancel, resume",
            Fault::Twice if self.is_shared => "submit again, and a twin of a task",
            Fault::Twice => "submit again",
        })
    }

    fn command(&self, program: &str) -> Command {
        self.pool.command(program)
    }

    fn queue(&self) -> String {
        self.pool.queue()
    }

    fn strike<'a>(&'a self, cell: &'a Cell<'a>, blow: Blow) -> AtEnd<'a> {
        match blow {
            Blow::Worker => self.kill_worker(cell),
            Blow::Node => self.crash_node(cell),
            Blow::Coordinator => self.kill_dag(cell),
        }
    }

    fn note_submitted_twice(&self, cell: &Cell<'_>) {
        assert_eq!(cell.waves(), 1);
        cell.note(format!("condor_q has one DAG, {}", self.pool.dag()));
    }

    fn mend(&self) {
        ["n1", "n2", "n3", "n4"].iter().for_each(|node| drop(self.pool.script("node", &[node])));
        let _ = self.pool.command("condor_rm").arg("-all").output();
    }
}
