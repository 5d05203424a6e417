//! Whether a cell looks like SMILES: good enough to tell columns apart, not to judge a structure.
//!
//! Checked is what OpenSMILES says about form: atoms of the organic subset or in brackets, bonds,
//! balanced parentheses, and ring bonds that are closed. Valence and aromaticity are not.

/// Whether `cell` has the form of a SMILES string.
pub fn looks_like_smiles(cell: &[u8]) -> bool {
    let (mut rest, mut depth, mut has_atom) = (cell, 0u32, false);
    // Bit n: ring bond n is open.
    let mut rings = 0u128;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'C' if tail.first() == Some(&b'l') => rest = &tail[1..],
            b'B' if tail.first() == Some(&b'r') => rest = &tail[1..],
            b'B' | b'C' | b'N' | b'O' | b'P' | b'S' | b'F' | b'I' | b'b' | b'c' | b'n' | b'o' | b'p' | b's' | b'*' => {}
            b'[' => {
                let Some(end) = memchr::memchr(b']', tail) else { return false };
                if end == 0 || !tail[..end].iter().all(|b| b.is_ascii_alphanumeric() || b"+-@*:".contains(b)) {
                    return false;
                }
                rest = &tail[end + 1..];
            }
            _ if !has_atom => return false,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'0'..=b'9' => rings ^= 1 << (byte - b'0'),
            b'%' => {
                let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', after @ ..] = tail else { return false };
                rings ^= 1 << ((tens - b'0') * 10 + (ones - b'0'));
                rest = after;
            }
            b'-' | b'=' | b'#' | b'$' | b':' | b'/' | b'\\' | b'.' => {}
            _ => return false,
        }
        has_atom = true;
    }
    has_atom && depth == 0 && rings == 0
}

#[cfg(test)]
mod tests {
    use super::looks_like_smiles;

    #[test]
    fn the_shipped_molecules_look_like_smiles() {
        let shipped = include_str!("../../data/nci_first_5k.smi");
        let structures = shipped.lines().filter_map(|line| line.split('\t').next());
        assert_eq!(structures.filter(|s| !looks_like_smiles(s.as_bytes())).count(), 0);
    }

    #[test]
    fn ids_do_not() {
        for id in [
            "",
            "1",
            "12345",
            "ZINC000001",
            "CHEMBL25",
            "Z1234567",
            "s_22____1",
            "MCULE-1",
            "SMILES",
            "id",
            "C(",
            "C1",
            "LFQSCWFLJHTTHZ-UHFFFAOYSA-N",
            "InChI=1S/CH4/h1H4",
            "C C",
            "C]",
            "[",
            "[]",
            "C%1",
            "C)",
            "(C",
            "=C",
        ] {
            assert!(!looks_like_smiles(id.as_bytes()), "{id}");
        }
    }
}
