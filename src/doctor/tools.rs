//! Programs that a campaign may want: schedulers, launchers, containers, scorers' company.

use std::path::PathBuf;

use super::{Finding, Verdict};

/// A kind of tool that is no scheduler of ours, and the programs that show that it is there.
const TOOLS: [(&str, &[&str]); 4] = [
    ("MPI", &["mpirun"]),
    ("containers", &["apptainer", "singularity", "podman", "docker"]),
    ("GPUs", &["nvidia-smi", "rocm-smi"]),
    ("Python", &["python3"]),
];

/// Looks for programs on `PATH`, first those of `schedulers`. That one is missing is a fact, not a fault.
pub fn check<'a>(schedulers: impl Iterator<Item = (&'static str, &'a [&'a str])>) -> Vec<Finding> {
    schedulers.chain(TOOLS).map(|(kind, programs)| look(kind, programs)).collect()
}

fn look(kind: &'static str, programs: &[&str]) -> Finding {
    let found: Vec<String> =
        programs.iter().filter_map(|name| on_path(name)).map(|p| p.display().to_string()).collect();
    let what = if found.is_empty() { format!("not there ({})", programs.join(", ")) } else { found.join(", ") };
    Finding::new(kind, Verdict::Info, what)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).map(|dir| dir.join(name)).find(|file| file.is_file())
}
