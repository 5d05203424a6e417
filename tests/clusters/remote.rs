//! From elsewhere: campaigns that run on another machine, reached through a real sshd.

use super::slurm::{Slurm, until};
use super::sshd::{Home, Sshd, TRANSPORTS};
use crate::support::env::{Run, TestEnv, processes, python, small_library};

/// Scores the length of a structure; slowly, while the file is there that `--slow=` names.
const SCORER: &str = r#"
import json, os, sys, time
import helper
slow = sys.argv[1].removeprefix("--slow=")
print(json.dumps({"name": "length", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "batch_size": 4, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if os.path.exists(slow):
        time.sleep(0.4)
    results = [[r[0], "OK", {"length": helper.length(r[2])}] for r in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// A campaign of `records` records with a scorer of two files, as `c.toml` in `home`; signed with `k.pem`.
fn campaign(home: &Home<'_>, records: usize, more: &str) {
    home.write("data/library.smi", small_library(records));
    home.write("bin/score.py", SCORER);
    home.write("bin/helper.py", "def length(structure):\n    return len(structure)\n");
    home.write("c.toml", text(home, more));
    home.here(&["keygen", "--out", "k.pem"]).exits(0);
}

fn text(home: &Home<'_>, more: &str) -> String {
    format!(
        "[campaign]\nname = \"far\"\nseed = 5\n[library]\npath = [\"data/*.smi\"]\n[scorer]\nkind = \"command\"\n\
         argv = [\"{}\", \"bin/score.py\", \"--slow={}\"]\nfiles = [\"bin/helper.py\"]\n[shards]\nrecords = 20\n\
         [checkpoint]\nsync = \"1s\"\n[pack]\nkey = \"k.pem\"\n{more}",
        python(),
        home.slow().display()
    )
}

/// The payload digest of the same campaign, run here.
fn digest_here(home: &Home<'_>) -> String {
    home.here(&["run", "c.toml", "--dir", "here"]).exits(0);
    home.payload_of("here")
}

/// What the pack in `dir` says was asked for.
fn identity(home: &Home<'_>, dir: &str) -> serde_json::Value {
    let manifest = std::fs::read(home.path(dir).join("pack/manifest.json")).unwrap();
    serde_json::from_slice::<serde_json::Value>(&manifest).unwrap()["campaign"].clone()
}

/// All that lies under `dir`, as one heap of bytes.
fn heap(dir: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(heap(&path));
        } else if path.file_name().is_some_and(|name| name != "molsieve") {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

fn holds(heap: &[u8], text: &str) -> bool {
    heap.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_campaign_runs_there_and_its_pack_comes_home_verified_and_signed_by_either_transport() {
    let env = TestEnv::new();
    for transport in TRANSPORTS {
        let Some(there) = Sshd::up(&env.path(&format!("{transport}-there"))) else { return };
        let home = Home::new(env.path(&format!("{transport}-home")), &there, transport);
        campaign(&home, 100, "");
        home.on(&["run", "c.toml", "--dir", "d"]).exits(0).says("uploading this program").says("VERIFIED");
        home.here(&["verify", "d", "--key", "k.pub.pem"]).exits(0);
        assert_eq!(home.payload_of("d"), digest_here(&home));
        assert_eq!(identity(&home, "d"), identity(&home, "here"), "{transport}: another campaign was computed");
        assert_eq!(home.facts(&["registry", "list"])["entries"].as_array().unwrap().len(), 2);
        // The key stayed at home, and so did every word about it.
        let there_is = heap(&there.root());
        assert!(!holds(&there_is, "PRIVATE KEY") && !holds(&there_is, "k.pem"), "{transport}: the key travelled");
        // Again, nothing is sent and nothing computed.
        let again = home.on(&["run", "c.toml", "--dir", "d"]).exits(0);
        assert!(!again.stderr().contains("uploading") && !again.stderr().contains("fetching"), "{again}");
    }
}

#[test]
fn what_one_home_submits_another_brings_home_and_signs() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let a = Home::new(env.path("a"), &there, "ssh2");
    campaign(&a, 60, "");
    a.on(&["submit", "c.toml", "--dir", "out/night-1"]).exits(0).says("molsieve status out/night-1");
    // Without `--on` from now on: the directory stands for the campaign there.
    until("the pack is sealed there", 60, || there.campaign("night-1").join("pack/manifest.json").exists());
    until("the driver has gone", 60, || a.facts(&["status", "out/night-1"])["state"] == "complete");
    a.here(&["logs", "out/night-1"]).exits(0);
    a.here(&["peek", "out/night-1"]).exits(0).says("length");
    let b = Home::new(env.path("b"), &there, "ssh");
    assert_eq!(
        b.on(&["--json", "status", "night-1"]).exits(0).stdout(),
        a.here(&["--json", "status", "out/night-1"]).stdout()
    );
    b.on(&["resume", "night-1"]).exits(0).says("`molsieve sign night-1 --key K.pem` signs it");
    assert_eq!(b.payload_of("night-1"), digest_here(&a));
    b.here(&["keygen", "--out", "b.pem"]).exits(0);
    b.here(&["sign", "night-1", "--key", "b.pem"]).exits(0);
    b.here(&["verify", "night-1", "--key", "b.pub.pem"]).exits(0);
    // And the first one, by signing alone.
    a.here(&["sign", "out/night-1", "--key", "k.pem"]).exits(0).says("fetching the pack");
    a.here(&["verify", "out/night-1", "--key", "k.pub.pem"]).exits(0);
    a.here(&["status", "out/night-1"]).exits(0).says("molsieve verify out/night-1 --key K.pub.pem");
    assert_eq!(a.facts(&["registry", "list"])["entries"].as_array().unwrap().len(), 2, "{}", digest_here(&a));
}

#[test]
fn a_host_that_is_not_the_known_one_gets_nothing() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let known = std::fs::read_to_string(there.known_hosts()).unwrap();
    let name = known.split(' ').next().unwrap();
    let other = format!("{name} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    for transport in TRANSPORTS {
        let home = Home::new(env.path(transport), &there, transport);
        campaign(&home, 10, "");
        std::fs::write(there.known_hosts(), &other).unwrap();
        home.on(&["submit", "c.toml", "--dir", "d"]).exits(5).says("the host key is not the known one");
        std::fs::write(there.known_hosts(), "").unwrap();
        let unknown = home.on(&["submit", "c.toml", "--dir", "d"]).exits(5).says("the host key is not known");
        assert!(!home.path("d").exists() && !there.root().join("inputs").exists(), "{transport}: something was begun");
        if transport == "ssh2" {
            let said = unknown.stderr();
            let fingerprint = said.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap().to_owned();
            let wrong = format!("SHA256:{}", "A".repeat(43));
            let refused = home.on(&["--accept-host-key", &wrong, "status", "d"]).exits(5);
            refused.says(&format!("it is {fingerprint}, and not {wrong}"));
            home.on(&["--accept-host-key", &fingerprint, "doctor"]).exits(0);
        }
        assert_eq!(
            std::fs::read_to_string(there.known_hosts()).unwrap(),
            "",
            "{transport}: a key was noted in silence"
        );
    }
    // Another machine has the name now, and a login there would be refused anyway.
    std::fs::write(there.known_hosts(), known).unwrap();
    let home = Home::new(env.path("ssh2"), &there, "ssh2");
    let stranger = there.login().replacen(there.login().split('@').next().unwrap(), "nobody-here", 1);
    home.here(&["--on", &stranger, "doctor"]).exits(5).says("may not log in");
    home.here(&["--on", "me@127.0.0.1:1", "doctor"]).exits(5).says("cannot be reached");
    home.here(&["--on", "-oProxyCommand=x@h", "doctor"]).exits(2);
}

#[test]
fn keys_are_taken_from_a_file_from_ssh_agent_and_with_a_pass_phrase_from_the_terminal() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let home = Home::new(env.path("home"), &there, "ssh2");
    let (open, encrypted) = (there.key(), env.path("encrypted"));
    home.keyless(&[], &["doctor"]).exits(5).says("tried: nothing");
    home.keyless(&[], &["--identity", open.to_str().unwrap(), "doctor"]).exits(0);
    let done = |program: &str, args: &[&str], socket: Option<&std::path::Path>| {
        let mut command = std::process::Command::new(program);
        command.args(args).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command.envs(socket.map(|socket| ("SSH_AUTH_SOCK", socket)));
        command.status().unwrap().success()
    };
    // ssh-agent, for as long as this takes.
    let socket = env.path("a.sock");
    let mut agent = std::process::Command::new("ssh-agent");
    let mut agent = agent.arg("-D").arg("-a").arg(&socket).stdout(std::process::Stdio::null()).spawn().unwrap();
    until("ssh-agent answers", 20, || done("ssh-add", &[open.to_str().unwrap()], Some(&socket)));
    let run = home.keyless(&[("SSH_AUTH_SOCK", &socket)], &["doctor"]);
    agent.kill().unwrap();
    agent.wait().unwrap();
    run.exits(0);
    // An encrypted key: nobody is there to be asked, and then somebody is.
    std::fs::copy(&open, &encrypted).unwrap();
    let path = encrypted.to_str().unwrap();
    assert!(done("ssh-keygen", &["-q", "-p", "-P", "", "-N", "open sesame", "-f", path], None));
    home.keyless(&[], &["--identity", path, "doctor"])
        .exits(5)
        .says("which is encrypted, and there is no terminal to ask");
    let asked = env.write("asked.py", ASKED);
    for (phrase, code) in [("open sesame", 0), ("wrong", 5)] {
        let program = crate::support::env::MOLSIEVE;
        let mut command = std::process::Command::new(python());
        command.arg(&asked).args([phrase, program, "--on", there.login(), "--identity", path, "doctor"]);
        command.env("HOME", home.path("keyless")).env_remove("SSH_AUTH_SOCK");
        let run = Run(command.output().unwrap()).exits(code).says("pass phrase of");
        assert!(!run.stdout().contains(phrase), "a secret was shown: {run}");
    }
}

/// Runs a program on a terminal of its own and answers one question; what the terminal shows goes to standard output.
const ASKED: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown, answered = b"", False
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if not answered and b"pass phrase of" in shown and shown.endswith(b": "):
        answered = True
        os.write(terminal, sys.argv[1].encode() + b"\n")
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_shell_that_chatters_and_one_that_is_no_sh_change_nothing() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    there.rc("echo 'Welcome to the cluster'; printf '\\000\\365ms'; echo 'quota: fine' >&2; seq 1 20000\n");
    let mut shells = vec!["/bin/bash"];
    shells.extend(["/bin/csh", "/bin/tcsh", "/bin/zsh"].iter().find(|shell| std::path::Path::new(shell).exists()));
    for (shell, transport) in shells.iter().flat_map(|shell| TRANSPORTS.map(|transport| (shell, transport))) {
        there.shell(shell);
        let home = Home::new(env.path(&format!("home{}-{transport}", shell.replace('/', "-"))), &there, transport);
        campaign(&home, 20, "");
        let name = format!("d-{}-{transport}", shell.rsplit('/').next().unwrap());
        let run = home.on(&["--json", "run", "c.toml", "--dir", &name]).exits(0);
        let facts: serde_json::Value = serde_json::from_slice(&run.0.stdout).unwrap_or_else(|e| panic!("{e}: {run}"));
        assert_eq!((&facts["verified"], &facts["records"]["total"]), (&true.into(), &20.into()));
        assert!(!run.stderr().contains("Welcome"), "{run}");
    }
}

/// Starts a slow run there, and waits until it is watched.
fn watched(home: &Home<'_>, there: &Sshd) -> std::process::Child {
    campaign(home, 200, "");
    std::fs::write(home.slow(), "").unwrap();
    let run = home.begin(&["run", "c.toml", "--dir", "d"]);
    let dir = there.campaign("d").display().to_string();
    until("it is watched", 60, || !processes(&["follow", &dir]).is_empty());
    run
}

fn go_on(home: &Home<'_>) {
    std::fs::remove_file(home.slow()).unwrap();
}

#[test]
fn a_line_that_drops_is_told_and_the_same_command_re_attaches() {
    let env = TestEnv::new();
    for transport in TRANSPORTS {
        let Some(there) = Sshd::with_program(&env.path(&format!("{transport}-there"))) else { return };
        let home = Home::new(env.path(transport), &there, transport);
        let run = watched(&home, &there);
        there.drop_lines();
        Run(run.wait_with_output().unwrap()).exits(5).says("the jobs there go on; the same command re-attaches");
        let dir = there.campaign("d").display().to_string();
        until("the watcher there has gone", 30, || processes(&["follow", &dir]).is_empty());
        assert!(!processes(&["--detached", &dir]).is_empty(), "{transport}: the driver there went with the line");
        go_on(&home);
        home.on(&["run", "c.toml", "--dir", "d"]).exits(0).says("VERIFIED");
        assert_eq!(home.payload_of("d"), digest_here(&home));
    }
}

#[test]
fn an_interrupt_ends_the_watching_and_nothing_else() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let home = Home::new(env.path("home"), &there, "ssh2");
    let run = watched(&home, &there);
    let sent = std::process::Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    assert!(sent.success());
    Run(run.wait_with_output().unwrap()).exits(75).says("`molsieve resume d` watches again");
    // Then somebody stops it there, and goes on.
    home.here(&["cancel", "d"]).exits(0).says("molsieve resume d");
    until("it is stopped", 60, || home.facts(&["status", "d"])["state"] == "stopped");
    go_on(&home);
    home.here(&["resume", "d"]).exits(0).says("VERIFIED");
    home.here(&["verify", "d", "--key", "k.pub.pem"]).exits(0);
}

#[test]
fn a_program_that_is_killed_there_is_no_success() {
    let env = TestEnv::new();
    for transport in TRANSPORTS {
        let Some(there) = Sshd::with_program(&env.path(&format!("{transport}-there"))) else { return };
        let kill = |found: Vec<u32>| {
            assert!(!found.is_empty(), "{transport}: nobody is there to be killed");
            let ids: Vec<String> = found.iter().map(u32::to_string).collect();
            assert!(std::process::Command::new("kill").arg("-9").args(&ids).status().unwrap().success());
        };
        let watchers = || processes(&["follow", &there.campaign("d").display().to_string()]);
        let home = Home::new(env.path(transport), &there, transport);
        let run = watched(&home, &there);
        kill(watchers());
        Run(run.wait_with_output().unwrap()).exits(5).says("was ended by signal 9");
        let run = home.begin(&["resume", "d"]);
        until("it is watched", 60, || !watchers().is_empty());
        kill(there.far_ends());
        let run = Run(run.wait_with_output().unwrap()).exits(5).says("the jobs there go on");
        if transport == "ssh2" {
            run.says("ended by the signal KILL");
        }
        until("what only watched has gone with it", 30, || watchers().is_empty());
        go_on(&home);
        home.here(&["resume", "d"]).exits(0);
    }
}

#[test]
fn a_disk_that_is_full_there_is_told_as_what_it_is() {
    let env = TestEnv::new();
    for transport in TRANSPORTS {
        let Some(there) = Sshd::up(&env.path(&format!("{transport}-there"))) else { return };
        let home = Home::new(env.path(transport), &there, transport);
        campaign(&home, 10, "");
        // In blocks of 512 or 1024 bytes: smaller than the program.
        there.rc("ulimit -f 4000\n");
        home.on(&["submit", "c.toml", "--dir", "d"]).exits(6).says("cannot be stored there");
        assert!(!there.program().exists(), "half a program has its name");
        there.rc("");
        home.on(&["doctor"]).exits(0);
        there.rc("ulimit -f 200\n");
        home.write("data/more.smi", small_library(5000).repeat(20));
        home.on(&["submit", "c.toml", "--dir", "d"]).exits(6).says("more.smi").says("then run the same command again");
        there.rc("");
        std::fs::remove_file(home.path("data/more.smi")).unwrap();
        home.on(&["run", "c.toml", "--dir", "d"]).exits(0);
    }
}

#[test]
fn commands_that_belong_here_stay_here_and_a_directory_stands_for_one_campaign() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let home = Home::new(env.path("home"), &there, "ssh2");
    for command in
        [&["keygen", "--out", "x"][..], &["verify", "d"], &["registry", "list"], &["sign", "d", "--key", "k"]]
    {
        home.on(command).exits(2).says("works on this machine alone");
    }
    home.on(&["status", "none"]).exits(2);
    home.on(&["resume", "none"]).exits(2);
    assert!(!home.path("none").exists(), "a directory stands for nothing");
    campaign(&home, 10, "");
    home.on(&["plan", "c.toml", "--dir", "d"]).exits(0);
    home.here(&["--on", there.login(), "--remote-root", "~/other", "plan", "c.toml", "--dir", "d"])
        .exits(2)
        .says("stands for");
    home.here(&["sign", "d", "--key", "k.pem"]).exits(3).says("has no pack");
    home.here(&["run", "c.toml", "--dir", "d"]).exits(0).says("VERIFIED");
    // Another campaign of the same name is told by the far end.
    home.write("c.toml", text(&home, "top = 3\n"));
    home.on(&["submit", "c.toml", "--dir", "d"]).exits(2).says("holds another campaign");
}

#[test]
fn a_cluster_is_submitted_to_from_one_home_and_its_pack_signed_in_another() {
    let env = TestEnv::new();
    let Some(there) = Sshd::with_program(&env.path("there")) else { return };
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    let conf = env.path("cluster/etc/slurm.conf");
    there.rc(&format!("export SLURM_CONF={}; PATH=$PATH:/usr/sbin\n", conf.display()));
    let a = Home::new(env.path("a"), &there, "ssh2");
    let resources = "[resources]\ncpus = 1\nmemory = \"200M\"\nwalltime = \"10min\"\n";
    campaign(&a, 200, &format!("[scheduler]\nkind = \"slurm\"\nsite = \"ours\"\n{resources}"));
    let profile = format!(
        "schema = \"molsieve.site.v1\"\nname = \"ours\"\nlogin = \"{}\"\n[remote]\nroot = \"~/molsieve\"\n\
         [scheduler]\nkind = \"slurm\"\nsettle = \"2s\"\n",
        there.login()
    );
    a.write("registry/sites/ours.toml", profile);
    std::fs::write(a.slow(), "").unwrap();
    // This machine has no `sbatch`: the site profile says where there is one.
    a.bare(&["submit", "c.toml", "--dir", "night-1"]).exits(0).says("going to");
    a.here(&["--on", "ours", "status", "night-1"]).exits(0);
    until("a task runs", 60, || ["n1", "n2", "n3", "n4"].iter().any(|node| !slurm.running_on(node).is_empty()));
    until("nobody of ours has stayed", 30, || there.far_ends().is_empty());
    let b = Home::new(env.path("b"), &there, "ssh");
    let watching = b.begin(&["resume", "night-1"]);
    go_on(&a);
    Run(watching.wait_with_output().unwrap()).exits(0);
    b.here(&["keygen", "--out", "b.pem"]).exits(0);
    b.here(&["sign", "night-1", "--key", "b.pem"]).exits(0);
    b.here(&["verify", "night-1", "--key", "b.pub.pem"]).exits(0);
    a.write("c.toml", text(&a, ""));
    assert_eq!(b.payload_of("night-1"), digest_here(&a));
    assert_eq!(identity(&b, "night-1"), identity(&a, "here"));
    until("the queue is empty", 60, || slurm.queue().is_empty());
}
