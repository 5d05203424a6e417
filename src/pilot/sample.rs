//! Which records a pilot asks: a seeded sample, stratified by the length of the structure.
//!
//! In two phases. The first looks at a few thousand records in places all over the library and learns
//! how long structures are; the second takes as many of each length, so that the few long ones, which
//! cost most, are not missed. Both are decided by keyed hashes of ordinals under the campaign seed:
//! the same sample on every machine.

use std::collections::VecDeque;

use crate::error::Result;
use crate::id::Ordinal;
use crate::library::record::RecordBlock;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::library::weigh::Scales;
use crate::scorer::STRUCTURE_BYTES_MAX;
use crate::shard::order::Lot;

/// Places of the library where the first phase looks.
const PLACES: u64 = 128;

/// Records that it looks at in each place, and those of them that it keeps.
const WINDOW: u64 = 2048;
const KEPT: usize = 128;

/// Strata.
const STRATA: usize = 8;

/// A sample takes no more memory than this; what is beyond is not asked.
const BYTES_MAX: usize = 48 << 20;

/// Records of about one length, and those of them that are to be asked, in the order in which they are.
#[derive(Debug)]
pub struct Stratum {
    /// The longest structure in it, in bytes.
    pub length_max: u64,
    /// The mean length, in bytes.
    pub length: f64,
    /// Its share of the library.
    pub share: f64,
    /// The records.
    pub records: VecDeque<RecordBlock>,
}

/// A sample.
pub struct Sample {
    /// The strata, the shortest structures first.
    pub strata: Vec<Stratum>,
    /// In how many places the library was looked at; none if all of it was.
    pub places: Option<u64>,
    /// How long the structures of any range are, about.
    pub scales: Scales,
}

/// A record of the first phase: length, lot, ordinal.
type Candidate = (u64, u64, Ordinal);

/// Draws about `records` records of `library`.
///
/// # Errors
/// The library changed (exit 2), or cannot be read (exit 6).
pub fn draw(library: &Snapshot, campaign_seed: u64, records: u64) -> Result<Sample> {
    let lot = Lot::new("molsieve.pilot.v1", campaign_seed);
    let mut scales = Scales::new(library);
    let (mut candidates, places) = look_around(library, &lot, &mut scales)?;
    candidates.sort_unstable();
    let total = candidates.len() as f64;
    let cut = cut(candidates);
    let each = usize::try_from(records).unwrap_or(usize::MAX).div_ceil(cut.len().max(1));
    let (mut strata, mut wanted) = (Vec::new(), Vec::new());
    for mut members in cut {
        let (count, lengths) = (members.len() as f64, members.iter().map(|m| m.0 as f64).sum::<f64>());
        let length_max = members.last().map_or(0, |m| m.0);
        members.sort_unstable_by_key(|m| (m.1, m.2));
        wanted.extend(members.iter().take(each).enumerate().map(|(turn, m)| (m.2, strata.len(), turn)));
        let share = count / total;
        strata.push(Stratum { length_max, length: lengths / count, share, records: VecDeque::new() });
    }
    fetch(library, wanted, &mut strata)?;
    Ok(Sample { strata, places, scales })
}

/// The first phase.
fn look_around(library: &Snapshot, lot: &Lot, scales: &mut Scales) -> Result<(Vec<Candidate>, Option<u64>)> {
    let all = library.records();
    let whole = all <= PLACES * KEPT as u64;
    let (places, window) = if whole { (1, all) } else { (PLACES, WINDOW) };
    let mut slice = Slice::open(library, 0..0)?;
    let mut found = Vec::new();
    for place in 0..places {
        // One place in each of as many equal parts of the library, where in it is decided by lot.
        let part = |n: u64| (u128::from(all) * u128::from(n) / u128::from(places)) as u64;
        let (from, to) = (part(place), part(place + 1));
        let start = from + lot.of(u64::MAX - place) % (to - from).saturating_sub(window).max(1);
        slice.move_to(start..start.saturating_add(window).min(to))?;
        let mut here: Vec<Candidate> = Vec::new();
        while let Some(block) = slice.next_block()? {
            here.extend(block.iter().map(|r| (r.structure.len() as u64, lot.of(r.ordinal), r.ordinal)));
        }
        if !whole {
            here.sort_unstable_by_key(|c| (c.1, c.2));
            here.truncate(KEPT);
        }
        for (length, _, ordinal) in here.iter().step_by(if whole { 16 } else { 4 }) {
            scales.learn(*ordinal, *length as usize)?;
        }
        found.append(&mut here);
    }
    Ok((found, (!whole).then_some(places)))
}

/// Cuts what is sorted by length into strata of about as many records; like lengths stay together.
fn cut(mut candidates: Vec<Candidate>) -> Vec<Vec<Candidate>> {
    let mut strata = Vec::new();
    let each = candidates.len().div_ceil(STRATA).max(1);
    while candidates.len() > each {
        let length = candidates[each - 1].0;
        let end = candidates.partition_point(|c| c.0 <= length);
        let rest = candidates.split_off(end);
        strata.push(std::mem::replace(&mut candidates, rest));
    }
    if !candidates.is_empty() {
        strata.push(candidates);
    }
    strata
}

/// Reads the `wanted` records (ordinal, stratum, turn) and puts each in its place.
fn fetch(library: &Snapshot, mut wanted: Vec<(Ordinal, usize, usize)>, strata: &mut [Stratum]) -> Result<()> {
    wanted.sort_unstable();
    let mut read: Vec<(usize, usize, RecordBlock)> = Vec::new();
    let (mut bytes, mut places) = (0, wanted.iter());
    Slice::open(library, 0..0)?.each_of(wanted.iter().map(|(ordinal, ..)| *ordinal), |whole| {
        let Some((ordinal, stratum, turn)) = places.next() else { return Ok(()) };
        let mut record = RecordBlock::new(library.notation());
        // No scorer is given a longer one; how much longer it is makes no difference.
        let length = whole.structure.len().min(STRUCTURE_BYTES_MAX + 1);
        record.push(*ordinal, &whole.structure[..length], &whole.id[..whole.id.len().min(STRUCTURE_BYTES_MAX)]);
        bytes += record.bytes();
        read.push((*turn, *stratum, record));
        Ok(())
    })?;
    read.sort_by_key(|(turn, stratum, _)| (*turn, *stratum));
    let mut kept = 0;
    for (_, stratum, record) in read {
        kept += record.bytes();
        if bytes <= BYTES_MAX || kept <= BYTES_MAX {
            strata[stratum].records.push_back(record);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::request::LibraryRequest;
    use crate::library::take::take;

    fn library(temp: &tempfile::TempDir, records: usize, length: fn(usize) -> usize) -> Snapshot {
        let text: String = (0..records).map(|o| format!("{}\tid{o}\n", "C".repeat(length(o)))).collect();
        std::fs::write(temp.path().join("library.smi"), text).unwrap();
        let request = LibraryRequest { base: temp.path().to_path_buf(), ..LibraryRequest::of(["library.smi"]) };
        take(&request, &temp.path().join("snapshot"), 1, &|_, _| ()).unwrap()
    }

    fn ordinals(sample: &Sample) -> Vec<Vec<Ordinal>> {
        sample.strata.iter().map(|s| s.records.iter().map(|r| r.get(0).ordinal).collect()).collect()
    }

    #[test]
    fn a_sample_is_the_same_every_time_and_another_under_another_seed() {
        let temp = tempfile::tempdir().unwrap();
        let library = library(&temp, 30_000, |o| 5 + o % 40);
        let draw = |seed| ordinals(&draw(&library, seed, 800).unwrap());
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn the_rare_long_records_are_as_many_as_the_short_ones() {
        let temp = tempfile::tempdir().unwrap();
        // Sorted by length: the last eighth is ten times as long.
        let library = library(&temp, 40_000, |o| if o < 35_000 { 10 + o % 7 } else { 100 + o % 7 });
        let sample = draw(&library, 1, 800).unwrap();
        let share: f64 = sample.strata.iter().filter(|s| s.length > 50.0).map(|s| s.share).sum();
        assert!((0.1..0.15).contains(&share), "{share}");
        let long: usize = sample.strata.iter().filter(|s| s.length > 50.0).map(|s| s.records.len()).sum();
        assert!(long >= 100, "{long}");
        assert!((sample.strata.iter().map(|s| s.share).sum::<f64>() - 1.0).abs() < 1e-9);
        let all: Vec<Ordinal> = ordinals(&sample).concat();
        assert!((750..=810).contains(&all.len()) && all.iter().all(|o| *o < 40_000));
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len(), "no record is asked twice");
    }

    #[test]
    fn a_library_of_one_record_is_its_own_sample() {
        let temp = tempfile::tempdir().unwrap();
        let library = library(&temp, 1, |_| 3);
        let sample = draw(&library, 1, 800).unwrap();
        assert_eq!(ordinals(&sample), [[0]]);
        assert_eq!(sample.places, None);
    }
}
