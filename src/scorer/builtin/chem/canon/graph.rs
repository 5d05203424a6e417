//! A fragment as a graph of coloured vertices and edges.

use crate::scorer::builtin::chem::limits::CANON_DEGREE_MAX;
use crate::scorer::builtin::chem::write::{folds, hydrogens};
use crate::scorer::builtin::chem::{Bond, Mol, Order, Refusal};

/// An edge as seen from one end: the vertex at the other, and the place of its colour in a count.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The vertex at the other end.
    pub to: u16,
    /// A one in the digit of its colour: sums of these count the edges of every colour, of which there are seven, and
    /// an atom has less than 2^9 neighbours.
    pub one: u64,
}

/// One fragment.
#[derive(Debug)]
pub struct Graph {
    /// The atom that each vertex is.
    pub atoms: Vec<u16>,
    /// What each atom is, in a number: the same for the same, and the order in which they are ranked at first.
    pub colours: Vec<u64>,
    first: Vec<u32>,
    edges: Vec<Edge>,
}

impl Graph {
    /// The fragment that `start` is in. `place` has room for every atom and is not read.
    pub fn of_fragment(mol: &Mol, start: usize, place: &mut [u16]) -> Result<Self, Refusal> {
        let mut atoms = Vec::with_capacity(mol.atoms.len());
        atoms.push(start as u16);
        place[start] = 0;
        let mut first = Vec::with_capacity(mol.atoms.len() + 1);
        first.push(0);
        let mut edges = Vec::with_capacity(mol.bonds.len() * 2);
        let mut colours = Vec::with_capacity(mol.atoms.len());
        let mut at = 0;
        while let Some(&atom) = atoms.get(at) {
            at += 1;
            let before = edges.len();
            for (other, bond) in mol.around(atom.into()) {
                if folds(mol, other) {
                    continue;
                }
                if atoms.get(usize::from(place[other])) != Some(&(other as u16)) {
                    place[other] = atoms.len() as u16;
                    atoms.push(other as u16);
                }
                edges.push(Edge { to: place[other], one: one(bond, atom.into()) });
            }
            if edges.len() - before > CANON_DEGREE_MAX {
                return Err(Refusal::TooComplex);
            }
            colours.push(colour(mol, atom.into(), edges.len() - before));
            first.push(edges.len() as u32);
        }
        Ok(Self { atoms, colours, first, edges })
    }

    /// How many vertices there are.
    pub fn len(&self) -> usize {
        self.atoms.len()
    }

    /// The edges at `vertex`.
    pub fn edges(&self, vertex: u16) -> &[Edge] {
        &self.edges[self.first[usize::from(vertex)] as usize..self.first[usize::from(vertex) + 1] as usize]
    }
}

/// The colour of `bond` seen from `atom`.
fn one(bond: &Bond, atom: usize) -> u64 {
    let colour = match bond.order {
        Order::Single => 0,
        Order::Double => 1,
        Order::Triple => 2,
        Order::Quadruple => 3,
        Order::Aromatic => 4,
        Order::Dative if usize::from(bond.begin) == atom => 5,
        Order::Dative => 6,
    };
    1 << (9 * colour)
}

/// What an atom is: how many neighbours it has, aromatic or not, element, hydrogens, charge, isotope.
fn colour(mol: &Mol, index: usize, degree: usize) -> u64 {
    let atom = &mol.atoms[index];
    let parts = [
        (u64::from(atom.aromatic), 1),
        (u64::from(atom.element), 7),
        (hydrogens(mol, index) as u64, 10),
        (u64::from(atom.charge.cast_unsigned()), 8),
        (u64::from(atom.isotope), 16),
    ];
    parts.iter().fold(degree as u64, |colour, (part, bits)| colour << bits | part)
}
