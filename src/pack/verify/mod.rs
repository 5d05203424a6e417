//! Judges a pack, a directory or an archive, and trusts nothing but the given keys.
//!
//! Verification never writes, unpacks nothing to disk, and holds no content in memory. It is closed
//! world: every member is listed or it is a problem. Each way of tampering has a [`report::Code`] of its own.

mod content;
mod encodings;
mod export;
pub mod report;
pub(super) mod source;
mod trust;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use report::{Code, Problem, Report};
pub use trust::{Accept, Trust};

use super::archive::read::Archive;
use super::envelope::{self, Records};
use super::hetero2;
use super::manifest::{self, Manifest};
use super::{ARCHIVE, ATTESTATION, CHECKSUMS, MANIFEST, SUMMARY};
use crate::canonical::row::{Halt, Lines};
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs::swap;
use report::{Judged, Refusal};
use source::{Directory, Source, read_small};

/// Checksums of a manifest of 16 MiB are not longer.
const CHECKSUMS_BYTES_MAX: u64 = 16 << 20;

/// How often a pack is judged that is sealed or signed at the same time.
const LOOKS_MAX: u32 = 10;

/// Judges the pack at `path`: a directory or a zip archive.
///
/// What is wrong with the pack is in the report, not in the error.
///
/// # Errors
/// There is no such path, or it is neither a file nor a directory (exit 2); the system refuses (exit 6).
pub fn verify(path: &Path, trust: &Trust) -> Result<Report> {
    inspect(path, trust).map(|(report, _)| report)
}

/// As [`verify`], with the manifest, if it could be read.
///
/// # Errors
/// As [`verify`].
pub fn inspect(path: &Path, trust: &Trust) -> Result<(Report, Option<Manifest>)> {
    let look = || swap::look(path, &[MANIFEST, ATTESTATION, ARCHIVE]);
    let mut before = look();
    for _ in 1..LOOKS_MAX {
        let inspected = inspect_once(path, trust);
        let after = look();
        // What somebody put there meanwhile may be what looks wrong.
        if after == before || inspected.as_ref().is_ok_and(|(report, _)| report.verified) {
            return inspected;
        }
        before = after;
    }
    inspect_once(path, trust)
}

/// The pack at `path`, if what it says can be told from: nothing in it puts its rows in doubt. It may be INCOMPLETE.
///
/// # Errors
/// As [`verify`], or it is not sound (exit 4).
pub fn sound(path: &Path, trust: &Trust) -> Result<(Report, Manifest)> {
    let (report, manifest) = inspect(path, trust)?;
    if let Some(problem) = report.unsound() {
        return Err(unsound(path, &problem.message));
    }
    let manifest = manifest.ok_or_else(|| unsound(path, "it holds no manifest"))?;
    Ok((report, manifest))
}

/// The pack at `path` is not sound.
pub fn unsound(path: &Path, why: &str) -> Error {
    Error::verification(format!("`{}` is not sound, and nothing is told from it: {why}", path.display()))
        .hint("run `molsieve verify` on it for all that is wrong")
}

fn inspect_once(path: &Path, trust: &Trust) -> Result<(Report, Option<Manifest>)> {
    let metadata = std::fs::metadata(path).map_err(|e| Error::input(path, &e))?;
    let mut report = Report::default();
    let judged = if metadata.is_dir() {
        directory(path, trust, &mut report)
    } else if metadata.is_file() {
        archive(path, trust, &mut report)
    } else {
        return Err(Error::usage(format!("`{}` is neither a directory nor a file", path.display())));
    };
    let manifest = match judged {
        Ok(manifest) => Some(manifest),
        Err(Refusal::Problem(problem)) => {
            report.add(problem);
            None
        }
        Err(Refusal::System(error)) => return Err(error),
    };
    Ok((report.close(), manifest))
}

/// Calls `each` with every line of the payload of the pack at `path`, without its line feed; the header is the first.
///
/// # Errors
/// The pack cannot be read as it stands (exit 4), the system refuses (exit 6), or what `each` answers.
pub fn each_line(path: &Path, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let (mut lines, mut halted) = (Lines::default(), None);
    stream(path, SUMMARY, &mut |block| {
        if halted.is_none() {
            halted = lines.feed(block, &mut each).err();
        }
    })?;
    match halted {
        None => Ok(()),
        Some(Halt::Taker(error)) => Err(error),
        Some(Halt::Fault(malformed)) => Err(Error::verification(format!("in `{}`: {malformed}", path.display()))),
    }
}

/// Hands on the content of the member `name` of the pack at `path`, block by block: what was judged before.
///
/// # Errors
/// The member is not there, or cannot be read as it stands (exit 4); the system refuses (exit 6).
pub fn stream(path: &Path, name: &str, each: &mut dyn FnMut(&[u8])) -> Result<()> {
    let mut problems = Vec::new();
    let streamed = if path.is_dir() {
        Directory::open(path, &mut problems).and_then(|directory| directory.stream(name, each))
    } else {
        Archive::open(path, &mut problems).and_then(|archive| Source::stream(&archive, name, each))
    };
    streamed.map_err(|refusal| match refusal {
        Refusal::System(error) => error,
        Refusal::Problem(problem) => Error::verification(format!("in `{}`: {}", path.display(), problem.message)),
    })
}

/// A pack in one file.
fn archive(path: &Path, trust: &Trust, report: &mut Report) -> Judged<Manifest> {
    let mut problems = Vec::new();
    let opened = Archive::open(path, &mut problems);
    report.extend(problems);
    let archive = opened?;
    let (documents, manifest) = judge(&archive, trust, report)?;
    unlisted(&archive, &documents, &manifest, None, report);
    Ok(manifest)
}

/// A pack that lies open; the archive in it, if there, must hold the same.
fn directory(path: &Path, trust: &Trust, report: &mut Report) -> Judged<Manifest> {
    let mut problems = Vec::new();
    let directory = Directory::open(path, &mut problems)?;
    report.extend(problems);
    let (documents, manifest) = judge(&directory, trust, report)?;
    unlisted(&directory, &documents, &manifest, Some(ARCHIVE), report);
    if directory.members().contains_key(ARCHIVE) {
        for problem in archive_differs(&directory.path(ARCHIVE), &documents, &manifest)? {
            let message = format!("in `{ARCHIVE}`: {}", problem.message);
            report.add(Problem { message, in_copy: true, ..problem });
        }
    }
    Ok(manifest)
}

/// The documents of a pack that are not content, as they were read.
type Documents = BTreeMap<&'static str, Vec<u8>>;

/// Judges everything but what is unlisted.
fn judge(source: &dyn Source, trust: &Trust, report: &mut Report) -> Judged<(Documents, Manifest)> {
    let members = source.members();
    if !members.contains_key(MANIFEST) {
        return Err(
            Problem::of(Code::ManifestMissing, MANIFEST, format!("there is no `{MANIFEST}`: this is no pack")).into()
        );
    }
    let mut documents = Documents::new();
    let bytes = read_small(source, MANIFEST, manifest::BYTES_MAX)?;
    report.pack_digest = Some(digest::sha256(&bytes).sha256_uri());
    let manifest = read_manifest(&bytes)?;
    report.payload_digest = Some(manifest.payload.digest.clone());
    report.records = Records::of(&manifest.records);
    documents.insert(MANIFEST, bytes);
    for (name, bytes_max) in [(CHECKSUMS, CHECKSUMS_BYTES_MAX), (ATTESTATION, envelope::BYTES_MAX)] {
        if members.contains_key(name)
            && let Some(bytes) = noted(read_small(source, name, bytes_max), report)?
        {
            documents.insert(name, bytes);
        }
    }
    let checksums = manifest.checksums(&documents[MANIFEST]);
    match documents.get(CHECKSUMS) {
        Some(found) if *found == checksums => {}
        Some(_) => report.add(Problem::of(
            Code::ChecksumsMismatch,
            CHECKSUMS,
            format!("`{CHECKSUMS}` is not that of the manifest"),
        )),
        None if members.contains_key(CHECKSUMS) => {}
        None => report.add(Problem::of(Code::ChecksumsMissing, CHECKSUMS, format!("there is no `{CHECKSUMS}`"))),
    }
    let statement = envelope::statement(&manifest, &documents[MANIFEST], &checksums)?;
    if documents.contains_key(ATTESTATION) || !members.contains_key(ATTESTATION) {
        noted(trust::judge(documents.get(ATTESTATION).map(Vec::as_slice), &statement, trust, report), report)?;
    }
    for entry in manifest.files.iter().filter(|entry| !members.contains_key(&entry.name)) {
        report.add(Problem::of(Code::MemberMissing, &entry.name, format!("there is no `{}`", entry.name)));
    }
    content::judge(source, &manifest, trust.accept, report)?;
    if !manifest.complete {
        let absent: u64 = manifest.missing.iter().map(|gap| gap.end - gap.start).sum();
        let of = manifest.campaign.library.records;
        report.add(Problem::new(
            Code::Incomplete,
            format!("the pack is INCOMPLETE: {absent} of {of} records are not in it"),
        ));
    }
    Ok((documents, manifest))
}

/// Notes a problem and goes on; a failure of the system ends it.
fn noted<T>(judged: Judged<T>, report: &mut Report) -> Result<Option<T>> {
    match judged {
        Ok(value) => Ok(Some(value)),
        Err(Refusal::Problem(problem)) => {
            report.add(problem);
            Ok(None)
        }
        Err(Refusal::System(error)) => Err(error),
    }
}

/// Reads the manifest; one of another version has a code of its own.
fn read_manifest(bytes: &[u8]) -> Judged<Manifest> {
    /// The schema, whatever else there is.
    #[derive(Deserialize)]
    struct Schema {
        schema: String,
    }
    if let Ok(Schema { schema }) = serde_json::from_slice(bytes)
        && schema != manifest::SCHEMA
    {
        let message =
            format!("the manifest has the schema `{}`, which this version does not know", schema.escape_default());
        return Err(Problem::of(Code::ManifestSchema, MANIFEST, message).into());
    }
    let malformed = |e: Error| Problem::of(Code::ManifestMalformed, MANIFEST, e.what().to_owned());
    let read = Manifest::read(bytes);
    if read.is_err() && hetero2::is_manifest(bytes) {
        let message =
            "it is an evidence pack of HETERO-2, which `molsieve report conformance` checks, and no pack of molsieve";
        return Err(Problem::of(Code::ManifestSchema, MANIFEST, message).into());
    }
    read.map_err(|e| malformed(e).into())
}

/// Closed world: every member is one of the documents, or listed, or `besides`.
fn unlisted(
    source: &dyn Source,
    documents: &Documents,
    manifest: &Manifest,
    besides: Option<&str>,
    report: &mut Report,
) {
    let documented = |name: &str| documents.contains_key(name) || matches!(name, CHECKSUMS | ATTESTATION);
    for name in source.members().keys() {
        if !documented(name) && manifest.file(name).is_none() && besides != Some(name) {
            report.add(Problem::of(Code::MemberUnlisted, name, format!("`{name}` is not in the manifest")));
        }
    }
}

/// How the archive at `path` differs from the directory around it.
fn archive_differs(path: &Path, documents: &Documents, manifest: &Manifest) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    let archive = match Archive::open(path, &mut problems) {
        Ok(archive) => archive,
        Err(Refusal::System(error)) => return Err(error),
        Err(Refusal::Problem(problem)) => {
            problems.push(problem);
            return Ok(problems);
        }
    };
    let mut expected: BTreeMap<&str, (u64, Digest)> =
        manifest.files.iter().map(|f| (f.name.as_str(), (f.bytes, f.sha256))).collect();
    expected.extend(documents.iter().map(|(name, bytes)| (*name, (bytes.len() as u64, digest::sha256(bytes)))));
    let members = archive.members();
    let differs = |name: &str, how: &str| Problem::of(Code::ArchiveDiffers, name, format!("`{name}` {how}"));
    problems.extend(
        members.keys().filter(|n| !expected.contains_key(n.as_str())).map(|n| differs(n, "is not in the directory")),
    );
    for (name, (bytes, sha256)) in expected {
        match members.get(name) {
            None => problems.push(differs(name, "is not there")),
            Some(declared) if *declared != bytes => problems.push(differs(name, "is not as in the directory")),
            Some(_) => match content::hash(&archive, name, &mut |_| {}) {
                Ok(found) if found == sha256 => {}
                Ok(_) => problems.push(differs(name, "is not as in the directory")),
                Err(Refusal::Problem(problem)) => problems.push(problem),
                Err(Refusal::System(error)) => return Err(error),
            },
        }
    }
    Ok(problems)
}
