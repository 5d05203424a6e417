//! A built-in scorer with the look-alikes of every record: what the score is compared with, counted where it is made.
//!
//! Each decoy goes through the same scorer as its parent. What is counted ([`tally`]) and how one record is judged
//! ([`judge`]) become columns after the scorer's own ([`columns`]), so that rows, shards, checkpoints and packs are what
//! they are for any scorer. See `docs/signal.md`.

pub mod columns;
pub mod judge;
pub mod settings;
pub mod tally;

pub use self::settings::Settings;

use std::panic::{self, AssertUnwindSafe};

use self::tally::{Tally, ThreeWays};
use super::chem::Mol;
use super::decoys::{self, Decoy, Decoys, NO_DECOYS, NO_HARD_DECOYS};
use super::{Builtin, structure};
use crate::digest;
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::{ColumnType, Description, Order, Outcome, Value, Verdict, reason};

/// The molecule has no canonical form, so that its decoys would depend on how it is written (SKIP).
const NO_CANONICAL_FORM: &str = "no_canonical_form";

/// A scorer around `scorer`.
#[derive(Debug)]
pub struct Compared<S> {
    scorer: S,
    notation: Notation,
    description: Description,
    decoys: decoys::Settings,
    seed: decoys::Seed,
    /// What draws the label that a record is given for the control of permuted labels.
    labels: [u8; 32],
    /// The column that is compared, and which end of it is best.
    score: (usize, Order),
}

/// Whether a record is SKIP with this reason since it has no decoys: its row has the scorer's own values all the same.
pub fn is_for_want_of_decoys(reason: &str) -> bool {
    [NO_DECOYS, NO_HARD_DECOYS, NO_CANONICAL_FORM].contains(&reason)
}

/// The column of `description` that is compared: the first one of numbers.
pub fn score_column(description: &Description) -> Option<usize> {
    description.columns.iter().position(|column| column.kind != ColumnType::String)
}

/// The molecule of a record whose structure is written as `notation`, and its decoys, at least one.
///
/// # Errors
/// There are none: the verdict on a record that cannot be compared.
fn look_alikes(
    record: &Record<'_>,
    notation: Notation,
    seed: &decoys::Seed,
    settings: &decoys::Settings,
) -> Result<(Mol, Decoys), Verdict> {
    let mol = structure::read(record, notation)?;
    let found = decoys::of(&mol, seed, settings).map_err(|_| Verdict::skip(NO_CANONICAL_FORM))?;
    match found.reason() {
        Some(reason) => Err(Verdict::skip(reason)),
        None => Ok((mol, found)),
    }
}

/// The decoys of a record; or why there are none. A defect over it is `crash`, as it is for a scorer.
///
/// # Errors
/// There are none: the reason.
pub fn decoys_or_reason(
    record: &Record<'_>,
    notation: Notation,
    seed: &decoys::Seed,
    settings: &decoys::Settings,
) -> Result<Vec<Decoy>, String> {
    match panic::catch_unwind(AssertUnwindSafe(|| look_alikes(record, notation, seed, settings))) {
        Ok(Ok((_, found))) => Ok(found.decoys),
        Ok(Err(verdict)) => Err(verdict.reason.into_owned()),
        Err(_) => Err(reason::CRASH.to_owned()),
    }
}

impl<S: Builtin> Compared<S> {
    /// `scorer`, for records whose structures are written as `notation`, with decoys that follow from `seed`, that of
    /// the campaign. None if the scorer has no column of numbers.
    pub fn new(scorer: S, notation: Notation, settings: &Settings, seed: u64) -> Option<Self> {
        let at = score_column(scorer.describe())?;
        let score = (at, scorer.describe().columns[at].order);
        let mut labels = b"molsieve.labels.v1\0".to_vec();
        labels.extend_from_slice(&seed.to_le_bytes());
        Some(Self {
            description: description(scorer.describe(), notation, settings),
            notation,
            decoys: settings.to_decoys(),
            seed: decoys::Seed::new(seed),
            labels: digest::blake3(&labels).0,
            score,
            scorer,
        })
    }

    /// The columns after the scorer's own.
    fn compare(&self, record: &Record<'_>, score: Option<f64>, mol: &Mol, found: &Decoys) -> Vec<Value> {
        let better = |a: f64, b: f64| match self.score.1 {
            Order::Desc => a.total_cmp(&b),
            Order::Asc => b.total_cmp(&a),
        };
        let (mut by_score, mut by_log_p) = (Tally::default(), Tally::default());
        let mut scores = Vec::with_capacity(found.decoys.len() + 1);
        scores.extend(score);
        for decoy in &found.decoys {
            by_log_p.add(decoy.band(), found.facts.log_p.total_cmp(&decoy.facts.log_p));
            let (Some(own), Some(its)) = (score, self.scorer.score_of_decoy(record, decoy)) else { continue };
            by_score.add(decoy.band(), better(plain(own), plain(its)));
            scores.push(its);
        }
        let label = scores.len() > 1;
        let at = if label { self.label(&found.parent, scores.len()) } else { 0 };
        let permuted = scores.iter().enumerate().filter(|(i, _)| label && *i != at);
        let permuted: ThreeWays = permuted.map(|(_, other)| better(plain(scores[at]), plain(*other))).collect();
        columns::values(&columns::Compared {
            heavy_atoms: mol.heavy_atoms(),
            log_p: found.facts.log_p,
            decoys: found.decoys.len(),
            strategy: found.strategy,
            by_score,
            by_log_p,
            permuted,
        })
    }

    /// Which of `count` is the record, if labels are drawn.
    fn label(&self, parent: &str, count: usize) -> usize {
        let drawn = digest::keyed_u64(&self.labels, parent.as_bytes());
        ((u128::from(drawn) * count as u128) >> 64) as usize
    }
}

/// 0 and −0 are one score.
fn plain(score: f64) -> f64 {
    score + 0.0
}

impl<S: Builtin> Builtin for Compared<S> {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        let own = self.scorer.score(record);
        if own.outcome != Outcome::Ok {
            return own;
        }
        let score = match own.values.get(self.score.0) {
            Some(Value::Float(value)) => Some(*value),
            Some(Value::Int(value)) => Some(*value as f64),
            _ => None,
        };
        match look_alikes(record, self.notation, &self.seed, &self.decoys) {
            // What the scorer found stays in the row, and what it is held against where there is truth.
            Err(verdict) => {
                let mut values = own.values;
                if let Ok(mol) = structure::read(record, self.notation) {
                    values.extend(columns::of_alone(mol.heavy_atoms(), decoys::Facts::of(&mol).log_p));
                }
                Verdict { values, ..verdict }
            }
            Ok((mol, found)) => {
                let mut values = own.values;
                values.extend(self.compare(record, score, &mol, &found));
                Verdict::ok(values)
            }
        }
    }

    fn score_of_decoy(&self, parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        self.scorer.score_of_decoy(parent, decoy)
    }
}

fn description(own: &Description, notation: Notation, settings: &Settings) -> Description {
    let none = if settings.window.is_some() { NO_HARD_DECOYS } else { NO_DECOYS };
    let mut reasons = structure::reasons(notation, &[none, NO_CANONICAL_FORM]);
    reasons.extend(own.reasons.iter().cloned());
    reasons.sort();
    reasons.dedup();
    let columns = own.columns.iter().cloned().chain(columns::all()).collect();
    Description { columns, reasons, ..own.clone() }
}

#[cfg(test)]
mod tests;
