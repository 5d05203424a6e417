//! The relevant rings of a molecule: those that are no sum of smaller ones.
//!
//! They are the union of all smallest sets of smallest rings, so they do not depend on the order of
//! the atoms. Vismara's algorithm (Electronic Journal of Combinatorics 4 (1997) R9) names families
//! of candidates by shortest paths; a candidate stays if it is independent (over GF(2)) of all
//! smaller rings; each family that stays is then written out in full.

use super::limits::{RING_CANDIDATES_MAX, RING_WORK_MAX, RINGS_MAX};
use super::rings::{Component, Ring};
use super::{Mol, Order, Refusal};

/// The relevant rings of all ring systems, smallest first.
///
/// # Errors
/// [`Refusal::TooComplex`].
pub fn relevant(mol: &Mol, components: &[Component]) -> Result<Vec<Ring>, Refusal> {
    let mut rings = Vec::with_capacity(components.len());
    let mut place = Vec::new();
    for component in components {
        if component.atoms.len() == component.bonds.len() {
            rings.push(single(mol, component));
        } else {
            place.resize(mol.atoms.len(), 0);
            System::new(mol, component, &mut place).find(&mut rings)?;
        }
    }
    rings.sort_by_key(|r| r.atoms.len());
    Ok(rings)
}

/// The ring that a system without any fusion is.
fn single(mol: &Mol, component: &Component) -> Ring {
    let start = usize::from(component.atoms[0]);
    let mut ring = Ring::default();
    let (mut at, mut came) = (start, u16::MAX);
    loop {
        let onward = mol.links(at).iter().find(|l| {
            let bond = &mol.bonds[usize::from(l.bond)];
            l.bond != came && bond.order != Order::Dative && component.bonds.binary_search(&l.bond).is_ok()
        });
        let Some(link) = onward else { return ring };
        ring.atoms.push(at as u16);
        ring.bonds.push(link.bond);
        (at, came) = (usize::from(link.atom), link.bond);
        if at == start {
            return ring;
        }
    }
}

const FAR: u16 = u16::MAX;

/// A family of rings: all that go from `root` by shortest paths to `left` and `right`, which are
/// neighbours, or (`top`) both neighbours of one more atom.
#[derive(Clone, Copy, Debug)]
struct Family {
    size: u16,
    root: u16,
    left: u16,
    right: u16,
    top: Option<u16>,
}

/// One ring system, its atoms and bonds renumbered.
struct System<'a> {
    component: &'a Component,
    /// Neighbours and bonds of each atom.
    edges: Vec<Vec<(u16, u16)>>,
    /// 64-bit words that hold a set of its bonds.
    words: usize,
    work: usize,
}

/// Shortest paths from one root to all atoms that come before it.
struct Paths {
    distance: Vec<u16>,
    /// Whether a shortest path exists whose inner atoms all come before the root.
    below: Vec<bool>,
    /// The atoms in the order in which they were reached.
    reached: Vec<u16>,
}

impl<'a> System<'a> {
    fn new(mol: &Mol, component: &'a Component, place: &mut [u16]) -> Self {
        for (index, &atom) in component.atoms.iter().enumerate() {
            place[usize::from(atom)] = index as u16;
        }
        let mut edges = vec![Vec::with_capacity(4); component.atoms.len()];
        for (index, &bond) in component.bonds.iter().enumerate() {
            let bond = &mol.bonds[usize::from(bond)];
            let (a, b) = (place[usize::from(bond.begin)], place[usize::from(bond.end)]);
            edges[usize::from(a)].push((b, index as u16));
            edges[usize::from(b)].push((a, index as u16));
        }
        Self { component, edges, words: component.bonds.len().div_ceil(64), work: 0 }
    }

    /// Appends the relevant rings. Families are looked for up to a size that is doubled until the
    /// rings found span everything.
    fn find(&mut self, rings: &mut Vec<Ring>) -> Result<(), Refusal> {
        let (atoms, bonds) = (self.component.atoms.len(), self.component.bonds.len());
        let rank = bonds + 1 - atoms;
        let mut limit = 8;
        loop {
            let mut families = self.families(limit)?;
            families.sort_by_key(|f| f.size);
            let (kept, spanned) = self.select(&families)?;
            if spanned == rank || limit > atoms {
                for family in kept {
                    self.write_out(&family, rings)?;
                }
                return Ok(());
            }
            limit *= 2;
        }
    }

    /// All families of rings of at most `limit` atoms.
    fn families(&self, limit: usize) -> Result<Vec<Family>, Refusal> {
        let mut families = Vec::new();
        for root in 0..self.edges.len() as u16 {
            let paths = self.paths(root, limit);
            for &y in &paths.reached {
                if y != root && paths.below[usize::from(y)] {
                    self.families_at(&paths, root, y, limit, &mut families);
                }
            }
            if families.len() > RING_CANDIDATES_MAX {
                return Err(Refusal::TooComplex);
            }
        }
        Ok(families)
    }

    fn paths(&self, root: u16, limit: usize) -> Paths {
        let n = self.edges.len();
        let mut paths = Paths { distance: vec![FAR; n], below: vec![false; n], reached: vec![root] };
        paths.distance[usize::from(root)] = 0;
        paths.below[usize::from(root)] = true;
        let mut at = 0;
        while let Some(&v) = paths.reached.get(at) {
            at += 1;
            let far = paths.distance[usize::from(v)] + 1;
            if usize::from(far) > limit / 2 {
                break;
            }
            for &(to, _) in &self.edges[usize::from(v)] {
                let to_place = usize::from(to);
                if paths.distance[to_place] == FAR {
                    paths.distance[to_place] = far;
                    paths.reached.push(to);
                }
                if paths.distance[to_place] == far && to < root {
                    paths.below[to_place] |= paths.below[usize::from(v)];
                }
            }
        }
        paths
    }

    /// The families whose farthest atom from the root is `y`, or one of `y` and its neighbour.
    fn families_at(&self, paths: &Paths, root: u16, y: u16, limit: usize, families: &mut Vec<Family>) {
        let far = paths.distance[usize::from(y)];
        let mut nearer: Vec<u16> = Vec::with_capacity(4);
        for &(z, _) in &self.edges[usize::from(y)] {
            let there = paths.distance[usize::from(z)];
            if there == FAR || !paths.below[usize::from(z)] {
                continue;
            }
            if there + 1 == far {
                nearer.push(z);
            } else if there == far && z < y && usize::from(2 * far + 1) <= limit && self.disjoint(paths, y, z) {
                families.push(Family { size: 2 * far + 1, root, left: y, right: z, top: None });
            }
        }
        if usize::from(2 * far) > limit {
            return;
        }
        for (i, &p) in nearer.iter().enumerate() {
            for &q in &nearer[i + 1..] {
                if self.disjoint(paths, p, q) {
                    families.push(Family { size: 2 * far, root, left: p, right: q, top: Some(y) });
                }
            }
        }
    }

    /// The step back from `v` towards the root on the path that stands for all shortest ones.
    fn back(&self, paths: &Paths, v: u16) -> Option<(u16, u16)> {
        let near = paths.distance[usize::from(v)].checked_sub(1)?;
        let fits = |to: u16| paths.distance[usize::from(to)] == near && paths.below[usize::from(to)];
        self.edges[usize::from(v)].iter().copied().find(|(to, _)| fits(*to))
    }

    /// Whether the paths from the root to `a` and `b`, equally far, meet nowhere but at the root.
    fn disjoint(&self, paths: &Paths, mut a: u16, mut b: u16) -> bool {
        loop {
            if a == b {
                return paths.distance[usize::from(a)] == 0;
            }
            match (self.back(paths, a), self.back(paths, b)) {
                (Some((next_a, _)), Some((next_b, _))) => (a, b) = (next_a, next_b),
                _ => return false,
            }
        }
    }

    fn bond_between(&self, a: u16, b: u16) -> u16 {
        self.edges[usize::from(a)].iter().find(|(to, _)| *to == b).map_or(0, |(_, bond)| *bond)
    }

    /// The bonds of the ring that stands for `family`, as a set.
    fn bond_set(&self, paths: &Paths, family: &Family, set: &mut [u64]) {
        let mut add = |bond: u16| set[usize::from(bond / 64)] ^= 1 << (bond % 64);
        for side in [family.left, family.right] {
            let mut at = side;
            while let Some((next, bond)) = self.back(paths, at) {
                add(bond);
                at = next;
            }
        }
        match family.top {
            None => add(self.bond_between(family.left, family.right)),
            Some(top) => {
                add(self.bond_between(family.left, top));
                add(self.bond_between(family.right, top));
            }
        }
    }

    /// The families that are independent of all smaller rings, and the rank of all rings seen.
    fn select(&mut self, families: &[Family]) -> Result<(Vec<Family>, usize), Refusal> {
        let mut basis = Basis::default();
        let mut kept = Vec::new();
        let mut known: Option<(u16, u16, Paths)> = None;
        for group in families.chunk_by(|a, b| a.size == b.size) {
            let smaller = basis.rows.len();
            for family in group {
                let key = (family.root, family.size);
                let paths = match known.take() {
                    Some((root, size, paths)) if (root, size) == key => paths,
                    _ => self.paths(family.root, usize::from(family.size)),
                };
                let mut set = vec![0; self.words];
                self.bond_set(&paths, family, &mut set);
                known = Some((key.0, key.1, paths));
                self.work += basis.rows.len() * self.words;
                if self.work > RING_WORK_MAX {
                    return Err(Refusal::TooComplex);
                }
                if basis.reduce(&mut set, 0..smaller) {
                    kept.push(*family);
                    basis.add(set, smaller);
                }
            }
        }
        Ok((kept, basis.rows.len()))
    }

    /// Appends every ring of `family`.
    fn write_out(&self, family: &Family, rings: &mut Vec<Ring>) -> Result<(), Refusal> {
        let paths = self.paths(family.root, usize::from(family.size));
        let left = self.all_paths(&paths, family.left)?;
        let right = self.all_paths(&paths, family.right)?;
        for a in &left {
            for b in &right {
                if rings.len() >= RINGS_MAX {
                    return Err(Refusal::TooComplex);
                }
                // From the root up the left side, over the top, and down the right side.
                let mut round: Vec<u16> = a.iter().rev().copied().collect();
                round.extend(family.top);
                round.extend(&b[..b.len() - 1]);
                rings.push(self.ring(&round));
            }
        }
        Ok(())
    }

    /// All shortest paths from `end` back to the root (both included) below the root.
    fn all_paths(&self, paths: &Paths, end: u16) -> Result<Vec<Vec<u16>>, Refusal> {
        let mut whole = vec![vec![end]];
        for near in (0..paths.distance[usize::from(end)]).rev() {
            let mut longer = Vec::with_capacity(whole.len());
            for path in &whole {
                let at = path[path.len() - 1];
                for &(to, _) in &self.edges[usize::from(at)] {
                    if paths.distance[usize::from(to)] == near && paths.below[usize::from(to)] {
                        let mut next = path.clone();
                        next.push(to);
                        longer.push(next);
                    }
                }
            }
            if longer.len() > RINGS_MAX {
                return Err(Refusal::TooComplex);
            }
            whole = longer;
        }
        Ok(whole)
    }

    /// The ring through these atoms, in the numbering of the molecule.
    fn ring(&self, round: &[u16]) -> Ring {
        let bond = |i: usize| self.bond_between(round[i], round[(i + 1) % round.len()]);
        Ring {
            atoms: round.iter().map(|a| self.component.atoms[usize::from(*a)]).collect(),
            bonds: (0..round.len()).map(|i| self.component.bonds[usize::from(bond(i))]).collect(),
        }
    }
}

/// Independent sets of bonds, each with a bond that no later one has.
#[derive(Default)]
struct Basis {
    rows: Vec<(usize, Vec<u64>)>,
}

impl Basis {
    /// Takes from `set` what the rows in `range` explain; whether anything is left.
    fn reduce(&self, set: &mut [u64], range: std::ops::Range<usize>) -> bool {
        for (pivot, row) in &self.rows[range] {
            if set[pivot / 64] >> (pivot % 64) & 1 == 1 {
                for (word, other) in set.iter_mut().zip(row) {
                    *word ^= other;
                }
            }
        }
        set.iter().any(|word| *word != 0)
    }

    /// Adds a set that the rows before `from` do not explain, unless the others do.
    fn add(&mut self, mut set: Vec<u64>, from: usize) {
        if self.reduce(&mut set, from..self.rows.len()) {
            let first = set.iter().position(|word| *word != 0).unwrap_or(0);
            self.rows.push((first * 64 + set[first].trailing_zeros() as usize, set));
        }
    }
}
