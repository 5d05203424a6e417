//! A task group being worked on: rows come in any order, and leave in order, sealed.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::checkpoint::{self, Header, Writer};
use super::kept::{Best, Keep, Origin};
use super::receipt::{self, Counts, Execution, Receipt, RowsFile};
use super::recover::{self, Recovered};
use crate::clock::{self, Stopwatch};
use crate::digest::merkle::{self, CompactRange};
use crate::digest::{Blake3, Digest};
use crate::error::Result;
use crate::fs::{self, Staged};
use crate::id::{Ordinal, Ordinals};
use crate::layout::{EntryKind, GroupDir};
use crate::scorer::row::{RowBlock, RowMeta};
use crate::scorer::{KeptFile, PoolFacts};

/// What a row that waits costs beside its bytes: its place in the order, and what is known of it.
const WAITING_ROW_BYTES: usize = 64;

/// What every group of one worker has in common.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// Node name.
    pub host: String,
    /// Processor model.
    pub cpu: String,
    /// The scheduler's name for this work.
    pub scheduler: String,
    /// How often the checkpoint is made durable.
    pub sync: std::time::Duration,
    /// Which records' files are kept, if any.
    pub keep: Option<Keep>,
}

/// A task group between its opening and its receipt.
#[derive(Debug)]
pub struct OpenGroup {
    header: Header,
    dir: GroupDir,
    range: Ordinals,
    earlier: Recovered,
    log: Writer,
    synced: Stopwatch,
    dirty: bool,
    rows: OrderedRows,
    scored: u64,
    started_ms: u64,
}

impl OpenGroup {
    /// Opens the group of `header`, taking over what earlier attempts left.
    ///
    /// # Errors
    /// The group's directory cannot be read or written (exit 6).
    pub fn open(header: Header, dir: GroupDir, range: Ordinals, keep: Option<Keep>) -> Result<Self> {
        fs::create_dir(dir.root())?;
        let earlier = Recovered::read(&dir, &header, range.clone())?;
        let log = Writer::create(&dir.checkpoint(&header.attempt), &header)?;
        let rows = OrderedRows::new(&range, Staged::create_beside(&dir.rows(&header.attempt))?, keep.map(Best::new));
        let (synced, started_ms) = (Stopwatch::start(), clock::unix_ms());
        Ok(Self { header, dir, range, earlier, log, synced, dirty: false, rows, scored: 0, started_ms })
    }

    /// The records of this group.
    pub const fn range(&self) -> &Ordinals {
        &self.range
    }

    /// What earlier attempts left.
    pub const fn earlier(&self) -> &Recovered {
        &self.earlier
    }

    /// Bytes of rows that wait for an earlier one, with what it costs to keep them.
    pub const fn waiting_bytes(&self) -> usize {
        self.rows.waiting_bytes
    }

    /// Puts the rows of earlier attempts that may lie before `end` in their places.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn replay(&mut self, end: Ordinal) -> Result<()> {
        while let Some((rows, origin)) = self.earlier.next_rows(end)? {
            self.rows.accept(rows, origin)?;
        }
        Ok(())
    }

    /// Notes that records are about to be scored.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn started(&mut self, ordinals: &[Ordinal]) -> Result<()> {
        self.log.started(ordinals)
    }

    /// Takes finished rows: first into the checkpoint, then into their places.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn finished(&mut self, rows: RowBlock) -> Result<()> {
        self.log.rows(&rows)?;
        self.dirty = true;
        self.scored += rows.len() as u64;
        self.rows.accept(rows, Origin::Own)
    }

    /// Whether a file for row `index` of `rows` could be among those that are kept.
    pub fn wants(&self, rows: &RowBlock, index: usize) -> bool {
        self.rows.best.as_ref().is_some_and(|best| best.could_be(&rows.row(index)))
    }

    /// Takes a file for a record, before its row.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn kept(&mut self, file: &KeptFile) -> Result<()> {
        self.dirty = true;
        self.log.file(file)
    }

    /// Makes the checkpoint durable if `every` has passed since it last was.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn sync_if_due(&mut self, every: std::time::Duration) -> Result<()> {
        if self.dirty && self.synced.elapsed() >= every {
            self.log.sync()?;
            self.synced = Stopwatch::start();
            self.dirty = false;
        }
        Ok(())
    }

    /// Whether every record of the group has its row.
    pub const fn is_complete(&self) -> bool {
        self.rows.next == self.range.end
    }

    /// Ends the attempt at a clean checkpoint; the next one goes on from here.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn suspend(mut self) -> Result<()> {
        self.log.clean_end()
    }

    /// Seals a complete group: rows, kept files, then receipt; then the checkpoints are not needed any more.
    ///
    /// # Errors
    /// The system refuses (exit 6); the group is then still open for another attempt.
    pub fn seal(self, place: &Workplace, pool: PoolFacts) -> Result<()> {
        let Self { header, dir, range, earlier, log, scored, started_ms, rows, .. } = self;
        let OrderedRows { file, bytes, blake3, tree, counts, best, .. } = rows;
        file.commit_new()?;
        let own = dir.checkpoint(&header.attempt);
        // From the open file: a twin that sealed the group before has removed the name.
        let files = match best {
            Some(best) => {
                Some(best.seal((&own, &log.reread()?, u64::MAX), &earlier.logs(), &dir.files(&header.attempt))?)
            }
            None => None,
        };
        let receipt = Receipt {
            schema: receipt::SCHEMA.to_owned(),
            plan: header.plan,
            scorer: header.scorer,
            group: header.group,
            ordinals: range,
            attempt: header.attempt,
            rows: RowsFile { bytes, blake3: blake3.finish() },
            tree,
            counts,
            files,
            execution: Execution {
                host: place.host.clone(),
                cpu: place.cpu.clone(),
                molsieve: env!("CARGO_PKG_VERSION").to_owned(),
                scheduler: place.scheduler.clone(),
                started_ms,
                finished_ms: clock::unix_ms(),
                scored,
                pool,
            },
            seal: Digest::default(),
        }
        .sealed()?;
        fs::write_new(&dir.receipt(&receipt.attempt), &crate::canonical::json::to_line(&receipt)?)?;
        for attempt in recover::attempts(&dir, EntryKind::Checkpoint)? {
            fs::remove(&dir.checkpoint(&attempt))?;
        }
        Ok(())
    }
}

/// The header of a checkpoint by `like`'s attempt, for another group.
pub fn header_for(like: &Header, group: crate::id::GroupIndex) -> Header {
    Header { schema: checkpoint::SCHEMA.to_owned(), group, ..like.clone() }
}

/// Brings rows into the order of their ordinals, and what is in order into the file.
#[derive(Debug)]
struct OrderedRows {
    /// The ordinal whose row is written next.
    next: Ordinal,
    /// The ordinal after the last one of the group.
    end: Ordinal,
    waiting: BTreeMap<Ordinal, (Rc<(RowBlock, Origin)>, usize)>,
    waiting_bytes: usize,
    file: Staged,
    bytes: u64,
    blake3: Blake3,
    tree: CompactRange,
    counts: Counts,
    /// Which records' files are kept, if any.
    best: Option<Best>,
}

impl OrderedRows {
    fn new(range: &Ordinals, file: Staged, best: Option<Best>) -> Self {
        Self {
            next: range.start,
            end: range.end,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            file,
            bytes: 0,
            blake3: Blake3::default(),
            // Leaf 0 of the payload tree is the header row.
            tree: CompactRange::starting_at(range.start + 1),
            counts: Counts::default(),
            best,
        }
    }

    fn accept(&mut self, rows: RowBlock, origin: Origin) -> Result<()> {
        if self.waiting.is_empty() && self.continues(rows.metas()) {
            return self.write_block(&rows, origin);
        }
        let shared = Rc::new((rows, origin));
        let (rows, _) = &*shared;
        for (index, meta) in rows.metas().iter().enumerate() {
            let wanted = self.next..self.end;
            if wanted.contains(&meta.ordinal) && !self.waiting.contains_key(&meta.ordinal) {
                self.waiting.insert(meta.ordinal, (Rc::clone(&shared), index));
                self.waiting_bytes += rows.line(index).len() + WAITING_ROW_BYTES;
            }
        }
        while let Some(entry) = self.waiting.first_entry().filter(|e| *e.key() == self.next) {
            let (shared, index) = entry.remove();
            let (rows, origin) = &*shared;
            self.waiting_bytes -= rows.line(index).len() + WAITING_ROW_BYTES;
            self.count(rows, index, *origin);
            self.write(rows.line(index))?;
        }
        Ok(())
    }

    /// Whether `metas` are exactly the next rows, in order: the common case.
    fn continues(&self, metas: &[RowMeta]) -> bool {
        metas.iter().zip(self.next..self.end).filter(|(meta, expected)| meta.ordinal == *expected).count()
            == metas.len()
    }

    fn write_block(&mut self, rows: &RowBlock, origin: Origin) -> Result<()> {
        for index in 0..rows.len() {
            self.count(rows, index, origin);
        }
        self.write(rows.lines())
    }

    fn count(&mut self, rows: &RowBlock, index: usize, origin: Origin) {
        let row = rows.row(index);
        if let Some(best) = &mut self.best {
            best.consider(&row, origin);
        }
        self.tree.push(merkle::leaf(row.line));
        self.counts.add(row.outcome, row.reason);
        self.next += 1;
    }

    fn write(&mut self, lines: &[u8]) -> Result<()> {
        self.blake3.update(lines);
        self.bytes += lines.len() as u64;
        self.file.write(lines)
    }
}
