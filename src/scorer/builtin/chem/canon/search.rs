//! Tells atoms apart that refinement cannot: tries them, where it could matter.
//!
//! Two cells depend on each other if the edges between them are neither all nor none. Cells that do not depend on each
//! other, even over others, are different *regions*, and the order of one does not change what is possible in another. In
//! a region, it does not matter which vertex of a cell is marked
//! - if all its cells have two vertices: exchanging all pairs at once is a symmetry (McKay 1981, lemma 2.25);
//! - if the edges between dependent cells form no cycle: for a forest, cells that cannot be refined are orbits.
//!
//! Otherwise every vertex of the smallest cell is tried, except those that a known symmetry leads to from one that was.
//! Symmetries are found by comparing one order of the region for each of them.

use super::graph::Graph;
use super::refine::{Partition, Refiner};
use crate::scorer::builtin::chem::Refusal;
use crate::scorer::builtin::chem::limits::CANON_DEPTH_MAX;

/// The vertices of `graph` in canonical order.
pub fn order(graph: &Graph) -> Result<Vec<u16>, Refusal> {
    let mut search = Search { graph, refiner: Refiner::new(graph) };
    let mut partition = search.refiner.start()?;
    let whole = [(0, graph.len())];
    search.complete(&mut partition, &whole, Some(CANON_DEPTH_MAX))?;
    Ok(partition.order)
}

/// Where the cells of a region are: beginning and length of each.
type Cells = [(usize, usize)];

struct Search<'a> {
    graph: &'a Graph,
    refiner: Refiner<'a>,
}

/// A region of dependent cells.
struct Region {
    cells: Vec<(usize, usize)>,
    /// Whether any vertex of a cell may be marked.
    free: bool,
}

/// A vertex that was tried and is like none before it.
struct Tried {
    marked: Partition,
    /// Some order of the region that begins with it, and the edges of the region in that order.
    some: Partition,
    edges: Vec<u64>,
}

impl Search<'_> {
    /// Refines what is in `within` until every cell has one vertex. With a `depth`, choices that could matter are tried,
    /// at most so many within each other; without, the first is taken.
    fn complete(&mut self, partition: &mut Partition, within: &Cells, depth: Option<usize>) -> Result<(), Refusal> {
        for &(begin, length) in within {
            let mut at = begin;
            while at < begin + length {
                let cell = usize::from(partition.length[at]);
                if cell == 1 {
                    at += 1;
                    continue;
                }
                let Some(depth) = depth else {
                    self.refiner.mark(partition, partition.order[at])?;
                    continue;
                };
                let region = self.region(partition, at)?;
                // The first cell of the smallest ones.
                let (target, _) =
                    region.cells.iter().copied().min_by_key(|(at, length)| (*length, *at)).unwrap_or((at, cell));
                if region.free {
                    self.refiner.mark(partition, partition.order[target])?;
                } else {
                    let depth = depth.checked_sub(1).ok_or(Refusal::TooComplex)?;
                    *partition = self.choose(partition, &region.cells, target, depth)?;
                }
            }
        }
        Ok(())
    }

    /// The region of the cell that begins at `start`.
    fn region(&mut self, partition: &Partition, start: usize) -> Result<Region, Refusal> {
        let mut cells = vec![start];
        let (mut seen, mut edges, mut vertices) = (vec![start], 0, 0);
        let mut counts: Vec<(usize, u64)> = Vec::with_capacity(4);
        while let Some(cell) = cells.pop() {
            let length = usize::from(partition.length[cell]);
            counts.clear();
            // All vertices of a cell have as many edges into another: one stands for all.
            for edge in self.graph.edges(partition.order[cell]) {
                let other = usize::from(partition.cell[usize::from(edge.to)]);
                if partition.length[other] > 1 {
                    match counts.iter_mut().find(|(at, _)| *at == other) {
                        Some((_, count)) => *count += edge.one,
                        None => counts.push((other, edge.one)),
                    }
                }
            }
            for &(other, count) in &counts {
                let all = u64::from(partition.length[other]) - u64::from(other == cell);
                // One colour, in full: every exchange within the cells keeps it.
                if (0..7).any(|colour| count == all << (9 * colour)) {
                    continue;
                }
                let digits = (0..7).map(|colour| count >> (9 * colour) & 0x1ff);
                edges += length * digits.sum::<u64>() as usize;
                if !seen.contains(&other) {
                    seen.push(other);
                    cells.push(other);
                }
            }
            vertices += length;
        }
        self.refiner.spend(vertices + edges + seen.len())?;
        seen.sort_unstable();
        let cells: Vec<(usize, usize)> = seen.iter().map(|at| (*at, usize::from(partition.length[*at]))).collect();
        let pairs = cells.iter().all(|(_, length)| *length == 2);
        let free = pairs || edges == 0 || self.is_forest(partition, &cells, edges / 2);
        Ok(Region { cells, free })
    }

    /// Whether the edges between dependent cells, of which there are `edges`, form no cycle.
    fn is_forest(&mut self, partition: &Partition, cells: &Cells, edges: usize) -> bool {
        let vertices: usize = cells.iter().map(|(_, length)| length).sum();
        if edges >= vertices {
            return false;
        }
        let mut sets = Sets::new(self.graph.len());
        let members = |(begin, length): &(usize, usize)| &partition.order[*begin..begin + length];
        for &vertex in cells.iter().flat_map(members) {
            for edge in self.graph.edges(vertex) {
                let inside = cells.binary_search_by_key(&usize::from(partition.cell[usize::from(edge.to)]), |c| c.0);
                if inside.is_ok() && vertex < edge.to && !sets.join(vertex, edge.to) {
                    return false;
                }
            }
        }
        true
    }

    /// The partition in which the region is ordered best, after marking one vertex of the cell at `target`.
    fn choose(
        &mut self,
        partition: &Partition,
        cells: &Cells,
        target: usize,
        depth: usize,
    ) -> Result<Partition, Refusal> {
        let members = partition.order[target..target + usize::from(partition.length[target])].to_vec();
        let mut alike = Sets::new(self.graph.len());
        let (mut best, mut kept): (u64, Vec<Tried>) = (0, Vec::new());
        let mut done: Vec<u16> = Vec::with_capacity(members.len());
        for &vertex in &members {
            if done.iter().any(|other| alike.root(*other) == alike.root(vertex)) {
                continue;
            }
            done.push(vertex);
            self.refiner.spend(partition.order.len())?;
            let mut marked = partition.clone();
            let trace = self.refiner.mark(&mut marked, vertex)?;
            if !kept.is_empty() && trace < best {
                continue;
            }
            if trace > best {
                (best, kept) = (trace, Vec::new());
            }
            let mut some = marked.clone();
            self.complete(&mut some, cells, None)?;
            let edges = self.edges(&some, cells)?;
            match kept.iter().find(|tried| tried.edges == edges) {
                Some(tried) => alike.learn(&tried.some, &some, cells),
                None => kept.push(Tried { marked, some, edges }),
            }
        }
        let mut best: Option<(Vec<u64>, Partition)> = None;
        let alone = kept.len() == 1;
        for mut tried in kept {
            self.complete(&mut tried.marked, cells, Some(depth))?;
            if alone {
                return Ok(tried.marked);
            }
            let edges = self.edges(&tried.marked, cells)?;
            if best.as_ref().is_none_or(|(least, _)| edges < *least) {
                best = Some((edges, tried.marked));
            }
        }
        best.map(|(_, partition)| partition).ok_or(Refusal::TooComplex)
    }

    /// The edges within the region, by the places of their ends; every cell in it has one vertex.
    fn edges(&mut self, partition: &Partition, cells: &Cells) -> Result<Vec<u64>, Refusal> {
        let mut edges = Vec::new();
        for at in cells.iter().flat_map(|(begin, length)| *begin..begin + length) {
            let before = edges.len();
            for edge in self.graph.edges(partition.order[at]) {
                let to = usize::from(partition.place[usize::from(edge.to)]);
                let inside = to > at && cells.iter().any(|(begin, length)| (*begin..begin + length).contains(&to));
                if inside {
                    let colour = u64::from(edge.one.trailing_zeros());
                    edges.push((at as u64) << 32 | (to as u64) << 8 | colour);
                }
            }
            edges[before..].sort_unstable();
        }
        self.refiner.spend(edges.len())?;
        Ok(edges)
    }
}

/// Sets of vertices that are joined.
struct Sets(Vec<u16>);

impl Sets {
    fn new(size: usize) -> Self {
        Self((0..size as u16).collect())
    }

    fn root(&self, mut vertex: u16) -> u16 {
        while self.0[usize::from(vertex)] != vertex {
            vertex = self.0[usize::from(vertex)];
        }
        vertex
    }

    /// Joins the sets of two vertices, unless they are one already.
    fn join(&mut self, a: u16, b: u16) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[usize::from(a.max(b))] = a.min(b);
        a != b
    }

    /// Joins what the symmetry that leads from one order of a region to another takes to each other.
    fn learn(&mut self, one: &Partition, other: &Partition, cells: &Cells) {
        for at in cells.iter().flat_map(|(begin, length)| *begin..begin + length) {
            self.join(one.order[at], other.order[at]);
        }
    }
}
