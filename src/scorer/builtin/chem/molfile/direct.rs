//! The hydrogens that say on which side of a double bond they are, and so stay atoms.

use super::Mark;
use crate::scorer::builtin::chem::{Mol, Order};

/// Two directions whose cosine is below this (two degrees from the opposite) are in one line.
const STRAIGHT: f64 = -0.999_388;

/// Marks the bonds of hydrogens that alone, at their end, direct a double bond: those of imines whose places are given.
pub(super) fn hydrogens(mol: &mut Mol, at: &[[f64; 3]], marks: &[Mark]) {
    let directed: Vec<usize> = (0..mol.bonds.len()).filter(|index| directs(mol, at, marks, *index)).collect();
    directed.into_iter().for_each(|index| mol.bonds[index].directed = true);
}

fn directs(mol: &Mol, at: &[[f64; 3]], marks: &[Mark], index: usize) -> bool {
    let (begin, end) = (usize::from(mol.bonds[index].begin), usize::from(mol.bonds[index].end));
    let carrier = match (mol.atoms[begin].element, mol.atoms[end].element) {
        (1, 1) => return false,
        (1, _) => end,
        (_, 1) => begin,
        _ => return false,
    };
    if mol.bonds[index].order != Order::Single || mol.degree(carrier) != 2 || marks[index] == Mark::Either {
        return false;
    }
    let double = mol.links(carrier).iter().map(|link| usize::from(link.bond)).find(|bond| *bond != index);
    let Some(double) = double.filter(|bond| mol.bonds[*bond].order == Order::Double && marks[*bond] != Mark::Either)
    else {
        return false;
    };
    let far = mol.bonds[double].other(carrier);
    let turned = |other: usize, near: usize, across: usize| !is_straight(at[other], at[near], at[across]);
    let across = mol.links(far).iter().filter(|link| usize::from(link.bond) != double);
    let mut sides = across.filter(|link| mol.bonds[usize::from(link.bond)].plain());
    turned(mol.bonds[index].other(carrier), carrier, far)
        && sides.any(|link| turned(usize::from(link.atom), far, carrier))
}

/// Whether `one` and `other` lie in one line on both sides of `middle`, or nothing can be said because places are the same.
fn is_straight(one: [f64; 3], middle: [f64; 3], other: [f64; 3]) -> bool {
    let from = |end: [f64; 3]| [end[0] - middle[0], end[1] - middle[1], end[2] - middle[2]];
    let dot = |p: [f64; 3], q: [f64; 3]| p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
    let (first, second) = (from(one), from(other));
    let lengths = dot(first, first) * dot(second, second);
    lengths < 1e-6 || dot(first, second) / lengths.sqrt() < STRAIGHT
}
