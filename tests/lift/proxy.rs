//! Labels that a rule makes: they come out as documented, and never pass for a measurement.

use std::process::Command;

use crate::support::env::{TestEnv, project};

/// The rule of docs/formats/truth.md, on lines of structure, blank and id.
const RULE: &str = "import csv, hashlib, sys\n\
    out = csv.writer(sys.stdout, lineterminator='\\n')\n\
    out.writerow(['molecule_id', 'canonical_smiles', 'expensive_label', 'truth_source', 'truth_version'])\n\
    for line in sys.stdin:\n    \
        smiles, id = line.split()\n    \
        hit = int(hashlib.sha256(smiles.encode()).hexdigest()[:8], 16) % 100 < 5\n    \
        out.writerow([id, smiles, 'PASS' if hit else 'FAIL', 'proxy_rule_v1', 'customer_truth.v1'])\n";

fn campaign(env: &TestEnv) -> String {
    let actives = project("configs/campaigns/actives.smi");
    env.campaign("c").scorer(&format!("kind = \"similarity\"\nactives = {actives:?}")).write()
}

#[test]
fn the_rule_is_that_of_the_page_for_every_structure_of_a_library() {
    let env = TestEnv::new();
    let library = env.write("library.smi", std::fs::read(project("data/nci_first_5k.smi")).unwrap());
    env.molsieve(["library", "snapshot", "library.smi", "--out", "S"]).exits(0);
    env.molsieve(["report", "proxy-truth", "S", "--out", "t.csv"]).exits(0).says("they stand for no measurement");
    let python =
        Command::new("python3").args(["-c", RULE]).stdin(std::fs::File::open(library).unwrap()).output().unwrap();
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let (ours, theirs) =
        (std::fs::read_to_string(env.path("t.csv")).unwrap(), String::from_utf8(python.stdout).unwrap());
    assert_eq!(ours.lines().count(), theirs.lines().count());
    let differs = ours.lines().zip(theirs.lines()).find(|(a, b)| a != b);
    assert_eq!(differs, None);
    env.molsieve(["report", "proxy-truth", "S", "--out", "t.csv"]).exits(2).says("`t.csv` exists already");
}

#[test]
fn made_labels_are_called_so_in_every_report_and_decide_nothing() {
    let env = TestEnv::new();
    env.small_library(600);
    let file = campaign(&env);
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let facts = env.facts(["report", "proxy-truth", "d", "--out", "p.csv"]);
    assert_eq!((&facts["schema"], &facts["labels"]), (&"molsieve.proxy-truth.v1".into(), &600.into()));
    let report = env.facts(["report", "cost-lift", "d", "--truth", "p.csv", "--k", "50"]);
    assert_eq!(report["molsieve"]["verdict"], "proxy");
    assert_eq!(report["molsieve"]["truth"]["sources"]["proxy_rule_v1"], 600);
    let run = env.molsieve(["report", "cost-lift", "d", "--truth", "p.csv", "--k", "50"]).exits(0);
    assert!(run.stdout().starts_with("PROXY TRUTH: a rule made labels (`proxy_rule_v1`)"), "{run}");
    let run = run.says("MADE BY A RULE, not measured");
    assert!(!run.stdout().contains("PAYS"), "{run}");
    // One made label among measured ones is enough, and a measurement can be insisted on.
    let mixed = std::fs::read_to_string(env.path("p.csv")).unwrap().replace("proxy_rule_v1", "assay");
    env.write("m.csv", mixed.replacen("assay", "Proxy_Rule_v2", 1));
    assert_eq!(
        env.facts(["report", "cost-lift", "d", "--truth", "m.csv", "--k", "50"])["molsieve"]["verdict"],
        "proxy"
    );
    env.molsieve(["report", "cost-lift", "d", "--truth", "p.csv", "--truth-source", "external"]).exits(2);
}

#[test]
fn records_that_the_rule_cannot_be_about_are_left_out_or_refused() {
    let env = TestEnv::new();
    env.write("a.csv", b"smiles,id\nC,A\n,B\nCC,\n\"C\xff\",D\n");
    env.molsieve(["library", "snapshot", "a.csv", "--out", "S"]).exits(0);
    let facts = env.facts(["report", "proxy-truth", "S", "--out", "t.csv"]);
    assert_eq!((&facts["labels"], &facts["left_out"]), (&2.into(), &2.into()));
    let table = std::fs::read_to_string(env.path("t.csv")).unwrap();
    assert!(table.lines().nth(2).unwrap().starts_with("mol_2,CC,"), "{table}");
    env.write("b.smi", "C A\nCC B\nCCC A\n");
    env.molsieve(["library", "snapshot", "b.smi", "--out", "T"]).exits(0);
    env.molsieve(["report", "proxy-truth", "T", "--out", "u.csv"]).exits(2).says("record 2 has the id `A`");
    assert!(!env.path("u.csv").exists(), "nothing is left half written");
    env.write("m.sdf", std::fs::read(project("tests/fixtures/similarity/molfiles.sdf")).unwrap());
    env.molsieve(["library", "snapshot", "m.sdf", "--out", "U"]).exits(0);
    env.molsieve(["report", "proxy-truth", "U", "--out", "u.csv"]).exits(2).says("molblocks");
    env.molsieve(["report", "proxy-truth", "nowhere", "--out", "u.csv"]).exits(2).says("neither a campaign nor");
}
