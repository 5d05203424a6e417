//! The built-in scorer `similarity`: what RDKit says, as far as it goes, and no harm from any bytes.
//!
//! The fixtures hold RDKit's answers, so that this runs without it; where it is installed, they are
//! computed anew by `tests/rdkit/oracle.py` and must come out the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use molsieve::error::Kind;
use molsieve::library::format::Notation;
use molsieve::library::record::Record;
use molsieve::scorer::builtin::Builtin;
use molsieve::scorer::builtin::similarity::{self, Similarity};
use molsieve::scorer::{Outcome, Value, Verdict, reason};
use proptest::prelude::*;

use crate::support::env::project;

const COLUMNS: [&str; 8] = ["similarity", "nearest", "mw", "logp", "tpsa", "hbd", "hba", "rotb"];

/// Records of the hard cases that differ from RDKit, by the class that `docs/similarity.md` names.
const DEVIATIONS: [(&str, &[&str]); 3] = [
    ("kekule", &["m20857", "m23378", "m24551", "m45553", "m45669", "m6531", "m6667", "m7489"]),
    ("metals", &["m3587"]),
    ("dummies", &["m2052", "m41992", "m56421", "m9775"]),
];

/// Molfiles that RDKit reads and molsieve does not, by the reason; `docs/similarity.md` names them.
const UNREAD: [(&str, &str); 4] =
    [("any-atom", "query"), ("any-bond", "query"), ("no-atom", "empty_structure"), ("v3000", "v3000")];

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap()
}

fn scorer() -> Similarity {
    similarity::load(&project("configs/campaigns/actives.smi")).unwrap()
}

fn score(scorer: &Similarity, structure: &[u8]) -> Verdict {
    scorer.score(&Record { ordinal: 0, id: b"", structure })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Float(f) => f.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Text(t) => String::from_utf8(t.clone()).unwrap(),
    }
}

/// RDKit's rows by id; `!` alone where it has no molecule.
fn expected(fixture: &str) -> BTreeMap<String, Vec<String>> {
    let text = read(fixture);
    let rows = text.lines().filter(|l| !l.starts_with('#')).skip(1);
    rows.map(|row| row.split_once(',').unwrap())
        .map(|(id, values)| (id.to_owned(), values.split(',').map(str::to_owned).collect()))
        .collect()
}

/// What differs between our verdict and RDKit's row: `rejected`, or names of columns. Numbers may
/// differ by 1e-6.
fn differences(verdict: &Verdict, row: &[String]) -> Vec<&'static str> {
    let accepted = verdict.outcome == Outcome::Ok;
    if accepted != (row[0] != "!") {
        return vec!["rejected"];
    }
    if !accepted {
        return Vec::new();
    }
    let same = |ours: &str, theirs: &str| match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) => (ours - theirs).abs() <= 1e-6,
        _ => ours == theirs,
    };
    let differs = |i: &usize| {
        if *i == 1 { text(&verdict.values[1]) != row[1] } else { !same(&text(&verdict.values[*i]), &row[*i]) }
    };
    (0..COLUMNS.len()).filter(differs).map(|i| COLUMNS[i]).collect()
}

/// How many records agree, and what differs for each of the others.
fn compare(library: &str, fixture: &str) -> (usize, BTreeMap<String, Vec<&'static str>>) {
    let (scorer, expected) = (scorer(), expected(fixture));
    let (mut agree, mut differ) = (0, BTreeMap::new());
    for line in read(library).lines().filter(|l| !l.starts_with('#')) {
        let mut fields = line.split_whitespace();
        let (structure, id) = (fields.next().unwrap(), fields.next().unwrap());
        let found = differences(&score(&scorer, structure.as_bytes()), &expected[id]);
        if found.is_empty() {
            agree += 1;
        } else {
            differ.insert(id.to_owned(), found);
        }
    }
    assert_eq!(agree + differ.len(), expected.len(), "the fixture is of another library");
    (agree, differ)
}

#[test]
fn every_shipped_structure_has_the_row_that_rdkit_gives_it() {
    let (agree, differ) = compare("data/nci_first_5k.smi", "tests/fixtures/similarity/nci_rdkit.csv");
    assert_eq!((agree, differ), (4999, BTreeMap::new()));
}

#[test]
fn of_the_hard_cases_exactly_the_documented_ones_differ_from_rdkit() {
    let (_, differ) = compare("tests/fixtures/similarity/hard.smi", "tests/fixtures/similarity/hard_rdkit.csv");
    let mut documented: Vec<&str> = DEVIATIONS.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    documented.sort_unstable();
    let found: Vec<&str> = differ.keys().map(String::as_str).collect();
    assert_eq!(found, documented, "{differ:#?}");
}

/// What differs for each molfile of an SD file from the row that `expected` has at its place.
fn compare_molfiles(text: &str, expected: &str) -> BTreeMap<String, Vec<String>> {
    let scorer = scorer().reading(Notation::Molblock);
    let blocks: Vec<&str> = text.split_terminator("$$$$\n").collect();
    let rows: Vec<&str> = expected.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    assert_eq!(blocks.len(), rows.len(), "the fixture is of another library");
    let mut differ = BTreeMap::new();
    for (block, row) in blocks.iter().zip(rows) {
        let (id, values) = row.split_once(',').unwrap();
        assert_eq!(block.lines().next(), Some(id));
        let verdict = score(&scorer, block.as_bytes());
        let values: Vec<String> = values.split(',').map(str::to_owned).collect();
        let mut found: Vec<String> = differences(&verdict, &values).into_iter().map(str::to_owned).collect();
        if found == ["rejected"] {
            found = vec![verdict.reason.clone().into_owned()];
        }
        if !found.is_empty() {
            differ.insert(id.to_owned(), found);
        }
    }
    differ
}

#[test]
fn molfiles_have_the_rows_that_rdkit_gives_them_but_for_the_documented_ones() {
    let found = compare_molfiles(
        &read("tests/fixtures/similarity/molfiles.sdf"),
        &read("tests/fixtures/similarity/molfiles_rdkit.csv"),
    );
    let documented = UNREAD.map(|(id, reason)| (id.to_owned(), vec![reason.to_owned()]));
    assert_eq!(found, BTreeMap::from(documented));
}

#[test]
fn every_shipped_structure_as_a_molfile_has_the_row_that_rdkit_gives_it() {
    let Some((python, _)) = rdkit() else { return };
    let home = tempfile::tempdir().unwrap();
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(&python).arg(project(program)).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let library = project("data/nci_first_5k.smi");
    let text = run("tests/rdkit/molfiles.py", &[library.to_str().unwrap(), "1"]);
    let sdf = home.path().join("nci.sdf");
    std::fs::write(&sdf, &text).unwrap();
    let actives = project("configs/campaigns/actives.smi");
    let rows = run("tests/rdkit/oracle.py", &[actives.to_str().unwrap(), sdf.to_str().unwrap()]);
    let found = compare_molfiles(&text, &rows);
    // RDKit writes what does not fit V2000 as V3000.
    let left: Vec<_> = found.iter().filter(|(_, what)| **what != ["v3000"]).collect();
    assert!(left.is_empty() && found.len() <= 1, "{found:?}");
    assert!(rows.lines().count() > 4990, "most of the library is there");
}

/// The Python that has RDKit and the version of that; none if it is not installed.
fn rdkit() -> Option<(PathBuf, String)> {
    let venv = project(".venv/bin/python");
    let python = if venv.exists() { venv } else { PathBuf::from("python3") };
    let version = Command::new(&python).args(["-c", "import rdkit; print(rdkit.__version__)"]).output();
    let Some(version) = version.ok().filter(|o| o.status.success()) else {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        eprintln!("skipped: RDKit is not installed");
        return None;
    };
    Some((python, String::from_utf8(version.stdout).unwrap()))
}

#[test]
fn the_fixtures_are_what_rdkit_says_today() {
    let Some((python, version)) = rdkit() else { return };
    for (library, fixture) in [
        ("data/nci_first_5k.smi", "tests/fixtures/similarity/nci_rdkit.csv"),
        ("tests/fixtures/similarity/hard.smi", "tests/fixtures/similarity/hard_rdkit.csv"),
        ("tests/fixtures/similarity/molfiles.sdf", "tests/fixtures/similarity/molfiles_rdkit.csv"),
    ] {
        let oracle = [project("tests/rdkit/oracle.py"), project("configs/campaigns/actives.smi"), project(library)];
        let output = Command::new(&python).args(oracle).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let fresh = String::from_utf8(output.stdout).unwrap();
        let changed = fresh
            .lines()
            .skip(1)
            .zip(read(fixture).lines().skip(1))
            .find(|(a, b)| a != b)
            .map(|(a, b)| format!("{a}\n{b}"));
        assert_eq!(changed, None, "RDKit {} differs from {fixture}", version.trim());
        assert_eq!(fresh.lines().count(), read(fixture).lines().count());
    }
}

#[test]
fn the_nearest_active_is_the_first_of_those_equally_near() {
    let scorer = Similarity::from_actives(b"CCO ethanol\n# a comment\n\nOCC again\nCCO\nc1ccccc1\n").unwrap();
    assert_eq!(scorer.actives(), ["ethanol", "again", "active-3", "active-4"]);
    let nearest = |structure: &[u8]| {
        let verdict = score(&scorer, structure);
        (verdict.values[0].clone(), verdict.values[1].clone())
    };
    assert_eq!(nearest(b"C(O)C"), (Value::Float(1.0), Value::Text(b"ethanol".to_vec())));
    assert_eq!(nearest(b"C1=CC=CC=C1"), (Value::Float(1.0), Value::Text(b"active-4".to_vec())));
    assert_eq!(nearest(b"[Xe]"), (Value::Float(0.0), Value::Text(b"ethanol".to_vec())));
}

#[test]
fn actives_that_cannot_be_used_are_refused_with_file_line_and_text() {
    let home = tempfile::tempdir().unwrap();
    let refused = |name: &str, content: &[u8], says: &[&str]| {
        std::fs::write(home.path().join(name), content).unwrap();
        let error = similarity::load(&home.path().join(name)).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        for part in says {
            assert!(error.what().contains(part), "`{part}` is not in `{}`", error.what());
        }
    };
    refused("ring.smi", b"C ok\nC1CC open-ring\n", &["ring.smi", "line 2", "C1CC open-ring", "parse"]);
    refused("valence.smi", b"# first\nCN(=O)(C)(C)C\n", &["valence.smi", "line 2", "valence"]);
    refused("binary.smi", b"C\xff x\n", &["line 1", reason::ENCODING]);
    refused("empty.smi", b"# nothing here\n\n", &["empty.smi", "no active"]);
    assert_eq!(similarity::load(&home.path().join("missing.smi")).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn the_identity_holds_the_actives_by_their_content() {
    let (a, b) = (Similarity::from_actives(b"CCO x\n").unwrap(), Similarity::from_actives(b"CCO y\n").unwrap());
    assert_eq!(a.files()[0].name, "actives");
    assert_ne!(a.files(), b.files());
    assert_eq!(a.describe(), b.describe());
    assert_eq!(a.describe().columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), COLUMNS);
    assert!(a.describe().reasons.iter().all(|r| !reason::OURS.contains(&r.as_str())));
}

#[test]
fn each_kind_of_bad_structure_has_its_outcome_and_reason() {
    let scorer = scorer();
    let long = vec![b'C'; 70_000];
    let many = b"C".repeat(1_001);
    let cases: [(&[u8], &str, &str); 16] = [
        (b"", "SKIP", "empty_structure"),
        (b"C\0C", "ERROR", "bad_encoding"),
        (b"C\xc3", "ERROR", "bad_encoding"),
        (&long, "ERROR", "too_long"),
        (&many, "SKIP", "too_large"),
        ("Cé".as_bytes(), "ERROR", "parse"),
        (b"not a molecule", "ERROR", "parse"),
        (b"C(", "ERROR", "parse"),
        (b"C1CC", "ERROR", "parse"),
        (b"C~C", "ERROR", "parse"),
        (b"C11", "ERROR", "parse"),
        (b"[Zz]", "ERROR", "parse"),
        (b"CN(=O)(C)(C)C", "ERROR", "valence"),
        (b"c1cccc1", "ERROR", "kekulize"),
        (b"cc", "ERROR", "kekulize"),
        (b"C", "OK", ""),
    ];
    for (structure, outcome, reason) in cases {
        let verdict = score(&scorer, structure);
        let shown = String::from_utf8_lossy(&structure[..structure.len().min(20)]);
        assert_eq!((verdict.outcome.as_str(), &*verdict.reason), (outcome, reason), "{shown}");
    }
}

/// A SMILES of `atoms` atoms (`symbol`) and these bonds, all written as ring closures.
fn graph(symbol: &str, atoms: usize, bonds: &[(usize, usize)]) -> String {
    let mut text = vec![symbol.to_owned(); atoms];
    for (number, (a, b)) in bonds.iter().enumerate() {
        for end in [a, b] {
            text[*end] += &["%(", &number.to_string(), ")"].concat();
        }
    }
    text.join(".")
}

#[test]
fn hostile_structures_get_a_verdict_and_nothing_worse() {
    let scorer = scorer();
    let complete: Vec<_> = (0..60).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
    let cube: Vec<_> =
        (0..256_usize).flat_map(|i| (0..8).map(move |b| (i, i ^ (1 << b)))).filter(|(i, j)| i < j).collect();
    let grid: Vec<_> = (0..900)
        .flat_map(|i| [(i, i + 1), (i, i + 30)])
        .filter(|(i, j)| *j < 900 && !(j - i == 1 && j % 30 == 0))
        .collect();
    let hostile = [
        "(".repeat(60_000),
        format!("C{}", "(".repeat(60_000)),
        format!("{}C{}", "C(".repeat(900), ")".repeat(900)),
        format!("{}C{}", "C(".repeat(9_000), ")".repeat(9_000)),
        "C1".repeat(30_000),
        "[".repeat(60_000),
        format!("[{}C]", "9".repeat(60_000)),
        format!("[CH{}]", "9".repeat(30)),
        "C%(99999)".repeat(7_000),
        "C.".repeat(500) + "C",
        graph("[W]", 60, &complete),
        graph("*", 60, &complete),
        graph("[W]", 256, &cube),
        graph("*", 900, &grid),
        graph("c", 900, &grid),
        // 2^60 rings, if all were looked at.
        format!("C%10{}C%10", "c2ccc(cc2)".repeat(60)),
        format!("c1{}1", "c".repeat(998)),
        format!("*1{}1", "*".repeat(998)),
    ];
    for structure in &hostile {
        let verdict = score(&scorer, structure.as_bytes());
        assert_ne!(verdict.reason, reason::CRASH, "{}", &structure[..20]);
    }
    assert_eq!(score(&scorer, hostile[15].as_bytes()).reason, "too_complex");
}

/// Pieces of SMILES, among them some that are none.
const PIECES: [&str; 48] = [
    "C", "N", "O", "c", "n", "o", "s", "p", "b", "F", "Cl", "Br", "I", "S", "P", "*", "[nH]", "[N+]", "[O-]", "[H]",
    "[2H]", "[C@H]", "[Fe]", "[#6]", "[Pt@SP1]", "[se]", "(", ")", "1", "2", "3", "%12", "%(7)", "=", "#", "-", ":",
    "$", "/", "\\", "->", "<-", ".", "~", "[", "]", "C1CC1", "c1ccccc1",
];

proptest! {
    #[test]
    fn no_bytes_at_all_do_harm(structure in prop::collection::vec(any::<u8>(), 0..200)) {
        let scorer = Similarity::from_actives(b"CCO").unwrap();
        prop_assert_eq!(score(&scorer, &structure), score(&scorer, &structure));
    }

    #[test]
    fn no_sentence_of_smiles_does_harm(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        let scorer = Similarity::from_actives(b"CCO").unwrap();
        let verdict = score(&scorer, pieces.concat().as_bytes());
        let declared = verdict.reason.is_empty()
            || reason::OURS.contains(&&*verdict.reason)
            || scorer.describe().reasons.iter().any(|r| *r == verdict.reason);
        prop_assert!(declared);
        for value in &verdict.values {
            prop_assert!(!matches!(value, Value::Float(f) if !f.is_finite()));
        }
    }

    #[test]
    fn two_molecules_in_one_record_add_up(a in 0_usize..4999, b in 0_usize..4999) {
        let library = include_str!("../data/nci_first_5k.smi");
        let structure = |n: usize| library.lines().nth(n).unwrap().split('\t').next().unwrap();
        let scorer = Similarity::from_actives(b"CCO").unwrap();
        let alone = [a, b].map(|n| score(&scorer, structure(n).as_bytes()));
        prop_assume!(alone.iter().all(|v| v.outcome == Outcome::Ok));
        let both = score(&scorer, format!("{}.{}", structure(a), structure(b)).as_bytes());
        let number = |v: &Verdict, i: usize| text(&v.values[i]).parse::<f64>().unwrap();
        for (column, name) in COLUMNS.iter().enumerate().skip(2) {
            let sum = number(&alone[0], column) + number(&alone[1], column);
            prop_assert!((number(&both, column) - sum).abs() < 1e-6, "{name}");
        }
    }
}
