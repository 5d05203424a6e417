//! Promise P5: a process that dies at any write leaves no pack that looks complete and is not.

use std::path::Path;
use std::process::Command;

use molsieve::gather::Missing;
use molsieve::pack::keys::{self, PrivateKey};
use molsieve::pack::sign;
use molsieve::pack::verify::{self, Code, Trust};

use super::{anyone, codes, seal_pack};
use crate::support::sealed_groups::{Campaign, identity};

const ROOT: &str = "MOLSIEVE_TEST_ROOT";

/// With every encoding: each is written in its own way.
fn campaign(root: &Path) -> Campaign {
    let mut identity = identity(60);
    identity.pack.outputs = ["csv", "hdf5", "parquet"].map(str::to_owned).to_vec();
    Campaign::of(&root.join("D"), identity, 20)
}

/// What the child process does: gather, seal and sign. Only run by the tests below.
#[test]
#[ignore = "the child of the other tests in this module"]
fn child() {
    let root = std::env::var(ROOT).unwrap();
    let campaign = campaign(Path::new(&root));
    let pack = seal_pack(&campaign, Missing::Refuse).unwrap();
    let key = PrivateKey::load(&Path::new(&root).join("K.pem")).unwrap();
    sign::sign(&pack.path, &[key]).unwrap();
}

/// Runs the child, which dies at its write number `at` if it gets that far; whether it lived.
fn run_child(root: &Path, fault: &str) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["packs::interrupted::child", "--exact", "--ignored", "--test-threads=1"])
        .env(ROOT, root)
        .env(molsieve::fs::fault::VARIABLE, fault)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() || !said.contains("FAILED"), "it died otherwise: {said}");
    output.status.success()
}

/// That what is there is nothing, or sound; and that signed means sound and signed in both forms.
fn assert_nothing_false(root: &Path, trust: &Trust, when: &str) {
    let pack = campaign(root).dir.pack();
    if !pack.exists() {
        return;
    }
    let unsigned = verify::verify(&pack, &anyone()).unwrap();
    let stale = codes(&unsigned) == [Code::ArchiveDiffers];
    assert!(unsigned.verified || stale, "{when}: {:?}", unsigned.problems);
    let archive = verify::verify(&pack.join("evidence_pack.zip"), &anyone()).unwrap();
    assert!(archive.verified, "{when}: {:?}", archive.problems);
    if verify::verify(&pack, trust).unwrap().verified {
        assert!(verify::verify(&pack.join("evidence_pack.zip"), trust).unwrap().verified, "{when}");
    }
}

fn die_at_every_write(how: &str) {
    for (deaths, at) in (1..).enumerate() {
        let root = tempfile::tempdir().unwrap();
        let campaign = campaign(root.path());
        campaign.plan.all_groups().for_each(|group| campaign.seal(group));
        let (_, public) = keys::generate(&root.path().join("K.pem")).unwrap();
        let trust = Trust { keys: vec![public], ..Trust::default() };
        let lived = run_child(root.path(), &format!("{how}@{at}"));
        let when = format!("{how} at write {at}");
        assert_nothing_false(root.path(), &trust, &when);
        if lived {
            assert!(deaths > 20, "only {deaths} writes were interrupted");
            return;
        }
        assert!(run_child(root.path(), ""), "{when}: the next run succeeds");
        assert!(verify::verify(&campaign.dir.pack(), &trust).unwrap().verified, "{when}");
    }
}

#[test]
fn killed_at_any_write_it_leaves_the_truth() {
    die_at_every_write("kill");
}

#[test]
fn without_power_at_any_write_it_leaves_the_truth() {
    die_at_every_write("power");
}
