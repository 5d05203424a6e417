//! What a person should look at before a library is screened: nothing of this is an error.

use super::cells;
use super::counts::Counts;
use super::format::{Format, Notation};
use super::smiles_like::looks_like_smiles;
use crate::canonical::escape;

/// More structures than one in so many that have not the form of SMILES are told.
const ODD_SHARE: u64 = 10;

/// What is noted of the records that were looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted {
    records: u64,
    /// The start of the first structure.
    first: Vec<u8>,
    smiles_like: u64,
    missing_ids: u64,
    /// Records with a CR inside.
    with_cr: u64,
    /// Records with a NUL, or that are not UTF-8.
    binary: u64,
}

/// Bytes of the first structure that are kept.
const FIRST_BYTES: usize = 200;

impl Noted {
    /// Notes a record.
    pub(super) fn note(&mut self, structure: &[u8], id: &[u8]) {
        if self.records == 0 {
            self.first = structure[..structure.len().min(FIRST_BYTES)].to_vec();
        }
        self.records += 1;
        self.smiles_like += u64::from(looks_like_smiles(structure));
        self.missing_ids += u64::from(id.is_empty());
        let has = |byte: u8| structure.contains(&byte) || id.contains(&byte);
        self.with_cr += u64::from(has(b'\r'));
        let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
        self.binary += u64::from(has(0) || !is_text(structure) || !is_text(id));
    }

    /// What to tell of a file that is read as `format`; `counts` and `repeated_ids` are of the same records.
    pub(super) fn warnings(&self, format: &Format, counts: &Counts, repeated_ids: u64) -> Vec<String> {
        let mut told = Vec::new();
        let records = self.records;
        if records == 0 {
            return told;
        }
        if 2 * self.binary > records {
            told.push(format!("{} of {records} records are not text: is the file of another format?", self.binary));
        }
        if 2 * self.with_cr > records {
            told.push("lines seem to end with CR alone, and so many are read as one: convert them to LF".to_owned());
        }
        if let Format::Table(table) = format {
            if let Some(header) = &table.header {
                let names = cells::all(header, table.delimiter, table.structure_column as usize);
                if let Some(name) = names.last().filter(|name| looks_like_smiles(name)) {
                    let name = escape::to_string(name);
                    told.push(format!(
                        "the header has the structure `{name}`: if it is a record, say `header = false`"
                    ));
                }
            } else if self.first_is_a_name() {
                let name = escape::to_string(&self.first);
                told.push(format!(
                    "the first line, with `{name}`, is read as a record: if it is a header, say `header = true`"
                ));
            }
        }
        let odd = records - self.smiles_like;
        if format.notation() == Notation::Smiles && odd * ODD_SHARE > records && 2 * self.binary <= records {
            told.push(format!(
                "{odd} of {records} structures do not have the form of SMILES: say `structure_column` if it is another one"
            ));
        }
        if self.missing_ids == records {
            told.push("no record has an id: say `id_column` if there is one".to_owned());
        }
        if repeated_ids > 0 {
            told.push(format!("{repeated_ids} records share their id with another: results are told apart by ordinal"));
        }
        if counts.empty_structure > 0 {
            told.push(format!(
                "{} records have no structure: they end as `SKIP empty_structure`",
                counts.empty_structure
            ));
        }
        if counts.unclosed_quote > 0 {
            told.push(format!(
                "{} records have a quotation mark that is not closed on their line",
                counts.unclosed_quote
            ));
        }
        if counts.overlong > 0 {
            told.push(format!("{} lines, structures or ids are too long, and were cut", counts.overlong));
        }
        if counts.undelimited > 0 {
            told.push("the last record has no `$$$$`: is the file complete?".to_owned());
        }
        if counts.no_m_end > 0 {
            told.push(format!("{} molfiles have no `M  END`", counts.no_m_end));
        }
        told
    }

    /// Whether the first structure is a word, and most others are SMILES.
    fn first_is_a_name(&self) -> bool {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || b" _-./".contains(b);
        let others = self.records - 1;
        !looks_like_smiles(&self.first)
            && self.first.first().is_some_and(u8::is_ascii_alphabetic)
            && self.first.iter().all(is_word)
            && others > 0
            && 2 * self.smiles_like >= others
    }
}
