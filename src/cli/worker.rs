//! `molsieve worker`: works on the task groups of one task, or on a rank's share of them. Schedulers start it, people need not.

use std::collections::VecDeque;
use std::path::PathBuf;

use tracing::{error, info};

use super::exit_code::Exit;
use super::panics::caught;
use super::signals::FirstSignal;
use super::{place, signals};
use crate::campaign::file::Campaign;
use crate::campaign::launch::Launcher;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::{AttemptId, GroupIndex};
use crate::journal::last_words::LastWords;
use crate::layout::CampaignDir;
use crate::run::cluster::life::{self, Checkpointed, Meter, Orders};
use crate::run::launch::rank::Rank;
use crate::run::parcel::open;
use crate::run::task::{self, Process, TaskName, by_this_node};
use crate::scheduler;
use crate::scorer::Ended;
use crate::stop::Stop;

/// Arguments of `worker`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    pub(super) dir: PathBuf,
    /// The wave.
    #[arg(long)]
    pub(super) wave: u64,
    /// The task of that wave, from 0.
    #[arg(long)]
    pub(super) task: u64,
    /// The campaign is unpacked first, from parcels in that directory.
    #[arg(long, conflicts_with = "ranks")]
    pub(super) parcels: bool,
    /// Stop when standard input ends.
    #[arg(long)]
    pub(super) lifeline: bool,
    /// Stop at a checkpoint when so many core-milliseconds are used.
    #[arg(long, value_name = "CORE_MS")]
    pub(super) share: Option<u64>,
    /// The cluster puts a task back into the queue that asks for it.
    #[arg(long)]
    pub(super) may_requeue: bool,
    /// This is one of so many ranks, which share the task groups by their numbers.
    #[arg(long, requires = "launcher")]
    pub(super) ranks: Option<u32>,
    /// What started the ranks, and says in the environment which this is.
    #[arg(long)]
    pub(super) launcher: Option<Launcher>,
}

impl Args {
    pub(super) fn orders(&self) -> Orders {
        Orders { wave: self.wave, task: self.task, share_ms: self.share, may_requeue: self.may_requeue }
    }

    pub(super) fn name(&self, rank: Option<Rank>) -> TaskName {
        TaskName { wave: self.wave, task: self.task, rank: rank.map(|rank| rank.number) }
    }
}

/// Runs it. A failure leaves its last words for the driver.
///
/// # Errors
/// As [`Process::work`]; stopped at a clean checkpoint is exit 75, or the code by which its scheduler gives it another life.
pub fn run(args: &Args) -> Result<Exit> {
    let dir = if args.parcels { open::whole_path(&args.dir)? } else { CampaignDir::new(&args.dir) };
    if args.parcels {
        open::make_room(&dir)?;
    }
    let rank = match (args.ranks, args.launcher) {
        (Some(ranks), Some(launcher)) => {
            let rank = Rank::of_environment(launcher, ranks, |name| std::env::var(name).ok());
            Some(rank.inspect_err(|refused| drop(leave(refused, &dir, &args.name(None))))?)
        }
        _ => None,
    };
    let stop = Stop::new();
    let first_signal =
        if rank.is_some() { signals::raise_on_signals(&stop)? } else { signals::raise_on_signal(&stop, || {})? };
    // Of ranks the first alone has the standard input of their launcher.
    if args.lifeline && rank.is_none_or(|rank| rank.number == 0) {
        signals::raise_at_end_of_lifeline(&stop);
    }
    if let Some(exit) = not_begun(&dir, &args.name(rank)) {
        return Ok(exit);
    }
    match caught(|| live(args, dir.clone(), rank, &stop, &first_signal)) {
        Ok((Ended::Done, _)) => Ok(Exit::Done),
        // Another code would have `mpirun` kill the other ranks, which come to their checkpoints by themselves: unless this one was
        // told by its lifeline, which no other has.
        Ok((Ended::Stopped, _)) if args.launcher == Some(Launcher::Mpirun) && first_signal.is_there() => Ok(Exit::Done),
        Ok((Ended::Stopped, again)) => Ok(stopped(again)),
        Err(failure) => {
            let words = leave(&failure, &dir, &args.name(rank));
            match failure.kind() {
                Kind::Scorer | Kind::Full => Ok(Exit::Of(Kind::of_exit_code(words.process_exit()))),
                _ => Err(failure),
            }
        }
    }
}

/// How a process ends that stopped at a clean checkpoint, and may have another life by the exit code `again`.
pub(super) fn stopped(again: Option<u8>) -> Exit {
    again.map_or(Exit::Of(Kind::Stopped), Exit::Code)
}

/// How a process of `task` ends that need not begin, since another task of its wave has failed as this one would.
pub(super) fn not_begun(dir: &CampaignDir, task: &TaskName) -> Option<Exit> {
    let words = LastWords::of_wave(dir, task.wave)?.on(scheduler::node());
    let _ = super::logging::start(dir, task);
    error!(what = words.what, "not begun: another task of this wave has failed, and this one would do so too");
    let _ = words.leave(dir, task.wave, task.task);
    Some(Exit::Of(Kind::of_exit_code(words.process_exit())))
}

/// Leaves the last words of a process of `task`. If not even this can be done, the exit code still says what kind of failure it was.
pub(super) fn leave(failure: &Error, dir: &CampaignDir, task: &TaskName) -> LastWords {
    error!(what = failure.what(), "failed");
    let words = LastWords::of(failure).on(scheduler::node());
    let _ = words.leave(dir, task.wave, task.task);
    words
}

/// Works on the task, with an account of what it uses where nobody looks on; how it ended, and by which exit code it gets another life.
fn live(
    args: &Args,
    dir: CampaignDir,
    rank: Option<Rank>,
    stop: &Stop,
    signal: &FirstSignal,
) -> Result<(Ended, Option<u8>)> {
    let began_ms = clock::unix_ms();
    let attempt = AttemptId::random()?;
    super::logging::start(&dir, &args.name(rank))?;
    let unpacked = args.parcels.then(|| open::unpack(&dir, args.wave, args.task)).transpose()?;
    let campaign = match unpacked {
        Some(unpacked) => unpacked.campaign(dir),
        None => Campaign::open(dir),
    };
    let campaign = campaign.map_err(by_this_node)?;
    if life::is_cancelled(&campaign) {
        info!("not begun: the campaign was stopped, and the scheduler has not heard of it");
        return Ok((Ended::Stopped, None));
    }
    let orders = args.orders();
    // (What starts ranks keeps account of all of them, and asks for another life of all.)
    let is_alone = !args.lifeline && rank.is_none();
    let (cpus, left) = (u64::from(campaign.file.execution.cpus), life::time_left(&campaign, began_ms));
    let meter = is_alone.then(|| Meter::start(&campaign.dir, &orders, cpus, left, stop));
    let groups = task::groups(&campaign.dir, args.wave, args.task);
    let groups = groups.map(|groups| rank.map_or_else(|| groups.clone(), |rank| rank.share(&groups)));
    let ended = groups.and_then(|groups| Ok((work(args, &campaign, rank, &groups, &attempt, stop)?, groups)));
    let metered = meter.map(Meter::end).unwrap_or_default();
    let (ended, groups) = ended?;
    if matches!(ended, Ended::Done) {
        return Ok((ended, None));
    }
    let is_further = || life::is_further(&campaign.dir, &groups, &attempt);
    if metered.is_spent {
        spent(&campaign.dir, &orders)?;
    } else if is_alone && (metered.is_late || signal.is_of_the_clock()) {
        let of = Checkpointed { campaign: &campaign, orders: &orders, is_further: &is_further, began_ms };
        return Ok((ended, another_life(&of)));
    }
    Ok((ended, None))
}

/// Says that a task has used its share of the core time.
pub(super) fn spent(dir: &CampaignDir, orders: &Orders) -> Result<()> {
    info!("the share of core time is used up");
    LastWords::spent().leave(dir, orders.wave, orders.task)
}

/// Asks for another life; by which exit code it is had, where it is by one. The checkpoint is there, whatever goes wrong with the
/// asking: the next wave goes on from it.
pub(super) fn another_life(of: &Checkpointed<'_>) -> Option<u8> {
    of.ask_for_another_life().unwrap_or_else(|failure| {
        error!(what = failure.what(), "another life could not be asked for");
        None
    })
}

fn work(
    args: &Args,
    campaign: &Campaign,
    rank: Option<Rank>,
    groups: &[GroupIndex],
    attempt: &AttemptId,
    stop: &Stop,
) -> Result<Ended> {
    info!(%attempt, groups = groups.len(), host = host::name(), "started");
    let process = Process { campaign, task: args.name(rank), attempt, program: place::this_program()? };
    process.work(Box::new(VecDeque::from(groups.to_vec())), stop)
}
