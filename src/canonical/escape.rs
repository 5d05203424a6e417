//! Bytes to one line of valid UTF-8, reversibly.
//!
//! Record ids and structures are bytes as read. Wherever they are written as text, a backslash
//! becomes `\\`; control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and
//! bytes that are not valid UTF-8 become `\xNN` with two lowercase hex digits, byte by byte. Everything else stands for itself.

/// Appends `bytes`, escaped, as payload rows hold them.
pub fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    push_where(steers, out, bytes);
}

/// Appends `bytes`, escaped, for people: as [`push`], and with all that [`is_unseen`].
pub fn push_shown(out: &mut Vec<u8>, bytes: &[u8]) {
    push_where(is_unseen, out, bytes);
}

fn push_where(escaped: fn(char) -> bool, out: &mut Vec<u8>, bytes: &[u8]) {
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
                c if escaped(c) => bytes.iter().for_each(|byte| push_hex(out, *byte)),
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

/// Whether `c` cannot be seen, or joins and parts what stands beside it: two texts that differ look alike.
/// Payload rows keep it, since letters of some languages need it; what is shown does not.
fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}')
        || matches!(c, '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether `c` must not reach a person as it is: it steers, turns or hides text.
pub fn is_unseen(c: char) -> bool {
    steers(c) || hides(c)
}

/// `bytes`, escaped, as a string.
pub fn to_string(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    push(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

/// `text` with all that [`is_unseen`] escaped, for terminals and pages; backslashes stay as they are.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            let mut hex = Vec::new();
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_hex(&mut hex, byte));
            out.push_str(&String::from_utf8_lossy(&hex));
        } else {
            out.push(c);
        }
    }
    out
}

/// The bytes that [`push`] or [`push_shown`] was given; `None` if `text` is not an escaped text.
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

    #[test]
    fn what_is_shown_hides_nothing_and_turns_nothing() {
        assert_eq!(
            visible("a\u{200b}b\u{feff}\u{2066}c\u{e0041}"),
            "a\\xe2\\x80\\x8bb\\xef\\xbb\\xbf\\xe2\\x81\\xa6c\\xf3\\xa0\\x81\\x81"
        );
        assert_eq!(visible("\u{1b}[31m\u{9b}C\\C"), "\\x1b[31m\\xc2\\x9bC\\C");
        assert_eq!(to_string("\u{200d}".as_bytes()), "\u{200d}", "payload rows are as they were");
    }

    proptest! {
        #[test]
        fn escaping_is_reversible_and_stays_on_one_line(bytes: Vec<u8>) {
            let text = to_string(&bytes);
            prop_assert!(!text.contains(steers));
            prop_assert_eq!(undo(text.as_bytes()), Some(bytes.clone()));
            let mut shown = Vec::new();
            push_shown(&mut shown, &bytes);
            prop_assert_eq!(undo(&shown), Some(bytes));
        }
    }
}
