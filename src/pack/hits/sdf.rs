//! `hits.sdf`: the molblock of each hit as it came, and its row as data items.

use super::{HitsFile, rows};
use crate::campaign::identity::Identity;
use crate::pack::structures::Structures;

/// The line that ends a molblock.
const END: &[u8] = b"M  END";

/// Writes each hit of `hits_csv`, best first: its molblock, then `ordinal`, `id` and the cells of its row as data items.
///
/// Values are as in `hits.csv`; empty ones are left out. A structure that does not end as a molblock does, or holds what is
/// no text, is left out: what follows it would become a part of it.
pub fn write(mut out: HitsFile, hits_csv: &[u8], identity: &Identity, structures: &Structures) -> HitsFile {
    let columns = &identity.scorer.description.columns;
    for hit in rows(hits_csv) {
        let Some(entry) = structures.get(hit.ordinal).filter(|entry| is_whole(&entry.structure)) else {
            out.left_out += 1;
            continue;
        };
        out.bytes.extend_from_slice(&entry.structure);
        if entry.structure.last() != Some(&b'\n') {
            out.bytes.push(b'\n');
        }
        item(&mut out.bytes, "ordinal", &hit.ordinal.to_string());
        item(&mut out.bytes, "id", &hit.id);
        columns.iter().zip(&hit.cells).for_each(|(column, cell)| item(&mut out.bytes, &column.name, cell));
        out.bytes.extend_from_slice(b"$$$$\n");
        out.written += 1;
    }
    out
}

/// One data item. A value is one line already; what would make it a delimiter or the next item is escaped.
fn item(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut rest = value.chars();
    let Some(first) = rest.next() else { return };
    out.extend_from_slice(format!("> <{name}>\n").as_bytes());
    match first {
        '$' | '>' | ' ' => out.extend_from_slice(format!("\\x{:02x}{}", u32::from(first), rest.as_str()).as_bytes()),
        _ => out.extend_from_slice(value.as_bytes()),
    }
    out.extend_from_slice(b"\n\n");
}

/// Whether `structure` is text without control characters but tabs, ends with `M  END`, and holds no line that a reader
/// of SD files would take for the end of the record.
fn is_whole(structure: &[u8]) -> bool {
    let lines = || structure.strip_suffix(b"\n").unwrap_or(structure).split(|b| *b == b'\n');
    let is_plain = |line: &[u8]| {
        let text = std::str::from_utf8(line);
        !line.starts_with(b"$$$$") && text.is_ok_and(|text| !text.chars().any(|c| c.is_control() && c != '\t'))
    };
    lines().next_back().is_some_and(|last| last.trim_ascii_end() == END) && lines().all(is_plain)
}
