//! `molsieve report cost-lift`: whether a score is worth paying for.

use std::path::PathBuf;

use super::told;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::values;
use crate::cli::verify::pack_at;
use crate::digest::Digest;
use crate::error::Result;
use crate::fs;
use crate::lift::money::{Amount, Cost};
use crate::lift::truth::Demands;
use crate::lift::{self, RESAMPLES_MAX, Request, page};

/// Arguments of `report cost-lift`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve report cost-lift night-1 --truth assay.csv --k 200\n  molsieve report cost-lift evidence_pack.zip --truth assay.csv --cost-per-molecule 0.5 --currency EUR -o cost_lift_report.json --html cost_lift_report.html\n\nThe pack is checked first, all of it, but not who signed it: `molsieve verify --key` does that."
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    pack: PathBuf,
    /// What an expensive measurement said of each molecule: CSV, customer_truth.v1.
    #[arg(long)]
    truth: PathBuf,
    /// How many molecules go to the expensive stage.
    #[arg(long, default_value_t = 10_000, value_parser = values::count::<{ values::K_MAX }>)]
    k: u64,
    /// The seed of all draws.
    #[arg(long, default_value_t = 0, value_parser = values::seed)]
    seed: u64,
    /// Draws of an interval.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = values::count::<{ RESAMPLES_MAX as u64 }>)]
    bootstrap_n: u64,
    /// What the expensive stage costs for a molecule, such as `0.5`.
    #[arg(long, value_name = "AMOUNT", requires = "currency")]
    cost_per_molecule: Option<Amount>,
    /// Of what that is, in a word such as `EUR`.
    #[arg(long, value_name = "WORD", requires = "cost_per_molecule")]
    currency: Option<String>,
    /// The SHA-256 that the table of truth must have.
    #[arg(long, value_name = "SHA256", value_parser = values::sha256)]
    truth_sha256: Option<Digest>,
    /// The only source that its labels may have.
    #[arg(long, value_name = "SOURCE")]
    truth_source: Option<String>,
    /// Let it speak of molecules that the pack does not have.
    #[arg(long)]
    allow_unknown: bool,
    /// Write the report (JSON) to this file, which must be new.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write it as a page to look at (HTML) to this file, which must be new.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let cost = match (args.cost_per_molecule, &args.currency) {
        (Some(amount), Some(currency)) => Some(Cost::new(amount, currency)?),
        _ => None,
    };
    let written = [args.out.as_deref(), args.html.as_deref()];
    written.into_iter().flatten().try_for_each(fs::must_be_new)?;
    let request = Request {
        k: args.k,
        seed: args.seed,
        bootstrap_n: args.bootstrap_n as u32,
        cost,
        demands: Demands { sha256: args.truth_sha256, source: args.truth_source.clone() },
        allow_unknown: args.allow_unknown,
    };
    let report = lift::cost_lift(&pack_at(&args.pack)?, &args.truth, &request)?;
    if let Some(out) = &args.out {
        fs::put_new(out, &report.to_bytes()?)?;
    }
    if let Some(out) = &args.html {
        fs::put_new(out, page::render(&report).as_bytes())?;
    }
    if !output.document(&report)? {
        told::sentences(&report).into_iter().for_each(|line| output.say(line));
        for out in written.into_iter().flatten() {
            output.say(format!("written to `{}`", out.display()));
        }
    }
    Ok(Exit::Done)
}
