//! `molsieve cancel`: stops a campaign at a clean checkpoint.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::place;
use crate::campaign::file::Campaign;
use crate::error::{Kind, Result};
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State};
use crate::layout::CampaignDir;
use crate::run::cluster::tick;
use crate::run::look::at_work::AtWork;

/// How often others may take over while it is being cancelled.
const TRIES: u32 = 20;

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
    // (The marks on its jobs hold the whole path.)
    let campaign = Campaign::open(place::absolute(&CampaignDir::new(&args.dir))?)?;
    let mut tries = 1..=TRIES;
    let state = loop {
        match stop(&campaign) {
            // A tick that began at the same moment: it is told as well.
            Err(taken) if taken.kind() == Kind::Stopped && tries.next().is_some() => {}
            stopped => break stopped?,
        }
    };
    if state.phase == Phase::Complete {
        output.say("this campaign is finished: there is nothing to cancel");
        return Ok(Exit::Done);
    }
    let dir = args.dir.display();
    tick::cancel(&campaign).map_err(|e| {
        e.hint(format!(
            "nothing follows its jobs, but they may go on: `molsieve cancel {dir}` again tells them to stop"
        ))
    })?;
    output.say(match AtWork::on(&campaign, &state) {
        AtWork::Nobody => "cancelled: nothing of it was at work",
        _ => "cancelled: what runs stops at its next checkpoint",
    });
    output.say(format!("  molsieve resume {dir}   goes on from there"));
    Ok(Exit::Done)
}

/// Takes the journal over and notes the stop; the state before it. What is complete stays so.
fn stop(campaign: &Campaign) -> Result<State> {
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    let state = State::of(&history.entries)?;
    if state.phase != Phase::Complete {
        journal.record(Event::Stopped { reason: "cancelled".to_owned() })?;
    }
    Ok(state)
}
