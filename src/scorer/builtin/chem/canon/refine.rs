//! Refines a partition of vertices until all in a cell have alike neighbours.

use std::collections::VecDeque;

use super::graph::Graph;
use crate::scorer::builtin::chem::Refusal;
use crate::scorer::builtin::chem::limits::CANON_WORK_MAX;

/// The vertices in an order of cells. Which cell comes where does not depend on how they are numbered.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The vertices, cell by cell.
    pub order: Vec<u16>,
    /// Where each vertex is in `order`.
    pub place: Vec<u16>,
    /// Where the cell of each vertex begins.
    pub cell: Vec<u16>,
    /// How many vertices are in the cell that begins at each place; 0 where none begins.
    pub length: Vec<u16>,
    /// How many cells there are.
    pub cells: usize,
}

/// What refining needs beside the partition.
pub struct Refiner<'a> {
    graph: &'a Graph,
    /// Steps done so far.
    work: usize,
    /// The edges of each vertex into the cell at hand, counted by colour; zero in between.
    counts: Vec<u64>,
    counted: Vec<u16>,
    queue: VecDeque<u16>,
    queued: Vec<bool>,
    /// Cells that some of the counted are in.
    touched: Vec<u16>,
    sorted: Vec<(u64, u16)>,
}

/// Mixes `value` into `hash`. Equal traces mean nothing, different ones that the choices were different.
const fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95)
}

impl<'a> Refiner<'a> {
    /// For partitions of `graph`.
    pub fn new(graph: &'a Graph) -> Self {
        let n = graph.len();
        Self {
            graph,
            work: 0,
            counts: vec![0; n],
            counted: Vec::with_capacity(n),
            queue: VecDeque::with_capacity(n),
            queued: vec![false; n],
            touched: Vec::with_capacity(n),
            sorted: Vec::with_capacity(n),
        }
    }

    /// The vertices by their colours, refined.
    pub fn start(&mut self) -> Result<Partition, Refusal> {
        let n = self.graph.len();
        self.sorted.extend(self.graph.colours.iter().copied().zip(0..));
        self.sorted.sort_unstable();
        let mut partition = Partition {
            order: self.sorted.iter().map(|(_, vertex)| *vertex).collect(),
            place: vec![0; n],
            cell: vec![0; n],
            length: vec![0; n],
            cells: 0,
        };
        let mut begin = 0;
        for cell in self.sorted.chunk_by(|a, b| a.0 == b.0) {
            partition.begin_cell(begin, cell.len());
            self.queue.push_back(begin as u16);
            self.queued[begin] = true;
            partition.cells += 1;
            begin += cell.len();
        }
        self.refine(&mut partition)?;
        Ok(partition)
    }

    /// Gives `vertex` a cell of its own, before the others in its cell, and refines; what happened, as a hash.
    pub fn mark(&mut self, partition: &mut Partition, vertex: u16) -> Result<u64, Refusal> {
        let begin = usize::from(partition.cell[usize::from(vertex)]);
        let length = usize::from(partition.length[begin]);
        let at = usize::from(partition.place[usize::from(vertex)]);
        partition.order.swap(begin, at);
        partition.begin_cell(begin, 1);
        partition.begin_cell(begin + 1, length - 1);
        partition.cells += 1;
        self.queue.push_back(begin as u16);
        self.queued[begin] = true;
        self.refine(partition)
    }

    /// Says that `steps` of work are to be done.
    pub fn spend(&mut self, steps: usize) -> Result<(), Refusal> {
        self.work += steps;
        if self.work > CANON_WORK_MAX { Err(Refusal::TooComplex) } else { Ok(()) }
    }

    fn refine(&mut self, partition: &mut Partition) -> Result<u64, Refusal> {
        let mut trace = 0;
        while let Some(splitter) = self.queue.pop_front() {
            self.queued[usize::from(splitter)] = false;
            if partition.cells == self.graph.len() {
                continue;
            }
            self.count(partition, usize::from(splitter));
            self.spend(self.counted.len() + 8)?;
            let mut touched = std::mem::take(&mut self.touched);
            touched.sort_unstable();
            trace = mix(trace, u64::from(splitter));
            for &cell in &touched {
                trace = self.split(partition, usize::from(cell), trace);
            }
            touched.clear();
            self.touched = touched;
            for vertex in self.counted.drain(..) {
                self.counts[usize::from(vertex)] = 0;
            }
        }
        Ok(trace)
    }

    /// Counts the edges into the cell that begins at `splitter`.
    fn count(&mut self, partition: &Partition, splitter: usize) {
        let length = usize::from(partition.length[splitter]);
        for &vertex in &partition.order[splitter..splitter + length] {
            for edge in self.graph.edges(vertex) {
                let to = usize::from(edge.to);
                if self.counts[to] == 0 {
                    self.counted.push(edge.to);
                    let cell = partition.cell[to];
                    if partition.length[usize::from(cell)] > 1 && !self.touched.contains(&cell) {
                        self.touched.push(cell);
                    }
                }
                self.counts[to] += edge.one;
            }
        }
    }

    /// Splits the cell that begins at `begin` by what was counted.
    fn split(&mut self, partition: &mut Partition, begin: usize, trace: u64) -> u64 {
        let length = usize::from(partition.length[begin]);
        let members = &partition.order[begin..begin + length];
        let count = |vertex: &u16| self.counts[usize::from(*vertex)];
        let one = count(&members[0]);
        let mut trace = mix(trace, begin as u64);
        if members.iter().all(|vertex| count(vertex) == one) {
            return mix(trace, one);
        }
        self.sorted.clear();
        self.sorted.extend(members.iter().map(|vertex| (count(vertex), *vertex)));
        self.sorted.sort_unstable_by_key(|(count, _)| *count);
        for (place, (_, vertex)) in partition.order[begin..begin + length].iter_mut().zip(&self.sorted) {
            *place = *vertex;
        }
        // If the whole cell is not waiting to be looked at, its largest part need not be: the rest says as much.
        let parts = || self.sorted.chunk_by(|a, b| a.0 == b.0);
        let largest = if self.queued[begin] { 0 } else { parts().map(<[_]>::len).max().unwrap_or(0) };
        let (mut at, mut spared) = (begin, largest == 0);
        for part in parts() {
            partition.begin_cell(at, part.len());
            trace = mix(mix(trace, part.len() as u64), part[0].0);
            partition.cells += usize::from(at != begin);
            if !spared && part.len() == largest {
                spared = true;
            } else if !std::mem::replace(&mut self.queued[at], true) {
                self.queue.push_back(at as u16);
            }
            at += part.len();
        }
        trace
    }
}

impl Partition {
    /// Makes what is in `order` from `begin` on a cell of `length` vertices.
    fn begin_cell(&mut self, begin: usize, length: usize) {
        for at in begin..begin + length {
            let vertex = usize::from(self.order[at]);
            self.place[vertex] = at as u16;
            self.cell[vertex] = begin as u16;
            self.length[at] = 0;
        }
        self.length[begin] = length as u16;
    }
}
