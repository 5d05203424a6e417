//! Topological polar surface area: nitrogen and oxygen only, sulphur and phosphorus left out.
//!
//! Fragment contributions of Ertl, Rohde and Selzer, Journal of Medicinal Chemistry 43 (2000) 3714,
//! table 1; what is not in the table is estimated from the number of neighbours and hydrogens.

use super::{Mol, Order};

/// The bonds of one atom, counted.
#[derive(Clone, Copy, Debug, Default)]
struct Surroundings {
    /// Neighbours that are not hydrogen.
    heavy: u8,
    hydrogens: u8,
    charge: i8,
    single: u8,
    double: u8,
    triple: u8,
    aromatic: u8,
    three_ring: bool,
}

/// The polar surface area in Å², summed in the order of the atoms.
pub fn polar_surface(mol: &Mol) -> f64 {
    let polar = |i: &usize| matches!(mol.atoms[*i].element, 7 | 8);
    (0..mol.atoms.len()).filter(polar).fold(0.0, |sum, index| {
        let around = surroundings(mol, index);
        sum + if mol.atoms[index].element == 7 { nitrogen(around) } else { oxygen(around) }
    })
}

fn surroundings(mol: &Mol, index: usize) -> Surroundings {
    let atom = &mol.atoms[index];
    let mut around = Surroundings { hydrogens: atom.hydrogens(), charge: atom.charge, ..Surroundings::default() };
    for (other, bond) in mol.around(index) {
        if mol.atoms[other].element == 1 {
            around.hydrogens += 1;
            continue;
        }
        around.heavy += 1;
        match bond.order {
            _ if bond.aromatic => around.aromatic += 1,
            Order::Single => around.single += 1,
            Order::Double => around.double += 1,
            Order::Triple => around.triple += 1,
            _ => {}
        }
    }
    let three = mol.rings.iter().take_while(|r| r.atoms.len() == 3);
    around.three_ring = atom.ring && three.clone().any(|r| r.atoms.contains(&(index as u16)));
    around
}

fn nitrogen(n: Surroundings) -> f64 {
    let known = match (n.heavy, n.hydrogens, n.charge) {
        (1, 0, 0) if n.triple == 1 => Some(23.79),
        (1, 1, 0) if n.double == 1 => Some(23.85),
        (1, 2, 0) if n.single == 1 => Some(26.02),
        (1, 2, 1) if n.double == 1 => Some(25.59),
        (1, 3, 1) if n.single == 1 => Some(27.64),
        (2, 0, 0) if n.single == 1 && n.double == 1 => Some(12.36),
        (2, 0, 0) if n.triple == 1 && n.double == 1 => Some(13.60),
        (2, 1, 0) if n.single == 2 => Some(if n.three_ring { 21.94 } else { 12.03 }),
        (2, 0, 1) if n.triple == 1 && n.single == 1 => Some(4.36),
        (2, 1, 1) if n.double == 1 && n.single == 1 => Some(13.97),
        (2, 2, 1) if n.single == 2 => Some(16.61),
        (2, 0, 0) if n.aromatic == 2 => Some(12.89),
        (2, 1, 0) if n.aromatic == 2 => Some(15.79),
        (2, 1, 1) if n.aromatic == 2 => Some(14.14),
        (3, 0, 0) if n.single == 3 => Some(if n.three_ring { 3.01 } else { 3.24 }),
        (3, 0, 0) if n.single == 1 && n.double == 2 => Some(11.68),
        (3, 0, 1) if n.single == 2 && n.double == 1 => Some(3.01),
        (3, 1, 1) if n.single == 3 => Some(4.44),
        (3, 0, 0) if n.aromatic == 3 => Some(4.41),
        (3, 0, 0) if n.single == 1 && n.aromatic == 2 => Some(4.93),
        (3, 0, 0) if n.double == 1 && n.aromatic == 2 => Some(8.39),
        (3, 0, 1) if n.aromatic == 3 => Some(4.10),
        (3, 0, 1) if n.single == 1 && n.aromatic == 2 => Some(3.88),
        (4, 0, 1) if n.single == 4 => Some(0.0),
        _ => None,
    };
    known.unwrap_or_else(|| estimate(30.5, 8.2, n))
}

fn oxygen(o: Surroundings) -> f64 {
    let known = match (o.heavy, o.hydrogens, o.charge) {
        (1, 0, 0) if o.double == 1 => Some(17.07),
        (1, 1, 0) if o.single == 1 => Some(20.23),
        (1, 0, -1) if o.single == 1 => Some(23.06),
        (2, 0, 0) if o.single == 2 => Some(if o.three_ring { 12.53 } else { 9.23 }),
        (2, 0, 0) if o.aromatic == 2 => Some(13.14),
        _ => None,
    };
    known.unwrap_or_else(|| estimate(28.5, 8.6, o))
}

/// A bare atom's surface, less for each neighbour and a little more for each hydrogen.
fn estimate(bare: f64, covered: f64, around: Surroundings) -> f64 {
    let surface = bare - f64::from(around.heavy) * covered + f64::from(around.hydrogens) * 1.5;
    surface.max(0.0)
}
