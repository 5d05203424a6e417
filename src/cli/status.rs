//! `molsieve status`: how far a campaign is, from its files alone.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::forecast;
use super::output::Output;
use super::progress;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::view::status::Status;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve status night-1\n  molsieve status night-1 --json")]
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
    say_pace(&status, output);
    let limit = status.core_hours_max.map_or_else(String::new, |hours| format!(" of {}", core_time(hours)));
    output.say(format!("  used      {}{limit}", core_time(status.core_hours)));
    let ago = |ms: u64| progress::span(clock::unix_ms().saturating_sub(ms) as f64 / 1000.0);
    if let Some(host) = &status.driver_host {
        output.say(format!("  driver    last seen {} ago, on {host}", ago(status.driver_seen_ms)));
    }
    output.say(format!("  last      event {} ago", ago(status.last_event_ms)));
    if let Some(digest) = &status.payload_digest {
        output.say(format!("  payload   {digest}"));
    }
    Ok(Exit::Done)
}

/// How fast it goes, and how long it will take; nothing where nobody is at work.
fn say_pace(status: &Status, output: Output) {
    match (status.records_per_s, status.left_s) {
        (Some(rate), Some(left)) => {
            let rate = forecast::number(rate);
            output.say(format!(
                "  rate      {rate} records/s since the driver began; about {} left",
                progress::span(left)
            ));
        }
        _ if status.state == "running" => output.say("  rate      not known yet: the driver says it every few seconds"),
        _ => {}
    }
}

/// Core time in the unit that has digits to show.
fn core_time(core_hours: f64) -> String {
    let (time, unit) = match core_hours {
        hours if hours >= 1.0 => (hours, "core-hours"),
        hours if hours * 60.0 >= 1.0 => (hours * 60.0, "core-minutes"),
        hours => (hours * 3600.0, "core-seconds"),
    };
    format!("{} {unit}", forecast::number(time))
}

#[cfg(test)]
mod tests {
    use super::core_time;

    #[test]
    fn core_time_is_told_in_a_unit_that_shows_it() {
        let told = [0.0, 0.0003, 0.5, 1.0, 4321.5].map(core_time);
        assert_eq!(
            told,
            ["0 core-seconds", "1.08 core-seconds", "30.0 core-minutes", "1.00 core-hours", "4322 core-hours"]
        );
    }
}
