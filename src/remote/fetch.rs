//! Brings the sealed pack of a campaign home: the archive comes, is unpacked beside its place, and gets its name when it
//! verifies. What comes is a stranger's: lengths are bounded, names are plain, and nothing is believed.

use std::path::Path;

use super::client::{Client, Tell};
use super::message::{Ask, Packed};
use super::place::Asked;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::tree::StagedDir;
use crate::fs::{self, Staged};
use crate::layout::{CampaignDir, PackDir};
use crate::pack::archive::read::Archive;
use crate::pack::manifest::{self, Manifest};
use crate::pack::verify::report::Refusal;
use crate::pack::verify::{self, Report, Trust};
use crate::pack::{ARCHIVE, ATTESTATION, MANIFEST};

/// What came of it.
#[derive(Debug)]
pub enum Fetched {
    /// There is no pack there yet.
    None,
    /// The pack is at home already.
    Same,
    /// It came, and is sound.
    New(Box<Report>),
}

/// Fetches the pack of the campaign called `name` into `dir`.
///
/// # Errors
/// It does not verify, or is not what was `asked` for (exit 4); another one is in its place (exit 2); there is no room
/// (exit 6); the line drops (exit 5).
pub fn fetch(
    client: &mut Client,
    name: &str,
    dir: &CampaignDir,
    asked: Option<&Asked>,
    tell: Tell<'_>,
) -> Result<Fetched> {
    let pack = dir.pack();
    let at_home = manifest_digest(&pack);
    let ask = Ask::Pack { campaign: name.to_owned(), unless: at_home.clone() };
    let packed: Packed = client.asked(&ask)?;
    let Some(bytes) = packed.bytes else {
        return Ok(if packed.pack_digest.is_some() && packed.pack_digest == at_home {
            Fetched::Same
        } else {
            Fetched::None
        });
    };
    if !may_be_replaced(&pack) {
        return Err(Error::usage(format!("`{}` is a signed pack, and another one lies there by now", pack.display()))
            .hint("move it away, then run the same command again"));
    }
    enough_room(dir.root(), bytes)?;
    tell(&format!("fetching the pack: {} MiB", bytes.div_ceil(1 << 20)));
    let staged = StagedDir::create_beside(&pack)?;
    let place = PackDir::new(staged.building_at());
    let mut archive = Staged::create_beside(&place.member(ARCHIVE))?;
    client.data(bytes, &mut |block| archive.write(block))?;
    archive.commit()?;
    unpack(&place).map_err(unsound)?;
    let (report, manifest) = verify::inspect(place.root(), &Trust::integrity())?;
    if let Some(problem) = report.unsound() {
        return Err(unsound(Error::verification(problem.message.clone())));
    }
    let manifest = manifest.ok_or_else(|| unsound(Error::verification("it has no manifest")))?;
    is_asked(&manifest, asked)?;
    match staged.commit_if(may_be_replaced)? {
        None => Ok(Fetched::New(Box::new(report))),
        Some(_) => {
            Err(Error::usage(format!("`{}` was signed meanwhile", pack.display())).hint("run the command again"))
        }
    }
}

fn unsound(error: Error) -> Error {
    error.within("the pack that came does not verify, and is not taken").hint(
        "`molsieve resume` there gathers it again where the campaign is sound; a pack that keeps failing was tampered with",
    )
}

/// `sha256:` of the manifest of the pack at `pack`, if there is one.
fn manifest_digest(pack: &Path) -> Option<String> {
    let bytes = fs::read_input(&PackDir::new(pack).member(MANIFEST), manifest::BYTES_MAX).ok()?;
    Some(digest::sha256(&bytes).sha256_uri())
}

/// A pack that somebody has signed stays, unless it is an INCOMPLETE one.
fn may_be_replaced(pack: &Path) -> bool {
    let dir = PackDir::new(pack);
    let is_complete = || {
        let bytes = fs::read_input(&dir.member(MANIFEST), manifest::BYTES_MAX).ok()?;
        Some(serde_json::from_slice::<serde_json::Value>(&bytes).ok()?["complete"] == true)
    };
    !dir.member(ATTESTATION).exists() || is_complete() == Some(false)
}

/// Whether `bytes` find room at `dir`; what cannot be known is tried.
fn enough_room(dir: &Path, bytes: u64) -> Result<()> {
    match fs::room(dir) {
        Ok(room) if room.bytes < bytes => Err(Error::new(
            crate::error::Kind::Full,
            format!("the pack there has {bytes} bytes, and here is room for {}", room.bytes),
        )
        .hint("free some space, then run the same command again")),
        _ => Ok(()),
    }
}

/// Unpacks the archive in `place` beside itself: plain names, no more bytes than it declares, and no more than fit.
fn unpack(place: &PackDir) -> Result<()> {
    let refused = |refusal: Refusal| match refusal {
        Refusal::Problem(problem) => Error::verification(problem.message),
        Refusal::System(error) => error,
    };
    let mut problems = Vec::new();
    let archive = Archive::open(&place.member(ARCHIVE), &mut problems).map_err(refused)?;
    if let Some(problem) = problems.into_iter().next() {
        return Err(Error::verification(problem.message));
    }
    let members = archive.members();
    if members.contains_key(ARCHIVE) {
        return Err(Error::verification(format!("`{ARCHIVE}` holds one of its own name")));
    }
    let total = members.values().fold(0u64, |total, bytes| total.saturating_add(*bytes));
    enough_room(place.root(), total)?;
    for name in members.keys() {
        let mut staged = Staged::create_beside(&place.member(name))?;
        let mut written = Ok(());
        let streamed = archive.stream(name, &mut |block| {
            if written.is_ok() {
                written = staged.write(block);
            }
        });
        written?;
        streamed.map_err(refused)?;
        staged.commit()?;
    }
    Ok(())
}

/// A sound pack may still be one of something else.
fn is_asked(manifest: &Manifest, asked: Option<&Asked>) -> Result<()> {
    let Some(Asked { campaign, seed }) = asked else { return Ok(()) };
    let found = &manifest.campaign;
    if found.name == *campaign && found.seed == *seed {
        return Ok(());
    }
    Err(Error::verification(format!(
        "the pack that came is of the campaign `{}` with the seed {}, and `{campaign}` with the seed {seed} was asked for",
        found.name.escape_debug(),
        found.seed
    ))
    .hint("somebody replaced the campaign there: look at it with `molsieve status`"))
}
