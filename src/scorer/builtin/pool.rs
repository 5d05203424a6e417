//! A pool of threads for a built-in scorer.
//!
//! Records are scored in shares; their rows are put together in the order of the records, so they
//! do not depend on the number of threads. A single thread is the one that calls: no pool is started.

use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Builtin;
use crate::error::{Error, Result};
use crate::id::Ordinal;
use crate::library::record::{Record, RecordBlock};
use crate::scorer::row::RowBlock;
use crate::scorer::{Ended, Pool, PoolFacts, Sink, Source, Supply, Value, Verdict, reason};
use crate::stop::Stop;

/// Records that one thread scores at a time.
const SHARE: usize = 256;

/// Shares that each thread has between two looks at the stop flag.
const ROUND: usize = 4;

/// A built-in scorer and its threads.
#[derive(Debug)]
pub struct BuiltinPool<S> {
    scorer: S,
    columns: usize,
    /// None: everything happens on the thread that calls.
    threads: Option<ThreadPool>,
    crashes: AtomicU64,
}

impl<S: Builtin> BuiltinPool<S> {
    /// `scorer` on `threads` threads (none counts as one).
    ///
    /// # Errors
    /// The system starts no threads (exit 6).
    pub fn new(scorer: S, threads: usize) -> Result<Self> {
        let columns = scorer.describe().columns.len();
        let threads = if threads > 1 { Some(start(threads)?) } else { None };
        Ok(Self { scorer, columns, threads, crashes: AtomicU64::new(0) })
    }

    /// Records between two looks at the stop flag.
    fn round(&self) -> usize {
        SHARE * ROUND * self.threads.as_ref().map_or(1, ThreadPool::current_num_threads)
    }

    /// Scores `block` round by round, or record by record if each is to be `alone`.
    fn score_block(&self, block: &RecordBlock, alone: bool, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        let round = if alone { 1 } else { self.round() };
        let mut ordinals: Vec<Ordinal> = Vec::with_capacity(round.min(block.len()));
        for from in (0..block.len()).step_by(round) {
            if stop.is_raised() {
                return Ok(Ended::Stopped);
            }
            let range = from..block.len().min(from + round);
            ordinals.clear();
            ordinals.extend(range.clone().map(|i| block.get(i).ordinal));
            sink.started(&ordinals)?;
            sink.finished(self.rows(block, range))?;
        }
        Ok(Ended::Done)
    }

    /// The rows of the records in `range`, in their order.
    fn rows(&self, block: &RecordBlock, range: Range<usize>) -> RowBlock {
        let Some(threads) = self.threads.as_ref().filter(|_| range.len() > 1) else {
            return self.share(block, range);
        };
        let starts: Vec<usize> = range.clone().step_by(SHARE).collect();
        let share = |from: usize| self.share(block, from..range.end.min(from + SHARE));
        let shares: Vec<RowBlock> = threads.install(|| starts.into_par_iter().map(share).collect());
        let mut rows = RowBlock::with_capacity(range.len());
        for share in &shares {
            rows.append(share);
        }
        rows
    }

    fn share(&self, block: &RecordBlock, range: Range<usize>) -> RowBlock {
        let mut rows = RowBlock::with_capacity(range.len());
        for record in range.map(|i| block.get(i)) {
            rows.push(&record, &self.verdict(&record), self.columns);
        }
        rows
    }

    /// A scorer that panics over a record does so every time: that record gets the blame, the rest
    /// go on. So does one that answers with what is not a value.
    fn verdict(&self, record: &Record<'_>) -> Verdict {
        let Ok(verdict) = panic::catch_unwind(AssertUnwindSafe(|| self.scorer.score(record))) else {
            self.crashes.fetch_add(1, Ordering::Relaxed);
            return Verdict::error(reason::CRASH);
        };
        let finite = verdict.values.iter().all(|v| !matches!(v, Value::Float(f) if !f.is_finite()));
        if finite { verdict } else { Verdict::error(reason::PROTOCOL) }
    }
}

fn start(threads: usize) -> Result<ThreadPool> {
    let name = |i| format!("scorer-{i}");
    ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build().map_err(|e| {
        Error::environment(format!("cannot start {threads} threads: {e}"))
            .hint("use fewer workers, or raise the limit on processes")
    })
}

impl<S: Builtin> Pool for BuiltinPool<S> {
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        while !stop.is_raised() {
            match source.next(self.round() * ROUND)? {
                Supply::End => return Ok(Ended::Done),
                // Nothing is ever in flight here, so there is nothing that could make room.
                Supply::Wait => return Err(Error::bug("a source waits for rows that nobody is computing")),
                Supply::Records { block, alone } => {
                    if self.score_block(&block, alone, sink, stop)? == Ended::Stopped {
                        return Ok(Ended::Stopped);
                    }
                }
            }
            sink.idle()?;
        }
        Ok(Ended::Stopped)
    }

    fn facts(&self) -> PoolFacts {
        PoolFacts { crashes: self.crashes.load(Ordering::Relaxed), ..PoolFacts::default() }
    }
}

#[cfg(test)]
mod tests;
