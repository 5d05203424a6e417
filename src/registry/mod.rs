//! The registry: what was signed, one immutable entry a signature, as files that anybody can read.
//!
//! An entry is named by its SHA-256, so it cannot be changed without being noticed, and it says at
//! which place of the audit log its event stands, so it cannot be added or kept without one. There is
//! no index and no lock: the files are all there is. See `docs/formats/registry.md`.

pub mod markdown;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::campaign::identity::LibraryIdentity;
use crate::canonical::json;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::fs;
use crate::host;
use crate::layout::HomeDir;
use crate::pack::envelope::Records;
use crate::pack::manifest::Manifest;

/// Schema of [`Entry`].
pub const SCHEMA: &str = "molsieve.registry-entry.v1";

/// An entry is never longer.
pub const BYTES_MAX: u64 = 1 << 20;

const REPAIR: &str = "`molsieve audit verify` says all that is wrong; restore the file from a copy";

/// The fewest hex digits that stand for a digest.
const PREFIX_MIN: usize = 8;

/// One signature on one pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// [`SCHEMA`].
    pub schema: String,
    /// Where its event stands in the audit log.
    pub audit: Place,
    /// What the user calls the campaign.
    pub campaign: String,
    /// The campaign seed.
    pub seed: u64,
    /// What was screened.
    pub library: LibraryIdentity,
    /// What computed.
    pub scorer: ScorerName,
    /// `sha256:` of the manifest.
    pub pack_digest: String,
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// How many records ended how.
    pub records: Records,
    /// How many outcomes load or memory caused.
    pub circumstantial: u64,
    /// Whether every record of the library is in the payload.
    pub complete: bool,
    /// The keys that signed, by keyid, sorted.
    pub keyids: Vec<String>,
    /// When, RFC 3339, by the clock of the signing machine.
    pub signed: String,
    /// Who, as the system says.
    pub who: Who,
    /// Version of molsieve that signed.
    pub molsieve: String,
}

/// A place in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The number of the event, from 1.
    pub seq: u64,
    /// SHA-256 of the event before it: of its line without the line feed; of nothing for the first.
    pub prev: Digest,
}

/// Who did it, as the system says: not a proof of a person, which is what keys are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The account.
    pub account: String,
    /// Node name.
    pub host: String,
}

/// Which scorer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScorerName {
    /// `null`, `similarity`, `command`, ….
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// BLAKE3 of its identity: with settings, arguments and files.
    pub digest: Digest,
}

impl Entry {
    /// The entry of a pack with this manifest, signed with these keys.
    ///
    /// # Errors
    /// None in practice: what a manifest holds has a canonical form.
    pub fn new(manifest: &Manifest, keyids: &[String], place: Place, signed: String) -> Result<Self> {
        let (campaign, scorer) = (&manifest.campaign, &manifest.campaign.scorer);
        let mut keyids = keyids.to_vec();
        keyids.sort();
        Ok(Self {
            schema: SCHEMA.to_owned(),
            audit: place,
            campaign: campaign.name.clone(),
            seed: campaign.seed,
            library: campaign.library.clone(),
            scorer: ScorerName {
                kind: scorer.kind.clone(),
                name: scorer.description.name.clone(),
                version: scorer.description.version.clone(),
                digest: scorer.digest()?,
            },
            pack_digest: digest::sha256(&manifest.to_bytes()?).sha256_uri(),
            payload_digest: manifest.payload.digest.clone(),
            records: Records::of(&manifest.records),
            circumstantial: manifest.circumstantial,
            complete: manifest.complete,
            keyids,
            signed,
            who: Who { account: host::account(), host: host::name() },
            molsieve: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// The file's content: canonical JSON.
    ///
    /// # Errors
    /// None in practice: an entry has a canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::to_line(self)
    }

    /// The SHA-256 of the file: its name.
    ///
    /// # Errors
    /// As [`Entry::to_bytes`].
    pub fn digest(&self) -> Result<Digest> {
        Ok(digest::sha256(&self.to_bytes()?))
    }
}

/// Writes `entry` into the registry in `home`, unless it is there; answers its name.
///
/// # Errors
/// It is too long (exit 2), or the system refuses (exit 6).
pub fn store(home: &HomeDir, entry: &Entry) -> Result<Digest> {
    let bytes = entry.to_bytes()?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(Error::usage("the registry entry of this pack is longer than 1 MiB")
            .hint("give the campaign a shorter name"));
    }
    let name = digest::sha256(&bytes);
    fs::create_dir(&home.entries_like(&name))?;
    fs::write_new(&home.entry(&name), &bytes)?;
    Ok(name)
}

/// Reads the entry called `name`; `None` if it is not there.
///
/// # Errors
/// It is not what its name says (exit 4), or cannot be read (exit 6).
pub fn load(home: &HomeDir, name: &Digest) -> Result<Option<Entry>> {
    let path = home.entry(name);
    match std::fs::symlink_metadata(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("cannot read", &path, &e)),
        Ok(found) if !found.is_file() || found.len() > BYTES_MAX => return Err(damaged(&path, "is no entry")),
        Ok(_) => {}
    }
    let bytes = fs::read_plain(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
    if digest::sha256(&bytes) != *name {
        return Err(damaged(&path, "was changed: its SHA-256 is not its name"));
    }
    let entry: Entry = json::from_slice(&format!("`{}`", path.display()), &bytes).map_err(|e| e.hint(REPAIR))?;
    if entry.schema == SCHEMA { Ok(Some(entry)) } else { Err(damaged(&path, "has an unknown schema")) }
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::verification(format!("`{}` {what}", path.display())).hint(REPAIR)
}

/// The names in the registry, and what in its directories is none.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The entries, sorted.
    pub entries: Vec<Digest>,
    /// Other things, by their paths.
    pub strangers: Vec<String>,
}

/// Lists the registry in `home` without reading entries. Temporary files of writers are left out.
///
/// # Errors
/// The system refuses (exit 6).
pub fn names(home: &HomeDir) -> Result<Names> {
    let mut names = Names::default();
    for dir in list(&home.entries())? {
        if !dir.is_dir() || dir.is_symlink() {
            names.strangers.push(dir.display().to_string());
            continue;
        }
        for path in list(&dir)? {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let digest = name.strip_suffix(".json").and_then(|n| n.parse::<Digest>().ok());
            match digest.filter(|digest| home.entry(digest) == path) {
                Some(digest) => names.entries.push(digest),
                None if fs::is_temporary(name) => {}
                None => names.strangers.push(path.display().to_string()),
            }
        }
    }
    names.entries.sort();
    Ok(names)
}

fn list(dir: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("cannot list", dir, &e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|e| Error::io("cannot list", dir, &e))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// An entry and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// `sha256:` of the entry.
    pub entry_digest: String,
    /// The entry.
    pub entry: Entry,
}

/// All entries in `home` in the order in which they were signed.
///
/// # Errors
/// One of them is damaged (exit 4), or the system refuses (exit 6).
pub fn all(home: &HomeDir) -> Result<Vec<Listed>> {
    let mut all = Vec::new();
    for name in names(home)?.entries {
        if let Some(entry) = load(home, &name)? {
            all.push(Listed { entry_digest: name.sha256_uri(), entry });
        }
    }
    all.sort_by(|a, b| (a.entry.audit.seq, &a.entry_digest).cmp(&(b.entry.audit.seq, &b.entry_digest)));
    Ok(all)
}

impl Listed {
    /// Whether `asked`, a digest or its first hex digits, names this entry, its pack or its payload.
    ///
    /// # Errors
    /// It is too short, or no digest (exit 2).
    pub fn is_named(&self, asked: &str) -> Result<bool> {
        let digits = asked.strip_prefix("sha256:").unwrap_or(asked);
        if digits.len() < PREFIX_MIN || !digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(Error::usage(format!("`{asked}` does not name an entry")).hint(format!(
                "give the digest of an entry, a pack or a payload, or at least its first {PREFIX_MIN} digits"
            )));
        }
        let all = [&self.entry_digest, &self.entry.pack_digest, &self.entry.payload_digest];
        Ok(all.iter().any(|digest| digest.strip_prefix("sha256:").is_some_and(|own| own.starts_with(digits))))
    }

    /// Whether `text` is in one of the entry's names or digests; upper and lower case are one.
    pub fn mentions(&self, text: &str) -> bool {
        let Entry { campaign, scorer, library, pack_digest, payload_digest, keyids, .. } = &self.entry;
        let root = library.root.to_string();
        let own = [&self.entry_digest, campaign, &scorer.kind, &scorer.name, &scorer.version, &root];
        let text = text.to_lowercase();
        own.into_iter().chain([pack_digest, payload_digest]).chain(keyids).any(|own| own.to_lowercase().contains(&text))
    }
}
