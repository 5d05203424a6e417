//! A Ray cluster of our own, for as long as a test takes; `tests/clusters/ray` does the work.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::scene::Engine;
use crate::support::env::project;

/// A Ray is some twenty processes that are busy while they begin: one is enough for a small machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A cluster of two nodes.
pub struct Ray {
    dir: tempfile::TempDir,
    /// It is let go after the cluster is down: fields are dropped after their struct.
    _turn: MutexGuard<'static, ()>,
}

impl Ray {
    /// What `tests/clusters/ray VERB DIR WHAT` prints.
    pub fn script(&self, verb: &str, what: &[&str]) -> String {
        let script = project("tests/clusters/ray");
        let output = Command::new(script).arg(verb).arg(self.dir.path().join("c")).args(what).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tests/clusters/ray {verb} {what:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join("c").join(name)).unwrap().trim().to_owned()
    }

    /// What a campaign file says of it: where it is, and where its token is.
    pub fn keys(&self) -> String {
        format!("address = \"{}\"\ntoken_file = \"{}\"\n", self.read("address"), self.file("token"))
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join("c").join(name).display().to_string()
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
        // Ray puts sockets there, whose paths must be short.
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::Builder::new().prefix("mr-").tempdir_in("/tmp").unwrap();
        let cluster = Self { dir, _turn: turn };
        cluster.script("up", &[&["--nodes", "2", "--cpus", "2"], options].concat());
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
        let all = self.script("jobs", &[]);
        let alive = all.lines().filter(|line| line.ends_with("RUNNING") || line.ends_with("PENDING"));
        alive.map(|line| format!("{line}\n")).collect()
    }
}

impl Drop for Ray {
    fn drop(&mut self) {
        self.script("down", &[]);
    }
}
