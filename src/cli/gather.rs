//! `molsieve gather`: joins what the shards left to one sealed, unsigned pack.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::gather::Missing;
use crate::journal::state::State;
use crate::journal::{self, Journal};
use crate::layout::CampaignDir;
use crate::pack::seal::SealedPack;
use crate::pack::signal;
use crate::run::finish;
use crate::run::look::at_work::AtWork;
use crate::scorer::builtin::precomputed::MISSING_SCORE;

/// Arguments of `gather`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  molsieve gather night-1\n  molsieve gather night-1 --allow-incomplete")]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    /// Seal what is there, as a pack that says INCOMPLETE (exit 3).
    #[arg(long)]
    allow_incomplete: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = Campaign::open(super::place::absolute(&CampaignDir::new(&args.dir))?)?;
    if State::of(&journal::read(&campaign.dir)?.entries)?.archived {
        return Err(Error::usage("the rows of this campaign were removed when it was archived")
            .hint(format!("its pack is whole: `{}`", campaign.dir.pack().display())));
    }
    let missing = if args.allow_incomplete { Missing::Allow } else { Missing::Refuse };
    let sealed = finish::seal(&campaign, missing)?;
    // Whoever writes to the journal takes the campaign over. A driver that is still at work on the
    // rest must not lose it because somebody looked at what there is.
    let working = AtWork::on(&campaign, &State::of(&journal::read(&campaign.dir)?.entries)?).is_led();
    if sealed.manifest.complete || !working {
        let (mut journal, _) = Journal::take_over(&campaign.dir)?;
        finish::note_sealed(&mut journal, &sealed)?;
    }
    tell(&campaign, &sealed, output)?;
    Ok(if sealed.manifest.complete { Exit::Done } else { Exit::Of(Kind::Incomplete) })
}

/// Says what there is now.
pub fn tell(campaign: &Campaign, sealed: &SealedPack, output: Output) -> Result<()> {
    let counts = &sealed.manifest.records;
    let pack = campaign.dir.pack();
    let facts = serde_json::json!({
        "schema": "molsieve.gather.v1",
        "complete": sealed.manifest.complete,
        "payload_digest": sealed.manifest.payload.digest,
        "pack_digest": sealed.pack_digest,
        "pack": pack,
        "records": {"total": counts.total, "ok": counts.ok, "skip": counts.skip, "error": counts.error},
    });
    if output.document(&facts)? {
        return Ok(());
    }
    let word = if sealed.manifest.complete { "complete" } else { "INCOMPLETE" };
    output.say(format!(
        "{word}: {} records: {} OK, {} SKIP, {} ERROR",
        counts.total, counts.ok, counts.skip, counts.error
    ));
    for (reason, count) in &counts.reasons {
        output.say(format!("         {count} {reason}"));
    }
    if counts.ok == 0 && counts.error > 0 {
        output.say("WARNING  not one record was scored: the records are hardly at fault");
    }
    if counts.error > 0 {
        output.say(format!("errors   `molsieve peek {} --errors` shows some", campaign.dir.root().display()));
    }
    if counts.reasons.get(MISSING_SCORE).is_some_and(|count| *count > 0) {
        output.say("scores   not every record has one: `molsieve decoys CAMPAIGN.toml --missing` says which scores belong to nothing here");
    }
    if let Some(signal) = signal::of(&sealed.path, &sealed.manifest)? {
        output.say(format!("score    {}", signal.sentence()));
    }
    output.say(format!("payload  {}", sealed.manifest.payload.digest));
    output.say(format!("pack     {}", pack.display()));
    Ok(())
}
