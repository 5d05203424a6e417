//! `molsieve run`: the main job.

use super::asked::{CampaignArgs, WorkArgs};
use super::exit_code::Exit;
use super::forecast;
use super::output::Output;
use crate::error::Result;
use crate::run::plan::Errors;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve run campaign.toml --dir night-1\n  molsieve --on me@login run campaign.toml --dir night-1\n  molsieve run campaign.toml --dir night-1 --workers 8\n\nThe same command again goes on where it was stopped; on a finished campaign it verifies the pack."
)]
pub struct Args {
    #[command(flatten)]
    campaign: CampaignArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = args.campaign.open_or_plan(Errors::Forgotten, output)?;
    forecast::warn_of_resources(&campaign, output);
    super::resume::go_on(&campaign, &args.work.options(), output)
}
