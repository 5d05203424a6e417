//! What the README and the page on signing tell a person to type is typed, line by line, in an empty directory.

use crate::support::env::{TestEnv, project};
use crate::support::guide;

#[test]
fn the_commands_of_the_readme_work_in_the_order_in_which_they_stand() {
    let env = TestEnv::new();
    let readme = std::fs::read_to_string(project("README.md")).unwrap();
    let blocks = guide::blocks(&readme);
    let lines = blocks.iter().filter(|(language, _)| *language == "sh").flat_map(|(_, code)| code.lines());
    // What builds molsieve takes minutes, and whoever runs this has done it.
    let ours: Vec<&str> = lines.filter(|line| line.starts_with("molsieve ")).collect();
    for command in ["init", "keygen", "run", "status", "resume", "sign", "verify", "suite"] {
        assert!(ours.iter().any(|line| line.split_whitespace().nth(1) == Some(command)), "no `{command}`: {ours:?}");
    }
    let said = guide::shell(&env, &ours.join("\n"));
    assert!(
        said.contains("24 records: 24 OK") && said.contains("VERIFIED") && said.contains("GO: `known-bad-good`"),
        "{said}"
    );
}

#[test]
fn the_catalogue_and_its_history_are_as_the_guide_says() {
    let env = TestEnv::new();
    let done = |title: &str, digest: &str| {
        let blocks = guide::section("sign-and-register.md", title);
        blocks.iter().map(|(_, code)| guide::shell(&env, &code.replace("DIGEST", digest))).collect::<String>()
    };
    done("A key, and a signature", "");
    let attestation = || std::fs::read(env.path("first/out/pack/attestation.dsse.json")).unwrap();
    let once = attestation();
    let payload = env.payload_of("first/out");
    done("Signing again", "");
    assert_ne!(attestation(), once, "a second signature");
    let twice = attestation();
    env.molsieve(["sign", "first/out", "--key", "me.pem"]).exits(0);
    assert_eq!(attestation(), twice, "a key that has signed already leaves the pack as it is");
    assert_eq!(env.payload_of("first/out"), payload);

    let said = done("The catalogue", &payload);
    assert_eq!(said.matches("  entry      ").count(), 4, "an entry for each act of signing: {said}");
    assert!(env.path("packs.md").exists());

    let said = done("The history", "");
    let head = said.lines().find_map(|line| line.trim().strip_prefix("head")).unwrap().trim().to_owned();
    assert!(head.starts_with("4:"), "{said}");
    assert_eq!(std::fs::read_to_string(env.path("history.csv")).unwrap().lines().count(), 1 + 4);
    env.molsieve(["audit", "verify", "--head", &head]).exits(0);
    // What a head is kept for: the last event is taken away, with its entry.
    std::fs::remove_file(env.path("home/audit/000004.jsonl")).unwrap();
    env.molsieve(["audit", "verify", "--head", &head]).exits(4);
}
