//! Perceives aromaticity, by RDKit's model, from alternating bonds.
//!
//! A ring whose atoms all have a p orbital to share is aromatic if its electrons can number 4n + 2.
//! Rings that share exactly one bond are also tried together, two to six at a time; the bonds at
//! the rim of such a system become aromatic, those inside keep their order.

use super::element::{self, more_electronegative};
use super::limits::FUSED_SETS_MAX;
use super::{Mol, Order, Refusal};

/// How many electrons an atom gives to an aromatic ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gift {
    /// None: it has no orbital to share.
    Nothing,
    /// An empty orbital.
    Vacant,
    One,
    Two,
    /// A dummy atom: one or two.
    Any,
}

/// Rings with more bonds than this are not fused with others.
const FUSED_SIZE_MAX: usize = 24;

/// Rings tried together.
const FUSED_RINGS_MAX: usize = 6;

/// In larger systems than this only pairs are tried.
const SYSTEM_RINGS_MAX: usize = 300;

/// Marks the aromatic atoms and bonds.
///
/// # Errors
/// [`Refusal::TooComplex`].
pub fn perceive(mol: &mut Mol) -> Result<(), Refusal> {
    if mol.rings.is_empty() {
        return Ok(());
    }
    let (gifts, candidates) = survey(mol);
    let mut fusion = Fusion::new(mol, &gifts, candidates);
    let mut rim = Vec::new();
    fusion.perceive(&mut rim)?;
    for index in rim {
        let bond = &mut mol.bonds[index];
        bond.aromatic = true;
        if matches!(bond.order, Order::Single | Order::Double) {
            bond.order = Order::Aromatic;
            for atom in [bond.begin, bond.end] {
                mol.atoms[usize::from(atom)].aromatic = true;
            }
        }
    }
    Ok(())
}

/// What each ring atom gives, and the rings all of whose atoms take part.
fn survey(mol: &Mol) -> (Vec<Gift>, Vec<usize>) {
    let mut known: Vec<Option<(Gift, bool)>> = vec![None; mol.atoms.len()];
    let mut candidates = Vec::new();
    for (index, ring) in mol.rings.iter().enumerate() {
        let (mut all, mut dummies) = (true, true);
        for &atom in &ring.atoms {
            let atom = usize::from(atom);
            dummies &= mol.atoms[atom].element == 0;
            let (_, takes_part) = *known[atom].get_or_insert_with(|| {
                let gift = gift_in_ring(mol, atom, ring.atoms.len());
                (gift, takes_part(mol, atom, gift))
            });
            all &= takes_part;
        }
        if all && !dummies {
            candidates.push(index);
        }
    }
    (known.into_iter().map(|k| k.map_or(Gift::Nothing, |(gift, _)| gift)).collect(), candidates)
}

/// What the atom gives to a ring of `size`: the ether oxygens and thioether sulphurs of macrocycles
/// are bridges, not donors.
fn gift_in_ring(mol: &Mol, index: usize, size: usize) -> Gift {
    let (gift, atom) = (gift(mol, index), &mol.atoms[index]);
    let bridge = gift == Gift::Two
        && size >= 9
        && matches!(atom.element, 8 | 16)
        && mol.degree(index) == 2
        && atom.charge == 0
        && !mol.around(index).any(|(_, b)| matches!(b.order, Order::Double | Order::Triple));
    if bridge { Gift::Nothing } else { gift }
}

/// The neighbour at the end of the first multiple bond that is (`ring`) or is not in a ring.
fn multiple(mol: &Mol, index: usize, ring: bool) -> Option<usize> {
    mol.around(index).find(|(_, bond)| bond.ring == ring && bond.halves(index) >= 4).map(|(other, _)| other)
}

fn gift(mol: &Mol, index: usize) -> Gift {
    let atom = &mol.atoms[index];
    if atom.element == 0 {
        return if multiple(mol, index, true).is_some() { Gift::One } else { Gift::Any };
    }
    let electrons = shared_electrons(mol, index);
    let outside = multiple(mol, index, false);
    let drawn = outside.is_some_and(|other| more_electronegative(mol.atoms[other].element, atom.element));
    match (electrons, outside) {
        (0, Some(_)) => Gift::Vacant,
        (0, None) if multiple(mol, index, true).is_some() => Gift::One,
        (1, Some(_)) if drawn => Gift::Vacant,
        (1, Some(_)) => Gift::One,
        (1, None) if unsaturated(mol, index) => Gift::One,
        (1, None) if atom.charge == 1 => Gift::Vacant,
        (..=1, _) => Gift::Nothing,
        (more, _) if (more - i32::from(drawn)) % 2 == 1 => Gift::One,
        _ => Gift::Two,
    }
}

/// Whether the atom has any bond of an order above one.
fn unsaturated(mol: &Mol, index: usize) -> bool {
    let atom = &mol.atoms[index];
    let idle = mol.around(index).filter(|(_, b)| b.halves(index) == 0).count();
    let singles = mol.degree(index) + usize::from(atom.explicit_h) - idle;
    i32::from(atom.explicit_valence) != singles as i32
}

/// Electrons that the atom could share with a π system; negative if it has no place for one.
fn shared_electrons(mol: &Mol, index: usize) -> i32 {
    let atom = &mol.atoms[index];
    let element = element::of(atom.element);
    let default = element.default_valence();
    if default <= 1 {
        return -1;
    }
    let idle = mol.around(index).filter(|(_, b)| b.halves(index) == 0).count();
    let degree = (mol.total_degree(index) - idle) as i32;
    if degree > 3 {
        return -1;
    }
    let lone = (i32::from(element.outer) - default - i32::from(atom.charge)).max(0);
    let shared = default - degree + lone - i32::from(atom.radicals);
    let extra = i32::from(atom.explicit_valence) - mol.degree(index) as i32;
    if shared > 1 && extra > 1 { 1 } else { shared }
}

/// Whether an atom that gives `gift` can be in an aromatic ring at all.
fn takes_part(mol: &Mol, index: usize, gift: Gift) -> bool {
    let atom = &mol.atoms[index];
    if gift == Gift::Nothing || (atom.element > 18 && !matches!(atom.element, 34 | 52)) {
        return false;
    }
    let like = (i32::from(atom.element) - i32::from(atom.charge)).clamp(0, 118) as u8;
    let valence_is_default = atom.total_valence() <= element::of(like).default_valence();
    if element::of(atom.element).default_valence() > 0 && !valence_is_default {
        return false;
    }
    if atom.radicals > 0 && (atom.element != 6 || atom.charge != 0) {
        return false;
    }
    let extra = i32::from(atom.explicit_valence) - mol.degree(index) as i32;
    let multiples = mol.around(index).filter(|(_, b)| matches!(b.order, Order::Double | Order::Triple)).count();
    extra <= 1 || multiples <= 1
}

/// The candidate rings and which of them share exactly one bond.
struct Fusion<'a> {
    mol: &'a Mol,
    gifts: &'a [Gift],
    /// Indices into `mol.rings`.
    rings: Vec<usize>,
    neighbours: Vec<Vec<usize>>,
    /// Times each atom is in the rings at hand; zero in between.
    atom_uses: Vec<u8>,
    bond_uses: Vec<u8>,
    /// Bonds of the system at hand that are aromatic by now.
    done: Vec<bool>,
    tried: usize,
}

impl<'a> Fusion<'a> {
    fn new(mol: &'a Mol, gifts: &'a [Gift], rings: Vec<usize>) -> Self {
        let mut sorted: Vec<Vec<u16>> = rings.iter().map(|r| mol.rings[*r].bonds.clone()).collect();
        for bonds in &mut sorted {
            bonds.sort_unstable();
        }
        let mut neighbours = vec![Vec::new(); rings.len()];
        for i in 0..rings.len() {
            for j in i + 1..rings.len() {
                let small = sorted[i].len() <= FUSED_SIZE_MAX && sorted[j].len() <= FUSED_SIZE_MAX;
                if small && shared(&sorted[i], &sorted[j]) == 1 {
                    neighbours[i].push(j);
                    neighbours[j].push(i);
                }
            }
        }
        let (atoms, bonds) = (mol.atoms.len(), mol.bonds.len());
        let (atom_uses, bond_uses, done) = (vec![0; atoms], vec![0; bonds], vec![false; bonds]);
        Self { mol, gifts, rings, neighbours, atom_uses, bond_uses, done, tried: 0 }
    }

    /// Appends the bonds that are aromatic.
    fn perceive(&mut self, rim: &mut Vec<usize>) -> Result<(), Refusal> {
        let mut seen = vec![false; self.rings.len()];
        for start in 0..self.rings.len() {
            if !seen[start] {
                let system = self.system(start, &mut seen);
                self.perceive_system(&system, rim)?;
            }
        }
        Ok(())
    }

    /// All rings fused with `start`, directly or not.
    fn system(&self, start: usize, seen: &mut [bool]) -> Vec<usize> {
        seen[start] = true;
        let mut system = vec![start];
        let mut at = 0;
        while let Some(&ring) = system.get(at) {
            at += 1;
            for &next in &self.neighbours[ring] {
                if !std::mem::replace(&mut seen[next], true) {
                    system.push(next);
                }
            }
        }
        system
    }

    /// Tries single rings, then pairs, and so on, until every bond of the system is aromatic.
    fn perceive_system(&mut self, system: &[usize], rim: &mut Vec<usize>) -> Result<(), Refusal> {
        let mut bonds: Vec<u16> = system.iter().flat_map(|r| self.mol.rings[self.rings[*r]].bonds.clone()).collect();
        bonds.sort_unstable();
        bonds.dedup();
        for bond in &bonds {
            self.done[usize::from(*bond)] = false;
        }
        let before = rim.len();
        let most = if system.len() > SYSTEM_RINGS_MAX { 2 } else { FUSED_RINGS_MAX.min(system.len()) };
        for size in 1..=most {
            if rim.len() - before >= bonds.len() {
                break;
            }
            for &first in system {
                self.grow(&mut vec![first], &self.later(first), size, rim)?;
            }
        }
        Ok(())
    }

    /// The neighbours of a ring that come after it.
    fn later(&self, ring: usize) -> Vec<usize> {
        self.neighbours[ring].iter().copied().filter(|n| *n > ring).collect()
    }

    /// Tries every connected set of `size` rings that begins with `set`, each once: it grows by the
    /// rings in `open` and their neighbours that come after the first (Wernicke 2006).
    fn grow(&mut self, set: &mut Vec<usize>, open: &[usize], size: usize, rim: &mut Vec<usize>) -> Result<(), Refusal> {
        if set.len() == size {
            self.tried += 1;
            if self.tried > FUSED_SETS_MAX {
                return Err(Refusal::TooComplex);
            }
            self.try_set(set, rim);
            return Ok(());
        }
        for (i, &next) in open.iter().enumerate() {
            let mut further = open[i + 1..].to_vec();
            for &n in &self.neighbours[next] {
                let adjacent = set.iter().any(|s| *s == n || self.neighbours[*s].contains(&n));
                if n > set[0] && !adjacent {
                    further.push(n);
                }
            }
            set.push(next);
            self.grow(set, &further, size, rim)?;
            set.pop();
        }
        Ok(())
    }

    /// Makes the rim of these rings aromatic, if they are together.
    fn try_set(&mut self, set: &[usize], rim: &mut Vec<usize>) {
        let mol = self.mol;
        let rings = || set.iter().map(|r| &mol.rings[self.rings[*r]]);
        let atoms: Vec<usize> = rings().flat_map(|r| &r.atoms).map(|a| usize::from(*a)).collect();
        for &atom in &atoms {
            self.atom_uses[atom] += 1;
        }
        let aromatic = self.huckel(&atoms);
        for &atom in &atoms {
            self.atom_uses[atom] = 0;
        }
        if !aromatic {
            return;
        }
        let bonds: Vec<usize> = rings().flat_map(|r| &r.bonds).map(|b| usize::from(*b)).collect();
        for &bond in &bonds {
            self.bond_uses[bond] += 1;
        }
        for &bond in &bonds {
            if self.bond_uses[bond] == 1 && !std::mem::replace(&mut self.done[bond], true) {
                rim.push(bond);
            }
        }
        for &bond in &bonds {
            self.bond_uses[bond] = 0;
        }
    }

    /// Whether the electrons of the atoms in one or two of the rings can number 4n + 2. `atoms`
    /// names an atom once for each ring that it is in.
    fn huckel(&self, atoms: &[usize]) -> bool {
        // Twice the electrons: an atom in two rings is met twice, one in a single ring counts double.
        let (mut least, mut most, mut dummies) = (0, 0, 0);
        for &atom in atoms {
            let weight = match self.atom_uses[atom] {
                1 => 2,
                2 => 1,
                _ => continue,
            };
            let (low, high) = match self.gifts[atom] {
                Gift::Nothing | Gift::Vacant => (0, 0),
                Gift::One => (1, 1),
                Gift::Two => (2, 2),
                Gift::Any => (1, 2),
            };
            dummies += if self.gifts[atom] == Gift::Any { weight } else { 0 };
            least += low * weight;
            most += high * weight;
        }
        let (least, most) = (least / 2, most / 2);
        if dummies > 2 {
            return false;
        }
        if most >= 6 { (least..=most).any(|e: i32| (e - 2) % 4 == 0) } else { most == 2 }
    }
}

/// How many elements two sorted lists share.
fn shared(a: &[u16], b: &[u16]) -> usize {
    let (mut i, mut j, mut count) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, count) = (i + 1, j + 1, count + 1),
        }
    }
    count
}
