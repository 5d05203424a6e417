//! The operators of a molecule: symmetric matrices over its heavy atoms.
//!
//! L is the Laplacian of the graph, degrees less adjacency; H is L with the potentials ε on its diagonal; W is the Laplacian
//! with weighted bonds, and WH that with the potentials. A heavy atom is one with an atomic number above 1: hydrogens
//! that stay atoms and dummies are not in the graph, and neither are their bonds.

use super::atoms;
use super::eigen::row_start;
use super::settings::EdgeWeight;
use crate::scorer::builtin::chem::{Mol, Order};

/// One of the operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The Laplacian.
    L,
    /// The same with potentials.
    H,
    /// The weighted Laplacian.
    W,
    /// The same with potentials.
    WH,
}

impl Operator {
    /// Whether its bonds are weighted.
    const fn is_weighted(self) -> bool {
        matches!(self, Self::W | Self::WH)
    }

    /// Whether it has potentials.
    const fn has_potentials(self) -> bool {
        matches!(self, Self::H | Self::WH)
    }
}

/// An element of the molecule has no parameters, and an operator asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingParameters;

/// A bond between heavy atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    /// Row and column, the row being below.
    row: u32,
    column: u32,
    weight: f64,
}

/// The graph of heavy atoms; its room is used again for the next molecule.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Of each atom of the molecule, its place among the heavy ones.
    places: Vec<Option<u32>>,
    elements: Vec<u8>,
    potentials: Vec<f64>,
    edges: Vec<Edge>,
}

impl Graph {
    /// Becomes the graph of `mol`, with what `operators` ask for.
    ///
    /// # Errors
    /// An element has no parameters.
    pub fn take(&mut self, mol: &Mol, weight: EdgeWeight, operators: &[Operator]) -> Result<(), MissingParameters> {
        let (places, elements) = (&mut self.places, &mut self.elements);
        places.clear();
        elements.clear();
        self.potentials.clear();
        self.edges.clear();
        for atom in &mol.atoms {
            places.push((atom.element > 1).then_some(elements.len() as u32));
            elements.extend((atom.element > 1).then_some(atom.element));
        }
        if operators.iter().any(|operator| operator.has_potentials()) {
            for element in &*elements {
                self.potentials.push(atoms::parameters(*element).ok_or(MissingParameters)?.epsilon);
            }
        }
        let is_weighted = operators.iter().any(|operator| operator.is_weighted());
        let draws = is_weighted && weight == EdgeWeight::BondOrderDeltaChi;
        let chi = |element: u8| atoms::parameters(element).and_then(|known| known.chi).ok_or(MissingParameters);
        if draws {
            // As in HETERO-2, an atom without bonds needs it too.
            elements.iter().try_for_each(|element| chi(*element).map(drop))?;
        }
        for bond in &mol.bonds {
            let ends = (places[usize::from(bond.begin)], places[usize::from(bond.end)]);
            let (Some(a), Some(b)) = ends else { continue };
            let mut weight = bond_order(bond.order);
            if draws {
                let (from, to) = (chi(elements[a as usize])?, chi(elements[b as usize])?);
                weight *= 1.0 + (from - to).abs();
            }
            self.edges.push(Edge { row: a.max(b), column: a.min(b), weight });
        }
        Ok(())
    }

    /// How many heavy atoms there are.
    pub fn atoms(&self) -> usize {
        self.elements.len()
    }

    /// Adds the operators to the lower triangles of as many zero matrices.
    pub fn fill<const N: usize>(&self, operators: [Operator; N], triangles: &mut [[f64; N]]) {
        for (i, potential) in self.potentials.iter().enumerate() {
            triangles[row_start(i) + i] =
                operators.map(|operator| if operator.has_potentials() { *potential } else { 0.0 });
        }
        for edge in &self.edges {
            let (row, column) = (edge.row as usize, edge.column as usize);
            let weights = operators.map(|operator| if operator.is_weighted() { edge.weight } else { 1.0 });
            for (lane, weight) in weights.into_iter().enumerate() {
                triangles[row_start(row) + column][lane] -= weight;
                triangles[row_start(row) + row][lane] += weight;
                triangles[row_start(column) + column][lane] += weight;
            }
        }
    }
}

/// The order of a bond as a number, as RDKit has it.
const fn bond_order(order: Order) -> f64 {
    match order {
        Order::Single | Order::Dative => 1.0,
        Order::Double => 2.0,
        Order::Triple => 3.0,
        Order::Quadruple => 4.0,
        Order::Aromatic => 1.5,
    }
}
