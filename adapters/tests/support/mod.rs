//! Schedulers for tests: commands that fail on cue, and the real thing.

pub mod fake_ray;
pub mod ray_cluster;
pub mod tls;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use molsieve_adapters::command::{Call, Runner, Said, Silent, System};
use molsieve_adapters::slurm::{Limits, Site};
use molsieve_adapters::{Cli, HtCondor, Slurm};

#[path = "../../../tests/support/watchdog.rs"]
mod watchdog;

use watchdog::Place;

/// Runs commands with a setting of our own: tests run side by side in one process.
#[derive(Debug)]
pub struct With {
    settings: BTreeMap<&'static str, String>,
    limit: Duration,
}

impl Runner for With {
    fn run(&mut self, call: &Call) -> Result<Said, Silent> {
        let settings = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        let argv = ["env".to_owned()].into_iter().chain(settings).chain(call.argv.clone());
        match (System { limit: self.limit }).run(&Call { argv: argv.collect(), ..call.clone() }) {
            Ok(said) if said.code == Some(127) => Err(Silent::Absent),
            other => other,
        }
    }
}

/// A scheduler's commands as a script that keeps its jobs in files, and fails on cue.
pub struct Fake {
    _place: Place,
    dir: tempfile::TempDir,
}

impl Fake {
    /// SLURM's.
    pub fn new() -> Self {
        Self::of("fake_slurm.py", &["sbatch", "squeue", "scancel", "sacct", "scontrol"])
    }

    /// HTCondor's.
    pub fn condor() -> Self {
        let names = ["condor_submit", "condor_submit_dag", "condor_q", "condor_history", "condor_rm", "condor_release"];
        Self::of("fake_condor.py", &names)
    }

    fn of(script: &str, names: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
        std::fs::create_dir(dir.path().join("bin")).unwrap();
        for name in names {
            std::os::unix::fs::symlink(&script, dir.path().join("bin").join(name)).unwrap();
        }
        assert!(
            std::fs::metadata(&script).unwrap().permissions().mode() & 0o100 != 0,
            "{} is not executable",
            script.display()
        );
        tools(dir.path());
        Self { _place: Place::of(dir.path()), dir }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The next call of `command` does `what`.
    pub fn cue(&self, command: &str, what: &str) {
        std::fs::write(self.dir.path().join(format!("{command}.cue")), what).unwrap();
    }

    pub fn remove(&self, command: &str) {
        std::fs::remove_file(self.dir.path().join("bin").join(command)).unwrap();
    }

    pub fn slurm(&self) -> Cli<Slurm, With> {
        Cli::with(Slurm::new(Site::default(), Limits::default()), self.runner())
    }

    pub fn htcondor(&self) -> Cli<HtCondor, With> {
        Cli::with(HtCondor::default(), self.runner())
    }

    fn runner(&self) -> With {
        let (bin, tools) = (self.dir.path().join("bin"), self.dir.path().join("tools"));
        let settings = BTreeMap::from([
            // Only what the fake itself needs beside it: a real scheduler's commands must not answer for it.
            ("PATH", format!("{}:{}", bin.display(), tools.display())),
            ("FAKE_PLACE", self.dir.path().display().to_string()),
        ]);
        With { settings, limit: Duration::from_secs(5) }
    }
}

/// Makes a directory with the few programs that the fake and its jobs use.
fn tools(dir: &Path) {
    let tools = dir.join("tools");
    std::fs::create_dir(&tools).unwrap();
    let asks = ["sh", "sleep", "env", "mv"].map(|name| (name, format!("command -v {name}")));
    // Not its name on the PATH, which may be a script that finds one of several.
    let python = ("python3", "python3 -c 'import sys; print(sys.executable)'".to_owned());
    for (name, ask) in asks.into_iter().chain([python]) {
        let found = Command::new("sh").args(["-c", &ask]).output().unwrap();
        let path = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(path.trim(), tools.join(name)).unwrap();
    }
}

/// A real cluster, brought up for one test and taken down after it.
pub struct Cluster {
    _place: Place,
    dir: tempfile::TempDir,
    /// The program of tests/clusters that does it.
    program: &'static str,
}

impl Cluster {
    /// A SLURM; none where its packages are missing, which CI does not accept.
    pub fn slurm() -> Option<Self> {
        let missing: Vec<&str> =
            ["slurmctld", "slurmd", "sbatch", "munged"].into_iter().filter(|p| !installed(p)).collect();
        if !missing.is_empty() {
            assert!(std::env::var_os("CI").is_none(), "CI needs {missing:?}: run ./setup");
            eprintln!("skipped: {missing:?} not installed; ./setup installs them");
            return None;
        }
        Some(Self::up_with("slurm", &[]))
    }

    /// An HTCondor; none where it is not installed, which CI does not accept.
    pub fn htcondor() -> Option<Self> {
        Self::htcondor_with(&[])
    }

    /// The same, with further arguments of `tests/clusters/htcondor up`.
    pub fn htcondor_with(more: &[&str]) -> Option<Self> {
        let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.schedulers/htcondor/ready");
        if !installed("condor_master") && !unpacked.exists() {
            assert!(std::env::var_os("CI").is_none(), "CI needs HTCondor: run ./setup --test");
            eprintln!("skipped: HTCondor is not installed; ./setup --test installs it");
            return None;
        }
        Some(Self::up_with("htcondor", more))
    }

    fn up_with(program: &'static str, more: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("mc-").tempdir().unwrap();
        let cluster = Self { _place: Place::of(dir.path()), dir, program };
        cluster.script(&["up"], more);
        cluster
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn limits(&self) -> Limits {
        Limits::parse(&self.runner().run(&Slurm::ask_limits()).unwrap()).unwrap()
    }

    pub fn runner(&self) -> With {
        let conf = self.dir.path().join("cluster/etc/slurm.conf");
        let path = std::env::var("PATH").unwrap_or_default();
        let settings =
            BTreeMap::from([("SLURM_CONF", conf.display().to_string()), ("PATH", format!("{path}:/usr/sbin"))]);
        With { settings, limit: Duration::from_secs(60) }
    }

    /// What `tests/clusters/PROGRAM VERB DIR WHAT` prints.
    pub fn script(&self, verb: &[&str], what: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/clusters").join(self.program);
        let dir = self.dir.path().join("cluster");
        let output = Command::new(script)
            .args(verb)
            .arg(dir)
            .args(what)
            .stderr(std::process::Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "tests/clusters/{} {verb:?}: {}", self.program, output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs HTCondor's commands of this pool.
    pub fn condor_runner(&self) -> With {
        let bin = self.dir.path().join("cluster/bin").display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        With { settings: BTreeMap::from([("PATH", format!("{bin}:{path}"))]), limit: Duration::from_secs(60) }
    }

    /// What a command of this pool says.
    pub fn condor(&self, argv: &[&str]) -> Said {
        self.condor_runner().run(&Call::new(argv.iter().copied())).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script(&["down"], &[]);
    }
}

/// A task-spooler of its own.
pub struct Queue {
    dir: tempfile::TempDir,
    slots: u32,
}

impl Queue {
    /// One that runs so many tasks at once; none where it is not installed, which CI does not accept.
    pub fn up(slots: u32) -> Option<Self> {
        if !installed("tsp") {
            assert!(std::env::var_os("CI").is_none(), "CI needs task-spooler: run ./setup --test");
            eprintln!("skipped: task-spooler is not installed; ./setup --test installs it");
            return None;
        }
        Some(Self { dir: tempfile::tempdir().unwrap(), slots })
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs its commands.
    pub fn runner(&self) -> With {
        let socket = self.dir.path().join("socket").display().to_string();
        let settings = BTreeMap::from([("TS_SOCKET", socket), ("TS_SLOTS", self.slots.to_string())]);
        With { settings, limit: Duration::from_secs(10) }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let _ = self.runner().run(&Call::new(["tsp", "-K"]));
    }
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    places.into_iter().any(|dir| dir.join(program).is_file())
}
