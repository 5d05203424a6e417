//! A snapshot that is interrupted at any write is no snapshot; the next one reads only what was not finished.

use super::*;
use std::process::Command;

/// Runs `library snapshot` with a fault on cue; whether it got to its end. One file is read by one thread,
/// so that the nth write is always the same.
fn snapshot_with_fault(place: &Place, file: &str, fault: &str) -> bool {
    let status = Command::new(env!("CARGO_BIN_EXE_molsieve"))
        .args(["library", "snapshot", file, "--out", "snapshot"])
        .current_dir(place.path(""))
        .env("MOLSIEVE_FAULT", fault)
        .output()
        .unwrap()
        .status;
    assert!(status.success() || status.code().is_none(), "{fault}: {status}");
    status.success()
}

/// Stops the snapshot of `file` at its 1st, 2nd, 3rd … write until it gets to its end; how often it was stopped.
fn stop_everywhere(place: &Place, file: &str, fault: &str) -> u32 {
    for n in 1..200 {
        let _ = std::fs::remove_dir_all(place.path("snapshot"));
        let is_done = snapshot_with_fault(place, file, &format!("{fault}@{n}"));
        match Snapshot::open(&place.path("snapshot")) {
            Ok(snapshot) => {
                snapshot.check_index().unwrap();
                assert_eq!(all(&snapshot).len(), 10_000, "{file}, {fault}@{n}");
            }
            Err(e) => {
                assert!(!is_done && e.kind().exit_code() == 2, "{file}, {fault}@{n}: {e}");
                let is_named = place.path("snapshot/snapshot.json").exists();
                assert!(!is_named, "{file}, {fault}@{n}: a part of it has its name");
            }
        }
        let again = place.take(&place.request(&[file])).unwrap();
        assert_eq!(all(&again).len(), 10_000, "{file}, {fault}@{n}, taken again");
        if is_done {
            return n - 1;
        }
    }
    panic!("the command never got to its end");
}

#[test]
fn at_every_write_a_kill_or_a_power_cut_leaves_a_whole_snapshot_or_none() {
    let place = Place::with("x.smi", &three_blocks());
    place.write("y.smi.gz", &gzip(&three_blocks()));
    for file in ["x.smi", "y.smi.gz"] {
        for fault in ["kill", "power"] {
            let stops = stop_everywhere(&place, file, fault);
            assert!(stops >= 6, "{file}, {fault}: only {stops} writes");
        }
    }
}

/// Ten compressed files, and the root of their library.
fn ten_files() -> (Place, molsieve::digest::Digest) {
    let place = Place::new();
    for i in 0..10u64 {
        let lines: Vec<u8> =
            (0..5000).flat_map(|k| format!("C{}\tid{i}-{k}\n", "C".repeat(k % 20)).into_bytes()).collect();
        let (name, bytes) = if i % 3 == 0 { ("smi", lines) } else { ("smi.gz", gzip(&lines)) };
        place.write(&format!("in/{i}.{name}"), &bytes);
    }
    let root = take(&place.request(&["in/*"]), &place.path("whole"), 1, &|_, _| ()).unwrap().root();
    (place, root)
}

/// The paths of the files that the logs in `dir` name as finished, with the part that holds each.
fn finished_in(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|ending| ending == "done") {
            for line in std::fs::read_to_string(entry).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
                if let Some(path) = line["file"]["file"]["source"]["path"].as_str() {
                    let part = line["file"]["file"]["stored"]["part"].as_str().unwrap();
                    found.push((path.to_owned(), part.to_owned()));
                }
            }
        }
    }
    found
}

/// Kills a snapshot of `in/*` at a later and later write until it had finished `wanted` of the ten files.
fn interrupted_after(place: &Place, wanted: usize) -> Vec<(String, String)> {
    for n in (10..400).step_by(4) {
        let _ = std::fs::remove_dir_all(place.path("snapshot"));
        assert!(!snapshot_with_fault(place, "in/*", &format!("kill@{n}")), "it got to its end");
        let finished = finished_in(&place.path("snapshot"));
        if finished.len() >= wanted {
            return finished;
        }
    }
    panic!("it never finished {wanted} files");
}

fn part_of(snapshot: &Snapshot, path: &str) -> String {
    let file = snapshot.files().iter().find(|file| file.source.path == path).unwrap();
    file.stored.part.clone()
}

#[test]
fn a_killed_snapshot_does_not_read_its_finished_files_again() {
    let (place, root) = ten_files();
    let finished = interrupted_after(&place, 7);
    let told = std::sync::Mutex::new(Vec::new());
    let progress = |bytes, records| told.lock().unwrap().push((bytes, records));
    let snapshot = take(&place.request(&["in/*"]), &place.path("snapshot"), 2, &progress).unwrap();
    assert_eq!(snapshot.root(), root);
    for (path, part) in &finished {
        assert_eq!(part_of(&snapshot, path), *part, "{path} was read again");
    }
    // Progress begins with what was there.
    assert_eq!(told.lock().unwrap()[0].1, 5000 * finished.len() as u64);
    assert_eq!(told.lock().unwrap().iter().map(|(_, records)| *records).max(), Some(50_000));
    snapshot.check_index().unwrap();
    assert_eq!(all(&Snapshot::open(snapshot.dir()).unwrap()).len(), 50_000);
    // What is left is what the snapshot names.
    for entry in std::fs::read_dir(place.path("snapshot")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_named = snapshot.files().iter().any(|file| name.starts_with(&format!("{}.", file.stored.part)));
        assert!(name == "snapshot.json" || is_named, "{name}");
    }
}

#[test]
fn a_snapshot_that_is_killed_again_and_again_gets_to_its_end() {
    let (place, root) = ten_files();
    let mut finished = 0;
    for kills in 0.. {
        assert!(kills < 60, "it makes no progress");
        if snapshot_with_fault(&place, "in/*", "kill@30") {
            break;
        }
        let now = finished_in(&place.path("snapshot"));
        let paths: std::collections::BTreeSet<&String> = now.iter().map(|(path, _)| path).collect();
        assert!(paths.len() >= finished, "a finished file was lost");
        finished = paths.len();
    }
    assert!(finished > 0);
    assert_eq!(Snapshot::open(&place.path("snapshot")).unwrap().root(), root);
}

#[test]
fn a_finished_file_that_changed_is_read_again_even_if_its_time_was_put_back() {
    let (place, _) = ten_files();
    let finished = interrupted_after(&place, 7);
    let (changed, kept) = finished.split_first().unwrap();
    let path = PathBuf::from(&changed.0);
    let (bytes, modified) = (std::fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap());
    let is_plain = path.extension().is_some_and(|ending| ending == "smi");
    let other = if is_plain { [b"N", &bytes[1..]].concat() } else { gzip(b"CCO\tother\n") };
    std::fs::write(&path, &other).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let snapshot = place.take(&place.request(&["in/*"])).unwrap();
    assert_ne!(part_of(&snapshot, &changed.0), changed.1);
    assert!(kept.iter().all(|(path, part)| part_of(&snapshot, path) == *part));
    let fresh = take(&place.request(&["in/*"]), &place.path("fresh"), 1, &|_, _| ()).unwrap();
    assert_eq!(snapshot.root(), fresh.root());
    assert_eq!(all(&snapshot), all(&fresh));
}

#[test]
fn what_was_left_is_not_believed_if_it_is_damaged_or_was_asked_for_otherwise() {
    let (place, root) = ten_files();
    for ending in ["index", "frames"] {
        let finished = interrupted_after(&place, 7);
        for entry in std::fs::read_dir(place.path("snapshot")).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_some_and(|e| e == ending) {
                let mut bytes = std::fs::read(&entry).unwrap();
                // What was being written may have been cut before its sixteenth byte.
                bytes.iter_mut().skip(16).for_each(|byte| *byte ^= 0x55);
                std::fs::write(&entry, bytes).unwrap();
            }
        }
        let snapshot = place.take(&place.request(&["in/*"])).unwrap();
        assert_eq!(snapshot.root(), root, "{ending}");
        assert_eq!(all(&snapshot).len(), 50_000, "{ending}");
        assert!(finished.iter().any(|(path, part)| part_of(&snapshot, path) != *part), "{ending}");
    }
    let finished = interrupted_after(&place, 7);
    let said = FormatRequest { id_column: Some("0".to_owned()), ..FormatRequest::default() };
    let other = place.take(&place.said("in/*", said)).unwrap();
    assert!(finished.iter().all(|(path, part)| part_of(&other, path) != *part));
    assert!(all(&other).iter().all(|(_, id)| id.is_empty()));
}

#[test]
fn a_campaign_whose_planner_was_killed_reuses_what_it_had_read() {
    let (place, root) = ten_files();
    place.write("c.toml", b"[campaign]\nname = \"c\"\n[library]\npath = [\"in/*\"]\n[scorer]\nkind = \"null\"\n");
    let plan = |fault: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_molsieve"));
        command.args(["plan", "c.toml", "--dir", "d"]).current_dir(place.path("")).env("MOLSIEVE_FAULT", fault);
        command.output().unwrap()
    };
    assert!(!plan("kill@60").status.success());
    let only_dir = |except: &[PathBuf]| {
        let dirs = std::fs::read_dir(place.path("d/library")).unwrap().map(|entry| entry.unwrap().path());
        dirs.filter(|dir| !except.contains(dir)).collect::<Vec<_>>()
    };
    let first = only_dir(&[]);
    let finished = finished_in(&first[0]);
    assert!(finished.len() > 1, "killed too early: {finished:?}");
    let planned = plan("");
    assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
    let second = only_dir(&first);
    let snapshot = Snapshot::open(&second[0]).unwrap();
    assert_eq!(snapshot.root(), root);
    for (path, part) in &finished {
        assert_eq!(part_of(&snapshot, path), *part, "{path} was read again");
    }
    // The first directory was left alone: its planner might have been alive.
    assert_eq!(finished_in(&first[0]), finished);
    std::fs::remove_dir_all(&first[0]).unwrap();
    assert_eq!(all(&snapshot).len(), 50_000);
}

#[test]
fn a_planner_that_dies_after_its_snapshot_leaves_all_of_it_to_the_next() {
    let (place, root) = ten_files();
    let text = "[campaign]\nname = \"c\"\n[library]\npath = [\"in/*\"]\n[scorer]\nkind = \"null\"\n";
    place.write("c.toml", text.as_bytes());
    let plan = |fault: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_molsieve"));
        command.args(["plan", "c.toml", "--dir", "d"]).current_dir(place.path("")).env("MOLSIEVE_FAULT", fault);
        command.output().unwrap().status.success()
    };
    // The last kill after which the snapshot is there and the campaign is not.
    let dirs = || std::fs::read_dir(place.path("d/library")).into_iter().flatten().flatten().map(|e| e.path());
    let is_between = || !place.path("d/campaign.json").exists() && dirs().any(|d| d.join("snapshot.json").exists());
    let writes = (60..400).find(|n| {
        let _ = std::fs::remove_dir_all(place.path("d"));
        assert!(!plan(&format!("kill@{n}")), "it got to its end");
        is_between()
    });
    assert!(writes.is_some(), "no kill fell between the two");
    let (first, finished) = dirs().map(|d| (d.clone(), finished_in(&d))).next().unwrap();
    assert_eq!(finished.len(), 10, "{}", first.display());
    assert!(plan(""));
    let second = dirs().find(|d| *d != first).unwrap();
    let snapshot = Snapshot::open(&second).unwrap();
    assert_eq!(snapshot.root(), root);
    for (path, part) in &finished {
        assert_eq!(part_of(&snapshot, path), *part, "{path} was read again");
    }
}
