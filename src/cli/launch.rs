//! `molsieve launch`: starts the ranks of one task, and answers for them. Schedulers start it, people need not.

use std::sync::{Arc, OnceLock};

use rustix::process::{Pid, Signal, kill_process};
use tracing::info;

use super::exit_code::Exit;
use super::panics::caught;
use super::signals::FirstSignal;
use super::{logging, place, signals, worker};
use crate::campaign::file::Campaign;
use crate::campaign::launch::Launch;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal::last_words::LastWords;
use crate::layout::CampaignDir;
use crate::run::cluster::life::{self, Checkpointed, Meter};
use crate::run::launch::launched::Launched;
use crate::run::launch::outcome::{self, Outcome};
use crate::run::look::Look;
use crate::run::task::{self, by_this_node};
use crate::stop::Stop;

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
    let molsieve = place::this_program()?;
    let launched = Launched::start(&campaign, &launch, (args.wave, args.task), molsieve, pid);
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
