//! The document: `cost_lift.v1`, and under the key `molsieve` what we measure beside it. See `docs/formats/cost-lift.md`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::contract::Contract;
use super::money::{Cost, Saved};
use super::ranking::{CURVE, ENRICHED, Measured, TARGETS, first_molecules, target_hits};
use super::resample::{Estimate, Of, estimate};
use super::words::{RANDOM, Role, Shown, Verdict};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::scorer::Order;

/// Schema of [`Lift`].
pub const SCHEMA: &str = "molsieve.lift.v1";

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// HETERO-2's report.
    #[serde(flatten)]
    pub contract: Contract,
    /// Ours.
    pub molsieve: Lift,
}

impl Report {
    /// The report as a file: keys sorted, two blanks a level and a line feed, as HETERO-2 writes its own.
    ///
    /// # Errors
    /// It has no JSON form: a defect.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let value = serde_json::to_value(self).and_then(|value| serde_json::to_vec_pretty(&value));
        let mut bytes = value.map_err(|e| Error::bug(format!("the report has no JSON form: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// What we measure.
#[derive(Clone, Debug, Serialize)]
pub struct Lift {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The answer, in a sentence.
    pub answer: String,
    /// The answer, in a word.
    pub verdict: Verdict,
    /// The pack.
    pub pack: Pack,
    /// The table of truth.
    pub truth: TruthTable,
    /// `OK` records with truth: what all of the following is about.
    pub molecules: u64,
    /// How many of them are hits.
    pub hits: u64,
    /// Draws of every interval.
    pub bootstrap_n: u32,
    /// How many molecules are selected.
    pub selection: Selection,
    /// What is paid for a molecule.
    pub cost: Option<Cost>,
    /// The orders, that of the score first.
    pub orders: Vec<Ordered>,
    /// Orders that could not be made, and why.
    pub orders_missing: BTreeMap<&'static str, String>,
    /// The score against each of the others, and against an even order.
    pub comparisons: Vec<Comparison>,
    /// What shares of all hits take.
    pub targets: Vec<Target>,
    /// Methods of `cost_lift.v1` that are null, and why.
    pub methods_missing: BTreeMap<&'static str, &'static str>,
    /// What a reader has to know.
    pub notes: Vec<String>,
}

/// The pack that was read.
#[derive(Clone, Debug, Serialize)]
pub struct Pack {
    /// `sha256:` and the root of the row tree.
    pub payload_digest: String,
    /// `sha256:` of its manifest.
    pub pack_digest: String,
    /// Whether all records of the library are in it.
    pub complete: bool,
    /// The scorer.
    pub scorer: String,
    /// The version of that.
    pub scorer_version: String,
}

/// The table of truth that was read.
#[derive(Clone, Debug, Serialize)]
pub struct TruthTable {
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// Labels, and how many of them are hits.
    pub labels: u64,
    /// See `labels`.
    pub hits: u64,
    /// Labels of each source.
    pub sources: BTreeMap<String, u64>,
    /// Whether a rule made some of them, and no measurement.
    pub is_proxy: bool,
    /// Labels of molecules that the pack does not have, and the first of these.
    pub unknown: u64,
    /// See `unknown`.
    pub unknown_examples: Vec<String>,
    /// Labels of records that are not `OK`, and how many of these are hits.
    pub not_ok: u64,
    /// See `not_ok`.
    pub hits_not_ok: u64,
}

/// How many molecules are selected, and why so many.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Selection {
    /// How many.
    pub molecules: u64,
    /// `k`: as asked for. `half_of_the_hits`: there are no more molecules than asked for, so it is what the score takes for these.
    pub basis: &'static str,
    /// How many hits the score finds among them.
    pub hits: f64,
}

/// An order of the molecules, and what it is worth.
#[derive(Clone, Debug, Serialize)]
pub struct Ordered {
    /// The column, and `asc` or `desc`.
    pub name: String,
    /// The column.
    pub column: String,
    /// Which end is best.
    pub order: Order,
    /// What it is there for.
    pub role: Role,
    /// Hits among the selected.
    pub hits_selected: Estimate,
    /// The AUC.
    pub auc: Estimate,
    /// BEDROC, α = 20.
    pub bedroc: Estimate,
    /// Enrichment at 0.1, 1 and 5 %.
    pub enrichment: Vec<Enrichment>,
    /// Hits found by so many.
    pub curve: Vec<Point>,
}

/// How many times as many hits are among the first as in an even order.
#[derive(Clone, Debug, Serialize)]
pub struct Enrichment {
    /// Which share of the molecules.
    pub fraction: f64,
    /// How many these are.
    pub molecules: u64,
    /// How many times as many.
    pub factor: Estimate,
}

/// A point of a curve of hits.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Which share of the molecules.
    pub fraction: f64,
    /// How many these are.
    pub molecules: u64,
    /// How many hits are among them.
    pub hits: Estimate,
}

/// The score against another order.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The other.
    pub with: String,
    /// What it is there for.
    pub role: Role,
    /// How many hits the other finds among as many molecules as are selected.
    pub hits: f64,
    /// How many more the score finds.
    pub more_hits: Estimate,
    /// How many molecules the score takes for the hits of its selection, and how many the other takes.
    pub molecules_score: u64,
    /// See `molecules_score`.
    pub molecules_other: u64,
    /// How many fewer the score takes.
    pub fewer_molecules: Estimate,
    /// What these cost.
    pub saved: Option<Saved>,
    /// By how much the score's AUC is above that of the other.
    pub auc_above: Estimate,
    /// What the interval of `more_hits` shows.
    pub shown: Shown,
}

/// What a share of all hits takes.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// Which share.
    pub share_of_hits: f64,
    /// How many these are.
    pub hits: u64,
    /// How many molecules each order takes, and an even one.
    pub molecules: BTreeMap<String, u64>,
    /// How many fewer the score takes than an even order.
    pub fewer_than_random: Estimate,
    /// What these cost.
    pub saved: Option<Saved>,
}

/// The columns of the orders, in the order of the measurements.
pub struct Head {
    /// The column.
    pub column: String,
    /// Which end is best.
    pub order: Order,
    /// What it is there for.
    pub role: Role,
}

impl Head {
    /// The column and its order.
    pub fn name(&self) -> String {
        format!("{} {}", self.column, if self.order == Order::Asc { "asc" } else { "desc" })
    }
}

/// What is measured of the molecules and of their resamples, of which there are none where too little is known.
pub struct Measures<'a> {
    /// The orders.
    pub heads: &'a [Head],
    /// What was measured.
    pub sample: &'a Of,
    /// What was measured of the resamples.
    pub resamples: &'a [Of],
}

impl Measures<'_> {
    /// A number of the order at `at`, with its interval.
    fn of(&self, at: usize, number: impl Fn(&Measured) -> Option<f64>) -> Estimate {
        estimate(number(&self.sample.measured[at]), self.resamples.iter().map(|of| number(&of.measured[at])))
    }

    /// A number of the whole sample, with its interval.
    fn all(&self, number: impl Fn(&Of) -> Option<f64>) -> Estimate {
        estimate(number(self.sample), self.resamples.iter().map(number))
    }

    /// What each order is worth.
    pub fn orders(&self) -> Vec<Ordered> {
        let ordered = |(at, head): (usize, &Head)| Ordered {
            name: head.name(),
            column: head.column.clone(),
            order: head.order,
            role: head.role,
            hits_selected: self.of(at, |m| Some(m.selected)),
            auc: self.of(at, |m| m.auc),
            bedroc: self.of(at, |m| m.bedroc),
            enrichment: ENRICHED.into_iter().map(|point| self.enrichment(at, point)).collect(),
            curve: (0..CURVE.len()).map(|point| self.point(at, point)).collect(),
        };
        self.heads.iter().enumerate().map(ordered).collect()
    }

    fn enrichment(&self, at: usize, point: usize) -> Enrichment {
        Enrichment {
            fraction: CURVE[point] as f64 / 1e6,
            molecules: first_molecules(CURVE[point], self.sample.measured[at].molecules),
            factor: self.of(at, |m| m.enrichment(point)),
        }
    }

    fn point(&self, at: usize, point: usize) -> Point {
        Point {
            fraction: CURVE[point] as f64 / 1e6,
            molecules: first_molecules(CURVE[point], self.sample.measured[at].molecules),
            hits: self.of(at, |m| Some(m.curve[point])),
        }
    }

    /// The score against an even order and against each of the others.
    pub fn comparisons(&self, selected: u64, cost: Option<&Cost>) -> Vec<Comparison> {
        let random = Comparing {
            with: RANDOM.to_owned(),
            role: Role::Baseline,
            hits: &|of| selected as f64 * of.measured[0].hits as f64 / of.measured[0].molecules as f64,
            needed: &|of| of.sought.needed_at_random(of.measured[0].molecules, of.measured[0].hits),
            auc: &|of| of.measured[0].auc.map(|_| 0.5),
        };
        let mut compared = vec![self.compare(&random, cost)];
        for (at, head) in self.heads.iter().enumerate().skip(1) {
            let other = Comparing {
                with: head.name(),
                role: head.role,
                hits: &|of| of.measured[at].selected,
                needed: &|of| of.measured[at].needed,
                auc: &|of| of.measured[at].auc,
            };
            compared.push(self.compare(&other, cost));
        }
        compared
    }

    fn compare(&self, other: &Comparing<'_>, cost: Option<&Cost>) -> Comparison {
        let more_hits = self.all(|of| Some(of.measured[0].selected - (other.hits)(of)));
        let fewer = |of: &Of| (other.needed)(of) as f64 - of.measured[0].needed as f64;
        let fewer_molecules = self.all(|of| Some(fewer(of)));
        Comparison {
            with: other.with.clone(),
            role: other.role,
            hits: (other.hits)(self.sample),
            molecules_score: self.sample.measured[0].needed,
            molecules_other: (other.needed)(self.sample),
            saved: cost.map(|cost| cost.saved(&fewer_molecules)),
            fewer_molecules,
            auc_above: self.all(|of| of.measured[0].auc.zip((other.auc)(of)).map(|(own, other)| own - other)),
            shown: Shown::of(&more_hits),
            more_hits,
        }
    }

    /// What shares of the hits take.
    pub fn targets(&self, cost: Option<&Cost>) -> Vec<Target> {
        let target = |(at, share): (usize, u64)| {
            let first = &self.sample.measured[0];
            let random = |of: &Of| {
                let Measured { molecules, hits, .. } = of.measured[0];
                super::ranking::Part::whole(target_hits(share, hits)).needed_at_random(molecules, hits)
            };
            let mut molecules: BTreeMap<String, u64> =
                self.heads.iter().zip(&self.sample.measured).map(|(head, m)| (head.name(), m.targets[at])).collect();
            molecules.insert(RANDOM.to_owned(), random(self.sample));
            let fewer_than_random = self.all(|of| Some(random(of) as f64 - of.measured[0].targets[at] as f64));
            Target {
                share_of_hits: share as f64 / 100.0,
                hits: target_hits(share, first.hits),
                molecules,
                saved: cost.map(|cost| cost.saved(&fewer_than_random)),
                fewer_than_random,
            }
        };
        TARGETS.into_iter().enumerate().map(target).collect()
    }
}

/// An order that the score is compared with.
struct Comparing<'a> {
    with: String,
    role: Role,
    hits: &'a dyn Fn(&Of) -> f64,
    needed: &'a dyn Fn(&Of) -> u64,
    auc: &'a dyn Fn(&Of) -> Option<f64>,
}
