//! A table of truth against the library that it is about: what is wrong is known before anything is computed.

use super::truth::{Label, Truth, shown};
use super::{name_of, proxy};
use crate::error::Result;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;

/// Labels that are all those of the rule are the rule's, if there are so many of them, …
const LABELS_OF_A_RULE: u64 = 100;
/// … and so many hits among them. Where one of twenty is a hit, other labels are the same 5 of 100 with a probability of 0.05^5 · 0.95^95,
/// which is 2 in 10^9.
const HITS_OF_A_RULE: u64 = 5;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many labels are about no record of the library.
    pub unknown: u64,
    /// The first of them, fit to be shown.
    pub first_unknown: Option<String>,
    /// Whether each label is the one that the rule `proxy_rule_v1` makes, whatever the table calls its source.
    pub is_of_the_rule: bool,
}

/// Looks for the molecules of `table` in the library at `snapshot`.
///
/// # Errors
/// The library changed, or cannot be read.
pub fn look(table: &Truth, snapshot: &Snapshot) -> Result<Looked> {
    let mut is_known = vec![false; table.len()];
    let (mut compared, mut hits, mut others) = (0_u64, 0_u64, 0_u64);
    let mut slice = Slice::open(snapshot, 0..snapshot.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            let Some((number, label)) = table.find(&name_of(record.id, record.ordinal)) else { continue };
            // (Of records with one id, the first is meant.)
            if !std::mem::replace(&mut is_known[number as usize], true) {
                compared += 1;
                hits += u64::from(label == Label::Pass);
                others += u64::from(label != proxy::label(record.structure));
            }
        }
    }
    let unknown = is_known.iter().filter(|known| !**known).count() as u64;
    let first = is_known.iter().position(|known| !known);
    let first_unknown = first.map(|number| shown(&String::from_utf8_lossy(table.id(number as u32))));
    let is_of_the_rule = others == 0 && hits >= HITS_OF_A_RULE && compared >= LABELS_OF_A_RULE;
    Ok(Looked { unknown, first_unknown, is_of_the_rule })
}
