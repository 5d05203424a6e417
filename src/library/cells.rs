//! The cells of one line.

use memchr::{memchr, memchr2};

use super::format::Delimiter;

/// Walks over the cells of a line, from left to right.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    /// What is left; `None` after the last cell.
    rest: Option<&'a [u8]>,
}

impl<'a> Cells<'a> {
    /// The cells of `line`, which has neither line feed nor CR.
    pub const fn of(line: &'a [u8]) -> Self {
        Self { rest: Some(line) }
    }

    /// The next cell up to `delimiter`, without the spaces around it.
    #[inline]
    pub fn next_plain(&mut self, delimiter: u8) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let cell = if let Some(end) = memchr(delimiter, rest) {
            self.rest = Some(&rest[end + 1..]);
            &rest[..end]
        } else {
            self.rest = None;
            rest
        };
        Some(trim(cell))
    }

    /// The next run of bytes that are neither space nor tab.
    #[inline]
    pub fn next_spaced(&mut self) -> Option<&'a [u8]> {
        let rest = trim_start(self.rest?);
        if rest.is_empty() {
            self.rest = None;
            return None;
        }
        let end = memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
        self.rest = Some(&rest[end..]);
        Some(&rest[..end])
    }

    /// Skips a CXSMILES extension (`|…|`, which may hold spaces) that stands alone before the next cell.
    pub fn skip_extension(&mut self) -> bool {
        let Some(rest) = self.rest.map(trim_start) else { return false };
        let Some(inner) = rest.strip_prefix(b"|") else { return false };
        let Some(end) = memchr(b'|', inner) else { return false };
        let after = &inner[end + 1..];
        let is_alone = after.first().is_none_or(|b| matches!(b, b' ' | b'\t'));
        if is_alone {
            self.rest = Some(after);
        }
        is_alone
    }

    /// Puts the next cell into `out`, by the quoting of RFC 4180 within one line; `None` after the last cell.
    ///
    /// The value is whether a quotation mark was left open: the cell is then the rest of the line.
    pub fn next_quoted(&mut self, delimiter: u8, out: &mut Vec<u8>) -> Option<bool> {
        out.clear();
        let rest = trim_start(self.rest?);
        let Some(mut inside) = rest.strip_prefix(b"\"") else {
            let cell = self.next_plain(delimiter)?;
            out.extend_from_slice(cell);
            return Some(false);
        };
        loop {
            let Some(end) = memchr(b'"', inside) else {
                out.extend_from_slice(inside);
                self.rest = None;
                return Some(true);
            };
            out.extend_from_slice(&inside[..end]);
            inside = &inside[end + 1..];
            match inside.strip_prefix(b"\"") {
                Some(after) => {
                    out.push(b'"');
                    inside = after;
                }
                None => break,
            }
        }
        // Text between the closing mark and the delimiter is against the RFC; it is kept.
        self.rest = Some(inside);
        let tail = self.next_plain(delimiter)?;
        out.extend_from_slice(tail);
        Some(false)
    }
}

/// The structure of a cell `SMILES |extension|`, if it is one.
#[inline]
pub(super) fn without_extension(cell: &[u8]) -> Option<&[u8]> {
    if cell.last() != Some(&b'|') {
        return None;
    }
    let bar = memchr(b'|', cell)?;
    let is_apart = bar == 0 || matches!(cell[bar - 1], b' ' | b'\t');
    (is_apart && bar + 1 < cell.len()).then(|| trim(&cell[..bar]))
}

/// Up to `max` cells of a line, for the sniffer; CXSMILES extensions are dropped.
pub(super) fn all(line: &[u8], delimiter: Delimiter, max: usize) -> Vec<Vec<u8>> {
    let mut cells = Cells::of(line);
    let mut found: Vec<Vec<u8>> = Vec::new();
    while found.len() < max {
        let mut cell = Vec::new();
        let is_there = match delimiter {
            Delimiter::Tab => cells.next_plain(b'\t').map(|c| cell.extend_from_slice(c)),
            Delimiter::Comma => cells.next_quoted(b',', &mut cell).map(|_| ()),
            Delimiter::Semicolon => cells.next_quoted(b';', &mut cell).map(|_| ()),
            Delimiter::Whitespace => cells.next_spaced().map(|c| {
                cell.extend_from_slice(c);
                cells.skip_extension();
            }),
        };
        if is_there.is_none() {
            break;
        }
        let bare = without_extension(&cell).map(<[u8]>::to_vec);
        found.push(bare.unwrap_or(cell));
    }
    found
}

/// Without the spaces and tabs around it.
#[inline]
pub(super) fn trim(cell: &[u8]) -> &[u8] {
    let mut cell = trim_start(cell);
    while let [inner @ .., b' ' | b'\t'] = cell {
        cell = inner;
    }
    cell
}

#[inline]
fn trim_start(mut cell: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', inner @ ..] = cell {
        cell = inner;
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str, delimiter: Delimiter) -> Vec<String> {
        all(line.as_bytes(), delimiter, 64).into_iter().map(|c| String::from_utf8(c).unwrap()).collect()
    }

    #[test]
    fn cells_are_what_is_between_delimiters() {
        assert_eq!(text("CC |&1:1,2|\tZ1\t\t9", Delimiter::Tab), ["CC", "Z1", "", "9"]);
        assert_eq!(text("  CC \t Z1 ", Delimiter::Whitespace), ["CC", "Z1"]);
        assert_eq!(text("CC |$a b$,&1:1| Z1", Delimiter::Whitespace), ["CC", "Z1"]);
        assert_eq!(text("CC |open Z1", Delimiter::Whitespace), ["CC", "|open", "Z1"]);
        assert_eq!(text("CC |a|b Z1", Delimiter::Whitespace), ["CC", "|a|b", "Z1"]);
        assert_eq!(text(",,", Delimiter::Comma), ["", "", ""]);
    }

    #[test]
    fn quotation_marks_are_those_of_rfc_4180_on_one_line() {
        assert_eq!(text("\"CC |c:1,2|\",\"a,\"\"b\"\"\", x", Delimiter::Comma), ["CC", "a,\"b\"", "x"]);
        assert_eq!(text("CC,\"open, to the end", Delimiter::Comma), ["CC", "open, to the end"]);
        assert_eq!(text("\"CC\"N,5\" nail", Delimiter::Comma), ["CCN", "5\" nail"]);
        assert_eq!(text("\"a;b\";c", Delimiter::Semicolon), ["a;b", "c"]);
    }

    #[test]
    fn only_a_closed_extension_after_a_space_is_one() {
        assert_eq!(without_extension(b"C |a b|"), Some(&b"C"[..]));
        assert_eq!(without_extension(b"|a|"), Some(&b""[..]));
        for cell in [&b"C|a|"[..], b"C |", b"C |a", b"C", b"|", b""] {
            assert_eq!(without_extension(cell), None);
        }
    }
}
