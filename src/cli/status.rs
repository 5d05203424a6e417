//! `molsieve status`: how far a campaign is, from its files alone.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::progress;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::view::status::Status;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(CampaignDir::new(&args.dir))?;
    let status = Status::read(&campaign)?;
    if output.document(&status)? {
        return Ok(Exit::Done);
    }
    let (shards, records) = (&status.shards, &status.records);
    let percent = 100.0 * status.finished() as f64 / records.total.max(1) as f64;
    output.say(format!("{}: {}", status.campaign, status.state.replace('_', " ")));
    if let Some(reason) = &status.reason {
        output.say(format!("  because   {reason}"));
    }
    output.say(format!("  records   {} of {} finished ({percent:.1} %)", status.finished(), records.total));
    output.say(format!("            {} OK, {} SKIP, {} ERROR", records.ok, records.skip, records.error));
    for (reason, count) in &status.reasons {
        output.say(format!("            {count:>10} {reason}"));
    }
    output.say(format!(
        "  shards    {} of {} done, {} running, {} failed",
        shards.done, shards.total, shards.running, shards.failed
    ));
    let limit = status.core_hours_max.map_or_else(String::new, |hours| format!(" of {hours}"));
    output.say(format!("  used      {:.3}{limit} core-hours", status.core_hours));
    let ago = clock::unix_ms().saturating_sub(status.last_event_ms) as f64 / 1000.0;
    output.say(format!("  last      event {} ago", progress::span(ago)));
    if let Some(digest) = &status.payload_digest {
        output.say(format!("  payload   {digest}"));
    }
    Ok(Exit::Done)
}
