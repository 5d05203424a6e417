//! `molsieve sign`: signs a sealed pack.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::layout::CampaignDir;
use crate::pack;
use crate::run::event::Event;
use crate::run::journal::Journal;

/// Arguments of `sign`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The campaign directory, or the directory of a pack.
    dir: PathBuf,
    /// The private key (PKCS#8 PEM, readable by its owner alone).
    #[arg(long)]
    key: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let dir = CampaignDir::new(&args.dir);
    let campaign = Campaign::open_if_any(dir.clone())?;
    let place = if campaign.is_some() { dir.pack() } else { args.dir.clone() };
    let keyid = pack::sign::sign(&place, &args.key)?;
    if campaign.is_some() {
        let (mut journal, _) = Journal::take_over(&dir)?;
        journal.record(Event::Signed { keyid: keyid.clone() })?;
    }
    let facts = serde_json::json!({"schema": "molsieve.sign.v1", "pack": place, "keyid": keyid});
    if !output.document(&facts)? {
        output.say(format!("signed `{}` with key {keyid}", place.display()));
    }
    Ok(Exit::Done)
}
