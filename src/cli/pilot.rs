//! `molsieve pilot`: scores a sample, and plans the campaign with what it cost.

use std::time::Duration;

use serde::Serialize;

use super::asked::{CampaignArgs, WorkArgs};
use super::exit_code::Exit;
use super::forecast::{self, PilotFacts};
use super::output::Output;
use super::values;
use crate::error::{Error, Result};
use crate::pilot::{self, Request};
use crate::units;
use crate::view::forecast::Forecast;

/// Arguments of `pilot`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve pilot campaign.toml --dir night-1\n  molsieve pilot campaign.toml --dir night-1 --records 500 --time 10min\n  molsieve resume night-1"
)]
pub struct Args {
    #[command(flatten)]
    campaign: CampaignArgs,
    /// The forecast is for these.
    #[command(flatten)]
    work: WorkArgs,
    /// Records that are asked, about.
    #[arg(long, default_value_t = pilot::RECORDS, value_parser = values::count::<100_000>)]
    records: u64,
    /// After this time of scoring nothing more is asked.
    #[arg(long, default_value = "60s", value_parser = time)]
    time: Duration,
}

fn time(text: &str) -> std::result::Result<Duration, String> {
    let time = units::duration(text).map_err(|e| format!("{}: {}", e.what(), e.hints().join(", ")))?;
    if time.is_zero() { Err("a pilot needs some time".to_owned()) } else { Ok(time) }
}

/// The facts of `pilot`.
#[derive(Debug, Serialize)]
struct Facts {
    schema: &'static str,
    campaign: String,
    dir: String,
    records: u64,
    shards: u64,
    shard_records: u64,
    task_groups: u64,
    pilot: PilotFacts,
    forecast: Forecast,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let request = Request { records: args.records, time: args.time };
    let campaign = args.campaign.plan_with(request, output)?;
    let plan = &campaign.plan;
    let dir = campaign.dir.root().display().to_string();
    let pilot = forecast::pilot(plan).ok_or_else(|| {
        Error::usage(format!("another process planned `{dir}` meanwhile, without a pilot"))
            .hint("give the same command again")
    })?;
    let facts = Facts {
        schema: "molsieve.pilot.v1",
        campaign: campaign.file.identity.name.clone(),
        dir,
        records: plan.records,
        shards: plan.shards(),
        shard_records: plan.shard_records,
        task_groups: plan.groups(),
        pilot,
        forecast: forecast::forecast(&campaign, args.work.workers)?,
    };
    if !output.document(&facts)? {
        forecast::say_pilot(&facts.pilot, output);
        output.say(format!(
            "shards       {} of up to {} records, in {} task groups",
            facts.shards, facts.shard_records, facts.task_groups
        ));
        forecast::say_forecast(&facts.forecast, output);
        output.say(args.campaign.how_to_start(&campaign));
    }
    Ok(Exit::Done)
}
