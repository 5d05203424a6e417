//! Rotatable bonds, by RDKit's strict definition: single bonds outside rings between atoms that
//! are not ends, except next to triple bonds, at CX₃ and tert-butyl groups, and in amides, esters
//! and their like.

use super::{Atom, Bond, Mol, Order};

/// How many there are.
pub fn bonds(mol: &Mol) -> usize {
    mol.bonds.iter().filter(|bond| rotates(mol, bond)).count()
}

fn rotates(mol: &Mol, bond: &Bond) -> bool {
    let (a, b) = (usize::from(bond.begin), usize::from(bond.end));
    // Cheap tests first: most bonds end here.
    if bond.ring || !bond.plain() || mol.degree(a) == 1 || mol.degree(b) == 1 {
        return false;
    }
    turns(mol, a) && turns(mol, b) && !(stiff(mol, a) && stiff(mol, b))
}

fn aliphatic(atom: &Atom, element: u8) -> bool {
    atom.element == element && !atom.aromatic
}

/// Whether turning about a bond at this atom moves anything.
fn turns(mol: &Mol, index: usize) -> bool {
    if mol.around(index).any(|(_, b)| b.order == Order::Triple) {
        return false;
    }
    if !aliphatic(&mol.atoms[index], 6) {
        return true;
    }
    let ends = |fits: &dyn Fn(usize) -> bool| mol.around(index).filter(|(o, b)| b.plain() && fits(*o)).count();
    let methyl = |o: usize| aliphatic(&mol.atoms[o], 6) && mol.all_hydrogens(o) == 3;
    let halogens = [9, 17, 35].into_iter().any(|x| ends(&|o| aliphatic(&mol.atoms[o], x)) >= 3);
    let tert_butyl = mol.degree(index) >= 4 && ends(&methyl) >= 3;
    let is_methyl = mol.all_hydrogens(index) == 3;
    !halogens && !tert_butyl && !is_methyl
}

/// Whether the atom is one of the two in an amide, ester, thioester or amidinium.
fn stiff(mol: &Mol, index: usize) -> bool {
    let partners = |partner: &dyn Fn(usize) -> bool| {
        mol.around(index).any(|(other, b)| b.order == Order::Single && !b.ring && partner(other))
    };
    let (acyl, amidinium) = centre(mol, index);
    (acyl && partners(&|o| donor(mol, o)))
        || (donor(mol, index) && partners(&|o| centre(mol, o).0))
        || (amidinium && partners(&|o| inner_nitrogen(mol, o)))
        || (inner_nitrogen(mol, index) && partners(&|o| centre(mol, o).1))
}

/// Whether the atom is a three-coordinate aliphatic carbon with a double bond to aliphatic N, O or
/// S; and whether to aliphatic N⁺.
fn centre(mol: &Mol, index: usize) -> (bool, bool) {
    if !aliphatic(&mol.atoms[index], 6) || mol.degree(index) != 3 {
        return (false, false);
    }
    let doubly = |fits: &dyn Fn(&Atom) -> bool| {
        mol.around(index).any(|(o, b)| b.order == Order::Double && !mol.atoms[o].aromatic && fits(&mol.atoms[o]))
    };
    (doubly(&|a| matches!(a.element, 7 | 8 | 16)), doubly(&|a| a.element == 7 && a.charge == 1))
}

/// Any nitrogen, aliphatic oxygen, or aliphatic sulphur that is not an end.
fn donor(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    atom.element == 7 || aliphatic(atom, 8) || (aliphatic(atom, 16) && mol.degree(index) != 1)
}

fn inner_nitrogen(mol: &Mol, index: usize) -> bool {
    mol.atoms[index].element == 7 && mol.degree(index) != 1
}
