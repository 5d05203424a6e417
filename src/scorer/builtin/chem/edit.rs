//! Changes bonds of a molecule that is perceived already.

use super::{Mol, Order, Refusal};

impl Mol {
    /// Replaces the single bonds a-b (`first`) and c-d (`second`) by a-d and c-b, or by a-c and d-b if `turned`. Nothing
    /// is perceived anew. The four atoms are different ones, and the new bonds are not there yet.
    pub fn exchange(&mut self, first: usize, second: usize, turned: bool) {
        let [a, b] = [self.bonds[first].begin, self.bonds[first].end];
        let [mut c, mut d] = [self.bonds[second].begin, self.bonds[second].end];
        if turned {
            (c, d) = (d, c);
        }
        (self.bonds[first].begin, self.bonds[first].end) = (a, d);
        (self.bonds[second].begin, self.bonds[second].end) = (c, b);
        let (one, other) = (first as u16, second as u16);
        self.relink(a, one, (d, one));
        self.relink(d, other, (a, one));
        self.relink(c, other, (b, other));
        self.relink(b, one, (c, other));
    }

    /// Takes an [`exchange`](Self::exchange) back.
    pub fn exchange_back(&mut self, first: usize, second: usize, turned: bool) {
        self.exchange(first, second, false);
        if turned {
            let bond = &mut self.bonds[second];
            (bond.begin, bond.end) = (bond.end, bond.begin);
        }
    }

    /// Lets the link of `atom` over the bond `old` be that to another atom over another bond.
    fn relink(&mut self, atom: u16, old: u16, (to, bond): (u16, u16)) {
        let atom = usize::from(atom);
        let links = self.first[atom] as usize..self.first[atom + 1] as usize;
        if let Some(link) = self.links[links].iter_mut().find(|link| link.bond == old) {
            (link.atom, link.bond) = (to, bond);
        }
    }

    /// The same atoms and bonds with everything perceived anew, as RDKit sanitises a molecule that was edited.
    ///
    /// # Errors
    /// It is no molecule any more; see [`Refusal`].
    pub fn perceived_anew(mut self) -> Result<Self, Refusal> {
        self.rings.clear();
        for bond in &mut self.bonds {
            bond.ring = false;
        }
        for atom in &mut self.atoms {
            atom.ring = false;
        }
        self.perceived()
    }

    /// The molecule with single bonds in the place of aromatic ones: hydrogens that follow from the valence come to it.
    ///
    /// # Errors
    /// That is no molecule; see [`Refusal`].
    pub fn saturated(&self) -> Result<Self, Refusal> {
        let mut mol = Self::new(self.atoms.clone(), self.bonds.clone());
        for atom in &mut mol.atoms {
            atom.aromatic = false;
        }
        for bond in mol.bonds.iter_mut().filter(|bond| bond.aromatic || bond.order == Order::Aromatic) {
            (bond.order, bond.kekule, bond.aromatic) = (Order::Single, Order::Single, false);
        }
        mol.perceived_anew()
    }

    /// How many of its atoms are no hydrogens; what stands for any atom counts as none either.
    pub fn heavy_atoms(&self) -> usize {
        self.atoms.iter().filter(|atom| atom.element > 1).count()
    }

    /// How many fragments it has.
    pub fn fragments(&self) -> usize {
        let mut seen = vec![false; self.atoms.len()];
        let (mut fragments, mut open) = (0, Vec::with_capacity(self.atoms.len()));
        for start in 0..self.atoms.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            fragments += 1;
            open.push(start);
            while let Some(atom) = open.pop() {
                for link in self.links(atom) {
                    let other = usize::from(link.atom);
                    if !std::mem::replace(&mut seen[other], true) {
                        open.push(other);
                    }
                }
            }
        }
        fragments
    }
}
