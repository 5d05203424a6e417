//! Which atoms and bonds are in rings, and which ring systems there are.
//!
//! A ring system is a biconnected component with more than one bond; dative bonds do not close
//! rings. Found with one depth-first walk (Hopcroft and Tarjan 1973) on an explicit stack.

use super::{Mol, Order};

/// A ring: atoms in order, `bonds[i]` between `atoms[i]` and its successor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    /// Its atoms, in order around the ring.
    pub atoms: Vec<u16>,
    /// Its bonds, in the same order.
    pub bonds: Vec<u16>,
}

/// A ring system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Component {
    /// Its atoms, ascending.
    pub atoms: Vec<u16>,
    /// Its bonds, ascending.
    pub bonds: Vec<u16>,
}

/// Marks ring atoms and ring bonds, and returns the ring systems.
pub fn mark(mol: &mut Mol) -> Vec<Component> {
    let components = if mol.bonds.len() < 3 { Vec::new() } else { Walk::new(mol).components() };
    for component in &components {
        for &bond in &component.bonds {
            mol.bonds[usize::from(bond)].ring = true;
        }
        for &atom in &component.atoms {
            mol.atoms[usize::from(atom)].ring = true;
        }
    }
    components
}

/// One atom on the way from the root.
struct Step {
    atom: usize,
    next_link: usize,
    from_bond: Option<u16>,
}

struct Walk<'a> {
    mol: &'a Mol,
    /// When each atom was reached, from 1.
    reached: Vec<u16>,
    /// The earliest atom that each can get back to.
    low: Vec<u16>,
    clock: u16,
    /// Bonds walked and not yet given to a component.
    open: Vec<u16>,
    found: Vec<Component>,
}

impl<'a> Walk<'a> {
    fn new(mol: &'a Mol) -> Self {
        let n = mol.atoms.len();
        Self { mol, reached: vec![0; n], low: vec![0; n], clock: 0, open: Vec::new(), found: Vec::new() }
    }

    fn components(mut self) -> Vec<Component> {
        let mut path: Vec<Step> = Vec::new();
        for root in 0..self.mol.atoms.len() {
            if self.reached[root] == 0 {
                self.enter(root);
                path.push(Step { atom: root, next_link: 0, from_bond: None });
                while let Some(step) = path.last_mut() {
                    let (atom, link, from) = (step.atom, step.next_link, step.from_bond);
                    step.next_link += 1;
                    if link < self.mol.degree(atom) {
                        if let Some(step) = self.follow(atom, link, from) {
                            path.push(step);
                        }
                    } else {
                        path.pop();
                        if let (Some(parent), Some(bond)) = (path.last(), from) {
                            self.leave(parent.atom, atom, bond);
                        }
                    }
                }
            }
        }
        self.found
    }

    fn enter(&mut self, atom: usize) {
        self.clock += 1;
        self.reached[atom] = self.clock;
        self.low[atom] = self.clock;
    }

    /// Goes along a link, if it leads to a new atom; notes it if it leads back.
    fn follow(&mut self, atom: usize, link: usize, from: Option<u16>) -> Option<Step> {
        let link = self.mol.links(atom)[link];
        let (other, bond) = (usize::from(link.atom), link.bond);
        if Some(bond) == from || self.mol.bonds[usize::from(bond)].order == Order::Dative {
            return None;
        }
        if self.reached[other] == 0 {
            self.enter(other);
            self.open.push(bond);
            return Some(Step { atom: other, next_link: 0, from_bond: Some(bond) });
        }
        if self.reached[other] < self.reached[atom] {
            self.open.push(bond);
            self.low[atom] = self.low[atom].min(self.reached[other]);
        }
        None
    }

    /// Back at `parent`, everything behind `bond` is known: cut it off if it cannot get past `parent`.
    fn leave(&mut self, parent: usize, atom: usize, bond: u16) {
        self.low[parent] = self.low[parent].min(self.low[atom]);
        if self.low[atom] < self.reached[parent] {
            return;
        }
        let start = self.open.iter().rposition(|b| *b == bond).unwrap_or(0);
        let mut bonds = self.open.split_off(start);
        if bonds.len() < 3 {
            return;
        }
        bonds.sort_unstable();
        let ends = |b: &u16| [self.mol.bonds[usize::from(*b)].begin, self.mol.bonds[usize::from(*b)].end];
        let mut atoms: Vec<u16> = bonds.iter().flat_map(ends).collect();
        atoms.sort_unstable();
        atoms.dedup();
        self.found.push(Component { atoms, bonds });
    }
}
