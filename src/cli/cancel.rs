//! `molsieve cancel`: stops a campaign at a clean checkpoint.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State};
use crate::layout::CampaignDir;
use crate::run::tick;

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve cancel night-1")]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
}

/// Runs it: takes the journal over. The driver, wherever it is, sees that within a second, stops
/// its workers at a checkpoint, and goes.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    if State::of(&history.entries)?.phase == Phase::Complete {
        output.say("this campaign is finished: there is nothing to cancel");
        return Ok(Exit::Done);
    }
    journal.record(Event::Stopped { reason: "cancelled".to_owned() })?;
    tick::cancel(&campaign)?;
    output.say("cancelled: what runs stops at its next checkpoint");
    output.say(format!("  molsieve resume {}   goes on from there", args.dir.display()));
    Ok(Exit::Done)
}
