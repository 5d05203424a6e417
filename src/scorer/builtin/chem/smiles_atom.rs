//! One atom of a SMILES: `C`, `n`, `*`, or `[13C@@H2+:7]`.

use super::{Atom, element};

/// The atom at the beginning of `text`, and how many bytes it takes.
pub fn read(text: &[u8]) -> Option<(Atom, usize)> {
    if text.first() == Some(&b'[') {
        return Bracket { text, at: 1 }.read();
    }
    let (element, aromatic, length) = organic(text)?;
    Some((Atom { element, aromatic, ..Atom::default() }, length))
}

/// Atomic number, aromatic, length of a symbol that needs no brackets.
fn organic(text: &[u8]) -> Option<(u8, bool, usize)> {
    Some(match text {
        [b'C', b'l', ..] => (17, false, 2),
        [b'B', b'r', ..] => (35, false, 2),
        [b'B', ..] => (5, false, 1),
        [b'C', ..] => (6, false, 1),
        [b'N', ..] => (7, false, 1),
        [b'O', ..] => (8, false, 1),
        [b'F', ..] => (9, false, 1),
        [b'P', ..] => (15, false, 1),
        [b'S', ..] => (16, false, 1),
        [b'I', ..] => (53, false, 1),
        [b'b', ..] => (5, true, 1),
        [b'c', ..] => (6, true, 1),
        [b'n', ..] => (7, true, 1),
        [b'o', ..] => (8, true, 1),
        [b'p', ..] => (15, true, 1),
        [b's', ..] => (16, true, 1),
        [b'*', ..] => (0, false, 1),
        _ => return None,
    })
}

/// Atomic number, aromatic, length of a symbol in brackets: the longest that fits.
fn bracketed(text: &[u8]) -> Option<(u8, bool, usize)> {
    match text {
        [b's', b'i', ..] => return Some((14, true, 2)),
        [b'a', b's', ..] => return Some((33, true, 2)),
        [b's', b'e', ..] => return Some((34, true, 2)),
        [b't', b'e', ..] => return Some((52, true, 2)),
        _ => {}
    }
    if !text.first()?.is_ascii_uppercase() {
        return organic(text);
    }
    let lower = text[1..].iter().take(2).take_while(|b| b.is_ascii_lowercase()).count();
    (0..=lower).rev().find_map(|n| Some((element::by_symbol(&text[..=n])?, false, n + 1)))
}

/// The stereochemistry written on an atom.
enum Sides {
    Few,
    Many,
}

struct Bracket<'a> {
    text: &'a [u8],
    at: usize,
}

impl Bracket<'_> {
    fn read(mut self) -> Option<(Atom, usize)> {
        let isotope = self.number();
        let mut atom = Atom { bracket: true, ..Atom::default() };
        if let Some(isotope) = isotope {
            atom.isotope = u16::try_from(isotope).ok()?;
        }
        self.read_element(&mut atom)?;
        self.read_charge(&mut atom)?;
        if self.eat(b":") {
            self.number()?;
        }
        self.eat(b"]").then_some((atom, self.at))
    }

    /// The element, its stereochemistry and its hydrogens.
    fn read_element(&mut self, atom: &mut Atom) -> Option<()> {
        let (number, aromatic, length) = if self.eat(b"#") {
            (u8::try_from(self.number()?).ok().filter(|z| *z <= 118)?, false, 0)
        } else {
            bracketed(&self.text[self.at..])?
        };
        self.at += length;
        (atom.element, atom.aromatic) = (number, aromatic);
        if number != 1 || length == 0 {
            atom.many_sided = matches!(self.read_sides()?, Sides::Many);
        }
        if self.eat(b"H") {
            atom.explicit_h = self.number().map_or(Some(1), |n| u8::try_from(n).ok())?;
        }
        Some(())
    }

    fn read_sides(&mut self) -> Option<Sides> {
        const CLASSES: [(&[u8], u32, bool); 5] =
            [(b"@TH", 2, false), (b"@AL", 2, false), (b"@SP", 3, true), (b"@TB", 20, true), (b"@OH", 30, true)];
        for (class, last, many) in CLASSES {
            if self.eat(class) {
                let permutation = self.number();
                if permutation.is_some_and(|p| p == 0 || p > last) {
                    return None;
                }
                return Some(if many { Sides::Many } else { Sides::Few });
            }
        }
        let _ = self.eat(b"@") && self.eat(b"@");
        Some(Sides::Few)
    }

    /// `+`, `++`, `+3`, and the same with `-`.
    fn read_charge(&mut self, atom: &mut Atom) -> Option<()> {
        let sign = match self.text.get(self.at) {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(()),
        };
        let symbol = self.text[self.at];
        self.at += 1;
        let size = if self.eat(&[symbol]) { 2 } else { self.number().unwrap_or(1) };
        atom.charge = i8::try_from(i64::from(size) * sign).ok()?;
        Some(())
    }

    fn eat(&mut self, what: &[u8]) -> bool {
        let found = self.text[self.at..].starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    /// A number without leading zeros, below 2^31; a lone zero is one.
    fn number(&mut self) -> Option<u32> {
        let rest = &self.text[self.at..];
        let digits = match rest.first()? {
            b'0' => 1,
            _ => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
        };
        let number: u32 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        self.at += digits;
        Some(number)
    }
}
