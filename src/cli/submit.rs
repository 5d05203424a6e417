//! `molsieve submit`: starts a campaign and returns; it goes on without anybody.

use std::process::{Command, Stdio};

use super::asked::{CampaignArgs, WorkArgs};
use super::cluster;
use super::drive;
use super::exit_code::Exit;
use super::forecast;
use super::output::Output;
use crate::error::{Error, Result};
use crate::fs;
use crate::run::plan::Errors;
use crate::run::tick::Caller;

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve submit campaign.toml --dir night-1\n  molsieve submit campaign.toml --dir night-1 --workers 8\n  molsieve status night-1"
)]
pub struct Args {
    #[command(flatten)]
    campaign: CampaignArgs,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs it. On this machine the driver becomes a process of its own that outlives the terminal.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = args.campaign.open_or_plan(Errors::Forgotten, output)?;
    if campaign.file.execution.cluster.is_some() {
        return cluster::tick(&campaign, Caller::Person, output);
    }
    forecast::warn_of_cores(&campaign, output);
    let root = campaign.dir.root();
    fs::create_dir(&campaign.dir.logs())?;
    let log = fs::open_log(&campaign.dir.driver_output())?;
    let refused = |e| Error::environment(format!("the driver cannot be started: {e}"));
    let mut command = Command::new(drive::this_program()?);
    command.args(["--quiet", "resume", "--detached"]).arg(root);
    if let Some(workers) = args.work.workers {
        command.arg("--workers").arg(workers.to_string());
    }
    let stdout = log.try_clone().map_err(refused)?;
    command.stdin(Stdio::null()).stdout(stdout).stderr(log).spawn().map_err(refused)?;
    output.say(format!("`{}` is running; nobody needs to stay", campaign.file.identity.name));
    output.say(format!("  molsieve status {}   says how far it is", root.display()));
    output.say(format!("  molsieve cancel {}   stops it at a checkpoint", root.display()));
    Ok(Exit::Done)
}
