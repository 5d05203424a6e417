//! A scorer in a container: against runtimes that only write down what they were asked.

use std::os::unix::fs::PermissionsExt;

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
fn the_client_of_a_runtime_speaks_to_the_same_daemon_whenever_it_is_called() {
    let env = place();
    let told = "#!/bin/sh\necho \"$1 at $DOCKER_HOST $SECRET\" >>\"${0%/*}/log\"\n";
    script(&env, "docker", &DOCKER.replacen("#!/bin/sh\n", told, 1));
    env.write("bin/digest", "1".repeat(64));
    let (python, hello) = (python(), project("configs/scorers/hello_scorer.py"));
    let container = "container = { runtime = \"docker\", image = \"tiny:1\" }";
    let argv = [python.as_str(), hello.to_str().unwrap()];
    let file = env.campaign("it").scorer(&scorer("jsonl", &argv, container)).write();
    let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = env.command(["run", &file, "--dir", "it"]);
    Run(command.env("PATH", path).env("DOCKER_HOST", "unix:///there").env("SECRET", "s").output().unwrap()).exits(0);
    let said = log(&env);
    for order in ["image", "ps"] {
        assert!(said.contains(&format!("{order} at unix:///there")), "{said}");
    }
    assert!(said.contains("run at unix:///there \n"), "and of the rest of our environment it learns nothing: {said}");
    assert!(!said.contains("--env DOCKER_HOST"), "the scorer in it has no use for it: {said}");
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
