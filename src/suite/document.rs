//! `suite.json`: what a suite was, what its packs say, and whether that is enough.

use serde::{Deserialize, Serialize};

use super::gates::{self, Asked, Gate, Separation};
use super::utility::Utility;
use super::variant::Variant;
use crate::canonical::{escape, json};
use crate::error::{Error, Result};

/// Schema of [`Document`].
pub const SCHEMA: &str = "molsieve.suite.v1";

/// No document is longer.
pub const BYTES_MAX: u64 = 4 << 20;
/// Nothing that is said of a release is longer, in bytes.
const SAID_BYTES_MAX: usize = 500;

/// Whether a suite is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every gate holds.
    Go,
    /// One does not.
    Stop,
}

/// What a person says of a release: it stands in the documents, and nothing follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The tag, such as `value-ring-suite-2026-11-29`.
    pub tag: String,
    /// The day, as `2026-11-29`.
    pub date: String,
    /// The commit of the sources, 40 hex digits.
    pub commit: Option<String>,
    /// The address that the names of the archives are appended to.
    pub url: Option<String>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was asked.
    pub asked: Asked,
    /// What was said of it.
    pub release: Release,
    /// Whether that is enough.
    pub verdict: Verdict,
    /// What must be so, and whether it is.
    pub gates: Vec<Gate>,
    /// What each pack says.
    pub variants: Vec<Variant>,
    /// How far good scores are from bad ones.
    pub separations: Vec<Separation>,
    /// What the score is worth, where there is truth.
    pub utility: Option<Utility>,
}

impl Release {
    /// Refuses what cannot stand in a line of the documents.
    ///
    /// # Errors
    /// It is empty, too long or holds what is no text of one line (exit 2).
    pub fn check(&self) -> Result<()> {
        let said = [Some(&self.tag), Some(&self.date), self.commit.as_ref(), self.url.as_ref()];
        let is_bad = |text: &&String| {
            text.is_empty()
                || text.len() > SAID_BYTES_MAX
                || text.chars().any(|c| c.is_whitespace() || escape::is_unseen(c) || "`|*<>[]\\".contains(c))
        };
        if let Some(bad) = said.into_iter().flatten().find(is_bad) {
            return Err(Error::usage(format!("`{}` cannot stand in a registry", bad.escape_debug()))
                .hint(format!("give a word of 1 to {SAID_BYTES_MAX} bytes, without blanks and signs of Markdown")));
        }
        Ok(())
    }
}

impl Document {
    /// The document on these packs.
    pub fn new(asked: Asked, release: Release, variants: Vec<Variant>, utility: Option<Utility>) -> Self {
        let separations = gates::separations(&variants);
        let gates = gates::gates(asked, &variants, &separations, utility.as_ref());
        let verdict = if gates.iter().all(|gate| gate.holds) { Verdict::Go } else { Verdict::Stop };
        Self { schema: SCHEMA.to_owned(), asked, release, verdict, gates, variants, separations, utility }
    }

    /// The file's content: canonical JSON and a line feed.
    ///
    /// # Errors
    /// None in practice: a document has a canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::to_line(self)
    }

    /// Reads a document, strictly.
    ///
    /// # Errors
    /// It is anything else (exit 4).
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let document: Self = json::from_line("`suite.json`", bytes)?;
        if document.schema != SCHEMA {
            return Err(Error::verification("`suite.json` has another schema than this version knows"));
        }
        Ok(document)
    }
}
