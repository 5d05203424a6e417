//! From a SMILES to atoms and bonds on paper. The only file that knows `chematic`.

use chematic_core::{AtomIdx, BondOrder, Element, Molecule, MoleculeBuilder, implicit_hcount};
use chematic_perception::{find_sssr, kekulize_inplace};

use super::{Atom, Bond, Figure, Point, Stroke, stereo};

/// Room between the parts of a salt, letters included.
const APART: f64 = 58.0;

/// The structure on paper; none if it is not a SMILES, or too large.
pub fn figure(text: &str) -> Option<Figure> {
    let mut mol = chematic_smiles::parse(text).ok()?;
    if !super::is_drawable(mol.atom_count(), mol.bond_count()) {
        return None;
    }
    // Hydrogens follow from the aromatic form, bonds are drawn in the other.
    let hydrogens: Vec<u8> = mol.atoms().map(|(index, _)| implicit_hcount(&mol, index)).collect();
    kekulize_inplace(&mut mol).ok()?;
    let mut at = compute(&mol)?;
    let mut is_flat = stereo::turn_double_bonds(&mol, &mut at);
    arrange(&mol, &mut at);
    let wedges = stereo::wedges(&mol, &at, &hydrogens);
    is_flat |= wedges.is_flat;
    let rings = find_sssr(&mol);
    let mut drawn: Vec<Bond> = mol
        .bonds()
        .map(|(_, bond)| Bond {
            ends: [bond.atom1.0 as usize, bond.atom2.0 as usize],
            stroke: stroke(bond.order),
            ring: centre(rings.rings(), bond.atom1, bond.atom2, &at),
        })
        .collect();
    for (bond, from, stroke) in wedges.bonds {
        let Bond { ends, .. } = drawn[bond];
        let to = if ends[0] == from { ends[1] } else { ends[0] };
        drawn[bond] = Bond { ends: [from, to], stroke, ring: None };
    }
    let atoms = mol.atoms().zip(hydrogens).zip(at).map(|(((index, atom), hydrogens), at)| Atom {
        at,
        element: if atom.wildcard { 0 } else { atom.element.atomic_number() },
        symbol: if atom.wildcard { "*" } else { atom.element.symbol() },
        hydrogens,
        charge: atom.charge,
        isotope: atom.isotope,
        degree: mol.degree(index),
    });
    Some(Figure { atoms: atoms.collect(), bonds: drawn, is_flat })
}

/// Places for atoms (their symbols; `*` for a dummy) and bonds that are not aromatic; none if there is no good layout.
pub fn places(atoms: &[&str], bonds: &[([usize; 2], Stroke)]) -> Option<Vec<Point>> {
    let mut builder = MoleculeBuilder::with_capacity(atoms.len(), bonds.len());
    for symbol in atoms {
        let mut atom = chematic_core::Atom::new(Element::from_symbol(symbol).unwrap_or(Element::C));
        atom.wildcard = *symbol == "*";
        builder.add_atom(atom);
    }
    for ([a, b], stroke) in bonds {
        let order = match stroke {
            Stroke::Double => BondOrder::Double,
            Stroke::Triple => BondOrder::Triple,
            _ => BondOrder::Single,
        };
        builder.add_bond(AtomIdx(*a as u32), AtomIdx(*b as u32), order).ok()?;
    }
    let mol = builder.build();
    let mut at = compute(&mol)?;
    arrange(&mol, &mut at);
    Some(at)
}

/// Where `chematic` puts the atoms.
fn compute(mol: &Molecule) -> Option<Vec<Point>> {
    let placed = chematic_depict::compute_layout(mol);
    let at: Vec<Point> = mol.atoms().map(|(index, _)| placed.get(index)).map(|p| (p.x, p.y)).collect();
    at.iter().all(|p| p.0.is_finite() && p.1.is_finite()).then_some(at)
}

/// Turns one part so that it fits, and puts several side by side.
fn arrange(mol: &Molecule, at: &mut [Point]) {
    let parts = parts(mol);
    match parts.as_slice() {
        [_] => turn_to_fit(at),
        _ => side_by_side(&parts, at),
    }
}

fn stroke(order: BondOrder) -> Stroke {
    match order {
        // `/` and `\` are single bonds; which side they are on is in the layout.
        BondOrder::Single | BondOrder::Up | BondOrder::Down => Stroke::Single,
        BondOrder::Double => Stroke::Double,
        BondOrder::Triple | BondOrder::Quadruple => Stroke::Triple,
        _ => Stroke::Dashed,
    }
}

/// The centre of the smallest ring with the bond from `a` to `b`.
fn centre(rings: &[Vec<AtomIdx>], a: AtomIdx, b: AtomIdx, at: &[Point]) -> Option<Point> {
    let ring = rings.iter().filter(|ring| ring.contains(&a) && ring.contains(&b)).min_by_key(|ring| ring.len())?;
    let sum = ring.iter().map(|i| at[i.0 as usize]).fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
    let n = ring.len() as f64;
    Some((sum.0 / n, sum.1 / n))
}

/// Turns everything by the multiple of 30° with which it fits best into a lying rectangle.
fn turn_to_fit(at: &mut [Point]) {
    let turned = |p: &Point, by: f64| (p.0 * by.cos() - p.1 * by.sin(), p.0 * by.sin() + p.1 * by.cos());
    let size = |by: f64| {
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for p in at.iter().map(|p| turned(p, by)) {
            low = (low.0.min(p.0), low.1.min(p.1));
            high = (high.0.max(p.0), high.1.max(p.1));
        }
        ((high.0 - low.0) / super::ink::SIZE.0).max((high.1 - low.1) / super::ink::SIZE.1)
    };
    let angle = |i: i32| f64::from(i) * std::f64::consts::FRAC_PI_6;
    let mut best = (0, size(0.0));
    for i in -2..=3 {
        let size = size(angle(i));
        // Nothing is turned for next to nothing.
        if size < best.1 * 0.93 {
            best = (i, size);
        }
    }
    if best.0 != 0 {
        at.iter_mut().for_each(|p| *p = turned(p, angle(best.0)));
    }
}

/// The atoms of each connected part, in the order in which they were written.
fn parts(mol: &Molecule) -> Vec<Vec<usize>> {
    let mut seen = vec![false; mol.atom_count()];
    let mut parts = Vec::new();
    for (first, _) in mol.atoms() {
        if std::mem::replace(&mut seen[first.0 as usize], true) {
            continue;
        }
        let (mut part, mut rest) = (Vec::new(), vec![first]);
        while let Some(atom) = rest.pop() {
            part.push(atom.0 as usize);
            let next = mol.neighbors(atom).map(|(next, _)| next);
            rest.extend(next.filter(|next| !std::mem::replace(&mut seen[next.0 as usize], true)));
        }
        parts.push(part);
    }
    parts
}

/// Puts the parts into rows, one beside the other, so that none lies over another.
fn side_by_side(parts: &[Vec<usize>], at: &mut [Point]) {
    let boxes: Vec<(Point, Point)> = parts
        .iter()
        .map(|part| {
            let points = || part.iter().map(|i| at[*i]);
            let low = points().fold((f64::MAX, f64::MAX), |l, p| (l.0.min(p.0), l.1.min(p.1)));
            let high = points().fold((f64::MIN, f64::MIN), |h, p| (h.0.max(p.0), h.1.max(p.1)));
            (low, (high.0 - low.0, high.1 - low.1))
        })
        .collect();
    let area: f64 = boxes.iter().map(|(_, size)| (size.0 + APART) * (size.1 + APART)).sum();
    let wide = (area * super::ink::SIZE.0 / super::ink::SIZE.1).sqrt().max(super::ink::SIZE.0 - APART);
    let mut corner = (0.0, 0.0);
    let mut tall: f64 = 0.0;
    for (part, (low, size)) in parts.iter().zip(&boxes) {
        if corner.0 > 0.0 && corner.0 + size.0 > wide {
            corner = (0.0, corner.1 + tall + APART);
            tall = 0.0;
        }
        for i in part {
            at[*i] = (at[*i].0 - low.0 + corner.0, at[*i].1 - low.1 + corner.1);
        }
        corner.0 += size.0 + APART;
        tall = tall.max(size.1);
    }
}

/// Whether the bond between `a` and `b` is on no ring: without it, `b` cannot be reached from `a`.
/// If so, all that is on the side of `b`.
pub fn side_of(mol: &Molecule, a: AtomIdx, b: AtomIdx) -> Option<Vec<AtomIdx>> {
    let (mut seen, mut rest) = (vec![false; mol.atom_count()], vec![b]);
    seen[b.0 as usize] = true;
    let mut side = Vec::new();
    while let Some(atom) = rest.pop() {
        side.push(atom);
        for (next, _) in mol.neighbors(atom) {
            if atom == b && next == a {
                continue;
            }
            if next == a {
                return None;
            }
            if !std::mem::replace(&mut seen[next.0 as usize], true) {
                rest.push(next);
            }
        }
    }
    Some(side)
}
