//! What is shipped: the document of the protocol, and the scorers that users copy.

use std::process::Command;

use molsieve::canonical::row;
use molsieve::library::format::Notation;
use molsieve::library::record::RecordBlock;
use molsieve::scorer::command::jsonl::reply::{self, Asked};
use serde_json::Value;

use super::*;

/// For a scorer that said `hello`, in so many children of so many threads.
pub fn settings_of(launch: Launch, hello: Hello, children: usize, threads: usize) -> Settings {
    Settings {
        launch,
        children: environments(children, threads, &[]),
        batch: hello.batch_size,
        seeder: Seeder::new(1, &hello.description.name),
        description: hello.description,
        files: Vec::new(),
        apart: Apart::OneByOne,
        limits: limits(),
        memory_events: None,
    }
}

/// The block of `docs/formats/jsonl.md` that begins with `start`.
fn document_block(start: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/formats/jsonl.md")).unwrap();
    let at = text.find(&format!("```\n{start}")).expect("the document has this block") + 4;
    text[at..].lines().take_while(|line| *line != "```").map(str::to_owned).collect()
}

#[test]
fn the_transcript_of_the_document_gives_the_rows_of_the_document() {
    let transcript = document_block("←");
    let said: Vec<&str> = transcript.iter().filter_map(|line| line.strip_prefix("← ")).collect();
    let asked: Vec<&str> = transcript.iter().filter_map(|line| line.strip_prefix("→ ")).collect();
    let hello = hello::read(said[0].as_bytes()).unwrap();
    let mut rows = BTreeMap::new();
    for (request, answer) in asked.iter().zip(&said[1..]) {
        let request: Value = serde_json::from_str(request).unwrap();
        let mut block = RecordBlock::new(Notation::Smiles);
        for record in request["records"].as_array().unwrap() {
            let text = |at: usize| record[at].as_str().unwrap().as_bytes();
            assert!(record[3].as_u64().unwrap() < 1 << 53);
            block.push(record[0].as_u64().unwrap(), text(2), text(1));
        }
        let seq = request["seq"].as_u64().unwrap();
        let asked = Asked { seq, block: &block, description: &hello.description };
        let reply = reply::read(answer.as_bytes(), &asked).unwrap();
        for (index, meta) in reply.rows.metas().iter().enumerate() {
            rows.insert(meta.ordinal, String::from_utf8(reply.rows.line(index).to_vec()).unwrap());
        }
    }
    let names: Vec<&str> = hello.description.columns.iter().map(|column| column.name.as_str()).collect();
    let mut summary = vec![String::from_utf8(row::header(names)).unwrap()];
    summary.extend(rows.values().map(|row| row.trim_end().to_owned()));
    assert_eq!(summary, document_block("ordinal,id"));
}

/// The rows of a shipped scorer for `structures`.
fn score(script: &str, structures: &[&str]) -> Vec<String> {
    let argv = vec![python().into_os_string(), root().join(script).into_os_string()];
    let launch = Launch { argv, ..launch(&[]) };
    let hello = hello::probe(&launch, &Vec::new(), Duration::from_secs(120)).unwrap();
    let threads = hello.threads;
    let settings = settings_of(launch, hello, 1, threads);
    let (source, sink) = pair(structures.iter().map(|s| (s.as_bytes(), &b""[..])));
    let run = Run::on(settings, source, sink, &Stop::new());
    assert_eq!(run.ended.ok(), Some(Ended::Done));
    assert_eq!((run.facts.violations, run.facts.crashes, run.facts.noise_lines), (0, 0, 0));
    run.sink.rows.into_values().collect()
}

#[test]
fn the_scorer_that_users_copy_works() {
    let rows = score("configs/scorers/hello_scorer.py", &["CCO", "O", "", "c1ccccc1"]);
    assert_eq!(
        rows,
        ["100,,OK,,0.6666666666666666,3", "101,,SKIP,no_carbon,,", "102,,SKIP,empty_structure,,", "103,,OK,,0,6"]
    );
}

#[test]
fn the_rdkit_scorer_works_where_rdkit_is() {
    if !Command::new(python()).args(["-c", "import rdkit"]).output().is_ok_and(|o| o.status.success()) {
        println!("not tried: this Python has no RDKit (./setup installs it)");
        return;
    }
    let structures = ["CC(=O)Oc1ccccc1C(=O)O", "C1CC", "C(C)(C)(C)(C)C", "[Na+].[Cl-]", "C/C=C\\C", "\u{e9}"];
    let rows = score("configs/scorers/rdkit_descriptors.py", &structures);
    assert!(rows[0].starts_with("100,,OK,,0.55") && rows[0].contains(",180.15"), "{}", rows[0]);
    assert_eq!(rows[1], "101,,ERROR,unparsable,,,,,");
    assert_eq!(rows[2], "102,,ERROR,unparsable,,,,,");
    assert!(rows[3].starts_with("103,,OK,,") && rows[3].ends_with(",2"), "{}", rows[3]);
    assert!(rows[4].starts_with("104,,OK,,"), "{}", rows[4]);
    assert_eq!(rows[5], "105,,ERROR,unparsable,,,,,");
}
