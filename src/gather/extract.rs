//! Kept files, taken out of the archives of a campaign's task groups again.
//!
//! Nothing is believed that a receipt does not vouch for: the rows that say which records are meant
//! are read against the digest of their receipt, and so is each archive before it is opened.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::io::Read;

use serde::Serialize;

use super::kept::{Archive, wrong};
use super::survey::{self, Expected, GroupState, Sealed};
use crate::campaign::file::Campaign;
use crate::canonical::row;
use crate::digest::Blake3;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::{GroupIndex, Ordinal};
use crate::payload::lines::{self, Lines};
use crate::scorer::rank::{self, Standing};
use crate::scorer::{KeptFile, Outcome};
use crate::shard::kept::{Best, Keep, Origin};

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 17;

/// No more hits than this are extracted at once.
pub const TOP_MAX: u64 = 100_000;

/// Which records are meant.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Those with one of these ids, and those with one of these ordinals.
    Named {
        /// Ids, as the library has them. One may stand for several records.
        ids: Vec<String>,
        /// Ordinals.
        ordinals: BTreeSet<Ordinal>,
    },
    /// The best so many by the campaign's rank column.
    Top(u64),
}

/// Why there is no file for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It did not end as `OK`.
    NotOk,
    /// The campaign kept no files (`[pack] keep`) when its task group was sealed.
    NothingKept,
    /// It is not among the best of its task group that files are kept of.
    NotAmongTheBest,
    /// It is, and its scorer handed over none; or an earlier attempt had scored it while nothing was kept; or the
    /// campaign is a generation, and its parent's archive was gone.
    NoneGiven,
}

impl Why {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOk => "it did not end as OK",
            Self::NothingKept => "no files were kept: `[pack] keep` was 0 when its task group was sealed",
            Self::NotAmongTheBest => "it is not among the best of its task group: `[pack] keep` says how many are kept",
            Self::NoneGiven => "its scorer handed over none, or they were lost before its task group was sealed",
        }
    }
}

/// One record that is meant and finished.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The record.
    pub ordinal: Ordinal,
    /// Its place among the hits, from 1, if the best ones are meant.
    pub rank: Option<u64>,
    /// Its row, without line feed.
    pub row: Vec<u8>,
    /// Why there are no files, as far as the rows tell.
    why: Option<Why>,
    group: GroupIndex,
}

impl Pick {
    /// Its id, as `summary.csv` has it but without quotes.
    pub fn id(&self) -> String {
        let fields = row::split(&self.row).unwrap_or_default();
        fields.get(1).map(|id| String::from_utf8_lossy(id).into_owned()).unwrap_or_default()
    }
}

/// What was found in the rows.
#[derive(Debug)]
pub struct Chosen {
    /// The records, best first or by ordinal.
    pub picks: Vec<Pick>,
    /// What was named and is in no sealed task group.
    pub missing: Vec<String>,
    /// How many task groups are not sealed yet.
    pub unsealed: u64,
    sealed: BTreeMap<GroupIndex, Sealed>,
}

/// Finds the records that are meant in the sealed task groups of `campaign`.
///
/// # Errors
/// An ordinal is beyond the library, or hits are meant where there is no rank (exit 2); receipts or rows are not what
/// they should be (exit 4), or cannot be read (exit 6).
pub fn choose(campaign: &Campaign, wanted: &Wanted) -> Result<Chosen> {
    let (identity, plan) = (&campaign.file.identity, &campaign.plan);
    let expected = Expected::new(identity, plan)?;
    let mut search = Search::new(campaign, wanted)?;
    let mut chosen = Chosen { picks: Vec::new(), missing: Vec::new(), unsealed: 0, sealed: BTreeMap::new() };
    for group in plan.all_groups() {
        let range = plan.group(group);
        let GroupState::Sealed(sealed) = survey::group(&campaign.dir, &expected, group)? else {
            chosen.unsealed += 1;
            continue;
        };
        if search.may_be_in(&range) {
            search.group(&sealed)?;
            chosen.sealed.insert(group, *sealed);
        }
    }
    (chosen.picks, chosen.missing) = search.finish();
    let needed: BTreeSet<GroupIndex> = chosen.picks.iter().map(|pick| pick.group).collect();
    chosen.sealed.retain(|group, _| needed.contains(group));
    Ok(chosen)
}

impl Chosen {
    /// Hands the files of each record to `take`, with the record: one file at a time, group by group.
    /// The answer says of each record without files why.
    ///
    /// # Errors
    /// An archive is gone (exit 6) or not what its receipt says (exit 4); or the error of `take`.
    pub fn each_file(&self, mut take: impl FnMut(&Pick, KeptFile) -> Result<()>) -> Result<Vec<(&Pick, Why)>> {
        let mut without = Vec::new();
        for (group, sealed) in &self.sealed {
            let picks: Vec<&Pick> = self.picks.iter().filter(|pick| pick.group == *group).collect();
            let mut archive = None;
            for pick in picks {
                if let Some(why) = pick.why {
                    without.push((pick, why));
                    continue;
                }
                if archive.is_none() {
                    archive = Some(Archive::open(sealed)?);
                }
                let Some(archive) = &mut archive else { continue };
                let names = archive.names(pick.ordinal);
                if names.is_empty() {
                    without.push((pick, Why::NoneGiven));
                }
                for (name, index) in names {
                    take(pick, archive.read(pick.ordinal, name, index)?)?;
                }
            }
        }
        without.sort_by_key(|(pick, _)| (pick.rank, pick.ordinal));
        Ok(without)
    }
}

/// The search through the rows.
struct Search<'w> {
    wanted: &'w Wanted,
    /// Ids as rows have them, with what was asked; and whether one was found.
    ids: BTreeMap<Vec<u8>, (&'w str, bool)>,
    ordinals: BTreeMap<Ordinal, bool>,
    rank: Option<Keep>,
    named: Vec<Pick>,
    /// The worst is on top.
    top: BinaryHeap<Hit>,
}

/// A hit; compared by its rank alone.
struct Hit(Standing, Pick);

impl Ord for Hit {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Hit {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Hit {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Hit {}

impl<'w> Search<'w> {
    fn new(campaign: &Campaign, wanted: &'w Wanted) -> Result<Self> {
        let rank = campaign.file.identity.keep(1);
        let (mut ids_asked, mut ordinals_asked) = (BTreeMap::new(), BTreeMap::new());
        match wanted {
            Wanted::Top(_) if rank.is_none() => {
                return Err(Error::usage("the scorer has no numeric column: there are no hits")
                    .hint("name the records with --id or --ordinal"));
            }
            Wanted::Top(_) => {}
            Wanted::Named { ids, ordinals } => {
                let records = campaign.plan.records;
                if let Some(beyond) = ordinals.iter().find(|ordinal| **ordinal >= records) {
                    return Err(Error::usage(format!("there is no record {beyond}: the library has {records}"))
                        .hint("ordinals count from 0"));
                }
                for id in ids {
                    let mut as_in_rows = Vec::new();
                    row::push_text(&mut as_in_rows, id.as_bytes());
                    ids_asked.insert(as_in_rows, (id.as_str(), false));
                }
                ordinals_asked.extend(ordinals.iter().map(|ordinal| (*ordinal, false)));
            }
        }
        Ok(Self { wanted, ids: ids_asked, ordinals: ordinals_asked, rank, named: Vec::new(), top: BinaryHeap::new() })
    }

    fn may_be_in(&self, range: &crate::id::Ordinals) -> bool {
        let all = matches!(self.wanted, Wanted::Top(_)) || !self.ids.is_empty();
        all || self.ordinals.range(range.clone()).next().is_some()
    }

    /// Reads the rows of one task group.
    fn group(&mut self, sealed: &Sealed) -> Result<()> {
        let receipt = &sealed.receipt;
        let keep = receipt.files.as_ref().and_then(|files| Some(Keep { records: files.keep, ..self.rank? }));
        let mut best = keep.map(Best::new);
        let (mut found, mut hits) = (Vec::new(), Vec::new());
        each_row(sealed, |line| {
            let ordinal = row::field(line, 0).and_then(lines::ordinal)?;
            let outcome = match row::field(line, 2)? {
                b"OK" => Outcome::Ok,
                b"SKIP" => Outcome::Skip,
                _ => Outcome::Error,
            };
            if let Some(best) = &mut best {
                best.consider(ordinal, outcome, line, Origin::Own);
            }
            let why = if outcome == Outcome::Ok { None } else { Some(Why::NotOk) };
            let pick = || Pick { ordinal, rank: None, row: line.to_vec(), why, group: receipt.group };
            if let Wanted::Top(top) = self.wanted {
                if let (Outcome::Ok, Some(Keep { column, order, .. })) = (outcome, self.rank) {
                    let standing = Standing::new(ordinal, rank::value(line, column), order);
                    let has_room = (self.top.len() as u64) < *top;
                    if *top > 0 && (has_room || self.top.peek().is_some_and(|worst| standing < worst.0)) {
                        self.top.push(Hit(standing, pick()));
                        hits.push(ordinal);
                    }
                    if self.top.len() as u64 > *top {
                        self.top.pop();
                    }
                }
                return Some(());
            }
            let by_id = self.ids.get_mut(row::field(line, 1)?).map(|(_, seen)| *seen = true).is_some();
            let by_ordinal = self.ordinals.get_mut(&ordinal).map(|seen| *seen = true).is_some();
            if by_id || by_ordinal {
                found.push(pick());
            }
            Some(())
        })?;
        let best = best.map(|best| best.ordinals());
        let judge = |pick: &mut Pick| {
            pick.why = pick.why.or(match &best {
                None => Some(Why::NothingKept),
                Some(best) if !best.contains(&pick.ordinal) => Some(Why::NotAmongTheBest),
                Some(_) => None,
            });
        };
        found.iter_mut().for_each(judge);
        self.named.extend(found);
        if !hits.is_empty() {
            let mut top = std::mem::take(&mut self.top).into_vec();
            top.iter_mut().filter(|hit| hit.1.group == receipt.group).for_each(|hit| judge(&mut hit.1));
            self.top = top.into();
        }
        Ok(())
    }

    fn finish(self) -> (Vec<Pick>, Vec<String>) {
        let mut missing: Vec<String> =
            self.ids.into_values().filter(|(_, seen)| !seen).map(|(id, _)| format!("id `{id}`")).collect();
        missing.extend(self.ordinals.into_iter().filter(|(_, seen)| !seen).map(|(o, _)| format!("record {o}")));
        let hits = self.top.into_sorted_vec().into_iter().zip(1..);
        let mut picks: Vec<Pick> = hits.map(|(Hit(_, pick), rank)| Pick { rank: Some(rank), ..pick }).collect();
        picks.extend(self.named);
        (picks, missing)
    }
}

/// Calls `each` with every row of a sealed task group, and checks that they are the rows of its receipt.
fn each_row(sealed: &Sealed, mut each: impl FnMut(&[u8]) -> Option<()>) -> Result<()> {
    let refused = |e: std::io::Error| Error::io("cannot read", &sealed.rows, &e);
    let mut file = fs::open_plain(&sealed.rows).map_err(refused)?;
    let (mut buffer, mut blake3, mut lines) = (vec![0; BLOCK_BYTES], Blake3::default(), Lines::default());
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(refused(e)),
        };
        blake3.update(&buffer[..count]);
        let malformed = || lines::Fault::Malformed("a row is malformed".to_owned());
        lines
            .feed(&buffer[..count], |line| each(line).ok_or_else(malformed))
            .map_err(|fault| wrong(sealed, &format!("rows are not as they should be: {fault}")))?;
    }
    if blake3.finish() == sealed.receipt.rows.blake3 {
        return Ok(());
    }
    Err(wrong(sealed, "rows have changed since they were sealed (their digest is another)"))
}
