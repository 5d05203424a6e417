//! `molsieve doctor`: finds what is wrong before a night depends on it.

mod ends;
mod machine;
mod scorer;
pub(super) mod site;

use clap::Subcommand;
pub(super) use machine::tell;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  molsieve doctor\n  molsieve --on me@login doctor\n  molsieve doctor /scratch/me --json\n  molsieve doctor scorer campaign.toml\n  molsieve doctor --site /scratch/me\n  molsieve doctor --site=our-cluster --try /scratch/me\n  molsieve doctor --site --scheduler htcondor /scratch/me"
)]
pub struct Args {
    #[command(flatten)]
    machine: machine::Args,
    #[command(flatten)]
    site: site::Args,
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
        None if args.site.is_asked() => site::run(&args.machine, &args.site, output),
        None => machine::run(&args.machine, output),
    }
}
