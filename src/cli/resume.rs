//! `molsieve resume`: goes on with a campaign from its checkpoints.

use std::path::PathBuf;

use super::asked::{self, WorkArgs};
use super::drive::{self, Options};
use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::run::journal;
use crate::run::state::{Phase, State};

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
    /// Leave the session of whoever started this.
    #[arg(long, hide = true)]
    detached: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    if args.detached {
        // It fails only for the leader of a process group, which a process that was just started is not.
        let _ = rustix::process::setsid();
    }
    let campaign = Campaign::open(asked::absolute(&CampaignDir::new(&args.dir))?)?;
    go_on(&campaign, &args.work.options(), output)
}

/// Drives `campaign` on, or verifies it if it is finished.
pub fn go_on(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    if state.phase == Phase::Complete && campaign.dir.pack().exists() {
        output.note("this campaign is finished; verifying its pack");
        if super::verify::is_complete(campaign)? {
            return super::verify::own_pack(campaign, options, output);
        }
    }
    drive::run(campaign, options, output)
}
