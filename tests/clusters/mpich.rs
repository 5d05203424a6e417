//! A second MPI library: `molsieve-mpi` built with MPICH, under MPICH's own `mpirun` and under that of Open MPI.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::mpi::Here;
use super::ranks::{is_there, signal};
use super::slurm::{is_installed, until};
use crate::support::env::{MOLSIEVE, Run};

/// A place with a `molsieve` beside a `molsieve-mpi` of MPICH's, and the `PATH` on which `mpirun` is MPICH's; none where one of
/// them is missing, which CI does not accept.
fn mpich() -> Option<(Here, String)> {
    let built = Path::new(MOLSIEVE).parent()?.with_file_name("mpich").join("release/molsieve-mpi");
    let missing = [("mpirun.mpich", is_installed("mpirun.mpich")), ("molsieve-mpi of MPICH's", built.is_file())];
    if let Some((missing, _)) = missing.into_iter().find(|(_, is_there)| !is_there) {
        let what = format!("there is no {missing}: ./setup --test installs MPICH, tests/clusters/mpich builds with it");
        assert!(std::env::var_os("CI").is_none(), "{what}");
        eprintln!("skipped: {what}");
        return None;
    }
    // (Which `mpirun` is Open MPI's, is_there does not ask.)
    let library = Command::new("mpirun").arg("--version").output().ok()?.stdout;
    let is_crosswise = is_there() && String::from_utf8_lossy(&library).contains("Open MPI");
    assert!(is_crosswise || std::env::var_os("CI").is_none(), "CI needs Open MPI as `mpirun`");
    if !is_crosswise {
        eprintln!("skipped: `mpirun` is not Open MPI's");
        return None;
    }
    let mut here = Here::new();
    here.program = here.env.write("of-mpich/molsieve", "");
    for (from, to) in [(Path::new(MOLSIEVE), "molsieve"), (&built, "molsieve-mpi")] {
        std::fs::copy(from, here.program.with_file_name(to)).unwrap();
    }
    let path = here.another_mpirun("exec mpirun.mpich \"$@\"");
    Some((here, path))
}

fn keys(ranks: u32, hand_out: &str) -> String {
    format!("kind = \"mpi\"\nranks = {ranks}\nhand_out = \"{hand_out}\"")
}

fn with(here: &Here, path: &str, args: &[&str]) -> Run {
    Run(here.command(args).env("PATH", path).output().unwrap())
}

#[test]
fn any_number_of_ranks_of_mpich_gives_the_digest_of_this_machine() {
    let Some((here, path)) = mpich() else { return };
    with(&here, &path, &["doctor"]).exits(0).says("built with MPICH");
    for (ranks, hand_out) in [(1, "dynamic"), (2, "dynamic"), (4, "dynamic"), (7, "dynamic"), (4, "static")] {
        let dir = format!("{hand_out}-{ranks}");
        let file = here.file(&dir, &keys(ranks, hand_out));
        with(&here, &path, &["run", &file, "--dir", &dir]).exits(0);
        assert_eq!(here.env.payload_of(&dir), here.digest, "{dir}");
        for rank in 0..ranks {
            assert!(here.log(&dir, &format!("wave-1-task-0-rank-{rank}.jsonl")).contains("finished"), "{dir}: {rank}");
        }
        assert!(!here.env.path(&dir).join("launch/wave-2.tasks").exists(), "{dir}: one launch was enough");
    }
}

#[test]
fn what_one_library_began_the_mpirun_of_the_other_refuses_and_nothing_is_lost() {
    let Some((mut here, of_mpich)) = mpich() else { return };
    let of_open_mpi = std::env::var("PATH").unwrap();
    let programs = [(MOLSIEVE.into(), &of_open_mpi, &of_mpich), (here.program.clone(), &of_mpich, &of_open_mpi)];
    for (dir, (program, own, other)) in ["open-mpi", "mpich"].into_iter().zip(programs) {
        here.program = PathBuf::clone(&program);
        here.env.write("slow", "");
        let file = here.file(dir, &keys(3, "dynamic"));
        let mut run = here.command(&["run", &file, "--dir", dir]).env("PATH", own).spawn().unwrap();
        until("records are finished", 60, || here.finished(dir) > 0);
        signal("-INT", &[run.id()]);
        assert_eq!(run.wait().unwrap().code(), Some(75), "{dir}");
        let before = here.finished(dir);
        std::fs::remove_file(here.env.path("slow")).unwrap();

        let refused = with(&here, other, &["resume", dir]).exits(2).says("rank 0 of 1 was to be one of 3");
        refused.says("is not that of the MPI library that this program was built with");
        assert_eq!(here.finished(dir), before, "{dir}: nothing is begun, and nothing lost");
        assert!(before > 0 && before < 400, "{dir}: {before}");

        with(&here, own, &["resume", dir]).exits(0);
        assert_eq!(here.env.payload_of(dir), here.digest, "{dir}");
    }
}

#[test]
fn a_rank_of_mpich_that_is_killed_ends_its_launch_and_the_next_one_goes_on() {
    let Some((here, path)) = mpich() else { return };
    here.env.write("slow", "");
    let file = here.file("d", &keys(4, "dynamic"));
    let mut run = here.command(&["run", &file, "--dir", "d"]).env("PATH", &path).spawn().unwrap();
    until("records are finished", 60, || here.finished("d") > 0);
    let ranks = here.ranks("d", "molsieve-mpi");
    assert_eq!(ranks.len(), 4);
    signal("-KILL", &ranks[2..3]);
    until("another wave is launched", 60, || here.env.path("d/launch/wave-2.tasks").exists());
    std::fs::remove_file(here.env.path("slow")).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(here.env.payload_of("d"), here.digest);
}
