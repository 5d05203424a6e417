//! Lines from blocks of bytes, and the fields of one payload row; without allocation a row.

use crate::id::Ordinal;

/// Rows longer than this are refused: memory stays constant whatever a pack holds.
pub const ROW_BYTES_MAX: usize = 64 << 20;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first line is not the header of this campaign.
    Header,
    /// It is not a row as molsieve writes them; why.
    Malformed(String),
    /// The best rows take more than [`super::hits::BYTES_MAX`].
    HitsTooLarge,
    /// It is a row of another record than the one whose turn it is; `None` after the last.
    Order {
        /// The ordinal that it should have.
        expected: Option<Ordinal>,
        /// The ordinal that it has.
        found: Ordinal,
    },
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header => f.write_str("the header line is not that of this campaign"),
            Self::Malformed(why) => f.write_str(why),
            Self::HitsTooLarge => write!(f, "the hits take more than {} MiB", super::hits::BYTES_MAX >> 20),
            Self::Order { expected: Some(expected), found } if found < expected => {
                write!(
                    f,
                    "the row of record {found} stands where that of {expected} should: a duplicate or misplaced row"
                )
            }
            Self::Order { expected: Some(expected), found } => {
                write!(
                    f,
                    "the row of record {found} stands where that of {expected} should: a row is missing or misplaced"
                )
            }
            Self::Order { expected: None, found } => write!(f, "the row of record {found} stands after the last one"),
        }
    }
}

/// Cuts a stream of blocks into lines.
#[derive(Debug, Default)]
pub struct Lines {
    carry: Vec<u8>,
}

impl Lines {
    /// Calls `each` with every line (without its line feed) that `block` completes.
    ///
    /// # Errors
    /// What `each` answers, or a line is longer than [`ROW_BYTES_MAX`].
    pub fn feed(&mut self, block: &[u8], mut each: impl FnMut(&[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut rest = block;
        if !self.carry.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else { return self.keep(rest) };
            self.keep(&rest[..end])?;
            rest = &rest[end + 1..];
            each(&self.carry)?;
            self.carry.clear();
        }
        while let Some(end) = memchr::memchr(b'\n', rest) {
            each(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        self.keep(rest)
    }

    /// Whether the last block ended with a line.
    pub const fn is_at_boundary(&self) -> bool {
        self.carry.is_empty()
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.carry.len() + part.len() > ROW_BYTES_MAX {
            return Err(Fault::Malformed(format!("a row is longer than {ROW_BYTES_MAX} bytes")));
        }
        self.carry.extend_from_slice(part);
        Ok(())
    }
}

/// Walks the fields of one row.
#[derive(Debug)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// The fields of `row`, a line without its line feed.
    pub const fn of(row: &'a [u8]) -> Self {
        Self { rest: Some(row) }
    }

    /// The next field, which is never quoted. `None` if there is none.
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
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }
}

/// The number that `digits` is the decimal form of; `None` if it is not exactly that.
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn lines_do_not_depend_on_where_blocks_end(text in "[ab\n]{0,40}", cut in 1usize..7) {
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for block in text.as_bytes().chunks(cut) {
                lines.feed(block, |line| { seen.push(line.to_vec()); Ok(()) }).unwrap();
            }
            let whole: Vec<Vec<u8>> = text.split_inclusive('\n').filter(|l| l.ends_with('\n'))
                .map(|l| l.trim_end_matches('\n').as_bytes().to_vec()).collect();
            prop_assert_eq!(seen, whole);
            prop_assert_eq!(lines.is_at_boundary(), text.is_empty() || text.ends_with('\n'));
        }
    }
}
