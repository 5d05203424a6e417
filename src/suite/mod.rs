//! Suites: campaigns whose answer is known before they run, or is agreed with whoever pays for it, and what their packs must show.
//!
//! ```text
//! scores (made up, good and bad) ─→ campaigns ─→ packs ─→ variant (facts) ─→ gates ─→ document ─┬→ pages (Markdown)
//!                                                truth ─→ utility ────────↗                     └→ statement (signed)
//! ```
//!
//! A suite is a function of its packs, of the table of truth and of what was said of it: no clock and no host stands in it, so whoever
//! has the files makes it again and compares. What the milestones ask is in `docs/suites.md`, the documents in `docs/formats/suite.md`.

pub mod build;
mod command;
pub mod document;
pub mod gates;
pub mod pages;
pub mod scores;
pub mod statement;
pub mod utility;
pub mod variant;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::scores::MadeUp;
use crate::layout;

/// The molecules of the suite `ring`: SMILES and id. See `data/README.md`.
pub const RING_MOLECULES: &[u8] = include_bytes!("../../data/ring_molecules.smi");

/// The snapshot root of these: another library is named in the command of a suite.
const RING_ROOT: &str = "4d40b0ff94625475fe35f1429aa3f878535bc7c21dd1c04f908b8cc07ed3d40f";

/// Which suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suite {
    /// Ring systems of every kind: none may be an error, nearly all must have look-alikes.
    Ring,
    /// Scores of which it is known what they are worth: the audit must tell them apart.
    KnownBadGood,
    /// A customer's library and scores, and what an expensive measurement said.
    Customer,
}

impl Suite {
    /// The word of the command.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::KnownBadGood => "known-bad-good",
            Self::Customer => "customer",
        }
    }

    /// What its packs are called, in the order in which they run.
    pub fn variants(self) -> Vec<&'static str> {
        match self {
            Self::Ring => vec!["ring"],
            Self::KnownBadGood => MadeUp::ALL.map(MadeUp::variant).to_vec(),
            Self::Customer => vec!["customer"],
        }
    }

    /// What HETERO-2 calls a release of it, without the day.
    pub const fn tag_stem(self, truth: TruthSource) -> &'static str {
        match (self, truth) {
            (Self::Ring, _) => "value-ring-suite",
            (Self::KnownBadGood, _) => "value-known-bad-good",
            (Self::Customer, TruthSource::None) => "value-customer-proxy",
            (Self::Customer, TruthSource::Rule) => "value-utility-proxy",
            (Self::Customer, TruthSource::Measured) => "value-utility-realtruth",
        }
    }

    /// What its entry in the lineage is called.
    pub const fn title(self, truth: TruthSource) -> &'static str {
        match (self, truth) {
            (Self::Ring, _) => "VALUE-M1: ring suite",
            (Self::KnownBadGood, _) => "VALUE-M2: known bad, known good",
            (Self::Customer, TruthSource::None) => "VALUE-M3: a customer's scores",
            (Self::Customer, TruthSource::Rule) => "VALUE-M5: utility, truth by a rule",
            (Self::Customer, TruthSource::Measured) => "VALUE-M6: utility, truth that was measured",
        }
    }
}

/// Where the truth of a suite comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TruthSource {
    /// There is none.
    None,
    /// From a rule: it tries out the way, and says nothing of the molecules.
    Rule,
    /// From somebody, in a file that is pinned.
    Measured,
}

/// The directory of a suite: what is handed on lies in it, and the campaigns below it.
#[derive(Clone, Debug)]
pub struct SuiteDir(PathBuf);

impl SuiteDir {
    /// The document.
    pub const DOCUMENT: &'static str = "suite.json";
    /// The signed statement on all of it.
    pub const STATEMENT: &'static str = "suite.dsse.json";
    /// The section of the registry of artefacts.
    pub const REGISTRY: &'static str = "artefacts_registry.md";
    /// The entry in the lineage.
    pub const LINEAGE: &'static str = "lineage.md";
    /// The table of truth.
    pub const TRUTH: &'static str = "truth.csv";
    /// What the score is worth by it.
    pub const COST_LIFT: &'static str = "cost_lift_report.json";
    /// The same to look at.
    pub const COST_LIFT_PAGE: &'static str = "cost_lift_report.html";

    /// What is no part of what is handed on.
    pub const WORK: &'static str = "work";

    /// Whether a file of a suite, of whatever one, is called `name`.
    pub fn is_of_a_suite(name: &str) -> bool {
        let all = [Suite::Ring, Suite::KnownBadGood, Suite::Customer].into_iter();
        let mut archives =
            all.flat_map(|suite| suite.variants().into_iter().map(move |name| Self::archive(suite, name)));
        let files = [Self::DOCUMENT, Self::REGISTRY, Self::LINEAGE, Self::TRUTH, Self::COST_LIFT, Self::COST_LIFT_PAGE];
        files.contains(&name) || archives.any(|archive| archive == name)
    }

    /// The directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// A file that is handed on.
    pub fn file(&self, name: &str) -> PathBuf {
        layout::inside(&self.0, name)
    }

    /// Where campaigns and what they read lie.
    pub fn work(&self) -> PathBuf {
        layout::inside(&self.0, Self::WORK)
    }

    /// What says that the directory is a suite's, from its beginning.
    pub fn mark(&self) -> PathBuf {
        layout::inside(&self.work(), "suite")
    }

    /// What the pack of `variant` is called when it is handed on, as HETERO-2 calls it.
    pub fn archive(suite: Suite, variant: &str) -> String {
        match suite {
            Suite::KnownBadGood => format!("value_known_bad_good_{variant}_evidence_pack.zip"),
            Suite::Ring => "value_ring_suite_evidence_pack.zip".to_owned(),
            Suite::Customer => "value_customer_evidence_pack.zip".to_owned(),
        }
    }
}
