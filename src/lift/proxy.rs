//! `proxy_rule_v1`: labels made by a rule from the text of a structure, where nothing was measured yet.
//!
//! They say nothing of chemistry. They are for trying out what becomes of labels, and whoever reads them is told so.

use std::path::Path;

use super::ids::Ids;
use super::name_of;
use super::truth::{COLUMNS, Label, SCHEMA, shown};
use crate::csv::quoted;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::library::format::Notation;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;

/// What the labels name as their source.
pub const SOURCE: &str = "proxy_rule_v1";

/// Whether labels of `source` are made by such a rule, of whatever version and in whatever letters.
pub fn is_rule(source: &str) -> bool {
    source.to_ascii_lowercase().starts_with("proxy_rule")
}

/// The column of the structure, after that of the id.
const STRUCTURE: &str = "canonical_smiles";

/// How many of a hundred structures are hits.
const HITS_OF_HUNDRED: u32 = 5;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Molecules that got a label.
    pub labels: u64,
    /// Those that are hits.
    pub hits: u64,
    /// Records that got none: without a structure, or not text.
    pub left_out: u64,
}

/// The label of the structure with this text: the first 32 bits of its SHA-256, modulo a hundred, are below five.
pub fn label(structure: &[u8]) -> Label {
    let [a, b, c, d, ..] = digest::sha256(structure).0;
    if u32::from_be_bytes([a, b, c, d]) % 100 < HITS_OF_HUNDRED { Label::Pass } else { Label::Fail }
}

/// Writes the labels of all records of the library whose snapshot is at `snapshot` to `out`, which must be new.
///
/// # Errors
/// Two records have one id, the structures are molblocks, or there is something at `out` (exit 2); the library changed or
/// cannot be read.
pub fn write(snapshot: &Snapshot, out: &Path) -> Result<Written> {
    if snapshot.notation() == Notation::Molblock {
        return Err(Error::usage("the structures of this library are molblocks, and the rule is about SMILES")
            .hint("make a library of SMILES of it first"));
    }
    let mut file = Staged::create_beside(out)?;
    let [id, label_name, source, version] = COLUMNS;
    file.write(format!("{id},{STRUCTURE},{label_name},{source},{version}\n").as_bytes())?;
    let (mut ids, mut written) = (Ids::default(), Written::default());
    let mut slice = Slice::open(snapshot, 0..snapshot.records())?;
    while let Some(block) = slice.next_block()? {
        for record in block.iter() {
            let name = name_of(record.id, record.ordinal);
            let text = std::str::from_utf8(record.structure).ok().filter(|text| !text.is_empty());
            let (Ok(name), Some(text)) = (std::str::from_utf8(&name), text) else {
                written.left_out += 1;
                continue;
            };
            if ids.add(name.as_bytes())?.is_err() {
                let what =
                    format!("record {} has the id `{}`, which one before it has already", record.ordinal, shown(name));
                return Err(Error::usage(what).hint("truth is told by ids: give each record of the library its own"));
            }
            let label = label(record.structure);
            let (name, text, found) = (quoted(name), quoted(text), label.as_str());
            file.write(format!("{name},{text},{found},{SOURCE},{SCHEMA}\n").as_bytes())?;
            written.labels += 1;
            written.hits += u64::from(label == Label::Pass);
        }
    }
    file.commit_to_new()?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_first_eight_digits_modulo_a_hundred() {
        for text in ["C", "CC", "c1ccccc1", "CC(=O)OC1=CC=CC=C1C(=O)O"] {
            let digits = digest::sha256(text.as_bytes()).to_string();
            let bucket = u32::from_str_radix(&digits[..8], 16).unwrap() % 100;
            assert_eq!(label(text.as_bytes()) == Label::Pass, bucket < 5, "{text}");
        }
    }
}
