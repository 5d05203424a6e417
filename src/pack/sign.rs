//! Adds signatures to a sealed pack, wherever the key is. The content is verified first.

use std::path::Path;

use super::archive::write::{self, Input};
use super::envelope::{self, Envelope};
use super::keys::PrivateKey;
use super::manifest::Manifest;
use super::verify::{self, Accept, Code, Report, Trust};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, MANIFEST};
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::PackDir;

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// `sha256:` of the manifest.
    pub pack_digest: String,
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// The keys that signed now, by keyid.
    pub keyids: Vec<String>,
}

/// Signs the pack in the directory `pack` with each of `keys`, and writes its archive anew.
///
/// Signing again with the same key changes nothing. The archive gets the new attestation before
/// the directory does: a pack whose directory holds an attestation holds it in its archive as well.
///
/// # Errors
/// There is no pack (exit 2), its content does not verify (exit 4), or the system refuses (exit 6).
pub fn sign(pack: &Path, keys: &[PrivateKey]) -> Result<Signed> {
    let (report, manifest) = content_of(pack, keys)?;
    let manifest = manifest.ok_or_else(|| unsound(pack, &report))?;
    let dir = PackDir::new(pack);
    let manifest_bytes = read(&dir, MANIFEST)?;
    let statement = envelope::statement(&manifest, &manifest_bytes, &read(&dir, CHECKSUMS)?)?;
    let path = dir.member(ATTESTATION);
    let mut envelope =
        if path.exists() { Envelope::read(&read(&dir, ATTESTATION)?)? } else { Envelope::around(&statement) };
    for key in keys {
        envelope.sign(key)?;
    }
    let bytes = envelope.to_bytes()?;
    rewrite_archive(&dir, &manifest, &bytes, &report)?;
    fs::replace(&path, &bytes)?;
    let keyids = keys.iter().map(|key| Ok(key.public()?.keyid().to_owned())).collect::<Result<_>>()?;
    Ok(Signed { pack_digest: report.pack_digest.unwrap_or_default(), payload_digest: manifest.payload.digest, keyids })
}

/// Verifies everything but that it is signed; an archive that is not up to date is no obstacle.
fn content_of(pack: &Path, keys: &[PrivateKey]) -> Result<(Report, Option<Manifest>)> {
    if keys.is_empty() {
        return Err(Error::usage("there is no key to sign with").hint("make one with `molsieve keygen --out K.pem`"));
    }
    if pack.is_file() {
        return Err(Error::usage(format!("`{}` is an archive", pack.display()))
            .hint("sign the directory; to sign on another machine, unpack the archive there"));
    }
    let trusted = keys.iter().map(PrivateKey::public).collect::<Result<_>>()?;
    let trust = Trust { keys: trusted, threshold: 0, accept: Accept::Unsigned };
    let (report, manifest) = verify::inspect(pack, &trust)?;
    let tolerable = |code| matches!(code, Code::Incomplete | Code::ArchiveDiffers);
    if report.problems.iter().all(|problem| tolerable(problem.code)) {
        return Ok((report, manifest));
    }
    Err(unsound(pack, &report))
}

fn unsound(pack: &Path, report: &Report) -> Error {
    let first = report.problems.iter().find(|p| p.code != Code::Incomplete);
    let why = first.map_or("it holds no manifest", |problem| problem.message.as_str());
    Error::verification(format!("`{}` is not sound and is not signed: {why}", pack.display()))
        .hint("run `molsieve verify` on it for all that is wrong; `molsieve gather` builds it anew")
}

fn read(dir: &PackDir, name: &str) -> Result<Vec<u8>> {
    let path = dir.member(name);
    std::fs::read(&path).map_err(|e| Error::input(&path, &e))
}

/// Gives the archive its new attestation; an archive that is missing or not up to date is built from the directory.
fn rewrite_archive(dir: &PackDir, manifest: &Manifest, attestation: &[u8], report: &Report) -> Result<()> {
    let path = dir.member(ARCHIVE);
    if !path.exists() || report.has(Code::ArchiveDiffers) {
        write::write(&path, &inputs(dir, manifest))?;
    }
    write::attest(&path, &path, attestation)
}

/// The members of the archive of an unsigned pack, in order.
pub(super) fn inputs(dir: &PackDir, manifest: &Manifest) -> Vec<Input> {
    let names = manifest.files.iter().map(|file| file.name.as_str()).chain([MANIFEST, CHECKSUMS]);
    names.map(|name| Input { name: name.to_owned(), path: dir.member(name) }).collect()
}
