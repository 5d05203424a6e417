//! Built-in scorers: pure functions of one record.

pub mod chem;
pub mod decoys;
pub mod null;
pub mod pool;
pub mod precomputed;
pub mod similarity;
pub mod spectral;
mod structure;
mod tanimoto;

use super::{ColumnType, Description, Value, Verdict};
use crate::library::record::Record;

/// A scorer that lives in this process. Its answer depends on the record and its settings alone.
pub trait Builtin: Send + Sync {
    /// What it is and which columns it fills.
    fn describe(&self) -> &Description;

    /// The verdict on one record.
    fn score(&self, record: &Record<'_>) -> Verdict;

    /// What the first numeric column holds, by which records are ranked unless somebody says otherwise; none if the
    /// record has no such value. A scorer that can tell it for less than a whole row does.
    fn score_alone(&self, record: &Record<'_>) -> Option<f64> {
        let at = self.describe().columns.iter().position(|column| column.kind != ColumnType::String)?;
        match self.score(record).values.get(at)? {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            Value::Null | Value::Text(_) => None,
        }
    }
}
