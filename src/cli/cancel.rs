//! `molsieve cancel`: stops a campaign at a clean checkpoint.

use std::fmt::Display;
use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::place;
use super::waiting::Teller;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::journal::state::{Phase, State};
use crate::layout::CampaignDir;
use crate::patience::Patience;
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
    let (state, mut journal) = loop {
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
    if campaign.file.execution.cluster.is_some() {
        let patience = Patience::default();
        let _teller = Teller::of(&patience, output);
        tick::cancel(&campaign, &mut journal, &patience).map_err(|e| unheard(&e, &dir))?;
    }
    output.say(match (AtWork::on(&campaign, &state), state.is_uncleared) {
        (AtWork::Nobody, _) => "cancelled: nothing of it was at work",
        (_, true) if state.phase == Phase::Stopped => "cancelled: the scheduler has heard it now",
        _ => "cancelled: what runs stops at its next checkpoint",
    });
    output.say(format!("  molsieve resume {dir}   goes on from there"));
    Ok(Exit::Done)
}

/// The campaign is stopped, and its scheduler does not know.
fn unheard(error: &Error, dir: &dyn Display) -> Error {
    Error::new(error.kind(), format!("cancelling: the scheduler has not heard it yet: {}", error.what()))
        .hint("what runs goes on until the scheduler hears it; a task that begins from now on ends at once, and nothing follows")
        .hint(format!("`molsieve cancel {dir}` again tells it, and so does the next tick or look by itself"))
}

/// Takes the journal over and notes the stop; the state before it. What is complete stays so.
fn stop(campaign: &Campaign) -> Result<(State, Journal)> {
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    let state = State::of(&history.entries)?;
    if state.phase != Phase::Complete {
        journal.record(Event::Stopped { reason: "cancelled".to_owned() })?;
    }
    Ok((state, journal))
}
