//! A SLURM of our own, for as long as a test takes; `tests/clusters/slurm` does the work.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::env::{MOLSIEVE, TestEnv, project};

/// A cluster of four nodes with eight cores each.
pub struct Slurm {
    dir: PathBuf,
}

impl Slurm {
    /// A cluster in `dir`; none where SLURM's packages are missing, which CI does not accept.
    pub fn up(dir: &Path) -> Option<Self> {
        Self::up_with(dir, &[])
    }

    /// The same, with further arguments of `tests/clusters/slurm up`.
    pub fn up_with(dir: &Path, more: &[&str]) -> Option<Self> {
        let (always, books) = (["munged", "slurmctld", "slurmd", "sbatch"], ["slurmdbd", "mariadbd", "sacctmgr"]);
        let books = books.iter().filter(|_| more.contains(&"--accounting"));
        if let Some(missing) = always.iter().chain(books).find(|program| !is_installed(program)) {
            assert!(std::env::var_os("CI").is_none(), "CI needs `{missing}`: run ./setup --test");
            eprintln!("skipped: there is no `{missing}`; ./setup --test installs it");
            return None;
        }
        let cluster = Self { dir: dir.to_path_buf() };
        cluster.script(&["up"], more);
        Some(cluster)
    }

    fn script(&self, verb: &[&str], more: &[&str]) {
        let status =
            Command::new(project("tests/clusters/slurm")).args(verb).arg(&self.dir).args(more).status().unwrap();
        assert!(status.success(), "tests/clusters/slurm {verb:?} {more:?}: {status}");
    }

    /// The machine of `node` dies, with all that runs on it.
    pub fn crash(&self, node: &str) {
        self.script(&["crash"], &[node]);
    }

    /// The daemon of `node` dies alone: its jobs live on, and nobody knows of them.
    pub fn orphan(&self, node: &str) {
        self.script(&["orphan"], &[node]);
    }

    /// Jobs on `node` cannot write temporary files.
    pub fn spoil(&self, node: &str) {
        self.script(&["spoil"], &[node]);
    }

    /// From here on nodes fail to start what has a number for a name's end, or start it: `fail` or `work`. (With `--prolog`.)
    pub fn prolog(&self, what: &str) {
        self.script(&["prolog"], &[what]);
    }

    /// Where others see the directory `seen`, `node` sees `own`: what it writes there comes late, when it is copied.
    pub fn late(&self, node: &str, own: &Path, seen: &Path) {
        self.script(&["late"], &[node, own.to_str().unwrap(), seen.to_str().unwrap()]);
    }

    /// It comes back.
    pub fn repair(&self, node: &str) {
        self.script(&["node"], &[node]);
    }

    /// The controller is stopped, killed, or started.
    pub fn controller(&self, what: &str) {
        self.script(&["controller"], &[what]);
    }

    /// The process of the controller.
    pub fn controller_pid(&self) -> u32 {
        std::fs::read_to_string(self.dir.join("run/slurmctld.pid")).unwrap().trim().parse().unwrap()
    }

    /// A command that means this cluster.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SLURM_CONF", self.dir.join("etc/slurm.conf"));
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}:/usr/sbin", self.dir.join("bin").display()));
        command
    }

    /// From here on `script` is run where molsieve or a job of its runs `program`; in it, `real` is the program itself.
    pub fn instead_of(&self, program: &str, script: &str) {
        let path = self.dir.join("bin").join(program);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // By its path: the search path goes along to the jobs.
        let real = format!("real() {{ \"$(PATH=\"${{PATH#*:}}\" command -v {program})\" \"$@\"; }}");
        // Whole at once: it may be run at any moment.
        let new = path.with_extension("new");
        std::fs::write(&new, format!("#!/bin/sh\n{real}\n{script}\n")).unwrap();
        std::fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::rename(&new, &path).unwrap();
    }

    /// What a command of SLURM says.
    pub fn said(&self, program: &str, args: &[&str]) -> String {
        let output = self.command(program).args(args).output().unwrap();
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// molsieve, with this cluster around it.
    pub fn molsieve(&self, env: &TestEnv, args: &[&str]) -> Output {
        let mut command = self.command(MOLSIEVE);
        command.args(args).current_dir(env.path("")).env("MOLSIEVE_HOME", env.path("home"));
        command.output().unwrap()
    }

    /// The elements that run on `node`, as `job_element`.
    pub fn running_on(&self, node: &str) -> Vec<String> {
        let said = self.said("squeue", &["--noheader", "--array", "--states=R", "--nodelist", node, "--format=%F_%K"]);
        said.lines().filter(|line| !line.ends_with("_N/A")).map(str::to_owned).collect()
    }

    /// The job that waits or runs under a name that ends so.
    pub fn job_named(&self, end: &str, states: &str) -> Option<String> {
        let said = self.said("squeue", &["--noheader", "--states", states, "--format=%A %j"]);
        let mut jobs = said.lines().filter_map(|line| line.trim().split_once(' '));
        jobs.find(|(_, name)| name.trim().ends_with(end)).map(|(job, _)| job.to_owned())
    }

    /// Every job of the queue is gone; what stands in for another first, so that nothing follows.
    pub fn lose_everything(&self) {
        let stand_in = self.job_named("-s1", "PD").unwrap();
        self.said("scancel", &[&stand_in]);
        let said = self.said("squeue", &["--noheader", "--format=%F"]);
        self.said("scancel", &said.split_whitespace().collect::<Vec<_>>());
    }

    /// How often `task`, as `job_element`, was started again.
    pub fn restarts(&self, task: &str) -> u32 {
        let said = self.said("scontrol", &["show", "job", task]);
        let word = said.split_whitespace().find_map(|word| word.strip_prefix("Restarts="));
        word.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no restarts in {said}"))
    }

    /// The state of `task`, as `job_element`, in the queue's word.
    pub fn state(&self, task: &str) -> String {
        self.said("squeue", &["--noheader", "--array", "--states=all", "--jobs", task, "--format=%T"]).trim().to_owned()
    }

    /// All jobs that wait or run.
    pub fn queue(&self) -> String {
        self.said("squeue", &["--noheader", "--array", "--format=%F_%K %j %T %r %N"])
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.script(&["down"], &[]);
    }
}

/// Whether a program is on PATH, or where daemons are.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = [PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")];
    std::env::split_paths(&path).chain(sbin).any(|dir| dir.join(program).is_file())
}

/// Waits until `ready` says so, for at most `seconds`; what it was about goes into the message.
pub fn until(what: &str, seconds: u64, mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// The processes of our program at work on the campaign in `dir` that no job's process is above.
pub fn strays(dir: &Path) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let name = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
    let dir = dir.display().to_string();
    let is_ours = |pid: &u32| {
        let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let is_molsieve = std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(MOLSIEVE));
        is_molsieve && String::from_utf8_lossy(&argv).contains(&dir)
    };
    let of_a_job = |pid: &u32| {
        let mut above = Some(*pid);
        while let Some(pid) = above.filter(|pid| *pid > 1) {
            if ["slurmstepd", "condor_starter"].contains(&name(pid).as_str()) {
                return true;
            }
            above = parent(pid);
        }
        false
    };
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_ours).filter(|pid| !of_a_job(pid)).collect()
}
