//! Scores by RDKit's hashes: matched where RDKit says whose they are, and never guessed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use molsieve::digest;

use crate::support::env::{TestEnv, project};

/// The Python that has RDKit; none if it is not installed.
fn rdkit() -> Option<PathBuf> {
    let python = PathBuf::from(crate::support::env::python());
    let found = Command::new(&python).args(["-c", "import rdkit"]).output().is_ok_and(|o| o.status.success());
    if !found {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        eprintln!("skipped: RDKit is not installed");
    }
    found.then_some(python)
}

/// A file of `hetero_scores.v1`: 1 for every record, and a score for each hash.
fn hetero(scores: &BTreeMap<String, f64>) -> String {
    let decoys: Vec<String> =
        scores.iter().map(|(hash, score)| format!("\"{hash}\":{{\"score\":{score},\"weight\":1.0}}")).collect();
    let original = "{\"score\":1.0,\"weight\":1.0}";
    format!("{{\"schema_version\":\"hetero_scores.v1\",\"original\":{original},\"decoys\":{{{}}}}}", decoys.join(","))
}

fn campaign(env: &TestEnv, more: &str) -> String {
    let scorer = format!("kind = \"precomputed\"\nscores = \"scores.json\"\n{more}");
    env.campaign("c").scorer(&scorer).with("[decoys]\ncount = 2").write()
}

#[test]
fn without_rdkit_scores_by_its_hashes_are_unmatched_and_nothing_is_guessed() {
    let env = TestEnv::new();
    env.small_library(20);
    // The hash of one of our own look-alikes is no exception: the file says that its hashes are RDKit's.
    env.write("scores.json", hetero(&BTreeMap::new()));
    let file = campaign(&env, "");
    let ours = env.molsieve(["decoys", &file]).exits(0).stdout();
    let hashes = ours.lines().skip(1).map(|line| (line.split(',').next().unwrap().to_owned(), 0.5)).collect();
    env.write("scores.json", hetero(&hashes));
    let facts = env.facts(["decoys", &file, "-o", "all.csv"]);
    assert_eq!((&facts["coverage"]["decoys_scored"], &facts["coverage"]["records_scored"]), (&0.into(), &20.into()));
    let unmatched = format!("{} are under hashes of RDKit's", hashes.len());
    env.molsieve(["run", &file, "--dir", "d"]).exits(0).says(&unmatched).says("rdkit_hashes");
    let text = std::fs::read_to_string(env.path("d/pack/manifest.json")).unwrap();
    assert!(text.contains(&format!("\"unmatched\":{}", hashes.len())), "the pack says so: {text}");
    let summary = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    let rows = summary.lines().skip(1).filter(|row| row.contains(",OK,"));
    assert!(rows.clone().count() > 10 && rows.clone().all(|row| row.ends_with(",SKIP")), "{summary}");
}

#[test]
fn with_rdkit_each_score_belongs_to_the_look_alike_that_rdkit_names() {
    let Some(python) = rdkit() else { return };
    let env = TestEnv::new();
    env.small_library(40);
    env.write("scores.json", hetero(&BTreeMap::new()));
    let file = campaign(&env, "");
    env.molsieve(["decoys", &file, "-o", "decoys.csv"]).exits(0);
    let script = project("examples/hetero2/rdkit_hashes.py");
    let hashes = Command::new(&python).arg(&script).arg(env.path("decoys.csv")).output().unwrap();
    assert!(hashes.status.success(), "{}", String::from_utf8_lossy(&hashes.stderr));
    env.write("hashes.csv", &hashes.stdout);
    // What another program that knows RDKit alone would have sent, of all but every fifth, and of one more.
    let ask = "import sys, hashlib\nfrom rdkit import Chem\nfor line in sys.stdin:\n    \
               print(hashlib.sha256(Chem.CanonSmiles(line.strip()).encode()).hexdigest())";
    let text = std::fs::read_to_string(env.path("decoys.csv")).unwrap();
    let smiles: String = text.lines().skip(1).map(|line| format!("{}\n", line.split(',').nth(1).unwrap())).collect();
    env.write("smiles", &smiles);
    let stdin = std::fs::File::open(env.path("smiles")).unwrap();
    let theirs = Command::new(&python).args(["-c", ask]).stdin(stdin).output().unwrap();
    let theirs: Vec<String> = String::from_utf8(theirs.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(theirs.len(), smiles.lines().count());
    let mut scores: BTreeMap<String, f64> =
        theirs.iter().enumerate().filter(|(n, _)| n % 5 != 0).map(|(n, hash)| (hash.clone(), n as f64)).collect();
    scores.insert(digest::sha256(b"a stranger").to_string(), 3.0);
    env.write("scores.json", hetero(&scores));
    let file = campaign(&env, "rdkit_hashes = \"hashes.csv\"");
    env.molsieve(["decoys", &file, "--missing", "-o", "missing.csv"]).exits(0);
    let missing = std::fs::read_to_string(env.path("missing.csv")).unwrap();
    let expected: Vec<&str> =
        text.lines().skip(1).enumerate().filter(|(n, _)| n % 5 == 0).map(|(_, line)| line).collect();
    assert_eq!(missing.lines().skip(1).collect::<Vec<_>>(), expected);
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    let text = std::fs::read_to_string(env.path("d/campaign.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let held = &json["identity"]["scorer"]["settings"]["held"];
    assert_eq!((&held["unmatched"], &held["scores"]), (&1.into(), &(scores.len() - 1).into()));
    let files: Vec<&str> =
        json["identity"]["scorer"]["files"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert_eq!(files, ["rdkit_hashes", "scores"]);
}
