//! What became of a record, in HETERO-2's words.
//!
//! Where its contract has a word for what a reason of ours means, that word and its status stand in the table; where it
//! has none, ours stay as they are. So what is no SMILES is a `SKIP` there, and an `ERROR` here.

use crate::scorer::Outcome;
use crate::scorer::builtin::decoys::{NO_DECOYS, NO_HARD_DECOYS};

/// The record has no structure.
pub const MISSING_SMILES: &str = "missing_smiles";
/// The structure is none.
pub const INVALID_SMILES: &str = "invalid_smiles";
/// More atoms than the guardrail lets pass.
pub const TOO_MANY_ATOMS: &str = "too_many_atoms";
/// There are no scores for this record (where scores come from a file).
pub const MISSING_SCORES: &str = "missing_scores_input";
/// It is in several parts.
pub const DISCONNECTED: &str = "disconnected";
/// An element has no parameters.
pub const MISSING_PARAMETERS: &str = "missing_physics_params";

/// Reasons for which a record may be SKIP there.
pub const SKIPS: [&str; 7] =
    [DISCONNECTED, INVALID_SMILES, MISSING_SCORES, MISSING_SMILES, TOO_MANY_ATOMS, NO_DECOYS, NO_HARD_DECOYS];

/// What stands for a reason of ours: its name here, and status and name there.
const TABLE: [(&str, Outcome, &str); 7] = [
    ("empty_structure", Outcome::Skip, MISSING_SMILES),
    ("parse", Outcome::Skip, INVALID_SMILES),
    ("valence", Outcome::Skip, INVALID_SMILES),
    ("kekulize", Outcome::Skip, INVALID_SMILES),
    ("bad_encoding", Outcome::Skip, INVALID_SMILES),
    ("too_large", Outcome::Skip, TOO_MANY_ATOMS),
    ("missing_score", Outcome::Skip, MISSING_SCORES),
];

/// Status and reason there, of an outcome and a reason here.
pub fn theirs(outcome: Outcome, reason: &str) -> (Outcome, &str) {
    match TABLE.iter().find(|(ours, ..)| *ours == reason) {
        Some((_, status, theirs)) if outcome != Outcome::Ok => (*status, theirs),
        _ => (outcome, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_word_there_gets_it_and_what_has_none_keeps_its_own() {
        assert_eq!(theirs(Outcome::Error, "kekulize"), (Outcome::Skip, "invalid_smiles"));
        assert_eq!(theirs(Outcome::Skip, "empty_structure"), (Outcome::Skip, "missing_smiles"));
        assert_eq!(theirs(Outcome::Skip, "missing_score"), (Outcome::Skip, "missing_scores_input"));
        assert_eq!(theirs(Outcome::Error, "timeout"), (Outcome::Error, "timeout"));
        assert_eq!(theirs(Outcome::Skip, "no_decoys_generated"), (Outcome::Skip, "no_decoys_generated"));
        assert_eq!(theirs(Outcome::Ok, ""), (Outcome::Ok, ""));
    }
}
