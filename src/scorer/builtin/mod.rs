//! Built-in scorers: pure functions of one record.

pub mod chem;
pub mod null;
pub mod pool;
pub mod similarity;
mod tanimoto;

use super::{Description, Outcome, STRUCTURE_BYTES_MAX, Verdict, reason};
use crate::library::record::Record;

/// A scorer that lives in this process. Its answer depends on the record and its settings alone.
pub trait Builtin: Send + Sync {
    /// What it is and which columns it fills.
    fn describe(&self) -> &Description;

    /// The verdict on one record.
    fn score(&self, record: &Record<'_>) -> Verdict;
}

/// The verdict on a structure that no scorer of structures can be given, if it is one.
fn unreadable(structure: &[u8]) -> Option<Verdict> {
    if structure.is_empty() {
        return Some(Verdict { outcome: Outcome::Skip, reason: reason::EMPTY.into(), values: Vec::new() });
    }
    if structure.len() > STRUCTURE_BYTES_MAX {
        return Some(Verdict::error(reason::TOO_LONG));
    }
    let control = structure.iter().any(u8::is_ascii_control);
    if control || std::str::from_utf8(structure).is_err() {
        return Some(Verdict::error(reason::ENCODING));
    }
    None
}
