//! What is shipped works: every campaign in `configs/campaigns` runs to a pack that verifies, and
//! `configs/defaults.toml` tells the truth about the defaults.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use molsieve::campaign::config::Config;
use molsieve::campaign::kind::{KEYS, SchedulerKind};
use molsieve::campaign::site::SiteProfile;

use crate::support::guide;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs molsieve in `dir` and demands exit 0.
fn molsieve(dir: &Path, args: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_molsieve"))
        .args(args)
        .current_dir(dir)
        .env("MOLSIEVE_HOME", dir.join("home"))
        .output()
        .unwrap();
    assert!(done.status.success(), "molsieve {args:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
}

/// A place that looks like this project to a campaign file in it, so that nothing is written here.
fn stage() -> tempfile::TempDir {
    crate::support::env::watchdog::start();
    let stage = tempfile::tempdir().unwrap();
    fs::create_dir(stage.path().join("demo-out")).unwrap();
    for name in ["data", ".venv"] {
        symlink(top().join(name), stage.path().join(name)).unwrap();
    }
    for part in ["configs/campaigns", "configs/scorers"] {
        fs::create_dir_all(stage.path().join(part)).unwrap();
        for entry in fs::read_dir(top().join(part)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), stage.path().join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    molsieve(stage.path(), &["keygen", "--out", "demo-out/demo.pem"]);
    stage
}

fn has_rdkit() -> bool {
    let python = top().join(".venv/bin/python");
    Command::new(python).args(["-c", "import rdkit"]).output().is_ok_and(|done| done.status.success())
}

#[test]
fn every_shipped_campaign_runs_to_a_pack_that_verifies() {
    let stage = stage();
    for entry in fs::read_dir(top().join("configs/campaigns")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".toml") else { continue };
        if stem == "vina" {
            // It has a library of its own, and a test of its own: tests/vina.rs.
            continue;
        }
        if stem == "rdkit" && !has_rdkit() {
            eprintln!("no RDKit in .venv: rdkit.toml was not run");
            continue;
        }
        molsieve(stage.path(), &["run", &format!("configs/campaigns/{name}"), "--dir", stem]);
        let signed = fs::read_to_string(entry.path()).unwrap().contains("\nkey = ");
        let pack = format!("{stem}/pack/evidence_pack.zip");
        if signed {
            molsieve(stage.path(), &["verify", &pack, "--key", "demo-out/demo.pub.pem"]);
        }
        let rows = fs::read_to_string(stage.path().join(stem).join("pack/summary.csv")).unwrap();
        // One process a record is for slow programs: that example has a small library.
        let records = if stem == "each" { 8 } else { 4999 };
        assert_eq!(rows.lines().count(), 1 + records, "{name}");
    }
}

#[test]
fn a_pack_is_verified_without_molsieve_as_the_guide_says() {
    let stage = stage();
    molsieve(stage.path(), &["run", "configs/campaigns/demo.toml", "--dir", "demo"]);
    fs::copy(stage.path().join("demo/pack/evidence_pack.zip"), stage.path().join("evidence_pack.zip")).unwrap();
    fs::copy(stage.path().join("demo-out/demo.pub.pem"), stage.path().join("signer.pub.pem")).unwrap();
    molsieve(stage.path(), &["prove", "demo", "--ordinal", "4000", "--out", "proof.json"]);
    let text = fs::read_to_string(top().join("docs/guide/verify-without-molsieve.md")).unwrap();
    let mut dir = stage.path().to_owned();
    for (language, code) in guide::blocks(&text) {
        let program = if language == "python" { "python3" } else { "bash" };
        let strict = if language == "python" { code.to_owned() } else { format!("set -eo pipefail\n{code}") };
        let done = Command::new(program).arg("-c").arg(&strict).current_dir(&dir).output().unwrap();
        assert!(done.status.success(), "{code}\n{}", String::from_utf8_lossy(&done.stderr));
        if code.contains("cd pack") {
            dir.push("pack");
            fs::copy(stage.path().join("proof.json"), dir.join("proof.json")).unwrap();
        }
    }
    assert!(dir.join("signature.bin").exists(), "the guide checks a signature");
}

/// `configs/defaults.toml` with its examples, such as `# key = "key.pem"` and `# [decoys]`, as if they were said.
fn with_examples(text: &str) -> String {
    let is_key = |c: char| c.is_ascii_lowercase() || c == '_';
    let said = |line: &str| {
        let bare = line.strip_prefix("# ")?;
        if bare.starts_with('[') && bare.ends_with(']') {
            return Some(bare.to_owned());
        }
        let (key, _) = bare.split_once(" = ")?;
        key.chars().all(is_key).then(|| bare.to_owned())
    };
    text.lines().map(|line| said(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_shown_defaults_are_the_defaults() {
    let shown: toml::Table = fs::read_to_string(top().join("configs/defaults.toml")).unwrap().parse().unwrap();
    let required: toml::Table =
        "[campaign]\nname = \"a\"\n[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n".parse().unwrap();
    let mut both = shown;
    for (section, keys) in &required {
        both[section].as_table_mut().unwrap().extend(keys.as_table().unwrap().clone());
    }
    let parse = |table: &toml::Table| Config::parse(&toml::to_string(table).unwrap()).unwrap();
    assert_eq!(parse(&both), parse(&required));
}

#[test]
fn every_shipped_site_profile_can_be_under_a_campaign_file() {
    let mut names = Vec::new();
    for entry in fs::read_dir(top().join("configs/sites")).unwrap() {
        let path = entry.unwrap().path();
        let site = SiteProfile::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), site.name);
        let scheduler = format!("[scheduler]\nsite = \"{}\"\n", path.display());
        let text = "[campaign]\nname = \"a\"\n[library]\npath = [\"a.smi\"]\n[scorer]\nkind = \"null\"\n";
        let config = Config::parse(&(text.to_owned() + &scheduler)).unwrap();
        assert_eq!(config.scheduler.site.as_ref(), Some(&site.name));
        assert_eq!(config.scheduler.kind().unwrap(), SchedulerKind::Slurm);
        assert_eq!(config.resources, site.resources_section().unwrap());
        names.push(site.name);
    }
    assert!(names.len() >= 2, "{names:?}");
}

#[test]
fn every_key_is_shown_and_every_example_is_accepted() {
    let text = with_examples(&fs::read_to_string(top().join("configs/defaults.toml")).unwrap());
    let shown: toml::Table = text.replace("\"our-cluster\"", "\"configs/sites/university.toml\"").parse().unwrap();
    for kind in SchedulerKind::all() {
        // What one scheduler is told means nothing to another.
        let mut here = shown.clone();
        let scheduler = here["scheduler"].as_table_mut().unwrap();
        scheduler.retain(|name, _| KEYS.iter().any(|key| key.name == name && key.is_of(kind)));
        scheduler.insert("kind".to_owned(), kind.word().into());
        if kind != SchedulerKind::Slurm {
            scheduler.remove("site");
        }
        Config::parse(&toml::to_string(&here).unwrap()).unwrap_or_else(|e| panic!("{kind}: {e:?}"));
    }
    for (section, keys) in &shown {
        let refused = Config::parse(&format!("[{section}]\nqqq = 1\n")).unwrap_err();
        let known = refused.hints()[0].strip_prefix("known are: ").unwrap().split(", ").collect::<BTreeSet<_>>();
        let keys = keys.as_table().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>();
        assert_eq!(keys, known, "[{section}]");
    }
}
