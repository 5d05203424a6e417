//! What came from a machine of which nothing is known, sealed or not: looked at as gather will, before it counts.
//!
//! One thing more is looked at than gather does: that ids are those of the library. Our own workers copy them from there.

use std::path::PathBuf;

use super::rows::{self, Place};
use crate::campaign::file::Campaign;
use crate::campaign::identity::Identity;
use crate::canonical::row::{self, Halt, Lines, Row};
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Result};
use crate::id::Ordinals;
use crate::library::record::RecordBlock;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::payload::{Payload, Tree, header};
use crate::scorer::SLOWEST_MAX;
use crate::scorer::row::RowBlock;
use crate::shard::receipt::Receipt;

/// No time and no count in a receipt's provenance is larger: a reader may keep numbers as floating point.
const NUMBER_MAX: u64 = 1 << 53;

/// The ids of a library, in order. Where they cannot be read none is compared, and the log says so: what came back is not lost for it.
pub struct Ids {
    slice: Option<Slice>,
    block: Option<RecordBlock>,
    at: usize,
    text: Vec<u8>,
}

impl Ids {
    /// Those of the library of `campaign`.
    pub fn of(campaign: &Campaign) -> Self {
        let dir = campaign.dir.library_named(&campaign.file.execution.library);
        let opened = Snapshot::open(&dir).and_then(|library| Slice::open(&library, 0..0));
        let mut ids = Self { slice: None, block: None, at: 0, text: Vec::new() };
        match opened {
            Ok(slice) => ids.slice = Some(slice),
            Err(error) => ids.give_up(&error),
        }
        ids
    }

    /// Goes to the records of `range`.
    fn go_to(&mut self, range: Ordinals) {
        self.block = None;
        if let Some(Err(error)) = self.slice.as_mut().map(|slice| slice.move_to(range)) {
            self.give_up(&error);
        }
    }

    /// Whether `id`, as it stands in a row, is that of the next record; yes where nobody can tell.
    fn is_next(&mut self, id: &[u8]) -> bool {
        loop {
            let Some(slice) = &mut self.slice else { return true };
            if let Some(block) = self.block.as_ref().filter(|block| self.at < block.len()) {
                self.text.clear();
                row::push_text(&mut self.text, block.get(self.at).id);
                self.at += 1;
                return self.text == id;
            }
            self.at = 0;
            match slice.next_block() {
                Ok(Some(block)) => self.block = Some(block),
                Ok(None) => return false,
                Err(error) => self.give_up(&error),
            }
        }
    }

    fn give_up(&mut self, error: &Error) {
        tracing::warn!(
            problem = error.what(),
            "the library cannot be read: ids that came back are not compared with it"
        );
        self.slice = None;
    }
}

/// Whether the rows at `rows` are those that `receipt` speaks of: their bytes, their records in order, their ids, their outcomes as
/// they are counted, and their part of the row tree; and whether its provenance is possible. A receipt that counts may still say anything of them.
///
/// # Errors
/// They are not (exit 4), or cannot be read (exit 6).
pub fn check(identity: &Identity, receipt: &Receipt, rows: PathBuf, ids: &mut Ids) -> Result<()> {
    let of = |thing: &str, what: &str| {
        Error::verification(format!("the {thing} of `{}/{}` {what}", receipt.group, receipt.attempt))
    };
    if let Some(what) = impossible(identity, receipt) {
        return Err(of("receipt", what));
    }
    let wrong = |what: &str| of("rows", what);
    let mut payload = begun(identity, vec![receipt.ordinals.clone()])?;
    let (mut lines, mut tree) = (Lines::default(), CompactRange::starting_at(receipt.tree.begin()));
    ids.go_to(receipt.ordinals.clone());
    rows::each_block(receipt, &Place::File(rows), |block| {
        payload.feed(block).map_err(|fault| wrong(&format!("are not as they should be: {fault}")))?;
        let hashed = lines.feed(block, |line| {
            tree.push(merkle::leaf(line));
            let row = Row::read(line).map_err(|malformed| wrong(&format!("are not as they should be: {malformed}")))?;
            if ids.is_next(row.id()) { Ok(()) } else { Err(wrong(&other_id(&row))) }
        });
        hashed.map_err(|halt| match halt {
            Halt::Fault(malformed) => wrong(&format!("are not as they should be: {malformed}")),
            Halt::Taker(error) => error,
        })
    })?;
    if !payload.is_at_boundary() {
        return Err(wrong("end in the middle of a row"));
    }
    if payload.take_part() != receipt.counts {
        return Err(wrong("hold other outcomes than its receipt counts"));
    }
    if tree != receipt.tree {
        return Err(wrong("have another row tree than its receipt"));
    }
    Ok(())
}

/// Whether `rows`, finished rows in any order and no record twice, are as gather wants them: outcomes, reasons, cells and ids.
///
/// # Errors
/// They are not (exit 4).
pub fn check_rows(identity: &Identity, rows: &RowBlock, ids: &mut Ids) -> Result<()> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| rows.metas()[*index].ordinal);
    let mut runs: Vec<Ordinals> = Vec::new();
    for ordinal in order.iter().map(|index| rows.metas()[*index].ordinal) {
        match runs.last_mut() {
            Some(run) if run.end == ordinal => run.end += 1,
            _ => runs.push(ordinal..ordinal.saturating_add(1)),
        }
    }
    let mut payload = begun(identity, runs.clone())?;
    for index in &order {
        payload.feed(rows.line(*index)).map_err(|fault| Error::verification(fault.to_string()))?;
    }
    let mut order = order.into_iter();
    for run in runs {
        let records = usize::try_from(run.end - run.start).unwrap_or(usize::MAX);
        ids.go_to(run);
        for index in order.by_ref().take(records) {
            let row = rows.row(index);
            if !ids.is_next(row.id()) {
                return Err(Error::verification(other_id(&row)));
            }
        }
    }
    Ok(())
}

fn other_id(row: &Row<'_>) -> String {
    format!("have another id for record {} than the library", row.ordinal)
}

/// A pass that has seen the header, over the rows of these records.
fn begun(identity: &Identity, present: Vec<Ordinals>) -> Result<Payload> {
    let mut payload = Payload::new(identity, present, Tree::Skip);
    let mut first = header(identity);
    first.push(b'\n');
    payload.feed(&first).map_err(|e| Error::bug(format!("the header is refused: {e}")))?;
    Ok(payload)
}

/// What the provenance of `receipt` says that cannot be: it is no part of the payload, and stands in reports.
fn impossible(identity: &Identity, receipt: &Receipt) -> Option<&'static str> {
    let (execution, records) = (&receipt.execution, receipt.counts.total);
    if execution.scored > records {
        return Some("says that more records were scored than there are");
    }
    let pool = &execution.pool;
    let slow = pool.slowest.iter().flat_map(|request| [request.ms, request.records]);
    let numbers = [execution.started_ms, execution.finished_ms, pool.crashes, pool.noise_lines]
        .into_iter()
        .chain([pool.starts, pool.timeouts, pool.violations])
        .chain(slow);
    if numbers.max().is_some_and(|most| most > NUMBER_MAX) {
        return Some("holds a time or a count that is none");
    }
    let library = identity.library.records;
    if pool.slowest.len() > SLOWEST_MAX || pool.slowest.iter().any(|request| request.first >= library) {
        return Some("speaks of requests that there were not");
    }
    let files = receipt.files.as_ref();
    let is_too_much =
        files.is_some_and(|files| files.records > records || files.files > NUMBER_MAX || files.bytes > NUMBER_MAX);
    is_too_much.then_some("speaks of more kept files than there can be")
}
