//! The batch script: directives, what a site wants before, and the worker in the shell's place.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::site::Site;
use crate::adapter::AdapterError;
use crate::job::{EmittedFile, JobSpec, Tasks};
use crate::text::{comment, is_node, path_without_patterns, quoted};

/// The script that is used where nobody gives another.
pub const TEMPLATE: &str = include_str!("../../../job-templates/slurm.sh");

/// What lets its bearer speak to the scheduler as its user. sbatch needs it, and hands its environment on to tasks; a scorer has
/// no business with it, and a worker none either: once it has expired, it would stand in the way of the node's own.
const CREDENTIALS: [&str; 1] = ["SLURM_JWT"];

/// Placeholders of a template.
const HOLES: [&str; 5] = ["title", "file", "directives", "setup", "command"];

/// Writes the script of `job`.
///
/// # Errors
/// Something in it cannot be written down, or the template lacks a placeholder ([`AdapterError::Rejected`]).
pub fn render(site: &Site, template: &str, job: &JobSpec) -> Result<EmittedFile, AdapterError> {
    if job.finally.is_some() || job.transfers.is_some() {
        return Err(AdapterError::Rejected("SLURM has no last part of a job, and transfers no files".to_owned()));
    }
    let path = path(&job.file);
    let file = path.file_name().map(OsString::from).unwrap_or_default();
    let parts = [comment(&job.title), quoted(&file)?, directives(site, job)?, setup(site, job)?, command(job)?];
    let text = fill(template, &parts).map_err(AdapterError::Rejected)?;
    Ok(EmittedFile { path, text })
}

/// Whether scripts can be made from `template`.
///
/// # Errors
/// What is wrong with it, as a sentence: it lacks a placeholder, or holds a character that no script has.
pub fn check(template: &str) -> Result<(), String> {
    let is_foreign = |c: char| c.is_control() && c != '\n' && c != '\t';
    if template.contains(is_foreign) {
        return Err("the template of the batch script holds a control character".to_owned());
    }
    if !template.starts_with("#!") {
        return Err("the template of the batch script does not begin with `#!`".to_owned());
    }
    fill(template, &Default::default()).map(drop)
}

/// Fills the placeholders, each once. What is filled in is not looked at again.
fn fill(template: &str, parts: &[String; 5]) -> Result<String, String> {
    let mut text = String::new();
    let mut used = [0; 5];
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let hole = HOLES.iter().position(|hole| rest[1..].strip_prefix(hole).is_some_and(|r| r.starts_with('}')));
        let taken = if let Some(hole) = hole {
            text.push_str(&parts[hole]);
            used[hole] += 1;
            HOLES[hole].len() + 2
        } else {
            // A brace of the shell.
            text.push('{');
            1
        };
        rest = &rest[taken..];
    }
    text.push_str(rest);
    for hole in [2, 4] {
        if used[hole] != 1 {
            let (name, times) = (HOLES[hole], used[hole]);
            return Err(format!("the template of the batch script has {{{name}}} {times} times; it needs it once"));
        }
    }
    Ok(text)
}

fn directives(site: &Site, job: &JobSpec) -> Result<String, AdapterError> {
    let mut lines = vec![format!("--job-name={}", job.tag.0), format!("--comment={}", job.tag.0)];
    if let Tasks::Array(tasks) = job.tasks {
        let last = tasks.checked_sub(1).ok_or_else(|| AdapterError::Rejected("a job needs a task".to_owned()))?;
        let at_once = job.running_max.map(|n| format!("%{n}")).unwrap_or_default();
        lines.push(format!("--array=0-{last}{at_once}"));
    }
    if let Some(dependency) = dependency(job) {
        lines.push(format!("--dependency={dependency}"));
        lines.push("--kill-on-invalid-dep=yes".to_owned());
    }
    lines.extend(job.begin_after_s.map(|s| format!("--begin=now+{s}")));
    let asked = &job.resources;
    let cpus = asked.cpus.max(1);
    if let Some(ranks) = job.ranks {
        // Over nodes, and who lies where is SLURM's business: so memory is for a core, and GPUs are for a task of its.
        lines.push(format!("--ntasks={}", ranks.max(1)));
        // (`srun` and `mpirun` read from the environment of the job how many of them a node has.)
        lines.extend(job.ranks_per_node.map(|ranks| format!("--ntasks-per-node={}", ranks.max(1))));
        lines.push(format!("--cpus-per-task={cpus}"));
        lines.extend(asked.memory_mib.map(|mib| format!("--mem-per-cpu={}M", mib.div_ceil(cpus.into()))));
    } else {
        lines.push("--nodes=1".to_owned());
        lines.push("--ntasks=1".to_owned());
        lines.push(format!("--cpus-per-task={cpus}"));
        lines.extend(asked.memory_mib.map(|mib| format!("--mem={mib}M")));
    }
    // SLURM counts whole minutes.
    lines.extend(asked.walltime_s.map(|s| format!("--time={}", s.div_ceil(60).max(1))));
    if asked.gpus > 0 {
        let option = if job.ranks.is_some() { "gpus-per-task=" } else { "gres=gpu:" };
        lines.push(format!("--{option}{}", asked.gpus));
    }
    // Their names come from what schedulers and workers wrote down: what is none is left out.
    let exclude: Vec<&str> = job.exclude.iter().map(String::as_str).filter(|name| is_node(name)).collect();
    if !exclude.is_empty() {
        lines.push(format!("--exclude={}", exclude.join(",")));
    }
    // (Of a job that only looks, every hour, nobody wants to hear.)
    let is_told = |line: &String| job.begin_after_s.is_none() || !line.starts_with("--mail-");
    lines.extend(site.directives().into_iter().filter(is_told));
    lines.push(format!("--signal=B:USR1@{}", site.signal_before_s));
    lines.push("--requeue".to_owned());
    lines.push("--open-mode=append".to_owned());
    lines.push(format!("--output={}", path_without_patterns(&job.logs)?));
    lines.push(format!("--export={}", site.export()));
    let mut text = String::new();
    for line in &lines {
        let _ = writeln!(text, "#SBATCH {line}");
    }
    text.pop();
    Ok(text)
}

/// What `job` waits for; a comma says that all of it must have come.
fn dependency(job: &JobSpec) -> Option<String> {
    let kinds = [("afterany", &job.after), ("afternotok", &job.instead_of)];
    let words = kinds.into_iter().filter(|(_, jobs)| !jobs.is_empty()).map(|(kind, jobs)| {
        let jobs: Vec<&str> = jobs.iter().map(|job| job.0.as_str()).collect();
        format!("{kind}:{}", jobs.join(":"))
    });
    Some(words.collect::<Vec<_>>().join(",")).filter(|all| !all.is_empty())
}

/// What a site wants done before the tasks of an array: its modules. A job of one goes on with the campaign and needs none of
/// them; it must be able to say so when they cannot be loaded.
///
/// # Errors
/// As [`quoted`].
fn setup(site: &Site, job: &JobSpec) -> Result<String, AdapterError> {
    if site.modules.is_empty() || job.tasks == Tasks::One {
        return Ok(String::new());
    }
    let mut load = "command -v module >/dev/null || . /etc/profile\nmodule load".to_owned();
    for name in &site.modules {
        load.push(' ');
        load += &quoted(name.as_str().as_ref())?;
    }
    Ok(load + " || exit 6\n")
}

fn command(job: &JobSpec) -> Result<String, AdapterError> {
    if job.argv.is_empty() {
        return Err(AdapterError::Rejected("a job needs a program".to_owned()));
    }
    let mut words = vec!["/usr/bin/env".to_owned()];
    words.extend(CREDENTIALS.iter().map(|name| format!("-u {name}")));
    for argument in &job.argv {
        words.push(quoted(argument)?);
    }
    if matches!(job.tasks, Tasks::Array(_)) {
        words.push("\"${SLURM_ARRAY_TASK_ID:?submit this file with sbatch}\"".to_owned());
    }
    Ok(words.join(" "))
}

/// Where the script of a job is that has this [`file`](JobSpec::file).
pub fn path(file: &Path) -> PathBuf {
    file.with_extension("sbatch")
}
