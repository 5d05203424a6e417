//! `molsieve sign`: signs a sealed pack.

use std::path::PathBuf;

use super::elsewhere;
use super::exit_code::Exit;
use super::output::Output;
use super::registry;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::journal::state::State;
use crate::journal::{self, Journal};
use crate::layout::CampaignDir;
use crate::pack::keys::PrivateKey;
use crate::pack::sign;
use crate::run::finish::{self, Registered};
use crate::run::look::at_work::AtWork;

/// Arguments of `sign`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve sign night-1 --key me.pem")]
pub struct Args {
    /// The campaign directory, or the directory of a pack.
    dir: PathBuf,
    /// The private key (PKCS#8 PEM, readable by its owner alone).
    #[arg(long)]
    key: PathBuf,
}

/// Runs it.
pub fn run(args: &Args, how: &elsewhere::Args, output: Output) -> Result<Exit> {
    let dir = CampaignDir::new(&args.dir);
    let campaign = Campaign::open_if_any(dir.clone())?;
    let key = PrivateKey::load(&args.key)?;
    let place = if campaign.is_some() {
        dir.pack()
    } else {
        elsewhere::pack_at_home(&dir, how, output)?.unwrap_or_else(|| args.dir.clone())
    };
    let signed = sign::sign(&place, &[key])?;
    let registered = registry::enter(&signed, output);
    let facts = serde_json::json!({
        "schema": "molsieve.sign.v1",
        "pack": place,
        "pack_digest": signed.pack_digest,
        "payload_digest": signed.payload_digest,
        "keyids": signed.keyids,
        "registry_entry": registered.as_ref().map(|r| &r.entry_digest),
        "audit_head": registered.as_ref().map(|r| r.head.to_string()),
    });
    if !output.document(&facts)? {
        output.say(format!("signed `{}` with key {}", place.display(), signed.keyids.join(", ")));
        if let Some(Registered { entry_digest, head }) = &registered {
            output.say(format!("registered as {entry_digest}, audit head {head}"));
        }
    }
    // Whoever writes to the journal takes the campaign over: a driver at work is left alone.
    let is_led = |campaign| Ok(AtWork::on(campaign, &State::of(&journal::read(&dir)?.entries)?).is_led());
    if campaign.as_ref().map(is_led).transpose()? == Some(false) {
        let (mut journal, _) = Journal::take_over(&dir)?;
        finish::note_signed(&mut journal, &signed)?;
    }
    Ok(Exit::Done)
}
