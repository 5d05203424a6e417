//! Bytes to one line of valid UTF-8, reversibly.
//!
//! Record ids and structures are bytes as read. Wherever they are written as text, a backslash
//! becomes `\\`; control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and
//! bytes that are not valid UTF-8 become `\xNN` with two lowercase hex digits, byte by byte. Everything else stands for itself.

/// Appends `bytes`, escaped.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|b| (0x20..0x7f).contains(b) && *b != b'\\') {
        out.extend_from_slice(bytes);
        return;
    }
    for part in bytes.utf8_chunks() {
        for c in part.valid().chars() {
            let mut utf8 = [0; 4];
            let bytes = c.encode_utf8(&mut utf8).as_bytes();
            match c {
                '\\' => out.extend_from_slice(b"\\\\"),
                c if steers(c) => bytes.iter().for_each(|byte| push_hex(out, *byte)),
                _ => out.extend_from_slice(bytes),
            }
        }
        part.invalid().iter().for_each(|byte| push_hex(out, *byte));
    }
}

/// Whether `c` steers a terminal, ends a line for some reader, or turns the direction of text:
/// control characters (C0, DEL, C1), the line and paragraph separators, and the bidirectional controls.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `bytes`, escaped, as a string.
pub fn to_string(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    push(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` with what steers a terminal or turns the direction of text escaped; backslashes stay as they are.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            let mut hex = Vec::new();
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_hex(&mut hex, byte));
            out.push_str(&String::from_utf8_lossy(&hex));
        } else {
            out.push(c);
        }
    }
    out
}

/// The bytes that [`push`] was given; `None` if `text` is not an escaped text.
pub fn undo(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = match &rest[at + 1..] {
            [b'\\', tail @ ..] => {
                out.push(b'\\');
                tail
            }
            [b'x', high, low, tail @ ..] => {
                out.push(nibble(*high)? << 4 | nibble(*low)?);
                tail
            }
            _ => return None,
        };
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(&[b'\\', b'x', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_text_is_escaped() {
        assert_eq!(to_string(b"C/C=C\\C"), "C/C=C\\\\C");
        assert_eq!(to_string("\u{9b}\u{2028}\u{202e}".as_bytes()), "\\xc2\\x9b\\xe2\\x80\\xa8\\xe2\\x80\\xae");
        assert_eq!(to_string(b"a\nb\x7f\xff\xc3\xa9"), "a\\x0ab\\x7f\\xff\u{e9}");
    }

    proptest! {
        #[test]
        fn escaping_is_reversible_and_stays_on_one_line(bytes: Vec<u8>) {
            let text = to_string(&bytes);
            prop_assert!(!text.contains(steers));
            prop_assert_eq!(undo(text.as_bytes()), Some(bytes));
        }
    }
}
