//! Kept files: those of the best records survive everything, lie in one archive a task group, and change no payload.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use crate::support::env::{CampaignText, TestEnv, project};

const RECORDS: usize = 60;

/// A campaign of a scorer that hands over two files for each record that it scores.
fn posing<'e>(env: &'e TestEnv, name: &str, keep: u64) -> CampaignText<'e> {
    let sections = format!("[checkpoint]\nsync = \"0ms\"\n[pack]\nkeep = {keep}");
    env.campaign(name).shard(16).python(&project("tests/scorers/posing.py"), &[]).with(&sections)
}

fn run(env: &TestEnv, name: &str, keep: u64) {
    env.small_library(RECORDS);
    env.molsieve(["run", &posing(env, name, keep).write(), "--dir", name, "--workers", "1"]).exits(0);
}

/// Name and content of each member, in order.
fn members(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut members = Vec::new();
    for index in 0..zip.len() {
        let mut member = zip.by_index(index).unwrap();
        let mut content = Vec::new();
        member.read_to_end(&mut content).unwrap();
        members.push((member.name().unwrap().into_owned(), content));
    }
    members
}

/// The bytes of each archive, by task group.
fn contents(env: &TestEnv, dir: &str) -> BTreeMap<String, Vec<u8>> {
    env.kept_archives(dir).into_iter().map(|(group, path)| (group, std::fs::read(path).unwrap())).collect()
}

/// The rows of `dir`'s summary that are OK: score, ordinal and line, best first.
fn ranked(env: &TestEnv, dir: &str) -> Vec<(u64, u64, String)> {
    let summary = std::fs::read_to_string(env.path(dir).join("pack/summary.csv")).unwrap();
    let ok = summary.lines().filter(|line| line.contains(",OK,"));
    let mut rows: Vec<_> = ok
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            (cells[4].parse().unwrap(), cells[0].parse().unwrap(), line.to_owned())
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn the_files_of_the_best_of_each_task_group_are_kept_and_no_others() {
    let env = TestEnv::new();
    run(&env, "c", 3);
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, ordinal, _) in ranked(&env, "c") {
        let of_group = expected.entry(format!("{:06}", ordinal / 16)).or_default();
        if of_group.len() < 6 {
            of_group.extend(["log.txt", "pose.txt"].map(|name| format!("{ordinal:03}/{name}")));
        }
    }
    let found = env.kept_archives("c");
    assert_eq!(found.len(), RECORDS.div_ceil(16));
    for (group, path) in found {
        let names: Vec<String> = members(&path).into_iter().map(|(name, _)| name).collect();
        let expected = expected.get_mut(&group).unwrap();
        expected.sort();
        let expected: Vec<String> = expected.iter().map(|name| name.trim_start_matches('0').to_owned()).collect();
        let expected: Vec<String> =
            expected.into_iter().map(|name| if name.starts_with('/') { format!("0{name}") } else { name }).collect();
        assert_eq!(names, expected, "group {group}");
    }
}

#[test]
fn a_payload_does_not_depend_on_what_is_kept_and_archives_are_the_same_bytes_every_time() {
    let env = TestEnv::new();
    for (name, keep) in [("none", 0), ("some", 3), ("again", 3)] {
        env.small_library(RECORDS);
        let file = posing(&env, "c", keep).write();
        env.molsieve(["run", &file, "--dir", name]).exits(0);
    }
    let payload = env.payload_of("none");
    assert_eq!((env.payload_of("some"), env.payload_of("again")), (payload.clone(), payload));
    assert!(env.kept_archives("none").is_empty());
    assert_eq!(contents(&env, "some"), contents(&env, "again"));
}

/// Dies at the Nth write, for N = 1, 8, 15 …; resuming gives the same archives, wherever that was.
fn dies_and_keeps(fault: &str) {
    let env = TestEnv::new();
    env.small_library(24);
    let file = posing(&env, "c", 2).write();
    env.molsieve(["run", &file, "--dir", "c"]).exits(0);
    let (payload, reference) = (env.payload_of("c"), contents(&env, "c"));
    for at in (1..).step_by(7) {
        let dir = format!("at-{at}");
        let run = ["run", &file, "--dir", &dir, "--workers", "1"];
        let lived = env.command(run).env("MOLSIEVE_FAULT", format!("{fault}@{at}")).output().unwrap().status.success();
        env.molsieve(run).exits(0);
        assert_eq!(env.payload_of(&dir), payload, "{fault} at write {at}");
        let kept = env.kept_that_counts(&dir);
        assert_eq!(kept, reference, "{fault} at write {at}");
        if lived {
            assert!(at > 20, "only {at} writes: the fault was never asked for");
            return;
        }
    }
}

#[test]
fn a_kill_before_any_write_loses_no_kept_file() {
    dies_and_keeps("kill");
}

#[test]
fn a_loss_of_power_before_any_write_loses_no_kept_file() {
    dies_and_keeps("power");
}

#[test]
fn the_top_is_extracted_in_the_order_of_hits_with_a_table_beside_it() {
    let env = TestEnv::new();
    run(&env, "c", 5);
    let facts = env.facts(["extract", "c", "--top", "5", "--out", "out", "--name", "pose*"]);
    let best: Vec<String> = ranked(&env, "c").into_iter().take(5).map(|(_, _, line)| line).collect();
    let table = std::fs::read_to_string(env.path("out/files.csv")).unwrap();
    let rows: Vec<&str> = table.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
    assert_eq!(rows, best);
    for (rank, file) in (1..).zip(facts["files"].as_array().unwrap()) {
        let name = file["file"].as_str().unwrap();
        assert_eq!(name, format!("{rank}-{}-pose.txt", file["id"].as_str().unwrap()));
        assert!(std::fs::read_to_string(env.path("out").join(name)).unwrap().starts_with("pose of "));
    }
    assert_eq!(std::fs::read_dir(env.path("out")).unwrap().count(), 6);
    env.molsieve(["extract", "c", "--top", "5", "--out", "out"]).exits(2).says("is there already");
}

#[test]
fn a_record_without_files_is_told_why() {
    let env = TestEnv::new();
    run(&env, "c", 2);
    let ranked = ranked(&env, "c");
    let best = ranked[0].1.to_string();
    let worst = ranked.iter().filter(|row| row.1 < 16).max().unwrap().1.to_string();
    env.molsieve(["extract", "c", "--ordinal", &best, "--out", "best"]).exits(0).says("2 files of 1 records");
    env.molsieve(["extract", "c", "--ordinal", &worst, "--out", "a"]).exits(2).says("not among the best");
    env.molsieve(["extract", "c", "--ordinal", "99", "--out", "a"]).exits(2).says("the library has 60");
    env.molsieve(["extract", "c", "--id", "nobody", "--out", "a"]).exits(2).says("is not in the library");
    env.molsieve(["extract", "c", "--out", "a"]).exits(2);
    env.molsieve(["extract", "nowhere", "--top", "1", "--out", "a"]).exits(2).says("no campaign");
    run(&env, "none", 0);
    env.molsieve(["extract", "none", "--top", "1", "--out", "a"]).exits(2).says("`keep = 100`");
    assert!(!env.path("a").exists());
}

#[test]
fn of_many_hits_those_have_files_that_are_among_the_best_of_their_task_group() {
    let env = TestEnv::new();
    run(&env, "c", 2);
    let ranked = ranked(&env, "c");
    let facts = env.facts(["extract", "c", "--top", "60", "--out", "many", "--name", "pose*"]);
    let (mut of_group, mut with, mut without) = (BTreeMap::<u64, u32>::new(), Vec::new(), Vec::new());
    for ((_, ordinal, _), rank) in ranked.iter().zip(1u64..) {
        let before = of_group.entry(ordinal / 16).or_default();
        *before += 1;
        if *before <= 2 { &mut with } else { &mut without }.push((rank, *ordinal));
    }
    let told = |facts: &serde_json::Value| -> Vec<(u64, u64)> {
        let one = |entry: &serde_json::Value| (entry["rank"].as_u64().unwrap(), entry["ordinal"].as_u64().unwrap());
        facts.as_array().unwrap().iter().map(one).collect()
    };
    assert!(!without.is_empty());
    assert_eq!(told(&facts["files"]), with);
    assert_eq!(told(&facts["without"]), without);
    assert!(facts["without"].as_array().unwrap().iter().all(|entry| entry["why"] == "not_among_the_best"));
}

#[test]
fn of_an_unfinished_campaign_what_is_sealed_is_extracted() {
    let env = TestEnv::new();
    run(&env, "c", 2);
    std::fs::remove_dir_all(env.path("c/groups/000003")).unwrap();
    env.molsieve(["extract", "c", "--top", "1", "--out", "top"]).exits(0).says("not finished");
    env.molsieve(["extract", "c", "--ordinal", "50", "--out", "a"]).exits(3).says("is not finished");
}

#[test]
fn an_archive_that_was_changed_is_refused_and_one_that_is_gone_is_missed() {
    let env = TestEnv::new();
    run(&env, "c", 2);
    let path = env.kept_archives("c").remove("000000").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    env.molsieve(["extract", "c", "--top", "60", "--out", "a"]).exits(4).says("is not what its receipt says");
    std::fs::remove_file(&path).unwrap();
    env.molsieve(["extract", "c", "--top", "60", "--out", "a"])
        .exits(6)
        .says("the result itself does not depend on it");
    assert!(!env.path("a").exists());
    env.molsieve(["run", &posing(&env, "c", 2).write(), "--dir", "c"]).exits(0);
}

#[test]
fn an_archive_that_somebody_made_a_link_or_a_pipe_is_refused_and_nobody_waits_for_it() {
    let env = TestEnv::new();
    run(&env, "c", 2);
    let path = env.kept_archives("c").remove("000000").unwrap();
    let elsewhere = env.path("elsewhere.zip");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    env.molsieve(["extract", "c", "--top", "60", "--out", "a"]).exits(6).says("it is not a plain file");
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    env.molsieve(["extract", "c", "--top", "60", "--out", "a"]).exits(6).says("it is not a plain file");
    assert!(!env.path("a").exists());
}

#[test]
fn whatever_an_id_is_a_file_stays_inside_and_has_a_harmless_name() {
    let env = TestEnv::new();
    // The last two differ where no file name has room for it.
    let long = |end: &str| "x".repeat(300) + end;
    let ids = ["../../x", "a b;c", "-rf", "..", "\u{e9}", &long("1"), &long("2")];
    let lines: String = ids.iter().map(|id| format!("CCCCCCCCCCCC{}\t{id}\n", "C".repeat(id.len()))).collect();
    env.write("library.smi", lines);
    env.molsieve(["run", &posing(&env, "c", 9).write(), "--dir", "c"]).exits(0);
    env.molsieve(["extract", "c", "--top", "9", "--out", "out", "--name", "pose.txt"]).exits(0);
    for entry in std::fs::read_dir(env.path("out")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name}");
        assert!(name == "files.csv" || name.starts_with(|c: char| c.is_ascii_digit()), "{name}");
        assert!(name.len() <= "1--pose.txt".len() + 64, "{name}");
    }
    assert_eq!(std::fs::read_dir(env.path("out")).unwrap().count(), 8);
    env.molsieve(["extract", "c", "--id", &long("2"), "--out", "two"]).exits(0).says("2 files of 1 records");
    env.molsieve(["extract", "c", "--id", "../../x", "--out", "one"]).exits(0).says("2 files of 1 records");
}

/// A scorer whose every reply has the `files` that `files` (Python, with `o` the ordinal) stands for.
fn offering(env: &TestEnv, files: &str) -> String {
    let script = format!(
        r#"
import json, os, sys
tmp = os.environ["MOLSIEVE_TMP"]
open(tmp + "/pose", "w").write("pose")
open(tmp + "/large", "wb").truncate(5 << 20)
os.symlink("/etc/passwd", tmp + "/link")
os.mkfifo(tmp + "/pipe")
print(json.dumps({{"name": "o", "version": "1", "columns": [{{"name": "x", "type": "int"}}], "batch_size": 1,
                  "deterministic": True}}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    o = request["records"][0][0]
    print(json.dumps({{"seq": request["seq"], "results": [[o, "OK", {{"x": 1}}]], "files": {files}}}), flush=True)
"#
    );
    let script = env.write("offering.py", script);
    env.campaign("o").python(&script, &[]).with("[pack]\nkeep = 9").write()
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_a_violation_and_nothing_is_kept() {
    let env = TestEnv::new();
    // As many records as it takes to see that it is the scorer, and not they.
    env.small_library(16);
    let secret = env.write("elsewhere/secret", "secret");
    let swap = format!(
        "os.rename(tmp, tmp + '.moved') or os.symlink('{}', tmp) or [[o, 'p', tmp + '/secret']]",
        secret.parent().unwrap().display()
    );
    for (files, why) in [
        (swap.as_str(), "was moved or replaced"),
        (r#"[[o, "p", "/etc/passwd"]]"#, "MOLSIEVE_TMP"),
        (r#"[[o, "p", tmp + "/../x"]]"#, "without `..`"),
        (r#"[[o, "p", tmp + "/link"]]"#, "a link leads to it"),
        (r#"[[o, "p", tmp + "/pipe"]]"#, "not a regular file"),
        (r#"[[o, "p", tmp + "/large"]]"#, "the most is"),
        (r#"[[o, "p", tmp + "/none"]]"#, "cannot be opened"),
        (r#"[[o, "../p", tmp + "/pose"]]"#, "no name for a file"),
        (r#"[[o + 1, "p", tmp + "/pose"]]"#, "not asked"),
        (r#"[[o, "p", tmp + "/pose"], [o, "p", tmp + "/pose"]]"#, "given twice"),
        (r#"[[o, str(i), tmp + "/pose"] for i in range(17)]"#, "more than 16 files"),
        (r#"[[o, "p"]]"#, "length 2"),
    ] {
        let file = offering(&env, files);
        let _ = std::fs::remove_dir_all(env.path("o"));
        env.molsieve(["run", &file, "--dir", "o"]).exits(6).says(why);
    }
    assert!(Path::new("/etc/passwd").exists() && secret.exists());
}

#[test]
fn keeping_without_a_rank_or_too_much_is_refused_before_any_work() {
    let env = TestEnv::new();
    env.small_library(3);
    let file = env.campaign("null").with("[pack]\nkeep = 5").write();
    env.molsieve(["plan", &file, "--dir", "null"]).exits(2).says("no numeric column");
    let file = env.campaign("much").with("[pack]\nkeep = 10001").write();
    env.molsieve(["plan", &file, "--dir", "much"]).exits(2).says("at most 10000");
}
