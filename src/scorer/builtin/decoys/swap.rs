//! One exchange of two bonds: whether it can be made, and the molecule that it makes.

use crate::scorer::builtin::chem::{Mol, Order, element};

/// Why an exchange makes no decoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The two bonds have an atom in common.
    Adjacent,
    /// One of the new bonds is there already.
    Bound,
    /// It falls apart into more fragments than its parent has.
    Disconnected,
    /// It is no molecule: a valence, or an aromatic system that cannot be written.
    NoMolecule,
    /// It is its parent.
    Parent,
    /// It was made before.
    Seen,
    /// It is less or more like its parent than was asked for.
    OutsideWindow,
    /// It has no canonical form, or is not read back from it.
    NoCanonicalForm,
}

/// Two bonds, and whether the second is turned round before ends are exchanged.
pub type Way = (usize, usize, bool);

/// The molecule at hand, with its bonds exchanged and back.
#[derive(Debug)]
pub struct Bench {
    mol: Mol,
    fragments: usize,
    metals: bool,
    is_parent: bool,
}

impl Bench {
    /// For exchanges in `mol`; `is_parent`: it is the parent itself, and not the parent with single bonds.
    pub fn new(mol: Mol, is_parent: bool) -> Self {
        let metals = mol.atoms.iter().any(|atom| atom.element > 0 && element::is_metal(atom.element));
        Self { fragments: mol.fragments(), metals, is_parent, mol }
    }

    /// The molecule, with no bonds exchanged.
    #[cfg(test)]
    pub const fn molecule(&self) -> &Mol {
        &self.mol
    }

    /// Whether the exchange leaves every pair of atoms with at most one bond, and is
    /// not seen at once to make the parent again.
    pub fn is_simple(&self, (first, second, turned): Way) -> Result<(), Refused> {
        let (one, other) = (self.mol.bonds[first], self.mol.bonds[second]);
        let (a, b) = (usize::from(one.begin), usize::from(one.end));
        let (mut c, mut d) = (usize::from(other.begin), usize::from(other.end));
        if turned {
            (c, d) = (d, c);
        }
        if a == c || a == d || b == c || b == d {
            return Err(Refused::Adjacent);
        }
        let bound = |x: usize, y: usize| self.mol.links(x).iter().any(|link| usize::from(link.atom) == y);
        if bound(a, d) || bound(c, b) {
            return Err(Refused::Bound);
        }
        // Two alike atoms have changed places. If the bonds were those of the parent itself, so is what comes of it.
        let again = self.is_parent && (self.are_alike(b, d, (a, c)) || self.are_alike(a, c, (b, d)));
        if again { Err(Refused::Parent) } else { Ok(()) }
    }

    /// Whether nothing tells the atoms `one` and `other` apart but the bonds to `theirs`, which are exchanged.
    fn are_alike(&self, one: usize, other: usize, theirs: (usize, usize)) -> bool {
        let what = |atom: usize| {
            let atom = &self.mol.atoms[atom];
            (atom.element, atom.charge, atom.isotope, atom.hydrogens(), atom.aromatic)
        };
        let rest = |atom: usize, of: usize, but: usize| {
            self.mol.around(atom).filter(move |(to, _)| *to != of && *to != but).map(|(to, bond)| (to, bond.order))
        };
        self.mol.degree(one) == self.mol.degree(other)
            && what(one) == what(other)
            && rest(one, other, theirs.0).all(|(to, order)| {
                order != Order::Dative && rest(other, one, theirs.1).any(|found| found == (to, order))
            })
    }

    /// What `look` says of the molecule that the exchange makes, if it makes one; `connected`: it must not have more
    /// fragments than its parent. The exchange is a simple one.
    pub fn with<T>(
        &mut self,
        (first, second, turned): Way,
        connected: bool,
        look: impl FnOnce(&Mol) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let ring = self.mol.bonds[first].ring || self.mol.bonds[second].ring;
        self.mol.exchange(first, second, turned);
        let whole = self.mol.fragments() <= self.fragments;
        let answer = if connected && !whole {
            Err(Refused::Disconnected)
        } else if whole && !ring && !self.metals {
            // Bonds outside rings were exchanged for bonds outside rings: every ring is what it was. So are valences
            // and hydrogens, and with them all that was perceived.
            look(&self.mol)
        } else {
            let edited = Mol::new(self.mol.atoms.clone(), self.mol.bonds.clone());
            edited.perceived_anew().map_err(|_| Refused::NoMolecule).and_then(|mol| look(&mol))
        };
        self.mol.exchange_back(first, second, turned);
        answer
    }
}
