//! Writes a molecule as a SMILES that reads back as the same molecule.
//!
//! Atoms are in brackets only where they must be: where the reader would give them other hydrogens than they have, and
//! for what the short form cannot say. Stereochemistry is not in the graph, so it is not written; a hydrogen that is an
//! atom only for its sake is written as one that its carrier counts, since that is how it would be read.

use super::{Bond, Mol, Order, element, valence};

/// How aromatic systems are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With small letters: `c1ccccc1`.
    Aromatic,
    /// With alternating bonds: `C1=CC=CC=C1`.
    Kekule,
}

/// A SMILES of `mol`; where there is a choice, the atom that comes first in `mol` is written first.
pub fn smiles(mol: &Mol, form: Form) -> String {
    let ranks: Vec<u16> = (0..mol.atoms.len() as u16).collect();
    let mut writer = Writer::new(mol, form, &ranks);
    for atom in 0..mol.atoms.len() {
        writer.fragment(atom);
    }
    writer.text
}

/// The same, where atoms of a lower rank are written first and fragments in the order of their first atoms from `start` on.
pub fn smiles_ranked(mol: &Mol, form: Form, ranks: &[u16], start: usize) -> String {
    let mut writer = Writer::new(mol, form, ranks);
    for atom in (start..mol.atoms.len()).chain(0..start) {
        writer.fragment(atom);
    }
    writer.text
}

/// Whether `atom` is a hydrogen that reading without stereochemistry folds into its carrier.
pub(super) fn folds(mol: &Mol, atom: usize) -> bool {
    let hydrogen = &mol.atoms[atom];
    hydrogen.element == 1
        && hydrogen.isotope == 0
        && hydrogen.charge != -1
        && mol.degree(atom) == 1
        && mol.atoms[usize::from(mol.links(atom)[0].atom)].element > 1
}

/// The hydrogens of `atom` when those that fold are folded.
pub(super) fn hydrogens(mol: &Mol, atom: usize) -> usize {
    let own = usize::from(mol.atoms[atom].hydrogens());
    if mol.atoms[atom].element <= 1 {
        return own;
    }
    own + mol.links(atom).iter().filter(|link| folds(mol, usize::from(link.atom))).count()
}

/// What is to be written next.
#[derive(Clone, Copy)]
enum Next {
    /// The atom that a bond leads to.
    Chain(u16, u16),
    /// The same, as a branch.
    Branch(u16, u16),
    /// The end of a branch.
    End,
}

/// No bond, or no ring number.
const NONE: u16 = u16::MAX;

/// Writes fragments one after the other.
pub(super) struct Writer<'a> {
    mol: &'a Mol,
    form: Form,
    /// The neighbours of each atom and the bonds to them, by rank; `first` says where those of an atom begin.
    near: Vec<(u16, u16)>,
    first: Vec<u32>,
    /// The bond by which each atom is reached; [`NONE`] for where a fragment begins.
    from: Vec<u16>,
    reached: Vec<bool>,
    /// Atoms behind each atom, itself included.
    size: Vec<u16>,
    /// Whether each bond closes a ring, and the number of the ring while it is open.
    closes: Vec<bool>,
    number: Vec<u16>,
    /// Ring numbers in use.
    in_use: Vec<bool>,
    /// The ways on from the atom at hand.
    ways: Vec<(u16, u16)>,
    /// What was written.
    pub(super) text: String,
}

impl<'a> Writer<'a> {
    /// Atoms of a lower rank come first; every atom has a rank of its own.
    pub(super) fn new(mol: &'a Mol, form: Form, ranks: &[u16]) -> Self {
        let (atoms, bonds) = (mol.atoms.len(), mol.bonds.len());
        let mut by_rank = vec![0_u16; atoms];
        for (atom, rank) in ranks.iter().enumerate() {
            by_rank[usize::from(*rank)] = atom as u16;
        }
        let mut first = vec![0_u32; atoms + 1];
        for atom in 0..atoms {
            first[atom + 1] = first[atom] + mol.degree(atom) as u32;
        }
        let mut next = first.clone();
        let mut near = vec![(0, 0); bonds * 2];
        for &atom in &by_rank {
            for link in mol.links(usize::from(atom)) {
                let place = &mut next[usize::from(link.atom)];
                near[*place as usize] = (atom, link.bond);
                *place += 1;
            }
        }
        let reached = (0..atoms).map(|atom| folds(mol, atom)).collect();
        Self {
            mol,
            form,
            near,
            first,
            from: vec![NONE; atoms],
            reached,
            size: vec![1; atoms],
            closes: vec![false; bonds],
            number: vec![NONE; bonds],
            in_use: Vec::new(),
            ways: Vec::new(),
            text: String::with_capacity(atoms * 2),
        }
    }

    fn near(&self, atom: u16) -> std::ops::Range<usize> {
        self.first[usize::from(atom)] as usize..self.first[usize::from(atom) + 1] as usize
    }

    /// Writes the fragment that `start` is in, unless it is written already.
    pub(super) fn fragment(&mut self, start: usize) {
        if self.reached[start] {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('.');
        }
        self.walk(start as u16);
        self.write(start as u16);
    }

    /// Walks the fragment depth first: which bonds lead to new atoms, and which close rings.
    fn walk(&mut self, start: u16) {
        self.reached[usize::from(start)] = true;
        let mut path = vec![(start, self.near(start))];
        while let Some((atom, left)) = path.last_mut() {
            let atom = *atom;
            let Some(at) = left.next() else {
                path.pop();
                if let Some((parent, _)) = path.last() {
                    self.size[usize::from(*parent)] += self.size[usize::from(atom)];
                }
                continue;
            };
            let (other, bond) = self.near[at];
            if bond == self.from[usize::from(atom)] || folds(self.mol, usize::from(other)) {
                continue;
            }
            if std::mem::replace(&mut self.reached[usize::from(other)], true) {
                self.closes[usize::from(bond)] |= self.from[usize::from(other)] != bond;
            } else {
                self.from[usize::from(other)] = bond;
                path.push((other, self.near(other)));
            }
        }
    }

    fn write(&mut self, start: u16) {
        self.atom(start);
        let mut stack = Vec::new();
        self.go_on(start, &mut stack);
        while let Some(next) = stack.pop() {
            let (atom, bond) = match next {
                Next::End => {
                    self.text.push(')');
                    continue;
                }
                Next::Branch(atom, bond) => {
                    self.text.push('(');
                    (atom, bond)
                }
                Next::Chain(atom, bond) => (atom, bond),
            };
            let from = self.mol.bonds[usize::from(bond)].other(usize::from(atom));
            self.bond(bond, from);
            self.atom(atom);
            self.go_on(atom, &mut stack);
        }
    }

    /// Puts on the stack what follows `atom`: small branches first, the largest goes on the chain.
    fn go_on(&mut self, atom: u16, stack: &mut Vec<Next>) {
        let mut ways = std::mem::take(&mut self.ways);
        ways.extend(
            self.near[self.near(atom)].iter().filter(|(other, bond)| {
                self.from[usize::from(*other)] == *bond && self.from[usize::from(atom)] != *bond
            }),
        );
        ways.sort_by_key(|(other, _)| self.size[usize::from(*other)]);
        if let Some((other, bond)) = ways.pop() {
            stack.push(Next::Chain(other, bond));
        }
        while let Some((other, bond)) = ways.pop() {
            stack.push(Next::End);
            stack.push(Next::Branch(other, bond));
        }
        self.ways = ways;
    }

    fn order(&self, bond: &Bond) -> Order {
        match self.form {
            Form::Aromatic => bond.order,
            Form::Kekule => bond.kekule,
        }
    }

    /// Whether the atom is written with a small letter.
    fn small(&self, atom: usize) -> bool {
        let atom = &self.mol.atoms[atom];
        self.form == Form::Aromatic && atom.aromatic && small(atom.element).is_some()
    }

    /// The sign of a bond, seen from `from`; none where it goes without saying.
    fn bond(&mut self, bond: u16, from: usize) {
        let bond = &self.mol.bonds[usize::from(bond)];
        let order = self.order(bond);
        let both = self.small(bond.begin.into()) && self.small(bond.end.into());
        let sign = match order {
            Order::Single if both => "-",
            Order::Aromatic if both => "",
            Order::Single => "",
            Order::Aromatic => ":",
            Order::Double => "=",
            Order::Triple => "#",
            Order::Quadruple => "$",
            Order::Dative if usize::from(bond.begin) == from => "->",
            Order::Dative => "<-",
        };
        self.text.push_str(sign);
    }

    /// Writes the atom and its ring numbers: first those of rings that end here.
    fn atom(&mut self, index: u16) {
        let small = self.small(usize::from(index));
        self.symbol(usize::from(index), small);
        let mut ended = Vec::new();
        for ends in [true, false] {
            for at in self.near(index) {
                let (_, bond) = self.near[at];
                let place = usize::from(bond);
                if !self.closes[place] || (self.number[place] != NONE) != ends {
                    continue;
                }
                if ends {
                    ended.push(self.number[place]);
                    self.ring_number(self.number[place]);
                    self.closes[place] = false;
                } else {
                    self.bond(bond, usize::from(index));
                    let free = self.in_use.iter().position(|in_use| !in_use).unwrap_or(self.in_use.len());
                    self.in_use.resize(self.in_use.len().max(free + 1), false);
                    self.in_use[free] = true;
                    self.number[place] = free as u16 + 1;
                    self.ring_number(self.number[place]);
                }
            }
        }
        for number in ended {
            self.in_use[usize::from(number) - 1] = false;
        }
    }

    fn ring_number(&mut self, number: u16) {
        match number {
            0..=9 => {}
            10..=99 => self.text.push('%'),
            _ => self.text.push_str("%("),
        }
        self.number(number);
        if number > 99 {
            self.text.push(')');
        }
    }

    fn number(&mut self, number: u16) {
        self.text.push_str(&number.to_string());
    }

    fn symbol(&mut self, index: usize, is_small: bool) {
        let atom = &self.mol.atoms[index];
        let symbol = if is_small { small(atom.element) } else { None }.unwrap_or(element::of(atom.element).symbol);
        let hydrogens = hydrogens(self.mol, index);
        if self.is_short(index, hydrogens) {
            self.text.push_str(symbol);
            return;
        }
        let (charge, isotope) = (atom.charge, atom.isotope);
        self.text.push('[');
        if isotope != 0 {
            self.number(isotope);
        }
        self.text.push_str(symbol);
        if hydrogens > 0 {
            self.text.push('H');
        }
        if hydrogens > 1 {
            self.number(hydrogens as u16);
        }
        if charge != 0 {
            self.text.push(if charge > 0 { '+' } else { '-' });
        }
        if charge.unsigned_abs() > 1 {
            self.number(charge.unsigned_abs().into());
        }
        self.text.push(']');
    }

    /// Whether the atom needs no brackets.
    fn is_short(&self, index: usize, hydrogens: usize) -> bool {
        let atom = &self.mol.atoms[index];
        if !matches!(atom.element, 0 | 5..=9 | 15..=17 | 35 | 53)
            || (atom.charge, atom.isotope, atom.radicals) != (0, 0, 0)
        {
            return false;
        }
        let kekule = self.form == Form::Kekule;
        let (mut halves, mut touches) = (0, atom.aromatic && !kekule);
        for (other, bond) in self.mol.around(index) {
            if !folds(self.mol, other) {
                let order = self.order(bond);
                halves += bond.halves_as(order, index);
                touches |= order == Order::Aromatic;
            }
        }
        valence::unwritten(atom.element, halves, touches).map(usize::from) == Some(hydrogens)
    }
}

/// The symbol of an element as an aromatic atom, if it can be written so.
const fn small(element: u8) -> Option<&'static str> {
    Some(match element {
        5 => "b",
        6 => "c",
        7 => "n",
        8 => "o",
        14 => "si",
        15 => "p",
        16 => "s",
        33 => "as",
        34 => "se",
        52 => "te",
        _ => return None,
    })
}
