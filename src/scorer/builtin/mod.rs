//! Built-in scorers: pure functions of one record.

pub mod chem;
pub mod compared;
pub mod decoys;
pub mod null;
pub mod pool;
pub mod similarity;
pub mod spectral;
mod structure;
mod tanimoto;

use self::decoys::Decoy;
use super::{Description, Verdict};
use crate::library::record::Record;

/// A scorer that lives in this process. Its answer depends on the record and its settings alone.
pub trait Builtin: Send + Sync {
    /// What it is and which columns it fills.
    fn describe(&self) -> &Description;

    /// The verdict on one record.
    fn score(&self, record: &Record<'_>) -> Verdict;

    /// What the first numeric column would hold if `decoy`, a look-alike of `parent`, were a record; none if it would
    /// hold nothing, or there is no such column.
    fn score_of_decoy(&self, parent: &Record<'_>, decoy: &Decoy) -> Option<f64>;
}

impl<S: Builtin + ?Sized> Builtin for Box<S> {
    fn describe(&self) -> &Description {
        (**self).describe()
    }

    fn score(&self, record: &Record<'_>) -> Verdict {
        (**self).score(record)
    }

    fn score_of_decoy(&self, parent: &Record<'_>, decoy: &Decoy) -> Option<f64> {
        (**self).score_of_decoy(parent, decoy)
    }
}
