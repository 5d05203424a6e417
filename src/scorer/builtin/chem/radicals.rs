//! Unpaired electrons of atoms in brackets, which take no hydrogens to fill their shells.

use super::{Mol, element};

/// Counts them, by RDKit's rules.
pub fn assign(mol: &mut Mol) {
    for index in 0..mol.atoms.len() {
        if mol.atoms[index].bracket && mol.atoms[index].element != 0 {
            mol.atoms[index].radicals = unpaired(mol, index);
        }
    }
}

fn unpaired(mol: &Mol, index: usize) -> u8 {
    let atom = &mol.atoms[index];
    let (element, charge) = (element::of(atom.element), i32::from(atom.charge));
    let outer = i32::from(element.outer);
    if element.unrestricted() {
        let lone = mol.degree(index) == 0;
        return if lone { ((outer - charge).max(0) % 2) as u8 } else { 0 };
    }
    let halves = 2 * i32::from(atom.explicit_h) + mol.around(index).map(|(_, b)| b.halves(index)).sum::<i32>();
    let used = halves / 2;
    let shell = if atom.element <= 2 { 2 } else { 8 };
    let mut unpaired = shell - outer - used + charge;
    if unpaired < 0 {
        unpaired = 0;
        if element.valences.len() > 1 {
            let free = element.valences.iter().map(|v| i32::from(*v) - used + charge).find(|free| *free >= 0);
            unpaired = free.unwrap_or(0);
        }
    }
    if outer - used - charge >= 0 {
        unpaired = unpaired.min(outer - used - charge);
    }
    unpaired as u8
}
