//! The payload row: the CSV line of one record, without its line feed.
//!
//! `ordinal,id,outcome,reason` and then one field per column. Text fields are escaped
//! ([`super::escape`]) and then quoted as RFC 4180 does where they hold a comma, a quote, or a
//! space at either end; so a row is always one line of UTF-8. A missing value is an empty field.
//!
//! Rows are written by the functions here, cut from a stream by [`Lines`], and read by [`Row`].

mod lines;
mod read;

use serde::{Deserialize, Serialize};

use super::{escape, number};
pub use lines::{Halt, Lines};
pub use read::{Fields, Malformed, Row, ordinal, push_unquoted, unquoted, value};

/// The first four columns of every payload.
pub const FIXED_COLUMNS: [&str; 4] = ["ordinal", "id", "outcome", "reason"];

/// Rows longer than this are refused: memory stays constant whatever a pack holds.
pub const BYTES_MAX: usize = 64 << 20;

/// How a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Scored.
    Ok,
    /// Not applicable, for the reason given.
    Skip,
    /// Failed, for the reason given.
    Error,
}

impl Outcome {
    /// The word in the payload.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Skip => "SKIP",
            Self::Error => "ERROR",
        }
    }

    /// The outcome that `word` stands for in the payload.
    pub const fn of(word: &[u8]) -> Option<Self> {
        match word {
            b"OK" => Some(Self::Ok),
            b"SKIP" => Some(Self::Skip),
            b"ERROR" => Some(Self::Error),
            _ => None,
        }
    }
}

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
            let mut read = Fields::of(&out);
            let back: Vec<Vec<u8>> = read.by_ref().map(|f| escape::undo(&unquoted(f)).unwrap()).collect();
            prop_assert!(read.is_at_end());
            prop_assert_eq!(back, fields);
        }
    }
}
