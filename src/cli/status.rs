//! `molsieve status`: how far a campaign is, from its files, with what its scheduler says beside it.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::{screen, watch};
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::{Error, Result};
use crate::journal;
use crate::journal::state::State;
use crate::layout::CampaignDir;
use crate::run::look::heard::{Hearing, Question};
use crate::view::status::Status;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve status night-1\n  molsieve status night-1 --watch\n  molsieve status night-1 --json"
)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// Draw it anew every two seconds until the campaign is over; `q` ends it. Without a terminal, print a line now and then.
    #[arg(long)]
    watch: bool,
    /// Do not ask the scheduler: say what the files say.
    #[arg(long)]
    no_scheduler: bool,
    /// The pack with this payload digest is signed elsewhere; for `--on`.
    #[arg(long, hide = true)]
    signed: Option<String>,
}

/// Runs it. It answers a question, so a campaign that is in trouble is no error of it, nor is a scheduler that is away.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    if args.watch && output.is_json() {
        return Err(Error::usage("`--watch` draws for people, and `--json` is one document")
            .hint("ask again and again with `molsieve status --json`"));
    }
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let watched = args.watch.then(|| watch::watch(&campaign, !args.no_scheduler, output)).transpose()?;
    let entries = journal::read(&campaign.dir)?.entries;
    let hearing = match Question::of(&campaign, &State::of(&entries)?, &entries) {
        None => Hearing::NoNeed,
        Some(_) if args.no_scheduler => Hearing::NotAsked,
        Some(question) => watched.unwrap_or_else(|| Hearing::from(question.ask())),
    };
    let mut status = Status::read(&campaign, &entries, &hearing)?;
    if let Some(payload) = &args.signed {
        status.note_signature_elsewhere(payload);
    }
    if output.document(&status)? {
        return Ok(Exit::Done);
    }
    output.say(screen::headline(&status));
    screen::facts(&status, clock::unix_ms()).iter().for_each(|line| output.say(line.whole()));
    Ok(Exit::Done)
}
