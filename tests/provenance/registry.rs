//! The registry: every signature has its entry, and an entry cannot be changed.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{signed, unsigned};
use crate::support::env::TestEnv;

/// The files of all entries, sorted.
pub fn files(env: &TestEnv) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for dir in std::fs::read_dir(env.path("home/registry/sha256")).into_iter().flatten().flatten() {
        files.extend(std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.path()));
    }
    files.sort();
    files
}

fn entries(env: &TestEnv) -> Vec<Value> {
    env.facts(["registry", "list"])["entries"].as_array().unwrap().clone()
}

#[test]
fn whatever_signs_enters_what_it_signed() {
    let env = unsigned();
    std::fs::create_dir(env.path("home")).unwrap();
    assert_eq!(entries(&env), Vec::<Value>::new());
    let facts = env.facts(["sign", "d", "--key", "k.pem"]);
    let listed = entries(&env);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["entry_digest"], facts["registry_entry"]);
    let entry = &listed[0]["entry"];
    assert_eq!((&entry["pack_digest"], &entry["keyids"]), (&facts["pack_digest"], &facts["keyids"]));
    assert_eq!(entry["payload_digest"], json!(env.payload_of("d")));
    assert_eq!((&entry["campaign"], &entry["records"]["total"]), (&json!("first"), &json!(100)));
    let file = env.campaign("second").seed(2).with("[pack]\nkey = \"k.pem\"").write();
    env.molsieve(["run", &file, "--dir", "e"]).exits(0);
    let listed = entries(&env);
    assert_eq!(listed.len(), 2, "`run` signs, and enters it");
    assert_eq!(listed[1]["entry"]["campaign"], "second");
    env.molsieve(["run", &file, "--dir", "e"]).exits(0);
    assert_eq!(entries(&env).len(), 2, "to run what is finished signs nothing");
    for file in files(&env) {
        let digest = molsieve::digest::sha256(&std::fs::read(&file).unwrap()).to_string();
        assert!(file.ends_with(format!("{}/{digest}.json", &digest[..2])), "an entry is named by its digest");
    }
}

#[test]
fn entries_are_found_by_digest_and_by_text_and_exported_as_a_table() {
    let env = signed();
    let payload = env.payload_of("d");
    env.molsieve(["registry", "show", &payload]).exits(0).says("first").says("audit event 1");
    env.molsieve(["registry", "show", &payload[7..17]]).exits(0).says(&payload);
    env.molsieve(["registry", "show", &"0".repeat(64)]).exits(2).says("no entry");
    for bad in ["12", "sha256:", "../../../etc/passwd", "ABCDEF0123"] {
        env.molsieve(["registry", "show", bad]).exits(2).says("does not name an entry");
    }
    env.molsieve(["registry", "search", "FIR"]).exits(0).says(&payload);
    env.molsieve(["registry", "search", "nothing of it"]).exits(0).says("no entry");
    env.molsieve(["registry", "export", "--markdown", "--out", "r.md"]).exits(0);
    let table = std::fs::read_to_string(env.path("r.md")).unwrap();
    assert!(table.lines().any(|line| line.contains("| first | 100 |") && line.contains(&payload)), "{table}");
    env.molsieve(["registry", "export", "--markdown", "--out", "r.md"]).exits(2).says("exists already");
}

#[test]
fn a_name_cannot_become_markup_in_the_table() {
    let env = TestEnv::new();
    env.small_library(3);
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    let file = env.campaign("x|<script>`[a](b)").with("[pack]\nkey = \"k.pem\"").write();
    env.write("c.toml", std::fs::read(env.path(&file)).unwrap());
    env.molsieve(["run", "c.toml", "--dir", "d"]).exits(0);
    let table = env.molsieve(["registry", "export", "--markdown"]).exits(0).stdout();
    assert!(table.lines().last().unwrap().contains("| x··script···a·(b) | 3 |"), "{table}");
}

#[test]
fn a_changed_entry_is_told_by_its_name() {
    let env = signed();
    let file = files(&env).remove(0);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"error\":0", "\"error\":1")).unwrap();
    env.molsieve(["registry", "list"]).exits(4).says("its SHA-256 is not its name");
}

#[test]
fn where_the_registry_cannot_be_written_the_signature_stands_and_a_warning_says_so() {
    let env = unsigned();
    env.write("home", "a file is in its place");
    let run = env.molsieve(["--json", "sign", "d", "--key", "k.pem"]).exits(0).says("is not in the registry");
    let facts: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(facts["registry_entry"], Value::Null);
    env.molsieve(["verify", "d", "--key", "k.pub.pem"]).exits(0);
    std::fs::remove_file(env.path("home")).unwrap();
    env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0).says("registered");
    assert_eq!(entries(&env).len(), 1, "signing again enters it");
    let mut homeless = env.command(["sign", "d", "--key", "k.pem"]);
    homeless.env_remove("MOLSIEVE_HOME").env_remove("HOME").env_remove("XDG_DATA_HOME");
    let done = homeless.output().unwrap();
    assert!(done.status.success() && String::from_utf8_lossy(&done.stderr).contains("MOLSIEVE_HOME"));
}
