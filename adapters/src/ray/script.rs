//! The driver of a job: a Python script with the values of the job at its top.

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::PathBuf;

use super::site::Site;
use crate::adapter::AdapterError;
use crate::job::{EmittedFile, JobSpec, Place, Retry, Tasks};
use crate::text::{comment, quoted};

/// The driver that is used where nobody gives another.
pub const TEMPLATE: &str = include_str!("../../../job-templates/ray_driver.py");

/// Placeholders of a template, each of which it has once.
const HOLES: [&str; 3] = ["{title}", "{by_hand}", "{job}"];

/// Writes the driver of `job`.
///
/// # Errors
/// Something in it cannot be written down, or the template lacks a placeholder ([`AdapterError::Rejected`]).
pub fn render(site: &Site, template: &str, job: &JobSpec) -> Result<EmittedFile, AdapterError> {
    let by_hand = format!("ray job submit --submission-id {} -- {}", job.tag.0, entry_point(site, job)?);
    let parts = [comment(&job.title), comment(&by_hand), values(site, job)?];
    Ok(EmittedFile { path: path(job), text: fill(template, &parts).map_err(AdapterError::Rejected)? })
}

/// Whether drivers can be made from `template`.
///
/// # Errors
/// What is wrong with it, as a sentence: it lacks a placeholder, or holds a character that no script has.
pub fn check(template: &str) -> Result<(), String> {
    if template.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Err("the template of the driver holds a control character".to_owned());
    }
    fill(template, &Default::default()).map(drop)
}

/// What the head is asked to run. Ray gives it to a shell, so both words are quoted.
///
/// # Errors
/// As [`quoted`].
pub fn entry_point(site: &Site, job: &JobSpec) -> Result<String, AdapterError> {
    Ok(format!("{} {}", quoted(OsStr::new(&site.python))?, quoted(path(job).as_os_str())?))
}

/// Where the driver of `job` is.
pub fn path(job: &JobSpec) -> PathBuf {
    job.file.with_extension("py")
}

/// Where what the Jobs API is asked for is.
pub fn request_path(job: &JobSpec) -> PathBuf {
    job.file.with_extension("json")
}

/// Fills the placeholders. What is filled in is not looked at again.
fn fill(template: &str, parts: &[String; 3]) -> Result<String, String> {
    for hole in HOLES {
        let times = template.matches(hole).count();
        if times != 1 {
            return Err(format!("the template of the driver has {hole} {times} times; it needs it once"));
        }
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some((at, hole)) = HOLES.iter().enumerate().filter_map(|(i, hole)| Some((rest.find(hole)?, i))).min() {
        text.push_str(&rest[..at]);
        text.push_str(&parts[hole]);
        rest = &rest[at + HOLES[hole].len()..];
    }
    text.push_str(rest);
    Ok(text)
}

/// The values of `job`, an assignment a line.
fn values(site: &Site, job: &JobSpec) -> Result<String, AdapterError> {
    if job.argv.is_empty() {
        return Err(AdapterError::Rejected("a job needs a program".to_owned()));
    }
    if job.tasks.count() == 0 {
        return Err(AdapterError::Rejected("a job needs a task".to_owned()));
    }
    if !job.after.is_empty() || !job.instead_of.is_empty() {
        return Err(AdapterError::Rejected("a job of Ray cannot wait for another".to_owned()));
    }
    if job.place == Place::Submitter && job.tasks != Tasks::One {
        return Err(AdapterError::Rejected("what runs on the head is one command".to_owned()));
    }
    if job.ranks.is_some() {
        return Err(AdapterError::Rejected("a task of Ray is one process, and no launch of ranks".to_owned()));
    }
    if job.transfers.is_some() {
        return Err(AdapterError::Rejected(
            "Ray transfers no files: its nodes must see those of the submitter".to_owned(),
        ));
    }
    let number = |n: Option<u64>| n.map_or_else(|| "None".to_owned(), |n| n.to_string());
    let asked = &job.resources;
    let tasks = if let Tasks::Array(count) = job.tasks { Some(count) } else { None };
    let mut text = String::new();
    let mut line = |name: &str, value: &str, why: &str| {
        let why = if why.is_empty() { String::new() } else { format!("  # {why}") };
        let _ = writeln!(text, "{name} = {value}{why}");
    };
    line("TAG", &literal(OsStr::new(&job.tag.0))?, "");
    line("ARGV", &list(&job.argv)?, "");
    line("TASKS", &number(tasks), "each has its number, from 0, as its last argument; None is one without");
    line("RUNNING_MAX", &number(job.running_max), "so many at a time");
    line("CPUS", &asked.cpus.max(1).to_string(), "");
    line("GPUS", &asked.gpus.to_string(), "");
    line("MEMORY_MIB", &number(asked.memory_mib), "");
    line("WALLTIME_S", &number(asked.walltime_s), "");
    line("GRACE_S", &site.grace_s.to_string(), "for a checkpoint, after SIGTERM and before SIGKILL");
    line("BEGIN_AFTER_S", &job.begin_after_s.unwrap_or(0).to_string(), "");
    let on_head = if job.place == Place::Submitter { "True" } else { "False" };
    line("ON_HEAD", on_head, "it asks and submits, as no node may");
    line("RETRY", &retry(job.retry), "what a command that failed is given; one that was lost comes back all the same");
    line("EXCLUDE", &list(&job.exclude)?, "nodes that kept failing");
    line("LOGS", &literal(job.logs.as_os_str())?, "what the commands print, all of them");
    line("FINALLY", &finally(job)?, "runs when all tasks have ended");
    text.pop();
    Ok(text)
}

/// What runs at the end, as a value of Python.
fn finally(job: &JobSpec) -> Result<String, AdapterError> {
    let Some(last) = &job.finally else { return Ok("None".to_owned()) };
    if last.argv.is_empty() || last.tasks != Tasks::One || last.finally.is_some() {
        return Err(AdapterError::Rejected("what runs at the end of a job is one command".to_owned()));
    }
    let (argv, logs) = (list(&last.argv)?, literal(last.logs.as_os_str())?);
    let walltime_s = last.resources.walltime_s.map_or_else(|| "None".to_owned(), |s| s.to_string());
    let retry = retry(last.retry);
    Ok(format!("{{\"argv\": {argv}, \"logs\": {logs}, \"walltime_s\": {walltime_s}, \"retry\": {retry}}}"))
}

/// How often something is tried again, as a value of Python.
fn retry(retry: Option<Retry>) -> String {
    retry.map_or_else(
        || "None".to_owned(),
        |Retry { times, unless_exit }| format!("{{\"times\": {times}, \"unless_exit\": {unless_exit}}}"),
    )
}

fn list<T: AsRef<OsStr>>(words: &[T]) -> Result<String, AdapterError> {
    let words = words.iter().map(|word| literal(word.as_ref())).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", words.join(", ")))
}

/// `text` as a string of Python.
///
/// # Errors
/// It is not UTF-8 or holds a control character: nobody could review such a script.
fn literal(text: &OsStr) -> Result<String, AdapterError> {
    let readable = text.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        AdapterError::Rejected(format!(
            "`{}` holds a control character or is not UTF-8, which cannot be written in a driver",
            text.to_string_lossy().escape_debug()
        ))
    })?;
    let mut literal = String::from("\"");
    for c in readable.chars() {
        if c == '"' || c == '\\' {
            literal.push('\\');
        }
        literal.push(c);
    }
    literal.push('"');
    Ok(literal)
}
