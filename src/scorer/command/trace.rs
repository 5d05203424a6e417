//! Traces: lines in the log of a scorer that say of which record a failure was, and what was seen.
//!
//! They are for people and never near a payload. A trace is one line of bounded length, whatever a record or a program
//! holds, and begins with the record, by which `molsieve logs --record` finds it:
//!
//! ```text
//! molsieve: record 17 (id 17): bad_value: score = "n/a"; exit code 0; command ["dock", "CCO"]
//! molsieve: records 0 to 99 (100 of them): its child died (signal 11)
//! ```

use crate::canonical::escape;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;

/// The most characters of anything that is repeated from a record or a program.
pub const EXCERPT_CHARS: usize = 160;
/// The most characters of what a trace says beside the record.
const WHAT_CHARS: usize = 900;

/// The trace of one record.
pub fn of_record(ordinal: Ordinal, id: &[u8], what: &str) -> String {
    format!("molsieve: record {ordinal} ({}): {}", excerpt(id), cut(what, WHAT_CHARS))
}

/// The trace of `count` records that were asked together, the ordinals of which are from `first` to `last`.
pub fn of_records(first: Ordinal, last: Ordinal, count: usize, what: &str) -> String {
    format!("molsieve: records {first} to {last} ({count} of them): {}", cut(what, WHAT_CHARS))
}

/// The trace of the records of a request.
pub fn of_block(block: &RecordBlock, what: &str) -> String {
    let (mut first, mut last) = (Ordinal::MAX, 0);
    for record in block.iter() {
        (first, last) = (first.min(record.ordinal), last.max(record.ordinal));
    }
    match block.len() {
        1 => of_record(first, block.get(0).id, what),
        count => of_records(first, last, count, what),
    }
}

/// Whether `line` holds a trace of `ordinal`, of that record alone or of some that it may be among.
pub fn is_of(line: &str, ordinal: Ordinal) -> bool {
    // A program whose last line had no end may stand before it.
    line.match_indices("molsieve: record").any(|(at, start)| {
        let rest = &line[at + start.len()..];
        let number = |text: &str| text.parse::<Ordinal>().ok();
        if let Some(one) = rest.strip_prefix(' ') {
            return one.split_once(" (").is_some_and(|(text, _)| number(text) == Some(ordinal));
        }
        let ends = rest.strip_prefix("s ").and_then(|many| many.split_once(" (")?.0.split_once(" to "));
        ends.and_then(|(first, last)| Some(number(first)?..=number(last)?))
            .is_some_and(|range| range.contains(&ordinal))
    })
}

/// As much of what a record or a program holds as a trace repeats, on one line.
pub fn excerpt(bytes: &[u8]) -> String {
    // Escapes make it longer: what is cut anyway need not be escaped.
    cut(&escape::to_string(&bytes[..bytes.len().min(4 * EXCERPT_CHARS)]), EXCERPT_CHARS)
}

fn cut(text: &str, chars: usize) -> String {
    let mut rest = text.chars();
    let shown: String = rest.by_ref().take(chars).collect();
    if rest.next().is_some() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_one_line_of_bounded_length_whatever_it_repeats() {
        let line = of_record(7, b"a\nmolsieve: record 8 (b): \x1b[2J\xff", &"x".repeat(100_000));
        assert!(line.starts_with("molsieve: record 7 (a\\x0amolsieve: record 8 (b): \\x1b[2J\\xff): xxx"), "{line}");
        assert!(!line.contains(char::is_control) && line.chars().count() < EXCERPT_CHARS + WHAT_CHARS + 50);
        assert!(excerpt(&[b'"'; 9000]).chars().count() == EXCERPT_CHARS + 1);
    }

    #[test]
    fn a_trace_is_found_by_its_record() {
        let one = of_record(17, b"id (x)", "bad_value");
        assert!(is_of(&one, 17) && !is_of(&one, 1) && !is_of(&one, 7));
        assert!(is_of(&format!("Segmentation fault{one}"), 17));
        let many = of_records(16, 31, 9, "died");
        assert!(is_of(&many, 16) && is_of(&many, 31) && !is_of(&many, 15) && !is_of(&many, 32));
        for line in ["", "molsieve: record", "molsieve: record 17", "molsieve: records 1 to (", "record 17 (a)"] {
            assert!(!is_of(line, 17), "{line}");
        }
    }
}
