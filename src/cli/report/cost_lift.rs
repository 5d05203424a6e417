//! `molsieve report cost-lift`: whether a score is worth paying for.

use std::path::PathBuf;

use super::told;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::question::QuestionArgs;
use crate::cli::values;
use crate::cli::verify::pack_at;
use crate::digest::Digest;
use crate::error::Result;
use crate::fs;
use crate::lift::truth::Demands;
use crate::lift::{self, page};

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
    #[command(flatten)]
    question: QuestionArgs,
    /// The SHA-256 that the table of truth must have.
    #[arg(long, value_name = "SHA256", value_parser = values::sha256)]
    truth_sha256: Option<Digest>,
    /// The only source that its labels may have.
    #[arg(long, value_name = "SOURCE")]
    truth_source: Option<String>,
    /// Write the report (JSON) to this file, which must be new.
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write it as a page to look at (HTML) to this file, which must be new.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let written = [args.out.as_deref(), args.html.as_deref()];
    written.into_iter().flatten().try_for_each(fs::must_be_new)?;
    let demands = Demands { sha256: args.truth_sha256, source: args.truth_source.clone() };
    let request = args.question.request(demands)?;
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
