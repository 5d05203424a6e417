//! Promise P2: the payload is a function of the library, the scorer, the columns and the seed, and of nothing else.

use std::io::Write;

use crate::support::env::{TestEnv, project, small_library};

/// Enough for several shards of every size, small enough to score in moments.
const RECORDS: usize = 300;

fn seeded() -> std::path::PathBuf {
    project("tests/scorers/seeded.py")
}

/// Runs the campaign in `file` with `workers`, in a directory named after it; its payload digest.
fn payload(env: &TestEnv, file: &str, workers: &str) -> String {
    let dir = file.trim_end_matches(".toml");
    env.molsieve(["run", file, "--dir", dir, "--workers", workers]).exits(0);
    env.payload_of(dir)
}

#[test]
fn shard_size_workers_and_name_do_not_reach_the_payload() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let reference = payload(&env, &env.campaign("reference").python(&seeded(), &[]).write(), "1");
    for (shard, workers) in [(1, "5"), (7, "2"), (64, "5"), (1000, "2"), (300, "1")] {
        let file = env.campaign(&format!("shards-of-{shard}")).shard(shard).python(&seeded(), &[]).write();
        assert_eq!(payload(&env, &file, workers), reference, "shards of {shard}, {workers} workers");
    }
}

#[test]
fn a_record_more_or_less_of_cores_does_not_reach_the_payload() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let file = |cpus: u32| {
        let campaign = env.campaign(&format!("cpus-{cpus}")).shard(100).python(&seeded(), &[]);
        campaign.with(&format!("[resources]\ncpus = {cpus}")).write()
    };
    assert_eq!(payload(&env, &file(1), "1"), payload(&env, &file(4), "1"));
}

#[test]
fn plain_and_compressed_files_give_the_same_payload() {
    let env = TestEnv::new();
    let text = small_library(RECORDS);
    let (first, second) = text.split_at(text.len() / 2 + text[text.len() / 2..].find('\n').unwrap() + 1);
    env.write("plain.smi", &text);
    let members = |compress: &dyn Fn(&str) -> Vec<u8>| [compress(first), compress(second)].concat();
    env.write(
        "two-members.smi.gz",
        members(&|t| {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            to.write_all(t.as_bytes()).unwrap();
            to.finish().unwrap()
        }),
    );
    env.write(
        "two-streams.smi.bz2",
        members(&|t| {
            let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            to.write_all(t.as_bytes()).unwrap();
            to.finish().unwrap()
        }),
    );
    env.write("two-frames.smi.zst", members(&|t| zstd::encode_all(t.as_bytes(), 1).unwrap()));
    env.write("windows.smi", text.replace('\n', "\r\n"));
    let run = |name: &str, library: &str| {
        payload(&env, &env.campaign(name).library(library).python(&seeded(), &[]).write(), "2")
    };
    let plain = run("plain", "plain.smi");
    for library in ["two-members.smi.gz", "two-streams.smi.bz2", "two-frames.smi.zst", "windows.smi"] {
        assert_eq!(run(&library.replace('.', "-"), library), plain, "{library}");
    }
}

#[test]
fn a_library_in_several_files_is_the_library_in_one() {
    let env = TestEnv::new();
    let text = small_library(RECORDS);
    let cut = text.match_indices('\n').nth(99).unwrap().0 + 1;
    env.write("whole.smi", &text);
    env.write("pieces/a.smi", &text[..cut]);
    env.write("pieces/b.smi", &text[cut..]);
    let run = |name: &str, library: &str| {
        payload(&env, &env.campaign(name).library(library).python(&seeded(), &[]).write(), "2")
    };
    assert_eq!(run("whole", "whole.smi"), run("parts", "pieces/*.smi"));
}

#[test]
fn another_seed_or_one_changed_record_gives_another_payload() {
    let env = TestEnv::new();
    let text = small_library(RECORDS);
    env.write("library.smi", &text);
    env.write("changed.smi", text.replacen("CC1=CC(=O)C=CC1=O", "CC1=CC(=O)C=CC1=S", 1));
    let reference = payload(&env, &env.campaign("reference").python(&seeded(), &[]).write(), "2");
    let seed = payload(&env, &env.campaign("seed").seed(2).python(&seeded(), &[]).write(), "2");
    let record = payload(&env, &env.campaign("record").library("changed.smi").python(&seeded(), &[]).write(), "2");
    assert_ne!(seed, reference);
    assert_ne!(record, reference);
}

#[test]
fn with_any_scorer_the_manifest_tells_another_seed_and_another_library_apart() {
    let env = TestEnv::new();
    let text = small_library(RECORDS);
    env.write("library.smi", &text);
    env.write("changed.smi", text.replacen("CC1=CC(=O)C=CC1=O", "CC1=CC(=O)C=CC1=S", 1));
    let campaign = |file: String| {
        payload(&env, &file, "2");
        let manifest = std::fs::read(env.path(file.trim_end_matches(".toml")).join("pack/manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        (manifest["campaign"]["library"]["root"].clone(), manifest["campaign"]["seed"].clone())
    };
    let reference = campaign(env.campaign("reference").write());
    let seed = campaign(env.campaign("seed").seed(2).write());
    let record = campaign(env.campaign("record").library("changed.smi").write());
    assert_eq!((&seed.0, &record.1), (&reference.0, &reference.1));
    assert_ne!(seed.1, reference.1);
    assert_ne!(record.0, reference.0);
}

#[test]
fn every_record_is_in_the_payload_once_with_an_outcome() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    env.molsieve(["run", &env.campaign("c").python(&seeded(), &[]).write(), "--dir", "d"]).exits(0);
    let summary = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    let mut lines = summary.lines();
    assert_eq!(lines.next(), Some("ordinal,id,outcome,reason,score,size,note"));
    let mut counts = std::collections::BTreeMap::new();
    for (ordinal, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[0], ordinal.to_string());
        assert_eq!(fields[2] == "OK", fields[3].is_empty(), "{line}");
        *counts.entry(fields[2].to_owned()).or_insert(0u64) += 1;
    }
    let facts = env.facts(["status", "d"]);
    assert_eq!(facts["state"], "complete");
    assert_eq!(facts["records"]["total"], RECORDS as u64);
    for (word, key) in [("OK", "ok"), ("SKIP", "skip"), ("ERROR", "error")] {
        assert_eq!(facts["records"][key], counts[word], "{word}");
        assert!(counts[word] > 0, "the corpus should have some {word}");
    }
}
