//! Hydrogen-bond donors and acceptors.
//!
//! The definitions of RDKit's `CalcNumHBD` and `CalcNumHBA`, which follow Gobbi and Poppinger,
//! Biotechnology and Bioengineering 61 (1998) 47.

use super::{Mol, Order};

/// Atoms that can give a hydrogen.
pub fn donors(mol: &Mol) -> usize {
    (0..mol.atoms.len()).filter(|i| gives(mol, *i)).count()
}

fn gives(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    if !matches!(atom.element, 7 | 8 | 16) {
        return false;
    }
    let hydrogens = mol.all_hydrogens(index);
    match (atom.element, atom.aromatic) {
        (7, false) => {
            let valence = atom.total_valence();
            hydrogens > 0 && (valence == 3 || (valence == 4 && atom.charge == 1))
        }
        (7, true) | (8 | 16, false) => hydrogens == 1 && atom.charge == 0,
        _ => false,
    }
}

/// Atoms that can take a hydrogen.
pub fn acceptors(mol: &Mol) -> usize {
    (0..mol.atoms.len()).filter(|i| takes(mol, *i)).count()
}

fn takes(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    match (atom.element, atom.aromatic) {
        (8 | 16, true) => atom.charge == 0,
        (7, true) => atom.charge == 0 && mol.all_hydrogens(index) == 0 && mol.total_degree(index) == 2,
        (8 | 16, false) => {
            let divalent = atom.total_valence() == 2;
            atom.charge == -1
                || match mol.all_hydrogens(index) {
                    0 => divalent,
                    1 => {
                        divalent
                            && mol.around(index).any(|(other, b)| b.order == Order::Single && !acidifies(mol, other))
                    }
                    _ => false,
                }
        }
        (7, false) => atom.total_valence() == 3 && !delocalised(mol, index),
        _ => false,
    }
}

/// Aliphatic O, N, P or S.
fn hetero(mol: &Mol, index: usize) -> bool {
    matches!(mol.atoms[index].element, 7 | 8 | 15 | 16) && !mol.atoms[index].aromatic
}

/// Whether the atom has a double bond to a hetero atom, as in an acid.
fn acidifies(mol: &Mol, index: usize) -> bool {
    mol.around(index).any(|(other, bond)| bond.order == Order::Double && hetero(mol, other))
}

/// Whether the nitrogen's lone pair is drawn into a double bond outside rings, as in an amide.
fn delocalised(mol: &Mol, index: usize) -> bool {
    mol.around(index).any(|(middle, bond)| {
        bond.order == Order::Single
            && mol
                .around(middle)
                .any(|(far, b)| far != index && b.order == Order::Double && !b.ring && hetero(mol, far))
    })
}
