//! How real a decoy looks: what of its parent it has changed.

use crate::scorer::builtin::chem::rings::Ring;
use crate::scorer::builtin::chem::{Mol, crippen, hbond, rotatable, tpsa, weight};

/// Descriptors of one molecule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Facts {
    /// Average molecular weight in dalton.
    pub weight: f64,
    /// log P.
    pub log_p: f64,
    /// Polar surface in Å².
    pub polar_surface: f64,
    /// Atoms that can give a hydrogen.
    pub donors: u32,
    /// Atoms that can take a hydrogen.
    pub acceptors: u32,
    /// Rotatable bonds.
    pub rotatable: u32,
    /// Rings that no other rings add up to: bonds − atoms + fragments.
    pub rings: u32,
    /// Aromatic ones among the relevant rings.
    pub aromatic_rings: u32,
    /// Atoms in the smallest ring; 0 without one.
    pub smallest_ring: u32,
    /// Atoms in the largest relevant ring; 0 without one.
    pub largest_ring: u32,
}

/// What a decoy has more than its parent; negative where it has less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deltas {
    /// Of the molecular weight, in dalton: 0 but for what addition rounds, unless aromatic bonds were made single.
    pub weight: f64,
    /// Of log P.
    pub log_p: f64,
    /// Of the polar surface, in Å².
    pub polar_surface: f64,
    /// Of the donors.
    pub donors: i32,
    /// Of the acceptors.
    pub acceptors: i32,
    /// Of the rotatable bonds.
    pub rotatable: i32,
    /// Of the rings.
    pub rings: i32,
    /// Of the aromatic rings.
    pub aromatic_rings: i32,
}

/// The contributions of atoms have four decimals, and so has their sum: what the order of addition leaves behind would make
/// molecules differ that have the same atoms.
fn ten_thousandths(log_p: f64) -> f64 {
    let half = if log_p < 0.0 { -0.5 } else { 0.5 };
    (log_p * 1e4 + half) as i64 as f64 / 1e4
}

impl Facts {
    /// The facts of `mol`.
    pub fn of(mol: &Mol) -> Self {
        let aromatic = |ring: &&Ring| ring.bonds.iter().all(|bond| mol.bonds[usize::from(*bond)].aromatic);
        let size = |ring: &Ring| ring.atoms.len() as u32;
        Self {
            weight: weight::molecular_weight(mol),
            log_p: ten_thousandths(crippen::log_p(mol)),
            polar_surface: tpsa::polar_surface(mol),
            donors: hbond::donors(mol) as u32,
            acceptors: hbond::acceptors(mol) as u32,
            rotatable: rotatable::bonds(mol) as u32,
            rings: (mol.bonds.len() + mol.fragments() - mol.atoms.len()) as u32,
            aromatic_rings: mol.rings.iter().filter(aromatic).count() as u32,
            smallest_ring: mol.rings.first().map_or(0, size),
            largest_ring: mol.rings.last().map_or(0, size),
        }
    }

    /// What these have more than those of `parent`.
    pub fn minus(&self, parent: &Self) -> Deltas {
        let more = |a: u32, b: u32| a.cast_signed() - b.cast_signed();
        Deltas {
            weight: self.weight - parent.weight,
            log_p: self.log_p - parent.log_p,
            polar_surface: self.polar_surface - parent.polar_surface,
            donors: more(self.donors, parent.donors),
            acceptors: more(self.acceptors, parent.acceptors),
            rotatable: more(self.rotatable, parent.rotatable),
            rings: more(self.rings, parent.rings),
            aromatic_rings: more(self.aromatic_rings, parent.aromatic_rings),
        }
    }
}
