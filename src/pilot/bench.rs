//! Where the sample of a pilot is asked: a source and a sink that time what goes through the pool.
//!
//! A pool is given as many requests as it has lanes, and not more, so that no request waits behind
//! another: from its start to its last row, a request has one lane for itself.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::error::Result;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::scorer::row::RowBlock;
use crate::scorer::{Outcome, Sink, Source, Supply};
use crate::stop::Stop;

/// A request should take about so long: long enough to be timed, short enough for many of them.
const REQUEST: Duration = Duration::from_millis(100);

/// Records of one request, at most: one share of a thread of a built-in scorer.
const REQUEST_RECORDS: usize = 256;

/// Requests that the records of a stratum make at least, so that their spread is seen.
const REQUESTS_A_STRATUM: usize = 4;

/// What came of one request.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// The stratum that its records are of.
    pub stratum: usize,
    /// Its records.
    pub records: u64,
    /// How long it took.
    pub took: Duration,
    /// A lane that just started, or that may have had two requests: its time is taken if there is no other.
    pub warming_up: bool,
}

/// What came of all of them.
#[derive(Debug, Default)]
pub struct Log {
    /// The requests that were answered.
    pub answered: Vec<Answered>,
    /// Rows, and those of them that are ERROR.
    pub rows: u64,
    /// See `rows`.
    pub errors: u64,
    /// How many rows have which reason.
    pub reasons: BTreeMap<String, u64>,
    /// For each stratum, rows and their bytes.
    pub sizes: Vec<(u64, u64)>,
    /// When the first request began.
    pub began: Option<Duration>,
    /// Whether the time was up before the sample was.
    pub out_of_time: bool,
}

/// A request that is under way.
#[derive(Debug)]
struct Request {
    stratum: usize,
    records: u64,
    left: u64,
    began: Option<Duration>,
    warming_up: bool,
}

/// The bench.
pub struct Bench<'a> {
    strata: Vec<VecDeque<RecordBlock>>,
    /// The most records of a request, by stratum.
    most: Vec<usize>,
    turn: usize,
    lanes: usize,
    time: Duration,
    stop: &'a Stop,
    watch: Stopwatch,
    requests: Vec<Request>,
    /// The request of each record that has no row yet.
    of: BTreeMap<Ordinal, usize>,
    open: usize,
    /// What is known of the cost of a record so far: time, records.
    so_far: (Duration, u64),
    log: Log,
}

impl<'a> Bench<'a> {
    /// A bench for a pool of `lanes`. After `time` nothing more is asked; after twice of it, `stop` is raised.
    pub fn new(strata: Vec<VecDeque<RecordBlock>>, lanes: usize, time: Duration, stop: &'a Stop) -> Self {
        let most = strata.iter().map(|s| (s.len() / REQUESTS_A_STRATUM).clamp(1, REQUEST_RECORDS)).collect();
        let log = Log { sizes: vec![(0, 0); strata.len()], ..Log::default() };
        Self {
            strata,
            most,
            turn: 0,
            lanes: lanes.max(1),
            time,
            stop,
            watch: Stopwatch::start(),
            requests: Vec::new(),
            of: BTreeMap::new(),
            open: 0,
            so_far: (Duration::ZERO, 0),
            log,
        }
    }

    /// What came of it.
    pub fn into_log(self) -> Log {
        self.log
    }

    /// How long it has been scoring.
    fn scoring(&self) -> Duration {
        self.log.began.map_or(Duration::ZERO, |began| self.watch.elapsed().saturating_sub(began))
    }

    fn next(&mut self, max: usize) -> Supply {
        if self.scoring() >= self.time {
            self.log.out_of_time |= self.strata.iter().any(|s| !s.is_empty());
            return Supply::End;
        }
        if self.open >= self.lanes {
            return Supply::Wait;
        }
        let count = self.strata.len();
        let Some(stratum) = (0..count).map(|i| (self.turn + i) % count).find(|s| !self.strata[*s].is_empty()) else {
            return Supply::End;
        };
        self.turn = stratum + 1;
        let size = self.size().min(self.most[stratum]).min(max).max(1);
        let waiting = &mut self.strata[stratum];
        let mut drawn: Vec<RecordBlock> = waiting.drain(..size.min(waiting.len())).collect();
        // Blocks are in ascending order.
        drawn.sort_by_key(|record| record.get(0).ordinal);
        let Some(mut block) = drawn.first().map(RecordBlock::like) else { return Supply::End };
        for record in drawn.iter().flat_map(RecordBlock::iter) {
            block.push(record.ordinal, record.structure, record.id);
            self.of.insert(record.ordinal, self.requests.len());
        }
        let records = block.len() as u64;
        let warming_up = self.requests.len() < 2 * self.lanes;
        self.requests.push(Request { stratum, records, left: records, began: None, warming_up });
        self.open += 1;
        Supply::Records { block, alone: false }
    }

    /// Records of the next request: one, until it is known what they cost.
    fn size(&self) -> usize {
        let (time, records) = self.so_far;
        if records == 0 {
            return 1;
        }
        (REQUEST.as_secs_f64() * records as f64 / time.as_secs_f64().max(1e-9)) as usize
    }

    fn started(&mut self, ordinals: &[Ordinal]) {
        let now = self.watch.elapsed();
        self.log.began.get_or_insert(now);
        for ordinal in ordinals {
            if let Some(request) = self.of.get(ordinal).and_then(|at| self.requests.get_mut(*at)) {
                request.began.get_or_insert(now);
            }
        }
    }

    fn finished(&mut self, rows: &RowBlock) {
        let now = self.watch.elapsed();
        for (index, meta) in rows.metas().iter().enumerate() {
            let Some(at) = self.of.remove(&meta.ordinal) else { continue };
            let request = &mut self.requests[at];
            request.left -= 1;
            self.log.rows += 1;
            self.log.errors += u64::from(meta.outcome == Outcome::Error);
            if !rows.reason(index).is_empty() {
                *self.log.reasons.entry(rows.reason(index).to_owned()).or_default() += 1;
            }
            let size = &mut self.log.sizes[request.stratum];
            *size = (size.0 + 1, size.1 + rows.line(index).len() as u64);
            if request.left == 0 {
                // What needed no scorer never began, and took none of its time.
                let took = request.began.map_or(Duration::ZERO, |began| now.saturating_sub(began));
                let Request { stratum, records, warming_up, .. } = *request;
                self.so_far = (self.so_far.0 + took, self.so_far.1 + records);
                self.log.answered.push(Answered { stratum, records, took, warming_up });
                self.open -= 1;
            }
        }
    }

    fn idle(&mut self) {
        if self.scoring() >= 2 * self.time {
            self.log.out_of_time = true;
            self.stop.raise();
        }
    }
}

/// The end of the bench that the pool draws from.
pub struct Feed<'b, 'a>(pub &'b RefCell<Bench<'a>>);

impl Source for Feed<'_, '_> {
    fn next(&mut self, max: usize) -> Result<Supply> {
        Ok(self.0.borrow_mut().next(max))
    }
}

/// The end of the bench that the pool fills.
pub struct Scale<'b, 'a>(pub &'b RefCell<Bench<'a>>);

impl Sink for Scale<'_, '_> {
    fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        self.0.borrow_mut().started(ordinals);
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        self.0.borrow_mut().finished(&rows);
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        self.0.borrow_mut().idle();
        Ok(())
    }
}
