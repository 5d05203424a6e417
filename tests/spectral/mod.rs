//! The built-in scorer `spectral2d`: what NumPy says of RDKit's graph, the same bits everywhere, and no harm from any bytes.
//!
//! The fixtures hold NumPy's answers with ten decimals, so that this runs without it; where it is installed, they are
//! computed anew by `tests/rdkit/spectral.py` and must come out the same.

mod campaigns;
mod everywhere;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use molsieve::library::format::Notation;
use molsieve::library::record::Record;
use molsieve::scorer::builtin::Builtin;
use molsieve::scorer::builtin::chem::Mol;
use molsieve::scorer::builtin::decoys::{Decoy, Facts};
use molsieve::scorer::builtin::spectral::Spectral2d;
use molsieve::scorer::builtin::spectral::settings::{EdgeWeight, Settings};
use molsieve::scorer::{Outcome, Value, Verdict, reason};
use proptest::prelude::*;

use crate::support::env::project;

/// By how much a column may differ: it has eight decimals.
const WITHIN: f64 = 1e-8;

/// A fixture: its library, what `tests/rdkit/spectral.py` is told, and its name.
type Fixture = (&'static str, &'static [&'static str], &'static str);

const NCI: Fixture = ("data/nci_first_5k.smi", &["bond_order_delta_chi", "whole"], "nci.csv");
const HOSTILE: Fixture = ("tests/fixtures/spectral/hostile.smi", &["bond_order_delta_chi", "whole"], "hostile.csv");
const ORDERS: Fixture = ("tests/fixtures/spectral/hostile.smi", &["bond_order"], "hostile_bond_order.csv");
const HARD: Fixture = ("tests/fixtures/similarity/hard.smi", &["bond_order_delta_chi"], "hard.csv");
const MOLFILES: Fixture = ("tests/fixtures/similarity/molfiles.sdf", &["bond_order_delta_chi"], "molfiles.csv");

/// Hard cases that differ: where RDKit's molecule is another, as docs/similarity.md says.
const DEVIATIONS: &[&str] = &[
    "m2052", "m20857", "m23378", "m24551", "m41992", "m45553", "m45669", "m56421", "m6531", "m6667", "m7489", "m9775",
];

/// Molfiles that are `SKIP` here, and for RDKit molecules or nothing.
const UNREAD: &[&str] = &["any-atom", "any-bond", "atom-list", "no-atom", "v3000"];

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap()
}

/// The scorer that a fixture is of.
fn scorer(fixture: &Fixture) -> Spectral2d {
    let (library, told, _) = fixture;
    let weight = if told[0] == "bond_order" { EdgeWeight::BondOrder } else { EdgeWeight::BondOrderDeltaChi };
    let settings = Settings { edge_weight: weight, require_connected: told.contains(&"whole"), ..Settings::default() };
    let notation = if *library == MOLFILES.0 { Notation::Molblock } else { Notation::Smiles };
    Spectral2d::new(settings, notation).unwrap()
}

fn score(scorer: &Spectral2d, structure: &[u8]) -> Verdict {
    scorer.score(&Record { ordinal: 0, id: b"", structure })
}

/// The structures of a library with their ids.
fn library(path: &str) -> Vec<(String, String)> {
    let text = read(path);
    if path == MOLFILES.0 {
        let blocks = text.split_terminator("$$$$\n");
        return blocks.map(|block| (block.to_owned(), block.lines().next().unwrap().to_owned())).collect();
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.split_whitespace());
    fields.map(|mut fields| (fields.next().unwrap().to_owned(), fields.next().unwrap().to_owned())).collect()
}

/// What NumPy says of each record, by id: the cells, or `!` and a reason.
fn expected(name: &str) -> BTreeMap<String, Vec<String>> {
    let text = read(&format!("tests/fixtures/spectral/{name}"));
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| row.split_once(',').unwrap())
        .map(|(id, values)| (id.to_owned(), values.split(',').map(str::to_owned).collect()))
        .collect()
}

/// Whether our verdict is what NumPy says.
fn agrees(verdict: &Verdict, row: &[String]) -> bool {
    if let Some(reason) = row[0].strip_prefix('!') {
        return match reason {
            "invalid" => verdict.outcome == Outcome::Error,
            reason => verdict.outcome == Outcome::Skip && verdict.reason == reason,
        };
    }
    let same = |ours: &Value, theirs: &String| match ours {
        Value::Float(ours) => theirs.parse::<f64>().is_ok_and(|theirs| (ours - theirs).abs() <= WITHIN),
        _ => theirs.is_empty(),
    };
    // (The first column is one of the others.)
    verdict.outcome == Outcome::Ok
        && verdict.values.len() == row.len() + 1
        && verdict.values[1..].iter().zip(row).all(|(ours, theirs)| same(ours, theirs))
}

/// How many records agree, and which do not.
fn compare(fixture: &Fixture) -> (usize, Vec<String>) {
    let (scorer, expected) = (scorer(fixture), expected(fixture.2));
    let records = library(fixture.0);
    assert_eq!(records.len(), expected.len(), "the fixture is of another library");
    let (mut agree, mut differ) = (0, Vec::new());
    for (structure, id) in records {
        if agrees(&score(&scorer, structure.as_bytes()), &expected[&id]) {
            agree += 1;
        } else {
            differ.push(id);
        }
    }
    differ.sort();
    (agree, differ)
}

#[test]
fn every_shipped_structure_has_the_row_that_numpy_gives_it() {
    assert_eq!(compare(&NCI), (4999, Vec::new()));
}

#[test]
fn hostile_structures_have_the_rows_and_reasons_that_numpy_and_rdkit_give_them() {
    for fixture in [HOSTILE, ORDERS] {
        assert_eq!(compare(&fixture).1, Vec::<String>::new(), "{}", fixture.2);
    }
}

#[test]
fn of_the_hard_cases_exactly_those_differ_whose_molecule_is_another_to_rdkit() {
    assert_eq!(compare(&HARD).1, DEVIATIONS);
}

#[test]
fn molfiles_have_the_rows_that_numpy_gives_them_but_for_those_that_are_not_read() {
    assert_eq!(compare(&MOLFILES).1, UNREAD);
}

/// The Python that has RDKit and NumPy; none if they are not installed.
fn numpy() -> Option<PathBuf> {
    let venv = project(".venv/bin/python");
    let python = if venv.exists() { venv } else { PathBuf::from("python3") };
    let found = Command::new(&python).args(["-c", "import rdkit, numpy"]).output();
    if found.is_ok_and(|found| found.status.success()) {
        return Some(python);
    }
    assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
    eprintln!("skipped: RDKit is not installed");
    None
}

/// Whether two lines are the same but for one unit in the last of ten decimals.
fn same_line(a: &str, b: &str) -> bool {
    let same = |(a, b): (&str, &str)| {
        a == b || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if (a - b).abs() <= 2e-10)
    };
    a.split(',').count() == b.split(',').count() && a.split(',').zip(b.split(',')).all(same)
}

#[test]
fn the_fixtures_are_what_numpy_says_today() {
    let Some(python) = numpy() else { return };
    for (library, told, name) in [NCI, HOSTILE, ORDERS, HARD, MOLFILES] {
        let mut command = Command::new(&python);
        let output = command.arg(project("tests/rdkit/spectral.py")).arg(project(library)).args(told).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let fresh = String::from_utf8(output.stdout).unwrap();
        let kept = read(&format!("tests/fixtures/spectral/{name}"));
        // (The first line is of the versions.)
        let changed = fresh.lines().zip(kept.lines()).skip(1).find(|(a, b)| !same_line(a, b));
        assert_eq!(changed, None, "{name}");
        assert_eq!(fresh.lines().count(), kept.lines().count());
    }
}

/// Pieces of SMILES, among them some that are none.
const PIECES: [&str; 40] = [
    "C",
    "N",
    "O",
    "c",
    "n",
    "o",
    "s",
    "F",
    "Cl",
    "I",
    "S",
    "P",
    "*",
    "[nH]",
    "[N+]",
    "[O-]",
    "[H]",
    "[2H]",
    "[Fe]",
    "[Pt]",
    "[Xe]",
    "[se]",
    "(",
    ")",
    "1",
    "2",
    "%12",
    "=",
    "#",
    "-",
    ":",
    "$",
    "/",
    "->",
    ".",
    "[",
    "]",
    "C1CC1",
    "c1ccccc1",
    "CCCCCCCCCC",
];

proptest! {
    #[test]
    fn no_bytes_at_all_do_harm(structure in prop::collection::vec(any::<u8>(), 0..200)) {
        let scorer = scorer(&ORDERS);
        prop_assert_eq!(score(&scorer, &structure), score(&scorer, &structure));
    }

    #[test]
    fn no_sentence_of_smiles_does_harm(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let scorer = scorer(&ORDERS);
        let structure = pieces.concat();
        let verdict = score(&scorer, structure.as_bytes());
        let declared = verdict.reason.is_empty()
            || reason::OURS.contains(&&*verdict.reason)
            || scorer.describe().reasons.iter().any(|r| *r == verdict.reason);
        prop_assert!(declared);
        prop_assert!(verdict.outcome != Outcome::Ok || verdict.values.len() == scorer.describe().columns.len());
        for value in &verdict.values {
            prop_assert!(!matches!(value, Value::Float(f) if !f.is_finite()));
        }
        let record = Record { ordinal: 0, id: b"", structure: structure.as_bytes() };
        let mol = Mol::from_smiles(record.structure).ok().filter(|_| verdict.outcome == Outcome::Ok);
        let decoy = mol.map(|mol| Decoy { smiles: structure.clone(), facts: Facts::of(&mol), mol, tanimoto: 0.0 });
        let alone = decoy.and_then(|decoy| scorer.score_of_decoy(&record, &decoy));
        let column = verdict.values.first().cloned().unwrap_or(Value::Null);
        prop_assert_eq!(alone.map_or(Value::Null, Value::Float), column);
    }
}
