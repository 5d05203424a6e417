//! Packs in HETERO-2's shape: what is written is what the contract says, what is wrong with a foreign one is told, and the
//! schemas are frozen.

mod conformance;
mod export;
mod frozen;
mod single;

use std::collections::BTreeMap;
use std::path::Path;

use molsieve::pack::hetero2;
use molsieve::pack::manifest::Manifest;

use crate::support::env::{TestEnv, project};

/// `spectral2d`, as it is without further words.
const SPECTRAL: &str = "kind = \"spectral2d\"";

/// What asks for the shape.
const EXPORT: &str = "[pack]\nexport = [\"hetero2\"]\n";

/// Structures with an outcome of each kind.
fn odd() -> String {
    let large = "C".repeat(210);
    let larger = "C".repeat(1200);
    format!(
        "smiles,name\n,nothing\nC1CC,open\nC(C)(C)(C)(C)C,five\nc1cccc1,ring\nCC.CC,two\n{large},large\n{larger},larger\n[Pt],metal\n\
         C,methane\nCCO,\"a,\"\"quoted\"\" id\"\nCCCCN,\nCC(=O)Oc1ccccc1C(=O)O,aspirin\nCc1ccccc1CCN,=cmd\n"
    )
}

/// A library of the first `records` shipped molecules, and of what is [`odd`].
fn library(env: &TestEnv, records: usize) {
    let shipped = std::fs::read_to_string(project("data/nci_first_5k.smi")).unwrap();
    let mut text = odd();
    for line in shipped.lines().filter(|line| !line.starts_with('#')).take(records) {
        let mut parts = line.split_whitespace();
        text += &format!("{},N{}\n", parts.next().unwrap(), parts.next().unwrap_or("x"));
    }
    env.write("library.csv", text);
}

/// A campaign over them.
fn campaign(env: &TestEnv, name: &str, records: usize, scorer: &str, sections: &str) -> String {
    library(env, records);
    env.campaign(name).library("library.csv").scorer(scorer).with(sections).write()
}

/// The members of an archive.
fn members(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut problems = Vec::new();
    let archive = molsieve::pack::archive::read::Archive::open(path, &mut problems).unwrap();
    assert!(problems.is_empty());
    let read = |name: String| {
        let mut bytes = Vec::new();
        archive.stream(&name, &mut |block| bytes.extend_from_slice(block)).unwrap();
        (name, bytes)
    };
    archive.members().into_keys().map(read).collect()
}

/// The manifest of the pack in the directory `dir`.
fn manifest(env: &TestEnv, dir: &str) -> Manifest {
    Manifest::read(&std::fs::read(env.path(&format!("{dir}/pack/manifest.json"))).unwrap()).unwrap()
}

/// The shape of a pack that was run with it.
fn exported(env: &TestEnv, dir: &str) -> BTreeMap<String, Vec<u8>> {
    members(&env.path(&format!("{dir}/pack/{}", hetero2::FILE)))
}
