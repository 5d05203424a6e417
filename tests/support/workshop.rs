//! A campaign that workers can really work on: a small library, its snapshot, and a plan.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use molsieve::error::Result;
use molsieve::gather::{self, Gathered, Missing};
use molsieve::id::{AttemptId, GroupIndex, Ordinal};
use molsieve::layout::{EntryKind, GroupDir};
use molsieve::library::request::LibraryRequest;
use molsieve::library::snapshot::Snapshot;
use molsieve::library::take::take;
use molsieve::scorer::row::RowBlock;
use molsieve::scorer::{Ended, Pool};
use molsieve::shard::checkpoint::{self, Header, Writer};
use molsieve::shard::group::Workplace;
use molsieve::shard::judge::{self, Proven};
use molsieve::shard::receipt::Receipt;
use molsieve::shard::recover;
use molsieve::shard::worker::{self, Assignment};
use molsieve::stop::Stop;

use super::memory_pool::MakeRow;
use super::sealed_groups::{Campaign, identity};

/// The campaign, in a directory that goes away with the test.
pub struct Workshop {
    pub campaign: Campaign,
    pub library: Snapshot,
    /// Of how many records of each task group files are kept.
    pub keep: u64,
    temp: tempfile::TempDir,
}

/// The only task group of most tests.
pub const GROUP: GroupIndex = GroupIndex(0);

impl Workshop {
    /// `records` records in task groups of `group_records`; record `n` has the id `idN`.
    pub fn new(records: u64, group_records: u64) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let text: String = (0..records).map(|ordinal| format!("C\tid{ordinal}\n")).collect();
        std::fs::write(temp.path().join("library.smi"), text).unwrap();
        let request = LibraryRequest { base: temp.path().to_path_buf(), ..LibraryRequest::of(["library.smi"]) };
        let library = take(&request, &temp.path().join("snapshot"), 1, &|_, _| ()).unwrap();
        let campaign = Campaign::of(&temp.path().join("campaign"), identity(records), group_records);
        Self { campaign, library, keep: 0, temp }
    }

    /// The same, of a scorer that does not claim to be deterministic.
    pub fn of_a_moody_scorer(records: u64, group_records: u64) -> Self {
        let plain = Self::new(records, group_records);
        let mut identity = identity(records);
        identity.scorer.description.deterministic = false;
        let campaign = Campaign::of(&plain.temp.path().join("campaign"), identity, group_records);
        Self { campaign, ..plain }
    }

    /// What a checkpoint of the `attempt`th attempt at `group` is of.
    pub fn header(&self, attempt: u64, group: GroupIndex) -> Header {
        Header {
            schema: checkpoint::SCHEMA.to_owned(),
            plan: self.campaign.plan.digest().unwrap(),
            scorer: self.campaign.identity.scorer.digest().unwrap(),
            group,
            attempt: name(attempt),
        }
    }

    /// Works on all task groups as the `attempt`th attempt.
    pub fn work(&self, attempt: u64, pool: &mut dyn Pool) -> Result<Ended> {
        self.work_on(attempt, self.campaign.plan.all_groups().collect(), pool)
    }

    pub fn work_on(&self, attempt: u64, groups: Vec<GroupIndex>, pool: &mut dyn Pool) -> Result<Ended> {
        let (dir, plan, library) = (&self.campaign.dir, &self.campaign.plan, &self.library);
        let assignment = Assignment {
            dir,
            plan,
            library,
            header: self.header(attempt, GROUP),
            groups: Box::new(VecDeque::from(groups)),
        };
        let place = Workplace {
            host: "node-1".to_owned(),
            cpu: "a processor".to_owned(),
            scheduler: "local".to_owned(),
            sync: Duration::ZERO,
            keep: self.campaign.identity.keep(self.keep),
        };
        worker::work(assignment, &place, pool, &Stop::new())
    }

    pub fn group_dir(&self, group: GroupIndex) -> GroupDir {
        self.campaign.dir.group(group)
    }

    /// Starts the checkpoint of an earlier attempt at the only group.
    pub fn checkpoint(&self, attempt: u64) -> Writer {
        self.checkpoint_of(&self.header(attempt, GROUP))
    }

    /// Starts a checkpoint in the directory of the only group, whatever it says that it is of.
    pub fn checkpoint_of(&self, header: &Header) -> Writer {
        let dir = self.group_dir(GROUP);
        std::fs::create_dir_all(dir.root()).unwrap();
        Writer::create(&dir.checkpoint(&header.attempt), header).unwrap()
    }

    /// The files of `kind` that attempts left in `group`.
    pub fn left(&self, group: GroupIndex, kind: EntryKind) -> Vec<PathBuf> {
        let dir = self.group_dir(group);
        recover::attempts(&dir, kind).unwrap().iter().map(|attempt| dir.file(attempt, kind)).collect()
    }

    /// The receipt that counts for `group`.
    pub fn receipt(&self, group: GroupIndex) -> Option<Receipt> {
        let plan_digest = self.campaign.plan.digest().unwrap();
        let scorer = self.campaign.identity.scorer.digest().unwrap();
        let proven = Proven { plan: &self.campaign.plan, plan_digest, scorer };
        judge::find(&proven, &self.group_dir(group), group).unwrap()
    }

    /// The rows that the receipt of `group` speaks of.
    pub fn rows(&self, group: GroupIndex) -> Vec<u8> {
        let receipt = self.receipt(group).unwrap_or_else(|| panic!("group {group} is not sealed"));
        std::fs::read(self.group_dir(group).rows(&receipt.attempt)).unwrap()
    }

    /// Every group is sealed, with the rows that `make_row` makes, and nothing else is left of them.
    #[track_caller]
    pub fn is_sealed_with(&self, make_row: MakeRow) {
        for group in self.campaign.plan.all_groups() {
            let expected = rows_of(self.campaign.plan.group(group), make_row);
            assert!(self.rows(group) == expected.lines(), "the rows of group {group} differ");
            assert_eq!(self.left(group, EntryKind::Checkpoint), Vec::<PathBuf>::new());
        }
        self.gather().unwrap();
    }

    /// Gathers the whole campaign.
    pub fn gather(&self) -> Result<Gathered> {
        gather::gather(&self.campaign.dir, &self.campaign.identity, &self.campaign.plan, Missing::Refuse)
    }
}

/// The name of the `number`th attempt.
pub fn name(number: u64) -> AttemptId {
    format!("{number:016x}").parse().unwrap()
}

/// The rows of `ordinals`, in that order.
pub fn rows_of(ordinals: impl IntoIterator<Item = Ordinal>, make_row: MakeRow) -> RowBlock {
    let mut rows = RowBlock::default();
    ordinals.into_iter().for_each(|ordinal| make_row(&mut rows, ordinal));
    rows
}
