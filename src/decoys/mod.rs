//! The look-alikes of a library as a file: what is scored elsewhere, and what has no score yet.
//!
//! One pass over the library makes the look-alikes of each record, as the campaign would, in blocks on all threads.
//! They are sorted in bounded memory ([`sort`]), so that the file is the same whatever the threads and the order of the
//! records. Its form is HETERO-2's `missing_decoy_scores.csv`. See `docs/precomputed.md`.

mod marks;
pub mod sort;

use std::collections::BTreeMap;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Serialize;

use self::marks::Marks;
use self::sort::{Entry, Sorter};
use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::library::format::Notation;
use crate::library::record::{Record, RecordBlock};
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::scorer::builtin::compared;
use crate::scorer::builtin::decoys;
use crate::scorer::builtin::precomputed::Scores;
use crate::scorer::builtin::precomputed::key::Key;
use crate::stop::Stop;

/// Schema of [`Facts`].
pub const SCHEMA: &str = "molsieve.decoys.v1";

/// The header of the file.
pub const HEADER: &str = "decoy_hash,decoy_smiles,count_rows_affected";

/// Which look-alikes are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The records.
    pub library: &'a Snapshot,
    /// The campaign seed.
    pub seed: u64,
    /// Which look-alikes each record has.
    pub decoys: &'a decoys::Settings,
    /// The scores that are there, if the scorer takes them from files.
    pub scores: Option<&'a Scores>,
    /// Whether only those without a score are asked for, of records that have one.
    pub missing: bool,
    /// How many threads.
    pub threads: usize,
}

/// What there is, and what has a score: sums over records, whatever their order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Records of the library.
    pub records: u64,
    /// Records that have look-alikes.
    pub records_with_decoys: u64,
    /// Why the others have none: how many for each reason.
    pub without: BTreeMap<String, u64>,
    /// Look-alikes of all records together.
    pub decoys: u64,
    /// Different ones in the file.
    pub written: u64,
    /// What has a score, if the scorer takes scores from files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// What has a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Records that have a score.
    pub records_scored: u64,
    /// Records that have a score and look-alikes, one of which at least has none.
    pub records_with_missing_decoys: u64,
    /// Look-alikes of records that have a score.
    pub decoys: u64,
    /// Those of them that have a score.
    pub decoys_scored: u64,
    /// Those that have none.
    pub decoys_missing: u64,
    /// Scores of the files that belong to no record and no look-alike.
    pub scores_unused: u64,
}

/// What is found of one record.
struct Found {
    /// Whether the record has a score; true where scores are not taken from files.
    is_scored: bool,
    /// Its look-alikes, each with whether it has a score; or why there are none.
    decoys: Result<Vec<(Digest, String, bool)>, String>,
}

/// Hands each line of the file to `line`, without its line feed, the header first.
///
/// # Errors
/// As [`each`].
pub fn list(wanted: &Wanted<'_>, stop: &Stop, line: impl FnMut(&[u8]) -> Result<()>) -> Result<Facts> {
    list_within(wanted, sort::BYTES_MAX, stop, line)
}

fn list_within(
    wanted: &Wanted<'_>,
    bytes: usize,
    stop: &Stop,
    mut line: impl FnMut(&[u8]) -> Result<()>,
) -> Result<Facts> {
    let (sorter, facts) = sorted(wanted, bytes, stop)?;
    line(HEADER.as_bytes())?;
    let mut text = Vec::new();
    in_order(sorter, bytes, facts, &mut |Entry { hash, records, smiles }| {
        text.clear();
        text.extend_from_slice(format!("{hash},").as_bytes());
        // A SMILES that we write has neither commas nor quotation marks.
        text.extend_from_slice(smiles);
        text.extend_from_slice(format!(",{records}").as_bytes());
        line(&text)
    })
}

/// Hands each look-alike to `take`: those of most records first, and of equals by hash.
///
/// # Errors
/// The library changed (exit 2), the system refuses (exit 6), `stop` was raised (exit 75), or what `take` answers.
pub fn each(wanted: &Wanted<'_>, stop: &Stop, mut take: impl FnMut(Entry<'_>) -> Result<()>) -> Result<Facts> {
    let (sorter, facts) = sorted(wanted, sort::BYTES_MAX, stop)?;
    in_order(sorter, sort::BYTES_MAX, facts, &mut take)
}

/// One pass over the library: its look-alikes, and what is counted of them.
fn sorted(wanted: &Wanted<'_>, bytes: usize, stop: &Stop) -> Result<(Sorter, Facts)> {
    let mut pass = Pass {
        wanted,
        stop,
        seed: decoys::Seed::new(wanted.seed),
        notation: wanted.library.notation(),
        used: Marks::of(wanted.scores.map_or(0, |scores| scores.table.len())),
        sorter: Sorter::new(bytes),
        facts: Facts { schema: SCHEMA, coverage: wanted.scores.map(|_| Coverage::default()), ..Facts::default() },
    };
    let threads = ThreadPoolBuilder::new().num_threads(wanted.threads.max(1)).build().map_err(|e| {
        Error::environment(format!("cannot start {} threads: {e}", wanted.threads)).hint("use fewer with `--threads`")
    })?;
    let mut slice = Slice::open(wanted.library, 0..wanted.library.records())?;
    while let Some(block) = slice.next_block()? {
        pass.block(&threads, &block)?;
    }
    let Pass { sorter, used, mut facts, .. } = pass;
    if let Some(coverage) = &mut facts.coverage {
        coverage.scores_unused = used.unmarked();
    }
    Ok((sorter, facts))
}

/// One pass over a library.
struct Pass<'a> {
    wanted: &'a Wanted<'a>,
    /// Heard before each record: a block of them may take a minute.
    stop: &'a Stop,
    seed: decoys::Seed,
    notation: Notation,
    /// The scores that belong to something.
    used: Marks,
    sorter: Sorter,
    facts: Facts,
}

impl Pass<'_> {
    fn block(&mut self, threads: &ThreadPool, block: &RecordBlock) -> Result<()> {
        let this = &*self;
        let record = |at| (!this.stop.is_raised()).then(|| this.record(&block.get(at)));
        let found: Option<Vec<Found>> = threads.install(|| (0..block.len()).into_par_iter().map(record).collect());
        let found = found.ok_or_else(|| {
            Error::new(Kind::Stopped, "stopped before the library was looked through")
                .hint("the file is written whole or not at all: run the same command again")
        })?;
        found.into_iter().try_for_each(|found| self.take(found))
    }

    /// What is found of one record.
    fn record(&self, record: &Record<'_>) -> Found {
        let is_scored = self.wanted.scores.is_none_or(|scores| {
            let own = scores.place_of_record(record);
            own.into_iter().for_each(|place| self.used.mark(place));
            own.is_some() || scores.original.is_some()
        });
        let made = compared::decoys_or_reason(record, self.notation, &self.seed, self.wanted.decoys);
        let decoys = made.map(|found| found.into_iter().map(|decoy| self.decoy(&decoy)).collect());
        Found { is_scored, decoys }
    }

    fn decoy(&self, decoy: &decoys::Decoy) -> (Digest, String, bool) {
        let hash = decoy.hash();
        let place = self.wanted.scores.and_then(|scores| scores.table.position(Key::of_hash(&hash)));
        place.into_iter().for_each(|place| self.used.mark(place));
        (hash, decoy.smiles.clone(), place.is_some())
    }

    /// Counts what was found of a record, and keeps the look-alikes that are asked for.
    fn take(&mut self, found: Found) -> Result<()> {
        let Self { wanted, facts, sorter, .. } = self;
        facts.records += 1;
        if let Some(coverage) = &mut facts.coverage {
            coverage.records_scored += u64::from(found.is_scored);
        }
        let decoys = match found.decoys {
            Ok(decoys) => decoys,
            Err(reason) => {
                *facts.without.entry(reason).or_default() += 1;
                return Ok(());
            }
        };
        facts.records_with_decoys += 1;
        facts.decoys += decoys.len() as u64;
        if let Some(coverage) = facts.coverage.as_mut().filter(|_| found.is_scored) {
            let scored = decoys.iter().filter(|(.., is_scored)| *is_scored).count() as u64;
            coverage.decoys += decoys.len() as u64;
            coverage.decoys_scored += scored;
            coverage.decoys_missing += decoys.len() as u64 - scored;
            coverage.records_with_missing_decoys += u64::from(scored < decoys.len() as u64);
        }
        for (hash, smiles, is_scored) in &decoys {
            if !wanted.missing || found.is_scored && !is_scored {
                sorter.push(0, Entry { hash: *hash, records: 1, smiles: smiles.as_bytes() })?;
            }
        }
        Ok(())
    }
}

/// Hands the entries to `take`: those of most records first, and of equals by hash.
fn in_order(
    mut sorter: Sorter,
    bytes: usize,
    mut facts: Facts,
    take: &mut dyn FnMut(Entry<'_>) -> Result<()>,
) -> Result<Facts> {
    let mut put = |entry: Entry<'_>| {
        facts.written += 1;
        take(entry)
    };
    // Few are of several records: only they are sorted again.
    let mut several = Sorter::new(bytes);
    sorter.each(|entry| if entry.records > 1 { several.push(u64::MAX - entry.records, entry) } else { Ok(()) })?;
    several.each(&mut put)?;
    sorter.each(|entry| if entry.records == 1 { put(entry) } else { Ok(()) })?;
    Ok(facts)
}

#[cfg(test)]
mod tests;
