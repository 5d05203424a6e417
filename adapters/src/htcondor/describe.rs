//! A submit description: the lines that say what a job is, in a DAG or in a file of its own; and the script that it runs.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::holds;
use super::site::{Files, Site};
use super::words;
use crate::adapter::AdapterError;
use crate::job::{EmittedFile, JobSpec, Tasks, Transfers};
use crate::text::{Value, comment, quoted};

/// The exit code of a task that has ended at a checkpoint and is to be started again.
pub const AGAIN: u8 = 85;

/// What every program needs of the submitter's environment, where the file systems are the same.
const CARRIED: &str = "PATH, HOME, USER, LANG, TZ";

/// Where programs are on a node of which nothing is known.
const PATH: &str = "PATH=/usr/local/bin:/usr/bin:/bin";

/// How long what goes on with a campaign may take to end when it is told to, in seconds.
const TICK_ENDS_S: u64 = 60;

/// Lines of a submit description.
#[derive(Debug, Default)]
pub struct Lines(Vec<(String, String)>);

impl Lines {
    fn put(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// As text, each line after `margin`.
    pub fn text(&self, margin: &str) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if name == "#" {
                let _ = writeln!(text, "{margin}# {value}");
            } else {
                let _ = writeln!(text, "{margin}{name} = {value}");
            }
        }
        text
    }
}

/// What the number of a task is in its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// There is one task, which has none.
    None,
    /// A node of a DAG has it from its `VARS`, and is tried again by the DAG.
    Node,
    /// Of a plain submission it is that of the process.
    Process,
}

impl Number {
    const fn text(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Node => "$(task)",
            Self::Process => "$(Process)",
        }
    }
}

/// The description of the tasks of `job`, which run on nodes.
///
/// # Errors
/// Something in it cannot be written down ([`AdapterError::Rejected`]).
pub fn tasks(site: &Site, job: &JobSpec, number: Number) -> Result<Lines, AdapterError> {
    let mut lines = Lines::default();
    lines.put("universe", "vanilla");
    program(&mut lines, job, number)?;
    match &job.transfers {
        None => shared(&mut lines, site, job, number)?,
        Some(transfers) => transferred(&mut lines, job, transfers, number)?,
    }
    resources(&mut lines, job);
    lines.put("requirements", requirements(site, job)?);
    lines.put(
        "#",
        format!(
            "A hold for time or memory is an end. A task that must go has {} s for its checkpoint.",
            site.signal_before_s
        ),
    );
    lines.put("periodic_remove", holds::ENDS);
    lines.put("job_max_vacate_time", site.signal_before_s.to_string());
    lines.put("want_graceful_removal", "True");
    habits(&mut lines, site);
    marks(&mut lines, job, number)?;
    Ok(lines)
}

/// The description of `job`, which runs on the access point: it submits.
///
/// # Errors
/// As [`tasks`].
pub fn here(job: &JobSpec) -> Result<Lines, AdapterError> {
    let mut lines = Lines::default();
    lines.put("#", "On the access point: it asks the queue, and submits.");
    lines.put("universe", "local");
    program(&mut lines, job, Number::None)?;
    lines.put("output", "/dev/null");
    lines.put("error", "/dev/null");
    lines.put("getenv", format!("{CARRIED}, CONDOR_CONFIG"));
    if let Some(seconds) = job.begin_after_s {
        lines.put("#", "It waits in the queue until then.");
        lines.put("requirements", format!("time() >= QDate + {seconds}"));
        lines.put("My.MolsieveAfter", seconds.to_string());
    }
    lines.put("kill_sig_timeout", TICK_ENDS_S.to_string());
    if let Some(retry) = job.retry {
        lines.put(
            "#",
            "It is started again if it did not end well, unless somebody has taken over from it or removed it.",
        );
        // (By its starts: `max_retries` counts completions, of which a job of the local universe has none.)
        let (starts, unless) = (retry.times.saturating_add(1), retry.unless_exit);
        lines.put("on_exit_remove", format!("NumJobStarts >= {starts} || ExitCode =?= 0 || ExitCode =?= {unless}"));
    }
    marks(&mut lines, job, Number::None)?;
    Ok(lines)
}

/// A shell with the script of `job`.
fn program(lines: &mut Lines, job: &JobSpec, number: Number) -> Result<(), AdapterError> {
    let script = script_path(job);
    let name = script.file_name().map(OsString::from).unwrap_or_default();
    // What a job of the access point is given must be plain in HTCondor's older way of writing arguments too.
    if name.to_str().and_then(Value::new).is_none() {
        let what =
            format!("`{}` holds a character that the name of a script cannot", name.to_string_lossy().escape_debug());
        return Err(AdapterError::Rejected(what));
    }
    lines.put("executable", "/bin/sh");
    lines.put("transfer_executable", "False");
    let arguments = words::arguments([name.as_os_str()])?;
    let arguments = match number {
        Number::None => arguments,
        // (After the quoting: it is to be filled in.)
        Number::Node | Number::Process => format!("{} {}\"", arguments.trim_end_matches('"'), number.text()),
    };
    lines.put("arguments", arguments);
    let is_own = job.transfers.is_some();
    lines.put("initialdir", if is_own { "$(place)".to_owned() } else { words::path(directory(&script))? });
    Ok(())
}

fn shared(lines: &mut Lines, site: &Site, job: &JobSpec, number: Number) -> Result<(), AdapterError> {
    if site.files == Files::Transferred {
        return Err(AdapterError::Rejected("nodes do not see our files, and nothing says what to transfer".to_owned()));
    }
    lines.put("#", "Nodes that see the same files, and no others. The script writes to one log for all.");
    lines.put("should_transfer_files", "NO");
    lines.put("output", "/dev/null");
    lines.put("error", "/dev/null");
    let exported: Vec<&str> = site.export.iter().map(Value::as_str).collect();
    let names = [vec![CARRIED], exported].concat().join(", ");
    lines.put("getenv", names);
    lines.put("#", "A task that ends at a checkpoint and says so is put back into the queue.");
    // (A DAG counts tries itself. `max_retries` would win over this line.)
    let tries = job.retry.filter(|_| number == Number::Process).map_or_else(String::new, |retry| {
        let (times, unless) = (retry.times, retry.unless_exit);
        format!(" && (NumJobCompletions > {times} || member(ExitCode, {{0, 75, {unless}}}))")
    });
    lines.put("on_exit_remove", format!("ExitCode =!= {AGAIN}{tries}"));
    Ok(())
}

fn transferred(lines: &mut Lines, job: &JobSpec, transfers: &Transfers, number: Number) -> Result<(), AdapterError> {
    let script = script_path(job);
    let mut inputs: Vec<&Path> = vec![&script];
    inputs.extend(transfers.inputs.iter().map(PathBuf::as_path));
    let inputs = words::list(inputs)?;
    lines.put("#", "What a task needs is brought to it, and what it leaves is brought back.");
    lines.put("should_transfer_files", "YES");
    lines.put("when_to_transfer_output", "ON_EXIT_OR_EVICT");
    lines.put("transfer_input_files", if number == Number::Node { format!("{inputs}$(more)") } else { inputs });
    let names = |names: &[String]| words::list(names.iter().map(Path::new));
    lines.put("transfer_output_files", names(&transfers.outputs)?);
    lines.put("environment", format!("\"{PATH}\""));
    lines.put("output", format!("_task.{}.out", number.text()));
    lines.put("error", format!("_task.{}.out", number.text()));
    lines.put("#", "A task that ends at a checkpoint and says so goes on where it is, or elsewhere, with these.");
    lines.put("checkpoint_exit_code", AGAIN.to_string());
    lines.put("transfer_checkpoint_files", names(&transfers.checkpoints)?);
    Ok(())
}

fn resources(lines: &mut Lines, job: &JobSpec) {
    let asked = &job.resources;
    lines.put("request_cpus", asked.cpus.max(1).to_string());
    if let Some(mib) = asked.memory_mib {
        lines.put("request_memory", format!("{mib}M"));
    }
    if asked.gpus > 0 {
        lines.put("request_gpus", asked.gpus.to_string());
    }
    if let Some(seconds) = asked.walltime_s {
        // The limit on execution alone is anew after each checkpoint, where files are transferred. Without a transfer it is no limit in
        // HTCondor up to 23.9: of a task that begins in the second in which it is placed, it is never looked at.
        let limit = if job.transfers.is_some() { "allowed_execute_duration" } else { "allowed_job_duration" };
        lines.put(limit, seconds.to_string());
    }
}

fn requirements(site: &Site, job: &JobSpec) -> Result<String, AdapterError> {
    let mut all: Vec<String> = site.requirements.iter().map(|own| format!("({own})")).collect();
    for node in &job.exclude {
        all.push(format!("(Machine =!= {})", words::string(node)?));
    }
    Ok(if all.is_empty() { "True".to_owned() } else { all.join(" && ") })
}

fn habits(lines: &mut Lines, site: &Site) {
    let named = [("accounting_group", &site.accounting_group), ("concurrency_limits", &site.concurrency_limits)];
    for (name, value) in named {
        if let Some(value) = value {
            lines.put(name, value.as_str());
        }
    }
    for (name, value) in &site.extra {
        lines.put(name, value.as_str());
    }
}

/// What we find it by.
fn marks(lines: &mut Lines, job: &JobSpec, number: Number) -> Result<(), AdapterError> {
    lines.put("My.MolsieveTag", words::string(&job.tag.0)?);
    lines.put("My.MolsieveTask", number.text());
    if let Some(retry) = job.retry.filter(|_| number == Number::Node && job.tasks != Tasks::One) {
        lines.put("My.MolsieveTry", "$(RETRY)");
        lines.put("My.MolsieveRetries", retry.times.to_string());
        lines.put("My.MolsieveUnless", retry.unless_exit.to_string());
    }
    Ok(())
}

/// The script that a description runs, for a person to read, and for a shell: what a site wants before, and the program in the shell's
/// place.
///
/// # Errors
/// As [`tasks`]; also if there is no program.
pub fn script(site: &Site, job: &JobSpec, is_here: bool) -> Result<EmittedFile, AdapterError> {
    let mut command = Vec::new();
    if let Some(seconds) = job.resources.walltime_s.filter(|_| is_here) {
        // Nobody else ends what hangs on the access point.
        command.extend([format!("timeout --kill-after={TICK_ENDS_S}"), seconds.to_string()]);
    }
    for argument in &job.argv {
        command.push(quoted(argument)?);
    }
    if job.argv.is_empty() {
        return Err(AdapterError::Rejected("a job needs a program".to_owned()));
    }
    let is_numbered = matches!(job.tasks, Tasks::Array(_));
    if is_numbered {
        command.push("\"${1:?the number of a task}\"".to_owned());
    }
    if job.transfers.is_none() {
        command.push(format!(">>{} 2>&1", quoted(job.logs.as_os_str())?));
    }
    let mut text = format!("#!/bin/sh\n# {}\n", comment(&job.title));
    if is_numbered {
        text += "# By hand, the task 0: sh ";
        text += &quoted(script_path(job).file_name().unwrap_or_default())?;
        text += " 0\n";
    }
    if !is_here {
        text += &setup(site)?;
    }
    if let Some(transfers) = job.transfers.as_ref().filter(|_| !is_here) {
        let places = transfers.outputs.iter().map(|name| quoted(name.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let _ = writeln!(
            text,
            "# What is to be brought back must be there, however this ends.\nmkdir -p {}",
            places.join(" ")
        );
    }
    text +=
        "# The program takes the place of this shell, so it gets the signals itself and its exit code is the task's.\n";
    let _ = writeln!(text, "exec {}", command.join(" "));
    Ok(EmittedFile { path: script_path(job), text })
}

/// What a site wants done before a task: its modules.
fn setup(site: &Site) -> Result<String, AdapterError> {
    if site.modules.is_empty() {
        return Ok(String::new());
    }
    let mut load = "command -v module >/dev/null || . /etc/profile\nmodule load".to_owned();
    for name in &site.modules {
        load.push(' ');
        load += &quoted(name.as_str().as_ref())?;
    }
    Ok(load + " || exit 6\n")
}

/// Where the script of `job` is.
pub fn script_path(job: &JobSpec) -> PathBuf {
    job.file.with_extension("sh")
}

/// The directory that `path` is in.
fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
