//! `molsieve launch`: starts the ranks of one task, and answers for them. Schedulers start it, people need not.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tracing::{info, warn};

use super::exit_code::Exit;
use super::panics::caught;
use super::signals::FirstSignal;
use super::{logging, place, signals, worker};
use crate::campaign::file::Campaign;
use crate::campaign::launch::{HandOut, Launch};
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal::last_words::LastWords;
use crate::layout::CampaignDir;
use crate::run::cluster::life::{self, Checkpointed, Meter};
use crate::run::launch::command::Task;
use crate::run::launch::outcome::{self, Ending, Outcome};
use crate::run::launch::stopping::{self, Stopping};
use crate::run::look::Look;
use crate::run::task::{self, by_this_node};
use crate::scorer::argv;
use crate::stop::Stop;

/// What is beside this program where an MPI library was there when it was built.
pub(super) const RANK_PROGRAM: &str = "molsieve-mpi";

/// Between two looks at the launcher.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So much of what was printed is read.
const PRINTED_MAX: u64 = 64 << 10;

/// Arguments of `launch`: those of a worker. How it is launched, the campaign says.
pub use super::worker::Args;

/// Runs it. A failure leaves its last words for the driver.
///
/// # Errors
/// The ranks cannot be started, or what they failed of; stopped at clean checkpoints is exit 75.
pub fn run(args: &Args) -> Result<Exit> {
    let (dir, name) = (CampaignDir::new(&args.dir), args.name(None));
    let stop = Stop::new();
    let child = Arc::new(OnceLock::<Pid>::new());
    let at_once = Arc::clone(&child);
    let signal = signals::raise_on_signal(&stop, move || {
        at_once.get().map(|pid| kill_process(*pid, Signal::TERM));
    })?;
    if args.lifeline {
        signals::raise_at_end_of_lifeline(&stop);
    }
    if let Some(exit) = worker::not_begun(&dir, &name) {
        return Ok(exit);
    }
    // What an earlier life of this task said is not this one's.
    let _ = fs::remove(&dir.last_words(args.wave, args.task));
    match caught(|| live(args, dir.clone(), &stop, &signal, &child)) {
        Ok((Outcome::Done, _)) => Ok(Exit::Done),
        Ok((Outcome::Stopped, again)) => Ok(worker::stopped(again)),
        Ok((Outcome::Failed(words), _)) => Ok(Exit::Of(Kind::of_exit_code(words.process_exit()))),
        Ok((Outcome::Broken(failure), _)) | Err(failure) => {
            worker::leave(&failure, &dir, &name);
            Err(failure)
        }
    }
}

/// Launches the task, with an account of what it uses where nobody looks on; what came of it, and by which exit code it gets
/// another life.
fn live(
    args: &Args,
    dir: CampaignDir,
    stop: &Stop,
    signal: &FirstSignal,
    pid: &OnceLock<Pid>,
) -> Result<(Outcome, Option<u8>)> {
    let began_ms = clock::unix_ms();
    logging::start(&dir, &args.name(None))?;
    let campaign = Campaign::open(dir).map_err(by_this_node)?;
    let (orders, execution) = (args.orders(), &campaign.file.execution);
    let launch = asked(args, execution.launch.as_ref())?;
    let groups = task::groups(&campaign.dir, args.wave, args.task)?;
    let look = || {
        let mut look = Look::new(&campaign)?.only(groups.iter().copied());
        look.refresh().map(|()| look)
    };
    let before = look()?.finished();
    let left = life::time_left(&campaign, began_ms);
    let meter = (!args.lifeline).then(|| Meter::start(&campaign.dir, &orders, execution.task_cpus(), left, stop));
    let launched = Launched::start(args, &campaign, &launch, pid);
    let ending = launched.and_then(|launched| launched.wait(stop));
    let metered = meter.map(Meter::end).unwrap_or_default();
    let (ending, printed) = ending?;
    let after = look()?;
    let words = LastWords::hear(&campaign.dir, args.wave, args.task);
    let is_complete = after.missing().is_empty();
    let outcome = outcome::of(launch.launcher, ending, is_complete, words, &printed, stop.is_raised());
    info!(?ending, left = after.missing().len(), "the launch has ended");
    if !matches!(outcome, Outcome::Stopped) {
        return Ok((outcome, None));
    }
    let is_further = || Ok(after.finished() > before);
    if metered.is_spent {
        worker::spent(&campaign.dir, &orders)?;
    } else if metered.is_late || signal.is_of_the_clock() {
        let of = Checkpointed { campaign: &campaign, orders: &orders, is_further: &is_further, began_ms };
        return Ok((outcome, worker::another_life(&of)));
    }
    Ok((outcome, None))
}

/// How the campaign wants it launched, with so many ranks as this job was given.
fn asked(args: &Args, launch: Option<&Launch>) -> Result<Launch> {
    let launch = launch.ok_or_else(|| {
        Error::usage("this campaign is launched with no ranks any more")
            .hint("the next wave asks for what it wants now")
    })?;
    Ok(Launch {
        ranks: args.ranks.unwrap_or(launch.ranks),
        launcher: args.launcher.unwrap_or(launch.launcher),
        ..launch.clone()
    })
}

/// A launcher at work.
struct Launched {
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
    fn start(args: &Args, campaign: &Campaign, launch: &Launch, pid: &OnceLock<Pid>) -> Result<Self> {
        let molsieve = place::this_program()?;
        let rank_program = rank_program(launch, &molsieve)?;
        let is_static = rank_program.is_none();
        let (dir, execution) = (&campaign.dir, &campaign.file.execution);
        let is_here = execution.cluster.is_none();
        let (wave, task, cpus) = (args.wave, args.task, execution.cpus);
        let what = Task { launch, dir, wave, task, cpus, is_here, molsieve, rank_program }.command();
        let launcher = launch.launcher.program();
        let program = argv::program(launcher, Path::new("/")).map_err(|_| absent(launcher))?;
        let output = dir.wave_output(wave);
        let printed_before = std::fs::metadata(&output).map_or(0, |meta| meta.len());
        info!(command = ?what.argv, is_static, "launches");
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
    fn wait(mut self, stop: &Stop) -> Result<(Ending, String)> {
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

/// For a person: how ranks of the first task of `campaign` are started, and how task groups come to them; none where a task is one process.
pub(super) fn outlook(campaign: &Campaign) -> Option<String> {
    let (dir, execution) = (&campaign.dir, &campaign.file.execution);
    let launch = execution.launch.as_ref()?;
    let molsieve = place::this_program().ok()?;
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
