//! `molsieve doctor`: finds what is wrong before a night depends on it.

mod ends;
mod machine;
mod scorer;

use clap::Subcommand;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  molsieve doctor\n  molsieve doctor /scratch/me --json\n  molsieve doctor scorer campaign.toml"
)]
pub struct Args {
    #[command(flatten)]
    machine: machine::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Score a few records in several ways, and say whether the answers agree, and how fast they come.
    Scorer(scorer::Args),
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Some(Command::Scorer(args)) => scorer::run(args, output),
        None => machine::run(&args.machine, output),
    }
}
