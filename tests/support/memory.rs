//! A source and a sink in memory, which hold a pool to the contract of the joint.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use molsieve::error::Result;
use molsieve::id::Ordinal;
use molsieve::library::format::Notation;
use molsieve::library::record::RecordBlock;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Sink, Source, Supply};
use molsieve::stop::Stop;

/// Gives records in order.
pub struct MemorySource {
    records: VecDeque<(Ordinal, Vec<u8>, Vec<u8>)>,
    unfinished: Rc<Cell<usize>>,
    /// It says `Wait` while more than this are drawn and not finished.
    pub unfinished_max: usize,
    /// Records must be asked alone.
    pub alone: bool,
}

impl Source for MemorySource {
    fn next(&mut self, max: usize) -> Result<Supply> {
        if self.records.is_empty() {
            return Ok(Supply::End);
        }
        if self.unfinished.get() >= self.unfinished_max {
            return Ok(Supply::Wait);
        }
        let mut block = RecordBlock::new(Notation::Smiles);
        for (ordinal, structure, id) in self.records.drain(..max.min(self.records.len())) {
            block.push(ordinal, &structure, &id);
        }
        self.unfinished.set(self.unfinished.get() + block.len());
        Ok(Supply::Records { block, alone: self.alone })
    }
}

/// Keeps the rows, by ordinal.
#[derive(Default)]
pub struct MemorySink {
    /// The rows, without line feed.
    pub rows: BTreeMap<Ordinal, String>,
    /// The records that were about to be asked.
    pub started: BTreeSet<Ordinal>,
    /// How many records were in the largest request.
    pub started_max: usize,
    /// Raised once this many rows are there.
    pub stop_after: Option<(usize, Stop)>,
    unfinished: Rc<Cell<usize>>,
}

impl Sink for MemorySink {
    fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        assert!(!ordinals.is_empty());
        assert!(ordinals.iter().all(|ordinal| !self.rows.contains_key(ordinal)), "asked although finished");
        self.started.extend(ordinals);
        self.started_max = self.started_max.max(ordinals.len());
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        assert!(!rows.is_empty());
        for (index, meta) in rows.metas().iter().enumerate() {
            let line = std::str::from_utf8(rows.line(index)).unwrap().trim_end_matches('\n').to_owned();
            let before = self.rows.insert(meta.ordinal, line);
            assert_eq!(before, None, "finished twice");
        }
        self.unfinished.set(self.unfinished.get() - rows.len());
        if let Some((_, stop)) = self.stop_after.as_ref().filter(|(count, _)| self.rows.len() >= *count) {
            stop.raise();
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A source of `records` (structure and id, with ordinals from 100), and its sink.
pub fn pair<'a>(records: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> (MemorySource, MemorySink) {
    let unfinished = Rc::new(Cell::new(0));
    let records = (100..).zip(records).map(|(ordinal, (s, id))| (ordinal, s.to_vec(), id.to_vec())).collect();
    let source = MemorySource { records, unfinished: Rc::clone(&unfinished), unfinished_max: usize::MAX, alone: false };
    (source, MemorySink { unfinished, ..MemorySink::default() })
}
