//! One place in the pool: the child that fills it now, and what that child was asked.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::child::{Child, Life};
use super::jsonl::request;
use super::queue::Work;
use crate::fs::held::Held;
use crate::scorer::seed::Seeder;

/// How many requests a child has at once: the next one waits in its pipe while it computes.
pub const DEPTH: usize = 2;

/// Where a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// There is no child.
    Off,
    /// The child has not said hello yet.
    Starting,
    /// The child answers requests.
    Up,
    /// The child was killed or told to end; the next one starts when it is gone.
    Ending,
}

/// A request that was written.
#[derive(Debug)]
pub struct Request {
    /// Its number.
    pub seq: u64,
    /// What was asked.
    pub work: Work,
    /// How many bytes were written to the child before it.
    pub offset: u64,
    /// When the child could begin with it.
    pub since: Duration,
    /// How much the child had said on stderr by then.
    pub mark: u64,
}

/// One place in the pool.
#[derive(Debug)]
pub struct Lane {
    /// Where it is.
    pub phase: Phase,
    /// Its child, if any.
    pub child: Option<Child>,
    /// Which child that is.
    pub life: Life,
    /// Since when it is starting.
    pub since: Duration,
    /// What the child was asked and has not answered, in order.
    pub in_flight: VecDeque<Request>,
    /// The most records that the child takes at once.
    pub batch: usize,
    /// How many requests the child answered.
    pub answered: u64,
    /// How many replies in a row held `RETRY` and no result.
    pub retries: u32,
    /// Nothing is started or asked before this.
    pub rest_until: Duration,
    /// How often the kernel had killed for want of memory when its child was started.
    pub oom_kills: u64,
    written: u64,
    seq: u64,
}

impl Lane {
    /// Lane `number`, without a child.
    pub fn new(number: usize) -> Self {
        Self {
            phase: Phase::Off,
            child: None,
            life: Life { lane: number, number: 0 },
            since: Duration::ZERO,
            in_flight: VecDeque::new(),
            batch: 1,
            answered: 0,
            retries: 0,
            rest_until: Duration::ZERO,
            oom_kills: 0,
            written: 0,
            seq: 0,
        }
    }

    /// The name of its next child.
    pub fn next_life(&mut self) -> Life {
        self.life.number += 1;
        self.life
    }

    /// Takes a child that was just started.
    pub fn begin(&mut self, child: Child, now: Duration) {
        self.child = Some(child);
        self.phase = Phase::Starting;
        self.since = now;
        self.answered = 0;
        self.written = 0;
        self.seq = 0;
    }

    /// Whether it may be asked something more.
    pub fn has_room(&self, now: Duration) -> bool {
        self.phase == Phase::Up
            && now >= self.rest_until
            && self.in_flight.len() < if self.batch == 1 { 1 } else { DEPTH }
            && self.in_flight.iter().all(|request| !request.work.alone)
    }

    /// Whether its child was asked nothing that it has not answered.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether its child has answered nothing yet.
    pub fn is_fresh(&self) -> bool {
        self.answered == 0
    }

    /// Writes a request.
    pub fn ask(&mut self, mut work: Work, seeder: &Seeder, now: Duration) {
        // A scorer that takes one record at a time is asked nothing else meanwhile.
        work.alone |= self.batch == 1;
        self.seq += 1;
        let line = request::line(self.seq, &work.block, seeder);
        let offset = self.written;
        self.written += line.len() as u64;
        if let Some(child) = &self.child {
            child.write(line);
        }
        self.in_flight.push_back(Request { seq: self.seq, work, offset, since: now, mark: self.mark() });
    }

    /// The request that was just answered; the child can begin with the next one.
    pub fn answer(&mut self, now: Duration) -> Option<Request> {
        let request = self.in_flight.pop_front();
        self.answered += 1;
        let mark = self.mark();
        if let Some(next) = self.in_flight.front_mut() {
            (next.since, next.mark) = (now, mark);
        }
        request
    }

    /// Kills its child; the answer is what it had not answered.
    pub fn kill(&mut self) -> VecDeque<Request> {
        if let Some(child) = &self.child {
            child.kill();
            self.phase = Phase::Ending;
        }
        mem::take(&mut self.in_flight)
    }

    /// Its child is gone; the answer is what it had not answered.
    pub fn ended(&mut self) -> VecDeque<Request> {
        self.child = None;
        self.phase = Phase::Off;
        mem::take(&mut self.in_flight)
    }

    /// The directory in which its child may leave files.
    pub fn tmp(&self) -> Option<&Held> {
        self.child.as_ref().map(Child::tmp)
    }

    fn mark(&self) -> u64 {
        self.child.as_ref().map(Child::mark).unwrap_or_default()
    }

    /// What its child said on stderr since it could begin with the request that it works on.
    pub fn said(&self) -> Vec<u8> {
        let request = self.child.as_ref().zip(self.in_flight.front());
        request.map(|(child, request)| child.said_since(request.mark)).unwrap_or_default()
    }

    /// The last lines that its child said on stderr.
    pub fn last_words(&self) -> Vec<String> {
        self.child.as_ref().map(Child::last_words).unwrap_or_default()
    }
}
