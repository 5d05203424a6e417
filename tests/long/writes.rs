//! Death before every single write of the driver and its workers, with and without loss of power.

use std::io::Write;

use crate::env::{TestEnv, project};

fn every_write(fault: &str) {
    let env = TestEnv::new();
    env.small_library(60);
    env.molsieve(["keygen", "--out", "K.pem"]).exits(0);
    let script = project("tests/scorers/seeded.py");
    let campaign = |name: &str| {
        let sections = "[checkpoint]\nsync = \"0ms\"\n[pack]\nkey = \"K.pem\"";
        env.campaign(name).shard(16).python(&script, &[]).with(sections).write()
    };
    env.molsieve(["run", &campaign("reference"), "--dir", "reference"]).exits(0);
    let reference = env.payload_of("reference");
    for at in 1.. {
        let dir = format!("{fault}-{at}");
        let file = campaign(&dir);
        let mut command = env.command(["run", &file, "--dir", &dir, "--workers", "1"]);
        let died = !command.env("MOLSIEVE_FAULT", format!("{fault}@{at}")).output().unwrap().status.success();
        let resumed = env.molsieve(["run", &file, "--dir", &dir, "--workers", "1"]);
        let code = resumed.0.status.code();
        let line = format!("{fault} at write {at:3}: {}, then exit {code:?}\n", if died { "died" } else { "lived" });
        std::io::stdout().write_all(line.as_bytes()).unwrap();
        resumed.exits(0);
        assert_eq!(env.payload_of(&dir), reference, "{fault} at write {at}");
        env.molsieve(["verify", &format!("{dir}/pack"), "--key", "K.pub.pem"]).exits(0);
        if !died {
            assert!(at > 20, "only {at} writes");
            return;
        }
    }
}

#[test]
fn killed_before_every_write() {
    every_write("kill");
}

#[test]
fn powered_off_before_every_write() {
    every_write("power");
}
