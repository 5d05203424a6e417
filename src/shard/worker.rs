//! The worker: takes task groups from their checkpoints to their receipts.
//!
//! One pool of scorers serves all groups of a task. Records flow from the library slice of the
//! current group through the pool; finished rows go to the checkpoint at once and to their places
//! in order. While the last rows of a group are still being scored, the records of the next one
//! are already on their way, so that no scorer waits at a border.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use super::checkpoint::Header;
use super::group::{OpenGroup, Workplace, header_for};
use super::judge::{self, Proven};
use super::plan::Plan;
use crate::error::{Error, Kind, Result};
use crate::id::{GroupIndex, Ordinal};
use crate::layout::CampaignDir;
use crate::library::record::RecordBlock;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::scorer::row::RowBlock;
use crate::scorer::{Ended, KeptFile, Pool, PoolFacts, Sink, Source, Supply, reason};
use crate::stop::Stop;

/// Rows that wait for an earlier one take no more memory than this; beyond it no new records are drawn.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// So many records that are all lost to crashes, time-outs or memory, before any result, stop the worker: more of them
/// would tell nobody anything, and each costs a start of the scorer or two, or a time limit.
const LOST_MAX: usize = 16;

/// What a worker works on.
#[derive(Debug)]
pub struct Assignment<'a> {
    /// The campaign directory.
    pub dir: &'a CampaignDir,
    /// The plan.
    pub plan: &'a Plan,
    /// The library.
    pub library: &'a Snapshot,
    /// Plan, scorer and attempt, as each checkpoint will name them; its group is replaced.
    pub header: Header,
    /// The task groups, in order.
    pub groups: Box<dyn Queue + 'a>,
}

/// Where the task groups of a worker come from, one after the other.
pub trait Queue: fmt::Debug {
    /// The next one. With `may_wait` it is waited for; else [`Next::NotYet`] says that nobody knows yet whether there is one.
    ///
    /// # Errors
    /// Whoever hands them out is gone.
    fn next(&mut self, may_wait: bool) -> Result<Next>;

    /// Whether another one is known to come.
    fn has_more(&self) -> bool;
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This task group.
    Group(GroupIndex),
    /// That is not known yet.
    NotYet,
    /// Nothing.
    End,
}

/// A list that was known from the beginning.
impl Queue for VecDeque<GroupIndex> {
    fn next(&mut self, _: bool) -> Result<Next> {
        Ok(self.pop_front().map_or(Next::End, Next::Group))
    }

    fn has_more(&self) -> bool {
        !self.is_empty()
    }
}

/// Works on `assignment` until every group has its receipt, or until `stop`.
///
/// # Errors
/// The library changed (exit 2), the disk refuses (exit 6), or the scorer is broken. What was
/// finished before is in the checkpoints.
pub fn work(assignment: Assignment<'_>, place: &Workplace, pool: &mut dyn Pool, stop: &Stop) -> Result<Ended> {
    let desk = RefCell::new(Desk::new(assignment, place));
    let ended = pool.run(&mut Drawer(&desk), &mut Tray(&desk), stop);
    let mut desk = desk.into_inner();
    match ended {
        Ok(Ended::Done) => desk.finish(&pool.facts()).map(|()| Ended::Done),
        Ok(Ended::Stopped) => desk.suspend(&pool.facts()).map(|()| Ended::Stopped),
        Err(error) => {
            // The first error is the one that matters; what can still be made durable is.
            let _ = desk.suspend(&pool.facts());
            Err(error)
        }
    }
}

/// The state of a task between the source and the sink of its pool.
struct Desk<'a> {
    assignment: Assignment<'a>,
    place: &'a Workplace,
    /// Groups that are open, by their first ordinal.
    open: BTreeMap<Ordinal, OpenGroup>,
    /// The group whose records are being drawn: its first ordinal and its slice.
    drawing: Option<(Ordinal, Slice)>,
    /// Records that were read and not yet handed out.
    ready: VecDeque<Ready>,
    /// How many records were handed out and are not finished.
    in_flight: usize,
    /// How many records were lost ([`reason::CIRCUMSTANTIAL`]) and none had a result; `None` once one had, here or in
    /// an earlier attempt.
    lost: Option<usize>,
}

/// Records that can be handed out, from `from` on.
struct Ready {
    block: RecordBlock,
    from: usize,
    alone: bool,
}

impl<'a> Desk<'a> {
    fn new(assignment: Assignment<'a>, place: &'a Workplace) -> Self {
        let (open, ready) = (BTreeMap::new(), VecDeque::new());
        Self { assignment, place, open, drawing: None, ready, in_flight: 0, lost: Some(0) }
    }

    fn next(&mut self, max: usize) -> Result<Supply> {
        loop {
            // What is waited for may not be in flight: rows of earlier attempts wait as well.
            let waiting = self.open.values().map(OpenGroup::waiting_bytes).sum::<usize>();
            if self.in_flight > 0 && waiting > WAITING_BYTES_MAX {
                return Ok(Supply::Wait);
            }
            if let Some((block, alone)) = self.hand_out(max) {
                self.in_flight += block.len();
                return Ok(Supply::Records { block, alone });
            }
            if self.read_on()? {
                continue;
            }
            match self.open_next()? {
                Next::Group(_) => {}
                Next::NotYet => return Ok(Supply::Wait),
                Next::End => return Ok(Supply::End),
            }
        }
    }

    /// Up to `max` of the records that are ready, and whether each must be asked alone.
    fn hand_out(&mut self, max: usize) -> Option<(RecordBlock, bool)> {
        let Ready { block, from, alone } = self.ready.front_mut()?;
        let (alone, left) = (*alone, block.len() - *from);
        if *from == 0 && left <= max {
            return self.ready.pop_front().map(|r| (r.block, alone));
        }
        let mut part = block.like();
        for record in (*from..*from + left.min(max)).map(|i| block.get(i)) {
            part.push(record.ordinal, record.structure, record.id);
        }
        *from += part.len();
        if *from == block.len() {
            self.ready.pop_front();
        }
        Some((part, alone))
    }

    /// Reads the next block of the current group; whether there was one.
    fn read_on(&mut self) -> Result<bool> {
        let Some((start, slice)) = &mut self.drawing else { return Ok(false) };
        let start = *start;
        let Some(block) = slice.next_block()? else {
            self.drawing = None;
            // A group whose rows were all in earlier checkpoints is complete by now.
            let end = self.assignment.plan.records;
            self.open.get_mut(&start).map_or(Ok(()), |group| group.replay(end))?;
            self.seal_early()?;
            return Ok(false);
        };
        let group = self.open.get_mut(&start).ok_or_else(|| Error::bug("the group that is being read is not open"))?;
        if group.earlier().is_empty() {
            self.ready.push_back(Ready { block, from: 0, alone: false });
            return Ok(true);
        }
        if let Some(last) = block.len().checked_sub(1).map(|i| block.get(i).ordinal) {
            group.replay(last + 1)?;
        }
        let earlier = group.earlier();
        let suspects = block.filtered(|o| !earlier.is_done(o) && earlier.is_suspect(o));
        let others = block.filtered(|o| !earlier.is_done(o) && !earlier.is_suspect(o));
        for (block, alone) in [(others, false), (suspects, true)] {
            if !block.is_empty() {
                self.ready.push_back(Ready { block, from: 0, alone });
            }
        }
        Ok(true)
    }

    /// Opens the next group that has no receipt yet, if there is one. It is waited for only where nothing else is to be done.
    fn open_next(&mut self) -> Result<Next> {
        loop {
            let group = match self.assignment.groups.next(self.in_flight == 0)? {
                Next::Group(group) => group,
                other => return Ok(other),
            };
            let Assignment { dir, plan, library, header, .. } = &self.assignment;
            let group_dir = dir.group(group);
            let proven = Proven { plan, plan_digest: header.plan, scorer: header.scorer };
            if judge::find(&proven, &group_dir, group)?.is_some() {
                continue;
            }
            let range = plan.group(group);
            let opened = OpenGroup::open(header_for(header, group), group_dir, range.clone(), self.place.keep)?;
            if opened.earlier().finished() > 0 {
                self.lost = None;
            }
            self.open.insert(range.start, opened);
            self.drawing = Some((range.start, Slice::open(library, range)?));
            // One that was kept open as perhaps the last is known not to be it.
            self.seal_early()?;
            return Ok(Next::Group(group));
        }
    }

    fn group_of(&mut self, ordinal: Ordinal) -> Result<&mut OpenGroup> {
        let found = self.open.range_mut(..=ordinal).next_back().map(|(_, group)| group);
        found
            .filter(|group| group.range().contains(&ordinal))
            .ok_or_else(|| Error::bug(format!("record {ordinal} belongs to no open task group")))
    }

    /// Takes finished rows, all of one group.
    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        let Some(first) = rows.metas().first() else { return Ok(()) };
        self.in_flight = self.in_flight.saturating_sub(rows.len());
        self.count_losses(&rows);
        let every = self.place.sync;
        let group = self.group_of(first.ordinal)?;
        group.finished(rows)?;
        group.sync_if_due(every)?;
        if group.is_complete() {
            self.seal_early()?;
        }
        match self.lost {
            Some(lost) if lost >= LOST_MAX => Err(hopeless(lost)),
            _ => Ok(()),
        }
    }

    /// What no scorer was given says nothing about it.
    fn count_losses(&mut self, rows: &RowBlock) {
        for reason in (0..rows.len()).map(|at| rows.reason(at)) {
            if reason::CIRCUMSTANTIAL.contains(&reason) {
                self.lost = self.lost.map(|lost| lost + 1);
            } else if !reason::OURS.contains(&reason) {
                self.lost = None;
            }
        }
    }

    /// Seals what is complete while the pool is at work. The last group of the task is left for its
    /// end: only then are the facts of the pool known, which its receipt holds for the whole task.
    fn seal_early(&mut self) -> Result<()> {
        if !self.assignment.groups.has_more() && self.open.len() == 1 {
            return Ok(());
        }
        self.seal_complete(&PoolFacts::default())
    }

    /// Seals what is complete.
    fn seal_complete(&mut self, facts: &PoolFacts) -> Result<()> {
        let complete: Vec<Ordinal> = self.open.iter().filter(|(_, g)| g.is_complete()).map(|(o, _)| *o).collect();
        for start in complete {
            if let Some(group) = self.open.remove(&start) {
                if self.drawing.as_ref().is_some_and(|(at, _)| *at == start) {
                    self.drawing = None;
                }
                group.seal(self.place, facts.clone())?;
            }
        }
        Ok(())
    }

    /// After the last record: everything must be complete.
    fn finish(&mut self, facts: &PoolFacts) -> Result<()> {
        self.seal_complete(facts)?;
        match self.open.values().next() {
            None => Ok(()),
            Some(group) => {
                Err(Error::bug(format!("records of {:?} have no row at the end of the task", group.range())))
            }
        }
    }

    /// At a stop: seals what is complete, and leaves the rest at a clean checkpoint.
    fn suspend(&mut self, facts: &PoolFacts) -> Result<()> {
        self.drawing = None;
        self.seal_complete(facts)?;
        std::mem::take(&mut self.open).into_values().try_for_each(OpenGroup::suspend)
    }
}

/// That nothing comes of this scorer. What was lost stays in the checkpoint; whoever resumes gets past it.
fn hopeless(lost: usize) -> Error {
    Error::new(
        Kind::Hopeless,
        format!(
            "the first {lost} records that the scorer was given are all ERROR (crash, timeout or oom), each asked alone: \
             that is hardly the records' fault"
        ),
    )
}

/// The end of the desk that the pool draws from.
struct Drawer<'d, 'a>(&'d RefCell<Desk<'a>>);

impl Source for Drawer<'_, '_> {
    fn next(&mut self, max: usize) -> Result<Supply> {
        self.0.borrow_mut().next(max)
    }
}

/// The end of the desk that the pool fills.
struct Tray<'d, 'a>(&'d RefCell<Desk<'a>>);

impl Sink for Tray<'_, '_> {
    fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        let mut desk = self.0.borrow_mut();
        let mut rest = ordinals;
        while let Some(first) = rest.first() {
            let group = desk.group_of(*first)?;
            let ours = rest.iter().take_while(|ordinal| group.range().contains(ordinal)).count();
            group.started(&rest[..ours])?;
            rest = &rest[ours..];
        }
        Ok(())
    }

    fn wants(&self, rows: &RowBlock, index: usize) -> bool {
        let mut desk = self.0.borrow_mut();
        desk.group_of(rows.metas()[index].ordinal).is_ok_and(|group| group.wants(rows, index))
    }

    fn kept(&mut self, file: &KeptFile) -> Result<()> {
        self.0.borrow_mut().group_of(file.ordinal)?.kept(file)
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        let mut desk = self.0.borrow_mut();
        let mut rest = rows;
        while let Some(first) = rest.metas().first() {
            let range = desk.group_of(first.ordinal)?.range().clone();
            let (ours, others) = rest.partition(|ordinal| range.contains(&ordinal));
            desk.finished(ours)?;
            rest = others;
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        let mut desk = self.0.borrow_mut();
        let every = desk.place.sync;
        desk.open.values_mut().try_for_each(|group| group.sync_if_due(every))
    }
}
