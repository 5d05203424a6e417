//! `molsieve report`: what a pack is worth, told from it and from what others measured.

mod cost_lift;
mod proxy_truth;
mod told;

use super::exit_code::Exit;
use super::output::Output;
use crate::error::Result;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve report cost-lift night-1 --truth assay.csv --k 200 --cost-per-molecule 0.5 --currency EUR\n  molsieve report proxy-truth night-1 --out proxy.csv"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Say whether a score is worth paying for: a pack against what an expensive measurement said.
    CostLift(cost_lift::Args),
    /// Write labels that a rule makes, to try out what becomes of labels; they stand for no measurement.
    ProxyTruth(proxy_truth::Args),
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Command::CostLift(args) => cost_lift::run(args, output),
        Command::ProxyTruth(args) => proxy_truth::run(args, output),
    }
}
