//! Reads V2000 molfiles into a graph, in the steps of RDKit's `MolFromMolBlock`.
//!
//! Fields stand in fixed columns. What belongs to a search and not to a structure (atom lists, query bonds) is
//! refused, and so is V3000. Stereochemistry is read for two ends only: marks of bonds, for whoever draws the
//! structure, and the hydrogen that directs an imine, which RDKit leaves an atom (see [`hydrogens`]).

mod atom;
mod direct;
mod properties;

use super::hydrogens::{self, Count};
use super::{Bond, Mol, Order, Refusal, cleanup, valence};

/// How a bond is marked on paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Not at all.
    #[default]
    None,
    /// Its second atom is nearer to the reader.
    Wedge,
    /// Its second atom is further from the reader.
    Hash,
    /// Either: nothing is said of its stereochemistry.
    Either,
}

/// A molfile, nothing perceived yet.
#[derive(Clone, Debug)]
pub struct Molfile {
    /// The graph, hydrogens that are atoms included.
    mol: Mol,
    /// Where the atoms are, in ångström or on paper, y upwards.
    at: Vec<[f64; 3]>,
    /// The mark of each bond.
    marks: Vec<Mark>,
    /// The bond of each mark, as it was written: a mark starts at the first atom.
    starts: Vec<u16>,
}

/// A molecule with what a drawing needs beside it; hydrogens are folded in but for those at marked bonds.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// The molecule.
    pub mol: Mol,
    /// Where its atoms are.
    pub at: Vec<[f64; 3]>,
    /// The mark of each bond, and the atom that it starts at.
    pub marks: Vec<(Mark, u16)>,
}

/// Reads a molfile: a header of three lines, the counts, atoms, bonds, properties up to `M  END`.
///
/// # Errors
/// [`Refusal::Version3000`], [`Refusal::Query`], [`Refusal::Empty`] if it has no atom, and [`Refusal::Syntax`] for
/// whatever else is no V2000 molfile.
pub fn read(text: &[u8]) -> Result<Molfile, Refusal> {
    let mut lines = text.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).skip(3);
    let (atoms, bonds) = counts(lines.next().ok_or(Refusal::Syntax)?)?;
    let mut file = Molfile { mol: Mol::default(), at: Vec::new(), marks: Vec::new(), starts: Vec::new() };
    let mut said = Vec::with_capacity(atoms);
    let mut read = Vec::with_capacity(atoms);
    for _ in 0..atoms {
        let line = atom::read(lines.next().ok_or(Refusal::Syntax)?)?;
        file.at.push(line.at);
        said.push(line.valence);
        read.push(line.atom);
    }
    let mut bound: Vec<Bond> = Vec::with_capacity(bonds);
    for _ in 0..bonds {
        let (bond, mark) = bond(lines.next().ok_or(Refusal::Syntax)?, atoms)?;
        let joins = |other: &Bond| other.other(bond.begin.into()) == usize::from(bond.end);
        if bound.iter().any(|b| (b.begin == bond.begin || b.end == bond.begin) && joins(b)) {
            return Err(Refusal::Syntax);
        }
        file.starts.push(bond.begin);
        file.marks.push(mark);
        bound.push(bond);
    }
    properties::read(&mut lines, &mut read)?;
    if atoms == 0 {
        return Err(Refusal::Empty);
    }
    file.mol = Mol::new(read, bound);
    atom::take_at_their_word(&mut file.mol, &said);
    direct::hydrogens(&mut file.mol, &file.at, &file.marks);
    Ok(file)
}

impl Molfile {
    /// The graph with its hydrogens folded in, ready to be perceived.
    pub(super) fn into_graph(self) -> Mol {
        self.fold(&[]).0
    }

    /// The molecule for a drawing.
    ///
    /// # Errors
    /// It is none; see [`Refusal`].
    pub fn sketch(self) -> Result<Sketch, Refusal> {
        let mut stays = vec![false; self.mol.atoms.len()];
        for (bond, _) in self.mol.bonds.iter().zip(&self.marks).filter(|(_, mark)| **mark != Mark::None) {
            (stays[usize::from(bond.begin)], stays[usize::from(bond.end)]) = (true, true);
        }
        let Self { at, marks, starts, .. } = self.clone();
        let ends: Vec<[usize; 2]> =
            self.mol.bonds.iter().map(|bond| [usize::from(bond.begin), usize::from(bond.end)]).collect();
        let (graph, gone) = self.fold(&stays);
        let places = hydrogens::places(&gone);
        let kept = ends.iter().map(|ends| ends.iter().all(|end| !gone[*end]));
        let marks = marks.into_iter().zip(starts).zip(kept).filter(|(_, kept)| *kept);
        Ok(Sketch {
            mol: graph.perceived()?,
            at: at.into_iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(at, _)| at).collect(),
            marks: marks.map(|((mark, start), _)| (mark, places[usize::from(start)])).collect(),
        })
    }

    /// Repairs spellings while hydrogens are still atoms, as RDKit does, and folds them but for those that `stays`
    /// names; also which atoms are gone.
    fn fold(mut self, stays: &[bool]) -> (Mol, Vec<bool>) {
        cleanup::repair(&mut self.mol);
        valence::refresh(&mut self.mol);
        let gone = hydrogens::fold(&mut self.mol, Count::WhereNeeded, stays);
        (self.mol, gone)
    }
}

/// How many atoms and bonds, from the counts line.
fn counts(line: &[u8]) -> Result<(usize, usize), Refusal> {
    if line.len() < 6 {
        return Err(Refusal::Syntax);
    }
    match line.get(34..39) {
        Some(b"V3000") => return Err(Refusal::Version3000),
        Some(b"V2000") => {}
        // Old programs leave the version out.
        _ if line.len() <= 35 => {}
        _ => return Err(Refusal::Syntax),
    }
    let count = |at| usize::try_from(number(line, at, 3)?).map_err(|_| Refusal::Syntax);
    Ok((count(0)?, count(3)?))
}

/// A bond line, in a molfile of `atoms` atoms.
fn bond(line: &[u8], atoms: usize) -> Result<(Bond, Mark), Refusal> {
    if line.len() < 9 {
        return Err(Refusal::Syntax);
    }
    let atom = |at| atom_index(number(line, at, 3)?, atoms);
    let (begin, end) = (atom(0)?, atom(3)?);
    let order = match number(line, 6, 3)? {
        1 => Order::Single,
        2 => Order::Double,
        3 => Order::Triple,
        4 => Order::Aromatic,
        9 => Order::Dative,
        _ => return Err(Refusal::Query),
    };
    if begin == end || number(line, 15, 3)? != 0 {
        return Err(if begin == end { Refusal::Syntax } else { Refusal::Query });
    }
    let mark = match number(line, 9, 3)? {
        1 => Mark::Wedge,
        6 => Mark::Hash,
        3 | 4 => Mark::Either,
        _ => Mark::None,
    };
    let aromatic = order == Order::Aromatic;
    Ok((Bond { begin, end, order, kekule: order, aromatic, directed: false, ring: false }, mark))
}

/// The index of the atom that a molfile of `atoms` atoms calls `number`.
fn atom_index(number: i64, atoms: usize) -> Result<u16, Refusal> {
    let index = usize::try_from(number - 1).ok().filter(|index| *index < atoms);
    index.and_then(|index| u16::try_from(index).ok()).ok_or(Refusal::Syntax)
}

/// The integer in `width` columns from `at` on; 0 where they are blank or the line is shorter.
fn number(line: &[u8], at: usize, width: usize) -> Result<i64, Refusal> {
    let field = line.get(at..line.len().min(at + width)).unwrap_or_default().trim_ascii();
    if field.is_empty() {
        return Ok(0);
    }
    std::str::from_utf8(field).ok().and_then(|text| text.parse().ok()).ok_or(Refusal::Syntax)
}

#[cfg(test)]
mod tests;
