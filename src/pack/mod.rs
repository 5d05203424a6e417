//! The pack: payload, provenance and one manifest, sealed, signed and verified.
//!
//! ```text
//! content ─→ manifest.json ─→ checksums.sha256 ─→ attestation.dsse.json ─→ evidence_pack.zip
//! (summary.csv, hits.csv, …)  (size, SHA-256)     (for `sha256sum -c`)    (signatures)
//! ```
//!
//! [`seal`] builds it, [`sign`] adds signatures where the key is, [`verify`] judges it and trusts
//! nothing that the others know: it never imports [`seal`]. See `docs/formats/pack.md`.

pub mod archive;
pub mod content;
pub mod envelope;
pub mod hetero2;
pub mod hits;
pub mod index;
pub mod keys;
pub mod manifest;
pub mod prove;
pub mod provenance;
pub mod report;
pub mod ro_crate;
pub mod seal;
mod sealed;
pub mod sign;
pub mod signal;
pub mod structures;
pub mod verify;

use crate::encode::{Facts, Format};
use manifest::Manifest;

/// The payload.
pub const SUMMARY: &str = crate::payload::SUMMARY;
/// The best rows.
pub const HITS: &str = "hits.csv";
/// The payload in numbers.
pub const METRICS: &str = "metrics.json";
/// What decoys say of the score.
pub const SIGNAL: &str = "signal.json";
/// For people.
pub const INDEX: &str = "index.md";
/// The facts of the execution.
pub const PROVENANCE: &str = "provenance.json";
/// What is in the pack.
pub const MANIFEST: &str = "manifest.json";
/// The same for `sha256sum -c`.
pub const CHECKSUMS: &str = "checksums.sha256";
/// The signatures.
pub const ATTESTATION: &str = "attestation.dsse.json";
/// All of the above in one file.
pub const ARCHIVE: &str = "evidence_pack.zip";

/// The best rows with their structures, one record a line.
pub const HITS_SMI: &str = "hits.smi";
/// The same as molblocks with data items, where the library holds molblocks.
pub const HITS_SDF: &str = "hits.sdf";
/// For people, with pictures.
pub const REPORT: &str = "report.html";
/// The pack as a Process Run Crate.
pub const RO_CRATE: &str = "ro-crate-metadata.json";
/// The payload as Parquet.
pub const PARQUET: &str = Format::Parquet.file();
/// The payload as HDF5.
pub const HDF5: &str = Format::Hdf5.file();

/// The payload as HETERO-2's evidence pack.
pub const HETERO2: &str = hetero2::FILE;

/// Content that every pack has.
pub const CONTENT: [&str; 5] = [HITS, INDEX, METRICS, PROVENANCE, SUMMARY];
/// Content that a pack may have beside it.
pub const OPTIONAL: [&str; 8] = [HETERO2, HITS_SDF, HITS_SMI, PARQUET, REPORT, RO_CRATE, SIGNAL, HDF5];

/// What the encodings of the payload say of themselves in the pack of `manifest`.
pub(crate) fn facts(manifest: &Manifest) -> Facts {
    Facts {
        payload: manifest.payload.digest.clone(),
        rows: manifest.payload.rows,
        records: manifest.campaign.library.records,
        library: manifest.campaign.library.root.to_string(),
        columns: manifest.campaign.scorer.description.columns.clone(),
    }
}

/// Whether `name` can be a member: `[A-Za-z0-9._-]{1,100}`, not starting with a dot or a dash.
///
/// So it is no path, it is the same on every file system, and it needs no quoting anywhere.
pub fn is_member_name(name: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=100).contains(&name.len()) && name.iter().all(plain) && name[0].is_ascii_alphanumeric()
}
