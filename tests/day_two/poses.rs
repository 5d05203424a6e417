//! Kept files on day two: a generation takes them over with the rows, and housekeeping does not lose them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::housekeeping::members;
use super::retrying::tree;
use crate::support::env::{TestEnv, project};

const RECORDS: usize = 60;

/// How many are extracted: more than are kept of a task group.
const TOP: &str = "12";

/// A campaign whose scorer fails at some records until `healthy` is there, and stamps each file.
fn moody(env: &TestEnv, name: &str, keep: u64) -> String {
    env.small_library(RECORDS);
    let sections = format!("[checkpoint]\nsync = \"0ms\"\n[pack]\nkeep = {keep}");
    let script = project("tests/scorers/posing.py");
    let file = env.campaign(name).shard(16).python(&script, &["0", "moody"]).with(&sections).write();
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("protocol =", "retry_patience = \"200ms\"\nprotocol ="));
    file
}

/// What a run that nothing disturbed gives, in `reference`.
fn reference(env: &TestEnv, keep: u64) {
    for (name, text) in [("healthy", ""), ("awake", ""), ("stamp", "reference")] {
        env.write(name, text);
    }
    env.molsieve(["run", &moody(env, "d", keep), "--dir", "reference"]).exits(0);
    std::fs::remove_file(env.path("healthy")).unwrap();
}

/// A complete campaign in `d` in which some records are ERROR; its files are stamped `first`.
fn with_errors(env: &TestEnv, keep: u64) {
    reference(env, keep);
    env.write("stamp", "first");
    env.molsieve(["run", &moody(env, "d", keep), "--dir", "d"]).exits(0);
}

/// Finishes the generation in `dir`: nothing fails any more, and files are stamped `second`.
fn finish(env: &TestEnv, dir: &str) {
    for (name, text) in [("healthy", ""), ("awake", ""), ("stamp", "second")] {
        env.write(name, text);
    }
    env.molsieve(["resume", dir]).exits(0);
    assert_eq!(env.payload_of(dir), env.payload_of("reference"));
}

/// The files that are extracted from `dir`, by name.
fn extracted(env: &TestEnv, dir: &str, out: &str) -> BTreeMap<String, String> {
    env.molsieve(["extract", dir, "--top", TOP, "--out", out]).exits(0);
    let entries = std::fs::read_dir(env.path(out)).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap())).collect()
}

/// The files of a generation of `d` are those of the reference, but for who made them: the parent what it had, the
/// generation the others.
#[track_caller]
fn are_of_both(env: &TestEnv, files: &BTreeMap<String, String>, reference: &BTreeMap<String, String>) {
    assert_eq!(files.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
    assert_eq!(files["files.csv"], reference["files.csv"]);
    let parent = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    let failed: Vec<&str> =
        parent.lines().filter(|line| line.contains(",ERROR,")).map(|line| line.split(',').next().unwrap()).collect();
    let mut stamps = Vec::new();
    for line in files["files.csv"].lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let stamp = if failed.contains(&cells[1]) { "second" } else { "first" };
        assert_eq!(files[cells[0]], reference[cells[0]].replace("reference", stamp), "{line}");
        stamps.push(stamp);
    }
    assert!(stamps.contains(&"first") && stamps.contains(&"second"), "nothing is shown by {stamps:?}");
}

#[test]
fn a_generation_has_the_poses_of_its_parent_and_new_ones_for_what_was_scored_again() {
    let env = TestEnv::new();
    with_errors(&env, 3);
    let before = tree(&env.path("d"));
    let facts = env.facts(["retry", "d", "--errors"]);
    assert!(facts["files"].as_u64().unwrap() > 0, "{facts}");
    assert_eq!(facts["archives_gone"], 0);
    finish(&env, "d-retry");
    are_of_both(&env, &extracted(&env, "d-retry", "poses"), &extracted(&env, "reference", "expected"));
    assert!(tree(&env.path("d")) == before, "the parent was changed");
}

#[test]
fn poses_that_are_still_in_checkpoints_are_taken_over_as_well() {
    let env = TestEnv::new();
    reference(&env, 3);
    std::fs::remove_file(env.path("awake")).unwrap();
    env.write("stamp", "first");
    env.molsieve(["run", &moody(&env, "d", 3), "--dir", "d", "--workers", "1"]).exits(3).says("paused");
    // The parent scores nothing more: what of the third task group is not there is scored by the generation.
    let sealed = env.kept_archives("d").len();
    let before = tree(&env.path("d"));
    let facts = env.facts(["retry", "d", "--errors"]);
    assert!(sealed < 4 && facts["unfinished"].as_u64().unwrap() >= 8, "{facts}");
    finish(&env, "d-retry");
    let (files, expected) = (extracted(&env, "d-retry", "poses"), extracted(&env, "reference", "expected"));
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    let mut from_checkpoints = 0;
    for ordinal in finished_ok(&env) {
        let _ = std::fs::remove_dir_all(env.path("one"));
        let number = ordinal.to_string();
        let facts = env.facts(["extract", "d-retry", "--ordinal", &number, "--out", "one", "--name", "pose*"]);
        for file in facts["files"].as_array().into_iter().flatten() {
            let text = std::fs::read_to_string(env.path("one").join(file["file"].as_str().unwrap())).unwrap();
            assert!(text.ends_with("first"), "record {ordinal} was OK in the parent: {text}");
            from_checkpoints += usize::from((32..48).contains(&ordinal));
        }
    }
    assert!(from_checkpoints > 0, "no file came from a checkpoint");
    assert!(tree(&env.path("d")) == before, "the parent was changed");
}

/// The records that were OK in `d`, as `peek` shows them.
fn finished_ok(env: &TestEnv) -> Vec<u64> {
    let facts = env.facts(["peek", "d", "--top", "60"]);
    facts["rows"].as_array().unwrap().iter().map(|row| row["ordinal"].as_u64().unwrap()).collect()
}

#[test]
fn a_retry_that_dies_anywhere_leaves_no_campaign_and_the_next_one_loses_no_pose() {
    let env = TestEnv::new();
    with_errors(&env, 3);
    let expected = extracted(&env, "reference", "expected");
    let before = tree(&env.path("d"));
    let mut ended = 0;
    for (fault, step) in [("kill", 9), ("power", 13)] {
        for at in (1..).step_by(step) {
            let dir = format!("{fault}-{at}");
            let retry = ["retry", "d", "--errors", "--dir", &dir];
            let lived = env.command(retry).env("MOLSIEVE_FAULT", format!("{fault}@{at}")).output().unwrap();
            if lived.status.success() {
                assert!(at > 30, "only {at} writes: the fault was never asked for");
                ended += 1;
                break;
            }
            if env.path(&dir).join("campaign.json").exists() {
                // All was written before that file.
                env.molsieve(["status", &dir]).exits(0);
            } else {
                env.molsieve(["resume", &dir]).exits(2).says("no campaign");
                env.molsieve(["extract", &dir, "--top", "1", "--out", "none"]).exits(2).says("no campaign");
                env.molsieve(retry).exits(0);
            }
            finish(&env, &dir);
            are_of_both(&env, &extracted(&env, &dir, &format!("poses-{dir}")), &expected);
        }
    }
    assert_eq!(ended, 2);
    assert!(tree(&env.path("d")) == before, "the parent was changed");
}

#[test]
fn an_archive_that_was_changed_is_told_before_anything_is_written_and_one_that_is_gone_costs_no_row() {
    let env = TestEnv::new();
    with_errors(&env, 3);
    let path = env.kept_archives("d").remove("000001").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    env.molsieve(["retry", "d", "--errors"]).exits(4).says("is not what its receipt says").says("remove that archive");
    assert!(!env.path("d-retry").exists());
    std::fs::remove_file(&path).unwrap();
    env.molsieve(["retry", "d", "--errors"]).exits(0).says("archives of kept files of 1 task groups are gone");
    finish(&env, "d-retry");
    assert_eq!(env.kept_archives("d-retry").len(), 4);
    env.molsieve(["extract", "d-retry", "--top", TOP, "--out", "poses"]).exits(0).says("or they were lost");
}

#[test]
fn a_result_does_not_depend_on_an_archive_and_extract_says_which_one_is_gone() {
    let env = TestEnv::new();
    reference(&env, 3);
    let payload = env.payload_of("reference");
    let status = env.facts(["status", "reference"]);
    for path in env.kept_archives("reference").into_values() {
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(env.facts(["status", "reference"]), status);
    std::fs::remove_dir_all(env.path("reference/pack")).unwrap();
    env.molsieve(["gather", "reference"]).exits(0);
    assert_eq!(env.payload_of("reference"), payload);
    env.molsieve(["resume", "reference"]).exits(0);
    env.molsieve(["extract", "reference", "--top", "1", "--out", "a"])
        .exits(6)
        .says(".files.zip")
        .says("the result itself does not depend on it");
}

#[test]
fn clean_and_archive_lose_no_kept_file_and_pages_say_how_to_get_them() {
    let env = TestEnv::new();
    reference(&env, 3);
    let kept: Vec<PathBuf> = env.kept_archives("reference").into_values().collect();
    for path in &kept {
        std::fs::File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    }
    assert_eq!(env.facts(["clean", "reference"])["removed"], serde_json::json!([]));
    for page in ["index.md", "report.html"] {
        let text = std::fs::read_to_string(env.path("reference/pack").join(page)).unwrap();
        assert!(text.contains("molsieve extract D --top 10 --out files"), "{page} does not say how to get poses");
    }
    env.molsieve(["archive", "reference", "--remove-rows"]).exits(0).says("4 archives of kept files").says("stay");
    let all = members(&env.path("reference.tar.zst"));
    for path in &kept {
        let name = path.strip_prefix(env.path("reference")).unwrap().to_str().unwrap().to_owned();
        assert!(all[&name] == std::fs::read(path).unwrap(), "`{name}` is not in the archive and here");
    }
    assert_eq!(env.facts(["clean", "reference"])["removed"], serde_json::json!([]));
    env.molsieve(["run", &moody(&env, "none", 0), "--dir", "none"]).exits(0);
    let text = std::fs::read_to_string(env.path("none/pack/index.md")).unwrap();
    assert!(!text.contains("molsieve extract"), "there is nothing to extract");
}

#[test]
fn what_was_kept_is_extracted_from_an_archived_campaign_and_from_an_unpacked_archive() {
    let env = TestEnv::new();
    reference(&env, 3);
    let before = extracted(&env, "reference", "before");
    env.molsieve(["archive", "reference", "--remove-rows"]).exits(0);
    assert_eq!(extracted(&env, "reference", "after"), before);
    for (name, bytes) in members(&env.path("reference.tar.zst")) {
        let path = env.path("unpacked").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(extracted(&env, "unpacked", "unpacked-files"), before);
    // A record by its ordinal: only the rows of its task group are read, wherever they begin.
    let facts = env.facts(["extract", "unpacked", "--top", TOP, "--out", "facts"]);
    let ordinals = facts["files"].as_array().unwrap().iter().map(|file| file["ordinal"].as_u64().unwrap());
    let last = ordinals.max().unwrap().to_string();
    env.molsieve(["extract", "unpacked", "--ordinal", &last, "--out", "one"]).exits(0).says("files of 1 records");
}

#[test]
fn rows_in_a_pack_that_are_not_those_of_the_receipts_choose_nothing() {
    let env = TestEnv::new();
    reference(&env, 3);
    env.molsieve(["archive", "reference", "--remove-rows"]).exits(0);
    let summary = env.path("reference/pack/summary.csv");
    let sound = std::fs::read_to_string(&summary).unwrap();
    let extract = || env.molsieve(["extract", "reference", "--top", "3", "--out", "a"]);
    for wrong in
        [sound.replacen(",OK,", ",ERROR,", 1), sound.replacen('\n', "\n\n", 1), sound[..sound.len() / 2].to_owned()]
    {
        std::fs::write(&summary, wrong).unwrap();
        extract().exits(4).says("summary.csv").says("molsieve verify");
    }
    std::fs::remove_file(&summary).unwrap();
    extract().exits(6).says("summary.csv").says("archive");
    assert!(!env.path("a").exists());
    std::fs::write(&summary, sound).unwrap();
    extract().exits(0);
}
