//! `molsieve clean`: removes what killed processes left in a campaign directory.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::housekeeping::clean;
use crate::layout::CampaignDir;
use crate::units;

/// Arguments of `clean`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve clean night-1 --dry-run\n  molsieve clean night-1")]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// Remove nothing; say what would be.
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(super::place::absolute(&CampaignDir::new(&args.dir))?)?;
    let cleaned = clean::clean(&campaign, args.dry_run)?;
    if output.document(&cleaned)? {
        return Ok(Exit::Done);
    }
    for leftover in &cleaned.removed {
        let size = units::bytes(leftover.bytes);
        output.say(format!("{size:>10}  {}: {}", leftover.path.display(), leftover.what));
    }
    let word = if args.dry_run { "would be freed" } else { "freed" };
    output.say(format!("{} {word}", units::bytes(cleaned.bytes)));
    if let Some(why) = &cleaned.held_back {
        output.note(format!("note: {why}"));
    }
    Ok(Exit::Done)
}
