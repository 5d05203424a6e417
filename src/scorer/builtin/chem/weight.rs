//! Average molecular weight.

use super::{Mol, element};

/// The molecular weight in dalton: standard atomic weights, or the mass of the nuclide where an
/// isotope is written. Summed in the order of the atoms, each with its hydrogens.
pub fn molecular_weight(mol: &Mol) -> f64 {
    let hydrogen = element::of(1).weight;
    mol.atoms.iter().fold(0.0, |sum, atom| {
        let with_atom = sum + element::mass(atom.element, atom.isotope);
        with_atom + f64::from(atom.hydrogens()) * hydrogen
    })
}
