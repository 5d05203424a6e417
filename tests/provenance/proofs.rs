//! One row is proven to be in a payload, to people who have neither molsieve nor the rest.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::signed;
use molsieve::digest::{Digest, merkle};
use molsieve::pack::prove::{Leaf, Proof, Trusted};

use crate::support::env::{TestEnv, project};

const ATTESTATION: &str = "d/pack/attestation.dsse.json";

/// The Python of the guide: the block that says that it checks a proof.
fn script_of_the_guide() -> String {
    let guide = std::fs::read_to_string(project("docs/guide/verify-without-molsieve.md")).unwrap();
    let mut blocks = guide.split("```python\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.find(|block| block.contains("proof.json")).expect("the guide has the script").to_owned()
}

/// What the signers of the pack in `d` stated, as step 2 of the guide leaves it.
fn statement(env: &TestEnv) -> Value {
    let envelope = read(env, "d/pack/attestation.dsse.json");
    serde_json::from_slice(&STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap()).unwrap()
}

fn python_accepts(env: &TestEnv, proof: &str, statement: &Value) -> bool {
    env.write("check.py", script_of_the_guide());
    env.write("statement.json", statement.to_string());
    let done = Command::new("python3").args(["check.py", proof]).current_dir(env.path(".")).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.success() || ["AssertionError", "ValueError"].iter().any(|refusal| said.contains(refusal)),
        "{said}"
    );
    done.status.success()
}

fn read(env: &TestEnv, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(env.path(name)).unwrap()).unwrap()
}

/// The proof as molsieve writes it: keys sorted, no white space.
fn write(env: &TestEnv, name: &str, proof: &Value) {
    let bytes = molsieve::canonical::json::to_line(proof).unwrap();
    env.write(name, bytes);
}

#[test]
fn every_row_is_proven_and_checked_by_molsieve_and_by_twenty_lines_of_python() {
    let env = signed();
    assert!(script_of_the_guide().lines().count() <= 20);
    let payload = env.payload_of("d");
    for ordinal in ["0", "1", "63", "64", "98", "99"] {
        let name = format!("{ordinal}.json");
        env.molsieve(["prove", "d", "--ordinal", ordinal, "--out", &name]).exits(0).says(&payload);
        env.molsieve(["prove", "--check", &name]).exits(0).says("compare that digest");
        env.molsieve(["prove", "--check", &name, "--digest", &payload]).exits(0).says("PROVEN");
        let attested = ["prove", "--check", &name, "--attestation", ATTESTATION, "--key", "k.pub.pem"];
        env.molsieve(attested).exits(0).says("PROVEN").says("of 100");
        assert!(python_accepts(&env, &name, &statement(&env)), "record {ordinal}");
    }
    let facts = env.facts(["prove", "--check", "63.json"]);
    assert_eq!((&facts["holds"], &facts["trusted"]), (&json!(true), &json!(false)));
}

#[test]
fn a_proof_comes_from_the_archive_and_from_the_directory_alike() {
    let env = signed();
    let of = |place: &str| env.facts(["prove", place, "--id", "17"]);
    assert_eq!(of("d"), of("d/pack/evidence_pack.zip"));
    assert_eq!(of("d"), of("d/pack"));
    assert_eq!(of("d")["row"]["leaf_index"], 17, "record 16 has the id 17");
    let rows = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    assert_eq!(of("d")["row"]["line"].as_str(), rows.lines().nth(17));
    assert_eq!(of("d")["header"]["line"].as_str(), rows.lines().next());
}

#[test]
fn whatever_is_changed_in_a_proof_it_holds_no_more() {
    let env = signed();
    env.molsieve(["prove", "d", "--ordinal", "20", "--out", "p.json"]).exits(0);
    let good = read(&env, "p.json");
    let mut bad = Vec::new();
    let mut change = |pointer: &str, value: Value| {
        let mut proof = good.clone();
        *proof.pointer_mut(pointer).unwrap() = value;
        bad.push((pointer.to_owned(), proof));
    };
    let row = good["row"]["line"].as_str().unwrap();
    change("/row/line", json!(row.replace("OK", "SKIP")));
    change("/row/line", json!(format!("{row}\n")));
    change("/row/line", good["header"]["line"].clone());
    change("/row", good["header"].clone());
    change("/row/leaf_index", json!(22));
    change("/row/leaf_index", json!(u64::MAX));
    change("/header/leaf_index", json!(1));
    change("/header/line", json!("ordinal,id,outcome,reason,other"));
    change("/tree_size", json!(0));
    change("/tree_size", json!(64));
    change("/payload_digest", json!(format!("sha256:{}", "0".repeat(64))));
    change("/row/audit_path/0", json!("0".repeat(64)));
    change("/row/line", json!(row.replacen("20", "x", 1)));
    change("/row/audit_path", json!([]));
    change("/row/audit_path", json!(vec!["0".repeat(64); 65]));
    for (at, proof) in bad {
        write(&env, "bad.json", &proof);
        env.molsieve(["prove", "--check", "bad.json"]).exits(4).says("does not hold");
        assert!(!python_accepts(&env, "bad.json", &statement(&env)), "{at}");
    }
}

#[test]
fn the_size_of_the_tree_and_the_place_of_the_row_are_what_was_signed() {
    let env = signed();
    env.molsieve(["prove", "d", "--ordinal", "20", "--out", "p.json"]).exits(0);
    let (good, payload) = (read(&env, "p.json"), env.payload_of("d"));
    let attested = ["prove", "--check", "bad.json", "--attestation", ATTESTATION, "--key", "k.pub.pem"];
    // The way up is the same in a tree of any of these sizes: the root alone does not tell them apart.
    for size in [97, 100, 102, 128] {
        let mut proof = good.clone();
        proof["tree_size"] = json!(size);
        write(&env, "bad.json", &proof);
        env.molsieve(["prove", "--check", "bad.json", "--digest", &payload]).exits(0);
        env.molsieve(["prove", "--check", "bad.json", "--digest", &payload, "--rows", "100"]).exits(4).says("leaves");
        env.molsieve(attested).exits(4).says("leaves");
        assert!(!python_accepts(&env, "bad.json", &statement(&env)), "{size}");
    }
    env.molsieve(["prove", "--check", "p.json", "--digest", &payload, "--rows", "100"]).exits(0).says("21 of 100");
    env.molsieve(["prove", "--check", "p.json", "--rows", "100"]).exits(2);
    for (complete, leaf_index) in [(true, 20), (true, 22), (false, 22)] {
        let mut other = statement(&env);
        other["predicate"]["complete"] = json!(complete);
        let mut proof = good.clone();
        proof["row"]["leaf_index"] = json!(leaf_index);
        write(&env, "bad.json", &proof);
        assert!(!python_accepts(&env, "bad.json", &other), "leaf {leaf_index}");
        env.molsieve(attested).exits(4);
    }
}

#[test]
fn an_attestation_counts_if_the_key_that_is_trusted_has_signed_it() {
    let env = signed();
    env.molsieve(["prove", "d", "--ordinal", "20", "--out", "p.json"]).exits(0);
    env.molsieve(["keygen", "--out", "other.pem"]).exits(0);
    let check = |attestation: &str, key: &str| {
        env.molsieve(["prove", "--check", "p.json", "--attestation", attestation, "--key", key])
    };
    check(ATTESTATION, "k.pub.pem").exits(0).says("PROVEN");
    check(ATTESTATION, "other.pub.pem").exits(4).says("is not signed by that key");
    check("nowhere.json", "k.pub.pem").exits(2);
    check("p.json", "k.pub.pem").exits(4);
    let mut forged = read(&env, ATTESTATION);
    let stated = statement(&env).to_string().replace("\"total\":100", "\"total\":101");
    forged["payload"] = json!(STANDARD.encode(stated));
    write(&env, "forged.json", &forged);
    check("forged.json", "k.pub.pem").exits(4).says("a signature of that key that does not hold");
    env.molsieve(["prove", "--check", "p.json", "--attestation", ATTESTATION]).exits(2);
}

#[test]
fn in_an_incomplete_payload_rows_stand_no_further_down_than_their_ordinals() {
    let leaf = |index: u64, line: &str, path: &[Digest]| Leaf {
        leaf_index: index,
        line: line.to_owned(),
        audit_path: path.to_vec(),
    };
    let (header, row) = ("ordinal,id,outcome,reason", "7,a,OK,");
    let hashes = [header, row].map(|line| merkle::leaf(line.as_bytes()));
    let root = merkle::node(&hashes[0], &hashes[1]);
    let proof = |line: &str| Proof {
        schema: molsieve::pack::prove::SCHEMA.to_owned(),
        payload_digest: merkle::node(&hashes[0], &merkle::leaf(line.as_bytes())).sha256_uri(),
        pack_digest: String::new(),
        tree_size: 2,
        header: leaf(0, header, &[merkle::leaf(line.as_bytes())]),
        row: leaf(1, line, &hashes[..1]),
    };
    let trusted = |complete| Trusted { payload_digest: root.sha256_uri(), rows: Some(1), complete: Some(complete) };
    proof(row).check(Some(&trusted(false))).unwrap();
    let error = proof(row).check(Some(&trusted(true))).unwrap_err();
    assert!(error.what().contains("the row of record 7 is not its leaf 1"), "{}", error.what());
    assert!(proof("x,a,OK,").check(None).unwrap_err().what().contains("does not begin with an ordinal"));
}

#[test]
fn what_is_no_proof_is_refused_without_a_panic() {
    let env = signed();
    env.molsieve(["prove", "d", "--ordinal", "20", "--out", "p.json"]).exits(0);
    let good = std::fs::read_to_string(env.path("p.json")).unwrap();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (what, text) in [
        ("nothing", String::new()),
        ("deep", deep),
        ("white space", format!(" {good}")),
        ("another schema", good.replace("molsieve.proof.v1", "molsieve.proof.v2")),
        ("a key more", good.replacen('{', "{\"a\":1,", 1)),
        ("half", good[..good.len() / 2].to_owned()),
    ] {
        env.write("bad.json", text);
        let run = env.molsieve(["prove", "--check", "bad.json"]).exits(4);
        assert!(!run.stderr().contains("panicked"), "{what}: {run}");
    }
    env.molsieve(["prove", "--check", "nowhere.json"]).exits(2);
    env.molsieve(["prove", "--check", "d"]).exits(4);
}

#[test]
fn a_proof_of_another_payload_is_told_from_one_of_the_payload_that_is_trusted() {
    let env = signed();
    env.molsieve(["prove", "d", "--ordinal", "0", "--out", "p.json"]).exits(0);
    let other = format!("sha256:{}", "1".repeat(64));
    env.molsieve(["prove", "--check", "p.json", "--digest", &other]).exits(4).says("not of the one that you trust");
    let pack = read(&env, "p.json")["pack_digest"].as_str().unwrap().to_owned();
    env.molsieve(["prove", "--check", "p.json", "--digest", &pack]).exits(2).says("digest of the pack");
    env.molsieve(["prove", "--check", "p.json", "--digest", "md5:1"]).exits(2);
}

#[test]
fn an_id_that_is_there_twice_is_refused_with_the_ordinals() {
    let env = TestEnv::new();
    env.write("library.smi", "C a\nCC b\nCCC a\nCCCC \"q,\\\nN\n");
    let file = env.campaign("twice").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.molsieve(["prove", "d", "--id", "a"]).exits(2).says("of 2 records, at ordinals 0, 2").says("--ordinal");
    env.molsieve(["prove", "d", "--id", "c"]).exits(2).says("no row of the pack has the id `c`");
    env.molsieve(["prove", "d", "--ordinal", "5"]).exits(2).says("no row of the pack has ordinal 5");
    for id in ["\"q,\\", "\"q,\\\\"] {
        let facts = env.facts(["prove", "d", "--id", id]);
        assert_eq!(facts["row"]["leaf_index"], 4, "as it is, and as the file shows it: {id}");
    }
    assert_eq!(env.facts(["prove", "d", "--id", ""])["row"]["leaf_index"], 5, "a record without an id");
}

#[test]
fn nothing_is_proven_from_a_pack_that_is_not_sound_and_nothing_is_overwritten() {
    let env = signed();
    env.write("p.json", "mine");
    env.molsieve(["prove", "d", "--ordinal", "0", "--out", "p.json"]).exits(2).says("exists already");
    assert_eq!(std::fs::read(env.path("p.json")).unwrap(), b"mine");
    let path = env.path("d/pack/summary.csv");
    let rows = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, rows.replacen("OK", "ok", 1)).unwrap();
    env.molsieve(["prove", "d", "--ordinal", "9"]).exits(4).says("nothing is told from it");
}

#[test]
fn the_vector_of_the_documentation_holds() {
    let page = std::fs::read_to_string(project("docs/formats/proof.md")).unwrap();
    let vector = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let env = TestEnv::new();
    write(&env, "p.json", &serde_json::from_str(vector).unwrap());
    let digest = "sha256:a59ceb99f5f909208a086e3616dd692d358c94325b2656311b3cb6ac7f3cb37d";
    env.molsieve(["prove", "--check", "p.json", "--digest", digest]).exits(0).says("1,,SKIP,empty_structure,");
    let stated = json!({"predicate": {"payload_digest": digest, "records": {"total": 3}, "complete": true}});
    assert!(python_accepts(&env, "p.json", &stated));
    env.molsieve(["prove", "--check", "p.json", "--digest", digest, "--rows", "3"]).exits(0);
}
