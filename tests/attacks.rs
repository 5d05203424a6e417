//! What an attacker, a careless neighbour or an editor may do to a campaign directory.

use std::process::Command;

use crate::support::env::{TestEnv, project};

#[test]
fn a_campaign_never_moves_in_among_other_things() {
    let env = TestEnv::new();
    env.small_library(30);
    let file = env.campaign("c").write();
    env.write("thesis/pack/chapter-1.tex", "years of work");
    env.molsieve(["run", &file, "--dir", "thesis"]).exits(2).says("holds other things");
    env.molsieve(["run", &file, "--dir", "."]).exits(2).says("holds other things");
    env.molsieve(["run", &file, "--dir", &file]).exits(2);
    assert!(env.path("thesis/pack/chapter-1.tex").exists());
    // Nor does a seal replace what somebody put where the pack goes.
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    env.write("d/pack/chapter-2.tex", "more of it");
    env.molsieve(["resume", "d"]).exits(2).says("chapter-2.tex");
    assert!(env.path("d/pack/chapter-2.tex").exists());
}

#[test]
fn an_incomplete_pack_never_takes_the_place_of_a_complete_one() {
    let env = TestEnv::new();
    env.small_library(100);
    env.molsieve(["run", &env.campaign("c").shard(50).write(), "--dir", "d"]).exits(0);
    let digest = env.payload_of("d");
    std::fs::remove_dir_all(env.path("d/groups/000001")).unwrap();
    env.molsieve(["gather", "d", "--allow-incomplete"]).exits(3).says("a complete pack is there already");
    assert_eq!(env.payload_of("d"), digest);
}

#[test]
fn edited_plans_and_campaigns_are_refused_and_never_a_panic() {
    let env = TestEnv::new();
    env.small_library(100);
    env.molsieve(["plan", &env.campaign("c").shard(50).write(), "--dir", "d"]).exits(0);
    let edits = [
        ("plan.json", "\"shard_records\":50", "\"shard_records\":0"),
        ("plan.json", "\"group_shards\":1", "\"group_shards\":0"),
        ("plan.json", "\"group_shards\":1", "\"group_shards\":9007199254740991"),
        ("plan.json", "\"records\":100", "\"records\":99"),
        ("campaign.json", "\"cpus\":1", "\"cpus\":0"),
        ("campaign.json", "\"seed\":1", "\"seed\":2"),
    ];
    for (name, from, to) in edits {
        let path = env.path("d").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
        for command in ["status", "resume", "gather"] {
            env.molsieve([command, "d"]).exits(4);
        }
        std::fs::write(&path, text).unwrap();
    }
    env.molsieve(["resume", "d"]).exits(0);
}

#[test]
fn a_missing_segment_of_the_journal_is_told() {
    let env = TestEnv::new();
    env.small_library(30);
    env.molsieve(["run", &env.campaign("c").write(), "--dir", "d"]).exits(0);
    env.molsieve(["cancel", "d"]).exits(0);
    std::fs::remove_file(env.path("d/journal/000002.jsonl")).unwrap();
    env.molsieve(["status", "d"]).exits(4).says("segment 2");
}

#[test]
fn a_scorer_whose_file_changes_while_it_is_at_work_is_refused() {
    let env = TestEnv::new();
    env.small_library(200);
    // It leaves after each answer, which is allowed: so it is started, and read, again and again.
    let text = std::fs::read_to_string(project("tests/scorers/seeded.py")).unwrap();
    let script =
        env.write("score.py", text.replace("flush=True)\n", "flush=True)\n    break\n").replacen("    break\n", "", 1));
    let file = env.campaign("c").shard(200).python(&script, &["3"]).write();
    let mut run = env.command(["run", &file, "--dir", "d", "--workers", "1"]).spawn().unwrap();
    while !env.path("d/campaign.json").exists() || env.facts(["status", "d"])["records"]["ok"] == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(&script, text.replace("997", "991")).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(2));
}

#[test]
fn names_that_steer_a_terminal_are_shown_and_not_sent() {
    let env = TestEnv::new();
    env.write("library.smi", "CCO\t\u{9b}31mred\u{1b}[0m\n");
    let run = env.molsieve(["library", "inspect", "library.smi"]).exits(0);
    assert!(!run.stdout().contains(['\u{1b}', '\u{9b}']), "{run}");
    let run = env.molsieve(["run", &env.campaign("c").library("x\\u001b[31m.smi").write(), "--dir", "d"]).exits(2);
    assert!(!run.stderr().contains('\u{1b}'), "{run}");
}

#[test]
fn a_file_size_limit_is_an_error_like_a_full_disk() {
    let env = TestEnv::new();
    env.small_library(200);
    let file = env.campaign("c").write();
    let script = format!("ulimit -f 1; exec {} run {file} --dir d", crate::support::env::MOLSIEVE);
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(env.path("."))
        .env("MOLSIEVE_HOME", env.path("home"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
}

#[test]
fn facts_that_cannot_be_written_are_not_a_success() {
    let env = TestEnv::new();
    env.small_library(20);
    env.molsieve(["run", &env.campaign("c").write(), "--dir", "d"]).exits(0);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let code = env.command(["--json", "status", "d"]).stdout(full).status().unwrap().code();
    assert_eq!(code, Some(6));
}

#[test]
fn a_campaign_directory_can_be_moved() {
    let env = TestEnv::new();
    env.small_library(100);
    let file = env.campaign("c").shard(50).write();
    env.molsieve(["plan", &file, "--dir", "here"]).exits(0);
    std::fs::rename(env.path("here"), env.path("there")).unwrap();
    env.molsieve(["resume", "there"]).exits(0);
    env.molsieve(["run", &file, "--dir", "there"]).exits(0).says("finished");
}

#[test]
fn looking_at_a_campaign_does_not_stop_it() {
    let env = TestEnv::new();
    env.small_library(200);
    let script = project("tests/scorers/seeded.py");
    let file = env.campaign("c").shard(50).python(&script, &["10"]).write();
    let mut run = env.command(["run", &file, "--dir", "d", "--workers", "2"]).spawn().unwrap();
    while !env.path("d/campaign.json").exists() || env.facts(["status", "d"])["state"] != "running" {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    env.molsieve(["gather", "d"]).exits(3);
    let _ = env.molsieve(["gather", "d", "--allow-incomplete"]);
    assert_eq!(run.wait().unwrap().code(), Some(0));
    assert_eq!(env.facts(["status", "d"])["state"], "complete");
}

#[test]
fn a_file_without_an_end_is_not_read_for_ever() {
    let env = TestEnv::new();
    env.small_library(3);
    env.molsieve(["run", "/dev/zero", "--dir", "z"]).exits(6).says("not a plain file");
    std::process::Command::new("mkfifo").arg(env.path("pipe")).status().unwrap();
    let script = env.write("score.sh", "cat\n");
    let command = format!("kind = \"command\"\nargv = [\"sh\", \"{}\"]\nfiles = [\"pipe\"]", script.display());
    for (name, scorer) in [("a", "kind = \"similarity\"\nactives = \"/dev/zero\""), ("f", command.as_str())] {
        let file = env.campaign(name).scorer(scorer).write();
        let refused = env.molsieve(["plan", &file, "--dir", name]).says("not a plain file");
        assert!(refused.0.status.code().is_some_and(|code| code == 2 || code == 6), "{name}");
    }
    let file = env.campaign("large").with(&format!("# {}", "x".repeat(17 << 20))).write();
    env.molsieve(["plan", &file, "--dir", "large"]).exits(6).says("more than 16777216 bytes");
}
