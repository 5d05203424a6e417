//! What is asked of `precomputed`: which files, how they are read, and which end of a score is best.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::scorer::Order;

/// How a file of scores is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Format {
    /// Columns between commas, or between semicolons where the header has no comma.
    #[serde(rename = "csv")]
    Csv,
    /// Columns between tabs.
    #[serde(rename = "tsv")]
    Tsv,
    /// Columns of an Apache Parquet file.
    #[serde(rename = "parquet")]
    Parquet,
    /// HETERO-2's JSON.
    #[serde(rename = "hetero_scores.v1")]
    HeteroScores,
}

impl Format {
    /// The word for it in a campaign file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::HeteroScores => "hetero_scores.v1",
        }
    }

    /// What the name of `path` tells, apart from an ending for compression.
    ///
    /// # Errors
    /// It tells nothing (exit 2).
    pub fn of(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let mut parts = name.rsplit('.');
        let mut ending = parts.next().unwrap_or_default();
        if matches!(ending, "gz" | "bgz" | "bz2" | "zst" | "zstd") {
            ending = parts.next().unwrap_or_default();
        }
        match ending {
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "parquet" | "pq" => Ok(Self::Parquet),
            "json" => Ok(Self::HeteroScores),
            _ => Err(Error::usage(format!("the name `{}` does not tell how its scores are written", path.display()))
                .hint("say `format = \"csv\"`, \"tsv\", \"parquet\" or \"hetero_scores.v1\"")),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A file of scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreFile {
    /// Absolute path.
    pub path: PathBuf,
    /// How it is written, if its name does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The column of ids or hashes, if it has another name than those that are looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_column: Option<String>,
    /// The column of scores, if it is not `score`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_column: Option<String>,
    /// What its content must be.
    pub sha256: Digest,
}

impl ScoreFile {
    /// How it is written.
    ///
    /// # Errors
    /// Nothing tells (exit 2).
    pub fn format(&self) -> Result<Format> {
        self.format.map_or_else(|| Format::of(&self.path), Ok)
    }
}

/// The file that says which of RDKit's hashes is which of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashFile {
    /// Absolute path.
    pub path: PathBuf,
    /// What its content must be.
    pub sha256: Digest,
}

/// All that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The files of scores; at least one.
    pub scores: Vec<ScoreFile>,
    /// Which of RDKit's hashes is which of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdkit_hashes: Option<HashFile>,
    /// Which end of a score is best.
    pub order: Order,
}

impl Settings {
    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let hashes = self.rdkit_hashes.as_ref().map(|file| file.path.as_path());
        self.scores.iter().map(|file| file.path.as_path()).chain(hashes)
    }

    /// The same, to be changed.
    pub fn paths_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let hashes = self.rdkit_hashes.as_mut().map(|file| &mut file.path);
        self.scores.iter_mut().map(|file| &mut file.path).chain(hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_the_format_whatever_the_compression() {
        let of = |name: &str| Format::of(Path::new(name)).ok().map(Format::name);
        for (name, format) in [
            ("a.csv", Some("csv")),
            ("a/SCORES.CSV.gz", Some("csv")),
            ("a.tsv.zst", Some("tsv")),
            ("a.parquet", Some("parquet")),
            ("a.pq", Some("parquet")),
            ("a.json", Some("hetero_scores.v1")),
            ("a.txt", None),
            ("csv", Some("csv")),
            ("", None),
        ] {
            assert_eq!(of(name), format, "{name}");
        }
    }
}
