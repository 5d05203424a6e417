//! Look-alikes in order, each once, in bounded memory: what does not fit is sorted in runs on disk, which are joined.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs::{self, Staged};

/// Bytes that are held before they are sorted and written to a run.
pub const BYTES_MAX: usize = 64 << 20;

/// Runs that are read at a time; when there are so many, they are joined to one.
const RUNS_MAX: usize = 64;

/// Bytes of a run that are read at a time.
const READ: usize = 128 << 10;

/// A look-alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its hash.
    pub hash: Digest,
    /// How many records have it.
    pub records: u64,
    /// Its canonical SMILES.
    pub smiles: &'a [u8],
}

/// What entries are ordered by: the rank, and then the hash.
type Key = (u64, Digest);

/// What is held of an entry beside its SMILES.
#[derive(Clone, Copy, Debug)]
struct Held {
    key: Key,
    records: u64,
    start: u32,
    length: u32,
}

/// Takes entries in any order and gives them back sorted, those of one rank and hash as one.
pub struct Sorter {
    most: usize,
    held: Vec<Held>,
    arena: Vec<u8>,
    runs: Vec<Staged>,
}

impl Sorter {
    /// One that holds `most` bytes.
    pub const fn new(most: usize) -> Self {
        Self { most, held: Vec::new(), arena: Vec::new(), runs: Vec::new() }
    }

    /// Adds an entry; lower ranks come first.
    ///
    /// # Errors
    /// The system refuses to write a run (exit 6).
    pub fn push(&mut self, rank: u64, entry: Entry<'_>) -> Result<()> {
        let bytes = self.arena.len() + entry.smiles.len() + (self.held.len() + 1) * size_of::<Held>();
        if bytes > self.most && !self.held.is_empty() {
            self.spill()?;
        }
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(entry.smiles);
        let length = entry.smiles.len() as u32;
        self.held.push(Held { key: (rank, entry.hash), records: entry.records, start, length });
        Ok(())
    }

    /// Hands all entries to `each`, in order; may be asked again.
    ///
    /// # Errors
    /// A run cannot be written or read (exit 6), or what `each` answers.
    pub fn each(&mut self, mut each: impl FnMut(Entry<'_>) -> Result<()>) -> Result<()> {
        self.held.sort_unstable_by_key(|held| held.key);
        if self.runs.is_empty() {
            return self.each_held(|_, entry| each(entry));
        }
        self.spill()?;
        join(&mut self.runs, |_, entry| each(entry))
    }

    /// Hands what is held, which is sorted, to `each`.
    fn each_held(&self, mut each: impl FnMut(u64, Entry<'_>) -> Result<()>) -> Result<()> {
        for alike in self.held.chunk_by(|a, b| a.key == b.key) {
            let Held { key: (rank, hash), start, length, .. } = alike[0];
            let smiles = &self.arena[start as usize..(start + length) as usize];
            let records = alike.iter().map(|held| held.records).sum();
            each(rank, Entry { hash, records, smiles })?;
        }
        Ok(())
    }

    /// Writes what is held to a run.
    fn spill(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        if self.runs.len() >= RUNS_MAX {
            let mut joined = run()?;
            join(&mut self.runs, |rank, entry| write(&mut joined, rank, entry))?;
            self.runs = vec![joined];
        }
        self.held.sort_unstable_by_key(|held| held.key);
        let mut run = run()?;
        self.each_held(|rank, entry| write(&mut run, rank, entry))?;
        self.runs.push(run);
        self.held.clear();
        self.arena.clear();
        Ok(())
    }
}

fn run() -> Result<Staged> {
    fs::scratch().map_err(with_room)
}

fn with_room(error: Error) -> Error {
    error.hint("set `TMPDIR` to a directory with room: twenty million look-alikes take 2 GB there")
}

/// Appends an entry to a run: rank, hash, records and length, the numbers little-endian, and the SMILES.
fn write(run: &mut Staged, rank: u64, entry: Entry<'_>) -> Result<()> {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&rank.to_le_bytes());
    head[8..40].copy_from_slice(&entry.hash.0);
    head[40..48].copy_from_slice(&entry.records.to_le_bytes());
    head[48..].copy_from_slice(&(entry.smiles.len() as u32).to_le_bytes());
    run.write(&head).and_then(|()| run.write(entry.smiles)).map_err(with_room)
}

/// Bytes before the SMILES.
const HEAD: usize = 52;

/// A run that is read, standing at an entry.
struct Open {
    source: BufReader<File>,
    key: Key,
    records: u64,
    smiles: Vec<u8>,
}

impl Open {
    /// Goes to the next entry; whether there is one.
    fn advance(&mut self) -> std::io::Result<bool> {
        let mut head = [0; HEAD];
        match self.source.read_exact(&mut head[..1]) {
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        self.source.read_exact(&mut head[1..])?;
        let number = |from: usize| {
            let bytes = &head[from..from + 8];
            bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        let mut hash = [0; 32];
        hash.copy_from_slice(&head[8..40]);
        (self.key, self.records) = ((number(0), Digest(hash)), number(40));
        let length = head[48..].iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte));
        self.smiles.resize(length, 0);
        self.source.read_exact(&mut self.smiles)?;
        Ok(true)
    }
}

/// Hands the entries of all `runs` to `each`, in order, those of one rank and hash as one.
fn join(runs: &mut [Staged], mut each: impl FnMut(u64, Entry<'_>) -> Result<()>) -> Result<()> {
    let path = crate::layout::scratch();
    let lost = |e: std::io::Error| Error::io("cannot read again what was sorted in", &path, &e);
    let (mut open, mut next) = (Vec::with_capacity(runs.len()), BinaryHeap::with_capacity(runs.len()));
    for run in runs {
        let source = BufReader::with_capacity(READ, run.reader()?);
        let mut run = Open { source, key: (0, Digest::default()), records: 0, smiles: Vec::new() };
        if run.advance().map_err(lost)? {
            next.push(Reverse((run.key, open.len())));
            open.push(run);
        }
    }
    let mut smiles = Vec::new();
    while let Some(Reverse((key, first))) = next.pop() {
        smiles.clone_from(&open[first].smiles);
        let mut records = 0;
        let mut at = Some(first);
        while let Some(run) = at {
            records += open[run].records;
            if open[run].advance().map_err(lost)? {
                next.push(Reverse((open[run].key, run)));
            }
            let is_same = next.peek().is_some_and(|Reverse((other, _))| *other == key);
            at = if is_same { next.pop().map(|Reverse((_, run))| run) } else { None };
        }
        each(key.0, Entry { hash: key.1, records, smiles: &smiles })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::digest;

    /// What a sorter that holds `most` bytes makes of the numbers, each with a rank.
    fn sorted(most: usize, numbers: &[(u8, u16)]) -> Vec<(Digest, u64, String)> {
        let mut sorter = Sorter::new(most);
        for (rank, number) in numbers {
            let smiles = "C".repeat(usize::from(*number) % 90 + 1) + &number.to_string();
            let hash = digest::sha256(smiles.as_bytes());
            sorter.push(u64::from(*rank), Entry { hash, records: 1, smiles: smiles.as_bytes() }).unwrap();
        }
        let once = all(&mut sorter);
        assert_eq!(all(&mut sorter), once, "it may be asked again");
        once
    }

    fn all(sorter: &mut Sorter) -> Vec<(Digest, u64, String)> {
        let mut found = Vec::new();
        let taken = sorter.each(|Entry { hash, records, smiles }| {
            found.push((hash, records, String::from_utf8(smiles.to_vec()).unwrap()));
            Ok(())
        });
        taken.unwrap();
        found
    }

    proptest! {
        #[test]
        fn the_order_and_the_counts_do_not_depend_on_what_fits_in_memory(
            numbers in prop::collection::vec((0u8..3, 0u16..60), 0..300),
            most in 1usize..3000,
        ) {
            let mut expected = BTreeMap::new();
            for (rank, number) in &numbers {
                let smiles = "C".repeat(usize::from(*number) % 90 + 1) + &number.to_string();
                expected.entry((*rank, digest::sha256(smiles.as_bytes()))).or_insert((0, smiles)).0 += 1;
            }
            let expected: Vec<_> =
                expected.into_iter().map(|((_, hash), (records, smiles))| (hash, records, smiles)).collect();
            prop_assert_eq!(&sorted(most, &numbers), &expected);
            prop_assert_eq!(&sorted(BYTES_MAX, &numbers), &expected);
        }
    }

    #[test]
    fn more_runs_than_are_read_at_a_time_are_joined_first() {
        let numbers: Vec<(u8, u16)> = (0..3 * RUNS_MAX as u16).chain(0..9).map(|number| (0, number)).collect();
        let (small, large) = (sorted(1, &numbers), sorted(BYTES_MAX, &numbers));
        assert_eq!(small, large);
        assert_eq!(small.iter().filter(|(_, records, _)| *records == 2).count(), 9);
        assert!(small.is_sorted_by_key(|(hash, ..)| *hash));
    }
}
