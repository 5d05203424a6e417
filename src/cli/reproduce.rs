//! `molsieve reproduce`: computes the request of a pack again, and compares the payloads.

use std::path::PathBuf;

use super::asked::WorkArgs;
use super::exit_code::Exit;
use super::output::{Form, Output};
use super::place;
use super::progress;
use super::verify::pack_at;
use crate::again::compare::{Difference, Rows};
use crate::again::reproduce;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::layout::CampaignDir;
use crate::scorer::open::Here;

/// Arguments of `reproduce`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve reproduce evidence_pack.zip --campaign night-1.toml --dir again\n  molsieve reproduce night-1 --from night-1 --dir again\n\nIt ends with 0 where the payload is the same, or differs by circumstantial rows alone; with 4 where it is not; with 2,\nbefore anything is computed, where the inputs are not those of the pack.",
    group = clap::ArgGroup::new("inputs").required(true).args(["campaign", "from"])
)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
    pack: PathBuf,
    /// The campaign file (TOML) that says where the inputs are.
    #[arg(long)]
    campaign: Option<PathBuf>,
    /// A campaign directory whose inputs are read anew.
    #[arg(long)]
    from: Option<PathBuf>,
    /// The directory of the new campaign: made if it is not there, resumed if it is.
    #[arg(long, default_value = "reproduced")]
    dir: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let pack = pack_at(&args.pack)?;
    let manifest = reproduce::request_of(&pack)?;
    let dir = place::absolute(&CampaignDir::new(&args.dir))?;
    reproduce::must_be_another(&pack, &dir)?;
    let here = Here { program: place::this_program()? };
    let watch = progress::reading(output);
    let campaign = match (&args.campaign, &args.from) {
        (Some(config), _) => reproduce::plan_file(config, dir, &here, &watch)?,
        (None, Some(from)) => {
            let from = Campaign::open(place::absolute(&CampaignDir::new(from))?)?;
            reproduce::plan_again(&from, dir, &here, &watch)?
        }
        (None, None) => return Err(Error::bug("a pack was to be reproduced from nothing")),
    };
    let differences = reproduce::compare(&manifest, &campaign)?;
    output.note(format!("the request is that of the pack: {} records to compute", campaign.plan.records));
    // The facts of this command are one document: what the run has to say goes to people alone.
    let inner = if output.is_json() { Output::new(Form::Quiet) } else { output };
    let ended = super::resume::go_on(&campaign, &args.work.options(), inner)?;
    if ended != Exit::Done {
        return Ok(ended);
    }
    let again = reproduce::request_of(&campaign.dir.pack())?;
    let reproduced = again.payload.digest == manifest.payload.digest;
    let rows = if reproduced {
        Rows { same: manifest.payload.rows, ..Rows::default() }
    } else {
        reproduce::rows(&pack, &campaign.dir.pack())?
    };
    let verdict = match (reproduced, rows.differ) {
        (true, _) => "reproduced",
        (false, 0) => "reproduced_but_circumstantial",
        _ => "not_reproduced",
    };
    let facts = serde_json::json!({
        "schema": "molsieve.reproduce.v1",
        "verdict": verdict,
        "payload_digest": manifest.payload.digest,
        "again": again.payload.digest,
        "deterministic": manifest.campaign.scorer.description.deterministic,
        "rows": rows,
        "differences": differences,
        "pack": campaign.dir.pack(),
    });
    if !output.document(&facts)? {
        tell(verdict, &rows, &differences, manifest.campaign.scorer.description.deterministic, output);
        output.say(format!("  payload of the pack  {}", manifest.payload.digest));
        output.say(format!("  payload now          {}", again.payload.digest));
    }
    Ok(if verdict == "not_reproduced" { Exit::Of(Kind::Verification) } else { Exit::Done })
}

fn tell(verdict: &str, rows: &Rows, differences: &[Difference], deterministic: bool, output: Output) {
    let all = rows.same + rows.differ + rows.circumstantial;
    output.say(match verdict {
        "reproduced" => format!("REPRODUCED: all {all} rows are the same"),
        "not_reproduced" => format!("NOT REPRODUCED: {} of {all} rows differ", rows.differ),
        _ => format!("REPRODUCED, but for {} circumstantial rows of {all}", rows.circumstantial),
    });
    if rows.circumstantial > 0 {
        output.say(format!(
            "  {} rows differ where a record ended as crash, timeout or oom: load or memory caused that, and no pack claims that it comes again",
            rows.circumstantial
        ));
    }
    if let Some(first) = &rows.first {
        output.say(format!("  the first is record {}:", first.ordinal));
        output.say(format!("    in the pack  {}", first.pack));
        output.say(format!("    now          {}", first.again));
        if !deterministic {
            output.say("  the scorer does not claim to give the same answer every time");
        }
    }
    for Difference { what, pack, here, .. } in differences {
        output.say(format!(
            "  note: {what} is another, which the payload does not depend on: {pack} in the pack, {here} here"
        ));
    }
}
