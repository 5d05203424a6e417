//! The valence model: how many bonds an atom may have, and how many hydrogens it takes.
//!
//! The rules are RDKit's. An atom is judged by the allowed valences of the element with as many
//! electrons (N⁺ like C, O⁻ like F), except that P, S, As and Se keep their own higher ones. An
//! aromatic bond counts one and a half; an aromatic atom whose sum is up to one and a half above an
//! allowed valence is taken to have that valence. Sums are in half bonds, so they are exact.

use super::element;
use super::{Atom, Mol, Refusal};

/// The element whose valences apply to `atom`.
fn effective(atom: &Atom) -> u8 {
    if element::of(atom.element).unrestricted() {
        return atom.element;
    }
    (i32::from(atom.element) - i32::from(atom.charge)).clamp(0, 118) as u8
}

/// Whether `atom` is a negative P, S, As or Se that keeps the higher valences of its own element.
fn keeps_higher(atom: &Atom, effective: u8) -> bool {
    (effective > 16 && matches!(atom.element, 15 | 16)) || (effective > 34 && matches!(atom.element, 33 | 34))
}

/// The sum of bond orders and written hydrogens, rounded as described above.
pub fn explicit(mol: &Mol, index: usize) -> i32 {
    let halves = mol.around(index).map(|(_, bond)| bond.halves(index)).sum::<i32>();
    rounded(&mol.atoms[index], halves, || mol.touches_aromatic(index))
}

/// The same for an atom whose bonds add up to `halves` half bonds.
fn rounded(atom: &Atom, halves: i32, touches_aromatic: impl Fn() -> bool) -> i32 {
    let mut halves = 2 * i32::from(atom.explicit_h) + halves;
    let like = element::of(effective(atom));
    let default = like.default_valence();
    if default >= 0 && halves > 2 * default && touches_aromatic() {
        let allowed = like.valences.iter().map(|v| i32::from(*v)).take_while(|v| *v != -1 && 2 * v <= halves);
        let nearest = allowed.last().unwrap_or(default);
        if halves - 2 * nearest <= 3 {
            halves = 2 * nearest;
        }
    }
    (halves + 1) / 2
}

/// Whether `explicit` bonds are within what `atom` may have.
fn permitted(atom: &Atom, explicit: i32) -> bool {
    let (own, like) = (element::of(atom.element), effective(atom));
    let mut most = element::of(like).last_valence();
    let mut used = explicit;
    if keeps_higher(atom, like) {
        most = own.last_valence();
        used -= i32::from(atom.charge);
    }
    if atom.element == 1 && atom.charge == -1 {
        most = 2;
    }
    most < 0 || own.last_valence() < 0 || used <= most
}

/// The hydrogens that an atom with this explicit valence takes. `None`: there is no valence for it.
fn implicit(mol: &Mol, index: usize, explicit: i32) -> Option<u8> {
    taken(&mol.atoms[index], explicit, || mol.touches_aromatic(index))
}

/// The hydrogens that an atom of `element` takes if it is written without brackets and its bonds add up to `halves`
/// half bonds. `None`: there is no valence for it.
pub fn unwritten(element: u8, halves: i32, touches_aromatic: bool) -> Option<u8> {
    let atom = Atom { element, ..Atom::default() };
    taken(&atom, rounded(&atom, halves, || touches_aromatic), || touches_aromatic)
}

fn taken(atom: &Atom, explicit: i32, touches_aromatic: impl Fn() -> bool) -> Option<u8> {
    if atom.bracket || atom.element == 0 {
        return Some(0);
    }
    if explicit == 0 && atom.radicals == 0 && atom.element == 1 {
        return match atom.charge {
            0 => Some(1),
            1 | -1 => Some(0),
            _ => None,
        };
    }
    let mut like = effective(atom);
    let default = element::of(like).default_valence();
    if like == 0 || default == -1 {
        return Some(0);
    }
    let mut used = explicit + i32::from(atom.radicals);
    if keeps_higher(atom, like) {
        like = atom.element;
        used -= i32::from(atom.charge);
    }
    let mut allowed = element::of(like).valences.iter().map(|v| i32::from(*v)).take_while(|v| *v >= 0);
    if touches_aromatic() {
        // An aromatic atom takes hydrogens up to its default valence only.
        let fits = used <= default || allowed.any(|v| v == used);
        return fits.then(|| (default - used).max(0) as u8);
    }
    let free = allowed.find(|v| used <= *v).map(|v| (v - used) as u8);
    let any = element::of(like).last_valence() == -1 || element::of(atom.element).last_valence() <= 0;
    free.or(any.then_some(0))
}

/// Computes the valences of all atoms and refuses those that are not permitted.
///
/// # Errors
/// [`Refusal::Valence`].
pub fn update(mol: &mut Mol) -> Result<(), Refusal> {
    for index in 0..mol.atoms.len() {
        let explicit = explicit(mol, index);
        if !permitted(&mol.atoms[index], explicit) {
            return Err(Refusal::Valence);
        }
        let implicit = implicit(mol, index, explicit).ok_or(Refusal::Valence)?;
        set(mol, index, explicit, implicit);
    }
    Ok(())
}

/// Computes the valences of all atoms, permitted or not.
pub fn refresh(mol: &mut Mol) {
    for index in 0..mol.atoms.len() {
        refresh_atom(mol, index);
    }
}

/// Computes the valence of one atom, permitted or not.
pub fn refresh_atom(mol: &mut Mol, index: usize) {
    let explicit = explicit(mol, index);
    let implicit = implicit(mol, index, explicit).unwrap_or(0);
    set(mol, index, explicit, implicit);
}

fn set(mol: &mut Mol, index: usize, explicit: i32, implicit: u8) {
    let atom = &mut mol.atoms[index];
    atom.explicit_valence = explicit as i16;
    atom.implicit_h = implicit;
}

/// After aromaticity was perceived: hydrogens that aromatic bonds would hide are written down (the
/// hydrogen of pyrrole), and all valences are checked again.
///
/// # Errors
/// [`Refusal::Valence`].
pub fn settle(mol: &mut Mol, was_aromatic: &[bool]) -> Result<(), Refusal> {
    for index in 0..mol.atoms.len() {
        let now = mol.atoms[index].aromatic || mol.around(index).any(|(_, b)| b.aromatic);
        if !now && !was_aromatic.get(index).copied().unwrap_or(false) {
            continue;
        }
        let before = mol.atoms[index].implicit_h;
        refresh_atom(mol, index);
        let after = mol.atoms[index].implicit_h;
        if after < before {
            let atom = &mut mol.atoms[index];
            atom.explicit_h = atom.explicit_h.saturating_add(before - after);
        }
    }
    update(mol)
}
