//! A pool of threads for a built-in scorer.
//!
//! Blocks of records are scored whole; the rows of a block are encoded in its order, so the answer
//! does not depend on the number of threads. A single thread is this one: no pool is started.

use std::panic::{self, AssertUnwindSafe};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Builtin;
use crate::error::{Error, Result};
use crate::id::Ordinal;
use crate::library::record::{Record, RecordBlock};
use crate::scorer::row::RowBlock;
use crate::scorer::{Ended, Pool, PoolFacts, Sink, Source, Supply, Verdict, reason};
use crate::shard::stop::Stop;

/// Records that one thread scores at a time.
const SHARE: usize = 256;

/// A built-in scorer and its threads.
#[derive(Debug)]
pub struct BuiltinPool<S> {
    scorer: S,
    columns: usize,
    threads: Option<ThreadPool>,
    batch: usize,
}

impl<S: Builtin> BuiltinPool<S> {
    /// `scorer` on `threads` threads.
    ///
    /// # Errors
    /// The system starts no threads (exit 6).
    pub fn new(scorer: S, threads: usize) -> Result<Self> {
        let pool = match threads {
            0 | 1 => None,
            n => Some(
                ThreadPoolBuilder::new()
                    .num_threads(n)
                    .build()
                    .map_err(|e| Error::environment(format!("cannot start {n} threads: {e}")))?,
            ),
        };
        let columns = scorer.describe().columns.len();
        Ok(Self { scorer, columns, threads: pool, batch: SHARE * threads.max(4) * 4 })
    }

    /// The rows of `block`, in its order.
    fn score(&self, block: &RecordBlock) -> RowBlock {
        let share = |from: usize| {
            let mut rows = RowBlock::with_capacity(SHARE);
            for record in (from..block.len().min(from + SHARE)).map(|i| block.get(i)) {
                rows.push(&record, &self.verdict(&record), self.columns);
            }
            rows
        };
        match &self.threads {
            None => {
                let mut rows = RowBlock::with_capacity(block.len());
                block.iter().for_each(|record| rows.push(&record, &self.verdict(&record), self.columns));
                rows
            }
            Some(threads) => {
                let starts: Vec<usize> = (0..block.len()).step_by(SHARE).collect();
                let shares: Vec<RowBlock> = threads.install(|| starts.into_par_iter().map(share).collect());
                let mut rows = RowBlock::with_capacity(block.len());
                shares.iter().for_each(|share| rows.append(share));
                rows
            }
        }
    }

    /// A scorer that panics over a record does so every time: the record gets the blame, the rest go on.
    fn verdict(&self, record: &Record<'_>) -> Verdict {
        panic::catch_unwind(AssertUnwindSafe(|| self.scorer.score(record)))
            .unwrap_or_else(|_| Verdict::error(reason::CRASH))
    }
}

impl<S: Builtin> Pool for BuiltinPool<S> {
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        let mut ordinals: Vec<Ordinal> = Vec::new();
        while !stop.is_raised() {
            match source.next(self.batch)? {
                Supply::End => return Ok(Ended::Done),
                // Nothing is ever in flight here, so there is nothing that could make room.
                Supply::Wait => return Err(Error::bug("a source waits for rows that nobody is computing")),
                Supply::Records { block, .. } => {
                    ordinals.clear();
                    ordinals.extend(block.iter().map(|record| record.ordinal));
                    sink.started(&ordinals)?;
                    let rows = self.score(&block);
                    sink.finished(rows)?;
                }
            }
        }
        Ok(Ended::Stopped)
    }

    fn facts(&self) -> PoolFacts {
        // Nothing here crashes, times out or chatters.
        PoolFacts::default()
    }
}
