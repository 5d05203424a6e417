//! Tasks of many ranks: `molsieve-mpi` under a real Open MPI, here and over nodes of a real SLURM, and plain workers beside it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::ranks::{self, is_there, signal};
use super::scene::{SCORER, Scene, Wanted};
use super::slurm::until;
use crate::support::env::{Run, TestEnv, processes, python};

/// A place on this machine, with a campaign of 400 records in 40 task groups, and its digest without any rank.
struct Here {
    env: TestEnv,
    digest: String,
}

impl Here {
    fn new() -> Self {
        let env = TestEnv::new();
        let library: String = (0..400).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
        env.write("library.smi", library);
        env.write("score.py", SCORER);
        let mut here = Self { env, digest: String::new() };
        here.run("h", "").exits(0);
        here.digest = here.env.payload_of("h");
        here
    }

    /// The campaign file with these lines of `[scheduler]`, for the directory `dir`.
    fn file(&self, dir: &str, scheduler: &str) -> String {
        let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"{}\", \"score.py\"]", python());
        let rest = format!("[resources]\ncpus = 1\n[checkpoint]\nsync = \"1s\"\n[scheduler]\n{scheduler}");
        self.env.campaign(&format!("c-{dir}")).scorer(&scorer).shards("records = 10").with(&rest).write()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.env.command(args.iter().copied());
        command.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
        command
    }

    fn run(&self, dir: &str, scheduler: &str) -> Run {
        let file = self.file(dir, scheduler);
        Run(self.command(&["run", &file, "--dir", dir]).output().unwrap())
    }

    /// Begins it, slowly, and waits until records are finished.
    fn begin(&self, dir: &str, scheduler: &str) -> Child {
        self.env.write("slow", "");
        let file = self.file(dir, scheduler);
        let run =
            self.command(&["run", &file, "--dir", dir]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        until("records are finished", 60, || self.finished(dir) > 0);
        run
    }

    fn finished(&self, dir: &str) -> u64 {
        let facts = self.command(&["--json", "status", dir]).output().unwrap().stdout;
        let facts: serde_json::Value = serde_json::from_slice(&facts).unwrap_or_default();
        finished(&facts)
    }

    fn resume(&self, dir: &str) {
        let _ = std::fs::remove_file(self.env.path("slow"));
        Run(self.command(&["resume", dir]).output().unwrap()).exits(0);
        assert_eq!(self.env.payload_of(dir), self.digest);
    }

    /// The ranks at work on the campaign in `dir`.
    fn ranks(&self, dir: &str, program: &str) -> Vec<u32> {
        ranks::of(&self.env.path(dir), program)
    }

    /// What a launch says in its log.
    fn log(&self, dir: &str, name: &str) -> String {
        std::fs::read_to_string(self.env.path(dir).join("logs").join(name)).unwrap_or_default()
    }

    /// From here on there is another `mpirun`, which does `script`; in it, `$real` is that of this machine.
    fn another_mpirun(&self, script: &str) -> String {
        let real = PathBuf::from(
            String::from_utf8(Command::new("which").arg("mpirun").output().unwrap().stdout).unwrap().trim(),
        );
        let path = self.env.write("bin/mpirun", format!("#!/bin/sh\nreal='{}'\n{script}\n", real.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        format!("{}:{}", self.env.path("bin").display(), std::env::var("PATH").unwrap())
    }
}

/// How many records are finished, by the facts of `status`.
fn finished(facts: &serde_json::Value) -> u64 {
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

/// Lines of `[scheduler]`: ranks that fit on no single node.
fn over_nodes(launcher: &str, hand_out: &str) -> String {
    format!(
        "ranks = 6\nlauncher = \"{launcher}\"\nhand_out = \"{hand_out}\"\n\
         export = [\"OMPI_ALLOW_RUN_AS_ROOT\", \"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM\"]"
    )
}

/// The scene of two nodes with four cores each.
fn two_nodes() -> Option<Scene> {
    is_there().then(|| Scene::new(&["--mpi", "--nodes", "2", "--cpus", "4"]))?
}

/// The nodes on which ranks of the first wave were.
fn nodes(scene: &Scene) -> Vec<String> {
    let mut hosts: Vec<String> = (0..6)
        .filter_map(|rank| {
            let log = scene.env.path(&format!("d/logs/wave-1-task-0-rank-{rank}.jsonl"));
            let log = std::fs::read_to_string(log).ok()?;
            let (_, host) = log.split_once("\"host\":\"")?;
            Some(host.split('"').next()?.to_owned())
        })
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Submits to `d`, and finds the pack of this machine with the ranks having been on both nodes.
fn an_allocation(launcher: &str, hand_out: &str) {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes(launcher, hand_out), beside: &[], ..Wanted::default() });
    scene.await_seal(120);
    assert_eq!(nodes(&scene), ["n1", "n2"]);
    scene.await_empty_queue();
}

#[test]
fn srun_starts_the_ranks_of_an_allocation_over_two_nodes() {
    an_allocation("srun", "dynamic");
}

#[test]
fn mpirun_starts_the_ranks_of_an_allocation_over_two_nodes() {
    an_allocation("mpirun", "dynamic");
}

#[test]
fn srun_starts_plain_workers_that_share_by_rank() {
    an_allocation("srun", "static");
}

#[test]
fn mpirun_starts_plain_workers_that_share_by_rank() {
    an_allocation("mpirun", "static");
}

#[test]
fn a_rank_that_is_killed_in_an_allocation_is_made_up_for_by_the_next_wave() {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes("srun", "dynamic"), ..Wanted::default() });
    let dir = scene.env.path("d").display().to_string();
    until("records are finished", 60, || finished(&scene.facts()) > 0);
    let launchers = processes(&["srun --ntasks", &dir]);
    let ranks: Vec<u32> =
        processes(&["molsieve-mpi", &dir, "--ranks"]).into_iter().filter(|pid| !launchers.contains(pid)).collect();
    signal("-KILL", &ranks[ranks.len() - 1..]);
    until("another wave is submitted", 90, || scene.events("wave_intended").len() > 1);
    scene.take("slow");
    scene.await_seal(120);
    scene.await_empty_queue();
}

#[test]
fn an_allocation_that_is_told_that_its_time_is_up_ends_at_checkpoints_and_another_goes_on() {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes("srun", "dynamic"), ..Wanted::default() });
    until("records are finished", 60, || finished(&scene.facts()) > 0);
    let wave = scene.engine.job_named("-1", "R").unwrap();
    scene.engine.said("scancel", &["--batch", "--signal=USR1", &wave]);
    until("another wave is submitted", 90, || scene.events("wave_intended").len() > 1);
    let log = std::fs::read_to_string(scene.env.path("d/logs/wave-1-task-0-rank-5.jsonl")).unwrap();
    assert!(log.contains("stopped before all records were finished"), "{log}");
    scene.take("slow");
    scene.await_seal(120);
    scene.await_empty_queue();
}
