//! Rows in memory: the payload lines of records that are finished, encoded once.

use super::{Outcome, Value, Verdict};
use crate::canonical::row::Row;
use crate::canonical::{number, row};
use crate::id::Ordinal;
use crate::library::record::Record;

/// What is known of a row without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowMeta {
    /// Which record.
    pub ordinal: Ordinal,
    /// How it ended.
    pub outcome: Outcome,
    /// Where its reason begins in the row, in bytes.
    reason_at: u32,
    /// Length of its reason, in bytes.
    reason_len: u8,
    /// Where the row begins in the arena.
    start: u32,
    /// Where it ends, its line feed included.
    end: u32,
}

/// Finished rows, each the exact line of `summary.csv` with its line feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowBlock {
    arena: Vec<u8>,
    metas: Vec<RowMeta>,
}

impl RowBlock {
    /// No rows, with room for `rows`.
    pub fn with_capacity(rows: usize) -> Self {
        Self { arena: Vec::with_capacity(rows * 32), metas: Vec::with_capacity(rows) }
    }

    /// Encodes the verdict on `record`; missing values become empty cells up to `columns` of them.
    ///
    /// Values must be finite: a pool refuses what is not before it gets here.
    pub fn push(&mut self, record: &Record<'_>, verdict: &Verdict, columns: usize) {
        let start = self.arena.len();
        row::push_key(&mut self.arena, record.ordinal, record.id);
        self.arena.extend_from_slice(verdict.outcome.as_str().as_bytes());
        self.arena.push(b',');
        let reason_at = self.arena.len() - start;
        self.arena.extend_from_slice(verdict.reason.as_bytes());
        for column in 0..columns {
            self.arena.push(b',');
            match verdict.values.get(column) {
                None | Some(Value::Null) => {}
                Some(Value::Int(i)) => number::push_i64(&mut self.arena, *i),
                Some(Value::Text(text)) => row::push_text(&mut self.arena, text),
                Some(Value::Float(f)) => {
                    let finite = number::push_f64(&mut self.arena, *f);
                    debug_assert!(finite, "a pool let a value pass that is not finite");
                }
            }
        }
        self.arena.push(b'\n');
        self.metas.push(RowMeta {
            ordinal: record.ordinal,
            outcome: verdict.outcome,
            reason_at: reason_at as u32,
            reason_len: verdict.reason.len() as u8,
            start: start as u32,
            end: self.arena.len() as u32,
        });
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.metas.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.metas.is_empty()
    }

    /// All lines, each with its line feed.
    pub fn lines(&self) -> &[u8] {
        &self.arena
    }

    /// What is known of each row, in the order of the lines.
    pub fn metas(&self) -> &[RowMeta] {
        &self.metas
    }

    /// The line at `index`, with its line feed.
    pub fn line(&self, index: usize) -> &[u8] {
        let meta = &self.metas[index];
        &self.arena[meta.start as usize..meta.end as usize]
    }

    /// The reason of the row at `index`.
    #[inline]
    pub fn reason(&self, index: usize) -> &str {
        let meta = &self.metas[index];
        let at = (meta.start + meta.reason_at) as usize;
        std::str::from_utf8(&self.arena[at..at + usize::from(meta.reason_len)]).unwrap_or_default()
    }

    /// The row at `index`.
    #[inline]
    pub fn row(&self, index: usize) -> Row<'_> {
        let RowMeta { ordinal, outcome, reason_at, .. } = self.metas[index];
        let line = self.line(index);
        Row { ordinal, outcome, reason: self.reason(index), reason_at, line: line.strip_suffix(b"\n").unwrap_or(line) }
    }

    /// Appends an encoded line (with its line feed), as a checkpoint holds it. `None` if the parts do not fit.
    pub fn push_encoded(&mut self, ordinal: Ordinal, outcome: Outcome, reason: (u32, u8), line: &[u8]) -> Option<()> {
        let (reason_at, reason_len) = reason;
        let fits = (reason_at as usize + usize::from(reason_len)) < line.len() && line.last() == Some(&b'\n');
        let start = u32::try_from(self.arena.len()).ok()?;
        let end = u32::try_from(self.arena.len() + line.len()).ok().filter(|_| fits)?;
        self.arena.extend_from_slice(line);
        self.metas.push(RowMeta { ordinal, outcome, reason_at, reason_len, start, end });
        Some(())
    }

    /// The rows of the records for which `is_first` says so, and the others.
    #[must_use]
    pub fn partition(self, mut is_first: impl FnMut(Ordinal) -> bool) -> (Self, Self) {
        if self.metas.iter().all(|meta| is_first(meta.ordinal)) {
            return (self, Self::default());
        }
        let (mut first, mut others) = (Self::default(), Self::default());
        for (meta, index) in self.metas.iter().zip(0..) {
            let part = if is_first(meta.ordinal) { &mut first } else { &mut others };
            let start = part.arena.len() as u32;
            part.arena.extend_from_slice(self.line(index));
            part.metas.push(RowMeta { start, end: part.arena.len() as u32, ..*meta });
        }
        (first, others)
    }

    /// Appends all rows of `other`.
    pub fn append(&mut self, other: &Self) {
        let shift = self.arena.len() as u32;
        self.arena.extend_from_slice(&other.arena);
        self.metas.extend(other.metas.iter().map(|m| RowMeta { start: m.start + shift, end: m.end + shift, ..*m }));
    }
}

impl RowMeta {
    /// Where the reason is in its line: offset and length in bytes.
    pub const fn reason_span(&self) -> (u32, u8) {
        (self.reason_at, self.reason_len)
    }
}
