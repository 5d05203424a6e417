//! Circular fingerprints: the ECFP4 bits of RDKit's default Morgan generator.
//!
//! Rogers and Hahn, Journal of Chemical Information and Modeling 50 (2010) 742, with RDKit's atom
//! invariants and its 32-bit hash: radius 2, folded into 2048 bits, no chirality, and one
//! identifier for each distinct set of bonds.

use super::{Atom, Mol, Order, element};

/// 64-bit words of a fingerprint.
pub const WORDS: usize = 32;

/// Bits of a fingerprint.
pub const BITS: u32 = 2048;

/// A fingerprint.
pub type Fingerprint = [u64; WORDS];

/// Mixes `value` into `seed` (the combining step of Boost's hash, in 32 bits).
fn mix(seed: u32, value: u32) -> u32 {
    let step = value.wrapping_add(0x9e37_79b9).wrapping_add(seed << 6).wrapping_add(seed >> 2);
    seed ^ step
}

fn set(fingerprint: &mut Fingerprint, identifier: u32) {
    let bit = identifier % BITS;
    fingerprint[(bit / 64) as usize] |= 1 << (bit % 64);
}

/// The fingerprint of `mol`.
pub fn fingerprint(mol: &Mol) -> Fingerprint {
    let mut bits = [0; WORDS];
    let mut identifiers: Vec<u32> = (0..mol.atoms.len()).map(|i| invariant(mol, i)).collect();
    for identifier in &identifiers {
        set(&mut bits, *identifier);
    }
    let mut layers = Layers::new(mol);
    for layer in 0..2 {
        identifiers = layers.widen(layer, &identifiers, &mut bits);
    }
    bits
}

/// What an atom is before its neighbours are looked at.
fn invariant(mol: &Mol, index: usize) -> u32 {
    let atom = &mol.atoms[index];
    let parts = [
        u32::from(atom.element),
        mol.total_degree(index) as u32,
        mol.all_hydrogens(index) as u32,
        i32::from(atom.charge) as u32,
        mass_difference(atom) as u32,
    ];
    let hash = parts.into_iter().fold(0, mix);
    if atom.ring { mix(hash, 1) } else { hash }
}

/// How much heavier it is than the average atom of its element, in whole dalton towards zero.
fn mass_difference(atom: &Atom) -> i32 {
    if atom.isotope == 0 {
        return 0;
    }
    (element::mass(atom.element, atom.isotope) - element::of(atom.element).weight) as i32
}

/// RDKit's number for a bond type.
const fn bond_code(order: Order) -> u32 {
    match order {
        Order::Single => 1,
        Order::Double => 2,
        Order::Triple => 3,
        Order::Quadruple => 4,
        Order::Aromatic => 12,
        Order::Dative => 17,
    }
}

/// The sets of bonds around the atoms, growing by one bond a layer.
struct Layers<'a> {
    mol: &'a Mol,
    /// 64-bit words of a set of bonds.
    words: usize,
    /// The set of each atom, one after the other.
    sets: Vec<u64>,
    /// The sets of the layer before that have an identifier, sorted, one after the other. Two layers
    /// are looked at, so the one before is all there is.
    named: Vec<u64>,
    /// Atoms whose set was another's before: they name nothing more.
    spent: Vec<bool>,
    /// Bond codes and identifiers of the neighbours of the atom at hand.
    neighbours: Vec<(u32, u32)>,
}

impl<'a> Layers<'a> {
    fn new(mol: &'a Mol) -> Self {
        let words = mol.bonds.len().div_ceil(64);
        let atoms = mol.atoms.len();
        let spent = (0..atoms).map(|i| mol.degree(i) == 0).collect();
        Self { mol, words, sets: vec![0; atoms * words], named: Vec::new(), spent, neighbours: Vec::with_capacity(8) }
    }

    fn set_of(&self, atom: usize) -> &[u64] {
        &self.sets[atom * self.words..(atom + 1) * self.words]
    }

    /// Takes in the next bonds, sets the bits of new sets, and returns the new identifiers.
    fn widen(&mut self, layer: u32, identifiers: &[u32], bits: &mut Fingerprint) -> Vec<u32> {
        let mut wider = self.sets.clone();
        let mut next = vec![0; identifiers.len()];
        let mut round = Vec::with_capacity(identifiers.len());
        for atom in 0..identifiers.len() {
            if self.spent[atom] {
                continue;
            }
            let set = &mut wider[atom * self.words..(atom + 1) * self.words];
            self.neighbours.clear();
            for link in self.mol.links(atom) {
                let other = usize::from(link.atom);
                set[usize::from(link.bond / 64)] |= 1 << (link.bond % 64);
                let theirs = &self.sets[other * self.words..(other + 1) * self.words];
                set.iter_mut().zip(theirs).for_each(|(word, theirs)| *word |= theirs);
                let code = bond_code(self.mol.bonds[usize::from(link.bond)].order);
                self.neighbours.push((code, identifiers[other]));
            }
            self.neighbours.sort_unstable();
            let own = mix(layer, identifiers[atom]);
            next[atom] =
                self.neighbours.iter().fold(own, |hash, (code, theirs)| mix(hash, mix(mix(0, *code), *theirs)));
            round.push((next[atom], atom));
        }
        self.sets = wider;
        self.name(&mut round, bits);
        next
    }

    /// Sets the bits of the sets in `round` that have no identifier yet; of equal ones the lowest
    /// identifier counts. Both lists of sets are sorted, so one walk along both finds what is known.
    fn name(&mut self, round: &mut [(u32, usize)], bits: &mut Fingerprint) {
        round.sort_unstable_by(|a, b| self.set_of(a.1).cmp(self.set_of(b.1)).then(a.cmp(b)));
        let before = std::mem::take(&mut self.named);
        let mut known = before.chunks_exact(self.words.max(1)).peekable();
        let mut last: Option<usize> = None;
        for &(identifier, atom) in round.iter() {
            let start = atom * self.words;
            let set = &self.sets[start..start + self.words];
            while known.next_if(|n| *n < set).is_some() {}
            if known.peek() == Some(&set) || last.is_some_and(|l| self.set_of(l) == set) {
                self.spent[atom] = true;
            } else {
                self::set(bits, identifier);
                self.named.extend_from_slice(set);
            }
            last = Some(atom);
        }
    }
}
