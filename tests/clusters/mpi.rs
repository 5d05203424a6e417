//! Tasks of many ranks on this machine: `molsieve-mpi` under a real Open MPI, and plain workers beside it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::ranks::{self, is_there, signal};
use super::scene::SCORER;
use super::slurm::until;
use crate::support::env::{MOLSIEVE, Run, TestEnv, python};

/// A place on this machine, with a campaign of 400 records in 40 task groups, and its digest without any rank.
pub struct Here {
    pub env: TestEnv,
    pub digest: String,
    /// The `molsieve` that is started.
    pub program: PathBuf,
}

impl Here {
    pub fn new() -> Self {
        let env = TestEnv::new();
        let library: String = (0..400).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
        env.write("library.smi", library);
        env.write("score.py", SCORER);
        let mut here = Self { env, digest: String::new(), program: MOLSIEVE.into() };
        here.run("h", "").exits(0);
        here.digest = here.env.payload_of("h");
        here
    }

    /// The campaign file with these lines of `[scheduler]`, for the directory `dir`.
    pub fn file(&self, dir: &str, scheduler: &str) -> String {
        let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"{}\", \"score.py\"]", python());
        let rest = format!("[resources]\ncpus = 1\n[checkpoint]\nsync = \"1s\"\n[scheduler]\n{scheduler}");
        self.env.campaign(&format!("c-{dir}")).scorer(&scorer).shards("records = 10").with(&rest).write()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.env.path("")).stdin(Stdio::null());
        command.env("MOLSIEVE_HOME", self.env.path("home")).env_remove("MOLSIEVE_FAULT");
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command
    }

    pub fn run(&self, dir: &str, scheduler: &str) -> Run {
        let file = self.file(dir, scheduler);
        Run(self.command(&["run", &file, "--dir", dir]).output().unwrap())
    }

    /// Begins it, slowly, and waits until records are finished.
    pub fn begin(&self, dir: &str, scheduler: &str) -> Child {
        self.env.write("slow", "");
        let file = self.file(dir, scheduler);
        let run =
            self.command(&["run", &file, "--dir", dir]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        until("records are finished", 60, || self.finished(dir) > 0);
        run
    }

    pub fn finished(&self, dir: &str) -> u64 {
        let facts = self.command(&["--json", "status", dir]).output().unwrap().stdout;
        let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap_or_default();
        finished(&facts)
    }

    pub fn resume(&self, dir: &str) {
        let _ = std::fs::remove_file(self.env.path("slow"));
        Run(self.command(&["resume", dir]).output().unwrap()).exits(0);
        assert_eq!(self.env.payload_of(dir), self.digest);
    }

    /// The ranks at work on the campaign in `dir`.
    pub fn ranks(&self, dir: &str, program: &str) -> Vec<u32> {
        ranks::of(&self.env.path(dir), program)
    }

    /// What a launch says in its log.
    pub fn log(&self, dir: &str, name: &str) -> String {
        std::fs::read_to_string(self.env.path(dir).join("logs").join(name)).unwrap_or_default()
    }

    /// From here on there is another `mpirun`, which does `script`; in it, `$real` is that of this machine.
    pub fn another_mpirun(&self, script: &str) -> String {
        let real = PathBuf::from(
            String::from_utf8(Command::new("which").arg("mpirun").output().unwrap().stdout).unwrap().trim(),
        );
        let path = self.env.write("bin/mpirun", format!("#!/bin/sh\nreal='{}'\n{script}\n", real.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        format!("{}:{}", self.env.path("bin").display(), std::env::var("PATH").unwrap())
    }
}

/// How many records are finished, by the facts of `status`.
pub fn finished(facts: &serde_json::Value) -> u64 {
    facts["records"]["ok"].as_u64().unwrap_or(0)
}

#[test]
fn any_number_of_ranks_gives_the_digest_of_this_machine() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    for (ranks, hand_out) in [(1, "dynamic"), (2, "dynamic"), (4, "dynamic"), (7, "dynamic"), (4, "static")] {
        let dir = format!("{hand_out}-{ranks}");
        here.run(&dir, &format!("kind = \"mpi\"\nranks = {ranks}\nhand_out = \"{hand_out}\"")).exits(0);
        assert_eq!(here.env.payload_of(&dir), here.digest, "{dir}");
        for rank in 0..ranks {
            assert!(here.log(&dir, &format!("wave-1-task-0-rank-{rank}.jsonl")).contains("finished"), "{dir}: {rank}");
        }
        assert_eq!(here.log(&dir, "wave-1-task-0.jsonl").contains("\"is_static\":true"), hand_out == "static");
    }
}

#[test]
fn a_rank_that_is_killed_ends_its_launch_and_the_next_one_goes_on() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    for (dir, hand_out, program) in [("d", "dynamic", "molsieve-mpi"), ("s", "static", " worker ")] {
        let mut run = here.begin(dir, &format!("kind = \"mpi\"\nranks = 4\nhand_out = \"{hand_out}\""));
        let ranks = here.ranks(dir, program);
        assert_eq!(ranks.len(), 4, "{dir}");
        signal("-KILL", &ranks[2..3]);
        until("another wave is launched", 60, || here.env.path(dir).join("launch/wave-2.tasks").exists());
        assert!(here.log(dir, "wave-1-task-0.jsonl").contains("signal 9"), "no fault of the program");
        let _ = std::fs::remove_file(here.env.path("slow"));
        assert_eq!(run.wait().unwrap().code(), Some(0), "{dir}");
        assert_eq!(here.env.payload_of(dir), here.digest, "{dir}");
    }
}

#[test]
fn a_launch_that_is_stopped_ends_at_checkpoints_and_resume_finishes_it() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    for (dir, hand_out, program) in [("d", "dynamic", "molsieve-mpi"), ("s", "static", " worker ")] {
        let mut run = here.begin(dir, &format!("kind = \"mpi\"\nranks = 3\nhand_out = \"{hand_out}\""));
        signal("-INT", &[run.id()]);
        assert_eq!(run.wait().unwrap().code(), Some(75), "{dir}");
        assert_eq!(here.ranks(dir, program), [0_u32; 0], "{dir}: nobody is left");
        for rank in 0..3 {
            let log = here.log(dir, &format!("wave-1-task-0-rank-{rank}.jsonl"));
            assert!(log.contains("stopped before all records were finished"), "{dir}, rank {rank}: {log}");
        }
        here.resume(dir);
    }
}

/// Which of the ranks `pids` is the first, by the environment that Open MPI gave it.
fn first(pids: &[u32]) -> u32 {
    let is_first = |pid: &&u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|word| word == b"OMPI_COMM_WORLD_RANK=0")
    };
    *pids.iter().find(is_first).expect("there is a first rank")
}

#[test]
fn a_rank_that_somebody_suspended_does_not_keep_a_launch_that_is_stopped() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    // So slow that it is not done before somebody looks.
    here.env.write("slower", "");
    for (dir, hand_out, program) in [("d", "dynamic", "molsieve-mpi"), ("s", "static", " worker ")] {
        let mut run = here.begin(dir, &format!("kind = \"mpi\"\nranks = 3\nhand_out = \"{hand_out}\""));
        let suspended = first(&here.ranks(dir, program));
        signal("-STOP", &[suspended]);
        signal("-INT", &[run.id()]);
        until("the run has ended", 300, || run.try_wait().unwrap().is_some());
        assert_eq!(run.wait().unwrap().code(), Some(75), "{dir}");
        until("nobody is left", 30, || here.ranks(dir, program).is_empty());
        assert!(here.log(dir, "wave-1-task-0.jsonl").contains("and were killed"), "{dir}");
        here.resume(dir);
    }
}

#[test]
fn all_ranks_that_lose_their_driver_end_and_resume_finishes_it() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    let mut run = here.begin("d", "kind = \"mpi\"\nranks = 3\nhand_out = \"dynamic\"");
    signal("-KILL", &[run.id()]);
    run.wait().unwrap();
    until("nobody is left", 30, || here.ranks("d", "molsieve-mpi").is_empty());
    here.resume("d");
}

#[test]
fn a_world_of_another_size_is_refused() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    // One that starts another number, and one of another library, under which each rank is alone.
    let (other, alone) = ("shift 2; exec \"$real\" -n 2 \"$@\"", "shift 2; exec \"$@\"");
    for (dir, hand_out, mpirun, hint) in [
        ("d2", "dynamic", other, "rank 0 of 2 was to be one of 3"),
        ("s2", "static", other, "rank 0 of 2 was to be one of 3"),
        ("d1", "dynamic", alone, "is not that of the MPI library that this program was built with"),
        ("s1", "static", alone, "the environment does not say which"),
    ] {
        let path = here.another_mpirun(mpirun);
        let file = here.file(dir, &format!("kind = \"mpi\"\nranks = 3\nhand_out = \"{hand_out}\""));
        let run = Run(here.command(&["run", &file, "--dir", dir]).env("PATH", path).output().unwrap());
        let said = run.exits(2).stderr().replace("rank 1 of 2", "rank 0 of 2");
        assert!(said.contains(hint), "{dir}: {said}");
        assert_eq!(here.finished(dir), 0, "{dir}: nothing is begun");
        here.resume(dir);
    }
}

#[test]
fn who_may_not_start_ranks_is_told_what_to_do() {
    // (Open MPI refuses the superuser alone.)
    if !is_there() || !rustix::process::getuid().is_root() {
        return;
    }
    let here = Here::new();
    let file = here.file("d", "kind = \"mpi\"\nranks = 2");
    let mut command = here.env.command(["run", &file, "--dir", "d"]);
    command.env_remove("OMPI_ALLOW_RUN_AS_ROOT").env_remove("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM");
    Run(command.output().unwrap()).exits(2).says("OMPI_ALLOW_RUN_AS_ROOT=1");
    here.resume("d");
}

#[test]
fn a_rank_that_panics_leaves_its_last_words_and_resume_goes_on() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    let path = here.another_mpirun("export MOLSIEVE_FAULT=panic@40; exec \"$real\" \"$@\"");
    for (dir, hand_out) in [("d", "dynamic"), ("s", "static")] {
        let file = here.file(dir, &format!("kind = \"mpi\"\nranks = 3\nhand_out = \"{hand_out}\""));
        let run = Run(here.command(&["run", &file, "--dir", dir]).env("PATH", &path).output().unwrap());
        run.exits(1).says("it panicked at src/fs/fault.rs").says("on purpose, as MOLSIEVE_FAULT says");
        let of_ranks: String = (0..3).map(|rank| here.log(dir, &format!("wave-1-task-0-rank-{rank}.jsonl"))).collect();
        assert!(of_ranks.contains("on purpose, as MOLSIEVE_FAULT says"), "{dir}: {of_ranks}");
        here.env.molsieve(["logs", dir]).exits(0).says("on purpose, as MOLSIEVE_FAULT says");
        here.resume(dir);
    }
}

#[test]
fn a_campaign_of_this_machine_goes_on_as_a_launch_of_so_many_ranks_as_resume_says() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    let mut run = here.begin("d", "");
    signal("-INT", &[run.id()]);
    assert_eq!(run.wait().unwrap().code(), Some(75));
    let before = here.finished("d");
    let resume = |args: &[&str]| Run(here.command(&[&["resume", "d"], args].concat()).output().unwrap());
    resume(&["--scheduler", "mpi"]).exits(2).says("here that is `--ranks 8`");
    resume(&["--ranks", "3"]).exits(2).says("a task of `kind = \"local\"` is one process");
    resume(&["--scheduler", "mpi", "--ranks", "0"]).exits(2).says("from 1 to");
    assert!(before > 0 && here.finished("d") == before, "what was refused changed nothing");
    let mut run = here.command(&["resume", "d", "--scheduler", "mpi", "--ranks", "3"]).spawn().unwrap();
    until("more is finished", 60, || here.finished("d") > before);
    assert_eq!(here.ranks("d", "molsieve-mpi").len(), 3);
    signal("-INT", &[run.id()]);
    assert_eq!(run.wait().unwrap().code(), Some(75));
    std::fs::remove_file(here.env.path("slow")).unwrap();
    resume(&["--ranks", "2"]).exits(0);
    assert_eq!(here.env.payload_of("d"), here.digest);
    assert!(here.log("d", "wave-3-task-0-rank-1.jsonl").contains("finished"));
    assert!(!here.env.path("d/logs/wave-3-task-0-rank-2.jsonl").exists(), "there are two now");
}

/// What was started can be read, and started by hand.
#[test]
fn a_launch_is_left_as_a_script_that_does_by_hand_what_is_not_done() {
    if !is_there() {
        return;
    }
    let here = Here::new();
    here.run("d", "kind = \"mpi\"\nranks = 2").exits(0);
    let script = here.env.path("d/launch/wave-1-task-0.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(
        text.starts_with("#!/bin/sh\n# Wave 1, task 0 of the campaign in ") && !text.contains("\n  --lifeline"),
        "{text}"
    );
    let group = here.env.path("d/groups").read_dir().unwrap().next().unwrap().unwrap().path();
    std::fs::remove_dir_all(&group).unwrap();
    let by_hand = std::process::Command::new("sh")
        .arg(&script)
        .current_dir("/")
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(by_hand.status.success(), "{}", String::from_utf8_lossy(&by_hand.stderr));
    assert!(group.exists(), "the task group is there again");
    assert_eq!(here.env.payload_of("d"), here.digest);
}
