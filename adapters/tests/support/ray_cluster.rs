//! A real Ray, brought up for one test and taken down after it; `tests/clusters/ray` does the work.

use std::path::{Path, PathBuf};
use std::process::Command;

use molsieve_adapters::Ray;
use molsieve_adapters::ray::{Address, Client, Plain, Site, Token};

/// A cluster: a head, and nodes called n1, n2 and so on.
pub struct RayCluster {
    dir: tempfile::TempDir,
}

impl RayCluster {
    /// With so many nodes, of so many cores each; none where Ray is missing, which CI does not accept.
    pub fn up(nodes: usize, cpus: usize) -> Option<Self> {
        if !project().join(".venv/bin/ray").is_file() {
            assert!(std::env::var_os("CI").is_none(), "CI needs Ray in .venv: run ./setup --test");
            eprintln!("skipped: there is no Ray in .venv; ./setup --test installs it");
            return None;
        }
        // Ray puts sockets there, whose paths must be short.
        let cluster = Self { dir: tempfile::Builder::new().prefix("mr-").tempdir_in("/tmp").unwrap() };
        cluster.script(&["up", "--nodes", &nodes.to_string(), "--cpus", &cpus.to_string()]);
        Some(cluster)
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn address(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("c/address")).unwrap().trim().to_owned()
    }

    /// An adapter for it.
    pub fn ray(&self) -> Ray {
        self.with(Some(Token::read(&self.dir.path().join("c/token")).unwrap()))
    }

    /// The same, with another token.
    pub fn ray_with(&self, token: Option<&str>) -> Ray {
        self.with(token.map(|token| Token::new(token).unwrap()))
    }

    fn with(&self, token: Option<Token>) -> Ray {
        let address = Address::parse(&self.address(), Plain::Refused).unwrap();
        let site = Site { grace_s: 20, ..Site::default() };
        Ray::new(Client::new(address, token, None).unwrap(), site)
    }

    /// What runs tasks now: the node and the process of each.
    pub fn workers(&self) -> Vec<(String, String)> {
        let output = self.command(&["workers"]).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let words = |line: &str| line.split_once(' ').map(|(node, rest)| (node.to_owned(), rest.to_owned()));
        let pid = |(node, rest): (String, String)| (node, rest.split(' ').next().unwrap_or("").to_owned());
        said.lines().filter_map(words).map(pid).collect()
    }

    /// Runs a verb of `tests/clusters/ray`, with what comes after the directory.
    pub fn script(&self, words: &[&str]) {
        let status = self.command(words).status().unwrap();
        assert!(status.success(), "tests/clusters/ray {words:?}: {status}");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(project().join("tests/clusters/ray"));
        command.arg(words[0]).arg(self.dir.path().join("c")).args(&words[1..]);
        command
    }
}

impl Drop for RayCluster {
    fn drop(&mut self) {
        self.script(&["down"]);
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
