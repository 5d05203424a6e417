//! A library of molblocks to its end: scored by the built-in scorer, drawn, and its hits in a file that others open.

use std::process::Command;

use crate::support::env::{TestEnv, project, python};

const SIMILARITY: &str = "kind = \"similarity\"\nactives = \"actives.smi\"";

/// A scorer of molblocks whose text cells try to be more than text.
const HOSTILE: &str = r#"
import json, sys
print(json.dumps({"name": "dock", "version": "1", "batch_size": 16, "deterministic": True, "columns": [
    {"name": "score", "type": "float", "order": "asc"}, {"name": "note", "type": "string"}]}), flush=True)
notes = ["$$$$", "> <score>", "a\n\n> <score>\n-99", "", " ", "M  END"]
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps({"seq": request["seq"], "results": [
        [o, "OK", {"score": o / 4, "note": notes[o % len(notes)]}] for o, _, _, _ in request["records"]]}), flush=True)
"#;

fn actives(env: &TestEnv) {
    env.write("actives.smi", "CC(=O)Oc1ccccc1C(=O)O\taspirin\nOC(=O)c1ccccc1\tbenzoic\n");
}

fn fixture() -> Vec<u8> {
    std::fs::read(project("tests/fixtures/similarity/molfiles.sdf")).unwrap()
}

fn text(env: &TestEnv, path: &str) -> String {
    std::fs::read_to_string(env.path(path)).unwrap()
}

/// A molblock of methanol with this title.
fn methanol(title: &str) -> String {
    format!(
        "{title}\n  program\n\n  2  1  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\n    1.4000    0.0000    0.0000 O   0  0\n  1  2  1  0\nM  END\n"
    )
}

/// What RDKit finds in an SD file, a line a record: whether it is a molecule, and its data items.
fn opened(env: &TestEnv, path: &str) -> Option<Vec<String>> {
    if !Command::new(python()).args(["-c", "import rdkit"]).output().is_ok_and(|done| done.status.success()) {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        return None;
    }
    let read = "import sys\nfrom rdkit import Chem\nfor m in Chem.SDMolSupplier(sys.argv[1]):\n    print(m is not None, sorted(m.GetPropsAsDict(autoConvertStrings=False).items()) if m else '')";
    let done = Command::new(python()).args(["-c", read]).arg(env.path(path)).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn the_built_in_scorer_scores_an_sd_file_and_the_report_draws_its_hits() {
    let env = TestEnv::new();
    env.write("library.sdf", fixture());
    actives(&env);
    let file = env.campaign("c").library("library.sdf").scorer(SIMILARITY).with("[pack]\ntop = 20").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.molsieve(["verify", "--allow-unsigned", "d/pack/evidence_pack.zip"]).exits(0);
    let rows = text(&env, "d/pack/summary.csv");
    for (id, end) in [("v3000", "SKIP,v3000"), ("any-bond", "SKIP,query"), ("no-atom", "SKIP,empty_structure")] {
        assert!(rows.lines().any(|row| row.contains(&format!(",{id},{end},"))), "{id}");
    }
    let page = text(&env, "d/pack/report.html");
    assert_eq!(page.matches("class=\"mol\"").count(), 20, "each hit is drawn");
    assert!(page.contains("<code>hits.sdf</code> has the structures of all 20"));
    assert!(
        page.contains("<i>molblock of 15 lines</i>") && !page.contains("V3000"),
        "the others are named, not spilled"
    );
    assert!(text(&env, "d/pack/index.md").contains("`hits.sdf`") && !env.path("d/pack/hits.smi").exists());
    let peek = env.molsieve(["peek", "d", "--top", "3"]).exits(0).stdout();
    assert!(peek.contains("molblock `") && !peek.contains("V2000"), "{peek}");
    assert_eq!(env.facts(["peek", "d"])["notation"], "molblock");
}

#[test]
fn hits_of_molblocks_open_elsewhere_and_can_be_screened_next() {
    let env = TestEnv::new();
    env.write("library.sdf", fixture());
    actives(&env);
    let run = |name: &str, library: &str| {
        let file = env.campaign(name).library(library).scorer(SIMILARITY).with("[pack]\ntop = 25").write();
        env.molsieve(["run", &file, "--dir", name]).exits(0);
        let hits = text(&env, &format!("{name}/pack/hits.csv"));
        hits.lines().map(|line| line.split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let first = run("first", "library.sdf");
    std::fs::copy(env.path("first/pack/hits.sdf"), env.path("hits.sdf")).unwrap();
    assert_eq!(first, run("next", "hits.sdf"), "the same records have the same scores, in the same order");
    let library = String::from_utf8(fixture()).unwrap();
    let molblocks = text(&env, "hits.sdf");
    for block in molblocks.split("$$$$\n").filter(|block| !block.is_empty()) {
        let molblock = block.split("> <ordinal>").next().unwrap();
        assert!(library.contains(molblock), "as it came: {block}");
    }
    let Some(records) = opened(&env, "hits.sdf") else { return };
    assert_eq!(records.len(), 25);
    for (record, row) in records.iter().zip(&first[1..]) {
        let cells: Vec<&str> = row.split(',').collect();
        for item in [format!("('id', '{}')", cells[0]), format!("('similarity', '{}')", cells[3])] {
            assert!(record.starts_with("True") && record.contains(&item), "`{item}` is not in {record}");
        }
    }
}

#[test]
fn no_id_and_no_cell_becomes_a_record_or_a_data_item() {
    let env = TestEnv::new();
    let ids = ["> <score>", "\u{202e}x", "a\\b", "M  END", "  padded", "> 1 <id> $$$$"];
    env.write("library.sdf", ids.iter().map(|id| methanol(id) + "$$$$\n").collect::<String>());
    let script = env.write("score.py", HOSTILE);
    env.molsieve(["run", &env.campaign("c").library("library.sdf").python(&script, &[]).write(), "--dir", "d"])
        .exits(0);
    let sdf = text(&env, "d/pack/hits.sdf");
    assert_eq!(sdf.lines().filter(|line| line.starts_with("$$$$")).count(), ids.len(), "{sdf}");
    for value in ["\\x24$$$", "\\x3e <score>", "a\\x0a\\x0a> <score>\\x0a-99", "\\x20"] {
        assert!(sdf.lines().any(|line| line == value), "`{value}` is not in {sdf}");
    }
    let Some(records) = opened(&env, "d/pack/hits.sdf") else { return };
    assert_eq!(records.len(), ids.len(), "{records:?}");
    for (i, record) in records.iter().enumerate() {
        let score = format!("('score', '{}')", i as f64 / 4.0);
        assert!(record.starts_with("True") && record.contains(&score), "`{score}` is not in {record}");
    }
}

#[test]
fn a_molblock_without_its_end_is_left_out_of_the_hits_and_counted() {
    let env = TestEnv::new();
    let torn = methanol("torn").replace("M  END\n", "");
    env.write("library.sdf", [methanol("whole"), torn, methanol("again")].map(|block| block + "$$$$\n").concat());
    let script = env.write("score.py", HOSTILE);
    let file = env.campaign("c").library("library.sdf").python(&script, &[]).write();
    let run = env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    assert!(
        run.stderr()
            .contains("WARNING of the library: 1 molfiles have no `M  END`; look with `molsieve library inspect")
    );
    let sdf = text(&env, "d/pack/hits.sdf");
    assert!(sdf.contains("whole\n") && sdf.contains("again\n") && !sdf.contains("torn"), "{sdf}");
    let page = text(&env, "d/pack/report.html");
    assert!(page.contains("has the structures of 2; 1 that are no whole molblock are left out"));
}

#[test]
fn a_program_that_takes_smiles_is_refused_molblocks_before_any_work() {
    let env = TestEnv::new();
    env.write("library.sdf", fixture());
    let of = |protocol: &str, argv: &str, more: &str| {
        let lines = format!(
            "kind = \"command\"\nprotocol = \"{protocol}\"\nargv = {argv}\nname = \"n\"\nversion = \"1\"\ncolumns = [{{ name = \"score\" }}]\n{more}"
        );
        let file = env.campaign("c").library("library.sdf").scorer(&lines).write();
        let run = env.molsieve(["plan", &file, "--dir", "d"]);
        let is_planned = env.path("d").exists();
        let _ = std::fs::remove_dir_all(env.path("d"));
        (run, is_planned)
    };
    let pattern = "pattern = '(?P<score>\\d+)'";
    for (protocol, argv, more, hint) in [
        ("batch", "[\"true\", \"{in}\", \"{out}\"]", "", "say `input = \"csv\"`"),
        ("each", "[\"true\", \"{in}\"]", pattern, "hand the molblock over as `{structure}`"),
        ("easydock", "[\"true\"]", "", "speak `batch` with `input = \"csv\"`"),
    ] {
        let (run, is_planned) = of(protocol, argv, more);
        let run = run.exits(2).says("and the library holds molblocks").says(hint).says("`jsonl`");
        assert!(!is_planned, "{}", run.stderr());
    }
    for (protocol, argv, more) in [
        ("batch", "[\"true\", \"{in}\", \"{out}\"]", "input = \"csv\"".to_owned()),
        ("each", "[\"true\", \"{in}\"]", format!("{pattern}\ninput = \"csv\"")),
        ("each", "[\"true\", \"{structure}\"]", pattern.to_owned()),
    ] {
        of(protocol, argv, &more).0.exits(0);
    }
}

#[test]
fn what_is_odd_about_a_library_is_said_before_work_is_spent_and_once() {
    let env = TestEnv::new();
    let others: String = (0..12).map(|i| format!("CC{},x{i}\n", "C".repeat(i))).collect();
    env.write("library.csv", format!("smiles,id\nCCO,a\nCCN,a\n,b\n{others}"));
    let file = env.campaign("c").library("library.csv").write();
    let planned = env.molsieve(["plan", &file, "--dir", "d"]).exits(0).stderr();
    assert!(
        planned.contains("WARNING of the library: 2 records share their id with another")
            && planned.contains("(and 1 more)"),
        "{planned}"
    );
    let place = env.path("library.csv").display().to_string();
    assert!(planned.contains(&format!("`molsieve library inspect {place}`")), "{planned}");
    let inspected = env.molsieve(["library", "inspect", &place]).exits(0).stdout();
    assert!(
        inspected.contains("WARNING  1 records have no structure: they end as `SKIP empty_structure`"),
        "{inspected}"
    );
    assert!(!env.molsieve(["run", &file, "--dir", "d"]).exits(0).stderr().contains("WARNING of the library"));
    let clean = env.small_library(10);
    let file = env.campaign("clean").library(clean.to_str().unwrap()).write();
    assert!(!env.molsieve(["plan", &file, "--dir", "e"]).exits(0).stderr().contains("WARNING of the library"));
}
