//! Tasks of many ranks: whether this machine can start them, and which processes they are.

use std::path::Path;
use std::process::Command;

use super::slurm::is_installed;
use crate::support::env::{MOLSIEVE, processes};

/// The program of a rank is there, and what starts it; else the test is skipped, which CI does not accept.
pub fn is_there() -> bool {
    let program = Path::new(MOLSIEVE).with_file_name("molsieve-mpi");
    let missing = [("mpirun", is_installed("mpirun")), ("molsieve-mpi", program.is_file())];
    let Some((missing, _)) = missing.into_iter().find(|(_, is_there)| !is_there) else { return true };
    assert!(
        std::env::var_os("CI").is_none(),
        "CI needs `{missing}`: ./setup --test, cargo build --release --workspace --features molsieve-mpi/mpi"
    );
    eprintln!(
        "skipped: there is no `{missing}`; ./setup --test installs an MPI library, docs/guide/mpi.md says how to build"
    );
    false
}

/// The ranks of `program` at work on the campaign in `dir`.
pub fn of(dir: &Path, program: &str) -> Vec<u32> {
    let dir = dir.display().to_string();
    let of_the_launcher = [processes(&["mpirun -n", &dir]), processes(&["mpirun.mpich -n", &dir])].concat();
    let mut ranks = processes(&[program, &dir, "--ranks"]);
    ranks.retain(|pid| !of_the_launcher.contains(pid) && !processes(&[" launch ", &dir]).contains(pid));
    ranks
}

/// Sends each of `pids` a signal, as in `-KILL`.
pub fn signal(name: &str, pids: &[u32]) {
    for pid in pids {
        assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success(), "{pid} was there");
    }
}
