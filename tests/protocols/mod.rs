//! Programs that do not speak `jsonl`, from the campaign file to the pack.

mod batch;
mod containers;
mod crashes;
mod each;
mod easydock;
mod podman;
mod traces;

use crate::support::env::{CampaignText, TestEnv, project, python};

/// The lines of `summary.csv` in the pack of `dir`, without the header.
fn rows(env: &TestEnv, dir: &str) -> Vec<String> {
    let text = std::fs::read_to_string(env.path(dir).join("pack/summary.csv")).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// Runs `campaign` in `dir`; its rows.
fn run(env: &TestEnv, campaign: CampaignText<'_>, dir: &str) -> Vec<String> {
    let file = campaign.write();
    env.molsieve(["run", &file, "--dir", dir]).exits(0);
    rows(env, dir)
}

/// The record that faults strike on: its structure, and its ordinal in [`library`].
const POISON: &str = "[Po]";
const POISON_ORDINAL: usize = 17;

/// Forty records, one of them [`POISON`].
fn library() -> String {
    let structure = |i: usize| if i == POISON_ORDINAL { POISON.to_owned() } else { format!("C{}O", "C".repeat(i)) };
    (0..40).map(|i| format!("{}\tid {i}\n", structure(i))).collect()
}

fn place() -> TestEnv {
    let env = TestEnv::new();
    env.write("library.smi", library());
    env
}

fn text(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("{part:?}")).collect::<Vec<_>>().join(", ")
}

/// All as a healthy program has it, but for the poison record.
#[track_caller]
fn assert_only_poison(found: &[String], healthy: &[String], poison: &str) {
    for (ordinal, (found, healthy)) in found.iter().zip(healthy).enumerate() {
        let expected = if ordinal == POISON_ORDINAL { poison } else { healthy };
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), healthy.len());
}
