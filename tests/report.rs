//! `report.html` and `hits.smi`: what a person opens, prints and goes on with says what the pack says, and nothing
//! that comes from data becomes more than text in it.

use std::path::Path;
use std::process::Command;

use crate::support::env::{TestEnv, project, python};

/// Columns `score` and `note`. Every tenth record fails; the notes and the version of the scorer are markup.
const MARKUP_SCORER: &str = r#"
import json, sys
hello = {"name": "dock", "version": "1\"><script>alert(1)</script>", "deterministic": True, "batch_size": 16, "reasons": ["no_pose"],
         "columns": [{"name": "score", "type": "float", "order": "asc"}, {"name": "note", "type": "string"}]}
print(json.dumps(hello), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    results = []
    for ordinal, identity, structure, seed in request["records"]:
        if ordinal % 10 == 9:
            results.append([ordinal, "ERROR", "no_pose"])
        else:
            results.append([ordinal, "OK", {"score": ordinal / 4 - 9, "note": "</dd><script>alert('x')</script>\u202e"}])
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// What the report in `dir` says, after it was judged from outside.
fn said_by(env: &TestEnv, dir: &str) -> String {
    let path = env.path(&format!("{dir}/pack/report.html"));
    let done = Command::new("python3").arg(project("tests/external/check_report.py")).arg(&path).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap().replace('\u{202f}', "");
    // Where one element ends and a mark follows, the judge puts a blank.
    [".", ",", ":"].iter().fold(text, |text, mark| text.replace(&format!(" {mark}"), mark))
}

fn page(env: &TestEnv, dir: &str) -> String {
    std::fs::read_to_string(env.path(&format!("{dir}/pack/report.html"))).unwrap()
}

fn manifest(env: &TestEnv, dir: &str) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(env.path(&format!("{dir}/pack/manifest.json"))).unwrap()).unwrap()
}

fn similarity(env: &TestEnv) {
    env.write("actives.smi", "CC(=O)Oc1ccccc1C(=O)O\taspirin\nOC(=O)c1ccccc1\tbenzoic\n");
}

const SIMILARITY: &str = "kind = \"similarity\"\nactives = \"actives.smi\"";

#[test]
fn the_report_says_what_the_manifest_says_and_draws_the_hits() {
    let env = TestEnv::new();
    env.small_library(300);
    similarity(&env);
    env.molsieve(["run", &env.campaign("c").scorer(SIMILARITY).with("[pack]\ntop = 10").write(), "--dir", "d"])
        .exits(0);
    let (said, page, manifest) = (said_by(&env, "d"), page(&env, "d"), manifest(&env, "d"));
    let counts = &manifest["records"];
    for text in [
        format!("Complete. Each of the {} records", counts["total"]),
        format!("OK {}", counts["ok"]),
        format!("ERROR {}", counts["error"]),
        "All 10 hits".to_owned(),
        "hits.smi has the structures of all 10".to_owned(),
        manifest["payload"]["digest"].as_str().unwrap().to_owned(),
        manifest["campaign"]["library"]["root"].as_str().unwrap().to_owned(),
        "molsieve verify evidence_pack.zip --key".to_owned(),
        "10 hits ≥".to_owned(),
    ] {
        assert!(said.contains(&text), "`{text}` is not in: {said}");
    }
    assert_eq!(page.matches("class=\"mol\"").count(), 10, "each hit is drawn");
    assert!(page.len() < 300_000, "{} bytes", page.len());
    let listed = |name: &str| manifest["files"].as_array().unwrap().iter().any(|file| file["name"] == name);
    assert!(listed("report.html") && listed("hits.smi"));
    env.molsieve(["verify", "--allow-unsigned", "d/pack/evidence_pack.zip"]).exits(0);
}

#[test]
fn but_for_times_and_hosts_two_executions_write_the_same_report() {
    let env = TestEnv::new();
    env.small_library(200);
    similarity(&env);
    let file = env.campaign("c").scorer(SIMILARITY).write();
    for dir in ["a", "b"] {
        env.molsieve(["run", &file, "--dir", dir]).exits(0);
    }
    // Lines that say when; the others must not differ.
    let timeless = |dir: &str| -> Vec<String> {
        let page = page(&env, dir);
        let timed =
            |line: &&str| line.contains(" UTC") || line.contains(" a second") || line.contains("task groups on");
        page.lines().filter(|line| !timed(line)).map(str::to_owned).collect()
    };
    assert_eq!(timeless("a"), timeless("b"));
    let smi = |dir: &str| std::fs::read(env.path(&format!("{dir}/pack/hits.smi"))).unwrap();
    assert_eq!(smi("a"), smi("b"));
}

#[test]
fn no_text_of_the_user_becomes_markup() {
    let env = TestEnv::new();
    let script = env.write("score.py", MARKUP_SCORER);
    let ids = [
        "\"><img src=x onerror=alert(1)>",
        "</style><script>alert(2)</script>",
        "a&amp;b",
        "'; DROP",
        "\u{202e}gnp.exe",
        "<!--",
    ];
    let long = format!("<i>{}", "y".repeat(2_000_000));
    let mut library: String = ids.iter().map(|id| format!("CCO\t{id}\n")).collect();
    library.push_str(&format!(
        "c1ccccc1\t{long}\n<svg onload=alert(3)>\tnine\nC\\C=C/C\tcis\nCCN\t<script>ten</script>\n"
    ));
    env.write("library.smi", library);
    env.molsieve(["run", &env.campaign("a<b>&c").python(&script, &[]).write(), "--dir", "d"]).exits(0);
    let (said, page) = (said_by(&env, "d"), page(&env, "d"));
    for hostile in ["<script", "<img", "<i>y", "\u{202e}", "<!--", "<svg onload"] {
        assert!(!page.contains(hostile), "`{hostile}` got through");
    }
    for shown in [
        "a<b>&c",
        "1\"><script>alert(1)</script>",
        "\"><img src=x onerror",
        "a&amp;b",
        "\\xe2\\x80\\xaegnp.exe",
        "<script>ten</script>",
    ] {
        assert!(said.contains(shown), "`{shown}` is not shown");
    }
    assert!(page.len() < 200_000, "an id of two megabytes makes a page of {} bytes", page.len());
}

#[test]
fn hits_open_elsewhere_and_can_be_screened_next() {
    let env = TestEnv::new();
    env.small_library(120);
    similarity(&env);
    env.molsieve(["run", &env.campaign("c").scorer(SIMILARITY).with("[pack]\ntop = 25").write(), "--dir", "d"])
        .exits(0);
    std::fs::copy(env.path("d/pack/hits.smi"), env.path("hits.smi")).unwrap();
    let next = env.campaign("next").library("hits.smi").scorer(SIMILARITY).with("[pack]\ntop = 25").write();
    env.molsieve(["run", &next, "--dir", "e"]).exits(0);
    assert_eq!(manifest(&env, "e")["records"]["total"], 25);
    let rows = |dir: &str| -> Vec<String> {
        let text = std::fs::read_to_string(env.path(&format!("{dir}/pack/hits.csv"))).unwrap();
        text.lines().map(|line| line.split_once(',').unwrap().1.to_owned()).collect()
    };
    assert_eq!(rows("d"), rows("e"), "the same records have the same scores, in the same order");
    if !Command::new(python()).args(["-c", "import rdkit"]).output().is_ok_and(|done| done.status.success()) {
        assert!(std::env::var("CI").is_err(), "RDKit is not installed: run ./setup");
        return;
    }
    let read = "import sys\nfrom rdkit import Chem\nfor m in Chem.SmilesMolSupplier(sys.argv[1], delimiter=chr(9)):\n    print(m.GetProp('_Name'), m.GetProp('similarity'))";
    let done = Command::new(python()).args(["-c", read]).arg(env.path("hits.smi")).output().unwrap();
    let names: Vec<String> = String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect();
    assert_eq!(names.len(), 25, "{}", String::from_utf8_lossy(&done.stderr));
    let first = rows("d")[1].split(',').next().unwrap().to_owned();
    assert!(names[0].starts_with(&format!("{first} ")), "{names:?}");
}

#[test]
fn a_structure_that_fits_no_line_is_left_out_of_the_hits_and_counted() {
    let env = TestEnv::new();
    let script = env.write("score.py", MARKUP_SCORER);
    env.write("library.csv", "smiles,id\nCCO,a\n\"C C\",b\n\"#N\",c\nC\\C=C\\C,\"d\te\"\n");
    env.molsieve(["run", &env.campaign("c").library("library.csv").python(&script, &[]).write(), "--dir", "d"])
        .exits(0);
    let smi = std::fs::read_to_string(env.path("d/pack/hits.smi")).unwrap();
    assert_eq!(smi, "smiles\tid\tscore\nCCO\ta\t-9\nC\\C=C\\C\td\\x09e\t-8.25\n");
    assert!(said_by(&env, "d").contains("has the structures of 2; 2 that are no SMILES are left out"));
}

#[test]
fn an_incomplete_pack_says_so_before_anything_else() {
    let env = TestEnv::new();
    env.small_library(100);
    env.molsieve(["run", &env.campaign("c").shard(10).write(), "--dir", "d"]).exits(0);
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    std::fs::remove_dir_all(env.path("d/groups/000003")).unwrap();
    env.molsieve(["gather", "d", "--allow-incomplete"]).exits(3);
    let said = said_by(&env, "d");
    assert!(said.starts_with("INCOMPLETE: c"), "{said}");
    let bar = page(&env, "d");
    assert!(
        bar.contains("90 OK, 0 SKIP, 0 ERROR, 10 missing")
            && bar.contains("<i class=\"gone\" style=\"flex-grow:100\">")
    );
    for text in
        ["INCOMPLETE. 90 of 100 records are here", "10 are missing", "Missing ordinals: 30 to 39.", "Exit 3 is sound"]
    {
        assert!(said.contains(text), "`{text}` is not in: {said}");
    }
}

#[test]
fn a_library_that_is_gone_costs_the_pictures_and_not_the_pack() {
    for change in [
        |library: &Path| std::fs::remove_file(library).unwrap(),
        |library: &Path| {
            let text = std::fs::read_to_string(library).unwrap();
            std::fs::write(library, text.replace('C', "N")).unwrap();
        },
    ] {
        let env = TestEnv::new();
        let library = env.small_library(60);
        similarity(&env);
        env.molsieve(["run", &env.campaign("c").scorer(SIMILARITY).write(), "--dir", "d"]).exits(0);
        let before = env.payload_of("d");
        std::fs::remove_dir_all(env.path("d/pack")).unwrap();
        change(&library);
        env.molsieve(["gather", "d"]).exits(0);
        assert_eq!(env.payload_of("d"), before);
        assert!(!env.path("d/pack/hits.smi").exists());
        let said = said_by(&env, "d");
        assert!(said.contains("There are no structures and no hits.smi: when the result was gathered"), "{said}");
        assert!(!said.contains("/tmp") && !said.contains("library.smi"), "a pack holds no path of a person: {said}");
    }
}

#[test]
fn one_record_no_hit_and_no_number_make_a_report_as_well() {
    let env = TestEnv::new();
    env.write("library.smi", "\tempty\n");
    similarity(&env);
    env.molsieve(["run", &env.campaign("c").scorer(SIMILARITY).write(), "--dir", "none"]).exits(0);
    let said = said_by(&env, "none");
    assert!(
        said.contains("There are no hits. No record ended OK.") && said.contains("the record has no structure"),
        "{said}"
    );
    assert!(!env.path("none/pack/hits.smi").exists());
    env.write("library.smi", "CCO\tone\n");
    env.molsieve(["run", &env.campaign("one").scorer(SIMILARITY).write(), "--dir", "one"]).exits(0);
    assert!(said_by(&env, "one").contains("The only hit."), "{}", said_by(&env, "one"));
    let words = MARKUP_SCORER.replace("{\"name\": \"score\", \"type\": \"float\", \"order\": \"asc\"}, ", "");
    let script = env.write("words.py", words.replace("\"score\": ordinal / 4 - 9, ", ""));
    env.molsieve(["run", &env.campaign("words").python(&script, &[]).write(), "--dir", "words"]).exits(0);
    assert!(said_by(&env, "words").contains("no numeric column, so nothing is ranked"));
}

#[test]
fn the_slowest_requests_are_named() {
    let env = TestEnv::new();
    env.small_library(40);
    let slow = MARKUP_SCORER.replace("    results = []", "    import time; time.sleep(0.03)\n    results = []");
    let script = env.write("slow.py", slow);
    let file = env.campaign("c").python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let provenance: serde_json::Value =
        serde_json::from_slice(&std::fs::read(env.path("d/pack/provenance.json")).unwrap()).unwrap();
    let slowest = provenance["pool"]["slowest"].as_array().unwrap();
    assert!(slowest.iter().all(|request| request["ms"].as_u64() >= Some(1)), "{slowest:?}");
    assert!(said_by(&env, "d").contains("Slowest requests"), "{slowest:?}");
    assert!(!said_by(&env, "d").contains("timed out"));
}

#[test]
fn a_request_that_was_never_answered_is_among_the_slowest() {
    let env = TestEnv::new();
    env.write("library.smi", "C\ta\nCC\tb\n");
    let slow = MARKUP_SCORER
        .replace("    results = []", "    import time; time.sleep(60 if '\"CC\"' in line else 0)\n    results = []");
    let script = env.write("slow.py", slow);
    let argv = [python(), script.display().to_string()];
    let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = {argv:?}\ntimeout = \"1s\"");
    let file = env.campaign("c").scorer(&scorer).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let said = said_by(&env, "d");
    assert!(said.contains("Slowest requests") && said.contains("timed out"), "{said}");
}
