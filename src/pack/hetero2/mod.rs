//! HETERO-2's evidence pack as one file of ours: its tables and documents, made from the rows.
//!
//! It is a function of the rows and of the manifest: no clock, no host, no compressor. So verification makes it again and
//! compares the bytes, and [`SCHEMA`] stands for them. What each column and key is, and what it is where a campaign does not
//! have it, is in `docs/formats/hetero2.md`.

pub mod audit;
pub mod check;
pub mod columns;
pub mod facts;
mod metrics;
mod pages;
pub mod reason;
mod row;
mod write;

use std::path::Path;

use serde::Serialize;

pub use self::pages::plain;
pub use self::write::{facts, write};
use crate::error::Result;
use crate::fs::Staged;
use crate::pack::manifest::Manifest;
use crate::pack::verify;

/// What `[pack] export` calls it.
pub const NAME: &str = "hetero2";

/// The member of a pack that holds it.
pub const FILE: &str = "hetero2.zip";

/// What it is called in a manifest and in itself; equal names mean equal bytes for equal rows.
pub const SCHEMA: &str = "molsieve.hetero2.v1";

/// Hands on the lines of a `summary.csv` without their ends, the header first; called once for each pass.
pub type Pass<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>;

/// Writes the archive of the sound pack at `path` to `staged`.
///
/// # Errors
/// As [`write()`].
pub fn export(path: &Path, manifest: &Manifest, staged: &mut Staged) -> Result<()> {
    write(staged, manifest, u64::MAX, &mut |each| verify::each_line(path, |line| each(line)))
}

/// Whether `bytes` are the manifest of a pack of HETERO-2, and not of ours.
pub fn is_manifest(bytes: &[u8]) -> bool {
    let manifest: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    manifest.is_some_and(|it| it.get("schema").is_none() && it.get("tool_version").is_some())
}

/// The word that stands for a choice in settings.
fn word<T: Serialize>(choice: &T) -> String {
    serde_json::to_value(choice).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
