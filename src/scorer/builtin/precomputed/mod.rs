//! Scores from files: what a program of the user's, or somebody else, computed before.
//!
//! A record is looked up by its id and a look-alike by its hash, the SHA-256 of its canonical SMILES. The files are read
//! once a worker ([`load()`], [`mod@read`]) into one table ([`table`]) that its threads share. What is wrong with them is told
//! when the campaign is planned. See `docs/precomputed.md`.

pub mod key;
pub mod load;
pub mod read;
pub mod settings;
pub mod table;

use self::key::Key;
pub use self::load::{Counts, Loaded, Scores, load};
pub use self::settings::Settings;
use super::Builtin;
use super::decoys::Decoy;
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::precheck::precheck_as;
use crate::scorer::{Column, ColumnType, Description, Order, Value, Verdict};

/// Version of how files are read: it changes when any record could get another row.
const VERSION: &str = "1";

/// The record has no score (SKIP).
pub const MISSING_SCORE: &str = "missing_score";

/// The scorer with its scores.
#[derive(Debug)]
pub struct Precomputed {
    scores: Scores,
    notation: Notation,
    description: Description,
}

impl Precomputed {
    /// The scorer, for records whose structures are written as `notation`.
    pub fn new(scores: Scores, order: Order, notation: Notation) -> Self {
        Self { scores, notation, description: description(order) }
    }

    /// The score of a record.
    pub fn of_record(&self, record: &Record<'_>) -> Option<f64> {
        self.scores.of_record(record)
    }
}

impl Scores {
    /// The score of a record: that of its id, or that of all records. A record without an id has none of its own.
    pub fn of_record(&self, record: &Record<'_>) -> Option<f64> {
        self.place_of_record(record).map(|place| self.table.value(place)).or(self.original)
    }

    /// Where the record's own score is in the table.
    pub fn place_of_record(&self, record: &Record<'_>) -> Option<usize> {
        if record.id.is_empty() { None } else { self.table.position(Key::of_id(record.id)) }
    }

    /// The score of a look-alike.
    pub fn of_decoy(&self, decoy: &Decoy) -> Option<f64> {
        self.table.get(Key::of_hash(&decoy.hash()))
    }
}

impl Builtin for Precomputed {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        if let Some(verdict) = precheck_as(record, self.notation) {
            return verdict;
        }
        match self.of_record(record) {
            Some(score) => Verdict::ok(vec![Value::Float(score)]),
            None => Verdict::skip(MISSING_SCORE),
        }
    }

    fn score_of_decoy(&self, _parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        self.scores.of_decoy(decoy)
    }
}

fn description(order: Order) -> Description {
    let about = "the score that a file holds for the record".to_owned();
    Description {
        name: "precomputed".to_owned(),
        version: VERSION.to_owned(),
        columns: vec![Column { description: Some(about), ..Column::new("score", ColumnType::Float, order) }],
        deterministic: true,
        reasons: vec![MISSING_SCORE.to_owned()],
    }
}
