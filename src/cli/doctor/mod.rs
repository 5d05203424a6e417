//! `molsieve doctor`: finds what is wrong before a night depends on it.

mod machine;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve doctor\n  molsieve doctor /scratch/me --json")]
pub struct Args {
    #[command(flatten)]
    machine: machine::Args,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    machine::run(&args.machine, output)
}
