//! `molsieve follow`: watches a campaign that others drive, until it is over. For `--on`, whose watcher runs there.

use std::path::PathBuf;

use super::cluster;
use super::exit_code::Exit;
use super::output::Output;
use super::place;
use super::progress::Meter;
use super::signals;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::journal::state::Phase;
use crate::layout::CampaignDir;
use crate::remote::serve;
use crate::run::look::{at_work, watch};
use crate::stop::Stop;

/// Arguments of `follow`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
}

/// Runs it.
///
/// # Errors
/// As [`cluster::ended`]; the driver has gone (exit 5).
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(place::absolute(&CampaignDir::new(&args.dir))?)?;
    let (stop, gone) = (Stop::new(), Stop::new());
    signals::raise_on_signal(&stop, || {})?;
    if std::env::var_os(serve::FAR).is_some() {
        signals::raise_at_end_of_lifeline(&stop);
    }
    let has_driver = campaign.file.execution.cluster.is_none();
    let started = clock::unix_ms();
    let mut meter = Meter::new(output, campaign.plan.records);
    let phase = watch::watch(&campaign, &stop, &mut |progress| {
        meter.show(progress);
        if has_driver && at_work::is_missed(&campaign, started) {
            gone.raise();
            stop.raise();
        }
    });
    meter.end();
    match phase? {
        Phase::Complete => Ok(Exit::Done),
        Phase::Active if gone.is_raised() => {
            Err(Error::new(Kind::Scheduler, "the driver there has not been seen for a while")
                .hint(format!("`molsieve resume {}` goes on from the checkpoints", campaign.dir.root().display())))
        }
        phase => Err(cluster::ended(&campaign, phase)),
    }
}
