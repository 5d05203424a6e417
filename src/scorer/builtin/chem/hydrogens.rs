//! Folds hydrogens that were written as atoms into the atoms that carry them.
//!
//! The same ones stay atoms as in RDKit: isotopes, hydrides, bridging and free ones, those bound to
//! hydrogen, to a dummy atom or to a many-sided stereocentre, and those that carry the direction of
//! a double bond which nothing else could carry.

use super::{Mol, Order};

/// Folds hydrogens in.
pub fn fold(mol: &mut Mol) {
    if !mol.atoms.iter().any(|a| a.element == 1) {
        return;
    }
    let folds: Vec<bool> = (0..mol.atoms.len()).map(|i| can_fold(mol, i)).collect();
    for (hydrogen, _) in folds.iter().enumerate().filter(|(_, folds)| **folds) {
        let carrier = usize::from(mol.links(hydrogen)[0].atom);
        let count = &mut mol.atoms[carrier].explicit_h;
        *count = count.saturating_add(1);
    }
    remove(mol, &folds);
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
    let mut next = 0_u16;
    let new_index: Vec<u16> = gone
        .iter()
        .map(|gone| {
            let index = next;
            next += u16::from(!gone);
            index
        })
        .collect();
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
