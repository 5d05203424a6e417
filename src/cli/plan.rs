//! `molsieve plan`: freezes a campaign and cuts its library, without running it.

use serde::Serialize;

use super::asked::{CampaignArgs, WorkArgs};
use super::exit_code::Exit;
use super::forecast::{self, PilotFacts};
use super::output::Output;
use super::waiting::Teller;
use super::{place, submitted};
use crate::campaign::kind::SchedulerKind;
use crate::error::{Error, Result};
use crate::patience::Patience;
use crate::run::cluster::outlook::{self, Outlook};
use crate::run::plan::Errors;
use crate::view::forecast::Forecast;

/// Arguments of `plan`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve plan campaign.toml --dir night-1\n  molsieve plan campaign.toml --dir night-1 --workers 64 --json\n  molsieve plan campaign.toml --dir night-1 --test-only"
)]
pub struct Args {
    #[command(flatten)]
    campaign: CampaignArgs,
    /// The forecast is for these.
    #[command(flatten)]
    work: WorkArgs,
    /// On a cluster: ask the scheduler when it would start the first wave; nothing is submitted.
    #[arg(long)]
    test_only: bool,
}

/// The facts of `plan`.
#[derive(Debug, Serialize)]
struct Facts {
    schema: &'static str,
    campaign: String,
    dir: String,
    snapshot_root: String,
    records: u64,
    shards: u64,
    shard_records: u64,
    task_groups: u64,
    scorer: String,
    deterministic: bool,
    pilot: Option<PilotFacts>,
    forecast: Forecast,
    submission: Option<Outlook>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = args.campaign.open_or_plan(Errors::Kept, output)?;
    let (identity, plan) = (&campaign.file.identity, &campaign.plan);
    if args.test_only && campaign.file.execution.cluster.is_none() {
        let clusters = SchedulerKind::chosen(SchedulerKind::all());
        return Err(Error::usage("`--test-only` asks a cluster, and this campaign runs on this machine")
            .hint(format!("leave it away, or say where it runs: {clusters} in `[scheduler]`")));
    }
    let patience = Patience::default();
    let teller = Teller::of(&patience, output);
    let submission = outlook::of(&campaign, &place::this_program()?, args.test_only, &patience)?;
    drop(teller);
    let workers = args.work.workers.or_else(|| submission.as_ref().map(submitted::at_a_time));
    let facts = Facts {
        schema: "molsieve.plan-facts.v1",
        campaign: identity.name.clone(),
        dir: campaign.dir.root().display().to_string(),
        snapshot_root: identity.library.root.to_string(),
        records: plan.records,
        shards: plan.shards(),
        shard_records: plan.shard_records,
        task_groups: plan.groups(),
        scorer: format!("{} {}", identity.scorer.description.name, identity.scorer.description.version),
        deterministic: identity.scorer.description.deterministic,
        pilot: forecast::pilot(plan),
        forecast: forecast::forecast(&campaign, workers)?,
        submission,
    };
    if !output.document(&facts)? {
        output.say(format!("campaign     {}", facts.campaign));
        output.say(format!("library      {} records, root {}", facts.records, facts.snapshot_root));
        output.say(format!(
            "shards       {} of up to {} records, in {} task group{}",
            facts.shards,
            facts.shard_records,
            facts.task_groups,
            if facts.task_groups == 1 { "" } else { "s" }
        ));
        output.say(format!(
            "scorer       {}{}",
            facts.scorer,
            if facts.deterministic { "" } else { ", not deterministic" }
        ));
        if let Some(pilot) = &facts.pilot {
            forecast::say_pilot(pilot, output);
        }
        forecast::say_terms(&campaign, &facts.forecast, output);
        if let Some(outlook) = &facts.submission {
            submitted::say(outlook, &campaign, &facts.forecast, output);
        }
        forecast::say_forecast(&facts.forecast, output);
        if facts.pilot.is_none() {
            let file = args.campaign.campaign.display();
            output.say(format!("measure with molsieve pilot {file} --dir {}", facts.dir));
        }
        output.say(args.campaign.how_to_start(&campaign));
        if let Some(outlook) = &facts.submission {
            submitted::say_scripts(outlook, output);
        }
    }
    facts.submission.as_ref().map_or(Ok(Exit::Done), |outlook| submitted::judged(outlook, &campaign))
}
