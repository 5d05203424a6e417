//! The first five minutes: `init` gives something that runs, `doctor` looks at the machine, the manual is there.

use std::os::unix::fs::PermissionsExt;

use crate::support::env::{TestEnv, project};

#[test]
fn what_init_writes_runs_to_a_complete_pack_without_a_question() {
    for scorer in ["similarity", "command"] {
        let env = TestEnv::new();
        env.molsieve(["init", "night", "--scorer", scorer]).exits(0);
        env.molsieve(["run", "night/campaign.toml", "--dir", "night/out"]).exits(0).says("24 records: 24 OK");
        assert!(env.facts(["status", "night/out"])["campaign"] == "night", "it is called as its directory");
    }
}

#[test]
fn init_takes_the_library_that_it_is_told_wherever_the_campaign_file_lies() {
    let env = TestEnv::new();
    env.small_library(30);
    env.molsieve(["init", "deep/er", "--library", "library.smi"]).exits(0);
    assert!(!env.path("deep/er/library.smi").exists(), "no second library");
    env.molsieve(["run", "deep/er/campaign.toml", "--dir", "out"]).exits(0).says("30 records");
}

#[test]
fn what_init_writes_runs_whatever_the_library_is() {
    let smiles = "CCO\ta\nc1ccccc1\tb\nCC(=O)O\tc\n";
    let sdf = std::fs::read(project("tests/fixtures/similarity/molfiles.sdf")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &sdf).unwrap();
    let parquet = std::fs::read(project("tests/fixtures/libraries/snappy.parquet")).unwrap();
    for (name, content, records, says) in [
        ("mols.smi", smiles.as_bytes().to_vec(), 3, "SMILES, one molecule a line"),
        ("mols.csv", b"id,smiles\na,CCO\nb,c1ccccc1\n".to_vec(), 2, "SMILES, one molecule a line"),
        ("mols.sdf", sdf.clone(), 165, "SD files"),
        ("mols.sdf.gz", gzip.finish().unwrap(), 165, "SD files"),
        ("mols.parquet", parquet, 250, "Parquet; the columns are found"),
    ] {
        for scorer in ["similarity", "command"] {
            let env = TestEnv::new();
            env.write(&format!("own/{name}"), &content);
            // A table may be anything: it is screened if it is named.
            let said = ["--library", &format!("own/{name}")];
            let said = if name == "mols.csv" { &said[..] } else { &[] };
            env.molsieve([&["init", "own", "--scorer", scorer], said].concat()).exits(0).says(name);
            let campaign = std::fs::read_to_string(env.path("own/campaign.toml")).unwrap();
            assert!(campaign.contains(says), "{name}: {campaign}");
            assert!(!env.path("own/library.smi").exists(), "no second library");
            let run = env.molsieve(["run", "own/campaign.toml", "--dir", "out"]).exits(0);
            let run = run.says(&format!("{records} records"));
            let counts = &env.facts(["status", "out"]);
            assert!(env.path("out/pack/hits.csv").exists(), "{counts} {}", run.stderr());
            let hits = std::fs::read_to_string(env.path("out/pack/hits.csv")).unwrap();
            assert!(hits.lines().count() > records.min(100) / 2, "{name}: most are scored by {scorer}: {hits}");
        }
    }
}

#[test]
fn init_does_not_choose_between_two_libraries() {
    let env = TestEnv::new();
    env.write("own/a.smi", "CCO\ta\n");
    env.write("own/b.smi", "CCN\tb\n");
    env.molsieve(["init", "own"]).exits(0);
    assert!(std::fs::read_to_string(env.path("own/campaign.toml")).unwrap().contains("[\"library.smi\"]"));
}

#[test]
fn init_overwrites_nothing_and_writes_nothing_where_it_may_not_write_all() {
    let env = TestEnv::new();
    env.write("mine/score.py", "precious");
    env.molsieve(["init", "mine", "--scorer", "command"]).exits(2).says("`mine/score.py` is there already");
    assert_eq!(std::fs::read_to_string(env.path("mine/score.py")).unwrap(), "precious");
    assert_eq!(std::fs::read_dir(env.path("mine")).unwrap().count(), 1, "nothing else was written");
    env.molsieve(["init", "new", "--library", "nowhere.smi"]).exits(2).says("nowhere.smi");
    assert!(!env.path("new").exists());
}

#[test]
fn a_name_or_a_path_with_quotes_is_still_a_campaign_file() {
    let env = TestEnv::new();
    let name = "it's \"odd\" \\ \u{e9}";
    env.small_library(3);
    std::fs::rename(env.path("library.smi"), env.path("a \"b\" 'c'.smi")).unwrap();
    env.molsieve(["init", name, "--library", "a \"b\" 'c'.smi"]).exits(0);
    env.molsieve(["run", &format!("{name}/campaign.toml"), "--dir", "out"]).exits(0).says("3 records");
    assert_eq!(env.facts(["status", "out"])["campaign"], name);
}

#[test]
fn every_key_of_a_campaign_file_can_be_printed() {
    let env = TestEnv::new();
    let shown = env.molsieve(["init", "--all-keys"]).exits(0).stdout();
    assert_eq!(shown.trim_end(), include_str!("../configs/defaults.toml").trim_end());
    assert_eq!(std::fs::read_dir(env.path("")).unwrap().count(), 0, "nothing was written");
}

#[test]
fn doctor_tries_the_file_system_and_leaves_nothing_behind() {
    let env = TestEnv::new();
    let facts = env.facts(["doctor"]);
    let found = facts["findings"].as_array().unwrap();
    let of = |check: &str| found.iter().find(|f| f["check"] == check).unwrap_or_else(|| panic!("no {check}: {facts}"));
    for check in ["exclusive names", "renames"] {
        assert_eq!(of(check)["verdict"], "good", "{facts}");
    }
    assert_ne!(of("durable writes")["verdict"], "problem");
    assert!(of("cores")["what"].as_str().unwrap().starts_with(|c: char| c.is_ascii_digit()));
    assert_eq!(std::fs::read_dir(env.path("")).unwrap().count(), 0, "nothing is left");
}

#[test]
fn doctor_refuses_a_directory_that_is_not_there_or_cannot_be_written() {
    let env = TestEnv::new();
    env.molsieve(["doctor", "nowhere"]).exits(2).says("`nowhere`");
    env.write("file", "");
    env.molsieve(["doctor", "file"]).exits(2).says("`file`");
    let closed = env.path("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o555)).unwrap();
    // The superuser may write anywhere.
    if std::fs::write(closed.join("probe"), "").is_err() {
        env.molsieve(["doctor", "closed"]).exits(6).says("cannot");
    }
}

#[test]
fn a_low_limit_is_a_warning_with_something_to_do() {
    let env = TestEnv::new();
    let mut shell = std::process::Command::new("sh");
    let line = format!("ulimit -n 64; exec '{}' doctor", crate::support::env::MOLSIEVE);
    let done = shell.args(["-c", &line]).current_dir(env.path("")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && said.contains("only 64 at a time") && said.contains("ulimit -n 512"), "{said}");
}

#[test]
fn each_command_has_a_page_of_the_manual_and_an_example_where_it_has_options() {
    let env = TestEnv::new();
    env.molsieve(["man", "--out", "man1"]).exits(0);
    for page in ["molsieve", "molsieve-run", "molsieve-verify", "molsieve-library-inspect"] {
        let text = std::fs::read_to_string(env.path(&format!("man1/{page}.1"))).unwrap();
        assert!(text.contains(".SH SYNOPSIS") && text.contains(".TH"), "{page}");
    }
    assert!(!env.path("man1/molsieve-worker.1").exists(), "what schedulers start is not for people");
    assert!(env.molsieve(["man"]).exits(0).stdout().contains(".SH NAME"));
}

#[test]
fn completions_are_there_for_the_common_shells() {
    let env = TestEnv::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = env.molsieve(["completions", shell]).exits(0).stdout();
        assert!(script.contains("resume") && script.contains("molsieve"), "{shell}");
    }
    let syntax = format!("'{}' completions bash | bash -n", crate::support::env::MOLSIEVE);
    assert!(std::process::Command::new("bash").args(["-c", &syntax]).status().unwrap().success());
}

#[test]
fn logs_are_told_in_words_and_as_facts_and_a_huge_one_by_its_end() {
    let env = TestEnv::new();
    env.molsieve(["init"]).exits(0);
    env.molsieve(["run", "campaign.toml", "--dir", "out"]).exits(0);
    env.write("out/logs/scorer-x.stderr", "noise\n".repeat(500_000) + "the end\n");
    let told = env.molsieve(["logs", "out"]).exits(0).stdout();
    assert!(told.contains("INFO  started") && !told.contains("{\"timestamp\""), "{told}");
    assert!(told.contains("the end") && told.lines().count() < 60, "{told}");
    let facts = env.facts(["logs", "out", "stderr", "--lines", "1"]);
    assert_eq!(facts["files"][0]["lines"], serde_json::json!(["the end"]));
}
