//! Decoys: look-alikes of a molecule, with its atoms and as many bonds at each.
//!
//! A decoy is its parent with two single bonds a-b and c-d replaced by a-d and c-b. All pairs of bonds that a
//! [`Strategy`] allows are numbered, both ways of each, and tried in an order that the campaign's seed and the parent's
//! canonical form give ([`draw`]). The first ones that are molecules, in one piece, unlike the parent and unlike each
//! other are taken. The first strategy that makes any decides. What was refused is counted by reason.
//!
//! Everything begins with the parent's canonical SMILES, which is read anew: so neither how a structure was written nor the
//! order of its atoms changes anything. And a decoy's molecule is what its SMILES reads as. See `docs/decoys.md`.

pub mod draw;
pub mod facts;
pub mod strategy;
mod swap;

use std::collections::BTreeSet;

pub use self::draw::Seed;
pub use self::facts::{Deltas, Facts};
pub use self::strategy::Strategy;
use self::swap::{Bench, Refused};

use super::chem::{Mol, Order, Refusal, canon, element, morgan};
use super::tanimoto;

/// No decoy was found.
pub const NO_DECOYS: &str = "no_decoys_generated";
/// No decoy as like its parent as was asked for was found.
pub const NO_HARD_DECOYS: &str = "no_hard_decoys_generated";

/// How like its parent a decoy must be: Tanimoto similarity of the fingerprints, bounds included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// At least.
    pub least: f64,
    /// At most.
    pub most: f64,
}

impl Window {
    /// HETERO-2's window for hard decoys.
    pub const HARD: Self = Self { least: 0.65, most: 0.95 };
}

/// Which decoys are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// At most so many.
    pub count: usize,
    /// Strategies, in the order in which they are tried.
    pub strategies: Vec<Strategy>,
    /// How like their parent they must be, if that matters.
    pub window: Option<Window>,
    /// Whether a decoy must not have more fragments than its parent.
    pub connected: bool,
    /// So many exchanges that make a graph in one piece are looked at for each strategy, and no more.
    pub looks: usize,
    /// And so many atoms in all of them together, so that a large molecule does not take for ever.
    pub atoms: usize,
}

impl Settings {
    /// `count` decoys as HETERO-2's contract has them, but connected: all strategies, and at most max(100, 200 `count`)
    /// looks at 200,000 atoms.
    pub fn of(count: usize) -> Self {
        let looks = count.saturating_mul(200).max(100);
        Self { count, strategies: Strategy::ALL.to_vec(), window: None, connected: true, looks, atoms: 200_000 }
    }

    /// How many exchanges of a molecule of `atoms` are looked at.
    fn looks_at(&self, atoms: usize) -> usize {
        self.looks.min(self.atoms / atoms.max(1))
    }
}

/// How hard it is to tell a decoy from its parent, by the Tanimoto similarity of the fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Below 0.5.
    Easy,
    /// Below 0.7.
    Medium,
    /// From 0.7.
    Hard,
}

impl Band {
    /// All, from easy to hard.
    pub const ALL: [Self; 3] = [Self::Easy, Self::Medium, Self::Hard];

    /// The band of a similarity.
    pub fn of(tanimoto: f64) -> Self {
        match tanimoto {
            t if t < 0.5 => Self::Easy,
            t if t < 0.7 => Self::Medium,
            _ => Self::Hard,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }
}

/// A decoy.
#[derive(Clone, Debug)]
pub struct Decoy {
    /// Its canonical SMILES.
    pub smiles: String,
    /// What that reads as.
    pub mol: Mol,
    /// Tanimoto similarity of its fingerprint and its parent's.
    pub tanimoto: f64,
    /// Its descriptors.
    pub facts: Facts,
}

impl Decoy {
    /// How hard it is to tell it from its parent.
    pub fn band(&self) -> Band {
        Band::of(self.tanimoto)
    }
}

/// Exchanges that made no decoy, by the first reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The two bonds have an atom in common.
    pub adjacent: u32,
    /// One of the new bonds is there already.
    pub bound: u32,
    /// It would fall apart.
    pub disconnected: u32,
    /// It would be no molecule.
    pub no_molecule: u32,
    /// It is the parent again.
    pub parent: u32,
    /// It was made before.
    pub seen: u32,
    /// It is less or more like its parent than was asked for.
    pub outside_window: u32,
    /// It is so symmetric that it has no canonical form.
    pub no_canonical_form: u32,
}

impl Counts {
    const fn add(&mut self, refused: Refused) {
        let count = match refused {
            Refused::Adjacent => &mut self.adjacent,
            Refused::Bound => &mut self.bound,
            Refused::Disconnected => &mut self.disconnected,
            Refused::NoMolecule => &mut self.no_molecule,
            Refused::Parent => &mut self.parent,
            Refused::Seen => &mut self.seen,
            Refused::OutsideWindow => &mut self.outside_window,
            Refused::NoCanonicalForm => &mut self.no_canonical_form,
        };
        *count += 1;
    }

    /// All of them.
    pub const fn total(&self) -> u32 {
        let graph = self.adjacent + self.bound + self.disconnected + self.no_molecule;
        graph + self.parent + self.seen + self.outside_window + self.no_canonical_form
    }
}

/// What became of one strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which.
    pub strategy: Strategy,
    /// Bonds that may be exchanged.
    pub candidates: u32,
    /// Pairs of them.
    pub pairs: u32,
    /// Exchanges that were tried; there are two for each pair.
    pub tried: u32,
    /// Those that made no decoy.
    pub refused: Counts,
    /// The strategy before it that has the same bonds of the same molecule: nothing else would come of trying again.
    pub same_as: Option<Strategy>,
    /// Why there was nothing to exchange bonds in, if aromatic bonds could not be made single.
    pub impossible: Option<Refusal>,
}

impl Trial {
    /// Whether every exchange was tried: there are no more decoys.
    pub const fn is_exhausted(&self) -> bool {
        self.tried == 2 * self.pairs
    }

    /// Nothing tried yet.
    const fn new(strategy: Strategy) -> Self {
        let refused = Counts {
            adjacent: 0,
            bound: 0,
            disconnected: 0,
            no_molecule: 0,
            parent: 0,
            seen: 0,
            outside_window: 0,
            no_canonical_form: 0,
        };
        Self { strategy, candidates: 0, pairs: 0, tried: 0, refused, same_as: None, impossible: None }
    }
}

/// The decoys of one parent.
#[derive(Clone, Debug)]
pub struct Decoys {
    /// The parent's canonical SMILES.
    pub parent: String,
    /// The parent's descriptors.
    pub facts: Facts,
    /// The strategy that made them; none if there are none.
    pub strategy: Option<Strategy>,
    /// They, in the order in which they were found.
    pub decoys: Vec<Decoy>,
    /// What became of each strategy that was tried.
    pub trials: Vec<Trial>,
    /// Whether they were to be within a window.
    windowed: bool,
}

impl Decoys {
    /// Why there are none, as a reason code.
    pub const fn reason(&self) -> Option<&'static str> {
        match (self.strategy, self.windowed) {
            (Some(_), _) => None,
            (None, true) => Some(NO_HARD_DECOYS),
            (None, false) => Some(NO_DECOYS),
        }
    }
}

/// The decoys of `mol`, which depend on the molecule, the campaign's seed and `settings` alone.
///
/// # Errors
/// The molecule is too symmetric to have a canonical form ([`Refusal::TooComplex`]), or what RDKit's rules make of it
/// cannot be written so that it reads back.
pub fn of(mol: &Mol, seed: &Seed, settings: &Settings) -> Result<Decoys, Refusal> {
    let (canonical, parent) = settled(mol)?;
    let mut decoys = Decoys {
        facts: Facts::of(&parent),
        strategy: None,
        decoys: Vec::new(),
        trials: Vec::new(),
        windowed: settings.window.is_some(),
        parent: canonical,
    };
    let fingerprint = morgan::fingerprint(&parent);
    let mut before: Vec<(Strategy, bool, Vec<u16>)> = Vec::new();
    for &strategy in &settings.strategies {
        let mut search = Search {
            parent: &decoys.parent,
            fingerprint: &fingerprint,
            settings,
            seen: BTreeSet::new(),
            found: Vec::new(),
        };
        let trial = search.run(&parent, strategy, seed, &mut before);
        decoys.decoys = search.found;
        decoys.trials.push(trial);
        if !decoys.decoys.is_empty() {
            decoys.strategy = Some(strategy);
            break;
        }
    }
    Ok(decoys)
}

/// The canonical SMILES of `mol`, and what it reads as. RDKit's rules for metals make another molecule of a few each time
/// they are read; such a one is read until it stays the same.
fn settled(mol: &Mol) -> Result<(String, Mol), Refusal> {
    const READINGS_MAX: usize = 8;
    let canonical = canon::smiles(mol)?;
    let read = Mol::from_smiles(canonical.as_bytes())?;
    if is_same(mol, &read) {
        return Ok((canonical, read));
    }
    let mut last = read;
    for _ in 0..READINGS_MAX {
        let canonical = canon::smiles(&last)?;
        let read = Mol::from_smiles(canonical.as_bytes())?;
        if is_same(&last, &read) {
            return Ok((canonical, read));
        }
        last = read;
    }
    Err(Refusal::TooComplex)
}

/// Whether `read` is the molecule whose canonical SMILES it was read from, and nothing was perceived in another way.
fn is_same(mol: &Mol, read: &Mol) -> bool {
    let (ours, theirs) = (Tally::of(mol), Tally::of(read));
    ours == theirs && (ours.metals == 0 || canon::smiles(mol) == canon::smiles(read))
}

/// What another perception would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    hydrogens: usize,
    metals: usize,
    aromatic: usize,
    bonds: [usize; 6],
}

impl Tally {
    fn of(mol: &Mol) -> Self {
        let mut tally = Self::default();
        for atom in &mol.atoms {
            tally.hydrogens += usize::from(atom.hydrogens()) + usize::from(atom.element == 1);
            tally.metals += usize::from(atom.element > 0 && element::is_metal(atom.element));
            tally.aromatic += usize::from(atom.aromatic);
        }
        // A hydrogen that folds takes a single bond with it, so those are not counted.
        for bond in mol.bonds.iter().filter(|bond| bond.order != Order::Single) {
            tally.bonds[bond.order as usize] += 1;
        }
        tally
    }
}

/// The search by one strategy.
struct Search<'a> {
    parent: &'a str,
    fingerprint: &'a morgan::Fingerprint,
    settings: &'a Settings,
    seen: BTreeSet<String>,
    found: Vec<Decoy>,
}

impl Search<'_> {
    /// Tries `strategy`, unless one `before` comes to the same: each with whether it is of the parent itself, and its
    /// candidates.
    fn run(
        &mut self,
        parent: &Mol,
        strategy: Strategy,
        seed: &Seed,
        before: &mut Vec<(Strategy, bool, Vec<u16>)>,
    ) -> Trial {
        let mut trial = Trial::new(strategy);
        let ground = match strategy.ground(parent) {
            Ok(ground) => ground,
            Err(refusal) => return Trial { impossible: Some(refusal), ..trial },
        };
        let candidates = strategy.candidates(&ground);
        trial.candidates = candidates.len() as u32;
        trial.pairs = trial.candidates * trial.candidates.saturating_sub(1) / 2;
        let is_parent = strategy.keeps(parent);
        trial.same_as = before.iter().find(|(_, of, bonds)| *of == is_parent && *bonds == candidates).map(|b| b.0);
        if trial.same_as.is_some() {
            return trial;
        }
        before.push((strategy, is_parent, candidates.clone()));
        let mut bench = Bench::new(ground, is_parent);
        let (mut looks, most) = (0, self.settings.looks_at(parent.atoms.len()));
        for number in draw::Order::new(seed.generator(self.parent), 2 * trial.pairs) {
            if self.found.len() >= self.settings.count || looks >= most {
                break;
            }
            trial.tried += 1;
            let (i, j) = draw::pair(number / 2);
            let (first, second, turned) = (usize::from(candidates[i]), usize::from(candidates[j]), number % 2 == 1);
            let way = (first, second, turned);
            let made =
                bench.is_simple(way).and_then(|()| bench.with(way, self.settings.connected, |mol| self.judge(mol)));
            let is_none = matches!(made, Err(Refused::Adjacent | Refused::Bound | Refused::Disconnected));
            looks += usize::from(!is_none);
            match made {
                Ok(decoy) => self.found.push(decoy),
                Err(refused) => trial.refused.add(refused),
            }
        }
        trial
    }

    /// `mol` as a decoy, if it is one.
    fn judge(&mut self, mol: &Mol) -> Result<Decoy, Refused> {
        let smiles = canon::smiles(mol).map_err(|_| Refused::NoCanonicalForm)?;
        if smiles == self.parent {
            return Err(Refused::Parent);
        }
        if self.seen.contains(&smiles) {
            return Err(Refused::Seen);
        }
        self.seen.insert(smiles.clone());
        let tanimoto = tanimoto::of(self.fingerprint, &morgan::fingerprint(mol));
        if self.settings.window.is_some_and(|window| tanimoto < window.least || tanimoto > window.most) {
            return Err(Refused::OutsideWindow);
        }
        let read = Mol::from_smiles(smiles.as_bytes()).ok().filter(|read| is_same(mol, read));
        let mol = read.ok_or(Refused::NoCanonicalForm)?;
        Ok(Decoy { facts: Facts::of(&mol), smiles, mol, tanimoto })
    }
}

#[cfg(test)]
mod tests;
