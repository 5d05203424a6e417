//! Built-in scorers: pure functions of one record.

pub mod chem;
pub mod null;
pub mod pool;
pub mod similarity;
mod tanimoto;

use super::{Description, Verdict};
use crate::library::record::Record;

/// A scorer that lives in this process. Its answer depends on the record and its settings alone.
pub trait Builtin: Send + Sync {
    /// What it is and which columns it fills.
    fn describe(&self) -> &Description;

    /// The verdict on one record.
    fn score(&self, record: &Record<'_>) -> Verdict;
}
