//! `molsieve verify`: checks a pack: integrity, completeness, signature.

use std::path::{Path, PathBuf};

use super::drive::Options;
use super::exit_code::Exit;
use super::output::Output;
use super::registry;
use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::layout::{self, CampaignDir};
use crate::pack::keys::{PrivateKey, PublicKey};
use crate::pack::sign;
use crate::pack::verify::{self, Accept, Code, Report, Trust};
use crate::run::finish;
use crate::run::journal::Journal;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The pack: a zip, its directory, or the directory of its campaign.
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
    let report = verify::verify(&pack_at(&args.pack), &Trust { keys, threshold: 1, accept })?;
    tell(&report, output)
}

/// The pack that `path` stands for: that of a campaign directory, or itself.
pub fn pack_at(path: &Path) -> PathBuf {
    let dir = CampaignDir::new(path);
    if dir.campaign().is_file() { dir.pack() } else { path.to_path_buf() }
}

/// Whether the pack of a finished campaign is what its journal says: complete. If not, it is gathered again.
pub fn is_complete(campaign: &Campaign) -> Result<bool> {
    let trust = Trust { accept: Accept::Unsigned, ..Trust::default() };
    let report = verify::verify(&campaign.dir.pack(), &trust)?;
    Ok(!report.problems.iter().any(|problem| problem.code == Code::Incomplete))
}

/// Verifies the pack of a finished campaign against its own key, where it has one; signs it first if
/// whoever drove the campaign died between the seal and the signature.
pub fn own_pack(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let path = campaign.dir.pack();
    let Some(private) = options.key(campaign) else {
        return tell(&verify::verify(&path, &Trust { accept: Accept::Unsigned, ..Trust::default() })?, output);
    };
    let trust = Trust { keys: vec![public_half(private)?], threshold: 1, accept: Accept::Trusted };
    let report = verify::verify(&path, &trust)?;
    // A driver that died while it signed leaves the archive ahead of the directory.
    let half_signed = |code| matches!(code, Code::Unsigned | Code::ArchiveDiffers);
    let is_unsigned = report.problems.iter().any(|problem| problem.code == Code::Unsigned);
    if !is_unsigned || !report.problems.iter().all(|problem| half_signed(problem.code)) {
        return tell(&report, output);
    }
    let signed = sign::sign(&path, &[PrivateKey::load(private)?])?;
    let (mut journal, _) = Journal::take_over(&campaign.dir)?;
    finish::note_signed(&mut journal, &signed)?;
    registry::enter(&signed, output);
    tell(&verify::verify(&path, &trust)?, output)
}

/// The public key of `private`, from the file beside it if the private one is kept elsewhere.
fn public_half(private: &Path) -> Result<PublicKey> {
    let beside = layout::public_key_beside(private);
    if !private.exists() && beside.exists() {
        return PublicKey::load(&beside);
    }
    PrivateKey::load(private)?.public()
}

fn tell(report: &Report, output: Output) -> Result<Exit> {
    if !output.document(report)? {
        for line in sentences(report) {
            output.say(line);
        }
        if let Some(hint) = report.problems.first().map(|problem| hint(problem.code)) {
            output.say(format!("  hint: {hint}"));
        }
    }
    Ok(report.failure().map_or(Exit::Done, Exit::Of))
}

/// What to do about a pack with this problem.
const fn hint(first: Code) -> &'static str {
    match first {
        Code::Unsigned => "`molsieve sign` signs it; `--allow-unsigned` checks its integrity alone",
        Code::KeyUnknown | Code::SignaturesTooFew => {
            "give the public key of whoever signed it with `--key`, if you trust them"
        }
        Code::Incomplete => "it is sound as far as it goes; `molsieve resume` on its campaign computes the rest",
        _ => "do not rely on it: get the pack again from whoever sealed it",
    }
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
