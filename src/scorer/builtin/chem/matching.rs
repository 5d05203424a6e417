//! Pairs atoms by double bonds so that every atom that needs one has one: a matching in a general
//! graph, by Edmonds' blossom algorithm (1965) after a greedy start that usually suffices.

use std::collections::VecDeque;

use super::rings::Component;
use super::{Bond, Mol};

/// Whether an atom is to have a double bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is not aromatic: nothing about it is to be decided.
    Outside,
    /// It can have none.
    None,
    /// It may have one (a dummy atom).
    Optional,
    /// It must have one.
    Required,
}

/// The bonds of `component` to be double, among the `usable` ones. `None`: there is no such choice.
pub fn double_bonds(
    mol: &Mol,
    component: &Component,
    needs: &[Need],
    usable: impl Fn(&Bond) -> bool,
) -> Option<Vec<usize>> {
    let mut graph = Graph::new(mol, component, needs, usable);
    let paired = graph.pair(true) || (graph.needs.contains(&Need::Optional) && graph.pair(false));
    paired.then(|| graph.chosen())
}

/// The atoms of the component, renumbered.
struct Graph {
    needs: Vec<Need>,
    /// All neighbours, ascending.
    neighbours: Vec<Vec<usize>>,
    /// Neighbours that a double bond could go to, ascending, and the bonds of the molecule.
    edges: Vec<Vec<(usize, usize)>>,
    mates: Vec<Option<usize>>,
}

impl Graph {
    fn new(mol: &Mol, component: &Component, needs: &[Need], usable: impl Fn(&Bond) -> bool) -> Self {
        let mut place = vec![0; mol.atoms.len()];
        for (index, &atom) in component.atoms.iter().enumerate() {
            place[usize::from(atom)] = index;
        }
        let kept: Vec<Need> = component.atoms.iter().map(|a| needs[usize::from(*a)]).collect();
        let can = |v: usize| matches!(kept[v], Need::Optional | Need::Required);
        let mut edges = vec![Vec::with_capacity(3); kept.len()];
        let mut neighbours = vec![Vec::with_capacity(3); kept.len()];
        for &index in &component.bonds {
            let bond = &mol.bonds[usize::from(index)];
            let (a, b) = (place[usize::from(bond.begin)], place[usize::from(bond.end)]);
            neighbours[a].push(b);
            neighbours[b].push(a);
            if can(a) && can(b) && usable(bond) {
                edges[a].push((b, usize::from(index)));
                edges[b].push((a, usize::from(index)));
            }
        }
        for (edges, neighbours) in edges.iter_mut().zip(&mut neighbours) {
            edges.sort_unstable();
            neighbours.sort_unstable();
        }
        Self { mates: vec![None; kept.len()], needs: kept, neighbours, edges }
    }

    /// Pairs every atom that needs it; optional ones from the start, or (`false`) only those that the
    /// others cannot do without.
    fn pair(&mut self, optional: bool) -> bool {
        self.mates.fill(None);
        self.start(optional);
        if !optional {
            for v in self.unpaired() {
                // One before it may have been paired with it; a search from a paired atom would go in circles.
                if self.mates[v].is_none() {
                    self.augment(v, false);
                }
            }
        }
        self.unpaired().into_iter().all(|v| self.mates[v].is_some() || self.augment(v, true))
    }

    fn unpaired(&self) -> Vec<usize> {
        (0..self.needs.len()).filter(|v| self.needs[*v] == Need::Required && self.mates[*v].is_none()).collect()
    }

    /// Walks the component from its first atom, breadth first, and pairs each atom with its first
    /// free neighbour. Where a system can be written in several ways, this is the one that RDKit
    /// comes to if it need not go back on a choice.
    fn start(&mut self, optional: bool) {
        let joins = |v: usize| optional || self.needs[v] == Need::Required;
        let mut done: Vec<bool> = self.needs.iter().map(|n| *n == Need::Outside).collect();
        let mut waiting = done.clone();
        for first in 0..self.needs.len() {
            let mut queue = VecDeque::new();
            if !waiting[first] {
                queue.push_back(first);
            }
            while let Some(v) = queue.pop_front() {
                done[v] = true;
                waiting[v] = true;
                for &to in &self.neighbours[v] {
                    if !std::mem::replace(&mut waiting[to], true) {
                        queue.push_back(to);
                    }
                }
                if self.mates[v].is_none() && joins(v) {
                    let mut free = self.edges[v].iter().map(|(to, _)| *to);
                    if let Some(to) = free.find(|to| joins(*to) && !done[*to] && self.mates[*to].is_none()) {
                        (self.mates[v], self.mates[to]) = (Some(to), Some(v));
                    }
                }
            }
        }
    }

    fn chosen(&self) -> Vec<usize> {
        let bond = |v: usize| {
            let mate = self.mates[v].filter(|mate| *mate > v)?;
            self.edges[v].iter().find(|(to, _)| *to == mate).map(|(_, bond)| *bond)
        };
        (0..self.needs.len()).filter_map(bond).collect()
    }

    /// Looks for a way to pair `root` too, over optional atoms or not, and takes it.
    fn augment(&mut self, root: usize, optional: bool) -> bool {
        let mut search = Search::new(self, root, optional);
        let Some(end) = search.run() else { return false };
        let parents = search.parents;
        if let Some(old) = self.mates[end] {
            self.mates[old] = None;
        }
        let mut at = Some(end);
        while let Some(v) = at {
            let parent = parents[v];
            let next = parent.and_then(|p| self.mates[p]);
            self.mates[v] = parent;
            if let Some(p) = parent {
                self.mates[p] = Some(v);
            }
            at = next.filter(|_| parent.is_some());
        }
        true
    }
}

/// One search for an alternating path from an unpaired atom.
struct Search<'a> {
    graph: &'a Graph,
    root: usize,
    optional: bool,
    parents: Vec<Option<usize>>,
    bases: Vec<usize>,
    /// At an even distance from the root.
    even: Vec<bool>,
    queue: VecDeque<usize>,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, root: usize, optional: bool) -> Self {
        let n = graph.needs.len();
        let mut even = vec![false; n];
        even[root] = true;
        Self {
            graph,
            root,
            optional,
            parents: vec![None; n],
            bases: (0..n).collect(),
            even,
            queue: VecDeque::from([root]),
        }
    }

    /// The far end of a path that pairs the root: a free atom, or one whose partner may be free.
    fn run(&mut self) -> Option<usize> {
        while let Some(v) = self.queue.pop_front() {
            for &(to, _) in &self.graph.edges[v] {
                let barred = !self.optional && self.graph.needs[to] == Need::Optional;
                if barred || self.bases[v] == self.bases[to] || self.graph.mates[v] == Some(to) {
                    continue;
                }
                let mate = self.graph.mates[to];
                if to == self.root || mate.is_some_and(|m| self.parents[m].is_some()) {
                    self.contract(v, to);
                } else if self.parents[to].is_none() {
                    self.parents[to] = Some(v);
                    match mate {
                        Some(mate) if self.graph.needs[mate] != Need::Optional => {
                            self.even[mate] = true;
                            self.queue.push_back(mate);
                        }
                        _ => return Some(to),
                    }
                }
            }
        }
        None
    }

    /// Treats the odd cycle closed by the edge `a`–`b` as one atom.
    fn contract(&mut self, a: usize, b: usize) {
        let base = self.common_base(a, b);
        let mut inside = vec![false; self.bases.len()];
        self.mark(a, base, b, &mut inside);
        self.mark(b, base, a, &mut inside);
        for v in 0..self.bases.len() {
            if inside[self.bases[v]] {
                self.bases[v] = base;
                if !self.even[v] {
                    self.even[v] = true;
                    self.queue.push_back(v);
                }
            }
        }
    }

    /// Marks the way from `v` to `base`, so that it can be walked in both directions.
    fn mark(&mut self, mut v: usize, base: usize, mut child: usize, inside: &mut [bool]) {
        while self.bases[v] != base {
            let Some(mate) = self.graph.mates[v] else { return };
            inside[self.bases[v]] = true;
            inside[self.bases[mate]] = true;
            self.parents[v] = Some(child);
            child = mate;
            let Some(next) = self.parents[mate] else { return };
            v = next;
        }
    }

    /// Where the ways from `a` and `b` to the root meet.
    fn common_base(&self, a: usize, b: usize) -> usize {
        let mut seen = vec![false; self.bases.len()];
        let mut v = self.bases[a];
        loop {
            seen[v] = true;
            let Some(up) = self.graph.mates[v].and_then(|m| self.parents[m]) else { break };
            v = self.bases[up];
        }
        let mut v = self.bases[b];
        while !seen[v] {
            let Some(up) = self.graph.mates[v].and_then(|m| self.parents[m]) else { break };
            v = self.bases[up];
        }
        v
    }
}
