//! The archive: members one after the other, from two passes over the rows.

use super::columns::{self, Layout};
use super::facts::Facts;
use super::pages::{self, Entry};
use super::row::{LINE_END, Told};
use super::{Pass, metrics};
use crate::canonical::row::Row;
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::pack::archive::write::Plain;
use crate::pack::manifest::Manifest;
use crate::pack::{CHECKSUMS, INDEX, MANIFEST, METRICS, SUMMARY};
use crate::scorer::Outcome;

/// A table of the operators.
const OPERATOR_FEATURES: &str = "operator_features.csv";
/// A table of likeness.
const HARDNESS: &str = "hardness_curve.md";

/// A line there is longer than ours by no more than this.
const LINE_EXTRA: u64 = 512;

/// Bytes that are gathered before they are written.
const BLOCK_BYTES: usize = 1 << 16;

/// Writes the archive of the pack of `manifest` to `staged`; `pass` hands on the lines of its `summary.csv`, the header first.
///
/// # Errors
/// It would be longer than `bytes_max`, or the rows are not those of a campaign (exit 4); the system refuses (exit 6).
pub fn write(staged: &mut Staged, manifest: &Manifest, bytes_max: u64, pass: Pass<'_>) -> Result<()> {
    let layout = Layout::of(&manifest.campaign);
    let mut archive = Archive { zip: Plain::create(staged, bytes_max)?, files: Vec::new() };
    let seed = manifest.campaign.seed.to_string();
    let mut facts = Facts::default();
    let longest = manifest.file(SUMMARY).map_or(0, |file| file.bytes) + (manifest.payload.rows + 1) * LINE_EXTRA;
    let weighted = layout.is_weighted();
    archive.table(SUMMARY, &columns::summary(weighted), longest, pass, &mut |row, out| {
        let told = Told::of(row, &layout);
        told.push_summary(out, &layout, &seed);
        facts.take(&told, &layout, &seed)
    })?;
    if layout.spectral.is_some() {
        archive.table(OPERATOR_FEATURES, &columns::operator_features(weighted), longest, pass, &mut |row, out| {
            if row.outcome == Outcome::Ok {
                Told::of(row, &layout).push_features(out, &layout);
            }
            Ok(())
        })?;
    }
    archive.add(INDEX, pages::index(&layout, &facts).as_bytes())?;
    if layout.decoys.is_some() {
        archive.add(HARDNESS, pages::hardness(&facts).as_bytes())?;
    }
    archive.add(METRICS, &pages::pretty(&metrics::document(manifest, &layout, &facts))?)?;
    let listed = pages::manifest(manifest, &layout, &archive.files)?;
    archive.add(MANIFEST, &pages::pretty(&listed)?)?;
    let checksums = pages::checksums(&archive.files);
    archive.add(CHECKSUMS, &checksums)?;
    archive.zip.finish()
}

/// What all rows of a pack say in HETERO-2's words, without its files.
///
/// # Errors
/// As [`write()`].
pub fn facts(manifest: &Manifest, pass: Pass<'_>) -> Result<(Layout, Facts)> {
    let layout = Layout::of(&manifest.campaign);
    let (seed, mut facts) = (manifest.campaign.seed.to_string(), Facts::default());
    each_row(pass, &mut |row| facts.take(&Told::of(row, &layout), &layout, &seed))?;
    Ok((layout, facts))
}

/// Takes the rows of a pass, without the header.
pub(super) fn each_row(pass: Pass<'_>, each: &mut dyn FnMut(Row<'_>) -> Result<()>) -> Result<()> {
    let mut is_header = true;
    pass(&mut |line| {
        if std::mem::take(&mut is_header) {
            return Ok(());
        }
        let row =
            Row::read(line).map_err(|malformed| Error::verification(format!("cannot hold the rows: {malformed}")))?;
        each(row)
    })
}

/// The archive that is being made, and what is in it so far.
struct Archive<'a> {
    zip: Plain<'a>,
    files: Vec<Entry>,
}

impl Archive<'_> {
    /// Adds a table: its header, and what `line` makes of each row.
    fn table(
        &mut self,
        name: &'static str,
        header: &[&str],
        longest: u64,
        pass: Pass<'_>,
        line: &mut dyn FnMut(Row<'_>, &mut Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        self.zip.start(name, longest)?;
        let mut out = header.join(",").into_bytes();
        out.extend_from_slice(LINE_END);
        let (mut sha256, mut bytes) = (Sha256::default(), 0);
        let mut block = |out: &mut Vec<u8>| {
            sha256.update(out);
            bytes += out.len() as u64;
            let written = self.zip.write(out);
            out.clear();
            written
        };
        each_row(pass, &mut |row| {
            line(row, &mut out)?;
            if out.len() < BLOCK_BYTES { Ok(()) } else { block(&mut out) }
        })?;
        block(&mut out)?;
        self.files.push(Entry { name, bytes, sha256: sha256.finish() });
        Ok(())
    }

    /// Adds a document.
    fn add(&mut self, name: &'static str, content: &[u8]) -> Result<()> {
        self.zip.start(name, content.len() as u64)?;
        self.zip.write(content)?;
        self.files.push(Entry { name, bytes: content.len() as u64, sha256: crate::digest::sha256(content) });
        Ok(())
    }
}
