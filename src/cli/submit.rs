//! `molsieve submit`: starts a campaign and returns; it goes on without anybody.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::exit_code::Exit;
use super::output::Output;
use super::pipeline;
use crate::error::{Error, Result};
use crate::fs;

/// Arguments of `submit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign file (TOML).
    campaign: PathBuf,
    /// The campaign directory [default: the file's name without its ending].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Worker processes at a time [default: one for the cores of a task].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=4096))]
    workers: Option<u64>,
}

/// Runs it. On this machine the driver becomes a process of its own that outlives the terminal.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = super::run::open_or_plan(&args.campaign, args.dir.as_deref(), output)?;
    let root = campaign.dir.root();
    fs::create_dir(&campaign.dir.logs())?;
    let log = fs::open_log(&campaign.dir.driver_output())?;
    let refused = |e| Error::environment(format!("the driver cannot be started: {e}"));
    let mut command = Command::new(pipeline::this_program()?);
    command.args(["--quiet", "resume", "--detached"]).arg(root);
    if let Some(workers) = args.workers {
        command.arg("--workers").arg(workers.to_string());
    }
    let stdout = log.try_clone().map_err(refused)?;
    command.stdin(Stdio::null()).stdout(stdout).stderr(log).spawn().map_err(refused)?;
    output.say(format!("`{}` is running; nobody needs to stay", campaign.file.identity.name));
    output.say(format!("  molsieve status {}   says how far it is", root.display()));
    output.say(format!("  molsieve cancel {}   stops it at a checkpoint", root.display()));
    Ok(Exit::Done)
}
