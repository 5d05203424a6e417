//! A Ray cluster of our own, for as long as a test takes; `tests/clusters/ray` does the work.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scene::{Engine, script};
use crate::support::env::project;

/// A Ray is some twenty processes that are busy while they begin: one is enough for a small machine, and for all tests of this
/// process one after the other. It goes down with the process.
static SHARED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// The cluster of two nodes, for as long as a test has it to itself; `tests/clusters/ray` does the work.
pub struct Ray {
    dir: PathBuf,
    /// The jobs that it knew before, one a line.
    before: String,
    turn: MutexGuard<'static, Option<PathBuf>>,
}

impl Ray {
    /// What `tests/clusters/ray VERB DIR WHAT` prints.
    pub fn script(&self, verb: &str, what: &[&str]) -> String {
        script("ray", verb, &self.dir, what)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.join(name)).unwrap().trim().to_owned()
    }

    /// What a campaign file says of it: where it is, and where its token is.
    pub fn keys(&self) -> String {
        format!("address = \"{}\"\ntoken_file = \"{}\"\n", self.read("address"), self.file("token"))
    }

    fn file(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// The jobs of this test that the head knows, one a line: each with how it is.
    pub fn jobs(&self) -> String {
        let all = self.script("jobs", &[]);
        let name = |line: &str| line.split(' ').next().unwrap_or("").to_owned();
        let before: Vec<String> = self.before.lines().map(name).collect();
        all.lines().filter(|line| !before.contains(&name(line))).map(|line| format!("{line}\n")).collect()
    }

    /// The tasks of ours that run: the node, the process, the task.
    pub fn workers(&self) -> Vec<[String; 3]> {
        let said = self.script("workers", &[]);
        let words =
            said.lines().filter_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().ok());
        words.filter(|[_, _, title]: &[String; 3]| title.starts_with("ray::molsieve-")).collect()
    }

    /// How often `task`, as Ray calls it, was begun, as the driver of its job tells.
    pub fn starts(&self, task: &str) -> usize {
        let (job, index) = task.trim_start_matches("ray::").rsplit_once('_').unwrap();
        let begun = format!("\"task\": {index}, \"state\": \"started\"");
        self.script("log", &[job]).lines().filter(|line| line.contains(&begun)).count()
    }
}

impl Engine for Ray {
    const KIND: &'static str = "ray";

    fn up(_: &Path, options: &[&str]) -> Option<Self> {
        if !project(".venv/bin/ray").is_file() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Ray in .venv: run ./setup --test");
            eprintln!("skipped: there is no Ray in .venv; ./setup --test installs it");
            return None;
        }
        let turn = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = turn.is_none();
        // Ray puts sockets there, whose paths must be short.
        let new = || tempfile::Builder::new().prefix("mr-").tempdir_in("/tmp").unwrap().keep();
        let mut cluster = Self { dir: turn.clone().unwrap_or_else(new), before: String::new(), turn };
        if is_new {
            let pid = std::process::id().to_string();
            cluster.script("up", &[&["--nodes", "2", "--cpus", "2", "--while", &pid], options].concat());
            *cluster.turn = Some(cluster.dir.clone());
        } else {
            cluster.script("mend", &[]);
        }
        cluster.before = cluster.script("jobs", &[]);
        Some(cluster)
    }

    /// (The campaign file says where it is, and nothing else does.)
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for variable in ["RAY_API_SERVER_ADDRESS", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"] {
            command.env_remove(variable);
        }
        command
    }

    fn running(&self) -> Vec<String> {
        self.workers().into_iter().map(|[_, _, title]| title).collect()
    }

    fn queue(&self) -> String {
        let all = self.jobs();
        let alive = all.lines().filter(|line| line.ends_with("RUNNING") || line.ends_with("PENDING"));
        alive.map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        // What a test that failed has left there is nothing for the next.
        if std::thread::panicking() {
            *self.turn = None;
            self.script("down", &[]);
        }
    }
}
