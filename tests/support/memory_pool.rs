//! A pool whose rows come when, and in the order in which, a test wants them.

use std::collections::BTreeSet;

use molsieve::error::Result;
use molsieve::id::Ordinal;
use molsieve::library::record::RecordBlock;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Ended, KeptFile, Pool, PoolFacts, Sink, Source, Supply};
use molsieve::stop::Stop;

/// Numbers that look random and are the same every time (xorshift64).
pub struct Random(pub u64);

impl Random {
    /// From 0 to `end`, which is not in it.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// How a run of the pool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// With the last record.
    Finish,
    /// It is asked to stop after so many rows, and abandons what is in flight.
    Stop(usize),
    /// The worker dies after so many rows: see [`dies`].
    Die(usize),
}

/// What is done once, after some rows: the rows, and the deed.
pub type Meanwhile<'m> = (usize, Box<dyn FnMut() + 'm>);

/// Makes the row of a record.
pub type MakeRow = fn(&mut RowBlock, Ordinal);

/// The pool. It holds the source to its contract: asked once, and never made to wait for nothing.
pub struct MemoryPool<'m> {
    pub make_row: MakeRow,
    /// Records that it draws at once, at most.
    pub batch: usize,
    /// Records that it has in flight, at most.
    pub in_flight_max: usize,
    /// Which of those in flight are finished next; none: the first ones, in order.
    pub random: Option<Random>,
    /// These are finished only when nothing else can be.
    pub held_back: BTreeSet<Ordinal>,
    pub fate: Fate,
    /// It hands over a file for each record, with this in it.
    pub file: Option<String>,
    pub meanwhile: Option<Meanwhile<'m>>,
    pub facts: PoolFacts,
    /// What it was asked, in order, and which of it alone.
    pub asked: Vec<(Ordinal, bool)>,
    /// How often it was told to wait.
    pub waits: usize,
    /// The most records that were asked while the first of them was not finished.
    pub ahead_max: usize,
    seen: BTreeSet<Ordinal>,
    finished: usize,
    in_flight: Vec<Ordinal>,
}

impl<'m> MemoryPool<'m> {
    /// One that finishes what it draws, in order.
    pub fn new(make_row: MakeRow) -> Self {
        Self {
            make_row,
            batch: 7,
            in_flight_max: 20,
            random: None,
            held_back: BTreeSet::new(),
            fate: Fate::Finish,
            file: None,
            meanwhile: None,
            facts: PoolFacts::default(),
            asked: Vec::new(),
            waits: 0,
            ahead_max: 0,
            seen: BTreeSet::new(),
            finished: 0,
            in_flight: Vec::new(),
        }
    }

    /// Its rows come in an order that `seed` decides, across requests and task groups.
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.random = Some(Random(seed | 1));
        self
    }

    pub fn fated(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }

    pub fn with_file(mut self, content: &str) -> Self {
        self.file = Some(content.to_owned());
        self
    }

    pub fn sizes(mut self, batch: usize, in_flight_max: usize) -> Self {
        (self.batch, self.in_flight_max) = (batch, in_flight_max);
        self
    }

    pub fn holding_back(mut self, ordinals: impl IntoIterator<Item = Ordinal>) -> Self {
        self.held_back.extend(ordinals);
        self
    }

    /// After `rows` rows, once: `deed`.
    pub fn meanwhile(mut self, rows: usize, deed: impl FnMut() + 'm) -> Self {
        self.meanwhile = Some((rows, Box::new(deed)));
        self
    }

    /// What it was asked alone, or not alone, in ascending order.
    pub fn asked(&self, alone: bool) -> Vec<Ordinal> {
        let mut asked: Vec<_> = self.asked.iter().filter(|(_, a)| *a == alone).map(|(ordinal, _)| *ordinal).collect();
        asked.sort_unstable();
        asked
    }

    fn take(&mut self, block: &RecordBlock, alone: bool, sink: &mut dyn Sink) -> Result<()> {
        assert!(!block.is_empty() && block.len() <= self.batch, "{} records of {}", block.len(), self.batch);
        let ordinals: Vec<Ordinal> = block.iter().map(|record| record.ordinal).collect();
        for record in block.iter() {
            assert_eq!(record.id, format!("id{}", record.ordinal).as_bytes(), "that is another record");
            assert!(self.seen.insert(record.ordinal), "record {} is asked twice", record.ordinal);
            self.asked.push((record.ordinal, alone));
        }
        sink.started(&ordinals)?;
        self.in_flight.extend(ordinals);
        Ok(())
    }

    /// Finishes some of what is in flight; what is held back only if it is `forced` to and there is nothing else.
    fn finish(&mut self, forced: bool, sink: &mut dyn Sink) -> Result<()> {
        let is_free = |ordinal: &Ordinal| !self.held_back.contains(ordinal);
        let (mut free, mut held): (Vec<_>, Vec<_>) = self.in_flight.iter().partition(|o| is_free(o));
        if free.is_empty() {
            if !forced {
                return Ok(());
            }
            std::mem::swap(&mut free, &mut held);
        }
        if let Some(random) = &mut self.random {
            for last in (1..free.len()).rev() {
                free.swap(last, random.below(last + 1));
            }
            held.extend(free.drain(1 + random.below(free.len())..));
        }
        let mut rows = RowBlock::default();
        free.iter().for_each(|ordinal| (self.make_row)(&mut rows, *ordinal));
        self.in_flight = held;
        self.finished += rows.len();
        if let Some(first) = self.in_flight.iter().min() {
            self.ahead_max = self.ahead_max.max(self.asked.len().saturating_sub(*first as usize));
        }
        for (meta, index) in rows.metas().iter().zip(0..) {
            if let Some(content) = self.file.as_ref().filter(|_| sink.wants(&rows, index)) {
                let content = format!("{content} {}", meta.ordinal).into_bytes();
                sink.kept(&KeptFile { ordinal: meta.ordinal, name: "pose".to_owned(), content })?;
            }
        }
        sink.finished(rows)?;
        sink.idle()
    }

    fn meet_fate(&mut self, stop: &Stop) {
        if let Some((_, mut deed)) = self.meanwhile.take_if(|(rows, _)| self.finished >= *rows) {
            deed();
        }
        match self.fate {
            Fate::Stop(rows) if self.finished >= rows => stop.raise(),
            // As a kill: nothing of the worker comes after it, and nobody prints anything.
            Fate::Die(rows) if self.finished >= rows => std::panic::resume_unwind(Box::new("the worker is dead")),
            _ => {}
        }
    }
}

impl Pool for MemoryPool<'_> {
    fn run(&mut self, source: &mut dyn Source, sink: &mut dyn Sink, stop: &Stop) -> Result<Ended> {
        let mut at_end = false;
        while !stop.is_raised() {
            self.meet_fate(stop);
            let is_full = self.in_flight.len() + self.batch > self.in_flight_max;
            let draws = self.in_flight.is_empty() || self.random.as_mut().is_none_or(|random| random.below(3) > 0);
            let mut forced = at_end || is_full;
            if !at_end && !is_full && draws {
                match source.next(self.batch)? {
                    Supply::Records { block, alone } => self.take(&block, alone, sink)?,
                    Supply::End => at_end = true,
                    Supply::Wait => {
                        (self.waits, forced) = (self.waits + 1, true);
                        assert!(!self.in_flight.is_empty(), "told to wait for what nobody computes");
                    }
                }
            }
            if at_end && self.in_flight.is_empty() {
                return Ok(Ended::Done);
            }
            if !self.in_flight.is_empty() {
                self.finish(forced, sink)?;
            }
        }
        Ok(Ended::Stopped)
    }

    fn facts(&self) -> PoolFacts {
        self.facts.clone()
    }
}

/// Whether `work` ended as a worker does that is killed: its checkpoint stays as it is.
pub fn dies<T>(work: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .err()
        .is_some_and(|payload| payload.downcast_ref::<&str>() == Some(&"the worker is dead"))
}
