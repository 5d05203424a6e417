//! The scorer that does nothing: every record is `OK`, with no columns. It measures molsieve itself.

use super::Builtin;
use super::decoys::Decoy;
use crate::library::record::Record;
use crate::scorer::{Description, Verdict};

/// Every record is `OK`.
#[derive(Clone, Debug)]
pub struct Null {
    description: Description,
}

impl Null {
    /// The scorer; it has no settings.
    pub fn new() -> Self {
        let description = Description {
            name: "null".to_owned(),
            version: "1".to_owned(),
            columns: Vec::new(),
            deterministic: true,
            reasons: Vec::new(),
        };
        Self { description }
    }
}

impl Default for Null {
    fn default() -> Self {
        Self::new()
    }
}

impl Builtin for Null {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn score(&self, _record: &Record<'_>) -> Verdict {
        Verdict::ok(Vec::new())
    }

    fn score_of_decoy(&self, _parent: &Record<'_>, _decoy: &Decoy) -> Option<f64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorer::Outcome;

    #[test]
    fn every_record_is_ok_whatever_it_holds() {
        let null = Null::new();
        for structure in [&b""[..], b"C", b"\0\xff", b"not a molecule"] {
            let verdict = null.score(&Record { ordinal: 0, id: b"", structure });
            assert_eq!((verdict.outcome, verdict.values.len()), (Outcome::Ok, 0));
        }
        assert!(null.describe().columns.is_empty());
    }
}
