//! Draws a structure in 2D, as SVG that takes its colours from the page around it.
//!
//! Where atoms go is decided by `chematic`, behind `layout` alone, or by the molblock itself (`sketch`); how it looks is
//! ours (`ink`). It is
//! work on input that nobody checked, by code that is young: it is bounded by the size of the structure,
//! and done in a thread of its own, whose panic means that there is no drawing.

mod ink;
mod labels;
mod layout;
mod sketch;
mod stereo;

use crate::library::format::Notation;
use crate::scorer::STRUCTURE_BYTES_MAX;

/// Longer SMILES are not drawn; a molblock may be as long as any structure.
const SMILES_BYTES_MAX: usize = 1000;

/// Structures with more atoms, hydrogens that are written included, are not drawn.
const ATOMS_MAX: usize = 150;

/// Structures with more bonds than atoms and this are not drawn: cages take long to lay out.
const RINGS_MAX: usize = 30;

/// Stack of the thread that draws.
const STACK_BYTES: usize = 8 << 20;

/// A drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The `svg` element.
    pub svg: String,
    /// Whether stereochemistry is written in the structure and could not be drawn.
    pub is_flat: bool,
}

/// A point, y downwards; a bond is about 40 long.
type Point = (f64, f64);

/// An atom on paper.
#[derive(Clone, Debug)]
struct Atom {
    at: Point,
    element: u8,
    symbol: &'static str,
    hydrogens: u8,
    charge: i8,
    isotope: Option<u16>,
    /// How many bonds it has.
    degree: usize,
}

/// Whether so many atoms and bonds are few enough to be drawn.
fn is_drawable(atoms: usize, bonds: usize) -> bool {
    (1..=ATOMS_MAX).contains(&atoms) && bonds < atoms + RINGS_MAX
}

/// How a bond is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stroke {
    Single,
    Double,
    Triple,
    /// To the reader, from the first atom.
    Wedge,
    /// From the reader, from the first atom.
    Hash,
    /// Given by the first atom, or of no certain order.
    Dashed,
}

/// A bond on paper.
#[derive(Clone, Copy, Debug)]
struct Bond {
    ends: [usize; 2],
    stroke: Stroke,
    /// The centre of the smallest ring that it is in.
    ring: Option<Point>,
}

/// A molecule on paper.
#[derive(Clone, Debug)]
struct Figure {
    atoms: Vec<Atom>,
    bonds: Vec<Bond>,
    is_flat: bool,
}

/// Draws `structure`, written as `notation`; `label` says for those who do not see it what it is. None if it cannot be drawn.
pub fn draw(structure: &[u8], notation: Notation, label: &str) -> Option<Drawing> {
    let text = std::str::from_utf8(structure).ok()?.to_owned();
    let (max, figure): (usize, fn(&str) -> Option<Figure>) = match notation {
        Notation::Smiles => (SMILES_BYTES_MAX, |text| layout::figure(text.trim())),
        Notation::Molblock => (STRUCTURE_BYTES_MAX, sketch::figure),
    };
    if text.trim().is_empty() || text.len() > max {
        return None;
    }
    let work = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || figure(&text)).ok()?;
    // An error here is a panic in there.
    let figure = work.join().ok()??;
    Some(Drawing { svg: ink::svg(&figure, label), is_flat: figure.is_flat })
}

#[cfg(test)]
mod tests;
