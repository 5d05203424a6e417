//! Traces: lines in the log of a scorer that say of which record a failure was, and what was seen.
//!
//! They are for people and never near a payload. Each line is of bounded length, whatever a record or a program
//! holds, and begins with the record, by which `molsieve logs --record` finds it. The last lines that the program said
//! on stderr follow, a line each:
//!
//! ```text
//! molsieve: record 17 (id 17): bad_value: score = "n/a"; exit code 0; command ["dock", "CCO"]
//! molsieve: record 17 (id 17): stderr: ValueError: no such atom
//! molsieve: records 0 to 99 (100 of them): its child died (signal 11)
//! ```

use crate::canonical::escape;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;

/// How each begins.
const START: &str = "molsieve: record";
/// The most characters of anything that is repeated from a record or a program.
pub const EXCERPT_CHARS: usize = 160;
/// The most characters of what a trace says beside the record.
const WHAT_CHARS: usize = 900;

/// The most bytes of the end of a program's stderr that a trace repeats, and the most lines.
pub const SAID_BYTES: usize = 4 << 10;
const SAID_LINES: usize = 20;
/// What begins a line of a trace that the program said.
const SAID: &str = "stderr: ";

/// What was seen of a failure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// In words, on one line.
    pub what: String,
    /// The last lines of stderr, as [`last_lines`] makes them.
    pub said: Vec<String>,
}

impl Seen {
    /// What was seen, and the end of what was `said` on stderr.
    pub fn of(what: String, said: &[u8]) -> Self {
        Self { what, said: last_lines(said) }
    }
}

impl From<String> for Seen {
    fn from(what: String) -> Self {
        Self { what, said: Vec::new() }
    }
}

impl From<&str> for Seen {
    fn from(what: &str) -> Self {
        what.to_owned().into()
    }
}

/// The trace of one record: its lines, each with its end.
pub fn of_record(ordinal: Ordinal, id: &[u8], seen: &Seen) -> String {
    lines(&format!("molsieve: record {ordinal} ({}): ", excerpt(id)), seen)
}

/// The trace of `count` records that were asked together, the ordinals of which are from `first` to `last`.
pub fn of_records(first: Ordinal, last: Ordinal, count: usize, seen: &Seen) -> String {
    lines(&format!("molsieve: records {first} to {last} ({count} of them): "), seen)
}

fn lines(whose: &str, seen: &Seen) -> String {
    let said = seen.said.iter().map(|line| format!("{whose}{SAID}{line}\n"));
    format!("{whose}{}\n{}", cut(&seen.what, WHAT_CHARS), said.collect::<String>())
}

/// The last lines that are not blank of what a program said, each escaped and cut: at most [`SAID_BYTES`] and 20 of them.
/// Our own traces among them are left out.
pub fn last_lines(said: &[u8]) -> Vec<String> {
    let end = &said[said.len().saturating_sub(SAID_BYTES)..];
    let told = |line: &&[u8]| !line.trim_ascii().is_empty() && !line.starts_with(START.as_bytes());
    let mut lines: Vec<&[u8]> = end.split(|byte| *byte == b'\n').filter(told).collect();
    let shown = lines.split_off(lines.len().saturating_sub(SAID_LINES));
    shown.into_iter().map(|line| cut(&escape::to_string(line.trim_ascii_end()), WHAT_CHARS)).collect()
}

/// The trace of the records of a request.
pub fn of_block(block: &RecordBlock, seen: &Seen) -> String {
    let (mut first, mut last) = (Ordinal::MAX, 0);
    for record in block.iter() {
        (first, last) = (first.min(record.ordinal), last.max(record.ordinal));
    }
    match block.len() {
        1 => of_record(first, block.get(0).id, seen),
        count => of_records(first, last, count, seen),
    }
}

/// Of what a line of a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of the record alone.
    Its,
    /// Of several records, among which it may be.
    Shared,
}

/// Whether `line` holds a trace of `ordinal`, and whether that is of the record alone.
pub fn whose(line: &str, ordinal: Ordinal) -> Option<Whose> {
    // A program whose last line had no end may stand before it.
    line.match_indices(START).find_map(|(at, start)| {
        let rest = &line[at + start.len()..];
        let number = |text: &str| text.parse::<Ordinal>().ok();
        if let Some(one) = rest.strip_prefix(' ') {
            return one.split_once(" (").filter(|(text, _)| number(text) == Some(ordinal)).map(|_| Whose::Its);
        }
        let (first, last) = rest.strip_prefix("s ")?.split_once(" (")?.0.split_once(" to ")?;
        (number(first)?..=number(last)?).contains(&ordinal).then_some(Whose::Shared)
    })
}

/// Whether `line`, which holds a trace of several records, repeats what the program said: it follows the line with what
/// was seen.
pub fn is_said(line: &str) -> bool {
    line.split_once(" of them): ").is_some_and(|(_, rest)| rest.starts_with(SAID))
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
        let line = of_record(7, b"a\nmolsieve: record 8 (b): \x1b[2J\xff", &"x".repeat(100_000).into());
        let (line, rest) = line.split_once('\n').unwrap();
        assert_eq!(rest, "");
        assert!(line.starts_with("molsieve: record 7 (a\\x0amolsieve: record 8 (b): \\x1b[2J\\xff): xxx"), "{line}");
        assert!(!line.contains(char::is_control) && line.chars().count() < EXCERPT_CHARS + WHAT_CHARS + 50);
        assert!(excerpt(&[b'"'; 9000]).chars().count() == EXCERPT_CHARS + 1);
    }

    #[test]
    fn what_was_said_follows_a_line_each_and_is_bounded() {
        let said = last_lines(b"early\n\n  File \"x.py\"\r\nmolsieve: record 9 (x): own\nno \x1b[2J atom\xff");
        assert_eq!(said, ["early", "  File \"x.py\"", "no \\x1b[2J atom\\xff"]);
        let trace = of_record(7, b"a", &Seen { what: "died".to_owned(), said });
        let lines: Vec<&str> = trace.lines().collect();
        assert_eq!((lines[0], lines.len()), ("molsieve: record 7 (a): died", 4));
        assert!(lines.iter().all(|line| whose(line, 7) == Some(Whose::Its)), "{trace}");
        let flood: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        let kept = last_lines(flood.as_bytes());
        assert_eq!((kept.len(), kept[19].as_str()), (20, "line 99999"));
        assert!(last_lines(&vec![1; 1 << 20])[0].chars().count() == WHAT_CHARS + 1);
        assert_eq!(last_lines(b" \n\n"), [""; 0]);
    }

    #[test]
    fn a_trace_is_found_by_its_record() {
        let (its, shared) = (Some(Whose::Its), Some(Whose::Shared));
        let one = of_record(17, b"id (x)", &"bad_value".into());
        assert_eq!([17, 1, 7].map(|ordinal| whose(&one, ordinal)), [its, None, None]);
        assert_eq!(whose(&format!("Segmentation fault{one}"), 17), its);
        let many = of_records(16, 31, 9, &Seen { what: "died".to_owned(), said: vec!["oh".to_owned()] });
        assert_eq!([15, 16, 31, 32].map(|ordinal| whose(&many, ordinal)), [None, shared, shared, None]);
        assert_eq!(many.lines().map(is_said).collect::<Vec<_>>(), [false, true]);
        for line in ["", "molsieve: record", "molsieve: record 17", "molsieve: records 1 to (", "record 17 (a)"] {
            assert_eq!(whose(line, 17), None, "{line}");
        }
    }
}
