//! The files of a job: a DAG with a node a task, or a plain submission.
//!
//! A DAG has a throttle, tries a task again, and runs a last node when all others have ended. So many tasks that a DAG would be a burden, and
//! that nothing follows, are one plain submission that HTCondor makes jobs of as there is room for them.

use std::fmt::Write;
use std::path::Path;

use super::describe::{self, Number};
use super::limits::Limits;
use super::site::Site;
use super::words;
use crate::adapter::AdapterError;
use crate::job::{EmittedFile, JobSpec, Place, Tasks};
use crate::text::{comment, quoted};

/// More tasks than these, with nothing after them, are no DAG.
pub const DAG_MAX: u64 = 10_000;

/// Of a plain submission, so many jobs wait at a time.
const IDLE_MAX: u64 = 1000;

/// The name of the last node.
pub const FINAL: &str = "final";

/// The name of the node of task `index`.
pub fn node(index: u64) -> String {
    format!("t{index}")
}

/// Jobs of a user beside a DAG's tasks for which room is left: the DAG itself, its last node, and some to spare.
const JOBS_BESIDE: u64 = 4;

/// How often a DAG writes down where it stands, in seconds.
const STATUS_EVERY_S: u64 = 60;

/// The files of `job`; the first is the one that is submitted.
///
/// # Errors
/// Something in it cannot be written down, or HTCondor has no such thing ([`AdapterError::Rejected`]).
pub fn files(site: &Site, limits: &Limits, job: &JobSpec) -> Result<Vec<EmittedFile>, AdapterError> {
    if !job.after.is_empty() || !job.instead_of.is_empty() {
        let why = "HTCondor has no job that waits for another: what follows is the last part of the first";
        return Err(AdapterError::Rejected(why.to_owned()));
    }
    let count = job.tasks.count();
    if count == 0 {
        return Err(AdapterError::Rejected("a job needs a task".to_owned()));
    }
    if job.transfers.as_ref().is_some_and(|transfers| transfers.own.len() as u64 != count) {
        return Err(AdapterError::Rejected("what is transferred is not said of every task".to_owned()));
    }
    if job.ranks.is_some() {
        return Err(AdapterError::Rejected(
            "a job of HTCondor is one process a task, and no launch of ranks".to_owned(),
        ));
    }
    if job.place == Place::Submitter && (job.tasks != Tasks::One || job.finally.is_some()) {
        return Err(AdapterError::Rejected("what runs on the access point is one command".to_owned()));
    }
    if job.place == Place::Node && job.begin_after_s.is_some() {
        return Err(AdapterError::Rejected("only what runs on the access point waits for its time".to_owned()));
    }
    match (&job.finally, job.tasks) {
        (None, _) if job.place == Place::Submitter => {
            let description = describe::here(job)?.text("");
            let text = format!(
                "# {}\n# By hand: condor_submit {}\n{description}queue\n",
                comment(&job.title),
                name(job, "sub")?
            );
            let file = EmittedFile { path: job.file.with_extension("sub"), text };
            Ok(vec![file, describe::script(site, job, true)?])
        }
        (None, Tasks::Array(count)) if count > DAG_MAX && job.transfers.is_none() => {
            Ok(vec![bag(site, limits, job, count)?, describe::script(site, job, false)?])
        }
        (finally, _) => {
            let mut files = vec![dag(site, limits, job)?, describe::script(site, job, false)?];
            if let Some(last) = finally {
                files.push(describe::script(site, last, true)?);
            }
            Ok(files)
        }
    }
}

/// A plain submission of `count` tasks.
fn bag(site: &Site, limits: &Limits, job: &JobSpec, count: u64) -> Result<EmittedFile, AdapterError> {
    let mut text = format!("# {}\n# By hand: condor_submit {}\n", comment(&job.title), name(job, "sub")?);
    text += &describe::tasks(site, job, Number::Process)?.text("");
    text += "# Jobs are made of it as there is room for them.\n";
    let _ = writeln!(text, "max_idle = {IDLE_MAX}");
    if let Some(most) = at_once(limits, job) {
        let _ = writeln!(text, "max_materialize = {most}");
    }
    let _ = writeln!(text, "My.MolsieveTasks = {count}\nqueue {count}");
    Ok(EmittedFile { path: job.file.with_extension("sub"), text })
}

/// How many tasks may be in the queue at a time.
fn at_once(limits: &Limits, job: &JobSpec) -> Option<u64> {
    let room = limits.per_owner.map(|most| most.saturating_sub(JOBS_BESIDE).max(1));
    job.running_max.into_iter().chain(room.filter(|room| *room < job.tasks.count())).min()
}

fn dag(site: &Site, limits: &Limits, job: &JobSpec) -> Result<EmittedFile, AdapterError> {
    let path = job.file.with_extension("dag");
    let count = job.tasks.count();
    let mut text = format!("# {}\n# By hand: condor_submit_dag {}\n\n", comment(&job.title), name(job, "dag")?);
    attributes(&mut text, job, count)?;
    if !site.export.is_empty() {
        let names: Vec<&str> = site.export.iter().map(crate::text::Value::as_str).collect();
        let _ = writeln!(text, "ENV GET {}", names.join(" "));
    }
    status_file(&mut text, &path)?;
    let tasks = describe::tasks(site, job, Number::Node)?.text("    ");
    let _ = writeln!(text, "\nSUBMIT-DESCRIPTION task {{\n{tasks}}}\n\n# A node a task.");
    for index in 0..count {
        let (node, own) = (node(index), own_files(job, index)?);
        let _ = writeln!(text, "JOB {node} task\nVARS {node} task=\"{index}\"{own}");
    }
    if let Some(retry) = job.retry {
        let _ = writeln!(
            text,
            "\n# A task that failed is tried again here, unless this was its exit code; then its campaign decides.\n\
             RETRY ALL_NODES {} UNLESS-EXIT {}",
            retry.times, retry.unless_exit
        );
    }
    if let Some(most) = at_once(limits, job) {
        let _ = writeln!(
            text,
            "\n# So many of them are in the queue at a time.\nCATEGORY ALL_NODES tasks\nMAXJOBS tasks {most}"
        );
    }
    if let Some(last) = &job.finally {
        let description = describe::here(last)?.text("    ");
        let _ = writeln!(text, "\n# {}\nFINAL {FINAL} {{\n{description}}}", comment(&last.title));
    }
    Ok(EmittedFile { path, text })
}

/// What the DAG's own job is known by.
fn attributes(text: &mut String, job: &JobSpec, count: u64) -> Result<(), AdapterError> {
    text.push_str("# What it is found by.\n");
    let _ = writeln!(text, "SET_JOB_ATTR MolsieveTag = {}", words::string(&job.tag.0)?);
    let _ = writeln!(text, "SET_JOB_ATTR MolsieveTasks = {count}");
    if let Some(last) = &job.finally {
        let _ = writeln!(text, "SET_JOB_ATTR MolsieveFinalTag = {}", words::string(&last.tag.0)?);
    }
    Ok(())
}

/// Where the DAG stands, for people; a path with a blank in it cannot be said.
fn status_file(text: &mut String, dag: &Path) -> Result<(), AdapterError> {
    let file = words::path(&dag.with_extension("status"))?;
    if !file.contains([' ', '$']) {
        let _ = writeln!(text, "# For people; nothing is decided by it.\nNODE_STATUS_FILE {file} {STATUS_EVERY_S}");
    }
    Ok(())
}

/// What one task is brought, and where what it leaves goes.
fn own_files(job: &JobSpec, index: u64) -> Result<String, AdapterError> {
    let Some(transfers) = &job.transfers else { return Ok(String::new()) };
    let own = usize::try_from(index).ok().and_then(|at| transfers.own.get(at));
    let Some(own) = own else { return Ok(String::new()) };
    let inputs = words::list(own.inputs.iter().map(std::path::PathBuf::as_path))?;
    let comma = if inputs.is_empty() { "" } else { ", " };
    Ok(format!(" more=\"{comma}{inputs}\" place=\"{}\"", words::path(&own.place)?))
}

/// The name of a file of `job`, as a person types it in its directory.
fn name(job: &JobSpec, extension: &str) -> Result<String, AdapterError> {
    let path = job.file.with_extension(extension);
    quoted(path.file_name().unwrap_or_default())
}
