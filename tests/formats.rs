//! What every released version wrote is read for ever.

use std::path::Path;

use crate::support::env::{TestEnv, project};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}

#[test]
fn a_campaign_that_version_1_stopped_is_resumed_to_the_payload_it_would_have_had() {
    let env = TestEnv::new();
    copy(&project("tests/fixtures/campaigns/v1"), &env.path("d"));
    let before = env.facts(["status", "d"]);
    assert_eq!(before["state"], "stopped");
    assert_eq!(before["campaign"], "fixture of version 1");
    assert_eq!(before["shards"]["done"], 2);
    assert_eq!(before["records"]["ok"], 30, "two sealed task groups of 10, and 10 records in a checkpoint");
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), "sha256:b1720a60b6f32f83271e4013b12419b3ce13232131f9c7f603e296f76898617e");
}
