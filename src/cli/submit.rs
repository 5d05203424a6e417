//! `molsieve submit`: starts a campaign and returns; it goes on without anybody.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::asked::{CampaignArgs, WorkArgs};
use super::cluster;
use super::exit_code::Exit;
use super::forecast;
use super::output::Output;
use super::place;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::journal;
use crate::run::cluster::tick::Caller;
use crate::run::plan::Errors;

/// How often it is looked whether a driver has begun.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve submit campaign.toml --dir night-1\n  molsieve --on me@login submit campaign.toml --dir night-1\n  molsieve submit campaign.toml --dir night-1 --workers 8\n  molsieve status night-1"
)]
pub struct Args {
    #[command(flatten)]
    campaign: CampaignArgs,
    #[command(flatten)]
    work: WorkArgs,
    /// Return when whoever drives it has begun; for `--on`.
    #[arg(long, hide = true)]
    and_return: bool,
}

/// Runs it. On this machine the driver becomes a process of its own that outlives the terminal.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = args.campaign.open_or_plan(Errors::Forgotten, output)?;
    forecast::warn_of_resources(&campaign, output);
    if campaign.file.execution.cluster.is_some() {
        return cluster::tick(&campaign, Caller::Person, output);
    }
    drive_detached(&campaign, args.work.workers, args.and_return)?;
    let root = campaign.dir.root();
    output.say(format!("`{}` is running; nobody needs to stay", campaign.file.identity.name));
    output.say(format!("  molsieve status {}   says how far it is", root.display()));
    output.say(format!("  molsieve cancel {}   stops it at a checkpoint", root.display()));
    Ok(Exit::Done)
}

/// Starts a driver of its own for `campaign`; if `until_begun`, waits until it has said so in the journal, or has ended.
///
/// # Errors
/// It cannot be started (exit 6), or ended at once (the exit code that it ended with).
pub fn drive_detached(campaign: &Campaign, workers: Option<u64>, until_begun: bool) -> Result<()> {
    let events = || journal::read(&campaign.dir).map(|history| history.entries.len());
    let before = events()?;
    fs::create_dir(&campaign.dir.logs())?;
    let log = fs::open_log(&campaign.dir.driver_output())?;
    let refused = |e| Error::environment(format!("the driver cannot be started: {e}"));
    let mut command = Command::new(place::this_program()?);
    command.args(["--quiet", "resume", "--detached"]).arg(campaign.dir.root());
    if let Some(workers) = workers {
        command.arg("--workers").arg(workers.to_string());
    }
    let stdout = log.try_clone().map_err(refused)?;
    let mut child = command.stdin(Stdio::null()).stdout(stdout).stderr(log).spawn().map_err(refused)?;
    while until_begun && events()? == before {
        if let Some(status) = child.try_wait().map_err(refused)? {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(6);
            let ended = Error::new(Kind::of_exit_code(code), "the driver ended as soon as it was started");
            let told = ended.hint(format!("`molsieve logs {}` says why", campaign.dir.root().display()));
            return if code == 0 { Ok(()) } else { Err(told) };
        }
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(())
}
