//! `molsieve worker`: works on the task groups of one task. Schedulers start it, people need not.

use std::path::PathBuf;

use tracing::{error, info};

use super::exit_code::Exit;
use super::signals::FirstSignal;
use super::{place, signals};
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::{AttemptId, GroupIndex};
use crate::journal::last_words::LastWords;
use crate::layout::CampaignDir;
use crate::library::snapshot::Snapshot;
use crate::run::cluster::life::{self, Checkpointed, Meter, Orders};
use crate::run::wave;
use crate::scheduler;
use crate::scorer::Ended;
use crate::scorer::open::{self, Here};
use crate::shard::checkpoint::{self, Header};
use crate::shard::group::Workplace;
use crate::shard::worker::{self, Assignment};
use crate::stop::Stop;

/// Arguments of `worker`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// The wave.
    #[arg(long)]
    wave: u64,
    /// The task of that wave, from 0.
    #[arg(long)]
    task: u64,
    /// Stop when standard input ends.
    #[arg(long)]
    lifeline: bool,
    /// Stop at a checkpoint when so many core-milliseconds are used.
    #[arg(long, value_name = "CORE_MS")]
    share: Option<u64>,
    /// The cluster puts a task back into the queue that asks for it.
    #[arg(long)]
    may_requeue: bool,
}

impl Args {
    fn orders(&self) -> Orders {
        Orders { wave: self.wave, task: self.task, share_ms: self.share, may_requeue: self.may_requeue }
    }
}

/// Runs it. A failure leaves its last words for the driver.
///
/// # Errors
/// As [`worker::work`]; stopped at a clean checkpoint is exit 75, or the code by which its scheduler gives it another life.
pub fn run(args: &Args) -> Result<Exit> {
    let stop = Stop::new();
    let first_signal = signals::raise_on_signal(&stop, || {})?;
    if args.lifeline {
        signals::raise_at_end_of_lifeline(&stop);
    }
    let dir = CampaignDir::new(&args.dir);
    // Another task of this wave has failed as this one would.
    if let Some(words) = LastWords::of_wave(&dir, args.wave).map(|words| words.on(scheduler::node())) {
        let _ = super::logging::start(&dir, args.wave, args.task);
        error!(what = words.what, "not begun: another task of this wave has failed, and this one would do so too");
        let _ = words.leave(&dir, args.wave, args.task);
        return Ok(Exit::Of(Kind::of_exit_code(words.process_exit())));
    }
    match live(args, dir.clone(), &stop, &first_signal) {
        Ok((Ended::Done, _)) => Ok(Exit::Done),
        Ok((Ended::Stopped, again)) => Ok(again.map_or(Exit::Of(Kind::Stopped), Exit::Code)),
        Err(failure) => {
            error!(what = failure.what(), "failed");
            let words = LastWords::of(&failure).on(scheduler::node());
            // If not even this can be written, the exit code still says what kind of failure it was.
            let _ = words.leave(&dir, args.wave, args.task);
            match failure.kind() {
                Kind::Scorer | Kind::Full => Ok(Exit::Of(Kind::of_exit_code(words.process_exit()))),
                _ => Err(failure),
            }
        }
    }
}

/// Works on the task, with an account of what it uses where nobody looks on; how it ended, and by which exit code it gets another life.
fn live(args: &Args, dir: CampaignDir, stop: &Stop, first_signal: &FirstSignal) -> Result<(Ended, Option<u8>)> {
    let began_ms = clock::unix_ms();
    let attempt = AttemptId::random()?;
    super::logging::start(&dir, args.wave, args.task)?;
    let campaign = Campaign::open(dir).map_err(by_this_node)?;
    if life::is_cancelled(&campaign) {
        info!("not begun: the campaign was stopped, and the scheduler has not heard of it");
        return Ok((Ended::Stopped, None));
    }
    let orders = args.orders();
    let (cpus, left) = (campaign.file.execution.cpus, life::time_left(&campaign, began_ms));
    let meter = (!args.lifeline).then(|| Meter::start(&campaign.dir, &orders, cpus, left, stop));
    let groups = groups(args, &campaign.dir);
    let ended = groups.and_then(|groups| Ok((work(args, &campaign, &groups, &attempt, stop)?, groups)));
    let metered = meter.map(Meter::end).unwrap_or_default();
    let (ended, groups) = ended?;
    if matches!(ended, Ended::Done) {
        return Ok((ended, None));
    }
    if metered.is_spent {
        info!("the share of core time is used up");
        LastWords::spent().leave(&campaign.dir, args.wave, args.task)?;
    } else if metered.is_late || first_signal.is_of_the_clock() {
        let (campaign, orders, groups, attempt) = (&campaign, &orders, &groups, &attempt);
        let asked = Checkpointed { campaign, orders, groups, attempt, began_ms }.ask_for_another_life();
        // The checkpoint is there, whatever went wrong with the asking: the next wave goes on from it.
        match asked {
            Ok(again) => return Ok((ended, again)),
            Err(failure) => error!(what = failure.what(), "another life could not be asked for"),
        }
    }
    Ok((ended, None))
}

/// The task groups of this task.
fn groups(args: &Args, dir: &CampaignDir) -> Result<Vec<GroupIndex>> {
    let groups = wave::read(dir, args.wave).map_err(by_this_node)?;
    usize::try_from(args.task).ok().and_then(|task| groups.into_iter().nth(task)).ok_or_else(|| {
        Error::usage(format!("wave {} has no task {}", args.wave, args.task)).hint("tasks are counted from 0")
    })
}

/// What was there when the task was submitted, and is not there now, is this node's doing and not the campaign's.
fn by_this_node(error: Error) -> Error {
    match error.kind() {
        Kind::Usage => Error::environment(error.what())
            .hint("it was there when the task was submitted: check that its file system is mounted on this node"),
        _ => error,
    }
}

fn work(args: &Args, campaign: &Campaign, groups: &[GroupIndex], attempt: &AttemptId, stop: &Stop) -> Result<Ended> {
    info!(%attempt, groups = groups.len(), host = host::name(), "started");
    let (identity, execution) = (&campaign.file.identity, &campaign.file.execution);
    let library = campaign.dir.library_named(&execution.library);
    if !library.exists() {
        return Err(Error::environment(format!("the library snapshot `{}` is not there", library.display()))
            .hint("it was there when the campaign was planned: check that its file system is mounted on this node"));
    }
    let library = Snapshot::open(&library)?;
    if library.root() != identity.library.root {
        return Err(Error::usage("the library snapshot is not the one that was planned"));
    }
    let here = Here { program: place::this_program()? };
    let post = execution.post(&here, identity.seed, campaign.dir.scorer_stderr(attempt))?;
    let mut pool = open::pool(&execution.scorer, &identity.scorer, &post)?;
    let place = Workplace {
        host: host::name(),
        cpu: host::cpu(),
        scheduler: format!("{} wave {} task {}", execution.scheduler, args.wave, args.task),
        sync: execution.sync(),
        keep: identity.keep(execution.keep),
    };
    let header = Header {
        schema: checkpoint::SCHEMA.to_owned(),
        plan: campaign.plan.digest()?,
        scorer: identity.scorer.digest()?,
        group: crate::id::GroupIndex(0),
        attempt: attempt.clone(),
    };
    let assignment =
        Assignment { dir: &campaign.dir, plan: &campaign.plan, library: &library, header, groups: groups.to_vec() };
    let ended = worker::work(assignment, &place, pool.as_mut(), stop)?;
    let facts = pool.facts();
    info!(
        children = facts.starts,
        crashes = facts.crashes,
        timeouts = facts.timeouts,
        broken_replies = facts.violations,
        lines_of_noise = facts.noise_lines,
        slowest_request_ms = facts.slowest.first().map(|request| request.ms),
        "{}",
        match ended {
            Ended::Done => "all records are finished",
            Ended::Stopped => "stopped before all records were finished",
        }
    );
    Ok(ended)
}
