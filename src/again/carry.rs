//! What is taken over of a task group: rows, and the files that were kept for them, in a checkpoint of the generation.
//!
//! A file goes before the row of its record, as it does when a worker takes it from a scorer. So wherever
//! this process dies, a row that is there has its files, and the ordinary seal makes the new archive.

use crate::canonical::row::Row;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::GroupDir;
use crate::scorer::KeptFile;
use crate::scorer::row::RowBlock;
use crate::shard::checkpoint::{Header, Writer};

/// Rows are written in frames of about this length.
const FRAME_BYTES: usize = 1 << 20;

/// The checkpoint of what is taken over of one task group; nothing is made if there is nothing.
pub(super) struct Carrier {
    dir: GroupDir,
    header: Header,
    writer: Option<Writer>,
    rows: RowBlock,
    line: Vec<u8>,
    files: u64,
}

impl Carrier {
    /// Into `dir`, as the attempt of `header`.
    pub(super) fn new(dir: GroupDir, header: Header) -> Self {
        Self { dir, header, writer: None, rows: RowBlock::default(), line: Vec::new(), files: 0 }
    }

    /// Takes over a file, before its row.
    pub(super) fn file(&mut self, file: &KeptFile) -> Result<()> {
        self.files += 1;
        self.writer()?.file(file)
    }

    /// Takes over a row.
    pub(super) fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.line.clear();
        self.line.extend_from_slice(row.line);
        self.line.push(b'\n');
        let reason = (row.reason_at, u8::try_from(row.reason.len()).unwrap_or(u8::MAX));
        self.rows
            .push_encoded(row.ordinal, row.outcome, reason, &self.line)
            .ok_or_else(|| Error::verification(format!("the row of record {} is malformed", row.ordinal)))?;
        if self.rows.lines().len() >= FRAME_BYTES { self.put() } else { Ok(()) }
    }

    /// Makes it durable; how many files were taken over.
    pub(super) fn end(mut self) -> Result<u64> {
        if !self.rows.is_empty() {
            self.put()?;
        }
        self.writer.as_mut().map_or(Ok(()), Writer::clean_end)?;
        Ok(self.files)
    }

    fn put(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        self.writer()?.rows(&rows)
    }

    fn writer(&mut self) -> Result<&mut Writer> {
        let writer = if let Some(writer) = self.writer.take() {
            writer
        } else {
            fs::create_dir(self.dir.root())?;
            Writer::create(&self.dir.checkpoint(&self.header.attempt), &self.header)?
        };
        Ok(self.writer.insert(writer))
    }
}
