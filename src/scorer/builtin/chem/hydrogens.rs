//! Folds hydrogens that were written as atoms into the atoms that carry them.
//!
//! The same ones stay atoms as in RDKit: isotopes, hydrides, bridging and free ones, those bound to
//! hydrogen, to a dummy atom or to a many-sided stereocentre, and those that carry the direction of
//! a double bond which nothing else could carry.

use super::{Mol, Order, element};

/// Which of the folded hydrogens are written down on the atom that carried them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// All: what a SMILES writes is meant.
    All,
    /// Those that would not follow from the valence again (see [`valence::implicit`](super::valence)); the valences
    /// must be computed already.
    WhereNeeded,
}

/// Folds hydrogens in, but for the atoms that `stays` names (none, if it is empty); answers which atoms are gone.
pub fn fold(mol: &mut Mol, count: Count, stays: &[bool]) -> Vec<bool> {
    if !mol.atoms.iter().any(|a| a.element == 1) {
        return vec![false; mol.atoms.len()];
    }
    let may = |i: usize| !stays.get(i).copied().unwrap_or(false);
    let folds: Vec<bool> = (0..mol.atoms.len()).map(|i| may(i) && can_fold(mol, i)).collect();
    for (hydrogen, _) in folds.iter().enumerate().filter(|(_, folds)| **folds) {
        let carrier = usize::from(mol.links(hydrogen)[0].atom);
        if count == Count::All || is_needed(mol, carrier) {
            let written = &mut mol.atoms[carrier].explicit_h;
            *written = written.saturating_add(1);
        }
    }
    remove(mol, &folds);
    folds
}

/// Whether a hydrogen of `carrier` must be written down, as RDKit has it: no hydrogens are added to it, or it would get
/// fewer because it is aromatic or has not its default valence.
fn is_needed(mol: &Mol, carrier: usize) -> bool {
    let atom = &mol.atoms[carrier];
    let aromatic = mol.touches_aromatic(carrier) && (matches!(atom.element, 7 | 15) || is_between(mol, carrier));
    let higher = &element::of(atom.element).valences[1..];
    atom.bracket || aromatic || higher.iter().any(|valence| i32::from(*valence) == atom.total_valence())
}

/// Whether `carrier` has two aromatic bonds and one single one, and no more.
fn is_between(mol: &Mol, carrier: usize) -> bool {
    let of = |order: Order| mol.around(carrier).filter(|(_, bond)| bond.order == order).count();
    mol.degree(carrier) == 3
        && of(Order::Single) == 1
        && of(Order::Aromatic) == 2
        && mol.atoms[carrier].total_valence() == 3
}

/// The new indices of atoms, where those that are `gone` are left out.
pub fn places(gone: &[bool]) -> Vec<u16> {
    let mut next = 0_u16;
    let place = |gone: &bool| {
        let index = next;
        next += u16::from(!gone);
        index
    };
    gone.iter().map(place).collect()
}

fn can_fold(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    if atom.element != 1 || mol.degree(index) != 1 || atom.isotope != 0 || atom.charge == -1 {
        return false;
    }
    mol.around(index).all(|(carrier, bond)| {
        let on = &mol.atoms[carrier];
        let directs = bond.directed
            && mol.degree(carrier) == 2
            && mol.around(carrier).any(|(_, other)| other.order == Order::Double);
        on.element > 1 && !on.many_sided && !directs
    })
}

fn remove(mol: &mut Mol, gone: &[bool]) {
    let new_index = places(gone);
    let mut at = 0;
    mol.atoms.retain(|_| {
        at += 1;
        !gone[at - 1]
    });
    mol.bonds.retain(|b| !gone[usize::from(b.begin)] && !gone[usize::from(b.end)]);
    for bond in &mut mol.bonds {
        bond.begin = new_index[usize::from(bond.begin)];
        bond.end = new_index[usize::from(bond.end)];
    }
    mol.link();
}
