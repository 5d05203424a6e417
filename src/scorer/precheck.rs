//! What molsieve answers itself, before any scorer is asked.

use super::{STRUCTURE_BYTES_MAX, Verdict, reason};
use crate::library::format::Notation;
use crate::library::record::Record;

/// The verdict on a record that no scorer is given: its structure is empty, too long, not UTF-8,
/// or holds a control character (C0 or DEL). `None`: the scorer is to be asked.
///
/// The structure is a SMILES string; see [`precheck_as`] for others.
pub fn precheck(record: &Record<'_>) -> Option<Verdict> {
    precheck_as(record, Notation::Smiles)
}

/// As [`precheck`], for a structure that is written so: line feeds and tabs belong to a molblock.
pub fn precheck_as(record: &Record<'_>, notation: Notation) -> Option<Verdict> {
    let structure = record.structure;
    if structure.is_empty() {
        return Some(Verdict::skip(reason::EMPTY));
    }
    if structure.len() > STRUCTURE_BYTES_MAX {
        return Some(Verdict::error(reason::TOO_LONG));
    }
    // A sum without an early exit becomes vector code; almost no record has a control character.
    let mut controls: u32 = structure.iter().map(|b| u32::from(*b < 0x20) + u32::from(*b == 0x7f)).sum();
    if notation == Notation::Molblock {
        controls -= structure.iter().map(|b| u32::from(matches!(b, b'\n' | b'\t'))).sum::<u32>();
    }
    (controls > 0 || std::str::from_utf8(structure).is_err()).then(|| Verdict::error(reason::ENCODING))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_of_a_sane_length_reaches_a_scorer() {
        let answer = |structure: &[u8]| {
            precheck(&Record { ordinal: 0, id: b"\xff", structure }).map(|v| (v.outcome.as_str(), v.reason))
        };
        assert_eq!(answer(b"C/C=C\\C"), None);
        assert_eq!(answer("C\u{e9}".as_bytes()), None);
        assert_eq!(answer(&vec![b'C'; STRUCTURE_BYTES_MAX]), None);
        assert_eq!(answer(b""), Some(("SKIP", reason::EMPTY.into())));
        assert_eq!(answer(&vec![b'C'; STRUCTURE_BYTES_MAX + 1]), Some(("ERROR", reason::TOO_LONG.into())));
        for bad in [&b"C\0C"[..], b"C\tC", b"C\x7f", b"C\xff", b"\xc3"] {
            assert_eq!(answer(bad), Some(("ERROR", reason::ENCODING.into())), "{bad:?}");
        }
    }

    #[test]
    fn line_feeds_and_tabs_belong_to_a_molblock_and_no_other_control_character_does() {
        let answer = |structure: &[u8]| {
            precheck_as(&Record { ordinal: 0, id: b"", structure }, Notation::Molblock).map(|v| v.reason)
        };
        assert_eq!(answer(b"title\n\tprogram\n\n  0  0\nM  END\n"), None);
        assert_eq!(answer(b""), Some(reason::EMPTY.into()));
        assert_eq!(answer(&vec![b'\n'; STRUCTURE_BYTES_MAX + 1]), Some(reason::TOO_LONG.into()));
        for bad in [&b"a\0\nM  END\n"[..], b"a\rb\n", b"\x7f\n", b"\xff\n", b"\x1b[0m\n"] {
            assert_eq!(answer(bad), Some(reason::ENCODING.into()), "{bad:?}");
        }
    }
}
