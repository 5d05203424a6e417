//! Clean, archive, and what somebody may have planted.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{RECORDS, Server, at_work, interrupted, licensed, undisturbed};
use crate::support::env::TestEnv;

/// Makes a file that nobody has touched for a day.
fn old(path: PathBuf) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "left behind").unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(86_400)).unwrap();
    path
}

/// A task group of `d` that has a receipt, or one that has none: which ones have is a matter of the lot.
fn group(env: &TestEnv, is_sealed: bool) -> String {
    let has_receipt = |name: &String| {
        let entries = std::fs::read_dir(env.path("d").join(name)).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).any(|name| name.to_str().unwrap().ends_with(".receipt.json"))
    };
    (0..12).map(|n| format!("groups/{n:06}")).find(|name| has_receipt(name) == is_sealed).unwrap()
}

fn paths(facts: &serde_json::Value) -> Vec<String> {
    facts["removed"].as_array().unwrap().iter().map(|l| l["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn clean_removes_what_was_left_behind_and_nothing_else() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let port = interrupted(&env, "");
    let at = |name: &str| env.path("d").join(name);
    let (sealed, open) = (group(&env, true), group(&env, false));
    let mut leftovers = [
        ".plan.json.0123456789abcdef.tmp",
        &format!("{sealed}/.aaaaaaaaaaaaaaaa.rows.0123456789abcdef.tmp"),
        &format!("{sealed}/aaaaaaaaaaaaaaaa.checkpoint"),
        &format!("{open}/aaaaaaaaaaaaaaaa.files.zip"),
        &format!("{open}/aaaaaaaaaaaaaaaa.rows"),
        "library/aaaaaaaaaaaaaaaa",
        "logs/wave-1-task-7.problem.json",
    ];
    leftovers.sort_unstable();
    let stays = ["notes.txt", "bbbbbbbbbbbbbbbb.checkpoint", ".keep.tmp"].map(|name| format!("{open}/{name}"));
    let stays = [&stays[0], &stays[1], &stays[2], "mine.tmp"];
    let young = at(&format!("{open}/.young.0123456789abcdef.tmp"));
    for name in leftovers.iter().chain(&stays).filter(|name| **name != "library/aaaaaaaaaaaaaaaa") {
        old(at(name));
    }
    old(at("library/aaaaaaaaaaaaaaaa/part-1.index"));
    let library = std::fs::File::open(at("library/aaaaaaaaaaaaaaaa")).unwrap();
    library.set_modified(UNIX_EPOCH).unwrap();
    std::fs::write(&young, "being written").unwrap();
    let facts = env.facts(["clean", "d", "--dry-run"]);
    assert_eq!(paths(&facts), leftovers);
    assert_eq!(facts["bytes"], 7 * "left behind".len());
    assert!(leftovers.iter().all(|name| at(name).exists()), "a dry run removed something");
    assert_eq!(paths(&env.facts(["clean", "d"])), leftovers);
    assert!(!leftovers.iter().any(|name| at(name).exists()));
    assert!(stays.iter().all(|name| at(name).exists()) && young.exists());
    env.molsieve(["clean", "d"]).exits(0).says("0 B freed");
    let _server = Server::healthy(port);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
}

#[test]
fn clean_removes_what_was_carried_to_and_from_nodes_when_it_was_gathered_and_not_before() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    interrupted(&env, "");
    let at = |name: &str| env.path("d").join(name);
    let number = |is_sealed| group(&env, is_sealed).rsplit_once('/').unwrap().1.trim_start_matches('0').to_owned();
    let number = |is_sealed| Some(number(is_sealed)).filter(|n| !n.is_empty()).unwrap_or_else(|| "0".to_owned());
    // As a wave of two tasks left it: of one all task groups are sealed by now, of the other none is.
    std::fs::write(at("launch/wave-1.tasks"), format!("{}\n{}\n", number(true), number(false))).unwrap();
    let files = [
        "launch/parcels/wave-1/task-0.parcel",
        "returned/wave-1/0/groups/000000/aaaaaaaaaaaaaaaa.rows",
        "returned/wave-1/0/_task.0.out",
        "returned/wave-1/1/groups/000001/aaaaaaaaaaaaaaaa.checkpoint",
    ];
    for name in files {
        old(at(name));
    }
    // (Directories that were made a moment ago are nobody's leftovers yet.)
    assert_eq!(paths(&env.facts(["clean", "d", "--dry-run"])), [""; 0]);
    for name in ["launch/parcels/wave-1", "returned/wave-1", "returned/wave-1/0", "returned/wave-1/0/groups"] {
        std::fs::File::open(at(name)).unwrap().set_modified(UNIX_EPOCH).unwrap();
    }
    let facts = env.facts(["clean", "d"]);
    assert_eq!(paths(&facts), ["launch/parcels/wave-1", "returned/wave-1/0"], "{facts}");
    assert_eq!(facts["bytes"], 3 * "left behind".len());
    assert!(at(files[3]).exists() && !at("returned/wave-1/0").exists() && !at("launch/parcels/wave-1").exists());
}

#[test]
fn clean_leaves_alone_what_somebody_at_work_may_need() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let (server, mut run) = at_work(&env, 60);
    let port = server.port;
    let (sealed, open) = (group(&env, true), env.path("d").join(group(&env, false)));
    let needed = old(open.join(".aaaaaaaaaaaaaaaa.rows.0123456789abcdef.tmp"));
    let rows = old(open.join("aaaaaaaaaaaaaaaa.rows"));
    let poses = old(open.join("aaaaaaaaaaaaaaaa.files.zip"));
    let snapshot = old(env.path("d/library/aaaaaaaaaaaaaaaa/snapshot.json"));
    std::fs::File::open(snapshot.parent().unwrap()).unwrap().set_modified(UNIX_EPOCH).unwrap();
    let spent = old(env.path("d").join(&sealed).join("aaaaaaaaaaaaaaaa.checkpoint"));
    let facts = env.facts(["clean", "d"]);
    assert_eq!(paths(&facts), [format!("{sealed}/aaaaaaaaaaaaaaaa.checkpoint")]);
    assert!(facts["held_back"].as_str().unwrap().contains("driver"), "{facts}");
    assert!(needed.exists() && rows.exists() && poses.exists() && snapshot.exists() && !spent.exists());
    env.molsieve(["cancel", "d"]).exits(0);
    run.wait().unwrap();
    drop(server);
    let _server = Server::healthy(port);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
}

#[test]
fn clean_removes_snapshots_that_nobody_uses_or_writes_and_no_part_that_was_adopted_from_them() {
    let env = TestEnv::new();
    let payload = undisturbed(&env);
    let library = env.path("undisturbed/library");
    let used = std::fs::read_dir(&library).unwrap().next().unwrap().unwrap().path();
    let spare = library.join("aaaaaaaaaaaaaaaa");
    // As a planner leaves it that died after the next one had adopted its parts, and before.
    std::fs::create_dir(&spare).unwrap();
    for entry in std::fs::read_dir(&used).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::hard_link(&entry, spare.join(entry.file_name().unwrap())).unwrap();
        std::fs::File::open(&entry).unwrap().set_modified(UNIX_EPOCH).unwrap();
    }
    let facts = env.facts(["clean", "undisturbed"]);
    assert_eq!((paths(&facts).len(), spare.exists()), (0, true), "it was made a moment ago");
    for path in [&spare, &used] {
        std::fs::File::open(path).unwrap().set_modified(UNIX_EPOCH).unwrap();
    }
    // Whoever took over the journal may still be measuring a pilot.
    let segments = std::fs::read_dir(env.path("undisturbed/journal")).unwrap().count();
    let planner = env.write(&format!("undisturbed/journal/{:06}.jsonl", segments + 1), "");
    let facts = env.facts(["clean", "undisturbed"]);
    assert!(paths(&facts).is_empty() && facts["held_back"].as_str().unwrap().contains("planning"), "{facts}");
    std::fs::remove_file(planner).unwrap();
    let facts = env.facts(["clean", "undisturbed"]);
    assert_eq!(paths(&facts), ["library/aaaaaaaaaaaaaaaa"]);
    assert_eq!(facts["bytes"], 0, "what has another name takes no room");
    assert!(used.exists() && !spare.exists());
    for name in ["groups", "pack"] {
        std::fs::remove_dir_all(env.path("undisturbed").join(name)).unwrap();
    }
    env.molsieve(["resume", "undisturbed"]).exits(0);
    assert_eq!(env.payload_of("undisturbed"), payload);
}

/// The members of an archive, by name.
pub fn members(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let decoder = zstd::Decoder::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut tar = tar::Archive::new(decoder);
    let (mut all, mut dates, mut names) = (BTreeMap::new(), Vec::new(), Vec::new());
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        dates.push(entry.header().mtime().unwrap());
        names.push(PathBuf::from(&name));
        all.insert(name, bytes);
    }
    dates.dedup();
    assert!(dates.len() == 1 && names.is_sorted(), "not sorted and dated alike: {dates:?} {names:?}");
    all
}

#[test]
fn an_archive_holds_what_answers_questions_and_no_secret_and_the_rows_may_go() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let file = licensed(&env, "d", 0, "env = { LICENCE = \"hunter2hunter2\" }", "");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let payload = env.payload_of("d");
    let before = env.facts(["status", "d"]);
    let facts = env.facts(["archive", "d"]);
    let all = members(&env.path("d.tar.zst"));
    assert_eq!(facts["members"], all.len());
    for name in ["pack/summary.csv", "pack/evidence_pack.zip", "campaign.json", "plan.json", "journal/000001.jsonl"] {
        assert!(all.contains_key(name), "`{name}` is not in {:?}", all.keys());
    }
    assert_eq!(all["pack/summary.csv"], std::fs::read(env.path("d/pack/summary.csv")).unwrap());
    assert_eq!(all.keys().filter(|name| name.ends_with(".receipt.json")).count(), 12);
    let secret = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"hunter2");
    assert!(!all.values().any(|bytes| secret(bytes)), "a secret is in the archive");
    env.molsieve(["archive", "d"]).exits(2).says("exists already");
    let rows = |env: &TestEnv| {
        let groups = std::fs::read_dir(env.path("d/groups")).unwrap().map(|e| e.unwrap().path());
        let files = groups.flat_map(|dir| std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()));
        files.filter(|path| path.extension().is_some_and(|e| e == "rows")).count()
    };
    assert_eq!(rows(&env), 12, "rows were removed without being asked");
    env.molsieve(["archive", "d", "--out", "d.tar"]).exits(2).says("does not end in `.tar.zst`");
    std::fs::create_dir(env.path("shelf")).unwrap();
    env.molsieve(["archive", "d", "--out", "shelf", "--remove-rows"]).exits(0).says("freed");
    assert!(env.path("shelf/d.tar.zst").exists());
    assert_eq!(rows(&env), 0);
    let after = env.facts(["status", "d"]);
    for key in ["state", "records", "reasons", "shards", "payload_digest"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(env.payload_of("d"), payload);
    env.molsieve(["resume", "d"]).exits(0).says("finished");
    for args in [&["gather", "d"][..], &["peek", "d"], &["retry", "d", "--errors"]] {
        env.molsieve(args.iter().copied()).exits(2).says("archived");
    }
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    env.molsieve(["resume", "d"]).exits(6).says("archive");
}

#[test]
fn what_is_not_finished_or_does_not_verify_is_not_archived() {
    let env = TestEnv::new();
    undisturbed(&env);
    interrupted(&env, "");
    env.molsieve(["archive", "d"]).exits(3).says("not finished");
    // A receipt that is gone: the archive could not answer for its records.
    let group = env.path("undisturbed/groups/000000");
    let receipts = || std::fs::read_dir(&group).unwrap().map(|entry| entry.unwrap().path());
    let receipt = receipts().find(|path| path.to_string_lossy().ends_with(".receipt.json")).unwrap();
    std::fs::rename(&receipt, env.path("receipt")).unwrap();
    env.molsieve(["archive", "undisturbed", "--remove-rows"]).exits(3).says("has no receipt");
    assert!(!env.path("undisturbed.tar.zst").exists());
    std::fs::rename(env.path("receipt"), &receipt).unwrap();
    let summary = env.path("undisturbed/pack/summary.csv");
    let text = std::fs::read_to_string(&summary).unwrap();
    std::fs::write(&summary, text.replacen("OK", "KO", 1)).unwrap();
    env.molsieve(["archive", "undisturbed", "--remove-rows"]).exits(4).says("does not verify");
    assert!(!env.path("undisturbed.tar.zst").exists() && !env.path("d.tar.zst").exists());
    std::fs::remove_dir_all(env.path("undisturbed/pack")).unwrap();
    env.molsieve(["gather", "undisturbed"]).exits(0);
}

#[test]
fn a_link_or_a_pipe_in_a_campaign_directory_is_refused_by_name_and_never_waited_for() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    interrupted(&env, "");
    let open = env.path("d").join(group(&env, false));
    let receipt = open.join("aaaaaaaaaaaaaaaa.receipt.json");
    std::fs::create_dir_all(receipt.parent().unwrap()).unwrap();
    assert!(Command::new("mkfifo").arg(&receipt).status().unwrap().success());
    for args in [&["status", "d"][..], &["peek", "d"], &["resume", "d"]] {
        env.molsieve(args.iter().copied()).exits(6).says("aaaaaaaaaaaaaaaa.receipt.json").says("plain file");
    }
    std::fs::remove_file(&receipt).unwrap();
    let checkpoint = open.join("aaaaaaaaaaaaaaaa.checkpoint");
    std::os::unix::fs::symlink("/dev/zero", &checkpoint).unwrap();
    env.molsieve(["status", "d"]).exits(6).says("plain file");
    std::fs::remove_file(&checkpoint).unwrap();
    let campaign = env.path("d/campaign.json");
    std::fs::remove_file(&campaign).unwrap();
    std::os::unix::fs::symlink(env.path("library.smi"), &campaign).unwrap();
    env.molsieve(["status", "d"]).exits(6).says("campaign.json").says("plain file");
}
