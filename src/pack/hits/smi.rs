//! `hits.smi`: a line for each hit.

use super::{HitsFile, rank_column, rows};
use crate::campaign::identity::Identity;
use crate::canonical::escape;
use crate::pack::structures::Structures;

/// Writes `smiles`, `id` and the rank column, tab between them, best first.
///
/// Cells are as they are in the library, and nothing is quoted: a backslash in a SMILES is a bond. A
/// structure that holds a space, a tab or what is not text is left out; such an id is escaped.
pub fn write(mut out: HitsFile, hits_csv: &[u8], identity: &Identity, structures: &Structures) -> HitsFile {
    let rank = rank_column(identity);
    let name = rank.map_or("", |at| identity.scorer.description.columns[at].name.as_str());
    // Two columns of one name would confuse whoever reads them by name.
    let name = if ["smiles", "id"].contains(&name.to_ascii_lowercase().as_str()) { "rank" } else { name };
    out.bytes = format!("smiles\tid\t{name}\n").into_bytes();
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
