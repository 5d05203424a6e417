//! `molsieve verify`: checks a pack: integrity, completeness, signature.

use std::path::PathBuf;

use super::exit_code::Exit;
use super::output::Output;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::pack::keys::{PrivateKey, PublicKey};
use crate::pack::verify::{self, Accept, Report, Trust};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pack: a zip, or a directory.
    pack: PathBuf,
    /// A public key (SPKI PEM) that is trusted; may be given several times.
    #[arg(long)]
    key: Vec<PathBuf>,
    /// Accept a pack that only unknown keys have signed.
    #[arg(long)]
    allow_unknown_key: bool,
    /// Accept a pack that nobody, or only unknown keys, have signed: integrity alone.
    #[arg(long)]
    allow_unsigned: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let keys = args.key.iter().map(|path| PublicKey::load(path)).collect::<Result<Vec<_>>>()?;
    let accept = match (args.allow_unsigned, args.allow_unknown_key) {
        (true, _) => Accept::Unsigned,
        (_, true) => Accept::UnknownKeys,
        _ => Accept::Trusted,
    };
    let report = verify::verify(&args.pack, &Trust { keys, threshold: 1, accept })?;
    tell(&report, output)
}

/// Verifies the pack of a campaign against its own key, where it has one.
pub fn own_pack(campaign: &Campaign, output: Output) -> Result<Exit> {
    let key = campaign.file.execution.key.as_ref();
    let keys: Vec<PublicKey> = key.map(|path| PrivateKey::load(path)?.public()).transpose()?.into_iter().collect();
    let accept = if keys.is_empty() { Accept::Unsigned } else { Accept::Trusted };
    let trust = Trust { keys, threshold: 1, accept };
    tell(&verify::verify(&campaign.dir.pack(), &trust)?, output)
}

fn tell(report: &Report, output: Output) -> Result<Exit> {
    if !output.document(report)? {
        for line in sentences(report) {
            output.say(line);
        }
    }
    Ok(report.failure().map_or(Exit::Done, Exit::Of))
}

/// The report, for a person: the verdict first.
fn sentences(report: &Report) -> Vec<String> {
    let Report { records, problems, signers, .. } = report;
    let mut lines = vec![match (problems.len(), signers.is_empty()) {
        (0, false) => "VERIFIED".to_owned(),
        (0, true) => "INTACT, but not signed by a key that you trust".to_owned(),
        (1, _) => "NOT VERIFIED: 1 problem".to_owned(),
        (n, _) => format!("NOT VERIFIED: {n} problems"),
    }];
    for problem in problems {
        lines.push(format!("  {}: {}", problem.code.as_str(), problem.message));
    }
    lines.extend(signers.iter().map(|keyid| format!("  signed by  {keyid}")));
    lines.extend(report.payload_digest.iter().map(|digest| format!("  payload    {digest}")));
    lines.extend(report.pack_digest.iter().map(|digest| format!("  pack       {digest}")));
    let (total, ok, skip, error) = (records.total, records.ok, records.skip, records.error);
    lines.push(format!("  records    {total}: {ok} OK, {skip} SKIP, {error} ERROR"));
    lines
}
