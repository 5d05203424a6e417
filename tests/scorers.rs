//! The command scorer against programs that misbehave: `tests/scorers/hostile.py`, mode by mode.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use molsieve::error::{Error, Kind};
use molsieve::scorer::command::hello::{self, Hello};
use molsieve::scorer::command::launch::{Launch, Told, environments};
use molsieve::scorer::command::pool::CommandPool;
use molsieve::scorer::command::settings::{Apart, Limits, Settings};
use molsieve::scorer::seed::Seeder;
use molsieve::scorer::{Ended, Pool, PoolFacts};
use molsieve::stop::Stop;

use crate::support::memory::{MemorySink, MemorySource, pair};

/// The structure that faults strike on, and its ordinal in [`library`].
const POISON: &str = "POISON";
const POISON_ORDINAL: u64 = 117;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn python() -> PathBuf {
    let own = root().join(".venv/bin/python");
    if own.exists() { own } else { PathBuf::from("python3") }
}

fn launch(arguments: &[&str]) -> Launch {
    let script = root().join("tests/scorers/hostile.py");
    let told = Told::jsonl(python().display().to_string());
    let mut argv = vec![python().into_os_string(), script.into_os_string()];
    argv.extend(arguments.iter().map(Into::into));
    let (shim, directory, stderr, keeper) = (env!("CARGO_BIN_EXE_molsieve").into(), None, None, None);
    Launch { shim, argv, directory, stderr, keeper, is_contained: false, told }
}

/// Limits that make tests short and are far above what a healthy child takes.
fn limits() -> Limits {
    Limits {
        timeout: Duration::from_secs(20),
        grace: Duration::from_millis(500),
        end: Duration::from_secs(2),
        retry_first: Duration::from_millis(5),
        retry_longest: Duration::from_millis(40),
        ..Limits::default()
    }
}

fn probe(arguments: &[&str]) -> Result<Hello, Error> {
    hello::probe(&launch(arguments), &Vec::new(), Duration::from_secs(20))
}

fn settings(arguments: &[&str]) -> Settings {
    static HEALTHY: OnceLock<Hello> = OnceLock::new();
    let hello = HEALTHY.get_or_init(|| probe(&["ok"]).expect("a healthy scorer says hello")).clone();
    shipped::settings_of(launch(arguments), hello, 2, 1)
}

/// Forty records; one of them is [`POISON`].
fn library() -> (MemorySource, MemorySink) {
    let structures: Vec<String> = (0..40)
        .map(|i| if i == POISON_ORDINAL - 100 { POISON.to_owned() } else { format!("C{}", "C".repeat(i as usize)) })
        .collect();
    pair(structures.iter().map(|s| (s.as_bytes(), &b"an id"[..])))
}

/// What a pool made of [`library`].
struct Run {
    ended: Result<Ended, Error>,
    sink: MemorySink,
    facts: PoolFacts,
}

impl Run {
    fn of(settings: Settings) -> Self {
        let (mut source, sink) = library();
        source.unfinished_max = 24;
        Self::on(settings, source, sink, &Stop::new())
    }

    fn on(settings: Settings, mut source: MemorySource, mut sink: MemorySink, stop: &Stop) -> Self {
        let mut pool = CommandPool::new(settings).unwrap();
        let ended = pool.run(&mut source, &mut sink, stop);
        Self { ended, facts: pool.facts(), sink }
    }

    fn rows(&self) -> Vec<&str> {
        self.sink.rows.values().map(String::as_str).collect()
    }

    fn row(&self, ordinal: u64) -> &str {
        &self.sink.rows[&ordinal]
    }

    /// The error it ended with.
    fn error(self) -> Error {
        self.ended.expect_err("the pool should have given up")
    }

    /// Asserts that all is as a healthy scorer has it, but for the poison record, which is `ERROR` for `reason`.
    fn assert_only_poison(&self, mode: &str, reason: Option<&str>) {
        static HEALTHY: OnceLock<BTreeMap<u64, String>> = OnceLock::new();
        assert_eq!(self.ended.as_ref().ok(), Some(&Ended::Done), "{mode}: {:?}", self.ended);
        let healthy = HEALTHY.get_or_init(|| Run::of(settings(&["ok"])).sink.rows);
        for (ordinal, row) in healthy {
            let poisoned = format!("{ordinal},an id,ERROR,{},,,", reason.unwrap_or_default());
            let expected = if reason.is_some() && *ordinal == POISON_ORDINAL { &poisoned } else { row };
            assert_eq!(self.row(*ordinal), expected, "{mode}");
        }
        assert_eq!(self.sink.rows.len(), healthy.len(), "{mode}");
    }
}

#[test]
fn a_healthy_scorer_scores_every_record_once() {
    let run = Run::of(settings(&["ok"]));
    assert_eq!(run.rows().len(), 40);
    assert_eq!(run.row(100), "100,an id,OK,,732.875,1,C");
    assert_eq!(run.row(101), "101,an id,OK,,642.375,2,");
    assert_eq!(run.sink.started.len(), 40);
    assert_eq!(run.sink.started_max, 8);
    assert_eq!((run.facts.violations, run.facts.crashes, run.facts.noise_lines), (0, 0, 0));
}

#[test]
fn behaviour_that_is_allowed_changes_nothing() {
    for arguments in [
        &["reorder"][..],
        &["unusual"],
        &["slow_start", "0.5"],
        &["exit_between", "1"],
        &["exit_between", "3"],
        &["floods_stderr"],
        &["leaves_grandchildren"],
        &["ignores_signals"],
    ] {
        let run = Run::of(settings(arguments));
        run.assert_only_poison(arguments[0], None);
        assert_eq!(run.facts.violations, 0, "{arguments:?}");
    }
}

#[test]
fn noise_is_counted_and_changes_nothing() {
    let chatter = Run::of(settings(&["chatter"]));
    chatter.assert_only_poison("chatter", None);
    assert!(chatter.facts.noise_lines >= 5 * 5, "{:?}", chatter.facts);
    let mut one_child = settings(&["long_noise"]);
    one_child.children.truncate(1);
    let long = Run::of(one_child);
    long.assert_only_poison("long_noise", None);
    assert_eq!(long.facts.noise_lines, 5);
}

#[test]
fn a_record_that_kills_the_scorer_is_an_error_and_costs_no_other_record() {
    for mode in ["crash_on", "exit_on"] {
        let run = Run::of(settings(&[mode, POISON]));
        run.assert_only_poison(mode, Some("crash"));
        assert!(run.facts.crashes >= 3, "{mode}: once with others, twice alone: {:?}", run.facts);
    }
}

#[test]
fn a_record_that_hangs_the_scorer_is_an_error_and_costs_no_other_record() {
    let mut settings = settings(&["hang_on", POISON]);
    settings.limits.timeout = Duration::from_secs(2);
    let run = Run::of(settings);
    run.assert_only_poison("hang_on", Some("timeout"));
    assert_eq!(run.facts.timeouts, 2, "once with others, once alone");
}

#[test]
fn a_record_with_a_broken_reply_is_an_error_and_costs_no_other_record() {
    for mode in FAULTS {
        if *mode == "long_line" {
            continue; // It takes the time of four 50 MB lines; `a_scorer_that_answers_nothing…` has it.
        }
        let run = Run::of(settings(&[&format!("{mode}_on"), POISON]));
        run.assert_only_poison(mode, Some("bad_reply"));
        assert_eq!(run.facts.violations, 3, "{mode}: once with others, twice alone");
    }
}

/// The ways of breaking the protocol, and what the error says of each.
const FAULTS: &[&str] = &[
    "garbage",
    "not_reply",
    "trailing",
    "wrong_seq",
    "extra_key",
    "duplicates",
    "missing",
    "unknown",
    "nan",
    "infinity",
    "bad_type",
    "bad_column",
    "no_column",
    "bad_reason",
    "bad_word",
    "long_line",
];

#[test]
fn a_scorer_that_answers_nothing_and_breaks_its_protocol_for_sixteen_records_stops_the_campaign() {
    let says = [
        "EOF",
        "unknown field `level`",
        "trailing",
        "`seq` is 2 where 1 was asked",
        "unknown field `time`",
        "answered twice",
        "not answered",
        "was not asked",
        "expected value",
        "number out of range",
        "an integer below 2^53",
        "`extra` is not declared",
        "column `score` is missing",
        "`whatever` is not declared",
        "unknown variant `FINE`",
        "over 16 MiB",
    ];
    for (mode, says) in FAULTS.iter().zip(says) {
        let mut settings = settings(&[mode]);
        settings.children.truncate(1);
        let run = Run::of(settings);
        assert_eq!((run.rows().len(), run.facts.violations), (0, 18), "{mode}: two requests of eight, then one by one");
        let error = run.error();
        assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Scorer, 6), "{mode}: {error}");
        assert!(
            error.what().contains("for 16 records, and answered none") && error.what().contains(says),
            "{mode}: {error}"
        );
    }
}

#[test]
fn results_between_violations_keep_the_campaign_going() {
    // Each life of the child answers one request and then says more than it was asked.
    let run = Run::of(settings(&["babbles"]));
    run.assert_only_poison("babbles", None);
    assert!(run.facts.violations > 3, "{:?}", run.facts);
}

#[test]
fn crashes_and_time_outs_never_count_as_violations() {
    let dead = Run::of(settings(&["exit_within", "1"]));
    assert_eq!(dead.ended.ok(), Some(Ended::Done));
    assert!(dead.sink.rows.values().all(|row| row.ends_with(",ERROR,crash,,,")));
    let (source, sink) = pair([(&b"C"[..], &b""[..]); 4]);
    let mut settings = settings(&["hang_always"]);
    settings.limits.timeout = Duration::from_millis(200);
    let hung = Run::on(settings, source, sink, &Stop::new());
    assert_eq!(hung.ended.ok(), Some(Ended::Done));
    assert!(hung.sink.rows.values().all(|row| row.ends_with(",ERROR,timeout,,,")));
}

#[test]
fn a_child_that_dies_of_something_else_costs_no_record() {
    // Each child dies with its second request, whatever that is: no record dies twice alone.
    Run::of(settings(&["exit_within", "2"])).assert_only_poison("exit_within", None);
    let dir = tempfile::tempdir().unwrap();
    let flaky = Run::of(settings(&["flaky", dir.path().to_str().unwrap()]));
    flaky.assert_only_poison("flaky", None);
    assert_eq!(flaky.facts.crashes, 2);
}

#[test]
fn a_scorer_that_asks_to_retry_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::of(settings(&["retry", dir.path().to_str().unwrap()]));
    run.assert_only_poison("retry", None);
    assert_eq!(run.facts.violations, 0);
}

#[test]
fn a_scorer_that_only_asks_to_retry_pauses_the_campaign() {
    for (mode, arguments) in [("retry_always", ""), ("retry_on", POISON)] {
        let mut settings = settings(&[mode, arguments]);
        settings.limits.retry_patience = Duration::from_millis(300);
        let run = Run::of(settings);
        assert!(!run.sink.rows.contains_key(&POISON_ORDINAL), "{mode}");
        let error = run.error();
        assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Incomplete, 3), "{mode}");
        assert!(error.what().contains("licence server"), "{error}");
    }
}

#[test]
fn skips_errors_and_empty_cells_are_rows() {
    let run = Run::of(settings(&["reasons"]));
    assert_eq!(run.row(102), "102,an id,SKIP,no_fit,,,");
    assert_eq!(run.row(103), "103,an id,ERROR,bad_input,,,");
    assert!(run.row(104).starts_with("104,an id,OK,,"));
    let nulls = Run::of(settings(&["nulls"]));
    assert_eq!(nulls.row(104), "104,an id,OK,,,,");
}

#[test]
fn the_score_of_a_seeded_scorer_depends_on_structure_and_seed_alone() {
    let rows = |children, batch, seed| {
        let mut settings = settings(&["seed_echo"]);
        settings.children = environments(children, 1, &[]);
        settings.batch = batch;
        settings.seeder = Seeder::new(seed, "hostile");
        Run::of(settings).sink.rows
    };
    let reference = rows(1, 8, 1);
    assert_eq!(rows(3, 1, 1), reference);
    assert_eq!(rows(2, 5, 1), reference);
    assert!(rows(1, 8, 2).iter().all(|(ordinal, row)| reference[ordinal] != *row));
}

#[test]
fn a_batch_is_never_larger_than_the_child_or_the_worker_wants() {
    let mut huge = settings(&["huge_batch"]);
    huge.batch = 65_536;
    huge.children.truncate(1);
    let run = Run::of(huge);
    run.assert_only_poison("huge_batch", None);
    assert_eq!(run.sink.started_max, 40, "all that there is");
    let single = Run::of(settings(&["single"]));
    single.assert_only_poison("single", None);
    assert_eq!(single.sink.started_max, 1);
}

#[test]
fn records_of_a_dead_worker_are_asked_alone() {
    let (mut source, sink) = library();
    source.alone = true;
    let run = Run::on(settings(&["crash_on", POISON]), source, sink, &Stop::new());
    run.assert_only_poison("alone", Some("crash"));
    assert_eq!((run.sink.started_max, run.facts.crashes), (1, 2));
}

#[test]
fn records_that_no_scorer_can_be_given_are_answered_by_us() {
    let long = vec![b'C'; molsieve::scorer::STRUCTURE_BYTES_MAX + 1];
    let (source, sink) = pair([
        (&b"C"[..], &b"\xff id"[..]),
        (b"", b"empty"),
        (b"C\0C", b"nul"),
        (b"C\xff", b"latin"),
        (&long, b"long"),
        ("C\u{e9}\"\\".as_bytes(), b"odd \"text\""),
    ]);
    let run = Run::on(settings(&["ok"]), source, sink, &Stop::new());
    assert_eq!(
        run.rows(),
        [
            "100,\\xff id,OK,,732.875,1,C",
            "101,empty,SKIP,empty_structure,,,",
            "102,nul,ERROR,bad_encoding,,,",
            "103,latin,ERROR,bad_encoding,,,",
            "104,long,ERROR,too_long,,,",
            "105,\"odd \"\"text\"\"\",OK,,39.5,4,",
        ]
    );
    assert_eq!(run.sink.started, [100, 105].into());
    let (source, sink) = pair(vec![(&b""[..], &b""[..]); 1000]);
    let none = Run::on(settings(&["bad_hello", "exit"]), source, sink, &Stop::new());
    assert_eq!((none.ended.ok(), none.facts.starts, none.sink.rows.len()), (Some(Ended::Done), 0, 1000));
}

#[test]
fn a_program_that_is_no_scorer_is_refused_with_its_last_words() {
    for (variant, says) in [
        ("not_json", "key must be a string"),
        ("no_name", "missing field `name`"),
        ("unknown_field", "unknown field `colour`"),
        ("fixed_column", "the column `outcome`"),
        ("same_column", "declared twice"),
        ("bad_type", "unknown variant `double`"),
        ("no_batch", "`batch_size`"),
        ("our_reason", "the reason `crash`"),
        ("protocol", "`protocol` must be 1"),
        ("long", "over 16 MiB"),
        ("exit", "no module named rdkit"),
        ("exit", "exit code 3"),
    ] {
        for error in [probe(&["bad_hello", variant]).unwrap_err(), Run::of(settings(&["bad_hello", variant])).error()] {
            assert_eq!((error.kind(), error.kind().exit_code()), (Kind::Environment, 6), "{variant}");
            assert!(error.what().contains(says), "{variant}: {error}");
        }
    }
    // A hello that does not start with a brace is noise; then the program waits for input that ends.
    let error = probe(&["bad_hello", "array"]);
    assert!(error.is_err());
}

#[test]
fn a_silent_program_is_refused_in_time() {
    let patience = Duration::from_millis(300);
    let error = hello::probe(&launch(&["bad_hello", "silent"]), &Vec::new(), patience).unwrap_err();
    assert!(error.what().contains("no hello within 0.3 s"), "{error}");
    let mut settings = settings(&["bad_hello", "silent"]);
    settings.limits.startup_timeout = patience;
    let error = Run::of(settings).error();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("no hello within 0.3 s"), "{error}");
}

#[test]
fn a_program_that_is_not_there_is_an_error_of_the_environment() {
    let mut launch = launch(&[]);
    launch.argv = vec!["/nowhere/program".into()];
    let error = hello::probe(&launch, &Vec::new(), Duration::from_secs(20)).unwrap_err();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("cannot start `/nowhere/program`"), "{error}");
}

#[test]
fn a_scorer_that_changed_since_the_plan_is_refused() {
    let error = Run::of(settings(&["other_version"])).error();
    assert_eq!(error.kind().exit_code(), 2);
    assert!(error.what().contains("its version was \"1\" and is \"2\""), "{error}");
}

#[test]
fn a_scorer_that_ends_after_its_hello_is_given_up() {
    let run = Run::of(settings(&["ends_after_hello"]));
    assert!(run.sink.rows.is_empty());
    let error = run.error();
    assert_eq!(error.kind(), Kind::Environment);
    assert!(error.what().contains("without reading a request"), "{error}");
}

#[test]
fn a_child_that_closes_a_pipe_is_replaced() {
    let out = Run::of(settings(&["closes_stdout"]));
    out.assert_only_poison("closes_stdout", None);
    let (source, sink) = pair([(&b"C"[..], &b""[..]); 2]);
    let mut settings = settings(&["closes_stdin"]);
    settings.limits.timeout = Duration::from_millis(300);
    let input = Run::on(settings, source, sink, &Stop::new());
    assert!(input.sink.rows.values().all(|row| row.contains(",ERROR,timeout")), "{:?}", input.sink.rows);
}

#[test]
fn each_child_has_its_own_environment() {
    let mut settings = settings(&["environment", "CUDA_VISIBLE_DEVICES"]);
    settings.children = environments(1, 3, &["7".to_owned()]);
    assert!(Run::of(settings).sink.rows.values().all(|row| row.ends_with(",7")));
}

#[test]
fn a_record_that_a_scorer_wants_alone_is_asked_alone_and_once() {
    let run = Run::of(settings(&["alone"]));
    run.assert_only_poison("alone", None);
    assert_eq!(run.facts.violations, 0);
    let endless = Run::of(settings(&["always_alone", POISON]));
    endless.assert_only_poison("always_alone", Some("bad_reply"));
}

#[test]
fn a_child_that_was_killed_while_memory_was_short_is_out_of_memory() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("memory.events");
    std::fs::write(&events, "oom_kill 0\n").unwrap();
    let mut short = settings(&["oom_on", events.to_str().unwrap()]);
    short.memory_events = Some(events.clone());
    Run::of(short).assert_only_poison("oom_on", Some("oom"));
    // Killed just so, while the count stands still, it is a crash.
    let mut killed = settings(&["crash_on", POISON]);
    killed.memory_events = Some(events);
    Run::of(killed).assert_only_poison("crash_on", Some("crash"));
}

#[test]
fn each_child_has_a_private_directory_that_goes_away_with_it() {
    let mut settings = settings(&["tmp"]);
    settings.children.truncate(1);
    let run = Run::of(settings);
    let labels: std::collections::BTreeSet<&str> =
        run.rows().iter().map(|row| row.rsplit(',').next().unwrap()).collect();
    assert_eq!(labels.len(), 1, "{labels:?}");
    let path = Path::new(labels.first().unwrap());
    assert!(path.is_absolute() && !path.exists(), "{labels:?}");
}

#[path = "scorers/ends.rs"]
mod ends;
#[path = "scorers/shipped.rs"]
mod shipped;
