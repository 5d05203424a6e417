//! A scorer in a container: against runtimes that only write down what they were asked, and against a real one.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;
use crate::support::env::Run;

/// Writes an executable script called `name` into `bin/`.
fn script(env: &TestEnv, name: &str, text: &str) {
    let path = env.write(&format!("bin/{name}"), text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs the program with `bin/` before everything else in PATH.
fn molsieve(env: &TestEnv, args: &[&str]) -> Run {
    let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH").unwrap());
    Run(env.command(args.iter().copied()).env("PATH", path).output().unwrap())
}

fn log(env: &TestEnv) -> String {
    std::fs::read_to_string(env.path("bin/log")).unwrap_or_default()
}

/// An Apptainer that becomes what comes after the image, on this machine.
const APPTAINER: &str = "#!/bin/sh
echo \"apptainer $*\" >>\"${0%/*}/log\"
env | grep ^APPTAINERENV_ >>\"${0%/*}/log\"
while case $1 in *.sif) false;; *) true;; esac; do shift; done
shift
exec \"$@\"
";

/// A Docker that knows one image, and forgets to end a container.
const DOCKER: &str = "#!/bin/sh
echo \"docker $*\" >>\"${0%/*}/log\"
case $1 in
image) [ \"$5\" = tiny:1 ] && echo \"[\\\"tiny@sha256:$(cat \"${0%/*}/digest\")\\\"] sha256:$(printf %064d 2)\" ;;
ps) echo abc123 ;;
rm) ;;
run) while [ \"$1\" != tiny:1 ]; do shift; done; shift; exec \"$@\" ;;
esac
";

fn scorer(protocol: &str, argv: &[&str], more: &str) -> String {
    format!("kind = \"command\"\nprotocol = \"{protocol}\"\nargv = [{}]\n{more}", text(argv))
}

const TABLE: &str = "name = \"table\"\nversion = \"1\"\ncolumns = [{ name = \"score\" }, { name = \"note\", type = \"string\", optional = true }]";

#[test]
fn apptainer_is_given_a_vector_without_network_and_the_image_is_part_of_the_identity() {
    let env = place();
    script(&env, "apptainer", APPTAINER);
    env.write("image.sif", "an image");
    let (python, table) = (python(), project("tests/scorers/table.py"));
    let argv = [python.as_str(), table.to_str().unwrap(), "ok", "", "{in}", "{out}"];
    let more = format!("{TABLE}\ncontainer = \"image.sif\"\nenv = {{ LICENCE = \"secret\" }}");
    let file = env.campaign("it").scorer(&scorer("batch", &argv, &more)).write();
    molsieve(&env, &["run", &file, "--dir", "it"]).exits(0);
    assert_eq!(rows(&env, "it")[0], "0,id 0,OK,,28.125,");
    let log = log(&env);
    assert!(log.contains("apptainer exec --cleanenv --containall --no-home --net --network none --bind "), "{log}");
    assert!(log.contains(&format!("--bind {0}:{0}:ro", table.display())), "{log}");
    assert!(log.contains("APPTAINERENV_LICENCE=secret") && log.contains("APPTAINERENV_MOLSIEVE_TMP=/"), "{log}");
    assert!(!log.contains("APPTAINERENV_HOME"), "{log}");
    let campaign = std::fs::read_to_string(env.path("it/campaign.json")).unwrap();
    let campaign: serde_json::Value = serde_json::from_str(&campaign).unwrap();
    let identity = &campaign["identity"]["scorer"];
    let sha256 = identity["settings"]["container"]["digest"].as_str().unwrap();
    assert!(sha256.starts_with("sha256:"), "{identity}");
    assert!(!identity.to_string().contains(&env.path("").display().to_string()));

    molsieve(&env, &["plan", &file, "--dir", "later"]).exits(0);
    env.write("image.sif", "another image");
    molsieve(&env, &["resume", "later"]).exits(2).says("`image.sif` has another content");
    let wrong = more.replace("\"image.sif\"", &format!("{{ image = \"image.sif\", digest = \"{sha256}\" }}"));
    let file = env.campaign("wrong").scorer(&scorer("batch", &argv, &wrong)).write();
    molsieve(&env, &["plan", &file, "--dir", "wrong"]).exits(2).says("the campaign file says `sha256:");
}

#[test]
fn docker_runs_a_jsonl_scorer_and_what_it_leaves_is_removed() {
    let env = place();
    script(&env, "docker", DOCKER);
    env.write("bin/digest", "1".repeat(64));
    std::fs::create_dir(env.path("scratch")).unwrap();
    let (python, hello) = (python(), project("configs/scorers/hello_scorer.py"));
    let container = "container = { runtime = \"docker\", image = \"tiny:1\", binds = [\"scratch:/s:rw\"] }";
    let argv = [python.as_str(), hello.to_str().unwrap()];
    let file = env.campaign("it").scorer(&scorer("jsonl", &argv, container)).write();
    molsieve(&env, &["run", &file, "--dir", "it"]).exits(0);
    assert_eq!(rows(&env, "it").len(), 40);
    let said = log(&env);
    assert!(said.contains("docker run --rm --interactive --pull=never --name molsieve-"), "{said}");
    assert!(said.contains(" --network none ") && said.contains("--env MOLSIEVE_TMP"), "{said}");
    assert!(said.contains(&format!("type=bind,src={},dst=/s ", env.path("scratch").display())), "{said}");
    assert!(said.contains("docker ps --all --quiet --filter name=^molsieve-"), "{said}");
    assert!(said.contains("docker rm --force --volumes abc123"), "{said}");
    let campaign = std::fs::read_to_string(env.path("it/campaign.json")).unwrap();
    assert!(campaign.contains(&format!("\"container\":{{\"digest\":\"sha256:{}\"}}", "1".repeat(64))));

    molsieve(&env, &["plan", &file, "--dir", "later"]).exits(0);
    env.write("bin/digest", "3".repeat(64));
    molsieve(&env, &["resume", "later"]).exits(2).says("is not the one that was planned");
}

#[test]
fn a_container_that_cannot_work_is_refused_before_any_work() {
    let env = place();
    script(&env, "docker", DOCKER);
    env.write("bin/digest", "1".repeat(64));
    env.write("image.sif", "an image");
    for (container, code, says) in [
        ("\"image\"", 2, "does not say what runs the image"),
        ("{ runtime = \"chroot\", image = \"a\" }", 2, "known are: apptainer"),
        ("{ runtime = \"docker\", image = \"none:1\" }", 6, "has no image `none:1`"),
        ("{ runtime = \"docker\", image = \"--privileged\" }", 2, "names no image"),
        ("{ runtime = \"docker\", image = \"tiny:1\", binds = [\"nowhere\"] }", 2, "which is not there"),
        ("{ runtime = \"docker\", image = \"tiny:1\", binds = [\"image.sif:/a:rx\"] }", 2, "is no bind"),
        ("{ runtime = \"docker\", image = \"tiny:1\", privileged = true }", 2, "there is no key `privileged`"),
    ] {
        let argv = ["score", "{in}", "{out}"];
        let more = format!("{TABLE}\ncontainer = {container}");
        let file = env.campaign("it").scorer(&scorer("batch", &argv, &more)).write();
        molsieve(&env, &["plan", &file, "--dir", "it"]).exits(code).says(says);
        assert!(!env.path("it").join("campaign.json").exists());
    }
}

/// A scorer of one line of awk, as the image has nothing else.
const AWK: &str = "BEGIN { print \"ordinal\\tscore\" } { print $2 \"\\t\" length($1) } \
    /Po/ { while (1) { } }";

#[test]
fn podman_runs_a_scorer_where_this_machine_can_run_containers() {
    let env = place();
    let Some(config) = tiny_image(&env) else {
        eprintln!("not tried: Podman runs no container here (it needs podman, runc and busybox-static)");
        return;
    };
    env.write("score.sh", format!("awk '{AWK}' \"$1\" >\"$2\"; touch /campaign 2>/dev/null; ls /sys/class/net >&2\n"));
    let more = format!(
        "name = \"awk\"\nversion = \"1\"\ncolumns = [{{ name = \"score\" }}]\nbatch_size = 16\ntimeout = \"6s\"\n\
         env = {{ CONTAINERS_CONF = {config:?} }}\ncontainer = {{ runtime = \"podman\", image = \"molsieve-test/tiny:1\" }}"
    );
    let file = env.campaign("it").scorer(&scorer("batch", &["sh", "./score.sh", "{in}", "{out}"], &more)).write();
    env.molsieve(["run", &file, "--dir", "it"]).exits(0);
    let rows = rows(&env, "it");
    assert_eq!((rows[0].as_str(), rows[3].as_str()), ("0,id 0,OK,,2", "3,id 3,OK,,5"));
    // Its command was killed, and with it the container that Podman would have kept.
    assert_eq!(rows[POISON_ORDINAL], format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,timeout,"));
    let left = || {
        let ask = ["ps", "--all", "--quiet", "--filter", "name=^molsieve-"];
        String::from_utf8_lossy(&Command::new("podman").args(ask).output().unwrap().stdout).into_owned()
    };
    // (Podman takes its time to remove one that was killed.)
    let is_clean = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        left().is_empty()
    });
    assert!(is_clean, "left behind: {}", left());
}

/// Makes an image that holds BusyBox alone; the path of a configuration with which Podman runs it, if it does.
fn tiny_image(env: &TestEnv) -> Option<String> {
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| std::path::Path::new(path).exists())?;
    let root = env.path("rootfs");
    for dir in ["bin", "tmp", "proc", "dev", "sys", "etc"] {
        std::fs::create_dir_all(root.join(dir)).unwrap();
    }
    std::fs::copy(busybox, root.join("bin/busybox")).unwrap();
    for name in ["sh", "awk", "touch", "ls"] {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).unwrap();
    }
    let limits = "default_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]";
    let config = env.write("containers.conf", format!("[containers]\n{limits}\n[engine]\nruntime = \"runc\"\n"));
    let done = |command: &mut Command| command.output().is_ok_and(|done| done.status.success());
    let archive = env.path("rootfs.tar");
    let packed = done(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."));
    let mut import = Command::new("podman");
    let imported = packed && done(import.arg("import").arg(&archive).arg("molsieve-test/tiny:1"));
    let mut try_it = Command::new("podman");
    try_it.env("CONTAINERS_CONF", &config).args(["run", "--rm", "--network", "none", "molsieve-test/tiny:1", "ls"]);
    (imported && done(&mut try_it)).then(|| config.display().to_string())
}
