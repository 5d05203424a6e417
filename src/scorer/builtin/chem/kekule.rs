//! Writes aromatic ring systems with alternating single and double bonds.
//!
//! Which atoms need a double bond follows from their valences (RDKit's rules); whether all can have
//! one is a question of matching (`matching`), answered exactly and not by a bounded search.

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
    let mut needs = vec![Need::Outside; mol.atoms.len()];
    let mut to_single = Vec::new();
    for &atom in &component.atoms {
        let atom = usize::from(atom);
        needs[atom] = if mol.atoms[atom].element == 0 && dummy_is_open(mol, component, atom) {
            Need::Optional
        } else {
            need(mol, atom)
        };
        let aromatic =
            |bond: &super::Bond| bond.aromatic && matches!(bond.order, Order::Single | Order::Double | Order::Aromatic);
        if needs[atom] != Need::Outside {
            to_single.extend(mol.links(atom).iter().map(|l| usize::from(l.bond)).filter(|b| aromatic(&mol.bonds[*b])));
        }
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

/// Whether a dummy atom may have a double bond: one of its rings is aromatic all around it, and one
/// has an aromatic atom that is in no other ring.
fn dummy_is_open(mol: &Mol, component: &Component, index: usize) -> bool {
    let mut counts = vec![0_u16; mol.atoms.len()];
    for ring in &mol.rings {
        ring.atoms.iter().for_each(|a| counts[usize::from(*a)] += 1);
    }
    let closed = mol.around(index).filter(|(other, _)| {
        let atom = &mol.atoms[*other];
        atom.element != 0 && !atom.aromatic && component.atoms.binary_search(&(*other as u16)).is_ok()
    });
    let candidate = |a: &u16| counts[usize::from(*a)] == 1 && mol.touches_aromatic(usize::from(*a));
    let mut own = mol.rings.iter().filter(|r| r.atoms.contains(&(index as u16)));
    closed.count() < usize::from(counts[index]) && own.any(|ring| ring.atoms.iter().any(candidate))
}

/// Whether the atom needs a double bond.
fn need(mol: &Mol, index: usize) -> Need {
    let atom = &mol.atoms[index];
    if atom.element != 0 && !mol.touches_aromatic(index) {
        return Need::Outside;
    }
    let (mut bonds, mut ignored) = (0, 0);
    for (_, bond) in mol.around(index) {
        if bond.aromatic && matches!(bond.order, Order::Single | Order::Double | Order::Aromatic) {
            bonds += 1;
        } else {
            let whole = (bond.halves(index) + 1) / 2;
            bonds += whole;
            ignored += i32::from(whole == 0);
        }
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
