//! A pool of threads for a built-in scorer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rayon::prelude::*;

use super::Builtin;
use crate::error::{Error, Result};
use crate::library::record::{Record, RecordBlock};
use crate::scorer::row::RowBlock;
use crate::scorer::{Ended, Pool, PoolFacts, Sink, Source, Supply, Value, Verdict, reason};
use crate::shard::stop::Stop;

/// Records scored between two looks at the stop flag, for each thread.
const BATCH: usize = 256;

/// How long to wait when the source has nothing for now.
const WAIT: Duration = Duration::from_millis(20);

/// Scores with a fixed number of threads. The rows do not depend on it.
pub struct BuiltinPool {
    scorer: Arc<dyn Builtin>,
    /// None: everything happens on the thread that calls.
    threads: Option<rayon::ThreadPool>,
    crashes: AtomicU64,
}

impl BuiltinPool {
    /// A pool of `threads` threads (at least one).
    ///
    /// # Errors
    /// The system gives no threads (exit 6).
    pub fn new(scorer: Arc<dyn Builtin>, threads: usize) -> Result<Self> {
        let threads = if threads > 1 { Some(start(threads)?) } else { None };
        Ok(Self { scorer, threads, crashes: AtomicU64::new(0) })
    }

    /// Records handed out at a time.
    fn batch(&self) -> usize {
        self.threads.as_ref().map_or(BATCH, |t| BATCH * t.current_num_threads())
    }

    fn score_block(&self, block: &RecordBlock, alone: bool, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        let records: Vec<Record<'_>> = (0..block.len()).map(|i| block.get(i)).collect();
        for part in records.chunks(if alone { 1 } else { self.batch() }) {
            if stop.is_raised() {
                return Ok(Ended::Stopped);
            }
            let ordinals: Vec<_> = part.iter().map(|r| r.ordinal).collect();
            sink.started(&ordinals)?;
            sink.finished(self.score_all(part))?;
        }
        Ok(Ended::Done)
    }

    /// The rows of `records`, in their order.
    fn score_all(&self, records: &[Record<'_>]) -> RowBlock {
        let Some(threads) = self.threads.as_ref().filter(|_| records.len() > 1) else {
            return self.score_some(records);
        };
        let share = records.len().div_ceil(threads.current_num_threads() * 4);
        let parts: Vec<RowBlock> =
            threads.install(|| records.par_chunks(share).map(|part| self.score_some(part)).collect());
        let mut rows = RowBlock::with_capacity(records.len());
        for part in &parts {
            rows.append(part);
        }
        rows
    }

    fn score_some(&self, records: &[Record<'_>]) -> RowBlock {
        let columns = self.scorer.describe().columns.len();
        let mut rows = RowBlock::with_capacity(records.len());
        for record in records {
            rows.push(record, &self.score(record), columns);
        }
        rows
    }

    /// The verdict on one record; a panic of the scorer is that record's `crash`.
    fn score(&self, record: &Record<'_>) -> Verdict {
        let Ok(verdict) = catch_unwind(AssertUnwindSafe(|| self.scorer.score(record))) else {
            self.crashes.fetch_add(1, Ordering::Relaxed);
            return Verdict::error(reason::CRASH);
        };
        let finite = verdict.values.iter().all(|v| !matches!(v, Value::Float(f) if !f.is_finite()));
        if finite { verdict } else { Verdict::error(reason::PROTOCOL) }
    }
}

fn start(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("scorer-{i}")).build().map_err(|e| {
        Error::environment(format!("the system gives no {threads} threads: {e}"))
            .hint("use fewer workers, or raise the limit on processes")
    })
}

impl Pool for BuiltinPool {
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        loop {
            if stop.is_raised() {
                return Ok(Ended::Stopped);
            }
            match source.next(self.batch())? {
                Supply::End => return Ok(Ended::Done),
                Supply::Wait => {
                    stop.wait(WAIT);
                }
                Supply::Records { block, alone } => {
                    if self.score_block(&block, alone, sink, stop)? == Ended::Stopped {
                        return Ok(Ended::Stopped);
                    }
                }
            }
            sink.idle()?;
        }
    }

    fn facts(&self) -> PoolFacts {
        PoolFacts { crashes: self.crashes.load(Ordering::Relaxed), ..PoolFacts::default() }
    }
}
