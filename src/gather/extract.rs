//! Kept files, taken out of the archives of a campaign's task groups again.
//!
//! Nothing is believed that a receipt does not vouch for: the rows that say which records are meant
//! are read against the digest of their receipt, and so is each archive before it is opened.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::kept::Archive;
use super::rows::Place;
use super::survey::{self, Expected, GroupState, Sealed};
use crate::campaign::file::Campaign;
use crate::canonical::row::{self, Row};
use crate::error::{Error, Result};
use crate::id::{GroupIndex, Ordinal, Ordinals};
use crate::layout::PackDir;
use crate::payload::hits::{self, Hits};
use crate::payload::{self, SUMMARY};
use crate::scorer::{KeptFile, Outcome};
use crate::shard::kept::{Best, Keep, Origin};

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
    fn of(row: &Row<'_>, rank: Option<u64>, sealed: &Sealed) -> Self {
        let why = match kept_of(sealed) {
            _ if row.outcome != Outcome::Ok => Some(Why::NotOk),
            None => Some(Why::NothingKept),
            Some(_) => None,
        };
        Self { ordinal: row.ordinal, rank, row: row.line.to_vec(), why, group: sealed.receipt.group }
    }

    /// Its id, as `summary.csv` has it but without quotes.
    pub fn id(&self) -> String {
        let id = Row::read(&self.row).map(|row| row.id()).unwrap_or_default();
        String::from_utf8_lossy(&row::unquoted(id)).into_owned()
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

/// Finds the records that are meant in the sealed task groups of `campaign`. Where rows files are gone, as in an
/// archived campaign, the rows are read from the `summary.csv` of its pack.
///
/// # Errors
/// An ordinal is beyond the library, or hits are meant where there is no rank, or too many (exit 2); receipts or rows are
/// not what they should be (exit 4), or cannot be read (exit 6).
pub fn choose(campaign: &Campaign, wanted: &Wanted) -> Result<Chosen> {
    let (identity, plan) = (&campaign.file.identity, &campaign.plan);
    let expected = Expected::new(identity, plan)?;
    let mut search = Search::new(campaign, wanted)?;
    let (mut unsealed, mut groups) = (0, BTreeMap::new());
    // Where the rows of the next sealed task group begin in `summary.csv`.
    let mut offset = payload::header(identity).len() as u64 + 1;
    for group in plan.all_groups() {
        let sealed = match survey::group(&campaign.dir, &expected, group)? {
            GroupState::Sealed(sealed) => *sealed,
            GroupState::RowsGone(sealed, _) => {
                let summary = PackDir::new(campaign.dir.pack()).member(SUMMARY);
                Sealed { rows: Place::Pack { summary, offset }, ..*sealed }
            }
            GroupState::Missing | GroupState::Unusable(_) => {
                unsealed += 1;
                continue;
            }
        };
        offset += sealed.receipt.rows.bytes;
        if search.may_be_in(&sealed.receipt.ordinals) {
            search.group(&sealed)?;
            groups.insert(group, sealed);
        }
    }
    let (picks, missing) = search.finish(&groups)?;
    let needed: BTreeSet<GroupIndex> = picks.iter().map(|pick| pick.group).collect();
    groups.retain(|group, _| needed.contains(group));
    Ok(Chosen { picks, missing, unsealed, sealed: groups })
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
struct Search {
    /// Ids as rows have them, with what was asked; and whether one was found.
    ids: BTreeMap<Vec<u8>, (String, bool)>,
    ordinals: BTreeMap<Ordinal, bool>,
    rank: Option<Keep>,
    named: Vec<Pick>,
    /// The best rows, if those are meant.
    hits: Option<Hits>,
}

impl Search {
    fn new(campaign: &Campaign, wanted: &Wanted) -> Result<Self> {
        let rank = campaign.file.identity.keep(1);
        let mut search = Self { ids: BTreeMap::new(), ordinals: BTreeMap::new(), rank, named: Vec::new(), hits: None };
        match (wanted, rank) {
            (Wanted::Top(_), None) => {
                return Err(Error::usage("the scorer has no numeric column: there are no hits")
                    .hint("name the records with --id or --ordinal"));
            }
            (Wanted::Top(top), Some(rank)) => search.hits = Some(Hits::new(*top, rank.order)),
            (Wanted::Named { ids, ordinals }, _) => {
                let records = campaign.plan.records;
                if let Some(beyond) = ordinals.iter().find(|ordinal| **ordinal >= records) {
                    return Err(Error::usage(format!("there is no record {beyond}: the library has {records}"))
                        .hint("ordinals count from 0"));
                }
                for id in ids {
                    let mut as_in_rows = Vec::new();
                    row::push_text(&mut as_in_rows, id.as_bytes());
                    search.ids.insert(as_in_rows, (id.clone(), false));
                }
                search.ordinals.extend(ordinals.iter().map(|ordinal| (*ordinal, false)));
            }
        }
        Ok(search)
    }

    fn may_be_in(&self, range: &Ordinals) -> bool {
        self.hits.is_some() || !self.ids.is_empty() || self.ordinals.range(range.clone()).next().is_some()
    }

    /// Reads the rows of one task group.
    fn group(&mut self, sealed: &Sealed) -> Result<()> {
        let Some(hits) = &mut self.hits else { return self.named_in(sealed) };
        let Some(Keep { column, .. }) = self.rank else { return Ok(()) };
        sealed.each_row(|row| {
            if row.outcome != Outcome::Ok || hits.consider(row.ordinal, row.value(column), row.line) {
                return Ok(());
            }
            let what = format!("the rows of the hits take more than {} MiB", hits::BYTES_MAX >> 20);
            Err(Error::usage(what).hint("ask for fewer with `--top`"))
        })
    }

    fn named_in(&mut self, sealed: &Sealed) -> Result<()> {
        let keep = kept_of(sealed).and_then(|records| Some(Keep { records, ..self.rank? }));
        let (mut best, mut found) = (keep.map(Best::new), Vec::new());
        sealed.each_row(|row| {
            if let Some(best) = &mut best {
                best.consider(row, Origin::Own);
            }
            let by_id = self.ids.get_mut(row.id()).map(|(_, seen)| *seen = true).is_some();
            let by_ordinal = self.ordinals.get_mut(&row.ordinal).map(|seen| *seen = true).is_some();
            if by_id || by_ordinal {
                found.push(Pick::of(row, None, sealed));
            }
            Ok(())
        })?;
        let best = best.map(|best| best.ordinals()).unwrap_or_default();
        for pick in &mut found {
            pick.why = pick.why.or_else(|| (!best.contains(&pick.ordinal)).then_some(Why::NotAmongTheBest));
        }
        self.named.extend(found);
        Ok(())
    }

    /// What was found in `groups`, which were all read; and what was not.
    fn finish(self, groups: &BTreeMap<GroupIndex, Sealed>) -> Result<(Vec<Pick>, Vec<String>)> {
        let mut missing: Vec<String> =
            self.ids.into_values().filter(|(_, seen)| !seen).map(|(id, _)| format!("id `{id}`")).collect();
        missing.extend(self.ordinals.into_iter().filter(|(_, seen)| !seen).map(|(o, _)| format!("record {o}")));
        let (mut picks, mut of_group) = (self.named, BTreeMap::<GroupIndex, u64>::new());
        let by_start: BTreeMap<Ordinal, &Sealed> = groups.values().map(|s| (s.receipt.ordinals.start, s)).collect();
        for (line, rank) in self.hits.map(Hits::into_rows).unwrap_or_default().iter().zip(1..) {
            let row = Row::read(line).map_err(|odd| Error::bug(odd.to_string()))?;
            let sealed = by_start.range(..=row.ordinal).next_back().map(|(_, sealed)| *sealed);
            let sealed = sealed.ok_or_else(|| Error::bug(format!("record {} is in no task group", row.ordinal)))?;
            let mut pick = Pick::of(&row, Some(rank), sealed);
            // All that are better in its task group are hits as well, and came before it.
            let place = of_group.entry(pick.group).or_default();
            *place += 1;
            if kept_of(sealed).is_some_and(|kept| *place > kept) {
                pick.why = pick.why.or(Some(Why::NotAmongTheBest));
            }
            picks.push(pick);
        }
        Ok((picks, missing))
    }
}

/// Of how many records of its task group files were kept, if of any.
fn kept_of(sealed: &Sealed) -> Option<u64> {
    sealed.receipt.files.as_ref().map(|files| files.keep)
}
