//! `molsieve verify`: checks a pack: integrity, completeness, signature.

use std::path::{Path, PathBuf};

use super::asked::Options;
use super::exit_code::Exit;
use super::output::Output;
use super::place;
use super::{registry, signals};
use crate::again::rescore::{self, Rescored, Share};
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::layout::{self, CampaignDir};
use crate::pack::keys::PublicKey;
use crate::pack::sign::Signed;
use crate::pack::verify::{self, Accept, Code, Report, Trust};
use crate::pack::{ARCHIVE, CHECKSUMS, MANIFEST, SUMMARY};
use crate::run::finish;
use crate::scorer::open::Here;
use crate::stop::Stop;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve verify evidence_pack.zip --key signer.pub.pem\n  molsieve verify night-1 --key me.pub.pem --rescore 1%"
)]
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
    /// Score this share of the records again, such as `1%`, and compare the rows.
    #[arg(long, value_name = "SHARE")]
    rescore: Option<Share>,
    /// The campaign directory whose scorer and library are used for that [default: the one that the pack lies in].
    #[arg(long, requires = "rescore")]
    campaign: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let keys = args.key.iter().map(|path| PublicKey::load(path)).collect::<Result<Vec<_>>>()?;
    let accept = match (args.allow_unsigned, args.allow_unknown_key) {
        (true, _) => Accept::Unsigned,
        (_, true) => Accept::UnknownKeys,
        _ => Accept::Trusted,
    };
    let pack = pack_at(&args.pack)?;
    let (report, manifest) = verify::inspect(&pack, &Trust { keys, threshold: 1, accept })?;
    match (args.rescore, manifest.filter(|_| report.is_sound())) {
        (Some(share), Some(manifest)) => {
            let campaign = campaign_of(args.campaign.as_deref(), &args.pack)?;
            let here = Here { program: place::this_program()? };
            let stop = Stop::new();
            signals::raise_on_signal(&stop, || {})?;
            let rescored = rescore::rescore(&pack, &manifest, &campaign, share, &here, &stop)?;
            tell_both(&report, &rescored, output)
        }
        _ => tell(&report, output),
    }
}

/// The campaign whose scorer scores again: the one that is named, or the one that the pack lies in.
fn campaign_of(named: Option<&Path>, pack: &Path) -> Result<Campaign> {
    let dir = match named {
        Some(dir) => CampaignDir::new(dir),
        None => CampaignDir::around(pack).ok_or_else(|| {
            Error::usage(format!("`{}` lies in no campaign directory", pack.display()))
                .hint("name the campaign whose scorer and library are to be used: `--campaign DIR`")
        })?,
    };
    Campaign::open(super::place::absolute(&dir)?)
}

/// The report of a pack, and what came of scoring some of it again.
fn tell_both(report: &Report, rescored: &Rescored, output: Output) -> Result<Exit> {
    if output.is_json() {
        let value = |e: serde_json::Error| Error::bug(format!("facts have no JSON form: {e}"));
        let mut facts = serde_json::to_value(report).map_err(value)?;
        facts["rescore"] = serde_json::to_value(rescored).map_err(value)?;
        output.document(&facts)?;
    } else {
        let mut lines = sentences(report);
        lines[0] = headline(&lines[0], report, rescored);
        lines.extend(rescore_sentences(rescored));
        lines.into_iter().for_each(|line| output.say(line));
        if rescored.failure().is_some() {
            output.say(
                "  hint: `molsieve doctor scorer C.toml` says whether the scorer gives one answer on this machine",
            );
            output.say(
                "  hint: if it does, compare its program and what it depends on with `provenance.json` in the pack",
            );
        }
    }
    Ok(report.failure().or(rescored.failure()).map_or(Exit::Done, Exit::Of))
}

/// The verdict on a pack and on what came of scoring some of it again; `pack` is the one on the pack alone.
fn headline(pack: &str, report: &Report, found: &Rescored) -> String {
    let Rescored { sampled, same, differ, .. } = found;
    let signed =
        if report.signers.is_empty() { "not signed by a key that you trust" } else { "signed by a key that you trust" };
    match (found.failure(), differ, same) {
        (Some(_), ..) => {
            format!("RESCORED ROWS DIFFER: {differ} of {sampled}; the pack itself is intact, and {signed}")
        }
        (None, 0, 0) => pack.to_owned(),
        (None, 0, _) => format!("{pack}; {same} of {sampled} rescored rows are the same"),
        (None, ..) => format!("{pack}; {differ} of {sampled} rescored rows differ, as they may"),
    }
}

fn rescore_sentences(found: &Rescored) -> Vec<String> {
    let Rescored { sampled, same, differ, circumstantial, .. } = found;
    let word = match (differ, found.deterministic) {
        (0, _) => "SAME",
        (_, true) => "DIFFERENT",
        (_, false) => "different, as a scorer may that does not claim to be deterministic",
    };
    let mut lines = vec![format!("  rescored   {word}: {sampled} records, {same} the same, {differ} differ")];
    if *circumstantial > 0 {
        lines.push(format!("    {circumstantial} of them ended as crash, timeout or oom, and are not compared"));
    }
    for (column, by) in &found.largest {
        lines.push(format!("    `{column}` differs by up to {by}"));
    }
    for pair in &found.differences {
        lines.push(format!("    record {}:  {}  then", pair.ordinal, pair.pack));
        lines.push(format!("    record {}:  {}  now", pair.ordinal, pair.again));
    }
    lines
}

/// The pack that `path` stands for: that of a campaign directory, or itself.
///
/// # Errors
/// The campaign has no pack yet, or it is a directory that is neither (exit 2).
pub fn pack_at(path: &Path) -> Result<PathBuf> {
    let dir = CampaignDir::new(path);
    if dir.remote().is_file() && dir.pack().exists() {
        return Ok(dir.pack());
    }
    if dir.campaign().is_file() {
        let (pack, root) = (dir.pack(), dir.root().display());
        return if pack.exists() {
            Ok(pack)
        } else {
            Err(Error::usage(format!("the campaign in `{root}` has no pack yet"))
                .hint(format!("`molsieve status {root}` says how far it is, `molsieve resume {root}` goes on with it")))
        };
    }
    if path.is_file() && path.extension().is_some_and(|ending| ending == "toml") {
        return Err(Error::usage(format!("`{}` is a TOML file, such as a campaign file, and no pack", path.display()))
            .hint("give the directory of its campaign (the `--dir` of `run`), or its `pack/evidence_pack.zip`"));
    }
    // A pack from which something was taken away is a damaged pack, and told as one.
    let holds = |name: &&str| layout::inside(path, name).exists();
    if path.is_dir() && ![MANIFEST, CHECKSUMS, SUMMARY, ARCHIVE].iter().any(holds) {
        return Err(Error::usage(format!("`{}` is neither a pack nor a campaign directory", path.display()))
            .hint("give an `evidence_pack.zip`, the directory that it was unpacked to, or a campaign directory"));
    }
    Ok(path.to_path_buf())
}

/// Whether there is a pack at `path` that is sound and complete, whoever signed it.
pub fn is_whole(path: &Path) -> bool {
    path.is_dir() && verify::verify(path, &Trust::integrity()).is_ok_and(|report| report.problems.is_empty())
}

/// Whether the pack of a finished campaign is what its journal says: complete. If not, it is gathered again.
pub fn is_complete(campaign: &Campaign) -> Result<bool> {
    Ok(!verify::verify(&campaign.dir.pack(), &Trust::integrity())?.has(Code::Incomplete))
}

/// Verifies the pack of a finished campaign against its own key, where it has one; see [`finish::confirm`].
pub fn own_pack(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let (report, signed) = finish::confirm(campaign, options.key(campaign))?;
    told(&report, signed.as_ref(), output)
}

/// As [`own_pack`], for the pack at `path` of a campaign that is elsewhere.
pub fn sealed_pack(path: &Path, private: Option<&Path>, output: Output) -> Result<Exit> {
    let (report, signed) = finish::confirm_at(path, private, |_| Ok(()))?;
    told(&report, signed.as_ref(), output)
}

fn told(report: &Report, signed: Option<&Signed>, output: Output) -> Result<Exit> {
    if let Some(signed) = signed {
        registry::enter(signed, output);
    }
    tell(report, output)
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
    lines.extend(report.not_compared.iter().map(|not| format!("  not compared  `{}`: {}", not.member, not.why)));
    lines.extend(signers.iter().map(|keyid| format!("  signed by  {keyid}")));
    lines.extend(report.payload_digest.iter().map(|digest| format!("  payload    {digest}")));
    lines.extend(report.pack_digest.iter().map(|digest| format!("  pack       {digest}")));
    let (total, ok, skip, error) = (records.total, records.ok, records.skip, records.error);
    lines.push(format!("  records    {total}: {ok} OK, {skip} SKIP, {error} ERROR"));
    lines.extend(report.score.iter().map(|score| format!("  score      {score}")));
    lines
}
