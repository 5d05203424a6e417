//! `molsieve retry`: opens a generation in which records that ended as errors are scored again.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use super::place;
use crate::again::retry;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::layout::CampaignDir;

/// Arguments of `retry`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve retry night-1 --errors=timeout,oom\n  molsieve resume night-1-retry --timeout 30min\n  molsieve retry night-1 --errors --dir second-try\n\nThe scorer is that of the parent; the campaign file is not read."
)]
pub struct Args {
    /// The directory of the parent campaign, which is read and not changed.
    dir: PathBuf,
    /// Score again what ended as ERROR: for these reasons, or for any.
    #[arg(
        long,
        required = true,
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "",
        value_name = "REASON,…"
    )]
    errors: Vec<String>,
    /// The directory of the new campaign [default: the parent's with `-retry` after it].
    #[arg(long = "dir", value_name = "NEW")]
    new: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let parent = Campaign::open(place::absolute(&CampaignDir::new(&args.dir))?)?;
    let reasons: Vec<String> = args.errors.iter().filter(|reason| !reason.is_empty()).cloned().collect();
    let new = match &args.new {
        Some(dir) => dir.clone(),
        None => free_beside(&parent)?,
    };
    let opened = retry::retry(&parent, &reasons, place::absolute(&CampaignDir::new(&new))?)?;
    let tally = opened.tally;
    let facts = serde_json::json!({
        "schema": "molsieve.retry.v1",
        "dir": new,
        "campaign": opened.campaign.plan.campaign,
        "parent": opened.campaign.file.identity.parent,
        "carried": tally.carried,
        "retried": tally.retried,
        "unfinished": tally.unfinished,
        "files": tally.files,
        "archives_gone": tally.archives_gone,
        "other_program": opened.other_program,
    });
    if let Some(program) = &opened.other_program {
        output.note(format!(
            "warning: `{program}` is another file than the one that scored `{}`, and calls itself the same: the new pack \
             will hold rows of both; for rows of one program, run the campaign file with a new `--dir`",
            args.dir.display()
        ));
    }
    if !output.document(&facts)? {
        output.say(format!(
            "{} records are scored again, {} were not finished, {} rows are taken over",
            tally.retried, tally.unfinished, tally.carried
        ));
        if tally.files > 0 {
            output.say(format!("{} kept files are taken over with their rows", tally.files));
        }
        if tally.archives_gone > 0 {
            output.note(format!(
                "the archives of kept files of {} task groups are gone: the rows are taken over without files",
                tally.archives_gone
            ));
        }
        output.say(format!("  molsieve resume {}   computes them", new.display()));
    }
    Ok(Exit::Done)
}

/// A directory beside the parent's in which there is no campaign yet.
fn free_beside(parent: &Campaign) -> Result<PathBuf> {
    let root = parent.dir.root();
    let name = root.file_name().and_then(|name| name.to_str()).unwrap_or("campaign");
    let candidates = (1..100).map(|n| if n == 1 { format!("{name}-retry") } else { format!("{name}-retry-{n}") });
    let free = candidates.map(|name| root.with_file_name(name)).find(|dir| !CampaignDir::new(dir).campaign().exists());
    free.ok_or_else(|| Error::usage("there are a hundred retries already").hint("give a directory with `--dir`"))
}
