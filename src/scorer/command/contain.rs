//! A scorer in a container: how its command is wrapped.
//!
//! The container holds the scorer alone; the worker, and a translator if there is one, stay outside. It
//! sees the directory of the campaign file and the files that the campaign names, read-only and
//! under their own paths; its private directory, which it may write to; and no network, unless the
//! campaign says so. The command is an argument vector: no shell reads it.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::launch::{GPUS_VARIABLE, TMP_VARIABLE};
use crate::error::{Error, Result};

/// The hidden subcommand that becomes a container; its one argument is a [`Contained`] as JSON.
pub const SUBCOMMAND: &str = "__contain";

/// What a container can be run by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Apptainer, or Singularity as it was called.
    Apptainer,
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// What runs it.
    pub runtime: Runtime,
    /// The program of the runtime: an absolute path.
    pub program: PathBuf,
    /// An image file (absolute path), or the name of an image.
    pub image: String,
    /// What the image is: SHA-256 of the file, or the digest that the runtime knows it by.
    pub digest: String,
    /// What it sees beside the usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binds: Vec<Bind>,
    /// Whether it has the network of this machine.
    #[serde(default)]
    pub network: bool,
}

impl Container {
    /// The program that keeps what it runs although its command was killed; Apptainer's containers end with theirs.
    pub fn keeper(&self) -> Option<&Path> {
        (self.runtime != Runtime::Apptainer).then_some(self.program.as_path())
    }

    /// The digests by which Docker or Podman knows the image: first that of its repository, if it has one.
    ///
    /// # Errors
    /// There is no such image here (exit 6).
    pub fn known_digests(&self) -> Result<Vec<String>> {
        let (program, image) = (&self.program, &self.image);
        let ask = ["image", "inspect", "--format", "{{json .RepoDigests}} {{.Id}}", image];
        let done = Command::new(program).args(ask).stdin(Stdio::null()).output();
        let done = done.map_err(|e| Error::io("cannot start", program, &e))?;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let is_hex = |text: &&str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        // `["name@sha256:HEX",…] sha256:HEX`; Podman leaves the last `sha256:` out.
        let words = said.split(|c: char| !c.is_ascii_hexdigit()).filter(is_hex);
        let mut found: Vec<String> = words.map(|hex| format!("sha256:{hex}")).collect();
        let id = found.pop();
        found.sort_unstable();
        found.extend(id);
        found.dedup();
        if !done.status.success() || found.is_empty() {
            return Err(Error::environment(format!("`{}` has no image `{image}`", program.display()))
                .hint(format!("get it first: `{} pull {image}`", program.display())));
        }
        Ok(found)
    }

    /// Checks that it is still the one that was frozen: an image that is found by its name may be another now.
    ///
    /// # Errors
    /// It is another (exit 2), or there is none (exit 6).
    pub fn check(&self) -> Result<()> {
        // The file of an Apptainer image is among those of the scorer, which are digested anyway.
        if self.runtime == Runtime::Apptainer || self.known_digests()?.contains(&self.digest) {
            return Ok(());
        }
        let what = format!("the image `{}` is not the one that was planned, `{}`", self.image, self.digest);
        Err(Error::usage(what)
            .hint("get that one, or run the changed scorer as a campaign of its own in another directory"))
    }
}

/// A path that the container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// Here: absolute.
    pub from: String,
    /// In the container.
    pub to: String,
    /// Whether it may be written to.
    #[serde(default)]
    pub write: bool,
}

/// A container and what the scorer in it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contained {
    /// The container.
    pub container: Container,
    /// Where the scorer runs: seen, and read-only.
    pub directory: PathBuf,
    /// Files that it reads, wherever they are.
    pub files: Vec<PathBuf>,
    /// Variables that the campaign file sets.
    pub env: Vec<String>,
    /// The program and its arguments; empty where a translator makes them.
    pub argv: Vec<String>,
}

/// Variables that a scorer gets in a container too.
const PASSED: [&str; 4] = ["OMP_NUM_THREADS", GPUS_VARIABLE, TMP_VARIABLE, "PYTHONUNBUFFERED"];

impl Contained {
    /// This, as one argument.
    ///
    /// # Errors
    /// It has no canonical form (a defect of ours).
    pub fn to_argument(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::bug(format!("a container cannot be described: {e}")))
    }

    /// The command that runs `argv` in the container called `name`, with `tmp` to write to and the GPUs in `gpus`.
    pub fn wrap(&self, argv: &[String], name: &str, tmp: &str, gpus: Option<&str>) -> Vec<String> {
        let mut all = vec![self.container.program.display().to_string()];
        match self.container.runtime {
            Runtime::Apptainer => self.apptainer(&mut all, tmp, gpus),
            Runtime::Docker | Runtime::Podman => self.docker(&mut all, name, tmp, gpus),
        }
        all.extend(argv.iter().cloned());
        all
    }

    fn apptainer(&self, all: &mut Vec<String>, tmp: &str, gpus: Option<&str>) {
        let mut say = |text: &str| all.push(text.to_owned());
        ["exec", "--cleanenv", "--containall", "--no-home"].into_iter().for_each(&mut say);
        if !self.container.network {
            ["--net", "--network", "none"].into_iter().for_each(&mut say);
        }
        if gpus.is_some() {
            say("--nv");
        }
        for Bind { from, to, write } in self.binds(tmp) {
            say("--bind");
            say(&format!("{from}:{to}:{}", if write { "rw" } else { "ro" }));
        }
        say("--pwd");
        say(&self.directory.display().to_string());
        say(&self.container.image);
    }

    fn docker(&self, all: &mut Vec<String>, name: &str, tmp: &str, gpus: Option<&str>) {
        let mut say = |text: &str| all.push(text.to_owned());
        ["run", "--rm", "--interactive", "--pull=never", "--name", name].into_iter().for_each(&mut say);
        if !self.container.network {
            ["--network", "none"].into_iter().for_each(&mut say);
        }
        if self.container.runtime == Runtime::Docker {
            // Rootless Podman makes the user its root; Docker's root would leave files that nobody else may remove.
            let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
            say("--user");
            say(&format!("{user}:{group}"));
        }
        match (gpus, self.container.runtime) {
            (Some(devices), Runtime::Podman) => {
                devices.split(',').for_each(|device| say(&format!("--device=nvidia.com/gpu={device}")));
            }
            (Some(devices), _) => say(&format!("--gpus=\"device={devices}\"")),
            (None, _) => {}
        }
        for Bind { from, to, write } in self.binds(tmp) {
            say("--mount");
            say(&format!("type=bind,src={from},dst={to}{}", if write { "" } else { ",readonly" }));
        }
        // By name alone: the values are in our environment, and not for everybody to see.
        for name in self.variables() {
            say("--env");
            say(name);
        }
        say("--workdir");
        say(&self.directory.display().to_string());
        // The entry point of the image would be another program than the one that is named.
        say("--entrypoint=");
        say(&self.container.image);
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        PASSED.into_iter().chain(self.env.iter().map(String::as_str))
    }

    /// What the container sees, outer directories first.
    fn binds(&self, tmp: &str) -> Vec<Bind> {
        let same = |path: &str, write| Bind { from: path.to_owned(), to: path.to_owned(), write };
        let directory = self.directory.display().to_string();
        let mut all = vec![same(&directory, false)];
        let outside = self.files.iter().filter(|file| !file.starts_with(&self.directory));
        all.extend(outside.map(|file| same(&file.display().to_string(), false)));
        all.extend(self.container.binds.iter().cloned());
        all.push(same(tmp, true));
        all
    }

    /// The variables that make Apptainer set those of the scorer; Docker and Podman read them from ours.
    pub fn settings_of_runtime(&self) -> Vec<(String, String)> {
        if self.container.runtime != Runtime::Apptainer {
            return Vec::new();
        }
        let given = self.variables().filter_map(|name| Some((name, std::env::var(name).ok()?)));
        given
            .flat_map(|(name, value)| {
                ["APPTAINERENV", "SINGULARITYENV"].map(|way| (format!("{way}_{name}"), value.clone()))
            })
            .collect()
    }
}

/// The beginning of the names of the containers of the child whose private directory is `tmp`.
pub fn name_of(tmp: &Path) -> String {
    tmp.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Becomes the container. `arguments` are those after [`SUBCOMMAND`]. Returns only if that failed.
pub fn exec(arguments: &[OsString]) -> Error {
    match try_exec(arguments) {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

fn try_exec(arguments: &[OsString]) -> Result<Infallible> {
    let contained = match arguments {
        [text] => text.to_str().and_then(|text| serde_json::from_str::<Contained>(text).ok()),
        _ => None,
    };
    let (Some(contained), Ok(tmp)) = (contained, std::env::var(TMP_VARIABLE)) else {
        return Err(Error::usage(format!("`{SUBCOMMAND}` is for molsieve itself"))
            .hint("to score records, use `molsieve run` with a campaign file"));
    };
    let gpus = std::env::var(GPUS_VARIABLE).ok();
    let name = format!("{}-0", name_of(Path::new(&tmp)));
    let argv = contained.wrap(&contained.argv, &name, &tmp, gpus.as_deref());
    let failure = Command::new(&argv[0]).args(&argv[1..]).envs(contained.settings_of_runtime()).exec();
    Err(Error::environment(format!("cannot start `{}`: {failure}", argv[0])))
}

/// Removes what containers of the child whose private directory is `tmp` are still there: Docker and
/// Podman keep a container that runs although its command was killed. Blocks for as long as that takes.
pub fn reap(program: &Path, tmp: &Path) {
    let filter = format!("name=^{}-", name_of(tmp));
    let run = |args: &[&str]| {
        Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()
            .map(|done| done.stdout)
    };
    let listed = run(&["ps", "--all", "--quiet", "--filter", &filter]).unwrap_or_default();
    let listed = String::from_utf8_lossy(&listed);
    let ids: Vec<&str> =
        listed.lines().filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_hexdigit())).collect();
    for id in ids {
        run(&["rm", "--force", "--volumes", id]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn contained(runtime: Runtime, network: bool) -> Contained {
        Contained {
            container: Container {
                runtime,
                program: "/usr/bin/it".into(),
                image: "image".to_owned(),
                digest: "sha256:0".to_owned(),
                binds: vec![Bind { from: "/data".to_owned(), to: "/d".to_owned(), write: false }],
                network,
            },
            directory: "/campaign".into(),
            files: vec!["/campaign/a".into(), "/else/b".into()],
            env: vec!["LICENCE".to_owned()],
            argv: Vec::new(),
        }
    }

    #[test]
    fn only_docker_and_podman_keep_a_container_whose_command_was_killed() {
        let keeper = |runtime| contained(runtime, false).container.keeper().map(Path::to_path_buf);
        assert_eq!(keeper(Runtime::Apptainer), None);
        assert_eq!(keeper(Runtime::Docker), Some("/usr/bin/it".into()));
        assert_eq!(keeper(Runtime::Podman), Some("/usr/bin/it".into()));
    }

    #[test]
    fn an_image_that_nobody_has_or_that_is_another_is_refused() {
        let mut container = contained(Runtime::Podman, false).container;
        container.program = "/usr/bin/false".into();
        assert_eq!(container.check().unwrap_err().kind(), Kind::Environment);
        let dir = tempfile::tempdir().unwrap();
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        container.program = dir.path().join("podman");
        let script = format!("#!/bin/sh\necho '[\"it@{}\"] {}'\n", digest("a"), "b".repeat(64));
        std::fs::write(&container.program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&container.program, mode).unwrap();
        assert_eq!(container.known_digests().unwrap(), [digest("a"), digest("b")]);
        assert_eq!(container.check().unwrap_err().kind(), Kind::Usage);
        container.digest = digest("b");
        container.check().unwrap();
    }

    #[test]
    fn a_command_is_wrapped_as_a_vector() {
        let argv = ["score".to_owned(), "$(x); y".to_owned()];
        let sif = contained(Runtime::Apptainer, false).wrap(&argv, "n", "/tmp/t", Some("1"));
        let expected = "/usr/bin/it exec --cleanenv --containall --no-home --net --network none --nv \
            --bind /campaign:/campaign:ro --bind /else/b:/else/b:ro --bind /data:/d:ro --bind /tmp/t:/tmp/t:rw \
            --pwd /campaign image score";
        assert_eq!(sif[..sif.len() - 1].join(" "), expected);
        assert_eq!(sif.last().unwrap(), "$(x); y");
        let podman = contained(Runtime::Podman, true).wrap(&argv, "n", "/tmp/t", Some("1,2")).join(" ");
        assert!(
            !podman.contains("--network") && podman.contains("--device=nvidia.com/gpu=1 --device=nvidia.com/gpu=2")
        );
        assert!(podman.contains("--mount type=bind,src=/campaign,dst=/campaign,readonly"), "{podman}");
        assert!(podman.contains("src=/tmp/t,dst=/tmp/t ") && podman.contains("--env LICENCE"), "{podman}");
        let docker = contained(Runtime::Docker, false).wrap(&argv, "n", "/tmp/t", None).join(" ");
        assert!(
            docker.contains("--network none") && docker.contains("--user ") && !docker.contains("gpus"),
            "{docker}"
        );
    }
}
