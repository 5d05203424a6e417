//! Seals a gathered result: an unsigned pack that appears whole or not at all.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

use super::archive::write;
use super::manifest::Manifest;
pub use super::sealed::{Before, Request, SealedPack};
use super::sign::{self, inputs};
use super::verify::{self, Trust};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, CONTENT, MANIFEST, OPTIONAL, content};
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs::{self, swap};
use crate::gather::Gathered;
use crate::id::Ordinals;
use crate::layout::PackDir;

/// So often somebody else may replace or sign the pack while this one is put in place.
const RACES_MAX: u32 = 100;

/// Builds the pack of `gathered` and puts it in place, unless an equal one is there already.
///
/// # Errors
/// The system refuses (exit 6), or others keep replacing the pack (exit 75); the pack that was there before, if any, is
/// still there.
pub fn seal(gathered: Gathered, request: &Request<'_>) -> Result<SealedPack> {
    let path = request.dir.pack();
    let look = |at: &Path| swap::look(at, &[MANIFEST, ATTESTATION]);
    let (payload, missing) = (gathered.root.sha256_uri(), gathered.missing.clone());
    let existing = || existing(&payload, &missing, request);
    let mut seen = look(&path);
    if let Some(same) = existing()? {
        return Ok(same);
    }
    let dir = PackDir::new(gathered.building.building_at());
    let manifest = content::write(&dir, &gathered, request)?;
    let bytes = manifest.to_bytes()?;
    content::put(&dir, MANIFEST, &bytes)?;
    content::put(&dir, CHECKSUMS, &manifest.checksums(&bytes))?;
    write::write(fs::Staged::create_beside(&dir.member(ARCHIVE))?, &inputs(&dir, &manifest), None)?.commit()?;
    let mut building = gathered.building;
    for _ in 0..RACES_MAX {
        not_instead_of_a_complete_one(&manifest, &path)?;
        let before = if seen.is_there() { Before::Replaced } else { Before::None };
        let Some(back) = building.commit_if(|at| look(at) == seen)? else {
            return Ok(SealedPack { path, manifest, pack_digest: digest::sha256(&bytes).sha256_uri(), before });
        };
        // Somebody sealed or signed meanwhile: that may be the same answer by now.
        building = back;
        seen = look(&path);
        if let Some(same) = existing()? {
            return Ok(same);
        }
    }
    Err(Error::new(Kind::Stopped, format!("others keep replacing `{}`", path.display()))
        .hint("wait until they are done, then run the same command again"))
}

/// Refuses to put an INCOMPLETE pack in the place of a complete one.
fn not_instead_of_a_complete_one(manifest: &Manifest, path: &Path) -> Result<()> {
    let complete_since = || verify::inspect(path, &Trust::integrity());
    if !manifest.complete && path.is_dir() && complete_since()?.1.is_some_and(|m| m.complete) {
        return Err(Error::new(
            Kind::Incomplete,
            "a complete pack is there already, and an INCOMPLETE one does not take its place",
        )
        .hint("the campaign was completed while this one was being made: use the pack that is there"));
    }
    Ok(())
}

/// The pack that is there, if it is sound and says what the new one would: then its signatures are worth keeping.
///
/// Its archive may be ahead or behind, where a signer was killed or is at work: that is mended.
fn existing(payload: &str, missing: &[Ordinals], request: &Request<'_>) -> Result<Option<SealedPack>> {
    let path = request.dir.pack();
    let names = match std::fs::read_dir(&path) {
        Ok(entries) => entries.flatten().map(|entry| entry.file_name()),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
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
        manifest.campaign == *request.identity && *manifest.missing == *missing && manifest.payload.digest == payload
    };
    let Some(manifest) = manifest.filter(|manifest| report.is_sound_but_for_the_copy() && same(manifest)) else {
        return Ok(None);
    };
    if report.has_bad_copy() {
        sign::mend(&path)?;
    }
    let pack_digest = report.pack_digest.unwrap_or_default();
    Ok(Some(SealedPack { path, manifest, pack_digest, before: Before::Kept }))
}
