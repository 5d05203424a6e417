//! The pool at work: hands out what the source gives, and looks around a few dozen times a second.

use std::time::Duration;

use tokio::time::timeout;

use super::child::{Child, Event};
use super::lane::{DEPTH, Lane, Phase};
use super::oom;
use super::pool::State;
use super::queue::Work;
use crate::error::Result;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::scorer::precheck::precheck_as;
use crate::scorer::row::RowBlock;
use crate::scorer::{Ended, Sink, Source, Supply};
use crate::stop::Stop;

/// How often the pool looks around when nothing happens.
const TICK: Duration = Duration::from_millis(20);
/// How often the sink gets its time.
const IDLE: Duration = Duration::from_millis(500);

/// How the source stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawing {
    /// It may be asked for the next records.
    Next,
    /// As above, and without delay: what was drawn last needed no scorer.
    AtOnce,
    /// It said `Wait`: it is asked again after the next finished rows.
    AfterRows,
    /// It said `End`.
    AtEnd,
}

/// One call of [`crate::scorer::Pool::run`].
pub(super) struct Drive<'a> {
    pub state: &'a mut State,
    pub sink: &'a mut dyn Sink,
    source: &'a mut dyn Source,
    stop: &'a Stop,
    pub drawing: Drawing,
    /// Work was given up after a stop.
    pub left_behind: bool,
    idle_at: Duration,
    ordinals: Vec<Ordinal>,
}

impl<'a> Drive<'a> {
    pub fn new(state: &'a mut State, source: &'a mut dyn Source, sink: &'a mut dyn Sink, stop: &'a Stop) -> Self {
        let idle_at = state.clock.look();
        state.retry = None;
        Self { state, sink, source, stop, drawing: Drawing::Next, left_behind: false, idle_at, ordinals: Vec::new() }
    }

    pub async fn run(mut self) -> Result<Ended> {
        while !self.stop.is_raised() {
            self.hand_out()?;
            if self.is_done() {
                return Ok(Ended::Done);
            }
            let patience = if self.drawing == Drawing::AtOnce { Duration::ZERO } else { TICK };
            self.take_events(patience, Self::react).await?;
            self.judge_silence()?;
        }
        self.wind_down().await
    }

    /// Gives what is in flight its grace. Whatever goes wrong now is nobody's fault.
    async fn wind_down(mut self) -> Result<Ended> {
        let deadline = self.state.clock.now() + self.state.settings.limits.grace;
        while self.state.lanes.iter().any(|lane| !lane.is_idle()) && self.state.clock.now() < deadline {
            self.take_events(TICK, Self::react_after_stop).await?;
        }
        for lane in self.state.lanes.iter_mut().filter(|lane| !lane.is_idle()) {
            self.left_behind |= !lane.kill().is_empty();
        }
        Ok(if !self.left_behind && self.is_done() { Ended::Done } else { Ended::Stopped })
    }

    fn is_done(&self) -> bool {
        self.drawing == Drawing::AtEnd && self.state.queue.is_empty() && self.state.lanes.iter().all(Lane::is_idle)
    }

    /// Waits until something happens, for `patience` at most, and has `react` take all that did.
    async fn take_events(&mut self, patience: Duration, react: fn(&mut Self, Event) -> Result<()>) -> Result<()> {
        let first = timeout(patience, self.state.events.recv()).await;
        let now = self.state.clock.look();
        let mut next = first.ok().flatten();
        while let Some(event) = next {
            self.state.facts.noise_lines += event.noise;
            react(self, event)?;
            next = self.state.events.try_recv().ok();
        }
        if now.saturating_sub(self.idle_at) >= IDLE {
            self.idle_at = now;
            self.sink.idle()?;
        }
        Ok(())
    }

    /// Gives each child that has room something to do, and starts children while there is more.
    fn hand_out(&mut self) -> Result<()> {
        let now = self.state.clock.now();
        self.state.queue.wake(now);
        let nothing_comes = self.state.lanes.iter().all(Lane::is_idle) && self.state.queue.is_empty();
        match self.drawing {
            Drawing::AtOnce => self.drawing = Drawing::Next,
            // No row will come before it is asked again.
            Drawing::AfterRows if nothing_comes => self.drawing = Drawing::Next,
            _ => {}
        }
        for depth in 0..DEPTH {
            for number in 0..self.state.lanes.len() {
                let lane = &self.state.lanes[number];
                if lane.in_flight.len() == depth && lane.has_room(now) {
                    self.hand_to(number)?;
                }
            }
        }
        self.start_children(now)?;
        self.make_room_for_suspects();
        Ok(())
    }

    /// Gives lane `number` its next request, if there is one for it.
    fn hand_to(&mut self, number: usize) -> Result<()> {
        let lane = &self.state.lanes[number];
        let (idle, fresh) = (lane.is_idle(), lane.is_fresh());
        let mut work = self.state.queue.take(idle, fresh);
        if work.is_none() && !self.state.queue.isolates() {
            self.draw()?;
            work = self.state.queue.take(idle, fresh);
        }
        let work = work.or_else(|| self.state.queue.take_doubted(idle, fresh));
        work.map_or(Ok(()), |work| self.ask(number, work))
    }

    fn ask(&mut self, number: usize, mut work: Work) -> Result<()> {
        let most = self.state.lanes[number].batch;
        if work.block.len() > most {
            let rest = work.part(most, work.block.len());
            self.state.queue.push_front(rest);
            work = work.part(0, most);
        }
        // A witness is finished already.
        if !work.witness {
            self.ordinals.clear();
            self.ordinals.extend(work.block.iter().map(|record| record.ordinal));
            self.sink.started(&self.ordinals)?;
        }
        let State { lanes, settings, clock, .. } = &mut *self.state;
        lanes[number].ask(work, &settings.seeder, clock.now());
        Ok(())
    }

    /// Draws from the source into the queue. What needs no scorer is finished at once.
    fn draw(&mut self) -> Result<()> {
        if matches!(self.drawing, Drawing::AfterRows | Drawing::AtEnd) {
            return Ok(());
        }
        match self.source.next(self.state.settings.batch)? {
            Supply::End => self.drawing = Drawing::AtEnd,
            Supply::Wait => self.drawing = Drawing::AfterRows,
            Supply::Records { block, alone } => {
                let block = self.answer_ourselves(block)?;
                self.drawing = if block.is_empty() { Drawing::AtOnce } else { Drawing::Next };
                if alone {
                    Work::new(block).singles().into_iter().for_each(|work| self.state.queue.push_back(work));
                } else if !block.is_empty() {
                    self.state.queue.push_back(Work::new(block));
                }
            }
        }
        Ok(())
    }

    /// Finishes the records that no scorer is given; the answer is the others.
    fn answer_ourselves(&mut self, block: RecordBlock) -> Result<RecordBlock> {
        let columns = self.state.settings.description.columns.len();
        let mut rows = RowBlock::default();
        for record in block.iter() {
            if let Some(verdict) = precheck_as(&record, block.notation()) {
                rows.push(&record, &verdict, columns);
            }
        }
        if rows.is_empty() {
            return Ok(block);
        }
        let mut answered = rows.metas().iter().map(|meta| meta.ordinal).peekable();
        let rest = block.filtered(|ordinal| answered.next_if_eq(&ordinal).is_none());
        self.sink.finished(rows)?;
        Ok(rest)
    }

    /// Starts children while more work waits than those that are starting will take.
    fn start_children(&mut self, now: Duration) -> Result<()> {
        loop {
            let lanes = &self.state.lanes;
            let starting = lanes.iter().filter(|lane| lane.phase == Phase::Starting).count();
            let off = lanes.iter().position(|lane| lane.phase == Phase::Off && now >= lane.rest_until);
            let Some(number) = off else { return Ok(()) };
            if self.state.queue.ready() <= starting && !self.state.queue.isolates() {
                self.draw()?;
            }
            if self.state.queue.ready() <= starting {
                return Ok(());
            }
            self.start(number, now)?;
        }
    }

    fn start(&mut self, number: usize, now: Duration) -> Result<()> {
        let State { settings, watched, lanes, sender, log, facts, .. } = &mut *self.state;
        watched.check()?;
        let life = lanes[number].next_life();
        let child = Child::start(&settings.launch, &settings.children[number], life, sender, log)?;
        facts.starts += 1;
        lanes[number].oom_kills = oom::kills(settings.memory_events.as_deref());
        lanes[number].begin(child, now);
        Ok(())
    }

    /// A record that waits for a fresh child gets one in the end: an idle one is replaced.
    fn make_room_for_suspects(&mut self) {
        let lanes = &mut self.state.lanes;
        let coming = |phase| matches!(phase, Phase::Off | Phase::Starting | Phase::Ending);
        if !self.state.queue.wants_fresh() || lanes.iter().any(|lane| coming(lane.phase) || lane.is_fresh()) {
            return;
        }
        if let Some(lane) = lanes.iter_mut().find(|lane| lane.is_idle()) {
            lane.kill();
        }
    }
}
