use super::*;
use crate::campaign::file::{CampaignFile, Execution};
use crate::campaign::identity::{self, Identity, LibraryIdentity, PackRequest};
use crate::campaign::kind::SchedulerKind;
use crate::canonical::json;
use crate::digest;
use crate::digest::merkle::{self, CompactRange};
use crate::gather::survey::{self, Expected, GroupState};
use crate::id::{AttemptId, Ordinal};
use crate::journal::event::Event;
use crate::journal::{self, Journal};
use crate::library::record::Record;
use crate::library::request::LibraryRequest;
use crate::library::take::take;
use crate::patience::Patience;
use crate::run::drive::Settings;
use crate::run::drive::driver::Driver;
use crate::run::wave;
use crate::scorer::identity::{ScorerIdentity, ScorerLaunch};
use crate::scorer::row::RowBlock;
use crate::scorer::{Column, ColumnType, Description, Order, PoolFacts, Value, Verdict};
use crate::shard::checkpoint::Writer;
use crate::shard::checkpoint::{self, Header};
use crate::shard::plan::Plan;
use crate::shard::receipt::{self, Counts, RowsFile};
use crate::shard::recover::Recovered;
use crate::stop::Stop;

const GROUP: GroupIndex = GroupIndex(0);
const ONE: &str = "00000000000000aa";
const TWO: &str = "00000000000000bb";

/// A campaign of 20 records in task groups of 10, of which a node returned something.
struct Scene {
    campaign: Campaign,
    temp: tempfile::TempDir,
}

fn identity(root: Digest) -> Identity {
    let score = Column::new("score", ColumnType::Int, Order::Desc);
    let description = Description {
        name: "made-up".to_owned(),
        version: "1".to_owned(),
        columns: vec![score],
        deterministic: true,
        reasons: vec!["too_big".to_owned()],
    };
    Identity {
        schema: identity::SCHEMA.to_owned(),
        name: "made-up".to_owned(),
        seed: 7,
        library: LibraryIdentity { root, records: 20 },
        scorer: ScorerIdentity {
            kind: "command".to_owned(),
            description,
            seed_domain: "made-up".to_owned(),
            argv: vec!["scorer".to_owned()],
            files: Vec::new(),
            settings: serde_json::Map::new(),
        },
        pack: PackRequest { outputs: vec!["csv".to_owned()], rank: None, top: 10 },
        parent: None,
    }
}

impl Scene {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let text: String = (0..20).map(|ordinal| format!("C\tid{ordinal}\n")).collect();
        std::fs::write(temp.path().join("library.smi"), text).unwrap();
        let request = LibraryRequest { base: temp.path().to_path_buf(), ..LibraryRequest::of(["library.smi"]) };
        let library = take(&request, &temp.path().join("snapshot"), 1, &|_, _| ()).unwrap();
        let identity = identity(library.root());
        let execution = Execution {
            library: temp.path().join("snapshot"),
            scorer: ScorerLaunch::Null,
            sync_ms: 1000,
            scheduler: SchedulerKind::Local,
            cluster: None,
            launch: None,
            cpus: 1,
            gpus: 0,
            memory_mib: None,
            walltime_s: None,
            max_error_ppm: None,
            core_ms_max: None,
            key: None,
            keep: 0,
            export: Vec::new(),
        };
        let plan = Plan::new(identity.digest().unwrap(), 20, 10).unwrap();
        let schema = crate::campaign::file::SCHEMA.to_owned();
        let file =
            CampaignFile { schema, identity, request: std::collections::BTreeMap::new(), execution, nonce: None };
        let dir = CampaignDir::new(temp.path().join("campaign"));
        Self { campaign: Campaign { dir, file, plan }, temp }
    }

    fn returned(&self) -> GroupDir {
        let dir = self.campaign.dir.returned_task(1, 0).group(GROUP);
        fs::create_dir(dir.root()).unwrap();
        dir
    }

    /// A sealed task group as `attempt` returned it, with a receipt that `forge` may change.
    fn sealed(&self, attempt: &str, rows: &RowBlock, forge: impl FnOnce(&mut Receipt)) {
        let (dir, attempt) = (self.returned(), attempt.parse::<AttemptId>().unwrap());
        let (mut tree, mut counts) = (CompactRange::starting_at(1), Counts::default());
        for (index, meta) in rows.metas().iter().enumerate() {
            tree.push(merkle::leaf(rows.row(index).line));
            counts.add(meta.outcome, rows.reason(index));
        }
        let mut receipt = Receipt {
            schema: receipt::SCHEMA.to_owned(),
            plan: self.campaign.plan.digest().unwrap(),
            scorer: self.campaign.file.identity.scorer.digest().unwrap(),
            group: GROUP,
            ordinals: 0..10,
            attempt: attempt.clone(),
            rows: RowsFile { bytes: rows.lines().len() as u64, blake3: digest::blake3(rows.lines()) },
            tree,
            counts,
            files: None,
            execution: receipt::Execution {
                host: "n1".to_owned(),
                cpu: "a processor".to_owned(),
                molsieve: "0.1.0".to_owned(),
                scheduler: "htcondor".to_owned(),
                started_ms: 1,
                finished_ms: 2,
                scored: 10,
                pool: PoolFacts::default(),
            },
            seal: Digest::default(),
        };
        forge(&mut receipt);
        let receipt = receipt.sealed().unwrap();
        std::fs::write(dir.rows(&attempt), rows.lines()).unwrap();
        std::fs::write(dir.receipt(&attempt), json::to_line(&receipt).unwrap()).unwrap();
    }

    fn header(&self, attempt: &str) -> Header {
        Header {
            schema: checkpoint::SCHEMA.to_owned(),
            plan: self.campaign.plan.digest().unwrap(),
            scorer: self.campaign.file.identity.scorer.digest().unwrap(),
            group: GROUP,
            attempt: attempt.parse().unwrap(),
        }
    }

    /// A checkpoint as `attempt` returned it.
    fn checkpoint(&self, attempt: &str) -> Writer {
        let header = self.header(attempt);
        Writer::create(&self.returned().checkpoint(&header.attempt), &header).unwrap()
    }

    fn take(&self) -> Taken {
        Taker::of(&self.campaign).unwrap().take(1, 0, &[GROUP]).unwrap()
    }

    /// What was refused, in one line.
    fn refused(&self) -> String {
        let taken = self.take();
        assert_eq!(taken.files, 0, "something was taken in: {:?}", taken.refused);
        taken.refused.join("; ")
    }

    /// How many records the next worker finds finished.
    fn finished(&self) -> u64 {
        Recovered::read(&self.campaign.dir.group(GROUP), &self.header(TWO), 0..10).unwrap().finished()
    }

    fn state(&self) -> GroupState {
        let expected = Expected::new(&self.campaign.file.identity, &self.campaign.plan).unwrap();
        survey::group(&self.campaign.dir, &expected, GROUP).unwrap()
    }
}

fn row(rows: &mut RowBlock, ordinal: Ordinal, id: &str, score: i64) {
    rows.push(&Record { ordinal, id: id.as_bytes(), structure: b"C" }, &Verdict::ok(vec![Value::Int(score)]), 1);
}

/// The rows of these records, all with this score.
fn rows(ordinals: impl IntoIterator<Item = Ordinal>, score: i64) -> RowBlock {
    let mut rows = RowBlock::default();
    ordinals.into_iter().for_each(|ordinal| row(&mut rows, ordinal, &format!("id{ordinal}"), score));
    rows
}

#[test]
fn what_an_honest_node_returns_is_taken_in_and_what_was_torn_up_to_there() {
    let scene = Scene::new();
    scene.sealed(ONE, &rows(0..10, 5), |_| {});
    let taken = scene.take();
    assert_eq!((taken.files, taken.refused), (2, Vec::new()));
    assert!(matches!(scene.state(), GroupState::Sealed(_)));

    let scene = Scene::new();
    let mut checkpoint = scene.checkpoint(ONE);
    checkpoint.started(&[0, 1, 2, 3, 7]).unwrap();
    checkpoint.rows(&rows([2, 0, 7], 5)).unwrap();
    checkpoint.rows(&rows([3], 5)).unwrap();
    let path = scene.returned().checkpoint(&ONE.parse().unwrap());
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let taken = scene.take();
    assert_eq!((taken.files, taken.refused), (1, Vec::new()));
    assert_eq!(scene.finished(), 3);
    let found = Recovered::read(&scene.campaign.dir.group(GROUP), &scene.header(TWO), 0..10).unwrap();
    assert!(found.is_suspect(1) && !found.is_suspect(2), "who died over what is still known");
    // The same again, from another look, is the same file.
    scene.checkpoint(ONE);
    assert_eq!((scene.take().files, scene.finished()), (0, 3));
}

/// What a liar does to a receipt.
type Forge = fn(&mut Receipt);

#[test]
fn a_receipt_whose_numbers_fit_into_no_sum_is_refused_and_nobody_panics() {
    let half = 1u64 << 63;
    let forged: [(&str, Forge); 6] = [
        ("do not add up", |receipt| {
            receipt.counts.reasons = [("crash".to_owned(), 1 << 63), ("timeout".to_owned(), 1 << 63)].into();
        }),
        ("more records were scored", |receipt| receipt.execution.scored = u64::MAX),
        ("more records were scored", |receipt| receipt.execution.scored = 11),
        ("a time or a count that is none", |receipt| receipt.execution.finished_ms = u64::MAX),
        ("a time or a count that is none", |receipt| receipt.execution.pool.crashes = u64::MAX),
        ("more kept files", |receipt| {
            let (bytes, blake3) = (1, Digest::default());
            receipt.files = Some(crate::shard::kept::KeptFiles { keep: 1, records: 1, files: u64::MAX, bytes, blake3 });
        }),
    ];
    for (why, forge) in forged {
        let scene = Scene::new();
        scene.sealed(ONE, &rows(0..10, 5), forge);
        let refused = scene.refused();
        assert!(refused.contains(why), "{refused}");
        assert!(matches!(scene.state(), GroupState::Missing));
    }
    let mut sum = PoolFacts { starts: half, ..PoolFacts::default() };
    sum.include(&sum.clone());
    assert_eq!(sum.starts, u64::MAX, "what was taken in before this was looked at is no panic either");
}

#[test]
fn rows_with_ids_that_are_none_of_the_library_are_refused_sealed_or_not() {
    let mut forged = rows(0..4, 5);
    row(&mut forged, 4, "EVIL4", 5);
    forged.append(&rows(5..10, 5));
    let scene = Scene::new();
    scene.sealed(ONE, &forged, |_| {});
    let refused = scene.refused();
    assert!(refused.contains("another id for record 4"), "{refused}");
    let scene = Scene::new();
    scene.checkpoint(ONE).rows(&forged).unwrap();
    let refused = scene.refused();
    assert!(refused.contains("another id for record 4"), "{refused}");

    // Where the library is gone nobody can tell: what honest nodes computed is not lost for it.
    let scene = Scene::new();
    scene.sealed(ONE, &rows(0..10, 5), |_| {});
    std::fs::remove_file(scene.temp.path().join("library.smi")).unwrap();
    assert_eq!(scene.take().refused, Vec::<String>::new());
}

#[test]
fn of_attempts_that_contradict_each_other_none_is_taken_in_and_none_against_what_is_there() {
    let scene = Scene::new();
    scene.sealed(ONE, &rows(0..10, 5), |_| {});
    scene.sealed(TWO, &rows(0..10, 7), |_| {});
    let refused = scene.refused();
    assert!(refused.contains(ONE) && refused.contains(TWO) && refused.contains("other rows"), "{refused}");
    assert!(matches!(scene.state(), GroupState::Missing));

    let scene = Scene::new();
    scene.sealed(TWO, &rows(0..10, 5), |_| {});
    assert_eq!(scene.take().files, 2);
    scene.sealed(ONE, &rows(0..10, 7), |_| {});
    assert!(scene.refused().contains(ONE));
    let GroupState::Sealed(sealed) = scene.state() else { panic!("the seal is blocked") };
    assert_eq!((sealed.receipt.attempt.to_string(), sealed.differing.len()), (TWO.to_owned(), 0));
}

#[test]
fn a_checkpoint_that_no_worker_writes_is_refused_and_the_next_worker_finds_nothing_of_it() {
    let mut odd = rows(0..2, 5);
    odd.push(&Record { ordinal: 2, id: b"id2", structure: b"C" }, &Verdict::ok(vec![Value::Text(b"x".to_vec())]), 1);
    let mut unknown = RowBlock::default();
    let record = Record { ordinal: 0, id: b"id0", structure: b"C" };
    unknown.push(&record, &Verdict::skip(std::borrow::Cow::Borrowed("made_up")), 1);
    let mut wide = RowBlock::default();
    wide.push(&record, &Verdict::ok(vec![Value::Int(1), Value::Int(2)]), 2);
    let mut twice = rows(0..3, 5);
    twice.append(&rows(1..2, 6));
    let forged = [
        ("a numeric cell", odd),
        ("the reason", unknown),
        ("the number of fields", wide),
        ("two rows of record 1", twice),
        ("none of its own", rows(8..12, 5)),
        // (More than the group has, in one frame.)
        ("a frame that no worker writes", rows(0..11, 5)),
    ];
    for (why, forged) in forged {
        let scene = Scene::new();
        scene.checkpoint(ONE).rows(&forged).unwrap();
        let refused = scene.refused();
        assert!(refused.contains(why), "{why}: {refused}");
        assert_eq!(scene.finished(), 0, "{why}");
        assert!(scene.returned().checkpoint(&ONE.parse().unwrap()).exists(), "it stays for somebody to look at");
    }
}

#[test]
fn marks_of_what_was_begun_are_taken_in_as_often_as_they_can_mean_anything() {
    let scene = Scene::new();
    let mut checkpoint = scene.checkpoint(ONE);
    for _ in 0..10_000 {
        checkpoint.started(&(0..10).collect::<Vec<_>>()).unwrap();
    }
    checkpoint.rows(&rows(0..10, 5)).unwrap();
    for _ in 0..100 {
        checkpoint.clean_end().unwrap();
    }
    assert_eq!(scene.take().refused, Vec::<String>::new());
    let taken = scene.campaign.dir.group(GROUP).checkpoint(&ONE.parse().unwrap());
    assert!(std::fs::metadata(taken).unwrap().len() < 50_000);
    assert_eq!(scene.finished(), 10);
    let scene = Scene::new();
    scene.checkpoint(ONE).started(&[3, 12]).unwrap();
    assert!(scene.refused().contains("none of its own"));
}

#[test]
fn what_an_earlier_wave_returned_and_was_refused_is_told_in_the_journal_once() {
    let scene = Scene::new();
    let dir = &scene.campaign.dir;
    scene.sealed(ONE, &rows(0..10, 5), |receipt| receipt.execution.scored = u64::MAX);
    wave::write(dir, 1, &[vec![GROUP], vec![GroupIndex(1)]]).unwrap();
    let digest = Digest::default();
    let intended = Event::WaveIntended { wave: 1, tag: "t".to_owned(), tasks: 2, groups: 2, finished: None };
    let planned =
        [Event::Planned { campaign: digest, plan: digest }, intended, Event::WaveEnded { wave: 1, core_ms: None }];
    let (mut journal, _) = Journal::take_over(dir).unwrap();
    planned.into_iter().for_each(|event| drop(journal.record(event).unwrap()));
    let failures = || {
        let entries = journal::read(dir).unwrap().entries;
        let failed = entries.into_iter().filter(|entry| matches!(entry.event, Event::TaskFailed { .. }));
        failed.map(|entry| format!("{:?}", entry.event)).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        let (mut journal, history) = Journal::take_over(dir).unwrap();
        let settings = Settings {
            program: PathBuf::new(),
            tasks: 1,
            stop: Stop::new(),
            patience: Patience::default(),
            watch: &mut |_| {},
        };
        let mut scheduler = molsieve_adapters::testing::Memory::default();
        let mut driver = Driver::new(&scene.campaign, &mut journal, &history, &mut scheduler, settings).unwrap();
        driver.begin().unwrap();
        let failures = failures();
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].contains("more records were scored") && failures[0].contains("wave: 1"), "{failures:?}");
    }
    assert!(scene.returned().receipt(&ONE.parse().unwrap()).exists(), "it stays for somebody to look at");
}
