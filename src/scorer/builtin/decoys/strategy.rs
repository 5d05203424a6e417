//! Which bonds of a parent may be exchanged.

use serde::{Deserialize, Serialize};

use crate::scorer::builtin::chem::{Bond, Mol, Order, Refusal};

/// A choice of bonds. The names are those of HETERO-2's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Strategy {
    /// Single bonds outside rings that touch nothing aromatic.
    #[serde(rename = "rewire_strict_v1")]
    Strict,
    /// Single bonds outside rings.
    #[serde(rename = "rewire_relax_a_v1")]
    RelaxA,
    /// Single bonds that touch nothing aromatic.
    #[serde(rename = "rewire_relax_b_v1")]
    RelaxB,
    /// Aromatic bonds become single, and hydrogens come to their atoms; then all single bonds.
    #[serde(rename = "rewire_fallback_aromatic_as_single_v1")]
    AromaticAsSingle,
}

impl Strategy {
    /// All, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Strict, Self::RelaxA, Self::RelaxB, Self::AromaticAsSingle];

    /// Its name in rows and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "rewire_strict_v1",
            Self::RelaxA => "rewire_relax_a_v1",
            Self::RelaxB => "rewire_relax_b_v1",
            Self::AromaticAsSingle => "rewire_fallback_aromatic_as_single_v1",
        }
    }

    /// Whether atoms and bonds that are aromatic stay as they are, with all that is bound to them.
    pub const fn locks_aromatic(self) -> bool {
        matches!(self, Self::Strict | Self::RelaxB)
    }

    /// Whether bonds in rings may be exchanged.
    pub const fn takes_ring_bonds(self) -> bool {
        matches!(self, Self::RelaxB | Self::AromaticAsSingle)
    }

    /// The molecule whose bonds are exchanged: `parent`, or `parent` with single bonds for aromatic ones.
    ///
    /// # Errors
    /// With single bonds it is no molecule.
    pub fn ground(self, parent: &Mol) -> Result<Mol, Refusal> {
        if self.keeps(parent) { Ok(parent.clone()) } else { parent.saturated() }
    }

    /// Whether bonds are exchanged in `parent` itself.
    pub fn keeps(self, parent: &Mol) -> bool {
        self != Self::AromaticAsSingle
            || !parent.atoms.iter().any(|atom| atom.aromatic) && !parent.bonds.iter().any(|bond| bond.aromatic)
    }

    /// The bonds of `ground` that may be exchanged, in their order.
    pub fn candidates(self, ground: &Mol) -> Vec<u16> {
        let aromatic = |atom: u16| ground.atoms[usize::from(atom)].aromatic;
        let may = |bond: &Bond| {
            bond.order == Order::Single
                && (self.takes_ring_bonds() || !bond.ring)
                && (!self.locks_aromatic() || !(bond.aromatic || aromatic(bond.begin) || aromatic(bond.end)))
        };
        (0..).zip(&ground.bonds).filter(|(_, bond)| may(bond)).map(|(index, _)| index).collect()
    }
}
