//! `molsieve tick`: one step of a campaign on a cluster. Its jobs call it, people need not.

use std::path::PathBuf;

use super::cluster;
use super::exit_code::Exit;
use super::output::Output;
use super::place;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::run::cluster::tick::Caller;

/// Arguments of `tick`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve tick night-1")]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// The round that this tick was submitted for.
    #[arg(long, hide = true)]
    round: Option<u64>,
    /// This is the job that looks at a wave while it runs.
    #[arg(long, hide = true, conflicts_with = "round")]
    look: bool,
    /// The job of the tick that this one stands in for.
    #[arg(long, hide = true, requires = "round")]
    instead_of: Option<u64>,
}

/// Runs it.
///
/// # Errors
/// As [`crate::run::cluster::tick::tick`].
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(place::absolute(&CampaignDir::new(&args.dir))?)?;
    let caller = match (args.round, args.instead_of) {
        (Some(round), Some(instead_of)) => Caller::StandIn { round, instead_of },
        _ if args.look => Caller::Look,
        (round, _) => Caller::Tick(round),
    };
    cluster::tick(&campaign, caller, output)
}
