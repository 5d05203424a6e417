//! `scores` and what belongs to it: the files that a scorer of kind `precomputed` takes its scores from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::config::{ScorerSection, name_or_number};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::scorer::builtin::precomputed::Settings;
use crate::scorer::builtin::precomputed::settings::{Format, HashFile, ScoreFile};

/// The kind of scorer that this is about.
pub const KIND: &str = "precomputed";

/// So many files are shown that are not pinned.
const SHOWN_MAX: usize = 5;

/// `scores`: a file, or several.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "scores are the path of a file, or a list of paths and of tables of path, format, id_column, score_column, sha256"
)]
pub enum ScoresSection {
    /// One.
    Path(PathBuf),
    /// Several.
    List(Vec<ScoresEntry>),
}

/// One of several files.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a file of scores is a path, or a table of path, format, id_column, score_column, sha256"
)]
pub enum ScoresEntry {
    /// Its path.
    Path(PathBuf),
    /// All of it.
    Table(ScoresTable),
}

/// A file of scores; what it does not say is as `[scorer]` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ScoresTable {
    /// Its path.
    pub path: PathBuf,
    /// How it is written.
    pub format: Option<Format>,
    /// The column of ids.
    #[serde(default, deserialize_with = "name_or_number")]
    pub id_column: Option<String>,
    /// The column of scores.
    #[serde(default, deserialize_with = "name_or_number")]
    pub score_column: Option<String>,
    /// What its content must be.
    pub sha256: Option<String>,
}

/// What `section`, in a campaign file in the directory `base`, asks for. Each file is hashed.
///
/// # Errors
/// `scores` is missing, a file is not there, or not the one that is pinned (exit 2); it cannot be read (exit 6).
pub fn settings(section: &ScorerSection, base: &Path) -> Result<Settings> {
    let tables = match &section.scores {
        Some(ScoresSection::Path(path)) => vec![ScoresTable { path: path.clone(), ..ScoresTable::default() }],
        Some(ScoresSection::List(entries)) => entries.iter().map(table).collect(),
        None => Vec::new(),
    };
    if tables.is_empty() {
        return Err(Error::usage("`scorer.scores` names no file").hint("write `scores = \"scores.csv\"` in `[scorer]`"));
    }
    if tables.len() > 1 && section.sha256.is_some() {
        return Err(Error::usage("`scorer.sha256` pins one file, and `scorer.scores` names several").hint(
            "pin each in a table of its own, as in `scores = [{ path = \"a.csv\", sha256 = \"…\" }, \"b.csv\"]`",
        ));
    }
    let scores = tables.into_iter().map(|table| score_file(section, base, table)).collect::<Result<_>>()?;
    let rdkit_hashes = section.rdkit_hashes.as_ref().map(|path| hash_file(&base.join(path))).transpose()?;
    Ok(Settings { scores, rdkit_hashes, order: section.order.unwrap_or_default() })
}

/// Refuses scores that are not pinned by their SHA-256, and says how each file is pinned as it is now.
///
/// # Errors
/// A file of `section`, in a campaign file in the directory `base`, is not pinned (exit 2), or as [`settings`].
pub fn must_be_pinned(section: &ScorerSection, base: &Path) -> Result<()> {
    if is_pinned(section) {
        return Ok(());
    }
    let is_one = matches!(section.scores, Some(ScoresSection::Path(_)));
    let pinned: Vec<bool> = match &section.scores {
        Some(ScoresSection::List(entries)) => entries.iter().map(|entry| table(entry).sha256.is_some()).collect(),
        _ => vec![false],
    };
    let files = settings(section, base)?.scores.into_iter().zip(pinned);
    let files: Vec<ScoreFile> = files.filter(|(_, pinned)| !pinned).map(|(file, _)| file).collect();
    let error = Error::usage("the scores are not pinned: another file of the same name would be taken for them");
    Err(files.iter().take(SHOWN_MAX).fold(error, |error, file| {
        let (path, sha256) = (file.path.display(), file.sha256);
        error.hint(if is_one {
            format!("if `{path}` is what is meant, write `sha256 = \"{sha256}\"` in `[scorer]`")
        } else {
            format!("if `{path}` is what is meant, name it as `{{ path = \"…\", sha256 = \"{sha256}\" }}`")
        })
    }))
}

/// Whether every file of scores that `section` names is pinned by its SHA-256.
fn is_pinned(section: &ScorerSection) -> bool {
    match &section.scores {
        Some(ScoresSection::List(entries)) => {
            let pinned = |entry: &ScoresEntry| section.sha256.is_some() || table(entry).sha256.is_some();
            !entries.is_empty() && entries.iter().all(pinned)
        }
        _ => section.sha256.is_some(),
    }
}

fn table(entry: &ScoresEntry) -> ScoresTable {
    match entry {
        ScoresEntry::Path(path) => ScoresTable { path: path.clone(), ..ScoresTable::default() },
        ScoresEntry::Table(table) => table.clone(),
    }
}

fn score_file(section: &ScorerSection, base: &Path, table: ScoresTable) -> Result<ScoreFile> {
    let path = base.join(&table.path);
    let pinned = table.sha256.as_ref().or(section.sha256.as_ref()).map(|text| pin(text)).transpose()?;
    let (sha256, _) = fs::sha256_input(&path).map_err(|e| e.within("`scorer.scores`"))?;
    if let Some(pinned) = pinned.filter(|pinned| *pinned != sha256) {
        return Err(Error::usage(format!(
            "`{}` is not the file that is pinned: its SHA-256 is {sha256}, and `sha256` says {pinned}",
            path.display()
        ))
        .hint("fetch the file that was meant; or, if this one is, write its SHA-256 into the campaign file"));
    }
    Ok(ScoreFile {
        path,
        format: table.format.or(section.format),
        id_column: table.id_column.or_else(|| section.id_column.clone()),
        score_column: table.score_column.or_else(|| section.score_column.clone()),
        sha256,
    })
}

/// A pin, which others write with capitals or with `sha256:` before it.
fn pin(text: &str) -> Result<Digest> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    digits.parse().map_err(|_| {
        Error::usage(format!("`scorer.sha256` is `{}`, which is no SHA-256", text.escape_debug()))
            .hint("write its 64 hex digits, as `sha256sum` prints them")
    })
}

fn hash_file(path: &Path) -> Result<HashFile> {
    let (sha256, _) = fs::sha256_input(path).map_err(|e| e.within("`scorer.rdkit_hashes`"))?;
    Ok(HashFile { path: path.to_path_buf(), sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_may_be_written_as_others_write_it() {
        let digest = crate::digest::sha256(b"x");
        let hex = digest.to_string();
        for text in [hex.clone(), hex.to_uppercase(), format!("sha256:{hex}")] {
            assert_eq!(pin(&text).unwrap(), digest);
        }
        for bad in ["", "sha256:", &hex[1..], "sha512:00"] {
            assert_eq!(pin(bad).unwrap_err().kind(), crate::error::Kind::Usage, "{bad}");
        }
    }
}
