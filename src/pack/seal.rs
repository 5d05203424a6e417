//! Seals a gathered result: an unsigned pack that appears whole or not at all.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::archive::write;
use super::manifest::Manifest;
use super::sign::inputs;
use super::verify::{self, Trust};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, CONTENT, MANIFEST, OPTIONAL, content};
use crate::campaign::identity::Identity;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::gather::Gathered;
use crate::layout::{CampaignDir, PackDir};
use crate::shard::plan::Plan;

/// What a pack is sealed for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The campaign directory.
    pub dir: &'a CampaignDir,
    /// The frozen request.
    pub identity: &'a Identity,
    /// How it was cut.
    pub plan: &'a Plan,
    /// The directory of the library snapshot, for the structures of the hits.
    pub library: &'a Path,
    /// Facts of the campaign and its journal, for provenance: any JSON.
    pub facts: serde_json::Value,
}

/// A sealed pack.
#[derive(Clone, Debug)]
pub struct SealedPack {
    /// Its directory.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
    /// `sha256:` of the manifest.
    pub pack_digest: String,
    /// What became of the pack that was there before.
    pub before: Before,
}

/// What became of the pack that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none.
    None,
    /// It is sound and says the same: it stays, with its signatures.
    Kept,
    /// It was incomplete, damaged or of another answer: it was replaced.
    Replaced,
}

/// Builds the pack of `gathered` and puts it in place, unless an equal one is there already.
///
/// # Errors
/// The system refuses (exit 6); the pack that was there before, if any, is still there.
pub fn seal(gathered: Gathered, request: &Request<'_>) -> Result<SealedPack> {
    let before = match existing(&gathered, request)? {
        Existing::Same(pack) => return Ok(*pack),
        Existing::Other => Before::Replaced,
        Existing::None => Before::None,
    };
    let dir = PackDir::new(gathered.building.building_at());
    let manifest = content::write(&dir, &gathered, request)?;
    let bytes = manifest.to_bytes()?;
    content::put(&dir, MANIFEST, &bytes)?;
    content::put(&dir, CHECKSUMS, &manifest.checksums(&bytes))?;
    write::write(fs::Staged::create_beside(&dir.member(ARCHIVE))?, &inputs(&dir, &manifest))?;
    let complete_since = || verify::inspect(&request.dir.pack(), &Trust::integrity());
    if !manifest.complete && request.dir.pack().is_dir() && complete_since()?.1.is_some_and(|m| m.complete) {
        return Err(Error::new(
            Kind::Incomplete,
            "a complete pack is there already, and an INCOMPLETE one does not take its place",
        )
        .hint("the campaign was completed while this one was being made: use the pack that is there"));
    }
    gathered.building.commit()?;
    let pack_digest = digest::sha256(&bytes).sha256_uri();
    Ok(SealedPack { path: request.dir.pack(), manifest, pack_digest, before })
}

/// The pack that is there already.
enum Existing {
    None,
    Other,
    Same(Box<SealedPack>),
}

/// Whether the pack that is there is sound and says what this one would: then its signatures are worth keeping.
fn existing(gathered: &Gathered, request: &Request<'_>) -> Result<Existing> {
    let path = request.dir.pack();
    let names = match std::fs::read_dir(&path) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Existing::None),
        Err(e) => return Err(Error::io("cannot read the pack that is there", &path, &e)),
    };
    let own = [MANIFEST, CHECKSUMS, ATTESTATION, ARCHIVE];
    let is_ours = |name: &OsString| CONTENT.iter().chain(&OPTIONAL).chain(&own).any(|known| name == known);
    if let Some(name) = names.into_iter().find(|name| !is_ours(name)) {
        let what = format!("`{}` holds `{}`, which is no part of a pack", path.display(), name.display());
        return Err(
            Error::usage(what).hint("move it away: sealing would replace that directory with all that is in it")
        );
    }
    let (report, manifest) = verify::inspect(&path, &Trust::integrity())?;
    let same = |manifest: &Manifest| {
        manifest.campaign == *request.identity
            && manifest.missing == gathered.missing
            && manifest.payload.digest == gathered.root.sha256_uri()
    };
    Ok(match manifest.filter(|manifest| report.is_sound() && same(manifest)) {
        None => Existing::Other,
        Some(manifest) => {
            let pack_digest = report.pack_digest.unwrap_or_default();
            Existing::Same(Box::new(SealedPack { path, manifest, pack_digest, before: Before::Kept }))
        }
    })
}
