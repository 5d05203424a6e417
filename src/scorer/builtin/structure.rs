//! From a record to a molecule: what all scorers that look at molecules say of a structure that is none.

use super::chem::{Mol, Refusal};
use crate::library::format::Notation;
use crate::library::record::Record;
use crate::scorer::precheck::precheck_as;
use crate::scorer::{Verdict, reason as ours};

/// Not a SMILES, or not a molfile (ERROR).
const PARSE: &str = "parse";
/// An atom has more bonds than it can have (ERROR).
const VALENCE: &str = "valence";
/// The aromatic atoms cannot be given alternating bonds (ERROR).
const KEKULE: &str = "kekulize";
/// More atoms or bonds than are looked at (SKIP).
const TOO_LARGE: &str = "too_large";
/// Rings too entangled to look at them all (SKIP).
const TOO_COMPLEX: &str = "too_complex";
/// A molfile of version V3000, which is not read (SKIP).
const V3000: &str = "v3000";
/// A molfile with atom lists or query bonds, which stands for many structures (SKIP).
const QUERY: &str = "query";

/// The reason code for a structure that is no molecule here, and whether the structure is at fault.
pub const fn reason(refusal: Refusal) -> (&'static str, bool) {
    match refusal {
        Refusal::Syntax => (PARSE, true),
        Refusal::Valence => (VALENCE, true),
        Refusal::Kekule => (KEKULE, true),
        Refusal::TooLarge => (TOO_LARGE, false),
        Refusal::TooComplex => (TOO_COMPLEX, false),
        Refusal::Version3000 => (V3000, false),
        Refusal::Query => (QUERY, false),
        Refusal::Empty => (ours::EMPTY, false),
    }
}

/// The reason codes that [`read`] may give for structures written as `notation`, beside molsieve's own, and those of the
/// scorer itself; sorted.
pub fn reasons(notation: Notation, own: &[&str]) -> Vec<String> {
    let of_molfiles: &[&str] = if notation == Notation::Molblock { &[V3000, QUERY] } else { &[] };
    let all = [PARSE, VALENCE, KEKULE, TOO_LARGE, TOO_COMPLEX];
    let mut reasons: Vec<String> = all.iter().chain(of_molfiles).chain(own).map(|code| (*code).to_owned()).collect();
    reasons.sort();
    reasons
}

/// The molecule of a record whose structure is written as `notation`.
///
/// # Errors
/// There is none: the verdict on the record.
pub fn read(record: &Record<'_>, notation: Notation) -> Result<Mol, Verdict> {
    if let Some(verdict) = precheck_as(record, notation) {
        return Err(verdict);
    }
    let mol = match notation {
        Notation::Smiles => Mol::from_smiles(record.structure),
        Notation::Molblock => Mol::from_molfile(record.structure),
    };
    mol.map_err(|refusal| match reason(refusal) {
        (code, true) => Verdict::error(code),
        (code, false) => Verdict::skip(code),
    })
}
