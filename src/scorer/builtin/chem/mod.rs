//! Molecules: from a SMILES or a molfile to a graph with hydrogens, rings and aromatic bonds, as RDKit sees it.
//!
//! The graph is built in the steps of RDKit's `MolFromSmiles`: read ([`smiles`], [`molfile`]), fold written
//! hydrogens into their atoms ([`hydrogens`]), repair common spellings ([`cleanup`]), check valences
//! ([`valence`]), find rings ([`rings`]), give aromatic ones alternating bonds ([`kekule`]), and
//! perceive aromaticity anew ([`aromatic`]). Each step is ours; the rules are RDKit's, so that the
//! columns mean what chemists expect. Where the two differ is listed in `docs/similarity.md`.
//!
//! Every step is bounded by [`limits`], iterative (no recursion over the input), and exact or in a
//! fixed order of additions: the same bytes give the same numbers on every machine.

pub mod aromatic;
pub mod canon;
pub mod cleanup;
pub mod crippen;
mod cycles;
mod edit;
pub mod element;
mod element_table;
pub mod hbond;
pub mod hydrogens;
pub mod kekule;
pub mod limits;
mod matching;
pub mod molfile;
pub mod morgan;
mod radicals;
pub mod rings;
pub mod rotatable;
pub mod smiles;
pub mod smiles_atom;
pub mod tpsa;
pub mod valence;
pub mod weight;
pub mod write;

/// Why a structure is not a molecule here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not a SMILES, or not a molfile.
    Syntax,
    /// It is a molfile without an atom.
    Empty,
    /// It is a molfile of version V3000.
    Version3000,
    /// It is a query, which stands for many structures.
    Query,
    /// An atom has more bonds than its element and charge allow.
    Valence,
    /// Its aromatic atoms cannot be given alternating bonds.
    Kekule,
    /// It has more atoms or bonds than [`limits`] allow.
    TooLarge,
    /// Its rings are so entangled that looking at them all would take too long ([`limits`]).
    TooComplex,
}

/// The order of a bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Order {
    /// One pair of electrons.
    Single,
    /// Two pairs.
    Double,
    /// Three pairs.
    Triple,
    /// Four pairs.
    Quadruple,
    /// Part of an aromatic system.
    Aromatic,
    /// One pair, both electrons from the first atom: it does not count for that atom's valence.
    Dative,
}

/// An atom. Hydrogens are counted on their atom, unless they must stay atoms (see [`hydrogens`]).
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; there is no state to name")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Atom {
    /// Atomic number; 0 is the dummy `*`.
    pub element: u8,
    /// Formal charge.
    pub charge: i8,
    /// Mass number, or 0 if none was written.
    pub isotope: u16,
    /// Whether it is part of an aromatic system.
    pub aromatic: bool,
    /// Hydrogens that were written.
    pub explicit_h: u8,
    /// Whether it was written in brackets: no hydrogens are added.
    pub bracket: bool,
    /// Hydrogens that follow from the valence.
    pub implicit_h: u8,
    /// Sum of bond orders and written hydrogens, as last computed (see [`valence`]).
    pub explicit_valence: i16,
    /// Unpaired electrons (see `radicals`); only atoms in brackets have them.
    pub radicals: u8,
    /// Whether its stereochemistry is square planar, trigonal bipyramidal or octahedral.
    pub many_sided: bool,
    /// Whether it is in a ring.
    pub ring: bool,
}

impl Atom {
    /// Hydrogens that are not atoms of the graph.
    pub fn hydrogens(&self) -> u8 {
        self.explicit_h.saturating_add(self.implicit_h)
    }

    /// Bond orders and hydrogens in total.
    pub fn total_valence(&self) -> i32 {
        i32::from(self.explicit_valence) + i32::from(self.implicit_h)
    }
}

/// A bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bond {
    /// The atom written first (of a dative bond: the one that gives the electrons).
    pub begin: u16,
    /// The other atom.
    pub end: u16,
    /// Its order; [`Order::Aromatic`] where the perceived system says so.
    pub order: Order,
    /// Its order when every aromatic system is written with alternating bonds.
    pub kekule: Order,
    /// Whether it is part of an aromatic system.
    pub aromatic: bool,
    /// Whether it was written `/` or `\`.
    pub directed: bool,
    /// Whether it is in a ring.
    pub ring: bool,
}

impl Bond {
    /// The atom at the other end.
    pub fn other(&self, atom: usize) -> usize {
        usize::from(if usize::from(self.begin) == atom { self.end } else { self.begin })
    }

    /// What it adds to the valence of `atom`, in half bonds.
    pub fn halves(&self, atom: usize) -> i32 {
        self.halves_as(self.order, atom)
    }

    /// The same if it had this order.
    fn halves_as(&self, order: Order, atom: usize) -> i32 {
        match order {
            Order::Dative if usize::from(self.begin) == atom => 0,
            Order::Single | Order::Dative => 2,
            Order::Aromatic => 3,
            Order::Double => 4,
            Order::Triple => 6,
            Order::Quadruple => 8,
        }
    }

    /// Whether it is a single or an aromatic bond: what "no bond written" means in a pattern.
    pub fn plain(&self) -> bool {
        matches!(self.order, Order::Single | Order::Aromatic)
    }
}

/// A neighbour of an atom, and the bond that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index of the neighbour.
    pub atom: u16,
    /// Index of the bond.
    pub bond: u16,
}

/// A molecule.
#[derive(Clone, Debug, Default)]
pub struct Mol {
    /// Atoms, in the order in which they were written.
    pub atoms: Vec<Atom>,
    /// Bonds: chain bonds in the order in which they were written, then ring closures.
    pub bonds: Vec<Bond>,
    first: Vec<u32>,
    links: Vec<Link>,
    /// The relevant rings (see [`rings`]), smallest first; empty before they are looked for.
    pub rings: Vec<rings::Ring>,
}

impl Mol {
    /// The molecule that a SMILES says, with everything perceived.
    ///
    /// # Errors
    /// It is none, or too large or entangled to look at; see [`Refusal`].
    pub fn from_smiles(text: &[u8]) -> Result<Self, Refusal> {
        let mut mol = smiles::read(text)?;
        hydrogens::fold(&mut mol, hydrogens::Count::All, &[]);
        mol.perceived()
    }

    /// The molecule that a V2000 molfile says, with everything perceived.
    ///
    /// # Errors
    /// It is none, or too large or entangled to look at; see [`Refusal`].
    pub fn from_molfile(text: &[u8]) -> Result<Self, Refusal> {
        molfile::read(text)?.into_graph().perceived()
    }

    /// The same graph with everything perceived.
    fn perceived(self) -> Result<Self, Refusal> {
        let mut mol = self;
        cleanup::clean(&mut mol);
        valence::update(&mut mol)?;
        let components = rings::mark(&mut mol);
        mol.rings = cycles::relevant(&mol, &components)?;
        let was_aromatic = kekule::write(&mut mol, &components)?;
        for bond in &mut mol.bonds {
            bond.kekule = bond.order;
        }
        radicals::assign(&mut mol);
        aromatic::perceive(&mut mol)?;
        valence::settle(&mut mol, &was_aromatic)?;
        Ok(mol)
    }

    /// The graph of `atoms` and `bonds`, nothing perceived yet.
    pub fn new(atoms: Vec<Atom>, bonds: Vec<Bond>) -> Self {
        let mut mol = Self { atoms, bonds, ..Self::default() };
        mol.link();
        mol
    }

    /// The neighbours of `atom`, in the order of their bonds.
    pub fn links(&self, atom: usize) -> &[Link] {
        &self.links[self.first[atom] as usize..self.first[atom + 1] as usize]
    }

    /// The neighbours of `atom` with their bonds.
    pub fn around(&self, atom: usize) -> impl Iterator<Item = (usize, &Bond)> {
        self.links(atom).iter().map(|link| (usize::from(link.atom), &self.bonds[usize::from(link.bond)]))
    }

    /// How many bonds `atom` has.
    pub fn degree(&self, atom: usize) -> usize {
        (self.first[atom + 1] - self.first[atom]) as usize
    }

    /// Neighbours and hydrogens of `atom` together.
    pub fn total_degree(&self, atom: usize) -> usize {
        self.degree(atom) + usize::from(self.atoms[atom].hydrogens())
    }

    /// Hydrogens of `atom`, those that are atoms of the graph included.
    pub fn all_hydrogens(&self, atom: usize) -> usize {
        let atoms = self.links(atom).iter().filter(|l| self.atoms[usize::from(l.atom)].element == 1).count();
        atoms + usize::from(self.atoms[atom].hydrogens())
    }

    /// Whether `atom` is aromatic or has an aromatic bond.
    fn touches_aromatic(&self, atom: usize) -> bool {
        self.atoms[atom].aromatic || self.around(atom).any(|(_, b)| b.aromatic || b.order == Order::Aromatic)
    }

    /// Lists the neighbours of each atom.
    fn link(&mut self) {
        let mut first = vec![0_u32; self.atoms.len() + 1];
        for bond in &self.bonds {
            first[usize::from(bond.begin) + 1] += 1;
            first[usize::from(bond.end) + 1] += 1;
        }
        for i in 1..first.len() {
            first[i] += first[i - 1];
        }
        let mut next = first.clone();
        self.links = vec![Link { atom: 0, bond: 0 }; self.bonds.len() * 2];
        for (index, bond) in self.bonds.iter().enumerate() {
            for (from, to) in [(bond.begin, bond.end), (bond.end, bond.begin)] {
                let place = &mut next[usize::from(from)];
                self.links[*place as usize] = Link { atom: to, bond: index as u16 };
                *place += 1;
            }
        }
        self.first = first;
    }
}

#[cfg(test)]
mod tests;
