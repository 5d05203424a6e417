//! A scorer in a container that Podman runs, for real.

use std::process::{Command, Output};
use std::time::Duration;

use super::*;
use crate::support::env::Run;

/// Its image, which holds BusyBox alone.
const IMAGE: &str = "molsieve-test/tiny:1";

/// What Podman needs of its configuration to run a container, from what every machine has to what small containers
/// leave it: limits that it need not raise, and a runtime that knows cgroups of both versions at once.
const CONFIGURATIONS: [&str; 3] = ["", LOW_LIMITS, LOW_LIMITS_AND_RUNC];
const LOW_LIMITS: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
const LOW_LIMITS_AND_RUNC: &str = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
    [engine]\nruntime = \"runc\"\n";

/// A scorer of one line of awk, as the image has nothing else.
const AWK: &str = "BEGIN { print \"ordinal\\tscore\" } { print $2 \"\\t\" length($1) } \
    /Po/ { while (1) { } }";

/// Podman with a store and a configuration of its own, so that nobody's images and containers are touched.
struct Podman {
    variables: [(&'static str, String); 2],
}

impl Podman {
    /// One that runs containers; none where this machine lets nobody run any, which is said.
    ///
    /// Where all must be there, everything else that keeps it from running is a failure.
    fn find(env: &TestEnv) -> Option<Self> {
        if let Err(why) = may_make_namespaces() {
            eprintln!("not tried: this machine lets nobody run a container: {why}");
            return None;
        }
        match Self::with_image(env) {
            Ok(podman) => Some(podman),
            Err(why) => {
                let must_run = std::env::var("CI").as_deref() == Ok("true");
                assert!(
                    !must_run,
                    "Podman could run containers here, and does not (./setup --test installs it): {why}"
                );
                eprintln!("not tried: {why}");
                None
            }
        }
    }

    fn with_image(env: &TestEnv) -> Result<Self, String> {
        let archive = image(env)?;
        let directory = |name: &str| env.path(name).display().to_string();
        let store = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = {:?}\nrunroot = {:?}\n",
            directory("store"),
            directory("run-store")
        );
        let store = env.write("storage.conf", store).display().to_string();
        let config = env.path("containers.conf").display().to_string();
        let podman = Self { variables: [("CONTAINERS_CONF", config), ("CONTAINERS_STORAGE_CONF", store)] };
        let mut refusals = Vec::new();
        for configuration in CONFIGURATIONS {
            env.write("containers.conf", configuration);
            let tried = podman
                .says(&["import", &archive, IMAGE])
                .and_then(|_| podman.says(&["run", "--rm", "--network", "none", IMAGE, "ls"]));
            match tried {
                Ok(_) => return Ok(podman),
                Err(why) => refusals.push(why),
            }
        }
        Err(refusals.join("; "))
    }

    /// What `podman ARGS` prints.
    fn says(&self, args: &[&str]) -> Result<String, String> {
        said(Command::new("podman").args(args).envs(self.variables.iter().map(|(name, value)| (name, value))))
    }

    /// Runs the program where it finds this Podman's store and configuration.
    fn molsieve(&self, env: &TestEnv, args: &[&str]) -> Run {
        let mut command = env.command(args.iter().copied());
        Run(command.envs(self.variables.iter().map(|(name, value)| (name, value))).output().unwrap())
    }
}

/// What a command prints, or why it did not succeed.
fn said(command: &mut Command) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let program = command.get_program().display().to_string();
    let Output { status, stdout, stderr } = command.output().map_err(|e| format!("`{program}` cannot start: {e}"))?;
    if status.success() {
        Ok(text(&stdout))
    } else {
        Err(format!("`{program}` ended with {status}: {}", text(&stderr)))
    }
}

/// Every container is made of namespaces: root needs a capability for them, anybody else a user namespace around them.
fn may_make_namespaces() -> Result<(), String> {
    let user: &[&str] = if rustix::process::getuid().is_root() { &[] } else { &["--user", "--map-root-user"] };
    said(Command::new("unshare").args(user).args(["--mount", "--pid", "--fork", "true"])).map(drop)
}

/// The archive of an image that holds BusyBox alone.
fn image(env: &TestEnv) -> Result<String, String> {
    let known = ["/bin/busybox", "/usr/bin/busybox"];
    let busybox = known.into_iter().find(|path| std::path::Path::new(path).exists()).ok_or("there is no BusyBox")?;
    let root = env.path("rootfs");
    for dir in ["bin", "tmp", "proc", "dev", "sys", "etc"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for name in ["sh", "awk", "touch", "ls"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    let archive = env.path("rootfs.tar");
    said(Command::new("tar").args(["--owner=0", "--group=0", "-C"]).arg(&root).arg("-cf").arg(&archive).arg("."))?;
    Ok(archive.display().to_string())
}

#[test]
fn podman_runs_a_scorer_and_keeps_no_container_of_one_that_was_killed() {
    let env = place();
    let Some(podman) = Podman::find(&env) else { return };
    env.write("score.sh", format!("awk '{AWK}' \"$1\" >\"$2\"; touch /campaign 2>/dev/null; ls /sys/class/net >&2\n"));
    let variables: Vec<String> = podman.variables.iter().map(|(name, value)| format!("{name} = {value:?}")).collect();
    let more = format!(
        "name = \"awk\"\nversion = \"1\"\ncolumns = [{{ name = \"score\" }}]\nbatch_size = 16\ntimeout = \"6s\"\n\
         env = {{ {} }}\ncontainer = {{ runtime = \"podman\", image = \"{IMAGE}\" }}",
        variables.join(", ")
    );
    let argv = text(&["sh", "./score.sh", "{in}", "{out}"]);
    let scorer = format!("kind = \"command\"\nprotocol = \"batch\"\nargv = [{argv}]\n{more}");
    let file = env.campaign("it").scorer(&scorer).write();
    podman.molsieve(&env, &["run", &file, "--dir", "it"]).exits(0);
    let rows = rows(&env, "it");
    assert_eq!((rows[0].as_str(), rows[3].as_str()), ("0,id 0,OK,,2", "3,id 3,OK,,5"));
    // Its command was killed, and with it the container that Podman would have kept.
    assert_eq!(rows[POISON_ORDINAL], format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,timeout,"));
    let left = || podman.says(&["ps", "--all", "--quiet", "--filter", "name=^molsieve-"]).unwrap();
    // (Podman takes its time to remove one that was killed.)
    let is_clean = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        left().is_empty()
    });
    assert!(is_clean, "left behind: {}", left());
}
