//! `molsieve worker`: works on the task groups of one task. Schedulers start it, people need not.

use std::path::PathBuf;

use tracing::{error, info};

use super::exit_code::Exit;
use super::{drive, signals};
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::AttemptId;
use crate::journal::last_words::LastWords;
use crate::layout::CampaignDir;
use crate::library::snapshot::Snapshot;
use crate::run::wave;
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
}

/// Runs it. A failure leaves its last words for the driver.
///
/// # Errors
/// As [`worker::work`]; stopped at a clean checkpoint is exit 75.
pub fn run(args: &Args) -> Result<Exit> {
    let stop = Stop::new();
    signals::raise_on_signal(&stop, || {})?;
    if args.lifeline {
        signals::raise_at_end_of_lifeline(&stop);
    }
    let dir = CampaignDir::new(&args.dir);
    match work(args, dir.clone(), &stop) {
        Ok(Ended::Done) => Ok(Exit::Done),
        Ok(Ended::Stopped) => Ok(Exit::Of(Kind::Stopped)),
        Err(failure) => {
            error!(what = failure.what(), "failed");
            // If not even this can be written, the exit code still says what kind of failure it was.
            let _ = LastWords::leave(&dir, args.wave, args.task, &failure);
            // A broken scorer is the program's fault: exit 2, so that it does not tour the cluster.
            match failure.kind() {
                Kind::Scorer => Ok(Exit::Of(Kind::Usage)),
                // A full disk is full for every task: the campaign waits for room.
                Kind::Full => Ok(Exit::Of(Kind::Incomplete)),
                _ => Err(failure),
            }
        }
    }
}

fn work(args: &Args, dir: CampaignDir, stop: &Stop) -> Result<Ended> {
    let attempt = AttemptId::random()?;
    super::logging::start(&dir, args.wave, args.task)?;
    let campaign = Campaign::open(dir)?;
    let groups = wave::read(&campaign.dir, args.wave)?;
    let groups = usize::try_from(args.task).ok().and_then(|task| groups.into_iter().nth(task)).ok_or_else(|| {
        Error::usage(format!("wave {} has no task {}", args.wave, args.task)).hint("tasks are counted from 0")
    })?;
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
    let here = Here { program: drive::this_program()? };
    let post = execution.post(&here, identity.seed, campaign.dir.scorer_stderr(&attempt))?;
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
        attempt,
    };
    let assignment = Assignment { dir: &campaign.dir, plan: &campaign.plan, library: &library, header, groups };
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
