//! Repairs spellings that name the same molecule with impossible valences, as RDKit does:
//! `N(=O)=O`, `N=N#N`, `C=P(=O)`, chlorates and their like, and single bonds from a saturated
//! non-metal to a metal, which become dative.

use super::element::{self, is_metal};
use super::{Mol, Order, valence};

/// Repairs what it knows; leaves everything else alone.
pub fn clean(mol: &mut Mol) {
    repair(mol);
    if mol.atoms.iter().any(|a| is_metal(a.element)) {
        metals(mol);
    }
}

/// Repairs what it knows of the bonds between non-metals.
pub fn repair(mol: &mut Mol) {
    nitrogens(mol);
    for i in 0..mol.atoms.len() {
        match mol.atoms[i].element {
            15 => phosphorus(mol, i),
            17 | 35 | 53 => halogen(mol, i),
            _ => {}
        }
    }
}

/// Index of the first bond of `order` from `atom` to a neutral atom of `element`.
fn bond_to_neutral(mol: &Mol, atom: usize, element: u8, order: Order) -> Option<usize> {
    mol.links(atom).iter().map(|l| (usize::from(l.atom), usize::from(l.bond))).find_map(|(other, bond)| {
        let neutral = mol.atoms[other].element == element && mol.atoms[other].charge == 0;
        (neutral && mol.bonds[bond].order == order).then_some(bond)
    })
}

/// Moves a pair of electrons of `bond` onto the neighbour of `atom`.
fn separate(mol: &mut Mol, atom: usize, bond: usize, order: Order) {
    let other = mol.bonds[bond].other(atom);
    mol.bonds[bond].order = order;
    mol.atoms[atom].charge = 1;
    mol.atoms[other].charge = -1;
}

fn nitrogens(mol: &mut Mol) {
    let overloaded: Vec<usize> = (0..mol.atoms.len())
        .filter(|&i| mol.atoms[i].element == 7 && mol.atoms[i].charge == 0 && valence::explicit(mol, i) == 5)
        .collect();
    for &i in &overloaded {
        if let Some(bond) = bond_to_neutral(mol, i, 8, Order::Double) {
            separate(mol, i, bond, Order::Single);
        }
    }
    for &i in &overloaded {
        if let Some(bond) = bond_to_neutral(mol, i, 7, Order::Triple) {
            separate(mol, i, bond, Order::Double);
        }
    }
}

fn phosphorus(mol: &mut Mol, atom: usize) {
    if mol.atoms[atom].charge != 0 || mol.degree(atom) != 3 || valence::explicit(mol, atom) != 5 {
        return;
    }
    let ylide = mol.around(atom).any(|(other, bond)| {
        matches!(mol.atoms[other].element, 6 | 7) && mol.degree(other) >= 2 && bond.order == Order::Double
    });
    let oxide = mol.links(atom).iter().rev().find(|l| {
        let other = &mol.atoms[usize::from(l.atom)];
        other.element == 8 && other.charge == 0 && mol.bonds[usize::from(l.bond)].order == Order::Double
    });
    if let Some(bond) = oxide.map(|l| usize::from(l.bond)).filter(|_| ylide) {
        separate(mol, atom, bond, Order::Single);
    }
}

fn halogen(mol: &mut Mol, atom: usize) {
    let oxygens_only = mol.around(atom).all(|(other, _)| mol.atoms[other].element == 8);
    if mol.atoms[atom].charge != 0 || !oxygens_only || !matches!(valence::explicit(mol, atom), 3 | 5 | 7) {
        return;
    }
    let oxides: Vec<(usize, usize)> = mol
        .links(atom)
        .iter()
        .map(|l| (usize::from(l.atom), usize::from(l.bond)))
        .filter(|(_, bond)| mol.bonds[*bond].order == Order::Double)
        .collect();
    for &(oxygen, bond) in &oxides {
        mol.bonds[bond].order = Order::Single;
        mol.atoms[oxygen].charge = -1;
    }
    mol.atoms[atom].charge = oxides.len() as i8;
}

fn metals(mol: &mut Mol) {
    valence::refresh(mol);
    for i in 0..mol.atoms.len() {
        if !overloaded_nonmetal(mol, i) {
            continue;
        }
        // The metal with the fewest dative bonds takes the pair; among equals the one with the most
        // neighbours, then the heaviest, then the last.
        let chosen = mol
            .links(i)
            .iter()
            .map(|l| (usize::from(l.atom), usize::from(l.bond)))
            .filter(|(other, bond)| mol.bonds[*bond].order == Order::Single && is_metal(mol.atoms[*other].element))
            .min_by_key(|(other, _)| {
                let datives = mol.around(*other).filter(|(_, b)| b.order == Order::Dative).count();
                let rank = (mol.degree(*other), mol.atoms[*other].element, *other);
                (datives, std::cmp::Reverse(rank))
            });
        if let Some((metal, bond)) = chosen {
            let bond = &mut mol.bonds[bond];
            (bond.begin, bond.end, bond.order) = (i as u16, metal as u16, Order::Dative);
        }
    }
}

/// Whether an atom other than H, He, F, Ne and the metals has more bonds than its element, or the
/// element with as many electrons, allows.
fn overloaded_nonmetal(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    if is_metal(atom.element) || matches!(atom.element, 1 | 2 | 9 | 10) {
        return false;
    }
    let effective = i32::from(atom.element) - i32::from(atom.charge);
    let Some(most) =
        u8::try_from(effective).ok().filter(|z| (1..=118).contains(z)).map(|z| element::of(z).last_valence())
    else {
        return false;
    };
    let explicit = valence::explicit(mol, index);
    most > 0 && (explicit > most || (explicit == most && atom.aromatic && mol.total_degree(index) == 4))
}
