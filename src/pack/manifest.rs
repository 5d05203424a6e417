//! `manifest.json`: what a pack holds and what it claims. Its SHA-256 is the digest of the pack.

use serde::{Deserialize, Serialize};

use super::{ARCHIVE, ATTESTATION, CHECKSUMS, CONTENT, HETERO2, MANIFEST, SUMMARY, is_member_name};
use crate::campaign::identity::{self, Identity};
use crate::canonical::{escape, json};
use crate::digest::{self, Digest};
use crate::encode::{self, CSV, Format};
use crate::error::{Error, Result};
use crate::id::Ordinals;
use crate::payload::complement;
use crate::scorer::command::hello::check_description;
use crate::shard::receipt::Counts;

/// Schema of [`Manifest`].
pub const SCHEMA: &str = "molsieve.manifest.v1";

/// Every reader of JSON keeps such a seed exactly.
const SEED_MAX: u64 = (1 << 53) - 1;

/// A manifest is never longer.
pub const BYTES_MAX: u64 = 16 << 20;

/// What a pack holds and what it claims.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of molsieve that sealed it.
    pub molsieve: String,
    /// The frozen request: snapshot root, scorer, seed, what the pack holds.
    pub campaign: Identity,
    /// The payload.
    pub payload: PayloadEntry,
    /// How the records ended that are in the payload.
    pub records: Counts,
    /// How many outcomes load or memory caused: promise P2 is claimed only where it is 0.
    pub circumstantial: u64,
    /// Whether every record of the library is in the payload.
    pub complete: bool,
    /// Which records are not: ascending ranges that do not touch.
    pub missing: Vec<Ordinals>,
    /// The content, sorted by name: every file but this one, the checksums, the attestation and the archive.
    pub files: Vec<FileEntry>,
}

/// Which file is the payload, and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadEntry {
    /// `sha256:` and the root of the row tree.
    pub digest: String,
    /// The file that holds the rows.
    pub file: String,
    /// How many rows, without the header.
    pub rows: u64,
}

/// One file of the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: Digest,
    /// Of an encoding of the payload, or the payload in the shape of others: which ([`Format::schema`]). Packs of the first versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

impl Manifest {
    /// The file's content.
    ///
    /// # Errors
    /// A setting of the campaign has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::to_line(self)
    }

    /// Reads a manifest and checks that it agrees with itself.
    ///
    /// # Errors
    /// It is malformed, not canonical, or contradicts itself (exit 4).
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let manifest: Self = json::from_line("`manifest.json`", bytes)?;
        match manifest.contradiction() {
            None => Ok(manifest),
            Some(what) => Err(Error::verification(format!("`manifest.json` contradicts itself: {what}"))),
        }
    }

    /// The entry of the file called `name`.
    pub fn file(&self, name: &str) -> Option<&FileEntry> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Which records are in the payload: ascending ranges that do not touch.
    pub fn present(&self) -> Vec<Ordinals> {
        complement(self.missing.iter(), self.campaign.library.records)
    }

    /// `checksums.sha256`: the content and the manifest itself, sorted by name, for `sha256sum -c`.
    pub fn checksums(&self, manifest_bytes: &[u8]) -> Vec<u8> {
        let mut lines: Vec<(&str, Digest)> = self.files.iter().map(|f| (f.name.as_str(), f.sha256)).collect();
        lines.push((MANIFEST, digest::sha256(manifest_bytes)));
        lines.sort();
        lines.iter().flat_map(|(name, sha256)| format!("{sha256}  {name}\n").into_bytes()).collect()
    }

    /// What in it cannot all be true.
    fn contradiction(&self) -> Option<String> {
        if self.campaign.schema != identity::SCHEMA {
            return Some(format!("its campaign has the unknown schema `{}`", self.campaign.schema));
        }
        let digests = self.campaign.parent.iter().flat_map(|parent| parent.payload.iter().chain(&parent.pack));
        if digests.into_iter().any(|digest| Digest::from_sha256_uri(digest).is_none()) {
            return Some("a digest of the parent is not `sha256:` and 64 digits".to_owned());
        }
        if let Err(what) = check_description(&self.campaign.scorer.description) {
            return Some(format!("of its scorer, {}", escape::visible(&what)));
        }
        if self.campaign.seed > SEED_MAX {
            return Some("its seed is not below 2^53".to_owned());
        }
        self.miscount().map(str::to_owned).or_else(|| self.bad_file()).or_else(|| self.bad_outputs())
    }

    /// What is wrong with the encodings that it asks for, and those that it lists.
    fn bad_outputs(&self) -> Option<String> {
        let outputs = &self.campaign.pack.outputs;
        if !outputs.is_sorted_by(|a, b| a < b) || !outputs.iter().any(|output| output == CSV) {
            return Some("its outputs are not sorted, or `csv` is not among them once".to_owned());
        }
        if let Some(bad) = outputs.iter().find(|output| *output != CSV && encode::known(output).is_err()) {
            return Some(format!("`{}` is no encoding of a payload", bad.escape_default()));
        }
        let is_asked = |format: &Format| outputs.iter().any(|output| output == format.name());
        let extra = Format::ALL.iter().find(|format| self.file(format.file()).is_some() && !is_asked(format))?;
        Some(format!("it lists `{}`, which its outputs do not ask for", extra.file()))
    }

    fn miscount(&self) -> Option<&'static str> {
        let library = self.campaign.library.records;
        let mut absent = 0u64;
        let mut free_from = 0;
        for (i, gap) in self.missing.iter().enumerate() {
            if gap.start >= gap.end || gap.end > library || gap.start < free_from + u64::from(i > 0) {
                return Some("the missing ranges are not ascending ranges of the library");
            }
            absent += gap.end - gap.start;
            free_from = gap.end;
        }
        let counts = &self.records;
        let checks = [
            (self.complete == self.missing.is_empty(), "it is complete if and only if no record is missing"),
            (
                counts.reasons.values().all(|n| *n <= counts.total),
                "a reason is counted more often than there are records",
            ),
            (counts.ok <= counts.total && counts.skip <= counts.total, "the outcomes do not add up"),
            (counts.error <= counts.total && counts.total <= library, "it counts more records than the library has"),
        ];
        if let Some((_, what)) = checks.iter().find(|(fine, _)| !fine) {
            return Some(what);
        }
        let sums = [
            (reasons_fit(counts) && counts.add_up(), "the outcomes do not add up"),
            (counts.total.checked_add(absent) == Some(library), "present and missing records are not the library"),
            (
                counts.circumstantial() == self.circumstantial,
                "the circumstantial outcomes are not those of the reasons",
            ),
            (self.payload.rows == counts.total, "the payload has another number of rows than there are records"),
            (self.payload.file == SUMMARY, "the payload is not in `summary.csv`"),
            (
                Digest::from_sha256_uri(&self.payload.digest).is_some(),
                "the payload digest is not `sha256:` and 64 digits",
            ),
        ];
        sums.iter().find(|(fine, _)| !fine).map(|(_, what)| *what)
    }

    fn bad_file(&self) -> Option<String> {
        let names: Vec<&str> = self.files.iter().map(|f| f.name.as_str()).collect();
        if let Some(bad) = names.iter().find(|name| !is_member_name(name.as_bytes())) {
            return Some(format!("`{}` cannot be the name of a file in a pack", bad.escape_default()));
        }
        if !names.is_sorted_by(|a, b| a < b) {
            return Some("its files are not sorted by name, or one is there twice".to_owned());
        }
        let is_encoding = |name: &str| name == HETERO2 || Format::ALL.iter().any(|format| format.file() == name);
        if let Some(bad) = self.files.iter().find(|file| file.format.is_some() && !is_encoding(&file.name)) {
            return Some(format!("it says of `{}` which encoding it is, and it is none", bad.name));
        }
        let mut folded: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        folded.sort();
        if !folded.is_sorted_by(|a, b| a < b) {
            return Some("two of its files differ by upper and lower case alone".to_owned());
        }
        let reserved = [MANIFEST, CHECKSUMS, ATTESTATION, ARCHIVE];
        if let Some(bad) = reserved.iter().find(|name| folded.iter().any(|n| n == **name)) {
            return Some(format!("it lists `{bad}` as content"));
        }
        let promised = self.campaign.pack.outputs.iter();
        let promised = Format::ALL.iter().filter(|f| promised.clone().any(|o| o == f.name())).map(|f| f.file());
        let absent = CONTENT.into_iter().chain(promised).find(|name| !names.contains(name))?;
        Some(format!("it does not list `{absent}`"))
    }
}

/// Whether the reasons can be summed without overflow.
fn reasons_fit(counts: &Counts) -> bool {
    counts.reasons.values().try_fold(0u64, |sum, n| sum.checked_add(*n)).is_some()
        && counts.skip.checked_add(counts.error).is_some()
}
