//! A launcher at work: starts the ranks of a task, passes a stop on to them, and hears how they ended.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tracing::{info, warn};

use super::command::Task;
use super::outcome::Ending;
use super::script;
use super::stopping::{self, Stopping};
use crate::campaign::file::Campaign;
use crate::campaign::launch::{HandOut, Launch};
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::CampaignDir;
use crate::scorer::argv;
use crate::stop::Stop;

/// What is beside this program where an MPI library was there when it was built.
pub const RANK_PROGRAM: &str = "molsieve-mpi";

/// Between two looks at the launcher.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So much of what was printed is read.
const PRINTED_MAX: u64 = 64 << 10;

/// A launcher at work.
#[derive(Debug)]
pub struct Launched {
    child: Child,
    /// It ends when this process does; rank 0 watches it.
    lifeline: Option<ChildStdin>,
    /// Where ranks do not talk to each other, each must be told by the launcher.
    is_static: bool,
    /// What it prints goes there, behind what was there before.
    output: PathBuf,
    printed_before: u64,
    /// What ranks have for their end, once they were told to stop.
    grace: Duration,
}

impl Launched {
    /// Starts the ranks of task `of.1` of wave `of.0` of `campaign` as `launch` says, by `molsieve`, and notes the launcher in `pid`.
    ///
    /// # Errors
    /// There is no launcher, or no program for the ranks (exit 2), or it cannot be run (exit 6).
    pub fn start(
        campaign: &Campaign,
        launch: &Launch,
        of: (u64, u64),
        molsieve: PathBuf,
        pid: &OnceLock<Pid>,
    ) -> Result<Self> {
        let rank_program = rank_program(launch, &molsieve)?;
        let is_static = rank_program.is_none();
        let (dir, execution) = (&campaign.dir, &campaign.file.execution);
        let is_here = execution.cluster.is_none();
        let ((wave, task), cpus) = (of, execution.cpus);
        let task_of = Task { launch, dir, wave, task, cpus, is_here, molsieve, rank_program };
        let what = task_of.command();
        let launcher = launch.launcher.program();
        let program = argv::program(launcher, Path::new("/")).map_err(|_| absent(launcher))?;
        let output = dir.wave_output(wave);
        let printed_before = std::fs::metadata(&output).map_or(0, |meta| meta.len());
        info!(command = ?what.argv, is_static, "launches");
        write_script(dir, of, script::of(&task_of, &what));
        let mut command = Command::new(program);
        command.args(&what.argv[1..]).envs(what.env).stdin(Stdio::piped());
        let mut child = command.spawn().map_err(|e| cannot(launcher, &e))?;
        if let Some(of_child) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = pid.set(of_child);
        }
        let lifeline = child.stdin.take();
        let grace = stopping::grace(&execution.scorer);
        Ok(Self { child, lifeline, is_static, output, printed_before, grace })
    }

    /// Waits for its end, and passes a stop on to it; where it does not end of that, it is killed. How it ended, and the end of what
    /// it printed.
    ///
    /// # Errors
    /// The system does not say how it is (exit 6).
    pub fn wait(mut self, stop: &Stop) -> Result<(Ending, String)> {
        let mut stopping = self.pid().map(|pid| Stopping::new(pid, self.grace));
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(|e| cannot("the launcher", &e))? {
                break status;
            }
            if let Some(stopping) = stopping.as_mut().filter(|_| stop.is_raised()) {
                stopping.go_on(|| self.tell());
            }
            std::thread::sleep(LOOK_EVERY);
        };
        if stopping.is_some_and(Stopping::end) {
            warn!("ranks that were told to stop had not ended after {} s, and were killed", self.grace.as_secs());
        }
        let printed = std::fs::metadata(&self.output).map_or(0, |meta| meta.len()).saturating_sub(self.printed_before);
        let printed = fs::read_end(&self.output, printed.min(PRINTED_MAX)).unwrap_or_default();
        Ok((ending(status), String::from_utf8_lossy(&printed).into_owned()))
    }

    /// Tells the ranks to stop: rank 0 by its lifeline, and it tells the others; or each by the launcher, which passes this signal on.
    fn tell(&mut self) {
        if self.is_static {
            let _ = self.pid().map(|pid| kill_process(pid, Signal::USR1));
        } else {
            self.lifeline = None;
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

fn ending(status: ExitStatus) -> Ending {
    Ending { code: status.code(), signal: status.signal() }
}

/// Leaves the launch as a script for whoever wants to look. It is no part of the work: without it the launch goes on.
fn write_script(dir: &CampaignDir, (wave, task): (u64, u64), script: Result<String>) {
    if let Err(e) = script.and_then(|script| fs::replace(&dir.launch_script(wave, task), script.as_bytes())) {
        warn!("the launch is written down nowhere: {}", e.what());
    }
}

/// For a person: how `molsieve` starts the ranks of the first task of `campaign`, and how task groups come to them; none where a task is one process.
pub fn outlook(campaign: &Campaign, molsieve: PathBuf) -> Option<String> {
    let (dir, execution) = (&campaign.dir, &campaign.file.execution);
    let launch = execution.launch.as_ref()?;
    let rank_program = match rank_program(launch, &molsieve) {
        Ok(program) => program,
        Err(missing) => return Some(format!("impossible: {}", missing.what())),
    };
    let how = if rank_program.is_some() { "rank 0 hands task groups out" } else { "ranks share task groups by number" };
    let (is_here, cpus) = (execution.cluster.is_none(), execution.cpus);
    let command = Task { launch, dir, wave: 1, task: 0, cpus, is_here, molsieve, rank_program }.command();
    let words: Vec<_> = command.argv.iter().map(|word| word.to_string_lossy()).collect();
    Some(format!("{how}: {}", words.join(" ")))
}

/// The program of a rank that is handed its task groups; none where they are shared by number.
fn rank_program(launch: &Launch, molsieve: &Path) -> Result<Option<PathBuf>> {
    let program = molsieve.with_file_name(RANK_PROGRAM);
    match launch.hand_out {
        Some(HandOut::Static) => Ok(None),
        _ if program.is_file() => Ok(Some(program)),
        Some(HandOut::Dynamic) => Err(Error::usage(format!("there is no `{}`", program.display()))
            .hint("`hand_out = \"dynamic\"` needs it: build it where an MPI library is, see docs/guide/mpi.md")
            .hint("`hand_out = \"static\"` does without")),
        None => {
            info!("there is no `{}`: ranks share the task groups by their numbers", program.display());
            Ok(None)
        }
    }
}

fn absent(launcher: &str) -> Error {
    Error::usage(format!("`{launcher}` is not on the PATH"))
        .hint("install an MPI library, or load its module: on a cluster `modules = [...]` of `[scheduler]` does so")
}

fn cannot(what: &str, error: &io::Error) -> Error {
    Error::environment(format!("`{what}` cannot be run: {error}"))
}
