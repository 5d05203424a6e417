//! The system says no: disk full, read-only, a file removed under us. A clear error, exit 6, and a resume that succeeds.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::{TestEnv, project};

const RECORDS: usize = 300;

/// A small file system of its own in memory; none where this user may not mount.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(at: &Path, kib: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let size = format!("size={kib}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|m| m.status.success()) {
            return Some(Self(at.to_path_buf()));
        }
        assert!(std::env::var_os("CI").is_none(), "CI must be able to mount a tmpfs");
        None
    }

    pub fn grow(&self, kib: u32) {
        let size = format!("remount,size={kib}k");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn campaign(env: &TestEnv, name: &str) -> String {
    let script = project("tests/scorers/seeded.py");
    env.campaign(name).shard(50).python(&script, &[]).with("[checkpoint]\nsync = \"0ms\"").write()
}

fn reference(env: &TestEnv) -> String {
    env.small_library(RECORDS);
    env.molsieve(["run", &campaign(env, "reference"), "--dir", "reference"]).exits(0);
    env.payload_of("reference")
}

#[test]
fn a_full_disk_pauses_the_campaign_at_whatever_moment_and_resume_succeeds() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let (mut refused, mut paused) = (0, 0);
    for kib in [16, 32, 48, 64, 80, 96, 112, 128] {
        let place = format!("disk-{kib}");
        let Some(disk) = SmallDisk::mount(&env.path(&place), kib) else { return };
        let (file, dir) = (campaign(&env, &place), format!("{place}/d"));
        let run = env.molsieve(["run", &file, "--dir", &dir, "--workers", "2"]);
        if run.0.status.code() != Some(0) {
            refused += 1;
            let room = env.path(&place).display().to_string();
            let run = run.says("hint").says(&room);
            if run.0.status.code() == Some(3) {
                paused += 1;
                run.says("paused");
                let facts = env.facts(["status", &dir]);
                assert_eq!((&facts["state"], &facts["pause"]), (&"paused".into(), &"disk_full".into()), "{facts}");
                assert!(facts["reason"].as_str().unwrap().contains(&room), "{facts}");
            } else {
                // Not even the plan, or the last line of the journal, found room.
                run.exits(6);
            }
        }
        disk.grow(4096);
        env.molsieve(["run", &file, "--dir", &dir, "--workers", "2"]).exits(0);
        assert_eq!(env.payload_of(&dir), reference, "after a disk of {kib} KiB was full");
    }
    assert!(refused > 3, "the disks were too large: only {refused} were full");
    assert!(paused > 1, "only {paused} of {refused} campaigns could say that they are paused");
}

#[test]
fn a_disk_that_is_full_while_encodings_are_written_loses_nothing() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let mut refused = 0;
    for kib in [128, 144, 160, 176, 192, 224] {
        let place = format!("disk-{kib}");
        let Some(disk) = SmallDisk::mount(&env.path(&place), kib) else { return };
        let script = project("tests/scorers/seeded.py");
        let sections = "[pack]\noutputs = [\"csv\", \"parquet\", \"hdf5\"]";
        let file = env.campaign(&place).shard(50).python(&script, &[]).with(sections).write();
        let dir = format!("{place}/d");
        let run = env.molsieve(["run", &file, "--dir", &dir]);
        if run.0.status.code() != Some(0) {
            refused += 1;
            let run = run.says("hint");
            // Paused where the work found no room, an error where the pack did not.
            assert!(matches!(run.0.status.code(), Some(3 | 6)), "{run}");
            assert!(!env.path(&dir).join("pack").exists(), "half a pack has its name");
        }
        disk.grow(4096);
        env.molsieve(["resume", &dir]).exits(0);
        assert_eq!(env.payload_of(&dir), reference, "after a disk of {kib} KiB was full");
    }
    assert!(refused > 1, "the disks were too large: only {refused} were full");
}

#[test]
fn a_read_only_directory_is_exit_6_and_resume_succeeds() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let Some(disk) = SmallDisk::mount(&env.path("disk"), 4096) else { return };
    let file = campaign(&env, "read-only");
    env.molsieve(["plan", &file, "--dir", "disk/d"]).exits(0);
    let remount = |how: &str| {
        assert!(Command::new("mount").args(["-o", how]).arg(&disk.0).status().unwrap().success());
    };
    remount("remount,ro");
    env.molsieve(["resume", "disk/d"]).exits(6).says("hint");
    remount("remount,rw");
    env.molsieve(["resume", "disk/d"]).exits(0);
    assert_eq!(env.payload_of("disk/d"), reference);
}

#[test]
fn a_rows_file_that_was_removed_is_computed_again() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let file = campaign(&env, "removed");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let group = env.path("d/groups/000002");
    let rows = std::fs::read_dir(&group).unwrap().flatten().map(|e| e.path());
    let rows = rows.into_iter().find(|path| path.extension().is_some_and(|e| e == "rows")).unwrap();
    std::fs::remove_file(rows).unwrap();
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    env.molsieve(["gather", "d"]).exits(6).says("rows");
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), reference);
}

#[test]
fn a_library_that_changed_since_the_plan_is_refused_by_name() {
    let env = TestEnv::new();
    let text = crate::support::env::small_library(RECORDS);
    let file = campaign(&env, "changed");
    for (name, changed) in [
        ("a byte", text.replacen("CC1=CC(=O)C=CC1=O", "CC1=CC(=O)C=CC1=S", 1)),
        ("a record more", format!("{text}CCO\tx\n")),
        ("a record less", text.split_inclusive('\n').skip(1).collect()),
    ] {
        env.write("library.smi", &text);
        let dir = name.replace(' ', "-");
        env.molsieve(["plan", &file, "--dir", &dir]).exits(0);
        env.write("library.smi", changed);
        env.molsieve(["resume", &dir]).exits(2).says("library.smi");
        env.write("library.smi", &text);
        env.molsieve(["resume", &dir]).exits(0);
    }
}

#[test]
fn a_scorer_that_changed_since_the_plan_is_refused() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let script = env.write("score.py", std::fs::read(project("tests/scorers/seeded.py")).unwrap());
    let file = env.campaign("c").shard(50).python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    std::fs::remove_dir_all(env.path("d/groups/000003")).unwrap();
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, text.replace("997", "991")).unwrap();
    env.molsieve(["resume", "d"]).exits(2).says("the scorer changed since the plan");
    env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("the scorer changed since the plan");
}

#[test]
fn a_scorer_that_never_finished_a_record_may_be_mended_in_place() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    let text = std::fs::read_to_string(project("tests/scorers/seeded.py")).unwrap();
    let script = env.write("score.py", text.replace("print(json.dumps({\"seq\"", "print(str({\"seq\""));
    let file = env.campaign("c").shard(50).python(&script, &[]).write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(6);
    std::fs::write(&script, text).unwrap();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
}

#[test]
fn a_secret_of_the_scorer_and_the_place_of_the_key_stay_out_of_the_pack() {
    let env = TestEnv::new();
    env.small_library(20);
    env.molsieve(["keygen", "--out", "keys-of-mine.pem"]).exits(0);
    let campaign = env.campaign("c").python(&project("tests/scorers/seeded.py"), &[]);
    let file = campaign.with("[pack]\nkey = \"keys-of-mine.pem\"").write();
    let text = std::fs::read_to_string(env.path(&file)).unwrap();
    env.write(&file, text.replace("protocol =", "env = { LICENCE = \"hunter2hunter2\" }\nprotocol ="));
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    for entry in std::fs::read_dir(env.path("d/pack")).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in ["hunter2hunter2", "keys-of-mine", "PRIVATE KEY"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is in {:?}", entry.file_name());
        }
    }
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(env.path("d/campaign.json")).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "others can read `campaign.json`");
}

#[test]
fn work_in_flight_gets_its_grace_and_the_checkpoint_ends_cleanly() {
    let env = TestEnv::new();
    env.small_library(64);
    // Sixteen records a request, a second a request.
    let campaign = env.campaign("c").shard(64).python(&project("tests/scorers/seeded.py"), &["60"]);
    let mut run = env.command(["run", &campaign.write(), "--dir", "d", "--workers", "1"]).spawn().unwrap();
    let finished = || env.facts(["status", "d"])["records"]["ok"].as_u64().unwrap();
    while !env.path("d/campaign.json").exists() || finished() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let before = finished();
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(75));
    assert!(finished() > before, "what was in flight at the signal was thrown away");
    let log = std::fs::read_to_string(env.path("d/logs/wave-1-task-0.jsonl")).unwrap();
    assert!(log.contains("stopped before all records"), "the worker did not come to its own end: {log}");
}

#[test]
fn what_is_missing_is_told_before_any_work() {
    let env = TestEnv::new();
    env.small_library(10);
    env.molsieve(["run", "none.toml"]).exits(2).says("none.toml");
    env.molsieve(["run", &env.campaign("lib").library("none.smi").write(), "--dir", "a"]).exits(2).says("none.smi");
    env.write("empty.smi", "");
    env.molsieve(["run", &env.campaign("empty").library("empty.smi").write(), "--dir", "b"]).exits(2).says("empty.smi");
    let key = env.campaign("key").with("[pack]\nkey = \"none.pem\"").write();
    env.molsieve(["run", &key, "--dir", "c"]).exits(2).says("none.pem");
    assert!(!env.path("c").exists(), "work was begun without the key");
    let program = env.campaign("tool").scorer("kind = \"command\"\nargv = [\"no-such-scorer\"]").write();
    env.molsieve(["run", &program, "--dir", "e"]).exits(6).says("no-such-scorer");
    let dies = env.campaign("dies").scorer("kind = \"command\"\nargv = [\"false\"]").write();
    env.molsieve(["run", &dies, "--dir", "f"]).exits(6).says("false");
}

#[test]
fn an_incomplete_campaign_is_gathered_only_on_request_and_says_so() {
    let env = TestEnv::new();
    let reference = reference(&env);
    let file = campaign(&env, "part");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    std::fs::remove_dir_all(env.path("d/groups/000003")).unwrap();
    std::fs::remove_dir_all(env.path("d/pack")).unwrap();
    env.molsieve(["gather", "d"]).exits(3).says("50");
    env.molsieve(["gather", "d", "--allow-incomplete"]).exits(3).says("INCOMPLETE");
    assert!(std::fs::read_to_string(env.path("d/pack/index.md")).unwrap().contains("INCOMPLETE"));
    env.molsieve(["verify", "d/pack", "--allow-unsigned"]).exits(3);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), reference);
}
