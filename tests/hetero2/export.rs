//! What a campaign's pack holds when it is asked for HETERO-2's shape.

use std::process::Command;

use super::{EXPORT, SPECTRAL, campaign, exported, manifest};
use crate::support::env::{TestEnv, project, python};

/// Whether everything in it follows from the rows by the rules of the documentation, as a Python of its own says.
fn python_agrees(env: &TestEnv, dir: &str) -> String {
    let script = project("tests/hetero2/reference.py");
    let said = Command::new(python()).arg(script).arg(env.path(&format!("{dir}/pack"))).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn every_cell_of_every_shape_follows_from_the_rows_by_the_documented_rules() {
    let env = TestEnv::new();
    let actives = "CCO a\nc1ccccc1 b\n";
    env.write("actives.smi", actives);
    let cases = [
        ("both", SPECTRAL, "[decoys]\ncount = 3\n", "34 columns"),
        ("plain", SPECTRAL, "", "34 columns"),
        (
            "unweighted",
            "kind = \"spectral2d\"\nedge_weight = \"unweighted\"",
            "[decoys]\ncount = 2\nwindow = [0.3, 0.9]\n",
            "30 columns",
        ),
        ("topological", "kind = \"spectral2d\"\nphysics_mode = \"topological\"", "", "34 columns"),
        ("similar", "kind = \"similarity\"\nactives = \"actives.smi\"", "[decoys]\ncount = 4\n", "30 columns"),
        ("null", "kind = \"null\"", "", "30 columns"),
    ];
    for (name, scorer, sections, says) in cases {
        let file = campaign(&env, name, 150, scorer, &format!("{sections}{EXPORT}"));
        env.molsieve(["run", &file, "--dir", name]).exits(0);
        let said = python_agrees(&env, name);
        assert!(said.contains(says), "{name}: {said}");
        env.molsieve(["verify", name, "--allow-unsigned"]).exits(0);
        env.molsieve(["report", "conformance", &format!("{name}/pack/hetero2.zip")]).exits(0).says("CONFORMS");
    }
}

#[test]
fn what_is_wrong_with_a_record_is_told_in_the_words_of_the_contract() {
    let env = TestEnv::new();
    let file = campaign(&env, "odd", 0, SPECTRAL, &format!("[decoys]\ncount = 2\n{EXPORT}"));
    env.molsieve(["run", &file, "--dir", "odd"]).exits(0);
    let files = exported(&env, "odd");
    let summary = String::from_utf8(files["summary.csv"].clone()).unwrap();
    let of = |id: &str| summary.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id}: {summary}"));
    for (id, starts) in [
        ("nothing", "nothing,SKIP,missing_smiles,missing_smiles,,,,,,,,,1,"),
        ("open", "open,SKIP,invalid_smiles,invalid_smiles,SKIP,,,,0,0,,,1,"),
        ("five", "five,SKIP,invalid_smiles,invalid_smiles,SKIP,"),
        ("ring", "ring,SKIP,invalid_smiles,invalid_smiles,SKIP,"),
        ("two", "two,SKIP,disconnected,disconnected,SKIP,"),
        ("large", "large,SKIP,too_many_atoms,too_many_atoms,SKIP,"),
        ("larger", "larger,SKIP,too_many_atoms,too_many_atoms,SKIP,"),
        ("metal", "metal,SKIP,missing_physics_params,missing_physics_params,SKIP,"),
        ("methane", "methane,SKIP,no_decoys_generated,no_decoys_generated,SKIP,,,,0,0,,,1,,1,,"),
        ("\"a,", "\"a,\"\"quoted\"\" id\",SKIP,no_decoys_generated,"),
        ("mol_10", "mol_10,"),
    ] {
        assert!(of(id).starts_with(starts), "{id}: {}", of(id));
    }
    assert!(of("metal").ends_with(",ERROR_MISSING_PHYSICS_PARAMS,missing_physics_params"));
}

#[test]
fn neither_shards_nor_workers_nor_the_way_to_it_change_a_byte_and_the_payload_is_what_it_was() {
    let env = TestEnv::new();
    let mut seen = Vec::new();
    for (name, shard, workers) in [("one", 500, "1"), ("seven", 7, "3")] {
        super::library(&env, 60);
        let campaign = env.campaign("same").library("library.csv").scorer(SPECTRAL).shard(shard);
        let file = campaign.with(&format!("[decoys]\ncount = 2\n{EXPORT}")).write();
        env.molsieve(["run", &file, "--dir", name, "--workers", workers]).exits(0);
        seen.push((std::fs::read(env.path(&format!("{name}/pack/hetero2.zip"))).unwrap(), env.payload_of(name)));
    }
    assert!(seen[0] == seen[1], "the same rows, the same bytes");
    // Without it, the payload is the same, and the command makes the same file from that pack.
    let plain = env.campaign("same").library("library.csv").scorer(SPECTRAL).with("[decoys]\ncount = 2\n").write();
    env.molsieve(["run", &plain, "--dir", "plain"]).exits(0);
    assert_eq!(env.payload_of("plain"), seen[0].1);
    assert!(manifest(&env, "plain").file("hetero2.zip").is_none());
    for (from, to) in [("plain", "a.zip"), ("plain/pack/evidence_pack.zip", "b.zip"), ("one", "c.zip")] {
        env.molsieve(["report", "hetero2", from, "--out", to]).exits(0);
        assert!(std::fs::read(env.path(to)).unwrap() == seen[0].0, "{from}");
    }
    env.molsieve(["report", "hetero2", "plain", "--out", "a.zip"]).exits(2).says("`a.zip` exists already");
}

#[test]
fn the_key_may_change_between_two_drivers_and_a_word_that_means_nothing_is_refused() {
    let env = TestEnv::new();
    let with = |export: &str| campaign(&env, "c", 20, SPECTRAL, &format!("[pack]\nexport = {export}\n"));
    env.molsieve(["run", &with("[\"hetero3\"]"), "--dir", "c"]).exits(2).says("`pack.export` asks for `hetero3`");
    env.molsieve(["plan", &with("[]"), "--dir", "c"]).exits(0);
    env.molsieve(["run", &with("[\"hetero2\"]"), "--dir", "c"]).exits(0);
    assert!(
        manifest(&env, "c")
            .file("hetero2.zip")
            .is_some_and(|file| file.format.as_deref() == Some("molsieve.hetero2.v1"))
    );
    env.molsieve(["run", &with("[]"), "--dir", "c"]).exits(0);
}

#[test]
fn a_forged_shape_is_found_whoever_lists_it() {
    let env = TestEnv::new();
    let file = campaign(&env, "f", 30, SPECTRAL, &format!("[decoys]\ncount = 2\n{EXPORT}"));
    env.molsieve(["run", &file, "--dir", "f"]).exits(0);
    let path = env.path("f/pack/hetero2.zip");
    let honest = std::fs::read(&path).unwrap();
    // As a forger would: the file, its digest in the manifest, and the checksums.
    let forge = |bytes: &[u8], format: &str| {
        std::fs::write(&path, bytes).unwrap();
        let mut manifest = manifest(&env, "f");
        let entry = manifest.files.iter_mut().find(|file| file.name == "hetero2.zip").unwrap();
        (entry.bytes, entry.sha256) = (bytes.len() as u64, molsieve::digest::sha256(bytes));
        entry.format = Some(format.to_owned());
        let text = manifest.to_bytes().unwrap();
        std::fs::write(env.path("f/pack/manifest.json"), &text).unwrap();
        std::fs::write(env.path("f/pack/checksums.sha256"), manifest.checksums(&text)).unwrap();
        let _ = std::fs::remove_file(env.path("f/pack/evidence_pack.zip"));
    };
    let mut forged = honest.clone();
    let at = forged.windows(5).position(|window| window == b",FAIL").unwrap();
    forged[at + 1..at + 5].copy_from_slice(b"PASS");
    for (bytes, format, code) in [
        (&forged, "molsieve.hetero2.v1", "export-mismatch"),
        (&[honest.as_slice(), b"x"].concat(), "molsieve.hetero2.v1", "export-mismatch"),
        (&honest[..honest.len() / 2].to_vec(), "molsieve.hetero2.v1", "longer than what it should be"),
        (&honest, "molsieve.hetero2.v9", "export-unknown"),
    ] {
        forge(bytes, format);
        env.molsieve(["verify", "f/pack", "--allow-unsigned"]).exits(4).says(code);
    }
    forge(&honest, "molsieve.hetero2.v1");
    env.molsieve(["verify", "f/pack", "--allow-unsigned"]).exits(0);
}

#[test]
fn a_page_of_more_records_than_a_page_holds_says_how_many_are_not_on_it() {
    let env = TestEnv::new();
    let library: String = (0..1500).map(|n| format!("C {:04}\n", (n * 7919) % 10_000)).collect();
    env.write("many.smi", library);
    let file = env.campaign("many").library("many.smi").with(EXPORT).write();
    env.molsieve(["run", &file, "--dir", "many"]).exits(0);
    python_agrees(&env, "many");
    let page = String::from_utf8(exported(&env, "many")["index.md"].clone()).unwrap();
    assert!(page.ends_with("\n500 more records are in `summary.csv`.\n"), "{}", &page[page.len() - 100..]);
}
