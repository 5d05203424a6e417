//! The payload row: the CSV line of one record, without its line feed.
//!
//! `ordinal,id,outcome,reason` and then one field per column. Text fields are escaped
//! ([`super::escape`]) and then quoted as RFC 4180 does where they hold a comma, a quote, or a
//! space at either end; so a row is always one line of UTF-8. A missing value is an empty field.

use super::{escape, number};

/// The first four columns of every payload.
pub const FIXED_COLUMNS: [&str; 4] = ["ordinal", "id", "outcome", "reason"];

/// Appends a text field: escaped, and quoted where it must be.
pub fn push_text(out: &mut Vec<u8>, field: &[u8]) {
    let start = out.len();
    escape::push(out, field);
    quote(out, start);
}

/// Appends one cell of a table for people, which somebody may open in a spreadsheet: as [`push_text`], with what cannot be
/// seen escaped as well, and an apostrophe before what a spreadsheet would take for a formula. Never for a payload.
pub fn push_cell(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    if text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        out.push(b'\'');
    }
    escape::push_shown(out, text.as_bytes());
    quote(out, start);
}

/// Puts what was written from `start` on in quotes, if it needs them.
fn quote(out: &mut Vec<u8>, start: usize) {
    let written = &out[start..];
    let edge_space = written.first() == Some(&b' ') || written.last() == Some(&b' ');
    if !edge_space && memchr::memchr2(b',', b'"', written).is_none() {
        return;
    }
    let plain = out.split_off(start);
    out.push(b'"');
    for byte in plain {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends `ordinal,id,` : the part of a row that is known before the scorer speaks.
pub fn push_key(out: &mut Vec<u8>, ordinal: u64, id: &[u8]) {
    number::push_u64(out, ordinal);
    out.push(b',');
    push_text(out, id);
    out.push(b',');
}

/// The header row for `columns` (the scorer's, after the fixed ones).
pub fn header<'a>(columns: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut out = FIXED_COLUMNS.join(",").into_bytes();
    for column in columns {
        out.push(b',');
        push_text(&mut out, column.as_bytes());
    }
    out
}

/// The raw fields of a row, unquoted but still escaped. `None` if it is not a row as written here.
pub fn split(row: &[u8]) -> Option<Vec<std::borrow::Cow<'_, [u8]>>> {
    use std::borrow::Cow;
    let mut fields = Vec::new();
    let mut rest = row;
    loop {
        let (field, tail) = if rest.first() == Some(&b'"') {
            let (field, tail) = split_quoted(&rest[1..])?;
            (Cow::Owned(field), tail)
        } else {
            let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
            (Cow::Borrowed(&rest[..end]), &rest[end..])
        };
        fields.push(field);
        match tail {
            [] => return Some(fields),
            [b',', next @ ..] => rest = next,
            _ => return None,
        }
    }
}

/// Field `index` of a row, as it is written there (quoted, if it is). `None` if there are fewer.
pub fn field(row: &[u8], index: usize) -> Option<&[u8]> {
    let (mut start, mut quoted, mut left) = (0, false, index);
    for (at, byte) in row.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted && left == 0 => return Some(&row[start..at]),
            b',' if !quoted => (start, left) = (at + 1, left - 1),
            _ => {}
        }
    }
    (left == 0).then(|| &row[start..])
}

/// The field behind an opening quote, and what follows the closing one.
fn split_quoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut field = Vec::new();
    loop {
        let quote = memchr::memchr(b'"', rest)?;
        field.extend_from_slice(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest {
            [b'"', tail @ ..] => {
                field.push(b'"');
                rest = tail;
            }
            _ => return Some((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_is_quoted_only_where_it_must_be() {
        let mut out = Vec::new();
        push_key(&mut out, 7, b"a,b\"c");
        assert_eq!(out, b"7,\"a,b\"\"c\",");
        assert_eq!(header(["score", "a b"]), b"ordinal,id,outcome,reason,score,a b");
    }

    proptest! {
        #[test]
        fn fields_survive_the_row(fields in proptest::collection::vec(any::<Vec<u8>>(), 1..6)) {
            let mut out = Vec::new();
            for (i, field) in fields.iter().enumerate() {
                if i > 0 { out.push(b','); }
                push_text(&mut out, field);
            }
            prop_assert!(!out.contains(&b'\n'));
            let back = split(&out).unwrap();
            let back: Vec<Vec<u8>> = back.iter().map(|f| escape::undo(f).unwrap()).collect();
            prop_assert_eq!(back, fields);
        }
    }
}
