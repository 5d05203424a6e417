//! What is said of a score: no more than the numbers show, and told first.

use molsieve::scorer::{ColumnType, Order, Value, Verdict};
use serde_json::{Value as Json, json};

use super::{COMPARED, Chance, Made, compared, cost_lift, ok, report, scored, seal, seal_some, truth};
use crate::support::env::TestEnv;

/// A made-up molecule: whether it is a hit, its score, its size and its log P.
type Molecule = (bool, f64, i64, f64);

/// Molecules `M0`, `M1` and so on in a pack with decoys, and their truth.
fn world(molecules: &[Molecule]) -> TestEnv {
    let env = TestEnv::new();
    let made = |(n, (_, score, atoms, logp)): (usize, &Molecule)| {
        ok(format!("M{n}"), compared(*score, *atoms, *logp, [4, 4, n as i64 % 5, 0]))
    };
    let records: Vec<Made> = molecules.iter().enumerate().map(made).collect();
    seal(&env, &COMPARED, Order::Desc, &records);
    let names: Vec<String> = (0..molecules.len()).map(|n| format!("M{n}")).collect();
    truth(&env, names.iter().map(String::as_str).zip(molecules.iter().map(|molecule| molecule.0)));
    env
}

/// 400 molecules, one in five a hit, by what `score`, size and log P are of each, given chance from 0 to 99.
fn molecules(of: impl Fn(bool, &mut dyn FnMut() -> i64) -> (f64, i64, f64)) -> Vec<Molecule> {
    let mut chance = Chance(8);
    let mut next = move || chance.below(100) as i64;
    let molecule = |n: usize| {
        let is_hit = n.is_multiple_of(5);
        let (score, atoms, logp) = of(is_hit, &mut next);
        (is_hit, score, atoms, logp)
    };
    (0..400).map(molecule).collect()
}

fn comparison<'a>(found: &'a Json, with: &str) -> &'a Json {
    let all = found["molsieve"]["comparisons"].as_array().unwrap();
    all.iter().find(|comparison| comparison["with"] == with).unwrap_or_else(|| panic!("no {with}: {found}"))
}

#[test]
fn a_score_that_knows_pays_and_what_it_saves_is_told_first() {
    let env =
        world(&molecules(|hit, chance| (chance() as f64 + if hit { 60.0 } else { 0.0 }, chance(), chance() as f64)));
    let args = ["--k", "80", "--cost-per-molecule", "0.5", "--currency", "EUR"];
    let found = report(&env, &args);
    assert_eq!(found["molsieve"]["verdict"], "better");
    let random = comparison(&found, "random");
    let [value, low, high] = ["value", "low", "high"].map(|key| random["fewer_molecules"][key].as_f64().unwrap());
    assert!(0.0 < low && low <= value && value <= high, "{random}");
    let saved = ["value", "low", "high"].map(|key| random["saved"][key].as_f64().unwrap());
    let halves = [value, low, high].map(|molecules| (molecules / 2.0).to_string());
    assert_eq!(saved.map(|money| money.to_string()), halves);
    let said = cost_lift(&env, &args).exits(0).stdout();
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("PAYS: for ") && first.contains("EUR saved") && first.contains("fewer (95 %"), "{first}");
    assert_eq!(first, found["molsieve"]["answer"].as_str().unwrap());
}

#[test]
fn a_score_that_size_alone_beats_is_told_so_by_name() {
    // The score is size and noise; size alone is what makes a hit.
    let env = world(&molecules(|hit, chance| {
        let atoms = chance() + if hit { 70 } else { 0 };
        ((atoms + 2 * chance()) as f64, atoms, chance() as f64)
    }));
    let found = report(&env, &["--k", "80"]);
    assert_eq!(found["molsieve"]["verdict"], "beaten");
    let size = comparison(&found, "parent_heavy_atoms desc");
    assert_eq!(size["shown"], "less");
    assert!(size["more_hits"]["high"].as_f64().unwrap() < 0.0, "{size}");
    assert_eq!(comparison(&found, "random")["shown"], "more", "it is no bad score, there is a better one for nothing");
    cost_lift(&env, &["--k", "80"])
        .exits(0)
        .says("DOES NOT PAY: `parent_heavy_atoms desc` alone finds")
        .says("IT BEATS THE SCORE");
}

#[test]
fn a_score_that_prefers_the_small_is_compared_with_the_smallest_first() {
    let env = world(&molecules(|hit, chance| {
        let atoms = 200 - chance() - if hit { 60 } else { 0 };
        (-(atoms as f64), atoms, chance() as f64)
    }));
    let found = report(&env, &["--k", "80"]);
    assert_eq!(found["molsieve"]["verdict"], "not_shown", "it is size");
    assert_eq!(
        comparison(&found, "parent_heavy_atoms asc")["more_hits"],
        json!({"value": 0.0, "low": 0.0, "high": 0.0})
    );
    let first = found["molsieve"]["answer"].as_str().unwrap();
    assert!(
        first.starts_with("NOT SHOWN: in 80 molecules `score` finds") && first.contains("heavy_atoms asc"),
        "{first}"
    );
}

#[test]
fn a_score_that_knows_nothing_is_not_said_to_pay() {
    for constant in [false, true] {
        let env =
            world(&molecules(|_, chance| (if constant { 1.0 } else { chance() as f64 }, chance(), chance() as f64)));
        let found = report(&env, &["--k", "80"]);
        assert!(["not_shown", "beaten"].contains(&found["molsieve"]["verdict"].as_str().unwrap()), "{found}");
        let auc = found["molsieve"]["orders"][0]["auc"]["value"].as_f64().unwrap();
        assert!((auc - 0.5).abs() < 0.1 && (!constant || auc.to_string() == "0.5"), "{auc}");
        if constant {
            assert_eq!(comparison(&found, "random")["more_hits"]["value"], 0.0);
        }
    }
}

#[test]
fn few_hits_give_no_interval_and_no_statement() {
    let mut few = molecules(|hit, chance| (chance() as f64 + if hit { 60.0 } else { 0.0 }, chance(), chance() as f64));
    few.iter_mut().enumerate().for_each(|(n, molecule)| molecule.0 = n < 9);
    let env = world(&few);
    let found = report(&env, &["--k", "80"]);
    assert_eq!(found["molsieve"]["verdict"], "too_few");
    assert_eq!(comparison(&found, "random")["fewer_molecules"]["low"], Json::Null);
    assert_eq!(comparison(&found, "random")["shown"], "nothing");
    cost_lift(&env, &["--k", "80"])
        .exits(0)
        .says("TOO FEW: of 400 molecules with truth 9 are hits")
        .says("no interval");
    let enough = world(&molecules(|hit, chance| (chance() as f64 + if hit { 60.0 } else { 0.0 }, chance(), 1.0)));
    let found = report(&enough, &["--k", "80", "--bootstrap-n", "99"]);
    assert_eq!(found["molsieve"]["verdict"], "too_few");
    assert!(found["molsieve"]["answer"].as_str().unwrap().contains("99 resamples give no interval"), "{found}");
}

#[test]
fn a_pack_without_decoys_is_measured_and_what_it_lacks_is_named() {
    let env = TestEnv::new();
    let records: Vec<Made> = (0..200)
        .map(|n| scored(format!("M{n}"), f64::from((n * 37) % 200) + if n % 5 == 0 { 150.0 } else { 0.0 }))
        .collect();
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    let names: Vec<String> = (0..200).map(|n| format!("M{n}")).collect();
    truth(&env, names.iter().enumerate().map(|(n, name)| (name.as_str(), n % 5 == 0)));
    let found = report(&env, &["--k", "40"]);
    for method in ["baseline_random", "baseline_score_only_topk", "filtered_score_plus_audit_topk"] {
        assert_eq!(found["methods"][method], Json::Null);
        let why = found["molsieve"]["methods_missing"][method].as_str().unwrap();
        assert!(why.contains("`[decoys]`"), "{why}");
    }
    assert_eq!((&found["K_effective"], &found["uplift_score_plus_audit_vs_random"]), (&json!(0), &Json::Null));
    assert_eq!(found["molsieve"]["verdict"], "better_than_random");
    let missing = found["molsieve"]["orders_missing"].as_object().unwrap();
    assert_eq!(missing.keys().collect::<Vec<_>>(), ["parent_heavy_atoms", "parent_logp", "slack"]);
    cost_lift(&env, &["--k", "40"])
        .exits(0)
        .says("PAYS AGAINST RANDOM ORDER")
        .says("size or log P alone do as well is not known");
}

#[test]
fn to_select_all_is_no_selection_and_half_of_the_hits_is_compared_instead() {
    let env =
        world(&molecules(|hit, chance| (chance() as f64 + if hit { 60.0 } else { 0.0 }, chance(), chance() as f64)));
    for args in [&[][..], &["--k", "400"]] {
        let found = report(&env, args);
        let selection = &found["molsieve"]["selection"];
        assert_eq!(selection["basis"], "half_of_the_hits");
        let [molecules, hits] = ["molecules", "hits"].map(|key| selection[key].as_f64().unwrap());
        assert!(molecules < 200.0 && (40.0..45.0).contains(&hits), "{selection}");
        assert!(found["molsieve"]["notes"].to_string().contains("is to select all"), "{found}");
        assert_eq!(found["molsieve"]["verdict"], "better");
    }
}

#[test]
fn no_record_passed_is_a_method_that_selects_nothing() {
    let env = TestEnv::new();
    let records: Vec<Made> =
        (0..20).map(|n| ok(format!("M{n}"), compared(f64::from(n), 5, 1.0, [2, 2, 0, 1]))).collect();
    seal(&env, &COMPARED, Order::Desc, &records);
    truth(&env, [("M1", true), ("M2", false)]);
    let found = report(&env, &["--k", "1"]);
    assert_eq!(found["methods"]["filtered_score_plus_audit_topk"], Json::Null);
    assert_eq!(found["methods"]["baseline_score_only_topk"]["k_effective"], 1);
    let why = &found["molsieve"]["methods_missing"]["filtered_score_plus_audit_topk"];
    assert!(why.as_str().unwrap().contains("has the verdict PASS"), "{why}");
}

#[test]
fn the_bytes_are_the_same_every_time_and_name_no_machine() {
    let env =
        world(&molecules(|hit, chance| (chance() as f64 + if hit { 60.0 } else { 0.0 }, chance(), chance() as f64)));
    let write = |name: &str, threads: &str| {
        let mut args = vec!["report", "cost-lift", "D/pack", "--truth", "truth.csv", "--k", "80", "-o", name];
        args.push("--quiet");
        let done = env.command(args).env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(done.status.success() && done.stdout.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        std::fs::read(env.path(name)).unwrap()
    };
    let first = write("a.json", "1");
    assert_eq!(first, write("b.json", "3"));
    let text = String::from_utf8(first).unwrap();
    assert!(text.ends_with("}\n") && text.contains("\"summary_csv\": \"D/pack/summary.csv\""), "{text}");
    assert!(!text.contains(env.path("").to_str().unwrap()), "{text}");
    let said = env.molsieve(["report", "cost-lift", "D/pack", "--truth", "truth.csv", "-o", "a.json"]).exits(2);
    said.says("`a.json` exists already");
    // The archive holds the same rows.
    let zip = env.facts(["report", "cost-lift", "D/pack/evidence_pack.zip", "--truth", "truth.csv", "--k", "80"]);
    let dir: Json = serde_json::from_str(&text).unwrap();
    assert_eq!((&zip["molsieve"], &zip["methods"]), (&dir["molsieve"], &dir["methods"]));
}

#[test]
fn a_pack_that_is_not_sound_says_nothing() {
    let env = world(&molecules(|_, chance| (chance() as f64, 1, 1.0)));
    let summary = env.path("D/pack/summary.csv");
    let rows = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, rows.replacen("M1,OK,,", "M1,OK,,9", 1)).unwrap();
    cost_lift(&env, &[]).exits(4).says("is not sound, and nothing is told from it").says("molsieve verify");
    env.molsieve(["report", "cost-lift", "D/pack/hits.csv", "--truth", "truth.csv"]).exits(4);
    env.molsieve(["report", "cost-lift", "nowhere", "--truth", "truth.csv"]).exits(2).says("nowhere");
}

#[test]
fn an_incomplete_pack_is_measured_and_called_so() {
    let env = TestEnv::new();
    let records: Vec<Made> = (0..28).map(|n| scored(format!("M{n}"), f64::from(n))).collect();
    seal_some(&env, &[("score", ColumnType::Float)], Order::Desc, &records, 21);
    truth(&env, [("M1", true), ("M2", false)]);
    let found = report(&env, &[]);
    assert_eq!((&found["molsieve"]["pack"]["complete"], &found["N_total"]), (&json!(false), &json!(21)));
    assert!(found["molsieve"]["notes"].to_string().contains("INCOMPLETE"), "{found}");
    truth(&env, [("M1", true), ("M27", false)]);
    cost_lift(&env, &[])
        .exits(2)
        .says("1 of the 2 molecules of `truth.csv` are not in the pack: `M27`")
        .says("INCOMPLETE");
}

#[test]
fn there_must_be_something_to_compare() {
    let env = TestEnv::new();
    let skipped = |n: usize| Made { id: format!("M{n}"), verdict: Verdict::skip("too_big") };
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &(0..7).map(skipped).collect::<Vec<_>>());
    truth(&env, [("M1", true)]);
    cost_lift(&env, &[]).exits(2).says("no record of the pack is OK").says("report.html");
    let env = TestEnv::new();
    let named = |n: usize| ok(format!("M{n}"), vec![Value::Text(b"x".to_vec())]);
    seal(&env, &[("name", ColumnType::String)], Order::Desc, &(0..7).map(named).collect::<Vec<_>>());
    truth(&env, [("M1", true)]);
    cost_lift(&env, &[]).exits(2).says("the pack has no column that ranks");
    let env = TestEnv::new();
    let mut records: Vec<Made> = (0..7).map(|n| scored(format!("M{n}"), 1.0)).collect();
    records[1].verdict = Verdict::error("unparsable");
    seal(&env, &[("score", ColumnType::Float)], Order::Desc, &records);
    truth(&env, [("M1", true)]);
    cost_lift(&env, &[]).exits(2).says("no record that has a score has a label in `truth.csv`");
}
