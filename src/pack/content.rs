//! The content of a pack: every file that its manifest lists, each written once.
//!
//! `summary.csv` is there already, gathered. What follows from it and from provenance is added in an
//! order in which each file may speak of those before it. A new kind of content is a module that
//! makes its bytes, its name in [`super::OPTIONAL`], and a line in [`write`].

use super::manifest::{FileEntry, Manifest, PayloadEntry, SCHEMA};
use super::provenance::Provenance;
use super::seal::Request;
use super::{HITS, INDEX, METRICS, PROVENANCE, RO_CRATE, SUMMARY, index, ro_crate};
use crate::canonical::json;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::gather::Gathered;
use crate::layout::PackDir;

/// Writes all content but `summary.csv`, which is there; answers what the manifest says.
///
/// # Errors
/// The system refuses (exit 6).
pub fn write(dir: &PackDir, gathered: &Gathered, request: &Request<'_>) -> Result<Manifest> {
    let mut manifest = bare(gathered, request);
    let provenance = Provenance::new(gathered, request.plan, request.facts.clone());
    let rest = [
        (HITS, gathered.found.hits_csv.clone()),
        (METRICS, json::to_line(&gathered.found.metrics)?),
        (PROVENANCE, json::to_line(&provenance)?),
        (INDEX, index::render(&manifest, &provenance).into_bytes()),
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
        files: vec![FileEntry { name: SUMMARY.to_owned(), bytes, sha256 }],
    }
}

/// Writes one file of the content, and describes it.
fn add(dir: &PackDir, name: &str, bytes: &[u8]) -> Result<FileEntry> {
    put(dir, name, bytes)?;
    Ok(FileEntry { name: name.to_owned(), bytes: bytes.len() as u64, sha256: digest::sha256(bytes) })
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
