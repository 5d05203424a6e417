//! How a child is started: which program, with which environment, tied to this worker.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::shim;
use crate::error::{Error, Result};

/// Names the private directory of a child in its environment: fresh, and removed when the child has ended.
pub const TMP_VARIABLE: &str = "MOLSIEVE_TMP";
/// Names the GPUs that a child may use in its environment.
pub const GPUS_VARIABLE: &str = "CUDA_VISIBLE_DEVICES";

/// Variables that are added to the environment of a child, over those of the worker.
pub type Environment = Vec<(String, String)>;

/// How a child is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Our own executable, which becomes the program (see [`shim`]).
    pub shim: PathBuf,
    /// The program, resolved to an absolute path, and its arguments.
    pub argv: Vec<OsString>,
    /// Where it runs; where the worker runs if not said.
    pub directory: Option<PathBuf>,
    /// The log file of what children say on stderr.
    pub stderr: Option<PathBuf>,
    /// The program that keeps containers although a command was killed, if that is what runs it.
    pub keeper: Option<PathBuf>,
    /// Whether a runtime's client runs in it, which must find the same containers as ours.
    pub is_contained: bool,
    /// What a person should be told of it: `argv` may begin with a program that stands between the user's and us.
    pub told: Told,
}

impl Launch {
    /// Starts a child in a process group of its own, with `tmp` as its private directory.
    ///
    /// The kernel kills it when the *thread* that calls this ends: call it from one that lives as
    /// long as the pool. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The system starts no process (exit 6). That the program itself cannot start is seen later, by its end.
    pub(super) fn spawn(&self, environment: &Environment, tmp: &Path) -> Result<Child> {
        let mut command = Command::new(&self.shim);
        command.arg(shim::SUBCOMMAND).arg(std::process::id().to_string()).args(&self.argv);
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| is_inherited(name, self.is_contained)));
        // A Python scorer that forgets to flush would otherwise never be heard.
        command.env("PYTHONUNBUFFERED", "1");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.env(TMP_VARIABLE, tmp);
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|e| {
            Error::environment(format!("cannot start a process from `{}`: {e}", self.shim.display()))
                .hint("check the limits on processes and memory (`ulimit -u`, `ulimit -v`)")
        })
    }
}

/// The document of the protocol that needs no translator.
const JSONL: &str = "docs/formats/jsonl.md";

/// What a person should be told of a launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The user's program, and not what stands before it.
    pub program: String,
    /// The document of what it must say.
    pub document: &'static str,
}

impl Told {
    /// `program` speaks `jsonl` itself.
    pub fn jsonl(program: impl Into<String>) -> Self {
        Self { program: program.into(), document: JSONL }
    }

    /// Whether the program speaks `jsonl` itself, without a translator.
    pub fn is_jsonl(&self) -> bool {
        self.document == JSONL
    }
}

/// What a child inherits of the worker's environment: where programs and libraries are, who the
/// user is, language and time zone. Anything else could change an answer unseen, or be a secret that
/// is none of the scorer's business; `[scorer] env` names what it needs. A runtime's client also inherits
/// which containers it is to speak of; into the container goes none of this.
fn is_inherited(name: &OsStr, is_contained: bool) -> bool {
    const KNOWN: [&str; 11] =
        ["PATH", "LD_LIBRARY_PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM"];
    let is_known = |name: &str| KNOWN.contains(&name) || name.starts_with("LC_");
    name.to_str().is_some_and(|name| is_known(name) || is_contained && is_of_client(name))
}

/// Whether `name` tells a container runtime's client which daemon, store or session it works with. What would bind
/// directories or set variables in a container (`APPTAINER_BIND`, `APPTAINERENV_…`) does not belong here.
fn is_of_client(name: &str) -> bool {
    const KNOWN: [&str; 12] = [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY",
        "CONTAINER_HOST",
        "CONTAINER_CONNECTION",
        "CONTAINER_SSHKEY",
        "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "DBUS_SESSION_BUS_ADDRESS",
    ];
    KNOWN.contains(&name) || name.starts_with("CONTAINERS_")
}

/// The environments of `children` children with `threads` threads each, which share `gpus` in turn.
///
/// Every child gets `OMP_NUM_THREADS`; where there are GPUs, child k gets the k-th, modulo their
/// number, as `CUDA_VISIBLE_DEVICES`.
pub fn environments(children: usize, threads: usize, gpus: &[String]) -> Vec<Environment> {
    (0..children)
        .map(|child| {
            let mut environment = vec![("OMP_NUM_THREADS".to_owned(), threads.to_string())];
            if !gpus.is_empty() {
                environment.push((GPUS_VARIABLE.to_owned(), gpus[child % gpus.len()].clone()));
            }
            environment
        })
        .collect()
}

/// The GPUs `0` to `count - 1`; of those that the scheduler gave this process, if it named any.
///
/// # Errors
/// The scheduler gave fewer, or what it says is no list of names (exit 6).
pub fn devices(count: u32, given: Option<&str>) -> Result<Vec<String>> {
    let count = count as usize;
    let Some(given) = given.filter(|_| count > 0) else { return Ok((0..count).map(|n| n.to_string()).collect()) };
    let is_name = |name: &&str| {
        !name.is_empty()
            && !name.starts_with('-')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:./".contains(&b))
    };
    let names: Vec<&str> = given.split(',').map(str::trim).take_while(is_name).collect();
    if names.len() < count {
        return Err(Error::environment(format!(
            "`resources.gpus` asks for {count}, and `{GPUS_VARIABLE}` gives {} (`{}`)",
            names.len(),
            given.chars().filter(|c| !c.is_control()).take(100).collect::<String>()
        ))
        .hint("ask the scheduler for as many, or lower `resources.gpus`"));
    }
    Ok(names[..count].iter().map(|name| (*name).to_owned()).collect())
}

/// What each child gets of `gpus` in turn: `each` of them, or one that it shares with others if that is 0.
pub fn shares(gpus: &[String], each: usize) -> Vec<String> {
    gpus.chunks_exact(each.max(1)).map(|share| share.join(",")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_runtimes_client_learns_which_containers_it_is_to_speak_of() {
        for name in ["DOCKER_HOST", "XDG_RUNTIME_DIR", "CONTAINERS_STORAGE_CONF", "DBUS_SESSION_BUS_ADDRESS"] {
            assert!(is_inherited(OsStr::new(name), true), "{name}");
            assert!(!is_inherited(OsStr::new(name), false), "{name}");
        }
        for name in ["AWS_SECRET_ACCESS_KEY", "APPTAINER_BIND", "APPTAINERENV_X", "SINGULARITYENV_X", "DOCKER", ""] {
            assert!(!is_inherited(OsStr::new(name), true), "{name}");
        }
        assert!(is_inherited(OsStr::new("PATH"), true) && is_inherited(OsStr::new("LC_ALL"), false));
    }

    #[test]
    fn gpus_go_round() {
        let gpus = ["0".to_owned(), "1".to_owned()];
        let third = &environments(3, 4, &gpus)[2];
        assert_eq!(third[0], ("OMP_NUM_THREADS".to_owned(), "4".to_owned()));
        assert_eq!(third[1], ("CUDA_VISIBLE_DEVICES".to_owned(), "0".to_owned()));
        assert_eq!(environments(1, 1, &[])[0].len(), 1);
    }

    #[test]
    fn gpus_are_those_of_the_scheduler_and_each_child_has_its_share() {
        let of = |count, given| devices(count, given).map_err(|e| e.what().to_owned());
        assert_eq!(of(2, None).unwrap(), ["0", "1"]);
        assert_eq!(of(2, Some("3,GPU-5a/1:0, 7")).unwrap(), ["3", "GPU-5a/1:0"]);
        assert!(of(0, Some("3")).unwrap().is_empty());
        for bad in ["", "3", "3,-1", "3,$(x)", "-o,1"] {
            assert!(of(2, Some(bad)).unwrap_err().contains("asks for 2"), "{bad}");
        }
        let four = of(4, None).unwrap();
        assert_eq!(shares(&four, 2), ["0,1", "2,3"]);
        assert_eq!(shares(&four, 3), ["0,1,2"]);
        assert_eq!(shares(&four, 0), ["0", "1", "2", "3"]);
    }
}
