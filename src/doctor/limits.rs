//! What the system lets a process of this user have.

use rustix::process::{Resource, getrlimit};

use super::{Finding, Verdict};
use crate::host;

/// Open files that a driver with many workers may need.
const FILES_LOW: u64 = 512;
/// Processes and threads that a few workers with their scorers need.
const PROCESSES_LOW: u64 = 256;

/// Looks at cores, memory and limits.
pub fn check() -> Vec<Finding> {
    let mut found = vec![cores(), memory()];
    found.extend(low(Resource::Nofile, "open files", FILES_LOW, "ulimit -n"));
    found.extend(low(Resource::Nproc, "processes", PROCESSES_LOW, "ulimit -u"));
    if let Some(bytes) = getrlimit(Resource::Fsize).current {
        let what = format!("no file may become larger than {} MiB", bytes >> 20);
        found.push(
            Finding::new("file size", Verdict::Warning, what)
                .hint("raise it (`ulimit -f unlimited`): the rows of a large library are one file"),
        );
    }
    found
}

fn cores() -> Finding {
    let (ours, all) = (host::cores(), host::cores_online());
    let what = if ours < all { format!("{ours} of {all} may be used here") } else { format!("{ours}") };
    Finding::new("cores", Verdict::Info, what)
}

fn memory() -> Finding {
    let free = host::memory_available();
    let what = match (free, host::memory_limit()) {
        (Some(free), Some(limit)) => format!("{} MiB available, at most {} MiB here", free >> 20, limit >> 20),
        (Some(free), None) => format!("{} MiB available", free >> 20),
        (None, _) => "the system does not say how much is available".to_owned(),
    };
    Finding::new("memory", Verdict::Info, what)
}

/// A finding if the limit on `resource` is below `enough`.
fn low(resource: Resource, check: &'static str, enough: u64, command: &str) -> Option<Finding> {
    let limit = getrlimit(resource).current.filter(|limit| *limit < enough)?;
    let what = format!("only {limit} at a time");
    Some(Finding::new(check, Verdict::Warning, what).hint(format!("raise it (`{command} {enough}`)")))
}
