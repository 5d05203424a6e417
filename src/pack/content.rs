//! The content of a pack: every file that its manifest lists, each written once.
//!
//! `summary.csv` is there already, gathered. What follows from it and from provenance is added in an
//! order in which each file may speak of those before it. A new kind of content is a module that
//! makes its bytes, its name in [`super::OPTIONAL`], and a line in [`write()`].

use std::collections::BTreeSet;
use std::path::Path;

use super::manifest::{FileEntry, Manifest, PayloadEntry, SCHEMA};
use super::provenance::Provenance;
use super::sealed::Request;
use super::structures::Structures;
use super::{
    HITS, INDEX, METRICS, PROVENANCE, REPORT, RO_CRATE, SIGNAL, SUMMARY, hetero2, hits, index, report, ro_crate,
};
use crate::canonical::json;
use crate::canonical::row::{Halt, Lines};
use crate::digest;
use crate::encode;
use crate::error::{Error, Result};
use crate::fs;
use crate::gather::Gathered;
use crate::id::Ordinal;
use crate::layout::PackDir;

/// Writes all content but `summary.csv`, which is there; answers what the manifest says.
///
/// # Errors
/// The system refuses (exit 6).
pub fn write(dir: &PackDir, gathered: &Gathered, request: &Request<'_>) -> Result<Manifest> {
    let mut manifest = bare(gathered, request);
    manifest.files.extend(encodings(dir, &manifest)?);
    let provenance = Provenance::new(gathered, request.plan, request.facts.clone());
    let structures = wanted(gathered, request, &provenance);
    let hits_file = hits::with_structures(&gathered.found.hits_csv, request.identity, &structures);
    let report = report::render(&report::Facts {
        manifest: &manifest,
        provenance: &provenance,
        found: &gathered.found,
        structures: &structures,
        hits_file: &hits_file,
    });
    if let Some(signal) = &gathered.found.signal {
        manifest.files.push(add(dir, SIGNAL, &json::to_line(signal)?)?);
    }
    if hits_file.written > 0 {
        manifest.files.push(add(dir, hits_file.name, &hits_file.bytes)?);
    }
    manifest.files.extend(exports(dir, &manifest, request.exports)?);
    let rest = [
        (REPORT, report.into_bytes()),
        (HITS, gathered.found.hits_csv.clone()),
        (METRICS, json::to_line(&gathered.found.metrics)?),
        (PROVENANCE, json::to_line(&provenance)?),
        (INDEX, index::render(&manifest, &provenance, gathered.found.signal.as_ref()).into_bytes()),
    ];
    for (name, bytes) in rest {
        manifest.files.push(add(dir, name, &bytes)?);
    }
    // The last one: it describes all the others.
    let bytes = ro_crate::render(&manifest, &provenance)?;
    manifest.files.push(add(dir, RO_CRATE, &bytes)?);
    manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(manifest)
}

/// The structures that the report shows and the file of the hits holds.
fn wanted(gathered: &Gathered, request: &Request<'_>, provenance: &Provenance) -> Structures {
    let mut wanted: BTreeSet<Ordinal> = hits::rows(&gathered.found.hits_csv).map(|hit| hit.ordinal).collect();
    wanted.extend(gathered.found.examples.iter().map(|example| example.ordinal));
    wanted.extend(provenance.pool.slowest.iter().map(|slow| slow.first));
    Structures::read(request.library, &request.identity.library.root, &wanted)
}

/// The manifest of `summary.csv` alone.
fn bare(gathered: &Gathered, request: &Request<'_>) -> Manifest {
    let (bytes, sha256) = gathered.summary;
    let counts = &gathered.found.counts;
    Manifest {
        schema: SCHEMA.to_owned(),
        molsieve: env!("CARGO_PKG_VERSION").to_owned(),
        campaign: request.identity.clone(),
        payload: PayloadEntry { digest: gathered.root.sha256_uri(), file: SUMMARY.to_owned(), rows: counts.total },
        records: counts.clone(),
        circumstantial: counts.circumstantial(),
        complete: gathered.missing.is_empty(),
        missing: gathered.missing.clone(),
        files: vec![FileEntry { name: SUMMARY.to_owned(), bytes, sha256, format: None }],
    }
}

/// Writes the encodings of the payload that the campaign asks for beside `summary.csv`.
fn encodings(dir: &PackDir, manifest: &Manifest) -> Result<Vec<FileEntry>> {
    let campaign = &manifest.campaign;
    let formats = encode::asked(&campaign.pack.outputs, &campaign.scorer.description.columns)?;
    let written = encode::write(&formats, &super::facts(manifest), &dir.member(SUMMARY), &|name| dir.member(name))?;
    let entry = |w: encode::Written| FileEntry {
        name: w.format.file().to_owned(),
        bytes: w.bytes,
        sha256: w.sha256,
        format: Some(w.format.schema().to_owned()),
    };
    Ok(written.into_iter().map(entry).collect())
}

/// Writes the payload in the shapes of others that are asked for.
fn exports(dir: &PackDir, manifest: &Manifest, asked: &[String]) -> Result<Vec<FileEntry>> {
    if !asked.iter().any(|export| export == hetero2::NAME) {
        return Ok(Vec::new());
    }
    let (summary, path) = (dir.member(SUMMARY), dir.member(hetero2::FILE));
    let mut staged = fs::Staged::create_beside(&path)?;
    hetero2::write(&mut staged, manifest, u64::MAX, &mut |each| each_line(&summary, each))?;
    staged.commit()?;
    let (sha256, bytes) = fs::sha256_input(&path)?;
    let format = Some(hetero2::SCHEMA.to_owned());
    Ok(vec![FileEntry { name: hetero2::FILE.to_owned(), bytes, sha256, format }])
}

/// Hands on the lines of the file at `path` without their line feeds.
fn each_line(path: &Path, each: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let (file, mut lines) = (fs::open_plain(path).map_err(|e| Error::io("cannot read", path, &e))?, Lines::default());
    fs::each_block(file, path, |block| {
        lines.feed(block, &mut *each).map_err(|halt| match halt {
            Halt::Taker(error) => error,
            Halt::Fault(fault) => Error::verification(format!("`{}`: {fault}", path.display())),
        })
    })
}

/// Writes one file of the content, and describes it.
fn add(dir: &PackDir, name: &str, bytes: &[u8]) -> Result<FileEntry> {
    put(dir, name, bytes)?;
    Ok(FileEntry { name: name.to_owned(), bytes: bytes.len() as u64, sha256: digest::sha256(bytes), format: None })
}

/// Writes a file of a pack that is being built.
///
/// # Errors
/// The system refuses (exit 6).
pub fn put(dir: &PackDir, name: &str, bytes: &[u8]) -> Result<()> {
    if fs::write_new(&dir.member(name), bytes)? {
        return Ok(());
    }
    Err(Error::bug(format!("`{name}` is being written twice")))
}
