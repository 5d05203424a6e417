//! The hits with their structures: `hits.smi`, which other programs open and molsieve can screen next.

use crate::campaign::identity::Identity;
use crate::canonical::escape;
use crate::canonical::row::{self, Row};
use crate::id::Ordinal;

use super::structures::Structures;

/// One row of `hits.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its ordinal.
    pub ordinal: Ordinal,
    /// Its id, escaped.
    pub id: String,
    /// The cells of the scorer's columns, escaped.
    pub cells: Vec<String>,
}

/// The rows of `hits_csv`, best first; those that are not rows are left out.
pub fn rows(hits_csv: &[u8]) -> impl Iterator<Item = Hit> {
    hits_csv.split(|b| *b == b'\n').skip(1).filter_map(|line| {
        let row = Row::read(line).ok()?;
        let text = |field: &[u8]| String::from_utf8_lossy(&row::unquoted(field)).into_owned();
        let mut fields = row.cells();
        let cells = fields.by_ref().map(text).collect();
        fields.is_at_end().then(|| Hit { ordinal: row.ordinal, id: text(row.id()), cells })
    })
}

/// The position of the rank column among the scorer's columns.
pub fn rank_column(identity: &Identity) -> Option<usize> {
    let name = &identity.pack.rank.as_ref()?.column.name;
    identity.scorer.description.columns.iter().position(|column| column.name == *name)
}

/// `hits.smi`, and how many hits are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HitsSmi {
    /// The content.
    pub bytes: Vec<u8>,
    /// Hits in it.
    pub written: u64,
    /// Hits that are not, because their structure cannot be one cell of a line.
    pub left_out: u64,
}

/// Writes `smiles`, `id` and the rank column, tab between them, best first.
///
/// Cells are as they are in the library, and nothing is quoted: a backslash in a SMILES is a bond. A
/// structure that holds a space, a tab or what is not text is left out; such an id is escaped.
pub fn smi(hits_csv: &[u8], identity: &Identity, structures: &Structures) -> HitsSmi {
    let rank = rank_column(identity);
    let name = rank.map_or("", |at| identity.scorer.description.columns[at].name.as_str());
    // Two columns of one name would confuse whoever reads them by name.
    let name = if ["smiles", "id"].contains(&name.to_ascii_lowercase().as_str()) { "rank" } else { name };
    let mut out = HitsSmi { bytes: format!("smiles\tid\t{name}\n").into_bytes(), ..HitsSmi::default() };
    for hit in rows(hits_csv) {
        let Some(entry) = structures.get(hit.ordinal).filter(|entry| is_one_cell(&entry.structure)) else {
            out.left_out += 1;
            continue;
        };
        let (escaped, doubled) = (escape::to_string(&entry.id), entry.id.iter().filter(|b| **b == b'\\').count());
        let is_text = escaped.len() == entry.id.len() + doubled;
        out.bytes.extend_from_slice(&entry.structure);
        out.bytes.push(b'\t');
        out.bytes.extend_from_slice(if is_text { &entry.id } else { escaped.as_bytes() });
        out.bytes.push(b'\t');
        out.bytes.extend_from_slice(rank.and_then(|at| hit.cells.get(at)).map_or("", String::as_str).as_bytes());
        out.bytes.push(b'\n');
        out.written += 1;
    }
    out
}

/// Whether every reader of a table of SMILES takes `structure` for one cell, and no comment.
fn is_one_cell(structure: &[u8]) -> bool {
    let plain = |b: &u8| (0x21..0x7f).contains(b) && *b != b'"';
    !structure.is_empty() && structure[0] != b'#' && structure.iter().all(plain)
}
