//! How far a checkpoint is, without reading it: for progress.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::checkpoint::{ROWS, read_some_at, take_varint};
use crate::error::{Error, Result};
use crate::fs;

/// A running count of the rows in a growing checkpoint, for progress: payloads are passed over unread.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Rows counted so far.
    pub rows: u64,
    /// Those of them that are ERROR.
    pub errors: u64,
    /// When the file was last written to, in milliseconds since the Unix epoch, by the clock of its file system.
    pub written_ms: u64,
    offset: u64,
}

impl Tally {
    /// Counts on from where it was, up to `most` rows: those of its task group. Whoever wrote it may say anything, and the digests
    /// are not looked at here.
    ///
    /// # Errors
    /// The file cannot be read (exit 6); that it is gone is fine.
    pub fn read_on(&mut self, path: &Path, most: u64) -> Result<()> {
        let file = match fs::open_plain(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(Error::io("cannot read the checkpoint", path, &e)),
        };
        let metadata = file.metadata().map_err(|e| Error::io("cannot read the checkpoint", path, &e))?;
        let length = metadata.len();
        self.written_ms =
            metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000).cast_unsigned();
        let mut head = [0; 36 + 1 + 2 * 10];
        while let Ok(read) = read_some_at(&file, &mut head, self.offset) {
            let payload = u64::from(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
            let end = self.offset + 36 + payload;
            if read <= 36 || payload == 0 || end > length {
                break;
            }
            if head[36] == ROWS {
                let mut counts = &head[37..read];
                self.rows = self.rows.saturating_add(take_varint(&mut counts).unwrap_or(0)).min(most);
                self.errors = self.errors.saturating_add(take_varint(&mut counts).unwrap_or(0)).min(self.rows);
            }
            self.offset = end;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;

    fn varint(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
        out
    }

    /// A frame of rows that claims so many of them, and holds none.
    fn claims(rows: u64, errors: u64, is_sealed: bool) -> Vec<u8> {
        let payload = [&[ROWS][..], &varint(rows), &varint(errors), b"xxxx"].concat();
        let digest = if is_sealed { digest::blake3(&payload).0 } else { [0; 32] };
        [&(payload.len() as u32).to_le_bytes()[..], &digest, &payload].concat()
    }

    #[test]
    fn a_checkpoint_that_claims_more_rows_than_there_are_numbers_counts_as_its_task_group_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.checkpoint");
        for is_sealed in [true, false] {
            std::fs::write(&path, [claims(u64::MAX, u64::MAX, is_sealed), claims(u64::MAX, 5, is_sealed)].concat())
                .unwrap();
            let mut tally = Tally::default();
            tally.read_on(&path, 100).unwrap();
            assert_eq!((tally.rows, tally.errors), (100, 100));
        }
    }
}
