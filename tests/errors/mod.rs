//! What a person is told when something is wrong: one snapshot an error, reviewed as text.
//!
//! Each must say what happened, to what, and what to do. After a change that is meant, run the tests
//! with `INSTA_UPDATE=always`, and read the difference as a user would.

use crate::support::env::{Run, TestEnv, project};

/// Compares what `run` printed, and its exit code, with `tests/errors/NAME.snap`.
#[track_caller]
fn told(env: &TestEnv, name: &str, run: &Run) {
    let here = env.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let project = project("").display().to_string();
    let text =
        (run.stderr() + &run.stdout()).replace(here, "<here>").replace(project.trim_end_matches('/'), "<project>");
    let text = format!("exit {}\n{}", run.0.status.code().unwrap(), without_digests(&text));
    insta::with_settings!({snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(name, text);
    });
    let told = ["\nstopped: ", "\nerror: ", "\nNOT VERIFIED"].iter().any(|word| text.contains(word));
    assert!(told, "{name}: no error is told: {text}");
    assert!(text.contains("\n  hint: "), "{name}: a person does not learn what to do: {text}");
}

/// Digests depend on times, and are the same length.
fn without_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "sha256:…" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

/// A program that does what `script` says.
fn program(env: &TestEnv, name: &str, script: &str) {
    let path = env.write(name, format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

fn run_file(env: &TestEnv, text: &str) -> Run {
    env.write("c.toml", text);
    env.molsieve(["run", "c.toml", "--dir", "d"])
}

const GOOD: &str = "[campaign]\nname = \"c\"\n[library]\npath = [\"library.smi\"]\n[scorer]\nkind = \"null\"\n";

#[test]
fn of_campaign_files() {
    let env = TestEnv::new();
    env.small_library(10);
    let with = |what: &str| format!("{GOOD}{what}");
    told(&env, "unknown-key", &run_file(&env, &with("[shards]\nrecord = 10\n")));
    told(&env, "unknown-section", &run_file(&env, &with("[shard]\nrecords = 10\n")));
    told(&env, "not-toml", &run_file(&env, "[campaign\nname = 1"));
    told(&env, "wrong-type", &run_file(&env, &with("[shards]\nrecords = \"many\"\n")));
    told(&env, "missing-section", &run_file(&env, "[campaign]\nname = \"c\"\n"));
    told(&env, "unknown-scorer", &run_file(&env, &GOOD.replace("null", "similarty")));
    told(&env, "key-of-another-scorer", &run_file(&env, &GOOD.replace("\"null\"", "\"null\"\nactives = \"a.smi\"")));
    told(&env, "unknown-scheduler", &run_file(&env, &with("[scheduler]\nkind = \"pbs\"\n")));
    told(&env, "bad-duration", &run_file(&env, &with("[checkpoint]\nsync = \"half an hour\"\n")));
    told(&env, "two-shard-sizes", &run_file(&env, &with("[shards]\nrecords = 10\ntarget = \"45min\"\n")));
    told(&env, "unknown-rank", &run_file(&env, &with("[pack]\nrank = \"affinity\"\n")));
    told(&env, "no-key", &run_file(&env, &with("[pack]\nkey = \"me.pem\"\n")));
    told(&env, "unknown-output", &run_file(&env, &with("[pack]\noutputs = [\"pandas\"]\n")));
    told(&env, "unknown-value", &run_file(&env, &with("[pack]\norder = \"descending\"\n")));
    let command = |keys: &str| GOOD.replace("\"null\"", &format!("\"command\"\nprotocol = \"each\"\n{keys}"));
    told(&env, "column-of-another-shape", &run_file(&env, &command("columns = [\"score\"]")));
    told(&env, "unknown-key-of-a-column", &run_file(&env, &command("columns = [{ nmae = \"score\" }]")));
    told(&env, "key-of-another-section", &run_file(&env, &with("[pack]\nmax_error_rate = 0.1\n")));
    told(&env, "unknown-protocol", &run_file(&env, &command("").replace("each", "jsonlines")));
    told(&env, "no-campaign-file", &env.molsieve(["run", "nothing.toml"]));
}

#[test]
fn of_libraries() {
    let env = TestEnv::new();
    told(&env, "no-library", &run_file(&env, GOOD));
    env.write("library.smi", "");
    told(&env, "empty-library", &run_file(&env, GOOD));
    env.write("library.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b");
    told(&env, "truncated-library", &run_file(&env, &GOOD.replace("library.smi", "library.gz")));
    env.write("library.xlsx", "PK");
    told(&env, "foreign-library", &run_file(&env, &GOOD.replace("library.smi", "library.xlsx")));
    told(&env, "glob-of-nothing", &run_file(&env, &GOOD.replace("library.smi", "*.csv")));
    env.small_library(10);
    let column = GOOD.replace("[\"library.smi\"]", "[\"library.smi\"]\nid_column = \"7\"");
    told(&env, "no-such-column", &run_file(&env, &column));
}

#[test]
fn of_scorers() {
    let env = TestEnv::new();
    env.small_library(10);
    let command = |argv: &str| GOOD.replace("\"null\"", &format!("\"command\"\nargv = {argv}"));
    told(&env, "no-program", &run_file(&env, &command("[\"dock-it\"]")));
    told(&env, "argv-in-one-text", &run_file(&env, &command("[\"python3 p.py {structure}\"]")));
    let script = |name: &str, text: &str| {
        let path = env.write(name, format!("#!/bin/sh\n{text}\n"));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        run_file(&env, &command(&format!("[\"./{name}\"]")))
    };
    told(&env, "no-hello", &script("silent", "echo 'no licence' >&2; exit 3"));
    told(&env, "bad-hello", &script("liar", "echo '{\"name\": 1}'; cat"));
    let hello = "{\"name\":\"x\",\"version\":\"1\",\"columns\":[{\"name\":\"s\",\"type\":\"float\"}],\"batch_size\":4,\
                 \"deterministic\":true}";
    let babble = format!("echo '{hello}'; while read -r line; do echo '{{]'; done");
    env.small_library(20);
    told(&env, "broken-protocol", &script("babble", &babble));
}

#[test]
fn of_campaigns_that_went_wrong() {
    let env = TestEnv::new();
    env.small_library(10);
    let each = |pattern: &str| {
        let keys = "protocol = \"each\"\nargv = [\"sh\", \"score.sh\", \"{ordinal}\", \"{structure}\"]\nname = \"s\"\n\
                    version = \"1\"\ncolumns = [{ name = \"score\" }]";
        let shards = "[shards]\nrecords = 5\n";
        GOOD.replace("\"null\"", &format!("\"command\"\n{keys}\npattern = '{pattern}'")) + shards
    };
    env.write("score.sh", "echo no number\n");
    told(&env, "errors-alone", &run_file(&env, &each("(?P<score>[0-9]+)")));
    env.write("score.sh", "if [ $1 -gt 3 ]; then echo $1; fi\n");
    run_file(&env, &each("(?P<score>[0-9]+)")).exits(0).says("6 OK, 0 SKIP, 4 ERROR");
    let other = each("^(?P<score>[0-9]+)$").replace("version = \"1\"", "version = \"2\"");
    told(&env, "another-campaign-by-several-keys", &run_file(&env, &other));
    env.write("score.sh", "echo $1\n");
    told(&env, "retry-of-another-scorer", &env.molsieve(["retry", "d", "--errors"]));
    env.write("score.sh", "if [ $1 -gt 3 ]; then echo $1; fi\n");
    let receipt = || {
        let mut files = std::fs::read_dir(env.path("d/groups/000001")).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.to_str().unwrap().ends_with(".receipt.json")).unwrap()
    };
    std::fs::write(receipt(), "{").unwrap();
    let run = env.molsieve(["retry", "d", "--errors"]);
    let attempt = receipt().file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
    assert!(run.stderr().contains(&format!("receipt `000001/{attempt}`")), "{run}");
    assert!(run.stderr().contains("move `") && !env.path("d-retry").exists(), "{run}");
    std::fs::remove_file(receipt()).unwrap();
    told(&env, "retry-without-a-receipt", &env.molsieve(["retry", "d", "--errors"]));
    assert!(!env.path("d-retry").exists(), "nothing was made");
    // What the hint says works.
    std::fs::rename(env.path("d/pack"), env.path("pack-that-was")).unwrap();
    env.molsieve(["resume", "d"]).exits(0).says("6 OK, 0 SKIP, 4 ERROR");
    env.molsieve(["retry", "d", "--errors"]).exits(0).says("4 records are scored again");
}

#[test]
fn of_campaign_directories() {
    let env = TestEnv::new();
    env.small_library(10);
    told(&env, "no-campaign", &env.molsieve(["status", "nowhere"]));
    run_file(&env, GOOD).exits(0);
    told(&env, "another-campaign", &run_file(&env, &GOOD.replace("[scorer]", "[shards]\nrecords = 3\n[scorer]")));
    run_file(&env, GOOD).exits(0);
    told(&env, "pilot-too-late", &env.molsieve(["pilot", "c.toml", "--dir", "d"]));
    env.write("full/thesis.txt", "");
    told(&env, "not-empty", &env.molsieve(["run", "c.toml", "--dir", "full"]));
    run_file(&env, GOOD).exits(0);
    env.molsieve(["plan", "c.toml", "--dir", "planned"]).exits(0);
    told(&env, "nothing-to-gather", &env.molsieve(["gather", "planned"]));
    told(&env, "nothing-to-pack", &env.molsieve(["gather", "planned", "--allow-incomplete"]));
    told(&env, "no-pack-yet", &env.molsieve(["verify", "planned"]));
    told(&env, "no-pack-in-there", &env.molsieve(["verify", "full"]));
    told(&env, "toml-is-no-pack", &env.molsieve(["verify", "c.toml"]));
    env.write("library.smi", "C a\n");
    told(&env, "changed-library", &env.molsieve(["run", "c.toml", "--dir", "planned"]));
}

#[test]
fn of_packs_and_keys() {
    let env = TestEnv::new();
    env.small_library(10);
    run_file(&env, GOOD).exits(0);
    told(&env, "no-pack", &env.molsieve(["verify", "nothing.zip"]));
    env.write("text.zip", "this is not a zip");
    told(&env, "not-a-zip", &env.molsieve(["verify", "text.zip"]));
    told(&env, "no-such-key", &env.molsieve(["sign", "d", "--key", "me.pem"]));
    env.write("me.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let mode = |mode| std::fs::set_permissions(env.path("me.pem"), std::os::unix::fs::PermissionsExt::from_mode(mode));
    mode(0o600).unwrap();
    told(&env, "bad-key", &env.molsieve(["sign", "d", "--key", "me.pem"]));
    std::fs::remove_file(env.path("me.pem")).unwrap();
    env.molsieve(["keygen", "--out", "me.pem"]).exits(0);
    told(&env, "public-key-signs", &env.molsieve(["sign", "d", "--key", "me.pub.pem"]));
    told(&env, "private-key-verifies", &env.molsieve(["verify", "d", "--key", "me.pem"]));
    told(&env, "key-exists", &env.molsieve(["keygen", "--out", "me.pem"]));
    told(&env, "unsigned", &env.molsieve(["verify", "d"]));
    mode(0o644).unwrap();
    told(&env, "open-key", &env.molsieve(["sign", "d", "--key", "me.pem"]));
}

#[test]
fn of_first_minutes() {
    let env = TestEnv::new();
    env.molsieve(["init"]).exits(0);
    told(&env, "init-twice", &env.molsieve(["init"]));
    told(&env, "doctor-nowhere", &env.molsieve(["doctor", "nowhere"]));
}

#[test]
fn of_sites() {
    let env = TestEnv::new();
    env.small_library(10);
    let at = |what: &str| run_file(&env, &format!("{GOOD}[scheduler]\n{what}\n"));
    told(&env, "no-site", &at("site = \"our-clutser\""));
    let site = "schema = \"molsieve.site.v1\"\nname = \"our-cluster\"\n[scheduler]\nkind = \"slurm\"\n";
    env.write("home/sites/our-cluster.toml", site);
    told(&env, "another-site", &at("site = \"our-clutser\""));
    told(&env, "no-site-file", &at("site = \"./nowhere.toml\""));
    env.write("bad.toml", format!("{site}partitoin = \"long\"\n"));
    told(&env, "unknown-key-of-a-site", &at("site = \"bad.toml\""));
    env.write("bad.toml", site.replace("molsieve.site.v1", "molsieve.campaign.v1"));
    told(&env, "another-schema-of-a-site", &at("site = \"bad.toml\""));
    env.write("bad.toml", format!("{site}settle = 60\n"));
    told(&env, "wrong-type-in-a-site", &at("site = \"bad.toml\""));
    env.write("bad.toml", format!("login = \"login node\"\n{site}"));
    told(&env, "bad-login", &at("site = \"bad.toml\""));
    told(&env, "no-template", &at("site = \"our-cluster\"\ntemplate = \"batch.sh\""));
    env.write("batch.sh", "#!/bin/sh\n{directives}\n");
    told(&env, "template-without-a-command", &at("site = \"our-cluster\"\ntemplate = \"batch.sh\""));
    told(&env, "local-with-a-partition", &at("kind = \"local\"\npartition = \"long\""));
    told(&env, "shell-in-a-word", &at("site = \"our-cluster\"\naccount = \"$(id)\""));
    run_file(&env, GOOD).exits(0);
    told(&env, "test-only-here", &env.molsieve(["plan", "c.toml", "--dir", "d", "--test-only"]));
    told(&env, "resume-at-no-site", &env.molsieve(["resume", "d", "--site", "elsewhere"]));
    told(&env, "site-init-twice", &env.molsieve(["site", "init", "our-cluster"]));
    told(&env, "site-with-a-bad-name", &env.molsieve(["site", "init", "our cluster"]));
    told(&env, "doctor-tries-nothing", &env.molsieve(["doctor", "--try", "."]));
    told(&env, "doctor-of-no-site", &env.molsieve(["doctor", "--scheduler", "ray"]));
    told(&env, "doctor-of-two-sites", &env.molsieve(["doctor", "--site=our-cluster", "--scheduler", "ray"]));
    // A machine of another cluster that has some of SLURM's commands.
    program(&env, "bin/sbatch", "exit 1");
    let there = |args: &[&str]| {
        let output = env.command(args.iter().copied()).env("PATH", env.path("bin")).output().unwrap();
        Run(output)
    };
    told(&env, "site-init-elsewhere", &there(&["site", "init", "our-pool"]));
    told(&env, "site-init-of-another-kind", &there(&["site", "init", "our-pool", "--scheduler", "htcondor"]));
    // One that has all of them, and belongs to no cluster: it is asked once.
    let unset = "echo >>asked; echo 'scontrol: fatal: Could not establish a configuration source' >&2; exit 1";
    program(&env, "bin/scontrol", unset);
    told(&env, "site-init-nowhere", &there(&["site", "init", "our-pool"]));
    assert_eq!(std::fs::read_to_string(env.path("asked")).unwrap(), "\n");
}

#[test]
fn of_provenance() {
    let env = TestEnv::new();
    env.write("library.smi", "C a\nCC b\nCCC a\n");
    run_file(&env, GOOD).exits(0);
    told(&env, "id-repeats", &env.molsieve(["prove", "d", "--id", "a"]));
    told(&env, "no-such-id", &env.molsieve(["prove", "d", "--id", "z"]));
    env.molsieve(["prove", "d", "--id", "b", "--out", "p.json"]).exits(0);
    let proof = std::fs::read_to_string(env.path("p.json")).unwrap();
    env.write("p.json", proof.replace("1,b,OK", "1,b,SKIP"));
    told(&env, "proof-does-not-hold", &env.molsieve(["prove", "--check", "p.json"]));
    env.write("p.json", "{}");
    told(&env, "no-proof", &env.molsieve(["prove", "--check", "p.json"]));
    env.write("c.toml", GOOD.replace("[library]", "seed = 5\n[library]"));
    told(&env, "another-request", &env.molsieve(["reproduce", "d", "--campaign", "c.toml", "--dir", "e"]));
    told(&env, "reproduced-in-place", &env.molsieve(["reproduce", "d", "--from", "d", "--dir", "d"]));
    std::fs::copy(env.path("d/pack/evidence_pack.zip"), env.path("p.zip")).unwrap();
    told(&env, "rescore-without-campaign", &env.molsieve(["verify", "p.zip", "--allow-unsigned", "--rescore", "1%"]));
    told(&env, "no-home", &env.molsieve(["audit", "verify"]));
    std::fs::create_dir(env.path("home")).unwrap();
    told(&env, "no-registry-entry", &env.molsieve(["registry", "show", "0123456789"]));
}
