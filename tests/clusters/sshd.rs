//! An sshd of our own, for as long as a test takes, and homes from which one logs in to it; `tests/clusters/sshd` does
//! the work.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use molsieve::digest::Digest;

use crate::support::env::{MOLSIEVE, Run, processes, project, python};

/// Both ways to speak SSH.
pub const TRANSPORTS: [&str; 2] = ["ssh2", "ssh"];

/// A machine to log in to.
pub struct Sshd {
    dir: PathBuf,
    login: String,
}

impl Sshd {
    /// A machine in `dir`; none where OpenSSH's packages are missing, which CI does not accept.
    pub fn up(dir: &Path) -> Option<Self> {
        let is_there = |program: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path)
                .chain(["/usr/sbin".into(), "/sbin".into()])
                .any(|dir| dir.join(program).is_file())
        };
        if let Some(missing) = ["sshd", "ssh", "ssh-keygen"].iter().find(|program| !is_there(program)) {
            assert!(std::env::var_os("CI").is_none(), "CI needs `{missing}`: run ./setup --test");
            eprintln!("skipped: there is no `{missing}`; ./setup --test installs it");
            return None;
        }
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        script("up", &dir);
        let login = std::fs::read_to_string(dir.join("login")).unwrap().trim().to_owned();
        Some(Self { dir, login })
    }

    /// As [`Sshd::up`], with the program there already: it is large, and only one test is about its upload.
    pub fn with_program(dir: &Path) -> Option<Self> {
        let there = Self::up(dir)?;
        let program = there.program();
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        if std::fs::hard_link(MOLSIEVE, &program).is_err() {
            std::fs::copy(MOLSIEVE, &program).unwrap();
        }
        Some(there)
    }

    /// Where one logs in.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// Where the program is there, once it is.
    pub fn program(&self) -> PathBuf {
        self.root().join(format!("bin/{}/molsieve", digest_of_program()))
    }

    /// The directory there under which everything lies.
    pub fn root(&self) -> PathBuf {
        self.dir.join("there/molsieve")
    }

    /// The campaign directory called `name` there.
    pub fn campaign(&self, name: &str) -> PathBuf {
        self.root().join("campaigns").join(name)
    }

    /// Everybody's shell there does this first.
    pub fn rc(&self, text: &str) {
        std::fs::write(self.dir.join("rc"), text).unwrap();
    }

    /// Everybody's login shell there.
    pub fn shell(&self, path: &str) {
        std::fs::write(self.dir.join("shell"), format!("{path}\n")).unwrap();
    }

    /// The far ends at work there. Their words are the same on every such machine; where they are is not.
    pub fn far_ends(&self) -> Vec<u32> {
        let is_here = |pid: &u32| {
            std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(self.dir.join("there")))
        };
        processes(&["molsieve serve-remote"]).into_iter().filter(is_here).collect()
    }

    /// Every line drops.
    pub fn drop_lines(&self) {
        script("drop", &self.dir);
    }

    /// A key that may log in.
    pub fn key(&self) -> PathBuf {
        self.dir.join("client/.ssh/id_ed25519")
    }

    /// The list of known hosts of whoever logs in.
    pub fn known_hosts(&self) -> PathBuf {
        self.dir.join("client/.ssh/known_hosts")
    }

    /// What `molsieve` is there is this Python program instead; `FRAME(kind, payload)` writes a frame.
    pub fn impostor(&self, text: &str) {
        let program = self.program();
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&program);
        let head = "import json, struct, sys, time\nout = sys.stdout.buffer\nkinds = ['hello', 'ask', 'answer', 'data', 'out', 'err', 'ended', 'fault', 'beat']\n\
            def HEAD(kind, length):\n    out.write(b'\\0\\xf5ms\\xfe\\nv1' + bytes([kinds.index(kind) + 1]) + struct.pack('<I', length))\n\
            def FRAME(kind, payload):\n    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()\n    HEAD(kind, len(payload)); out.write(payload); out.flush()\n";
        let hello = format!(
            "FRAME('hello', {{'schema': 'molsieve.remote-hello.v1', 'version': '{}', 'root': '/r', 'host': 'h'}})\n",
            env!("CARGO_PKG_VERSION")
        );
        let text = format!("#!{}\n{head}{}", python(), text.replace("HELLO\n", &hello));
        std::fs::write(&program, text).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        script("down", &self.dir);
    }
}

fn script(verb: &str, dir: &Path) {
    let status = Command::new(project("tests/clusters/sshd")).arg(verb).arg(dir).status().unwrap();
    assert!(status.success(), "tests/clusters/sshd {verb}: {status}");
}

fn digest_of_program() -> Digest {
    static DIGEST: std::sync::OnceLock<Digest> = std::sync::OnceLock::new();
    *DIGEST.get_or_init(|| molsieve::fs::sha256_input(Path::new(MOLSIEVE)).unwrap().0)
}

/// A machine from which one logs in, with files and a registry of its own.
pub struct Home<'a> {
    dir: PathBuf,
    there: &'a Sshd,
    transport: &'a str,
}

impl<'a> Home<'a> {
    pub fn new(dir: PathBuf, there: &'a Sshd, transport: &'a str) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        Self { dir, there, transport }
    }

    /// While this file is there, the tests' scorer is slow, wherever it runs.
    pub fn slow(&self) -> PathBuf {
        self.there.dir.join("slow")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The program, here.
    pub fn here(&self, args: &[&str]) -> Run {
        Run(self.command(args).output().unwrap())
    }

    /// The program, told to run on the machine to log in to.
    pub fn on(&self, args: &[&str]) -> Run {
        self.here(&self.args(args))
    }

    /// The program, here, on a machine that has no other programs: no scheduler's, and no ssh.
    pub fn bare(&self, args: &[&str]) -> Run {
        Run(self.command(args).env("PATH", self.path("nothing")).output().unwrap())
    }

    /// The program, told to run there, by somebody who has no key in a usual place and no terminal.
    pub fn keyless(&self, variables: &[(&str, &Path)], args: &[&str]) -> Run {
        let ssh = self.path("keyless/.ssh");
        std::fs::create_dir_all(&ssh).unwrap();
        std::fs::copy(self.there.known_hosts(), ssh.join("known_hosts")).unwrap();
        let program = self.command(&self.args(args));
        // A session of its own has no terminal, whoever runs the tests.
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(program.get_program()).args(program.get_args()).current_dir(&self.dir);
        command.stdin(Stdio::null());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("HOME", self.path("keyless")).env_remove("SSH_AUTH_SOCK").envs(variables.iter().copied());
        Run(command.output().unwrap())
    }

    /// As [`Home::on`], without waiting for it.
    pub fn begin(&self, args: &[&str]) -> std::process::Child {
        self.begin_here(&self.args(args))
    }

    /// As [`Home::here`], without waiting for it.
    pub fn begin_here(&self, args: &[&str]) -> std::process::Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn args<'b>(&'b self, args: &[&'b str]) -> Vec<&'b str> {
        let mut all = vec!["--on", self.there.login(), "--transport", self.transport];
        all.extend(args);
        all
    }

    /// What a command says with `--json`.
    pub fn facts(&self, args: &[&str]) -> serde_json::Value {
        let mut all = vec!["--json"];
        all.extend(args);
        let run = self.here(&all);
        serde_json::from_slice(&run.0.stdout).unwrap_or_else(|e| panic!("no facts ({e}): {run}"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(MOLSIEVE);
        command.args(args).current_dir(&self.dir).stdin(Stdio::null());
        command
            .env("HOME", self.there.dir.join("client"))
            .env("MOLSIEVE_SSH_CONFIG", self.there.dir.join("ssh_config"));
        command.env("MOLSIEVE_HOME", self.path("registry")).env_remove("SSH_AUTH_SOCK").env_remove("MOLSIEVE_FAULT");
        command
    }

    /// The payload digest of the pack in `dir`, as it is computed from the rows.
    pub fn payload_of(&self, dir: &str) -> String {
        let facts = self.facts(&["verify", "--allow-unsigned", &format!("{dir}/pack")]);
        assert_eq!(facts["verified"], true, "{facts}");
        facts["payload_digest"].as_str().unwrap().to_owned()
    }
}
