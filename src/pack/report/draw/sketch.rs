//! From a molblock to atoms and bonds on paper: its own places where they are those of a drawing, else new ones.

use super::{Atom, Bond, Figure, Point, Stroke, layout};
use crate::scorer::builtin::chem::molfile::{self, Mark, Sketch};
use crate::scorer::builtin::chem::{Mol, Order, element};

/// The length of a bond on paper.
const BOND: f64 = 40.0;

/// Atoms of a drawing are further from each other than this share of a bond.
const APART: f64 = 0.3;

/// The molblock on paper; none if it is not one that is read here, or too large.
pub fn figure(text: &str) -> Option<Figure> {
    let sketch = molfile::read(text.as_bytes()).ok()?.sketch().ok()?;
    if !super::is_drawable(sketch.mol.atoms.len(), sketch.mol.bonds.len()) {
        return None;
    }
    let has_marks = sketch.marks.iter().any(|(mark, _)| matches!(mark, Mark::Wedge | Mark::Hash));
    let own = own_places(&sketch).filter(|at| has_marks || !hides_corners(&sketch.mol, at));
    let is_flat = own.is_none() && (has_marks || (is_in_space(&sketch) && may_be_stereo(&sketch.mol)));
    let is_own = own.is_some();
    let at = match own {
        Some(at) => at,
        None => new_places(&sketch.mol)?,
    };
    let bonds = (0..sketch.mol.bonds.len()).map(|index| bond(&sketch, index, &at, is_own)).collect();
    Some(Figure { atoms: atoms(&sketch.mol, &at), bonds, is_flat })
}

fn atoms(mol: &Mol, at: &[Point]) -> Vec<Atom> {
    let atom = |(index, at): (usize, &Point)| {
        let atom = &mol.atoms[index];
        Atom {
            at: *at,
            element: atom.element,
            symbol: element::of(atom.element).symbol,
            hydrogens: atom.hydrogens(),
            charge: atom.charge,
            isotope: (atom.isotope > 0).then_some(atom.isotope),
            degree: mol.degree(index),
        }
    };
    at.iter().enumerate().map(atom).collect()
}

/// The bond `index`; its mark is drawn where the places are those that it was made for.
fn bond(sketch: &Sketch, index: usize, at: &[Point], is_own: bool) -> Bond {
    let bond = &sketch.mol.bonds[index];
    let ends = [usize::from(bond.begin), usize::from(bond.end)];
    let (mark, start) = sketch.marks[index];
    let marked = match mark {
        Mark::Wedge if is_own => Some(Stroke::Wedge),
        Mark::Hash if is_own => Some(Stroke::Hash),
        _ => None,
    };
    if let Some(stroke) = marked.filter(|_| bond.kekule == Order::Single) {
        let start = usize::from(start);
        return Bond { ends: [start, bond.other(start)], stroke, ring: None };
    }
    let rings = sketch.mol.rings.iter().filter(|ring| ring.bonds.iter().any(|of| usize::from(*of) == index));
    let ring = rings.min_by_key(|ring| ring.atoms.len()).map(|ring| {
        let sum = ring.atoms.iter().map(|i| at[usize::from(*i)]).fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        let n = ring.atoms.len() as f64;
        (sum.0 / n, sum.1 / n)
    });
    Bond { ends, stroke: stroke(bond.kekule), ring }
}

fn stroke(order: Order) -> Stroke {
    match order {
        Order::Single => Stroke::Single,
        Order::Double => Stroke::Double,
        Order::Triple | Order::Quadruple => Stroke::Triple,
        Order::Aromatic | Order::Dative => Stroke::Dashed,
    }
}

/// The places in the molblock, scaled to [`BOND`]; none unless they are those of a drawing: flat, and no atom near another.
fn own_places(sketch: &Sketch) -> Option<Vec<Point>> {
    if is_in_space(sketch) {
        return None;
    }
    let distance = |a: usize, b: usize| (sketch.at[a][0] - sketch.at[b][0]).hypot(sketch.at[a][1] - sketch.at[b][1]);
    let bonds = sketch.mol.bonds.iter();
    let mut lengths: Vec<f64> = bonds.map(|bond| distance(bond.begin.into(), bond.end.into())).collect();
    lengths.sort_by(f64::total_cmp);
    // Where there is no bond, ångström are as good as anything.
    let unit = lengths.get(lengths.len() / 2).copied().unwrap_or(1.5);
    let count = sketch.at.len();
    let is_near = |a: usize| (0..a).any(|b| distance(a, b) < APART * unit);
    if unit < 1e-3 || lengths.last().is_some_and(|longest| *longest > 8.0 * unit) || (0..count).any(is_near) {
        return None;
    }
    // On paper y grows downwards.
    let scale = BOND / unit;
    Some(sketch.at.iter().map(|p| (p[0] * scale, -p[1] * scale)).collect())
}

/// Whether a chain is a straight line, its corners unseen: so it is where hydrogens were drawn, which are folded in here.
fn hides_corners(mol: &Mol, at: &[Point]) -> bool {
    let hides = |atom: usize| {
        let mut ends = mol.around(atom).filter(|(_, bond)| bond.kekule == Order::Single).map(|(other, _)| other);
        let (Some(a), Some(b), 2) = (ends.next(), ends.next(), mol.degree(atom)) else { return false };
        let from = |end: usize| (at[end].0 - at[atom].0, at[end].1 - at[atom].1);
        let (p, q) = (from(a), from(b));
        // More than 170 degrees.
        p.0 * q.0 + p.1 * q.1 < -0.985 * p.0.hypot(p.1) * q.0.hypot(q.1)
    };
    (0..mol.atoms.len()).any(hides)
}

fn is_in_space(sketch: &Sketch) -> bool {
    sketch.at.iter().any(|p| p[2] != 0.0)
}

fn new_places(mol: &Mol) -> Option<Vec<Point>> {
    let symbols: Vec<&str> = mol.atoms.iter().map(|atom| element::of(atom.element).symbol).collect();
    let bonds: Vec<([usize; 2], Stroke)> =
        mol.bonds.iter().map(|bond| ([usize::from(bond.begin), usize::from(bond.end)], stroke(bond.kekule))).collect();
    layout::places(&symbols, &bonds)
}

/// Whether an atom with four neighbours, three of them heavy at least, or a double bond off rings with something on both
/// ends, could have a form that its mirror image or turn has not.
fn may_be_stereo(mol: &Mol) -> bool {
    let leaves = |atom: usize| {
        let ends = mol.around(atom).map(|(other, _)| other).filter(|other| mol.degree(*other) == 1);
        let mut ends: Vec<(u8, u8)> = ends.map(|i| (mol.atoms[i].element, mol.atoms[i].hydrogens())).collect();
        ends.sort_unstable();
        ends
    };
    let has_twins = |atom: usize| leaves(atom).windows(2).any(|pair| pair[0] == pair[1]);
    let centre = |atom: usize| {
        mol.degree(atom) >= 3
            && mol.total_degree(atom) == 4
            && mol.atoms[atom].hydrogens() <= 1
            && mol.around(atom).all(|(_, bond)| bond.kekule == Order::Single)
            && !has_twins(atom)
    };
    let turns = |end: u16| {
        let end = usize::from(end);
        mol.degree(end) > 1 && mol.atoms[end].hydrogens() <= 1 && !has_twins(end)
    };
    let double = |bond: &crate::scorer::builtin::chem::Bond| {
        bond.kekule == Order::Double && !bond.ring && turns(bond.begin) && turns(bond.end)
    };
    (0..mol.atoms.len()).any(centre) || mol.bonds.iter().any(double)
}
