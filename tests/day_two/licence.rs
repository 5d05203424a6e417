//! A licence server that dies.

use super::{RECORDS, Server, interrupted, undisturbed};
use crate::support::env::{TestEnv, finished};

#[test]
fn a_licence_server_that_dies_pauses_the_campaign_and_resume_gives_the_same_payload() {
    let env = TestEnv::new();
    let undisturbed = undisturbed(&env);
    let port = interrupted(&env, "");
    let facts = env.facts(["status", "d"]);
    assert_eq!((&facts["state"], &facts["pause"]), (&"paused".into(), &"retry".into()), "{facts}");
    assert!(facts["reason"].as_str().unwrap().contains("the licence server does not answer"), "{facts}");
    assert_eq!(facts["shards"]["failed"], 0, "what waits has not failed: {facts}");
    let before = finished(&facts);
    assert!(before > 0 && before < RECORDS as u64, "{before} records at the pause");
    env.molsieve(["resume", "d"]).exits(3).says("licence server");
    let server = Server::healthy(port);
    env.molsieve(["resume", "d"]).exits(0);
    assert_eq!(env.payload_of("d"), undisturbed);
    drop(server);
}
