//! Promise P5, write by write: the process dies just before its Nth write, for N = 1, 2, 3 … until
//! it lives to the end; each time, resuming gives the same pack.

use crate::support::env::{MOLSIEVE, TestEnv, project};

const RECORDS: usize = 60;

fn campaign(env: &TestEnv, name: &str) -> String {
    let script = project("tests/scorers/seeded.py");
    let sections = "[checkpoint]\nsync = \"0ms\"\n[pack]\nkey = \"K.pem\"";
    env.campaign(name).shard(16).python(&script, &[]).with(sections).write()
}

/// Dies at the Nth write in the driver and in every worker that it starts; how many writes the last
/// run, which lived, had made at least.
fn dies_and_resumes(fault: &str, step: usize) -> usize {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    env.molsieve(["keygen", "--out", "K.pem"]).exits(0);
    env.molsieve(["run", &campaign(&env, "reference"), "--dir", "reference"]).exits(0);
    let reference = env.payload_of("reference");
    for at in (1..).step_by(step) {
        let dir = format!("at-{at}");
        let file = campaign(&env, &dir);
        let mut command = env.command(["run", &file, "--dir", &dir, "--workers", "1"]);
        let outcome = command.env("MOLSIEVE_FAULT", format!("{fault}@{at}")).output().unwrap();
        if outcome.status.success() {
            assert!(at > 20, "only {at} writes: the fault was never asked for");
            assert_eq!(env.payload_of(&dir), reference, "{fault} at write {at}, which was never reached");
            return at;
        }
        let run = env.molsieve(["run", &file, "--dir", &dir, "--workers", "1"]).exits(0);
        assert_eq!(env.payload_of(&dir), reference, "{fault} at write {at}: {run}");
        let pack = format!("{dir}/pack/evidence_pack.zip");
        env.molsieve(["verify", &pack, "--key", "K.pub.pem"]).exits(0).says("VERIFIED");
    }
    unreachable!("the loop ends when a run lives")
}

#[test]
fn a_kill_before_any_write_is_survived() {
    // Every third write here; the long suite takes each of them.
    dies_and_resumes("kill", 3);
}

#[test]
fn a_loss_of_power_before_any_write_is_survived() {
    dies_and_resumes("power", 3);
}

#[test]
fn the_fault_is_real() {
    let env = TestEnv::new();
    env.small_library(RECORDS);
    env.molsieve(["keygen", "--out", "K.pem"]).exits(0);
    let file = campaign(&env, "c");
    let outcome = env.command(["run", &file, "--dir", "c"]).env("MOLSIEVE_FAULT", "kill@3").output().unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&outcome.status);
    assert_eq!(killed, Some(9), "{MOLSIEVE} should have died of SIGKILL");
}
