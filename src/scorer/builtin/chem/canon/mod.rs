//! A canonical form: one SMILES for one molecule, however it was written.
//!
//! Atoms are told apart by what they are and refined by their neighbours until nothing more can be told (Weisfeiler and
//! Leman 1968; Morgan 1965 is the ancestor in chemistry). Where several still look alike, one is marked and the rest
//! refined again, and where it could matter which one, all of them are tried and the smallest result is taken: the
//! search tree of McKay (Congressus Numerantium 30 (1981) 45; with Piperno, Journal of Symbolic Computation 60 (2014)
//! 94). So the order is exact, and not the best guess that ranks with ties broken at random would be (Weininger 1989;
//! Schneider, Sahnoun and Landrum, Journal of Chemical Information and Modeling 55 (2015) 2111).
//!
//! Most choices need not be tried (`search`): parts that do not depend on each other are ordered one after the other
//! (Junttila and Kaski, TAPAS 2011), and in parts without rings, or where atoms come in pairs, all choices are alike. The
//! work is bounded by [`limits`](super::limits), in steps and not in time. A molecule that reaches the bound has no
//! canonical form here, on every machine.

mod graph;
mod refine;
mod search;

use super::write::{self, Form, Writer};
use super::{Mol, Refusal};

/// The canonical SMILES of `mol`: that of each fragment, in the order of their bytes. Stereochemistry is not in it, and
/// hydrogens that are atoms only for its sake are folded in.
///
/// # Errors
/// [`Refusal::TooComplex`]: it is so symmetric that finding the order takes more than is allowed.
pub fn smiles(mol: &Mol) -> Result<String, Refusal> {
    let (ranks, starts) = order(mol)?;
    let mut writer = Writer::new(mol, Form::Aromatic, &ranks);
    if let [start] = starts[..] {
        writer.fragment(start.into());
        return Ok(writer.text);
    }
    let mut fragments = Vec::with_capacity(starts.len());
    for start in starts {
        writer.fragment(start.into());
        fragments.push(std::mem::take(&mut writer.text));
    }
    fragments.sort_unstable();
    Ok(fragments.join("."))
}

/// The rank of each atom, canonical within its fragment, and the first atom of each fragment. Hydrogens that are not
/// written come last.
fn order(mol: &Mol) -> Result<(Vec<u16>, Vec<u16>), Refusal> {
    let mut ranks = vec![u16::MAX; mol.atoms.len()];
    let mut starts = Vec::new();
    let mut next = 0;
    let mut place = vec![u16::MAX; mol.atoms.len()];
    for atom in 0..mol.atoms.len() {
        if ranks[atom] != u16::MAX || write::folds(mol, atom) {
            continue;
        }
        let graph = graph::Graph::of_fragment(mol, atom, &mut place)?;
        let order = search::order(&graph)?;
        starts.push(graph.atoms[usize::from(order[0])]);
        for vertex in order {
            ranks[usize::from(graph.atoms[usize::from(vertex)])] = next;
            next += 1;
        }
    }
    for rank in ranks.iter_mut().filter(|rank| **rank == u16::MAX) {
        *rank = next;
        next += 1;
    }
    Ok((ranks, starts))
}

#[cfg(test)]
mod tests;
