//! Promise P7: others check the pack without us.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use molsieve::pack::keys::{PrivateKey, PublicKey};
use molsieve::pack::verify::{self, Trust};

use super::Packed;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that `./setup` prepared, or the system's.
fn python() -> PathBuf {
    let prepared = repository().join(".venv/bin/python");
    if prepared.exists() { prepared } else { "python3".into() }
}

fn script(name: &str) -> PathBuf {
    repository().join("tests/external").join(name)
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&stderr));
    text
}

#[test]
fn twenty_lines_of_python_recompute_the_payload_digest() {
    let text = std::fs::read_to_string(script("payload_digest.py")).unwrap();
    assert!(text.lines().count() <= 20);
    for records in [1, 2, 3, 100, 257] {
        let packed = Packed::unsigned(records, 7);
        let claimed = packed.verify(&packed.pack()).payload_digest.unwrap();
        for path in [packed.pack().join("summary.csv"), packed.zip()] {
            let found = run(Command::new("python3").arg(script("payload_digest.py")).arg(path));
            assert_eq!(found.trim(), claimed, "{records} records");
        }
    }
}

#[test]
fn a_dsse_and_in_toto_verifier_accepts_the_attestation() {
    let packed = Packed::signed(40, 15);
    let check = |pack: &Path, key: &Path| {
        Command::new(python()).arg(script("check_attestation.py")).arg(pack).arg(key).output().unwrap()
    };
    let key = packed.root.path().join("K.pub.pem");
    let Output { status, stdout, stderr } = check(&packed.pack(), &key);
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("ModuleNotFoundError"), "run `./setup`: it installs tests/requirements.txt\n{said}");
    assert!(status.success(), "{said}");
    assert!(said.contains(packed.public().keyid()), "{said}");
    let other = Packed::signed(40, 15);
    assert!(!check(&packed.pack(), &other.root.path().join("K.pub.pem")).status.success(), "another key");
    std::fs::write(packed.pack().join("checksums.sha256"), "x").unwrap();
    assert!(!check(&packed.pack(), &key).status.success(), "another subject");
}

#[test]
fn coreutils_and_openssl_accept_the_pack_and_the_keys() {
    let packed = Packed::signed(40, 15);
    let check = || {
        let mut command = Command::new(script("check_openssl.sh"));
        command.arg(packed.pack()).arg(packed.root.path().join("K.pub.pem")).arg(&packed.key);
        command
    };
    assert!(run(&mut check()).contains("Signature Verified Successfully"));
    std::fs::write(packed.pack().join("index.md"), "x").unwrap();
    assert!(!check().output().unwrap().status.success(), "sha256sum sees what was changed");
}

#[test]
fn keys_that_openssl_made_are_good() {
    let packed = Packed::unsigned(20, 10);
    let (private, public) = (packed.root.path().join("O.pem"), packed.root.path().join("O.pub.pem"));
    run(Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&private));
    std::fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    run(Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(&private).arg("-out").arg(&public));
    molsieve::pack::sign::sign(&packed.pack(), &[PrivateKey::load(&private).unwrap()]).unwrap();
    let trust = Trust { keys: vec![PublicKey::load(&public).unwrap()], ..Trust::default() };
    assert!(verify::verify(&packed.zip(), &trust).unwrap().verified);
}

#[test]
fn keys_of_another_kind_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("E.pem");
    run(Command::new("openssl").args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"]).arg(&path));
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(PrivateKey::load(&path).unwrap_err().what().contains("is not an Ed25519 private key"));
    let public = dir.path().join("E.pub.pem");
    run(Command::new("openssl").args(["ec", "-pubout", "-in"]).arg(&path).arg("-out").arg(&public));
    assert!(PublicKey::load(&public).unwrap_err().what().contains("is not an Ed25519 public key"));
}

#[test]
fn a_pack_that_another_tool_zipped_again_is_the_same_pack() {
    let packed = Packed::signed(40, 15);
    let again = packed.root.path().join("again.zip");
    let code = "import sys,zipfile\n\
                old=zipfile.ZipFile(sys.argv[1])\n\
                new=zipfile.ZipFile(sys.argv[2],'w',zipfile.ZIP_DEFLATED,compresslevel=9)\n\
                [new.writestr(n,old.read(n)) for n in reversed(old.namelist())]\n\
                new.close()\n";
    run(Command::new("python3").args(["-c", code]).arg(packed.zip()).arg(&again));
    assert_ne!(std::fs::read(&again).unwrap(), std::fs::read(packed.zip()).unwrap());
    assert_eq!(packed.verify(&again), packed.verify(&packed.zip()));
    assert!(packed.verify(&again).verified);
}

#[test]
fn one_row_can_be_proven_to_be_in_a_pack() {
    use molsieve::digest::merkle::{CompactRange, leaf, node};
    let rows: [&[u8]; 4] = [b"header", b"0,a", b"1,b", b"2,c"];
    let mut tree = CompactRange::starting_at(0);
    for row in rows {
        tree.push(leaf(row));
    }
    // The path of row 2 (RFC 6962, section 2.1.1): its sibling, then the other half.
    let (sibling, half) = (leaf(rows[3]), node(&leaf(rows[0]), &leaf(rows[1])));
    assert_eq!(tree.root(), Some(node(&half, &node(&leaf(rows[2]), &sibling))));
}
