//! `molsieve verify`: checks a pack: integrity, completeness, signature.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::{Kind, Result};
use crate::pack::keys::{PrivateKey, PublicKey};
use crate::pack::verify::{self, Report, Trust};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pack: a zip, or a directory.
    pack: PathBuf,
    /// A public key (SPKI PEM) that is trusted; may be given several times.
    #[arg(long)]
    key: Vec<PathBuf>,
    /// Accept a pack without a signature by a trusted key: integrity alone.
    #[arg(long)]
    allow_unsigned: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let keys = args.key.iter().map(|path| PublicKey::load(path)).collect::<Result<Vec<_>>>()?;
    let report = verify::verify(&args.pack, &Trust { keys, allow_unsigned: args.allow_unsigned })?;
    tell(&report, output)
}

/// Verifies the pack of a campaign against its own key, where it has one.
pub fn own_pack(campaign: &Campaign, output: Output) -> Result<Exit> {
    let key = campaign.file.execution.key.as_ref();
    let keys = key.map(|path| PrivateKey::load(path)?.public()).transpose()?;
    let trust = Trust { allow_unsigned: keys.is_none(), keys: keys.into_iter().collect() };
    tell(&verify::verify(&campaign.dir.pack(), &trust)?, output)
}

fn tell(report: &Report, output: Output) -> Result<Exit> {
    if !output.document(report)? {
        for line in report.sentences() {
            output.say(line);
        }
    }
    Ok(match report.exit_kind() {
        None => Exit::Done,
        Some(kind) => Exit::Of(kind),
    })
}
