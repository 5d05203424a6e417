//! The lines of properties of a molfile, up to `M  END`.

use super::{atom_index, number};
use crate::scorer::builtin::chem::{Atom, Refusal};

/// Reads charges, radicals and isotopes; passes over names, groups and whatever else is not of the structure.
pub(super) fn read<'a>(lines: &mut impl Iterator<Item = &'a [u8]>, atoms: &mut [Atom]) -> Result<(), Refusal> {
    let (mut is_first, mut are_charges_old) = (true, true);
    loop {
        let line = lines.next().ok_or(Refusal::Syntax)?;
        match line.first() {
            Some(b'M') => {}
            // A name of an atom, or of a group: the next line holds it.
            Some(b'A' | b'G') => {
                lines.next();
            }
            Some(b'S') if line.starts_with(b"S  SKP") => {
                for _ in 0..number(line, 6, 3)? {
                    lines.next();
                }
            }
            None if is_first => return Err(Refusal::Syntax),
            Some(first) if is_first && !b"VS".contains(first) => return Err(Refusal::Query),
            _ => {}
        }
        is_first = false;
        match line.get(..6).unwrap_or_default() {
            b"M  END" => return Ok(()),
            b"M  CHG" | b"M  RAD" => {
                // They take the place of all charges in the lines of the atoms.
                if std::mem::take(&mut are_charges_old) {
                    atoms.iter_mut().for_each(|atom| atom.charge = 0);
                }
                let is_charge = line.starts_with(b"M  CHG");
                entries(line, atoms, |atom, value| if is_charge { charge(atom, value) } else { radical(atom, value) })?;
            }
            // The label of a group stands where the mass of an atom would.
            b"M  ISO" | b"M  RGP" => entries(line, atoms, isotope)?,
            b"M  ALS" | b"M  SUB" | b"M  UNS" | b"M  RBC" | b"M  LIN" => return Err(Refusal::Query),
            // Bonds of no order, and hydrogens beside the rules: to pass over them would be another structure.
            b"M  ZBO" | b"M  ZCH" | b"M  HYD" | b"M  MRV" => return Err(Refusal::Syntax),
            _ => {}
        }
    }
}

/// Hands the atoms that a line names to `set`, each with its value.
fn entries(line: &[u8], atoms: &mut [Atom], mut set: impl FnMut(&mut Atom, i64) -> Option<()>) -> Result<(), Refusal> {
    let count = usize::try_from(number(line, 6, 3)?).map_err(|_| Refusal::Syntax)?;
    for entry in 0..count {
        let at = 9 + 8 * entry;
        let index = atom_index(number(line, at, 4)?, atoms.len())?;
        set(&mut atoms[usize::from(index)], number(line, at + 4, 4)?).ok_or(Refusal::Syntax)?;
    }
    Ok(())
}

fn charge(atom: &mut Atom, value: i64) -> Option<()> {
    atom.charge = i8::try_from(value).ok()?;
    Some(())
}

fn isotope(atom: &mut Atom, value: i64) -> Option<()> {
    atom.isotope = u16::try_from(value).ok()?;
    Some(())
}

/// Singlet, doublet and triplet: a multiplicity, of which the electrons follow.
fn radical(atom: &mut Atom, value: i64) -> Option<()> {
    atom.radicals = match value {
        0 => 0,
        2 => 1,
        1 | 3 => 2,
        _ => return None,
    };
    Some(())
}
