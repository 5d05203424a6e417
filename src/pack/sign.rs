//! Adds signatures to a sealed pack, wherever the key is. The content is verified first.

use std::path::Path;

use super::archive::write::{self, Input};
use super::envelope::{self, Envelope};
use super::keys::PrivateKey;
use super::manifest::Manifest;
use super::seal::SealedPack;
use super::verify::{self, Code, Report, Trust};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, MANIFEST};
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::{Staged, read_plain};
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
    /// What they signed.
    pub manifest: Manifest,
}

/// Signs the pack in the directory `pack` with each of `keys`, and writes its archive anew.
///
/// Signing again with the same key changes nothing. The archive gets the new attestation before
/// the directory does: a pack whose directory holds an attestation holds it in its archive as well.
///
/// # Errors
/// There is no pack (exit 2), its content does not verify (exit 4), or the system refuses (exit 6).
pub fn sign(pack: &Path, keys: &[PrivateKey]) -> Result<Signed> {
    // Temporary files go beside the directory, which `.` would not name.
    let pack = pack.canonicalize().map_err(|e| Error::input(pack, &e))?;
    let (report, manifest) = content_of(&pack, keys)?;
    let manifest = manifest.ok_or_else(|| unsound(&pack, &report))?;
    if report.has(Code::ArchiveDiffers) {
        let dir = PackDir::new(&pack);
        write::write(Staged::create_outside(&dir.member(ARCHIVE))?, &inputs(&dir, &manifest))?;
    }
    add_signatures(&PackDir::new(&pack), &manifest, keys)
}

/// As [`sign`], for a pack that this process has just sealed or found sound: it is not verified once more.
///
/// # Errors
/// As [`sign`].
pub fn sign_sealed(pack: &SealedPack, keys: &[PrivateKey]) -> Result<Signed> {
    add_signatures(&PackDir::new(&pack.path), &pack.manifest, keys)
}

fn add_signatures(dir: &PackDir, manifest: &Manifest, keys: &[PrivateKey]) -> Result<Signed> {
    let manifest_bytes = manifest.to_bytes()?;
    let statement = envelope::statement(manifest, &manifest_bytes, &manifest.checksums(&manifest_bytes))?;
    let (path, archive) = (dir.member(ATTESTATION), dir.member(ARCHIVE));
    let mut envelope = Envelope::around(&statement);
    if path.exists() {
        let old = read_plain(&path).map_err(|e| Error::input(&path, &e))?;
        envelope = Envelope::read(&old)?;
    }
    for key in keys {
        envelope.sign(key)?;
    }
    let bytes = envelope.to_bytes()?;
    if !archive.exists() {
        write::write(Staged::create_outside(&archive)?, &inputs(dir, manifest))?;
    }
    write::attest(&archive, Staged::create_outside(&archive)?, &bytes)?;
    let mut staged = Staged::create_outside(&path)?;
    staged.write(&bytes)?;
    staged.commit()?;
    Ok(Signed {
        pack_digest: digest::sha256(&manifest_bytes).sha256_uri(),
        payload_digest: manifest.payload.digest.clone(),
        keyids: keys.iter().map(|key| Ok(key.public()?.keyid().to_owned())).collect::<Result<_>>()?,
        manifest: manifest.clone(),
    })
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
    let trust = Trust { keys: trusted, ..Trust::integrity() };
    let (report, manifest) = verify::inspect(pack, &trust)?;
    if report.problems.iter().all(|problem| tolerable(problem.code)) {
        return Ok((report, manifest));
    }
    Err(unsound(pack, &report))
}

/// What is no obstacle to a signature.
const fn tolerable(code: Code) -> bool {
    matches!(code, Code::Incomplete | Code::ArchiveDiffers)
}

fn unsound(pack: &Path, report: &Report) -> Error {
    let worst = report.unsound().or_else(|| report.problems.iter().find(|problem| !tolerable(problem.code)));
    let why = worst.map_or("it holds no manifest", |problem| problem.message.as_str());
    Error::verification(format!("`{}` is not sound and is not signed: {why}", pack.display()))
        .hint("run `molsieve verify` on it for all that is wrong; remove it, and `molsieve gather` builds it anew")
}

/// The members of the archive of an unsigned pack, in order.
pub(super) fn inputs(dir: &PackDir, manifest: &Manifest) -> Vec<Input> {
    let names = manifest.files.iter().map(|file| file.name.as_str()).chain([MANIFEST, CHECKSUMS]);
    names.map(|name| Input { name: name.to_owned(), path: dir.member(name) }).collect()
}
