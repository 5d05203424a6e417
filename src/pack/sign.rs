//! Adds signatures to a sealed pack, wherever the key is. The content is verified first.

use std::path::Path;

use super::archive::read::Archive;
use super::archive::write::{self, Input};
use super::envelope::{self, Envelope};
use super::keys::PrivateKey;
use super::manifest::{self, Manifest};
use super::sealed::SealedPack;
use super::verify::{self, Code, Problem, Report, Trust};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, MANIFEST};
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs::Staged;
use crate::fs::swap::{Pinned, Swapped};
use crate::layout::PackDir;

/// So many signers at the same time are patiently joined.
const RACES_MAX: u32 = 1000;

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
/// Signing again with the same key changes nothing. When this returns, the signatures are in the directory and in the
/// archive, whoever else has signed at the same time.
///
/// # Errors
/// There is no pack (exit 2), its content does not verify (exit 4), the system refuses (exit 6), or the pack was replaced,
/// or signed by others again and again, meanwhile (exit 75).
pub fn sign(pack: &Path, keys: &[PrivateKey]) -> Result<Signed> {
    if keys.is_empty() {
        return Err(Error::usage("there is no key to sign with").hint("make one with `molsieve keygen --out K.pem`"));
    }
    settle(pack, keys)
}

/// Brings directory and archive of the pack in `pack` in line: both get the signatures that either holds, and the archive
/// the content. A signer that was killed may have left one of them ahead.
///
/// # Errors
/// As [`sign`].
pub fn mend(pack: &Path) -> Result<()> {
    settle(pack, &[]).map(drop)
}

/// As [`sign`], for a pack that this process has just sealed or found sound: it is not verified once more.
///
/// # Errors
/// As [`sign`].
pub fn sign_sealed(pack: &SealedPack, keys: &[PrivateKey]) -> Result<Signed> {
    Signing::of(&pack.path, &pack.manifest, keys, From::Archive)?.done(keys)
}

fn settle(pack: &Path, keys: &[PrivateKey]) -> Result<Signed> {
    // Temporary files go beside the directory, which `.` would not name.
    let pack = pack.canonicalize().map_err(|e| Error::input(pack, &e))?;
    let (report, manifest) = content_of(&pack, keys)?;
    let manifest = manifest.ok_or_else(|| unsound(&pack, &report))?;
    let from = if report.has_bad_copy() { From::Members } else { From::Archive };
    Signing::of(&pack, &manifest, keys, from)?.done(keys)
}

/// What the archive is written from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// From the archive that is there, whose content is right.
    Archive,
    /// From the directory.
    Members,
}

/// A pack to which signatures are being added.
struct Signing<'a> {
    dir: PackDir,
    /// The directory that was verified, even if another takes its name.
    pinned: Pinned,
    manifest: &'a Manifest,
    manifest_bytes: Vec<u8>,
    /// All signatures that were seen, and the new ones.
    envelope: Envelope,
    from: From,
}

impl<'a> Signing<'a> {
    fn of(pack: &Path, manifest: &'a Manifest, keys: &[PrivateKey], from: From) -> Result<Self> {
        let manifest_bytes = manifest.to_bytes()?;
        let statement = envelope::statement(manifest, &manifest_bytes, &manifest.checksums(&manifest_bytes))?;
        let mut envelope = Envelope::around(&statement);
        for key in keys {
            envelope.sign(key)?;
        }
        let (dir, pinned) = (PackDir::new(pack), Pinned::open(pack)?);
        Ok(Self { dir, pinned, manifest, manifest_bytes, envelope, from })
    }

    /// Reads, joins and replaces until both places hold all signatures.
    fn done(mut self, keys: &[PrivateKey]) -> Result<Signed> {
        for _ in 0..RACES_MAX {
            if !self.is_same_pack()? {
                return Err(self.raced("it was replaced"));
            }
            if self.attest()? && self.archive()? {
                return Ok(Signed {
                    pack_digest: digest::sha256(&self.manifest_bytes).sha256_uri(),
                    payload_digest: self.manifest.payload.digest.clone(),
                    keyids: keys.iter().map(|key| Ok(key.public()?.keyid().to_owned())).collect::<Result<_>>()?,
                    manifest: self.manifest.clone(),
                });
            }
        }
        Err(self.raced("others kept signing it"))
    }

    /// Puts all signatures into the directory; whether nobody else was at it.
    fn attest(&mut self) -> Result<bool> {
        let current = self.pinned.read(ATTESTATION, envelope::BYTES_MAX)?;
        if let Some(bytes) = &current
            && !self.envelope.join(&Envelope::read(bytes)?)
        {
            return Err(Error::verification(format!("`{ATTESTATION}` is of another pack than the one around it"))
                .hint("remove it, and sign again"));
        }
        // A signer that was killed, or is at work, may have put its signature there.
        if let Some(archived) = self.archived() {
            self.envelope.join(&archived);
        }
        let Some(bytes) = self.bytes()?.filter(|bytes| current.as_ref() != Some(bytes)) else { return Ok(true) };
        let mut staged = Staged::create_outside(&self.dir.member(ATTESTATION))?;
        staged.write(&bytes)?;
        match staged.swap_in(&self.pinned, current.as_deref(), envelope::BYTES_MAX)? {
            Swapped::Done => Ok(true),
            Swapped::Others(out) => {
                if let Ok(others) = Envelope::read(&out) {
                    self.envelope.join(&others);
                }
                Ok(false)
            }
        }
    }

    /// Writes the archive with the attestation of the directory, and reads both again: whether they are alike.
    fn archive(&mut self) -> Result<bool> {
        let bytes = self.bytes()?;
        let is_archived = |signing: &Self| signing.archived().map(|e| e.to_bytes()).transpose();
        if self.from == From::Members || is_archived(self)? != bytes {
            let path = self.dir.member(ARCHIVE);
            let staged = Staged::create_outside(&path)?;
            let written = if self.from == From::Archive && path.exists() {
                write::attest(&path, staged, bytes.as_deref())?
            } else {
                write::write(staged, &inputs(&self.dir, self.manifest), bytes.as_deref())?
            };
            written.commit_in(&self.pinned)?;
            self.from = From::Archive;
        }
        let current = self.pinned.read(ATTESTATION, envelope::BYTES_MAX)?;
        Ok(current == bytes && is_archived(self)? == bytes && self.is_same_pack()?)
    }

    /// The attestation as it should be, if anybody has signed.
    fn bytes(&self) -> Result<Option<Vec<u8>>> {
        self.envelope.is_signed().then(|| self.envelope.to_bytes()).transpose()
    }

    /// The attestation in the archive, if it is there, sound, and of this pack.
    fn archived(&self) -> Option<Envelope> {
        let archive = Archive::open(&self.dir.member(ARCHIVE), &mut Vec::new()).ok()?;
        let declared = *archive.members().get(ATTESTATION)?;
        let mut bytes = Vec::new();
        if declared > envelope::BYTES_MAX || archive.stream(ATTESTATION, &mut |b| bytes.extend_from_slice(b)).is_err() {
            return None;
        }
        Envelope::read(&bytes).ok().filter(|found| self.envelope.is_around_the_same(found))
    }

    /// Whether the directory that was verified still has its name and its manifest.
    fn is_same_pack(&self) -> Result<bool> {
        let manifest = self.pinned.read(MANIFEST, manifest::BYTES_MAX)?;
        Ok(self.pinned.is_in_place() && manifest.as_ref() == Some(&self.manifest_bytes))
    }

    fn raced(&self, how: &str) -> Error {
        let what = format!("`{}` is not signed: {how} at the same time", self.dir.root().display());
        Error::new(Kind::Stopped, what).hint("run the same command again")
    }
}

/// Verifies everything but that it is signed; an archive that is not up to date is no obstacle.
fn content_of(pack: &Path, keys: &[PrivateKey]) -> Result<(Report, Option<Manifest>)> {
    if pack.is_file() {
        return Err(Error::usage(format!("`{}` is an archive", pack.display()))
            .hint("sign the directory; to sign on another machine, unpack the archive there"));
    }
    let trusted = keys.iter().map(PrivateKey::public).collect::<Result<_>>()?;
    let trust = Trust { keys: trusted, ..Trust::integrity() };
    let (report, manifest) = verify::inspect(pack, &trust)?;
    if report.problems.iter().all(|problem| is_no_obstacle(problem, keys)) {
        return Ok((report, manifest));
    }
    Err(unsound(pack, &report))
}

/// Whether `keys` may sign all the same; to mend an archive, nobody needs to vouch for an encoding.
fn is_no_obstacle(problem: &Problem, keys: &[PrivateKey]) -> bool {
    let to_mend = keys.is_empty() && problem.code == Code::EncodingUnknown;
    problem.in_copy || problem.code == Code::Incomplete || to_mend
}

fn unsound(pack: &Path, report: &Report) -> Error {
    let worst = report.problems.iter().find(|problem| !is_no_obstacle(problem, &[]));
    let worst = worst.or_else(|| report.problems.iter().find(|problem| !problem.in_copy));
    let why = worst.map_or("it holds no manifest", |problem| problem.message.as_str());
    Error::verification(format!("`{}` is not sound and is not signed: {why}", pack.display()))
        .hint("run `molsieve verify` on it for all that is wrong; remove it, and `molsieve gather` builds it anew")
}

/// The members of the archive of an unsigned pack, in order.
pub(super) fn inputs(dir: &PackDir, manifest: &Manifest) -> Vec<Input> {
    let names = manifest.files.iter().map(|file| file.name.as_str()).chain([MANIFEST, CHECKSUMS]);
    names.map(|name| Input { name: name.to_owned(), path: dir.member(name) }).collect()
}
