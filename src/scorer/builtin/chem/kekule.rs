//! Writes aromatic ring systems with alternating single and double bonds.
//!
//! Which atoms need a double bond follows from their valences (RDKit's rules); whether all can have
//! one is a question of matching ([`super::matching`]), answered exactly and not by a bounded search.

use super::element::{self, is_early};
use super::matching::{self, Need};
use super::rings::Component;
use super::valence::refresh_atom;
use super::{Mol, Order, Refusal};

/// Replaces aromatic bonds by single and double ones, and clears every aromatic mark. Returns
/// which atoms were aromatic or had aromatic bonds (nothing if none).
///
/// # Errors
/// [`Refusal::Kekule`].
pub fn write(mol: &mut Mol, components: &[Component]) -> Result<Vec<bool>, Refusal> {
    if !mol.atoms.iter().any(|a| a.aromatic) && !mol.bonds.iter().any(|b| b.aromatic) {
        return Ok(Vec::new());
    }
    let was_aromatic: Vec<bool> = (0..mol.atoms.len()).map(|i| mol.touches_aromatic(i)).collect();
    let valences: Vec<i32> = mol.atoms.iter().map(super::Atom::total_valence).collect();
    for component in components {
        write_component(mol, component)?;
    }
    clear_marks(mol)?;
    let changed = mol.atoms.iter().zip(&valences).any(|(atom, before)| atom.total_valence() != *before);
    if changed { Err(Refusal::Kekule) } else { Ok(was_aromatic) }
}

fn write_component(mol: &mut Mol, component: &Component) -> Result<(), Refusal> {
    let starts = |a: &u16| mol.atoms[usize::from(*a)].element == 0 || mol.touches_aromatic(usize::from(*a));
    if !component.atoms.iter().any(starts) {
        return Ok(());
    }
    let mut needs = vec![Need::None; mol.atoms.len()];
    let mut in_component = vec![false; mol.atoms.len()];
    for &atom in &component.atoms {
        in_component[usize::from(atom)] = true;
    }
    let mut to_single = Vec::new();
    for &atom in &component.atoms {
        needs[usize::from(atom)] = need(mol, usize::from(atom), &in_component, &mut to_single);
    }
    for bond in to_single {
        mol.bonds[bond].order = Order::Single;
    }
    let usable = |bond: &super::Bond| {
        let dummy = |a: u16| mol.atoms[usize::from(a)].element == 0;
        bond.aromatic || dummy(bond.begin) || dummy(bond.end)
    };
    for bond in matching::double_bonds(mol, component, &needs, usable).ok_or(Refusal::Kekule)? {
        mol.bonds[bond].order = Order::Double;
    }
    Ok(())
}

/// Whether the atom needs a double bond; its aromatic bonds are added to `to_single`.
fn need(mol: &Mol, index: usize, in_component: &[bool], to_single: &mut Vec<usize>) -> Need {
    let atom = &mol.atoms[index];
    if atom.element != 0 && !mol.touches_aromatic(index) {
        return Need::None;
    }
    let (mut bonds, mut ignored, mut hindered) = (0, 0, 0);
    for link in mol.links(index) {
        let bond = &mol.bonds[usize::from(link.bond)];
        let other = &mol.atoms[usize::from(link.atom)];
        hindered += usize::from(other.element != 0 && !other.aromatic && in_component[usize::from(link.atom)]);
        if bond.aromatic && matches!(bond.order, Order::Single | Order::Double | Order::Aromatic) {
            bonds += 1;
            to_single.push(usize::from(link.bond));
        } else {
            let whole = (bond.halves(index) + 1) / 2;
            bonds += whole;
            ignored += i32::from(whole == 0);
        }
    }
    if atom.element == 0 {
        return if hindered == 0 { Need::Optional } else { Need::None };
    }
    bonds += i32::from(atom.hydrogens());
    let degree = mol.degree(index) as i32 + i32::from(atom.implicit_h) - ignored;
    let target = target_valence(mol, index);
    if degree >= target {
        return Need::None;
    }
    let takes = target == bonds + 1 || (atom.bracket && target == bonds + 2);
    if takes { Need::Required } else { Need::None }
}

/// The valence that the atom is to reach.
fn target_valence(mol: &Mol, index: usize) -> i32 {
    let atom = &mol.atoms[index];
    let mut charge = i32::from(atom.charge);
    if is_early(atom.element) || (atom.element == 6 && charge > 0) {
        charge = -charge;
    }
    let element = element::of(atom.element);
    let mut target = element.default_valence() + charge;
    for higher in element.valences[1..].iter().take_while(|v| **v > 0) {
        if atom.total_valence() <= target {
            break;
        }
        target = i32::from(*higher) + charge;
    }
    target
}

/// Clears the aromatic marks. An aromatic atom outside rings is refused; the written hydrogen of a
/// pyrrole is from now on one that follows from its valence.
fn clear_marks(mol: &mut Mol) -> Result<(), Refusal> {
    for bond in &mut mol.bonds {
        bond.aromatic = false;
    }
    for index in 0..mol.atoms.len() {
        let atom = &mut mol.atoms[index];
        if !atom.aromatic {
            continue;
        }
        if !atom.ring {
            return Err(Refusal::Kekule);
        }
        atom.aromatic = false;
        if matches!(atom.element, 7 | 15) && atom.charge == 0 && atom.explicit_h == 1 {
            (atom.bracket, atom.explicit_h) = (false, 0);
            refresh_atom(mol, index);
        }
    }
    Ok(())
}
