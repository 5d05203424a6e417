//! The records that are to be asked, and in which manner.

use std::collections::VecDeque;
use std::time::Duration;

use crate::library::record::RecordBlock;

/// Records that are asked together.
#[derive(Debug)]
pub struct Work {
    /// The records; never none.
    pub block: RecordBlock,
    /// It is one record, suspected of something: while it is asked, its child is asked nothing else.
    pub alone: bool,
    /// It was answered before, and is asked again to see whether the scorer is well: what is said to it is no result.
    pub witness: bool,
    /// How often a child died while it was asked alone.
    pub deaths: u8,
    /// How often the reply to it, alone in its request, broke the protocol.
    pub violations: u8,
    /// How often the scorer said `RETRY` to it.
    pub retries: u32,
}

impl Work {
    /// Records that nothing is known of.
    pub fn new(block: RecordBlock) -> Self {
        Self { block, alone: false, witness: false, deaths: 0, violations: 0, retries: 0 }
    }

    /// Its records, each to be asked alone.
    pub fn singles(&self) -> Vec<Self> {
        (0..self.block.len()).map(|at| Self { alone: true, ..self.part(at, at + 1) }).collect()
    }

    /// Its records in two halves, in order. One that is left by itself is asked alone.
    pub fn halves(&self) -> Vec<Self> {
        let (middle, end) = (self.block.len() / 2, self.block.len());
        let half = |start: usize, end: usize| Self { alone: end - start == 1, ..self.part(start, end) };
        [(0, middle), (middle, end)].into_iter().filter(|(start, end)| start < end).map(|(s, e)| half(s, e)).collect()
    }

    /// Its records from `start` to `end`.
    pub fn part(&self, start: usize, end: usize) -> Self {
        let mut block = self.block.like();
        for at in start..end {
            let record = self.block.get(at);
            block.push(record.ordinal, record.structure, record.id);
        }
        Self { block, ..*self }
    }

    /// Its records at `indices`.
    pub fn pick(&self, indices: &[usize]) -> Self {
        let mut block = self.block.like();
        for at in indices {
            let record = self.block.get(*at);
            block.push(record.ordinal, record.structure, record.id);
        }
        Self { block, ..*self }
    }
}

/// Work that waits for a child.
#[derive(Debug, Default)]
pub struct Queue {
    /// Asked alone, of a child that answered nothing yet: one that may end, or say too much, because
    /// of what it was asked before must not decide on this record. A child died of it once.
    suspects: VecDeque<Work>,
    /// As above, but its reply was wrong once. It comes after all that may still give a result, drawn already or not.
    doubted: VecDeque<Work>,
    /// Asked alone.
    alone: VecDeque<Work>,
    batches: VecDeque<Work>,
    /// Not before its time.
    later: Vec<(Duration, Work)>,
}

impl Queue {
    fn line(&mut self, work: &Work) -> &mut VecDeque<Work> {
        match work {
            Work { witness: true, .. } => &mut self.suspects,
            Work { alone: true, violations: 1.., .. } => &mut self.doubted,
            Work { alone: true, deaths: 1.., .. } => &mut self.suspects,
            Work { alone: true, .. } => &mut self.alone,
            _ => &mut self.batches,
        }
    }

    /// Work to be done next.
    pub fn push_front(&mut self, work: Work) {
        self.line(&work).push_front(work);
    }

    /// Work to be done after what waits already.
    pub fn push_back(&mut self, work: Work) {
        self.line(&work).push_back(work);
    }

    /// Work to be done at `due` or after.
    pub fn push_later(&mut self, due: Duration, work: Work) {
        self.later.push((due, work));
    }

    /// Lines up what is due.
    pub fn wake(&mut self, now: Duration) {
        let mut at = 0;
        while at < self.later.len() {
            if self.later[at].0 <= now {
                let (_, work) = self.later.remove(at);
                self.push_back(work);
            } else {
                at += 1;
            }
        }
    }

    /// Work for a child that is `idle` (asked nothing now) and `fresh` (answered nothing yet), or not.
    ///
    /// While a record waits to be asked alone, a busy child gets nothing: so it becomes idle.
    pub fn take(&mut self, idle: bool, fresh: bool) -> Option<Work> {
        if idle
            && fresh
            && let Some(work) = self.suspects.pop_front()
        {
            return Some(work);
        }
        match (idle, self.alone.is_empty()) {
            (true, false) => self.alone.pop_front(),
            (false, false) => None,
            (_, true) => self.batches.pop_front(),
        }
    }

    /// A record whose reply was wrong once, for a child that is `idle` and `fresh`: when there is nothing else to do.
    pub fn take_doubted(&mut self, idle: bool, fresh: bool) -> Option<Work> {
        if idle && fresh && self.alone.is_empty() { self.doubted.pop_front() } else { None }
    }

    /// How much work waits for a child now.
    pub fn ready(&self) -> usize {
        self.suspects.len() + self.doubted.len() + self.alone.len() + self.batches.len()
    }

    /// Whether a record waits to be asked alone.
    pub fn isolates(&self) -> bool {
        !self.alone.is_empty()
    }

    /// Whether a record waits for a child that answered nothing yet.
    pub fn wants_fresh(&self) -> bool {
        !self.suspects.is_empty() || (self.alone.is_empty() && self.batches.is_empty() && !self.doubted.is_empty())
    }

    /// Whether there is no work, now or later.
    pub fn is_empty(&self) -> bool {
        self.ready() == 0 && self.later.is_empty()
    }
}
