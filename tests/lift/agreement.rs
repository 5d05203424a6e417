//! The numbers are those of the documented rules, of Python's draws, of HETERO-2's own program, of RDKit, and of a calculation by hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use molsieve::lift::mersenne::{Mersenne, adler32};
use molsieve::scorer::{ColumnType, Order, Value, Verdict};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{COMPARED, Chance, Made, compared, mixed, ok, report, scored, seal, truth};
use crate::support::env::{TestEnv, project};

/// By what part of itself a double may differ that was computed in another order.
const WITHIN: f64 = 1e-11;

/// What the page says, computed by `reference.py`.
pub fn reference(summary: &Path, truth: &Path, rank: &str, order: &str, [k, seed, resamples]: [&str; 3]) -> Json {
    let mut python = Command::new("python3");
    python.arg(project("tests/lift/reference.py")).arg(summary).arg(truth);
    let done = python.args([rank, order, k, seed, resamples]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// All that `expected` has is in `found`: numbers within [`WITHIN`], all else as it is.
#[track_caller]
pub fn holds(found: &Json, expected: &Json, at: &str) {
    match (found, expected) {
        (Json::Object(found), Json::Object(expected)) => {
            for (key, value) in expected {
                let own = found.get(key).unwrap_or_else(|| panic!("{at}: there is no `{key}`"));
                holds(own, value, &format!("{at}.{key}"));
            }
        }
        (Json::Array(found), Json::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{at}");
            found.iter().zip(expected).enumerate().for_each(|(n, (a, b))| holds(a, b, &format!("{at}[{n}]")));
        }
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= WITHIN * a.abs().max(1.0), "{at}: {a}, and not {b}");
        }
        (found, expected) => assert_eq!(found, expected, "{at}"),
    }
}

/// Truth for about `share` of a hundred of the records, of which more are hits the better the score.
fn labels(records: &[(Made, String)], share: u64, seed: u64) -> Vec<(String, bool)> {
    let mut chance = Chance(seed);
    let mut labels = Vec::new();
    for (made, name) in records {
        let score = match made.verdict.values.first() {
            Some(Value::Float(score)) => *score as u64,
            _ => 0,
        };
        if chance.below(100) < share {
            labels.push((name.clone(), chance.below(30) < 2 + score));
        }
    }
    labels
}

#[test]
fn everything_is_as_the_page_says_by_a_second_program() {
    let cases = [
        // Records, seed of the records, share with truth, order, k, seed, resamples.
        (300, 1, 100, Order::Desc, "40", "0", "120"),
        (300, 2, 60, Order::Asc, "25", "7", "100"),
        (257, 3, 90, Order::Desc, "10000", "9007199254740991", "101"),
        (150, 4, 30, Order::Desc, "1", "3", "99"),
        (90, 5, 8, Order::Desc, "3", "1", "100"),
    ];
    for (count, records, share, order, k, seed, resamples) in cases {
        let env = TestEnv::new();
        let made = mixed(count, records);
        let only: Vec<Made> = made.iter().map(|(made, _)| made.clone()).collect();
        super::seal(&env, &COMPARED, order, &only);
        let labels = labels(&made, share, records);
        let quoted: Vec<(String, bool)> = labels.iter().map(|(id, hit)| (quote(id), *hit)).collect();
        truth(&env, quoted.iter().map(|(id, hit)| (id.as_str(), *hit)));
        let found = report(&env, &["--k", k, "--seed", seed, "--bootstrap-n", resamples]);
        let word = if order == Order::Asc { "asc" } else { "desc" };
        let (summary, table) = (env.path("D/pack/summary.csv"), env.path("truth.csv"));
        let expected = reference(&summary, &table, "score", word, [k, seed, resamples]);
        holds(&found, &expected, &format!("case {records}"));
        assert_eq!(found["K_requested"].to_string(), k);
    }
}

fn quote(id: &str) -> String {
    format!("\"{}\"", id.replace('"', "\"\""))
}

#[test]
fn ten_molecules_come_out_as_they_do_by_hand() {
    // Hits are the first, the third and the fourth of ten; `M9` and `M10` are in one tie.
    let env = TestEnv::new();
    let score = |n: i64| if n >= 9 { 1.0 } else { 100.0 - n as f64 };
    let records: Vec<Made> = (1..=10)
        .map(|n| ok(format!("M{n}"), compared(score(n), n / 6, 0.5, [2, 2, i64::from(n < 5) + 1, 0])))
        .collect();
    seal(&env, &COMPARED, Order::Desc, &records);
    let names: Vec<String> = (1..=10).map(|n| format!("M{n}")).collect();
    truth(&env, names.iter().map(|name| (name.as_str(), ["M1", "M3", "M4"].contains(&name.as_str()))));
    let found = report(&env, &["--k", "4", "--cost-per-molecule", "2.5", "--currency", "EUR"]);
    let ours = &found["molsieve"];
    assert_eq!((&ours["molecules"], &ours["hits"], &ours["selection"]["hits"]), (&json!(10), &json!(3), &json!(3.0)));
    // Of 21 pairs the hits win 7 + 6 + 6.
    assert_eq!(ours["orders"][0]["auc"], json!({"value": 19.0 / 21.0, "low": null, "high": null}));
    // One in a hundred of ten molecules is one, and it is a hit; a share of 3 in 10 is expected.
    let enrichment = &ours["orders"][0]["enrichment"];
    assert_eq!((&enrichment[1]["molecules"], &enrichment[1]["factor"]["value"]), (&json!(1), &json!(1.0 / 1.0 / 0.3)));
    // Nine tenths of the molecules have one of the two that tie: both are no hits.
    assert_eq!(ours["orders"][0]["curve"][15]["hits"]["value"], json!(3.0));
    // The four smallest are 1 to 4 of the tie 1 to 5, where 3 hits are among 5: 12/5. As many as 3 take all five of them.
    let small = &ours["comparisons"][3];
    assert_eq!((&small["with"], &small["hits"]), (&json!("parent_heavy_atoms asc"), &json!(2.4)));
    assert_eq!((&small["molecules_score"], &small["molecules_other"]), (&json!(4), &json!(5)));
    // An even order finds 4 · 3/10 in four, and all three in ten molecules alone: six more, at 2.50 each.
    let random = &ours["comparisons"][0];
    assert_eq!(
        (&random["with"], &random["hits"], &random["molecules_other"]),
        (&json!("random"), &json!(1.2), &json!(10))
    );
    assert_eq!((&random["fewer_molecules"]["value"], &random["saved"]["value"]), (&json!(6.0), &json!(15.0)));
    assert_eq!((&random["saved"]["currency"], &random["saved"]["low"]), (&json!("EUR"), &json!(null)));
    // A quarter of 3 hits is one, rounded up: the first molecule; half are two: the third.
    let targets = ours["targets"].as_array().unwrap();
    let taken: Vec<_> = targets.iter().map(|target| target["molecules"]["score desc"].as_u64().unwrap()).collect();
    assert_eq!(taken, [1, 1, 3, 4, 4]);
    // With log P the same for all, every order of it is an even one.
    assert_eq!(ours["comparisons"][4]["hits"], json!(1.2));
    // HETERO-2: M1 to M4 pass with a slack of 0, and come in the order of their names; so do M1 to M4 by AUC.
    let filtered = &found["methods"]["filtered_score_plus_audit_topk"];
    assert_eq!((&filtered["k_effective"], &filtered["hits"]), (&json!(4), &json!(3)));
    assert_eq!(found["methods"]["baseline_score_only_topk"]["hit_rate"], json!(0.75));
    assert_eq!(ours["verdict"], "too_few");
}

#[test]
fn random_numbers_are_those_of_python() {
    let script = "import random, sys, zlib\n\
                  for line in sys.stdin:\n    seed, n, k = map(int, line.split())\n    \
                  draw = random.Random(seed)\n    print(draw.sample(range(n), k), [draw.randrange(n) for _ in range(5)])\n\
                  print(zlib.adler32(b'baseline_random'))\n";
    let mut cases =
        vec![(0u128, 1u32, 1u32), (1, 2, 2), (5, 21, 5), (5, 22, 5), (6, 85, 6), (6, 86, 6), (7, 5000, 200)];
    cases.extend([
        (1 << 32, 1000, 1000),
        ((3 << 64) + 5, 4117, 1000),
        (u128::from(u64::MAX), 4118, 342),
        (9, 100_000, 21),
    ]);
    let input: String = cases.iter().map(|(seed, n, k)| format!("{seed} {n} {k}\n")).collect();
    let env = TestEnv::new();
    let stdin = std::fs::File::open(env.write("cases", input)).unwrap();
    let done = Command::new("python3").args(["-c", script]).stdin(stdin).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut lines: Vec<String> = String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines.pop().unwrap(), adler32(b"baseline_random").to_string());
    for ((seed, n, k), line) in cases.into_iter().zip(lines) {
        let mut draw = Mersenne::new(seed);
        let sample = draw.sample(n, k);
        let more: Vec<u32> = (0..5).map(|_| draw.below(n)).collect();
        assert_eq!(format!("{sample:?} {more:?}"), line, "seed {seed}, {k} of {n}");
    }
}

#[test]
fn the_numbers_of_hetero_2_s_own_program_come_out() {
    // Their `scripts/cost_lift.py` of January 2026, on these rows under their names of the columns; see docs/formats/cost-lift.md.
    let env = TestEnv::new();
    let records: Vec<Made> = theirs();
    seal(&env, &COMPARED, Order::Desc, &records);
    let names: Vec<String> = (0..400).map(|n| format!("T{n}")).collect();
    truth(
        &env,
        names.iter().enumerate().filter(|(n, _)| n % 7 != 3).map(|(n, name)| (name.as_str(), is_hit(n as u64))),
    );
    let found = report(&env, &["--k", "60", "--seed", "11", "--bootstrap-n", "300"]);
    let expected: Json = serde_json::from_str(include_str!("../fixtures/lift/hetero2.json")).unwrap();
    for (key, value) in expected.as_object().unwrap() {
        if !["summary_csv", "truth_csv"].contains(&key.as_str()) {
            assert_eq!(&found[key], value, "{key}");
        }
    }
}

/// The rows that their program was given.
fn theirs() -> Vec<Made> {
    let mut chance = Chance(77);
    let made = |n: u64| {
        let scored = 1 + chance.below(20) as i64;
        let won = scored - chance.below(3).min(scored as u64) as i64;
        let tied = (chance.below(2) as i64).min(scored - won);
        ok(format!("T{n}"), compared(n as f64, 10, 1.0, [20, scored, won, tied]))
    };
    (0..400).map(made).collect()
}

fn is_hit(n: u64) -> bool {
    Chance(n).below(10) < 3
}

#[test]
fn rdkit_measures_the_same_enrichment() {
    let venv = project(".venv/bin/python");
    let python = if venv.exists() { venv } else { PathBuf::from("python3") };
    let has = Command::new(&python).args(["-c", "import rdkit"]).output().is_ok_and(|done| done.status.success());
    if !has {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        eprintln!("skipped: RDKit is not installed");
        return;
    }
    let env = TestEnv::new();
    let records: Vec<Made> = (0..500u64).map(|n| scored(format!("R{n}"), -(n as f64))).collect();
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    let hits: Vec<bool> = (0..500).map(|n| Chance(n).below(500) > 420 + n / 8).collect();
    let names: Vec<String> = (0..500).map(|n| format!("R{n}")).collect();
    truth(&env, names.iter().map(String::as_str).zip(hits.iter().copied()));
    let list = hits.iter().map(|hit| format!("[{}]", u8::from(*hit))).collect::<Vec<_>>().join(",");
    let script = format!(
        "from rdkit.ML.Scoring import Scoring as s\nd=[{list}]\nprint(s.CalcAUC(d,0), s.CalcBEDROC(d,0,20.0), *s.CalcEnrichment(d,0,[0.01,0.05]))"
    );
    let done = Command::new(python).args(["-c", &script]).output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let numbers: Vec<f64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let found = report(&env, &["--k", "50"])["molsieve"]["orders"][0].clone();
    let own = [&found["auc"], &found["bedroc"], &found["enrichment"][1]["factor"], &found["enrichment"][2]["factor"]];
    for (own, theirs) in own.into_iter().zip(numbers) {
        let own = own["value"].as_f64().unwrap();
        assert!((own - theirs).abs() < 1e-9, "{own}, and RDKit says {theirs}: {found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn nothing_depends_on_how_a_table_of_truth_is_sorted_or_written(seed in 0u64..1000) {
        let env = TestEnv::new();
        let made = mixed(60, seed);
        let only: Vec<Made> = made.iter().map(|(made, _)| made.clone()).collect();
        seal(&env, &COMPARED, Order::Desc, &only);
        let mut lines: Vec<String> = labels(&made, 80, seed)
            .iter()
            .map(|(id, hit)| format!("{},{},assay,customer_truth.v1", quote(id), if *hit { "PASS" } else { "FAIL" }))
            .collect();
        let header = "molecule_id,expensive_label,truth_source,truth_version";
        let mut chance = Chance(seed);
        let mut seen = Vec::new();
        for (begin, end) in [("", "\n"), ("\u{feff}", "\r\n"), ("", "\n\n")] {
            env.write("truth.csv", format!("{begin}{header}{end}{}", lines.join(end)));
            let mut found = report(&env, &["--k", "9", "--bootstrap-n", "100"]);
            found["molsieve"]["truth"]["sha256"] = Json::Null;
            seen.push(found);
            for at in (1..lines.len()).rev() {
                lines.swap(at, chance.below(at as u64 + 1) as usize);
            }
        }
        prop_assert_eq!(&seen[0], &seen[1]);
        prop_assert_eq!(&seen[0], &seen[2]);
    }
}

#[test]
fn what_was_skipped_or_failed_is_counted_and_stops_nothing() {
    let env = TestEnv::new();
    let mut records: Vec<Made> = (0..30).map(|n| scored(format!("M{n}"), f64::from(n))).collect();
    records[3].verdict = Verdict::error("unparsable");
    records[4].verdict = Verdict::skip("too_big");
    records[5].verdict = Verdict::ok(vec![Value::Null]);
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    let names: Vec<String> = (0..30).map(|n| format!("M{n}")).collect();
    truth(&env, names.iter().enumerate().map(|(n, name)| (name.as_str(), n % 2 == 1)));
    let found = report(&env, &["--k", "5"]);
    assert_eq!(
        [&found["N_total"], &found["N_ok"], &found["N_skip"], &found["N_error"]],
        [30, 28, 1, 1].map(|n| json!(n)).each_ref()
    );
    assert_eq!((&found["N_with_truth"], &found["truth_coverage_rate"]), (&json!(28), &json!(1.0)));
    let table = &found["molsieve"]["truth"];
    assert_eq!((&table["not_ok"], &table["hits_not_ok"], &table["labels"]), (&json!(2), &json!(1), &json!(30)));
    // M3 is a hit that was not scored; M5 has no score, is the last, and still among them.
    assert_eq!((&found["molsieve"]["molecules"], &found["molsieve"]["hits"]), (&json!(28), &json!(14)));
    let notes = found["molsieve"]["notes"].to_string();
    assert!(notes.contains("2 labels are of records that have no score; no order here can find the 1 hits"), "{notes}");
}
