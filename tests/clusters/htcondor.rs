//! An HTCondor pool of our own, for as long as a test takes; `tests/clusters/htcondor` does the work.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::scene::{Engine, script};
use super::slurm::is_installed;
use crate::support::env::project;

/// A pool of four nodes.
pub struct HtCondor {
    dir: PathBuf,
}

impl HtCondor {
    /// What `tests/clusters/htcondor VERB DIR WHAT` prints.
    pub fn script(&self, verb: &str, what: &[&str]) -> String {
        script("htcondor", verb, &self.dir, what)
    }

    /// Ends the process that `which` (`pid`, `starter`, `shadow`, `dagman`) says of `job`, as kill -9 does.
    pub fn kill(&self, which: &str, job: &str) {
        let pid = self.script(which, &[job]);
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    }

    /// The process of `job`, if it has one.
    pub fn pid(&self, job: &str) -> Option<u32> {
        let script = project("tests/clusters/htcondor");
        let said = Command::new(script).arg("pid").arg(&self.dir).arg(job).output().unwrap();
        String::from_utf8_lossy(&said.stdout).trim().parse().ok()
    }

    /// Whether anybody on the access point still watches `job`.
    pub fn is_watched(&self, job: &str) -> bool {
        let script = project("tests/clusters/htcondor");
        Command::new(script).arg("shadow").arg(&self.dir).arg(job).output().unwrap().status.success()
    }

    /// From here on `script` is run before `program`, where molsieve or a job of its runs that.
    pub fn instead_of(&self, program: &str, script: &str) {
        let path = self.dir.join("bin").join(program);
        let old = std::fs::read_to_string(&path).unwrap();
        let (first, rest) = old.split_once('\n').unwrap();
        // Whole at once: it may be run at any moment.
        let new = path.with_extension("new");
        std::fs::write(&new, format!("{first}\n{script}\n{rest}")).unwrap();
        std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }

    /// An attribute of each job in the queue of which `constraint` is true.
    pub fn queued(&self, constraint: &str, attribute: &str) -> Vec<String> {
        lines(&self.said("condor_q", &["-constraint", constraint, "-af", attribute]))
    }

    /// The same of jobs that have left it, the newest first.
    pub fn left(&self, constraint: &str, attribute: &str) -> Vec<String> {
        lines(&self.said("condor_history", &["-constraint", constraint, "-af", attribute]))
    }

    /// The DAG that is in the queue.
    pub fn dag(&self) -> String {
        let dags = self.queued("JobUniverse == 7", "ClusterId");
        assert_eq!(dags.len(), 1, "{dags:?}");
        dags[0].clone()
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

impl Engine for HtCondor {
    const KIND: &'static str = "htcondor";

    fn up(dir: &Path, options: &[&str]) -> Option<Self> {
        if !is_installed("condor_master") && !project(".schedulers/htcondor/ready").exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs HTCondor: run ./setup --test");
            eprintln!("skipped: HTCondor is not installed; ./setup --test installs it");
            return None;
        }
        let pool = Self { dir: dir.to_path_buf() };
        // The directory around it, in which campaigns are, is empty for the nodes.
        let campaigns = dir.parent().unwrap().display().to_string();
        let hide = |option: &&str| {
            if *option == "--hide-campaigns" {
                vec!["--hide".to_owned(), campaigns.clone()]
            } else {
                vec![(*option).to_owned()]
            }
        };
        let options: Vec<String> = options.iter().flat_map(hide).collect();
        pool.script("up", &options.iter().map(String::as_str).collect::<Vec<_>>());
        Some(pool)
    }

    fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.dir.join("bin");
        // (A command is looked for on this process's own path.)
        let own = bin.join(program);
        let mut command = Command::new(if own.exists() { own } else { PathBuf::from(program) });
        command.env("PATH", format!("{}:{path}", bin.display()));
        command
    }

    fn running(&self) -> Vec<String> {
        let tasks = "MolsieveTask =!= undefined && JobUniverse == 5 && JobStatus == 2";
        self.queued(tasks, "strcat(ClusterId, \".\", ProcId)")
    }

    fn queue(&self) -> String {
        self.said("condor_q", &["-af", "ClusterId", "MolsieveTag", "JobStatus", "HoldReason"])
    }
}

impl Drop for HtCondor {
    fn drop(&mut self) {
        self.script("down", &[]);
    }
}
