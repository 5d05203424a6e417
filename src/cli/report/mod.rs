//! `molsieve report`: what a pack is worth, told from it and from what others measured.

mod audit;
mod conformance;
pub(super) mod cost_lift;
mod hetero2;
pub(super) mod proxy_truth;
pub(super) mod registry_entry;
pub(super) mod sound;
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
    /// Write a pack as an evidence pack of HETERO-2: its tables, documents and checksums in one zip.
    Hetero2(hetero2::Args),
    /// Print what HETERO-2's audit says of one record: hetero_audit.v2.
    Audit(audit::Args),
    /// Check an evidence pack of HETERO-2, whoever made it: what contradicts its contract, and what it lacks.
    Conformance(conformance::Args),
    /// Print the section of a pack in HETERO-2's registry of artefacts, as Markdown.
    RegistryEntry(registry_entry::Args),
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    match &args.command {
        Command::CostLift(args) => cost_lift::run(args, output),
        Command::ProxyTruth(args) => proxy_truth::run(args, output),
        Command::Hetero2(args) => hetero2::run(args, output),
        Command::Audit(args) => audit::run(args, output),
        Command::Conformance(args) => conformance::run(args, output),
        Command::RegistryEntry(args) => registry_entry::run(args, output),
    }
}
