//! What a customer's score is worth: the numbers of `cost_lift_report.json` that a suite repeats.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::SuiteDir;
use crate::error::Result;
use crate::lift::contract::Method;
use crate::lift::money::Cost;
use crate::lift::report::Report;
use crate::lift::truth::Demands;
use crate::lift::{self, Request};

/// What was asked: enough to ask it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// How many molecules are selected.
    pub k: u64,
    /// The seed of all draws.
    pub seed: u64,
    /// Draws of every interval.
    pub bootstrap_n: u32,
    /// What a molecule costs.
    pub price: Option<Price>,
    /// Whether truth may speak of molecules that the library does not have.
    pub allow_unknown: bool,
}

impl Question {
    /// Refuses what cannot be asked.
    ///
    /// # Errors
    /// A number is out of its range, or the price is none (exit 2).
    pub fn check(&self) -> Result<()> {
        self.request(Demands::default())?.check()
    }

    fn request(&self, demands: Demands) -> Result<Request> {
        let Self { k, seed, bootstrap_n, allow_unknown, .. } = *self;
        let cost = self.price.as_ref().map(Price::cost).transpose()?;
        Ok(Request { k, seed, bootstrap_n, cost, demands, allow_unknown })
    }
}

/// What a molecule costs, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The amount, such as `0.5`.
    pub per_molecule: String,
    /// The word for the money.
    pub currency: String,
}

impl Price {
    /// The amount, and of what.
    fn cost(&self) -> Result<Cost> {
        Cost::new(self.per_molecule.parse()?, &self.currency)
    }
}

/// What the score is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utility {
    /// What was asked.
    pub question: Question,
    /// SHA-256 of the table of truth.
    pub truth_sha256: String,
    /// Its labels, and how many are hits.
    pub labels: u64,
    /// See `labels`.
    pub hits: u64,
    /// How many labels each source gave.
    pub sources: BTreeMap<String, u64>,
    /// Whether a rule made some of them.
    pub is_proxy: bool,
    /// How many records were selected.
    pub k_effective: u64,
    /// What each method of `cost_lift.v1` found; null where it could select nothing.
    pub methods: BTreeMap<String, Option<Found>>,
    /// Hit rate of the third method minus that of the second, and of the first.
    pub uplift_vs_score_only: Option<f64>,
    /// See `uplift_vs_score_only`.
    pub uplift_vs_random: Option<f64>,
    /// The answer, in a sentence.
    pub answer: String,
}

/// What one method found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// How many records it selected.
    pub k_effective: u64,
    /// How many of these are hits.
    pub hits: u64,
    /// The share of them.
    pub hit_rate: f64,
    /// The 95 % interval of that.
    pub ci_low: f64,
    /// See `ci_low`.
    pub ci_high: f64,
}

impl From<&Method> for Found {
    fn from(method: &Method) -> Self {
        let Method { k_effective, hits, hit_rate, ci_low, ci_high } = *method;
        Self { k_effective, hits, hit_rate, ci_low, ci_high }
    }
}

/// Asks `question` of the pack at `archive` and the table at `truth`. The report names both as they lie beside it.
///
/// # Errors
/// As [`lift::cost_lift`].
pub fn measure(archive: &Path, truth: &Path, question: &Question, demands: Demands) -> Result<(Utility, Report)> {
    let mut report = lift::cost_lift(archive, truth, &question.request(demands)?)?;
    let name = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    report.contract.summary_csv = format!("{name}/summary.csv");
    SuiteDir::TRUTH.clone_into(&mut report.contract.truth_csv);
    let (contract, table) = (&report.contract, &report.molsieve.truth);
    let methods = contract.methods.iter();
    let utility = Utility {
        question: question.clone(),
        truth_sha256: table.sha256.to_string(),
        labels: table.labels,
        hits: table.hits,
        sources: table.sources.clone(),
        is_proxy: table.is_proxy,
        k_effective: contract.k_effective,
        methods: methods.map(|(name, found)| ((*name).to_owned(), found.as_ref().map(Found::from))).collect(),
        uplift_vs_score_only: contract.uplift_score_plus_audit_vs_score_only,
        uplift_vs_random: contract.uplift_score_plus_audit_vs_random,
        answer: report.molsieve.answer.clone(),
    };
    Ok((utility, report))
}
