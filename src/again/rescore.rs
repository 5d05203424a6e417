//! Scores a sample of a pack again and compares, so that a claim of determinism can be tried at any time.
//!
//! Which records are in the sample follows from the payload digest: nobody chose them, and a payload
//! with another answer for one record would have had another sample. A record is taken where the keyed
//! hash of its ordinal is below the share; where that is too many, those with the lowest hashes stay.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::compare::{self, RowPair};
use crate::campaign::file::Campaign;
use crate::canonical::row::Row;
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::id::{AttemptId, Ordinal};
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::pack::manifest::Manifest;
use crate::pack::verify;
use crate::scorer::open::{self, Here};
use crate::scorer::row::RowBlock;
use crate::scorer::{Column, Ended, Sink, Source, Supply, difference};
use crate::stop::Stop;

/// Schema of [`Rescored`].
pub const SCHEMA: &str = "molsieve.rescore.v1";

/// No sample has more records.
const RECORDS_MAX: usize = 100_000;
/// The rows of a sample take no more memory, beside the keys.
const BYTES_MAX: usize = 64 << 20;
/// So many differing rows are shown.
const SHOWN_MAX: usize = 20;

/// The share of a payload that is scored again, above 0 and up to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

impl std::str::FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        percent.filter(|p| *p > 0.0 && *p <= 100.0).map(|p| Self(p / 100.0)).ok_or_else(|| {
            Error::usage(format!("`{text}` is not a share")).hint("give a percentage above 0, such as `1%` or `0.01%`")
        })
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescored {
    /// [`SCHEMA`].
    pub schema: String,
    /// Records in the sample.
    pub sampled: u64,
    /// Records whose row is byte for byte the same.
    pub same: u64,
    /// Records whose row differs.
    pub differ: u64,
    /// Records that ended, then or now, as `crash`, `timeout` or `oom`: not compared.
    pub circumstantial: u64,
    /// Whether the scorer claims to give the same answer every time.
    pub deterministic: bool,
    /// The first rows that differ.
    pub differences: Vec<RowPair>,
    /// The largest absolute difference of each numeric column that has one.
    pub largest: BTreeMap<String, f64>,
}

impl Rescored {
    /// The failure that this stands for: rows of a scorer that claims to be deterministic differ.
    pub fn failure(&self) -> Option<Kind> {
        (self.deterministic && self.differ > 0).then_some(Kind::Verification)
    }
}

/// Scores `share` of the payload of `pack`, which was verified, again with the scorer of `campaign`.
///
/// # Errors
/// The pack is not of this campaign, or its scorer or library changed (exit 2); the scorer cannot
/// start (exit 6); it was stopped (exit 75).
pub fn rescore(
    pack: &Path,
    manifest: &Manifest,
    campaign: &Campaign,
    share: Share,
    here: &Here,
    stop: &Stop,
) -> Result<Rescored> {
    if let Some(other) = compare::requests(&manifest.campaign, &campaign.file.identity).iter().find(|d| d.decides) {
        return Err(Error::usage(format!(
            "the campaign in `{}` is not that of the pack: {} is {} there and {} in the pack",
            campaign.dir.root().display(),
            other.what,
            other.here,
            other.pack
        ))
        .hint("give the directory of the campaign that the pack is of with `--campaign DIR`"));
    }
    let (execution, scorer) = (&campaign.file.execution, &manifest.campaign.scorer);
    let library = Snapshot::open(&campaign.dir.library_named(&execution.library))?;
    if library.root() != manifest.campaign.library.root {
        return Err(Error::usage("the library snapshot of the campaign is not that of the pack")
            .hint("`campaign.json` or the library in it was exchanged: give another copy with `--campaign DIR`"));
    }
    let (sample, circumstantial) = sample(pack, &manifest.payload.digest, share)?;
    let stderr = campaign.dir.scorer_stderr(&AttemptId::random()?);
    let post = execution.post(here, manifest.campaign.seed, stderr)?;
    crate::fs::create_dir(&campaign.dir.logs())?;
    let mut pool = open::pool(&execution.scorer, scorer, &post)?;
    let mut comparison = Comparison {
        expected: &sample,
        columns: &scorer.description.columns,
        found: Rescored {
            schema: SCHEMA.to_owned(),
            sampled: sample.len() as u64 + circumstantial,
            same: 0,
            differ: 0,
            circumstantial,
            deterministic: scorer.description.deterministic,
            differences: Vec::new(),
            largest: BTreeMap::new(),
        },
    };
    let mut records = Sampled { slice: Slice::open(&library, 0..0)?, left: sample.keys().copied().collect() };
    match pool.run(&mut records, &mut comparison, stop)? {
        Ended::Stopped => Err(Error::new(Kind::Stopped, "before the sample was scored")),
        Ended::Done => {
            let mut found = comparison.found;
            found.differences.sort_by_key(|pair| pair.ordinal);
            found.differences.truncate(SHOWN_MAX);
            Ok(found)
        }
    }
}

/// The rows of the sample, and how many of it ended by load or memory and are left out.
fn sample(pack: &Path, payload: &str, share: Share) -> Result<(BTreeMap<Ordinal, Vec<u8>>, u64)> {
    let key = digest::blake3(format!("molsieve.rescore.v1\0{payload}").as_bytes()).0;
    let below = (share.0 * 2f64.powi(64)) as u64;
    let mut taken: BTreeMap<(u64, Ordinal), Vec<u8>> = BTreeMap::new();
    let (mut bytes, mut is_header) = (0, true);
    verify::each_line(pack, |line| {
        if std::mem::take(&mut is_header) {
            return Ok(());
        }
        let Row { ordinal, .. } = Row::read(line).map_err(|odd| Error::verification(format!("in the pack, {odd}")))?;
        let hash = digest::keyed_u64(&key, &ordinal.to_le_bytes());
        // The first one that is there stays until one below the share, or a lower one, comes: at least one is taken.
        let lowest = taken.first_key_value().map(|((lowest, _), _)| *lowest);
        if hash >= below && share.0 < 1.0 && lowest.is_some_and(|lowest| lowest <= hash) {
            return Ok(());
        }
        if lowest.is_some_and(|lowest| lowest >= below && share.0 < 1.0) {
            taken.clear();
            bytes = 0;
        }
        bytes += line.len();
        taken.insert((hash, ordinal), line.to_vec());
        while taken.len() > 1 && (taken.len() > RECORDS_MAX || bytes > BYTES_MAX) {
            bytes -= taken.pop_last().map_or(0, |(_, row)| row.len());
        }
        Ok(())
    })?;
    let all = taken.len() as u64;
    let rows: BTreeMap<_, _> =
        taken.into_iter().filter(|(_, row)| !compare::is_circumstantial(row)).map(|((_, n), row)| (n, row)).collect();
    let left_out = all - rows.len() as u64;
    Ok((rows, left_out))
}

/// Gives the records of the sample.
struct Sampled {
    slice: Slice,
    left: VecDeque<Ordinal>,
}

impl Source for Sampled {
    fn next(&mut self, max: usize) -> Result<Supply> {
        let count = max.max(1).min(self.left.len());
        let block = self.slice.pick(self.left.drain(..count))?;
        Ok(if block.is_empty() { Supply::End } else { Supply::Records { block, alone: false } })
    }
}

/// Compares what comes with what the pack says.
struct Comparison<'a> {
    expected: &'a BTreeMap<Ordinal, Vec<u8>>,
    columns: &'a [Column],
    found: Rescored,
}

impl Sink for Comparison<'_> {
    fn started(&mut self, _: &[Ordinal]) -> Result<()> {
        Ok(())
    }

    fn finished(&mut self, rows: RowBlock) -> Result<()> {
        for (index, meta) in rows.metas().iter().enumerate() {
            let again = rows.row(index).line;
            let unasked = || Error::bug(format!("record {} was scored and is not in the sample", meta.ordinal));
            let pack = self.expected.get(&meta.ordinal).ok_or_else(unasked)?;
            if pack == again {
                self.found.same += 1;
            } else if compare::is_circumstantial(again) {
                self.found.circumstantial += 1;
            } else {
                self.differ(meta.ordinal, pack, again);
            }
        }
        Ok(())
    }

    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Comparison<'_> {
    fn differ(&mut self, ordinal: Ordinal, pack: &[u8], again: &[u8]) {
        let found = &mut self.found;
        found.differ += 1;
        found.differences.push(RowPair::of(ordinal, pack, again));
        if found.differences.len() >= 2 * SHOWN_MAX {
            found.differences.sort_by_key(|pair| pair.ordinal);
            found.differences.truncate(SHOWN_MAX);
        }
        let (Ok(pack), Ok(again)) = (Row::read(pack), Row::read(again)) else { return };
        for (column, by) in difference::of_cells(self.columns, &pack, &again) {
            let Some(by) = by.filter(|by| *by > 0.0) else { continue };
            let largest = found.largest.entry(column.name.clone()).or_insert(by);
            *largest = largest.max(by);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_percentage_above_nothing_is_a_share() {
        assert_eq!("1%".parse::<Share>().unwrap(), Share(0.01));
        assert_eq!("100%".parse::<Share>().unwrap(), Share(1.0));
        for bad in ["", "1", "%", "0%", "-1%", "101%", "NaN%", "inf%"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
