//! What is told of one record, and of one release.

use super::{EXPORT, SPECTRAL, campaign};
use crate::support::env::TestEnv;

fn packed(env: &TestEnv) {
    let file = campaign(env, "p", 40, SPECTRAL, &format!("[decoys]\ncount = 3\n{EXPORT}"));
    env.molsieve(["run", &file, "--dir", "p"]).exits(0);
}

#[test]
fn the_audit_of_a_record_has_every_key_of_the_contract_and_the_numbers_of_its_row() {
    let env = TestEnv::new();
    packed(&env);
    let document = env.facts(["report", "audit", "p", "--id", "aspirin"]);
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(&document),
        "auc_tie_aware dataset_id n_neg n_pos neg_controls run schema_version version warnings"
    );
    assert_eq!(
        keys(&document["neg_controls"]),
        "gate margin method neg_auc_max null_q null_q_method perm_q rand_q reps_used slack verdict"
    );
    assert_eq!((&document["schema_version"], &document["n_pos"]), (&"hetero_audit.v2".into(), &1.into()));
    let summary = std::fs::read_to_string(env.path("p/pack/summary.csv")).unwrap();
    let columns: Vec<&str> = summary.lines().next().unwrap().split(',').collect();
    let row: Vec<&str> = summary.lines().find(|line| line.contains(",aspirin,")).unwrap().split(',').collect();
    let cell = |name: &str| row[columns.iter().rposition(|column| *column == name).unwrap()];
    let number = |name: &str| cell(name).parse::<f64>().unwrap();
    assert_eq!(document["n_neg"].as_f64(), Some(number("decoys_scored")));
    assert_eq!(document["auc_tie_aware"].as_f64(), Some(number("auc")));
    for (key, column) in [("gate", "gate"), ("slack", "slack")] {
        assert_eq!(document["neg_controls"][key].as_f64(), Some(number(column)), "{key}");
    }
    assert_eq!(document["neg_controls"]["verdict"], cell("verdict"));
    // The same by its ordinal, and from the archive.
    let again = env.facts(["report", "audit", "p/pack/evidence_pack.zip", "--ordinal", "11"]);
    assert_eq!(again, document);
}

#[test]
fn a_record_that_was_skipped_has_an_audit_that_says_so_and_one_that_is_not_there_has_none() {
    let env = TestEnv::new();
    packed(&env);
    let document = env.facts(["report", "audit", "p", "--id", "methane"]);
    assert_eq!((&document["n_neg"], &document["neg_controls"]["verdict"]), (&0.into(), &"SKIP".into()));
    assert!(document["auc_tie_aware"].is_null() && document["neg_controls"]["gate"].is_null());
    assert_eq!(document["skip"]["reason"], "no_decoys_generated");
    env.molsieve(["report", "audit", "p", "--id", "nobody"]).exits(2).says("no row of the pack has the id `nobody`");
    env.molsieve(["report", "audit", "p"]).exits(2);
    let file = campaign(&env, "q", 3, SPECTRAL, "");
    env.molsieve(["run", &file, "--dir", "q"]).exits(0);
    env.molsieve(["report", "audit", "q", "--id", "methane"]).exits(2).says("have no decoys");
}

#[test]
fn the_section_of_a_release_says_what_the_rows_say_and_what_a_person_said() {
    let env = TestEnv::new();
    packed(&env);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let run = env.molsieve([
        "report",
        "registry-entry",
        "p",
        "--tag",
        "pilot-2026-11-29",
        "--commit",
        commit,
        "--url",
        "https://example.org/evidence_pack.zip",
        "--lineage",
        "VALUE-M1: a pilot",
        "--date",
        "2026-11-29",
    ]);
    let page = run.exits(0).stdout();
    let (sha256, _) = molsieve::fs::sha256_input(&env.path("p/pack/evidence_pack.zip")).unwrap();
    for line in [
        "## pilot-2026-11-29",
        &format!("- Source commit: {commit}"),
        "- Release asset: https://example.org/evidence_pack.zip",
        &format!("- SHA256(evidence_pack.zip): {}", sha256.to_string().to_uppercase()),
        "- Outcome (facts from summary.csv):",
        "  - scores_coverage.rows_missing_scores_input: 0",
        "  - campaign: INCONCLUSIVE (too_few_records)",
        "### 2026-11-29 - VALUE-M1: a pilot",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    let summary = std::fs::read_to_string(env.path("p/pack/summary.csv")).unwrap();
    let rows = summary.lines().count() - 1;
    assert!(page.contains(&format!("  - rows_total: {rows}\n")), "{page}");
    assert!(page.contains("  - top_skip_reasons: invalid_smiles=3, no_decoys_generated=3,"), "{page}");
    env.molsieve(["report", "registry-entry", "p", "--tag", "two\nlines"]).exits(2);
    env.molsieve(["report", "registry-entry", "p", "--tag", "a", "--commit", "abc"]).exits(2);
}
