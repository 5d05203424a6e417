//! `molsieve probe`: the job that `molsieve doctor --site --try` submits. Not a command for people.

use std::path::PathBuf;

use super::exit_code::Exit;
use crate::error::Result;
use crate::run::cluster::probe;

/// Arguments of `probe`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the two sides talk.
    dir: PathBuf,
    /// What was written there before.
    token: String,
    /// The scheduler whose job this is.
    scheduler: String,
}

/// Runs it.
pub fn run(args: &Args) -> Result<Exit> {
    probe::on_node(&args.dir, &args.token, args.scheduler.parse()?)?;
    Ok(Exit::Done)
}
