//! One atom line of a molfile.

use super::number;
use crate::scorer::builtin::chem::{Atom, Mol, Refusal, element, valence};

/// Shorter lines are none of an atom.
const LINE_MIN: usize = 34;

/// In the column of the valence: no bond at all.
const VALENCE_ZERO: i64 = 15;

/// What an atom line says.
pub(super) struct AtomLine {
    pub atom: Atom,
    pub at: [f64; 3],
    /// Its valence, hydrogens included; 0 if nothing is said.
    pub valence: i64,
}

/// Reads an atom line.
pub(super) fn read(line: &[u8]) -> Result<AtomLine, Refusal> {
    if line.len() < LINE_MIN {
        return Err(Refusal::Syntax);
    }
    let at = [coordinate(line, 0)?, coordinate(line, 10)?, coordinate(line, 20)?];
    let difference = number(line, 34, 2)?;
    let mut atom = symbol(line[31..34].trim_ascii(), difference != 0)?;
    if difference != 0 {
        let mass = i64::from(element::most_common_isotope(atom.element)) + difference;
        atom.isotope = u16::try_from(mass).map_err(|_| Refusal::Syntax)?;
    }
    match number(line, 36, 3)? {
        0 => {}
        code => atom.charge = i8::try_from(4 - code).map_err(|_| Refusal::Syntax)?,
    }
    // How many hydrogens a match may have: of a structure it says that it has no others than those that are drawn.
    atom.bracket |= number(line, 42, 3)? >= 1;
    Ok(AtomLine { atom, at, valence: number(line, 48, 3)? })
}

fn coordinate(line: &[u8], at: usize) -> Result<f64, Refusal> {
    let field = std::str::from_utf8(&line[at..at + 10]).map_err(|_| Refusal::Syntax)?.trim();
    let value: f64 = if field.is_empty() { 0.0 } else { field.parse().map_err(|_| Refusal::Syntax)? };
    if value.is_finite() { Ok(value) } else { Err(Refusal::Syntax) }
}

/// The atom of a symbol; `has_mass` if the line says a mass difference.
fn symbol(symbol: &[u8], has_mass: bool) -> Result<Atom, Refusal> {
    let atom = |element, isotope| Ok(Atom { element, isotope, ..Atom::default() });
    match symbol {
        b"D" => atom(1, 2),
        b"T" => atom(1, 3),
        b"*" | b"R" => Ok(Atom { bracket: true, ..Atom::default() }),
        b"R#" => atom(0, 0),
        [b'R', digits @ ..] if digits.len() <= 2 && digits.iter().all(u8::is_ascii_digit) => {
            let label = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
            atom(0, if has_mass { 0 } else { label })
        }
        b"A" | b"Q" | b"X" | b"M" | b"L" | b"AH" | b"QH" | b"XH" | b"MH" => Err(Refusal::Query),
        // Old programs write them in capitals alone.
        [first, second @ b'A'..=b'Z'] => known(&[*first, second.to_ascii_lowercase()]),
        other => known(other),
    }
}

fn known(symbol: &[u8]) -> Result<Atom, Refusal> {
    let element = element::by_symbol(symbol).filter(|element| *element > 0).ok_or(Refusal::Syntax)?;
    Ok(Atom { element, ..Atom::default() })
}

/// Gives the atoms whose valence was said (in the order of the atoms; 0 if not) the hydrogens that follow from it.
pub(super) fn take_at_their_word(mol: &mut Mol, said: &[i64]) {
    for (index, said) in said.iter().enumerate().filter(|(_, said)| **said != 0) {
        let drawn = i64::from(valence::explicit(mol, index));
        let atom = &mut mol.atoms[index];
        atom.bracket = true;
        atom.explicit_h = match *said {
            VALENCE_ZERO => 0,
            said => u8::try_from(said - drawn).unwrap_or(0),
        };
    }
}
