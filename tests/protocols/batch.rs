//! The protocol `batch`.

use super::*;

const COLUMNS: &str =
    "columns = [{ name = \"score\", order = \"asc\" }, { name = \"note\", type = \"string\", optional = true }]";

/// A campaign called `name` with `tests/scorers/table.py` in `mode`; `more` are further lines of `[scorer]`.
fn campaign<'e>(env: &'e TestEnv, name: &str, mode: &str, args: &[&str], more: &str) -> CampaignText<'e> {
    let (python, script) = (python(), project("tests/scorers/table.py"));
    let mut argv = vec![python.as_str(), script.to_str().unwrap(), mode, POISON, "{in}", "{out}"];
    argv.extend(args);
    env.campaign(name).shard(16).scorer(&format!(
        "kind = \"command\"\nprotocol = \"batch\"\nargv = [{}]\nname = \"table\"\nversion = \"1\"\n{COLUMNS}\n{more}",
        text(&argv)
    ))
}

/// Runs it; the rows.
fn run(env: &TestEnv, campaign: CampaignText<'_>, dir: &str) -> Vec<String> {
    let file = campaign.write();
    env.molsieve(["run", &file, "--dir", dir]).exits(0);
    rows(env, dir)
}

fn healthy(env: &TestEnv) -> Vec<String> {
    run(env, campaign(env, "healthy", "ok", &[], "batch_size = 8"), "healthy")
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

#[test]
fn a_program_that_reads_a_file_and_writes_a_file_is_a_scorer() {
    let env = place();
    let rows = healthy(&env);
    assert_eq!(rows.len(), 40);
    assert_eq!(rows[0], "0,id 0,OK,,28.125,");
    assert!(rows.iter().all(|row| row.contains(",OK,,")), "{rows:?}");
    env.molsieve(["verify", "--allow-unsigned", "healthy/pack"]).exits(0);
}

#[test]
fn a_record_that_kills_the_program_is_an_error_and_costs_no_other_record() {
    let env = place();
    let healthy = healthy(&env);
    for mode in ["crash", "exit"] {
        let rows = run(&env, campaign(&env, mode, mode, &[], "batch_size = 8"), mode);
        assert_only_poison(&rows, &healthy, &format!("{POISON_ORDINAL},id {POISON_ORDINAL},ERROR,crash,,"));
    }
}
