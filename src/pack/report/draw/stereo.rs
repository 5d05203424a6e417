//! Stereochemistry on paper: wedges at tetrahedral centres, and the sides of double bonds.
//!
//! In a SMILES, `@` means that, seen from the first neighbour, the others follow each other
//! counterclockwise; `/` and `\` say on which side of a double bond a neighbour is (OpenSMILES 3.9).

use chematic_core::{AtomIdx, BondIdx, BondOrder, Chirality, Molecule, STEREO_H_SENTINEL};

use super::{Point, Stroke, layout};

/// How far a wedged neighbour is in front of the paper, in bond lengths; any positive number does.
const HEIGHT: f64 = 1.0;

/// What is to be drawn as wedges.
pub struct Wedges {
    /// The bond, the atom at its narrow end, and which of the two kinds.
    pub bonds: Vec<(usize, usize, Stroke)>,
    /// Whether a centre is left without.
    pub is_flat: bool,
}

/// Chooses a bond at every tetrahedral centre.
pub fn wedges(mol: &Molecule, at: &[Point], hydrogens: &[u8]) -> Wedges {
    let mut found = Wedges { bonds: Vec::new(), is_flat: false };
    let centres: Vec<bool> = mol.atoms().map(|(_, atom)| atom.chirality != Chirality::None).collect();
    for (index, atom) in mol.atoms() {
        let is_left = match atom.chirality {
            Chirality::None => continue,
            Chirality::CounterClockwise => true,
            Chirality::Clockwise => false,
            _ => {
                found.is_flat = true;
                continue;
            }
        };
        let taken: Vec<usize> = found.bonds.iter().map(|(bond, ..)| *bond).collect();
        match wedge(mol, at, index, is_left, &centres, &taken, hydrogens[index.0 as usize]) {
            Some((bond, stroke)) => found.bonds.push((bond.0 as usize, index.0 as usize, stroke)),
            None => found.is_flat = true,
        }
    }
    found
}

/// The bond of `centre` that is wedged, and how.
fn wedge(
    mol: &Molecule,
    at: &[Point],
    centre: AtomIdx,
    is_left: bool,
    centres: &[bool],
    taken: &[usize],
    hydrogens: u8,
) -> Option<(BondIdx, Stroke)> {
    let mut order = mol.stereo_neighbor_order(centre)?.to_vec();
    if order.len() == 3 {
        // A lone pair (of a sulfoxide) comes last, for RDKit; second is the same sense.
        order.insert(1, STEREO_H_SENTINEL);
    }
    let bonded = mol.neighbors(centre).count();
    if order.len() != 4 || bonded < 3 || bonded + usize::from(hydrogens.min(1)) > 4 {
        return None;
    }
    let mut best: Option<(i32, BondIdx, Stroke)> = None;
    for (neighbour, bond) in mol.neighbors(centre) {
        if mol.bond(bond).order != BondOrder::Single || taken.contains(&(bond.0 as usize)) {
            continue;
        }
        let volume = volume(&order, at, centre, neighbour)?;
        if volume.abs() < 0.15 {
            continue;
        }
        // On paper y grows downwards, which turns the sign.
        let stroke = if (volume > 0.0) == is_left { Stroke::Wedge } else { Stroke::Hash };
        let in_ring = layout::side_of(mol, centre, neighbour).is_none();
        let dislike = 4 * i32::from(centres[neighbour.0 as usize])
            + 2 * i32::from(in_ring)
            + i32::from(mol.degree(neighbour) > 1);
        if best.is_none_or(|(least, ..)| dislike < least) {
            best = Some((dislike, bond, stroke));
        }
    }
    best.map(|(_, bond, stroke)| (bond, stroke))
}

/// The volume that the neighbours of `centre` span in `order`, `raised` being in front of the paper.
fn volume(order: &[u32], at: &[Point], centre: AtomIdx, raised: AtomIdx) -> Option<f64> {
    let origin = at.get(centre.0 as usize)?;
    let place = |index: &u32| {
        let p = at.get(*index as usize)?;
        let (x, y) = (p.0 - origin.0, p.1 - origin.1);
        let length = x.hypot(y).max(1e-9);
        Some([x / length, y / length, if *index == raised.0 { HEIGHT } else { 0.0 }])
    };
    if let Some(hydrogen) = order.iter().position(|index| *index == STEREO_H_SENTINEL) {
        // Seen from the hydrogen, which is where the others are not; each place that it moves up turns the sign.
        let mut real = order.iter().filter(|index| **index != STEREO_H_SENTINEL).map(place);
        let volume = determinant(real.next()??, real.next()??, real.next()??);
        return Some(if hydrogen % 2 == 0 { volume } else { -volume });
    }
    let [first, a, b, c] = [place(&order[0])?, place(&order[1])?, place(&order[2])?, place(&order[3])?];
    let from = |p: [f64; 3]| [p[0] - first[0], p[1] - first[1], p[2] - first[2]];
    Some(determinant(from(a), from(b), from(c)))
}

fn determinant(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// Mirrors one side of each double bond whose neighbours are on the wrong sides; whether some could not be.
pub fn turn_double_bonds(mol: &Molecule, at: &mut [Point]) -> bool {
    let mut is_flat = false;
    for (_, bond) in mol.bonds().filter(|(_, bond)| bond.order == BondOrder::Double) {
        let (near, far) = (bond.atom1, bond.atom2);
        let marks = (marked(mol, near, far), marked(mol, far, near));
        let (Some((left, left_up)), Some((right, right_up))) = marks else { continue };
        let (p, q) = (at[near.0 as usize], at[far.0 as usize]);
        let side = |atom: AtomIdx, at: &[Point]| {
            let (x, y) = at[atom.0 as usize];
            (q.0 - p.0) * (y - p.1) - (q.1 - p.1) * (x - p.0)
        };
        let wanted_same = left_up == right_up;
        if (side(left, at) * side(right, at) > 0.0) == wanted_same {
            continue;
        }
        let Some(moved) = layout::side_of(mol, near, far) else {
            is_flat = true;
            continue;
        };
        moved.iter().for_each(|atom| mirror(&mut at[atom.0 as usize], p, q));
    }
    is_flat
}

/// Moves `at` to the other side of the line through `p` and `q`.
fn mirror(at: &mut Point, p: Point, q: Point) {
    let (x, y) = (q.0 - p.0, q.1 - p.1);
    let along = ((at.0 - p.0) * x + (at.1 - p.1) * y) / (x * x + y * y).max(1e-9);
    *at = (2.0 * (p.0 + along * x) - at.0, 2.0 * (p.1 + along * y) - at.1);
}

/// A neighbour of `atom`, other than `across`, whose bond has a direction: the neighbour, and whether it is above.
fn marked(mol: &Molecule, atom: AtomIdx, across: AtomIdx) -> Option<(AtomIdx, bool)> {
    mol.neighbors(atom).filter(|(next, _)| *next != across).find_map(|(next, bond)| {
        let entry = mol.bond(bond);
        let direction = mol.bond_direction(bond).unwrap_or(entry.order);
        let goes_up = match direction {
            BondOrder::Up => true,
            BondOrder::Down => false,
            _ => return None,
        };
        // `/` goes up from the first atom to the second: the second is above the first.
        Some((next, goes_up == (entry.atom1 == atom)))
    })
}
