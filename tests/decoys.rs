//! Canonical forms and decoys: what RDKit says of them, as far as it goes, and no harm from any bytes.
//!
//! The fixtures hold RDKit's answers, so that this runs without it; where it is installed, they are computed anew by
//! `tests/rdkit/decoys.py` and must come out the same.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use molsieve::digest;
use molsieve::scorer::builtin::chem::{Mol, canon, element};
use molsieve::scorer::builtin::decoys::{self, Seed, Settings, Strategy};
use proptest::prelude::*;

use crate::support::env::project;

/// Parents whose decoys differ from RDKit's, by the class that `docs/decoys.md` names and the strategy.
const DEVIATIONS: [(&str, &str, &[&str]); 2] = [
    ("kekule", "rewire_relax_a_v1", &["150", "2146", "3985", "545"]),
    ("metals", "rewire_fallback_aromatic_as_single_v1", &["1537", "4773"]),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap()
}

fn canonical(smiles: &str) -> Option<String> {
    canon::smiles(&Mol::from_smiles(smiles.as_bytes()).ok()?).ok()
}

/// The Python that has RDKit; none if it is not installed.
fn rdkit() -> Option<PathBuf> {
    let venv = project(".venv/bin/python");
    let python = if venv.exists() { venv } else { PathBuf::from("python3") };
    let found = Command::new(&python).args(["-c", "import rdkit"]).output().is_ok_and(|o| o.status.success());
    if !found {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        eprintln!("skipped: RDKit is not installed");
    }
    found.then_some(python)
}

/// What the reference says to `input`, line by line, without remarks.
fn ask(python: &PathBuf, task: &str, input: String) -> Vec<String> {
    let mut command = Command::new(python);
    command.arg(project("tests/rdkit/decoys.py")).arg(task).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// All decoys of `parent` by `strategy`, in one piece or not.
fn space(parent: &str, strategy: Strategy, connected: bool) -> Option<decoys::Decoys> {
    let settings = Settings {
        count: usize::MAX,
        strategies: vec![strategy],
        window: None,
        connected,
        looks: usize::MAX,
        atoms: usize::MAX,
    };
    decoys::of(&Mol::from_smiles(parent.as_bytes()).ok()?, &Seed::new(0), &settings).ok()
}

#[test]
fn two_shipped_structures_have_one_form_if_and_only_if_rdkit_gives_them_one() {
    let library = read("data/nci_first_5k.smi");
    let theirs = read("tests/fixtures/decoys/nci_rdkit.smi");
    let (mut ours_of, mut theirs_of) = (BTreeMap::new(), BTreeMap::new());
    let mut all = String::new();
    for (line, rdkit) in library.lines().zip(theirs.lines()) {
        let Some(ours) = canonical(line.split('\t').next().unwrap()) else {
            assert_eq!(rdkit, "!", "{line}");
            continue;
        };
        assert_eq!(canonical(rdkit).as_ref(), Some(&ours), "{line}: RDKit writes {rdkit}");
        assert_eq!(ours_of.entry(rdkit).or_insert_with(|| ours.clone()), &ours);
        assert_eq!(theirs_of.entry(ours.clone()).or_insert(rdkit), &rdkit);
        all += &ours;
        all.push('\n');
    }
    assert_eq!((library.lines().count(), ours_of.len()), (theirs.lines().count(), 4_892));
    // If this changes, so does every decoy: the scorers that use them need another version.
    assert_eq!(
        digest::sha256(all.as_bytes()).to_string(),
        "9505c2f48684e30eda86abed69156a3d09a0070f5cc35cb069f3a3ccb6aad968"
    );
}

#[test]
fn rdkit_reads_our_form_as_the_same_molecule() {
    let Some(python) = rdkit() else { return };
    let library = read("data/nci_first_5k.smi");
    let structure = |line: &str| line.split('\t').next().unwrap().to_owned();
    let pair = |line: &str| {
        let structure = structure(line);
        format!("{structure}\t{}\n", canonical(&structure).unwrap_or_else(|| "!".to_owned()))
    };
    let answers = ask(&python, "same", library.lines().map(pair).collect());
    let fixture = read("tests/fixtures/decoys/nci_rdkit.smi");
    assert_eq!(answers.len(), fixture.lines().count());
    for (answer, rdkit) in answers.iter().zip(fixture.lines()) {
        assert_eq!(*answer, format!("{rdkit}\t{rdkit}"));
    }
}

/// The decoys that RDKit finds for a parent by a strategy: the number of candidates, and each decoy once, those of
/// HETERO-2's way first.
struct Theirs<'a> {
    id: &'a str,
    strategy: Strategy,
    candidates: usize,
    one_way: Vec<&'a str>,
    other_way: Vec<&'a str>,
}

fn theirs(line: &str) -> Theirs<'_> {
    let fields: Vec<&str> = line.split('\t').collect();
    let strategy = Strategy::ALL.into_iter().find(|strategy| strategy.name() == fields[1]).unwrap();
    Theirs {
        id: fields[0],
        strategy,
        candidates: fields[2].parse().unwrap(),
        one_way: fields[3].split(' ').filter(|s| !s.is_empty()).collect(),
        other_way: fields[4].split(' ').filter(|s| !s.is_empty()).collect(),
    }
}

#[test]
fn every_strategy_makes_the_decoys_that_rdkit_makes_but_for_the_documented_ones() {
    let parents = read("tests/fixtures/decoys/parents.smi");
    let parents: BTreeMap<&str, &str> = parents.lines().map(|line| line.split_once('\t').unwrap()).collect();
    let fixture = read("tests/fixtures/decoys/swaps_rdkit.tsv");
    let mut differ = BTreeMap::new();
    let mut shares = BTreeMap::new();
    for theirs in fixture.lines().filter(|line| !line.starts_with('#')).map(theirs) {
        let ours = space(parents[theirs.id], theirs.strategy, false).unwrap();
        let found: BTreeSet<String> = ours.decoys.iter().map(|decoy| decoy.smiles.clone()).collect();
        let wanted: Vec<String> = theirs
            .one_way
            .iter()
            .chain(&theirs.other_way)
            .map(|smiles| canonical(smiles).unwrap_or_default())
            .collect();
        assert_eq!(ours.trials[0].candidates as usize, theirs.candidates, "{} {}", theirs.id, theirs.strategy.name());
        if found.len() != wanted.len() || !wanted.iter().all(|smiles| found.contains(smiles)) {
            differ.insert((theirs.id.to_owned(), theirs.strategy.name()), found.len());
        }
        let whole = |list: &[&str]| list.iter().filter(|smiles| !smiles.contains('.')).count();
        let share: &mut [usize; 4] = shares.entry(theirs.strategy).or_default();
        let counts = [
            theirs.one_way.len(),
            whole(&theirs.one_way),
            theirs.one_way.len() + theirs.other_way.len(),
            whole(&theirs.one_way) + whole(&theirs.other_way),
        ];
        share.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let documented: BTreeSet<(String, &str)> =
        DEVIATIONS.iter().flat_map(|(_, strategy, ids)| ids.iter().map(|id| ((*id).to_owned(), *strategy))).collect();
    assert_eq!(differ.keys().cloned().collect::<BTreeSet<_>>(), documented);
    // All of HETERO-2's way, those in one piece, all of both ways, those in one piece: docs/decoys.md quotes them.
    assert_eq!(
        shares.into_values().collect::<Vec<_>>(),
        [[416, 145, 810, 476], [1_014, 318, 1_962, 1_040], [585, 296, 1_096, 744], [6_191, 5_093, 10_448, 9_100]]
    );
}

#[test]
fn the_decoys_in_the_fixture_are_what_rdkit_makes_today() {
    let Some(python) = rdkit() else { return };
    let fresh = ask(&python, "swaps", read("tests/fixtures/decoys/parents.smi"));
    let fixture = read("tests/fixtures/decoys/swaps_rdkit.tsv");
    let fixture: Vec<&str> = fixture.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(fresh.len(), fixture.len());
    for (fresh, fixture) in fresh.iter().zip(fixture) {
        assert_eq!(fresh, fixture);
    }
}

#[test]
fn rdkit_makes_the_same_decoys_of_other_structures_and_tells_them_apart_as_we_do() {
    let Some(python) = rdkit() else { return };
    let library = read("data/nci_first_5k.smi");
    let mut input = String::new();
    for line in library.lines().skip(2).step_by(131) {
        let structure = line.split('\t').next().unwrap();
        for strategy in Strategy::ALL {
            let Some(decoys) = space(structure, strategy, false).filter(|d| d.trials[0].pairs <= 120) else { continue };
            let list: Vec<&str> = decoys.decoys.iter().map(|decoy| decoy.smiles.as_str()).collect();
            input += &format!("{}\t{}\t{}\n", decoys.parent, strategy.name(), list.join(" "));
        }
    }
    let asked = input.lines().count();
    assert!(asked > 100);
    for line in ask(&python, "compare", input) {
        let fields: Vec<&str> = line.split('\t').collect();
        let parent = Mol::from_smiles(fields[0].as_bytes()).unwrap();
        let metals = parent.atoms.iter().any(|atom| element::is_metal(atom.element));
        let in_pieces = fields[2..].join(" ").split(' ').all(|decoy| decoy.contains('.'));
        // The classes that docs/decoys.md names.
        let is_kekule = fields[1] == Strategy::RelaxA.name() && in_pieces;
        let is_metals = fields[1] == Strategy::AromaticAsSingle.name() && metals;
        assert!(is_kekule || is_metals, "{line}");
    }
}

/// Pieces of SMILES, among them some that are none.
const PIECES: [&str; 36] = [
    "C", "N", "O", "c", "n", "o", "s", "F", "Cl", "S", "P", "*", "[nH]", "[N+]", "[O-]", "[H]", "[2H]", "[Fe]", "[Pt]",
    "[se]", "(", ")", "1", "2", "=", "#", "-", "$", "->", ".", "C1CC1", "c1ccccc1", "C(C)C", "[CH2]", "[C]", "CCC",
];

proptest! {
    #[test]
    fn no_sentence_of_smiles_does_harm_and_every_decoy_reads_back(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30),
        seed in any::<u64>(),
    ) {
        let Ok(mol) = Mol::from_smiles(pieces.concat().as_bytes()) else { return Ok(()) };
        let Ok(found) = decoys::of(&mol, &Seed::new(seed), &Settings::of(3)) else { return Ok(()) };
        for decoy in &found.decoys {
            let again = Mol::from_smiles(decoy.smiles.as_bytes()).unwrap();
            prop_assert_eq!(canon::smiles(&again).unwrap(), decoy.smiles.clone());
            prop_assert_ne!(&decoy.smiles, &found.parent);
            prop_assert_eq!(again.bonds.len(), mol_of(&found.parent).bonds.len());
        }
    }
}

fn mol_of(smiles: &str) -> Mol {
    Mol::from_smiles(smiles.as_bytes()).unwrap()
}
