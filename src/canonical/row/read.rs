//! One row, read: its parts where they stand in the line, without allocation.

use std::borrow::Cow;

use super::Outcome;
use crate::id::Ordinal;

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is longer than [`super::BYTES_MAX`].
    TooLong,
    /// A part of it is not as it should be.
    Part {
        /// Which part, with its article.
        part: &'static str,
        /// The ordinal of the row, where it can be read.
        ordinal: Option<Ordinal>,
    },
}

impl Malformed {
    /// `part` of the row of `ordinal` is not as it should be.
    pub const fn part(part: &'static str, ordinal: Ordinal) -> Self {
        Self::Part { part, ordinal: Some(ordinal) }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong => write!(f, "a row is longer than {} bytes", super::BYTES_MAX),
            Self::Part { part, ordinal: Some(ordinal) } => {
                write!(f, "{part} in the row of record {ordinal} is not as it should be")
            }
            Self::Part { part, ordinal: None } => write!(f, "{part} of a row is not as it should be"),
        }
    }
}

/// One row. The cells of the scorer's columns are not looked at before somebody asks for them.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Which record.
    pub ordinal: Ordinal,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it is not `OK`.
    pub reason: &'a str,
    /// Where the reason begins in the line.
    pub reason_at: u32,
    /// The line, without its line feed.
    pub line: &'a [u8],
}

impl<'a> Row<'a> {
    /// The row in `line`, which is without its line feed.
    ///
    /// # Errors
    /// One of the four parts that every row has is not as it should be.
    #[inline]
    pub fn read(line: &'a [u8]) -> Result<Self, Malformed> {
        let mut fields = Fields::of(line);
        let digits = fields.plain().unwrap_or_default();
        let Some(ordinal) = ordinal(digits) else {
            return Err(Malformed::Part { part: "the ordinal", ordinal: None });
        };
        let Some(id) = fields.text() else { return Err(Malformed::part("the id", ordinal)) };
        let word = fields.plain().unwrap_or_default();
        let Some(outcome) = Outcome::of(word) else { return Err(Malformed::part("the outcome", ordinal)) };
        let reason = match fields.plain() {
            Some(b"") => Some(""),
            Some(reason) => std::str::from_utf8(reason).ok(),
            None => None,
        };
        let Some(reason) = reason else { return Err(Malformed::part("the reason", ordinal)) };
        // (No line is longer than what `Lines` lets pass.)
        let reason_at = (digits.len() + id.len() + word.len() + 3) as u32;
        Ok(Self { ordinal, outcome, reason, reason_at, line })
    }

    /// The id as it stands in the row, quotes included.
    pub fn id(&self) -> &'a [u8] {
        let mut fields = Fields::of(self.line);
        fields.plain().and_then(|_| fields.text()).unwrap_or_default()
    }

    /// The cells of the scorer's columns.
    #[inline]
    pub fn cells(&self) -> Fields<'a> {
        let behind = self.reason_at as usize + self.reason.len();
        Fields { rest: self.line.get(behind + 1..) }
    }

    /// The number in the scorer's column `column`, from 0; `None` where the cell is empty, or no number.
    pub fn value(&self, column: usize) -> Option<f64> {
        self.cells().nth(column).and_then(value)
    }
}

/// Walks the fields of one row. As an iterator: each as it stands, until the end or where quotes are wrong.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// The fields of `row`, a line without its line feed.
    pub const fn of(row: &'a [u8]) -> Self {
        Self { rest: Some(row) }
    }

    /// The next field, which is never quoted. `None` if there is none.
    #[inline]
    pub fn plain(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        // Plain fields are a few bytes long: a byte loop beats a vector search.
        match rest.iter().position(|b| *b == b',') {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                Some(&rest[..end])
            }
            None => self.rest.take(),
        }
    }

    /// The next field as it stands in the row, quotes included. `None` if there is none or its quotes are wrong.
    #[inline]
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        if rest.first() != Some(&b'"') {
            return self.plain();
        }
        let mut at = 1;
        loop {
            at += memchr::memchr(b'"', &rest[at..])? + 1;
            match rest.get(at) {
                Some(b'"') => at += 1,
                Some(b',') => {
                    self.rest = Some(&rest[at + 1..]);
                    return Some(&rest[..at]);
                }
                Some(_) => return None,
                None => return self.rest.take(),
            }
        }
    }

    /// Whether all fields were taken.
    #[inline]
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.text()
    }
}

/// A field without its quotes, still escaped.
pub fn unquoted(field: &[u8]) -> Cow<'_, [u8]> {
    if field.first() != Some(&b'"') {
        return Cow::Borrowed(field);
    }
    let mut plain = Vec::with_capacity(field.len());
    push_unquoted(&mut plain, field);
    Cow::Owned(plain)
}

/// Appends a field without its quotes, still escaped.
pub fn push_unquoted(out: &mut Vec<u8>, field: &[u8]) {
    let Some(mut rest) = field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")) else {
        return out.extend_from_slice(field);
    };
    while let Some(at) = memchr::memchr(b'"', rest) {
        out.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The number that `digits` is the decimal form of; `None` if it is not exactly that.
#[inline]
pub fn ordinal(digits: &[u8]) -> Option<Ordinal> {
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    if digits.is_empty() || leading_zero {
        return None;
    }
    digits.iter().try_fold(0u64, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|d| *d < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The value of a numeric cell; `None` if it is not a finite number in decimal digits.
///
/// That it is the canonical text of that number is for the worker who wrote it: reading it back
/// and printing it again would be the dearest part of the pass.
pub fn value(cell: &[u8]) -> Option<f64> {
    if cell.first() == Some(&b'+') {
        return None;
    }
    let value: f64 = std::str::from_utf8(cell).ok()?.parse().ok()?;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_where_they_should() {
        let mut fields = Fields::of(b"7,\"a,\"\"b\",OK,,0.5");
        assert_eq!(fields.plain(), Some(&b"7"[..]));
        assert_eq!(fields.text(), Some(&b"\"a,\"\"b\""[..]));
        assert_eq!(fields.plain(), Some(&b"OK"[..]));
        assert_eq!(fields.plain(), Some(&b""[..]));
        assert!(!fields.is_at_end());
        assert_eq!(fields.plain(), Some(&b"0.5"[..]));
        assert!(fields.is_at_end());
        assert_eq!(fields.plain(), None);
        assert_eq!(Fields::of(b"\"a\"b").text(), None);
        assert_eq!(Fields::of(b"\"a").text(), None);
    }

    #[test]
    fn only_numbers_are_numbers() {
        assert_eq!(value(b"1e-7"), Some(1e-7));
        assert_eq!(value(b"-12"), Some(-12.0));
        for loose in ["", "+1", "inf", "NaN", "1e999", " 1", "0x1", "1,0"] {
            assert_eq!(value(loose.as_bytes()), None, "{loose}");
        }
        for loose in ["", "01", "+1", "1a", "18446744073709551616"] {
            assert_eq!(ordinal(loose.as_bytes()), None, "{loose}");
        }
        assert_eq!(ordinal(b"18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn a_row_knows_its_parts_and_where_its_reason_is() {
        let line = b"7,\"a,\"\"b\",ERROR,timeout,,";
        let row = Row::read(line).unwrap();
        assert_eq!((row.ordinal, row.outcome, row.reason), (7, Outcome::Error, "timeout"));
        assert_eq!(&line[row.reason_at as usize..][..7], b"timeout");
        assert_eq!((row.id(), &*unquoted(row.id())), (&b"\"a,\"\"b\""[..], &b"a,\"b"[..]));
        assert_eq!(row.cells().collect::<Vec<_>>(), [b"", b""]);
        assert!(Row::read(b"7,a,OK,").unwrap().cells().is_at_end(), "a scorer without columns");
    }

    #[test]
    fn the_cell_of_a_column_is_found_behind_quoted_ones() {
        let row = Row::read(b"7,\"a,\"\"b\",OK,,\"x,y\",0.5,,-3").unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|column| row.value(column)), [None, Some(0.5), None, Some(-3.0), None]);
    }

    #[test]
    fn what_is_no_row_is_refused_by_the_part_that_is_wrong() {
        let cases: [(&[u8], &str, Option<Ordinal>); 8] = [
            (b"", "the ordinal", None),
            (b"x,a,OK,", "the ordinal", None),
            (b"01,a,OK,", "the ordinal", None),
            (b"7", "the id", Some(7)),
            (b"7,\"a,OK,", "the id", Some(7)),
            (b"7,a", "the outcome", Some(7)),
            (b"7,a,KO,", "the outcome", Some(7)),
            (b"7,a,ERROR,\xff", "the reason", Some(7)),
        ];
        for (line, part, ordinal) in cases {
            assert_eq!(Row::read(line).unwrap_err(), Malformed::Part { part, ordinal }, "{line:?}");
        }
        let told = Row::read(b"7,a,OK").unwrap_err().to_string();
        assert_eq!(told, "the reason in the row of record 7 is not as it should be");
    }
}
