//! `molsieve report conformance`: whether a foreign evidence pack is what HETERO-2's contract says.

use std::path::PathBuf;

use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::verify::pack_at;
use crate::error::{Kind, Result};
use crate::layout::CampaignDir;
use crate::pack::hetero2::check::{self, findings::Finding};

/// Arguments of `report conformance`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve report conformance evidence_pack.zip\n  molsieve report conformance out_hetero2 --json\n\nIt ends with 0 where nothing contradicts the contract, and with 4 where something does."
)]
pub struct Args {
    /// An evidence pack of HETERO-2: a zip, or the directory that it was written to; or a pack of ours that holds one.
    pack: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let of_a_campaign = CampaignDir::new(&args.pack).campaign().is_file();
    let report = check::check(&if of_a_campaign { pack_at(&args.pack)? } else { args.pack.clone() })?;
    if !output.document(&report)? {
        output.say(if report.conforms {
            format!("CONFORMS: {} rows, and nothing contradicts the contract", report.rows)
        } else {
            format!("DOES NOT CONFORM: {} rows, {} kinds of problems", report.rows, report.problems.len())
        });
        report.problems.iter().for_each(|finding| output.say(sentence("problem", finding)));
        report.lacks.iter().for_each(|finding| output.say(sentence("lacks", finding)));
        report.not_checked.iter().for_each(|what| output.say(format!("  not checked  {what}")));
    }
    Ok(if report.conforms { Exit::Done } else { Exit::Of(Kind::Verification) })
}

fn sentence(word: &str, finding: &Finding) -> String {
    let Finding { code, file, message, line, count } = finding;
    let place = match (file, line) {
        (Some(file), Some(line)) => format!("{file}, line {line}: "),
        (Some(file), None) => format!("{file}: "),
        (None, _) => String::new(),
    };
    let often = if *count > 1 { format!(" ({count} times)") } else { String::new() };
    format!("  {word}  {code}: {place}{message}{often}")
}
