//! How long the structures of a range are, about, without reading them: from the sizes of stored blocks.
//!
//! The index says how many bytes a block takes, as lines of a plain file or as a repacked frame. A
//! sample of records says how many of these a byte of structure takes in that file, which turns the
//! one into the other. It is an estimate, for planning; no result depends on it.

use super::index::IndexReader;
use super::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::id::{Ordinal, Ordinals};

/// Blocks that are looked at in a range; so the time does not depend on the number of records.
const LOOKS: u64 = 16;

/// Weighs ranges of one library.
pub struct Scales {
    snapshot: Snapshot,
    /// The file whose index is open.
    open: Option<(usize, IndexReader)>,
    /// Of each file: bytes of structures in the sample, and bytes that its records take as stored.
    seen: Vec<(f64, f64)>,
}

impl Scales {
    /// Scales that nothing was put on yet.
    pub fn new(snapshot: &Snapshot) -> Self {
        Self { snapshot: snapshot.clone(), open: None, seen: vec![(0.0, 0.0); snapshot.files().len()] }
    }

    /// Takes note of the record at `ordinal`, whose structure has `length` bytes.
    ///
    /// # Errors
    /// The index cannot be read (exit 6), or is damaged (exit 2).
    pub fn learn(&mut self, ordinal: Ordinal, length: usize) -> Result<()> {
        let (file, stored) = self.stored(ordinal)?;
        let seen = &mut self.seen[file];
        *seen = (seen.0 + length as f64, seen.1 + stored);
        Ok(())
    }

    /// The mean length of the structures in `range`, in bytes, about.
    ///
    /// # Errors
    /// The index cannot be read (exit 6), or is damaged (exit 2).
    pub fn mean_length(&mut self, range: &Ordinals) -> Result<f64> {
        let records = range.end.saturating_sub(range.start).max(1);
        let looks = LOOKS.min(records);
        let all = self.seen.iter().fold((0.0, 0.0), |sum, seen| (sum.0 + seen.0, sum.1 + seen.1));
        let mut sum = 0.0;
        for look in 0..looks {
            // The middle of each of as many equal parts.
            let at = u128::from(records) * (2 * u128::from(look) + 1) / (2 * u128::from(looks));
            let (file, stored) = self.stored(range.start + at as u64)?;
            // A file that the sample did not touch is taken to be like the others.
            let (structures, bytes) = if self.seen[file].1 > 0.0 { self.seen[file] } else { all };
            sum += if bytes > 0.0 { stored * structures / bytes } else { stored };
        }
        Ok(sum / looks as f64)
    }

    /// The file that holds `ordinal`, and the mean bytes of a stored record in its block.
    fn stored(&mut self, ordinal: Ordinal) -> Result<(usize, f64)> {
        let (file, start) = self.snapshot.file_of(ordinal).ok_or_else(|| Error::bug("an ordinal has no file"))?;
        let described = &self.snapshot.files()[file];
        let mut index = match self.open.take() {
            Some((open, index)) if open == file => index,
            _ => {
                let path = self.snapshot.layout().index(&described.stored.part);
                IndexReader::open(path, described.stored.entry, described.blocks)?
            }
        };
        let block = index.find(ordinal - start)?;
        let entry = index.entry(block)?;
        let (end, after) = if block + 1 == index.blocks() {
            (described.stored.end, described.records)
        } else {
            let next = index.entry(block + 1)?;
            (next.offset, next.first)
        };
        let (bytes, records) = (end.saturating_sub(entry.offset), after.saturating_sub(entry.first).max(1));
        self.open = Some((file, index));
        Ok((file, bytes as f64 / records as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::request::LibraryRequest;
    use crate::library::take::take;

    #[test]
    fn a_range_of_long_structures_weighs_what_they_do() {
        let temp = tempfile::tempdir().unwrap();
        let length = |ordinal: usize| if ordinal < 8192 { 10 } else { 50 };
        let text: String = (0..16_384).map(|o| format!("{}\tid{o:06}\n", "C".repeat(length(o)))).collect();
        std::fs::write(temp.path().join("library.smi"), text).unwrap();
        let request = LibraryRequest { base: temp.path().to_path_buf(), ..LibraryRequest::of(["library.smi"]) };
        let library = take(&request, &temp.path().join("snapshot"), 1, &|_, _| ()).unwrap();
        let mut scales = Scales::new(&library);
        for ordinal in [10, 9000] {
            scales.learn(ordinal, length(ordinal as usize)).unwrap();
        }
        let (short, long) = (scales.mean_length(&(0..8192)).unwrap(), scales.mean_length(&(8192..16_384)).unwrap());
        assert!((10.0..20.0).contains(&short) && (40.0..55.0).contains(&long), "{short} and {long}");
        assert!((20.0..40.0).contains(&scales.mean_length(&(0..16_384)).unwrap()));
    }
}
