//! The guide is done as it stands, says what it says it says, and its packs, made by real scorers, agree with the page of formats.

use serde_json::Value as Json;

use super::agreement::{holds, reference};
use crate::support::env::{TestEnv, project};
use crate::support::guide;

/// Does the section `title`; what it prints must hold what the section shows.
fn done(env: &TestEnv, title: &str) {
    let mut said = String::new();
    for (language, code) in guide::section("worth-the-money.md", title) {
        match language.as_str() {
            "sh" => said.push_str(&guide::shell(env, &code)),
            _ => assert!(said.contains(&code), "{title}: the guide shows\n{code}and this is\n{said}"),
        }
    }
}

#[test]
fn the_guide_shows_what_is_printed_and_real_campaigns_agree_with_the_page() {
    let env = TestEnv::new();
    for name in ["data/nci_first_5k.smi", "configs/campaigns/actives.smi"] {
        env.write(name, std::fs::read(project(name)).unwrap());
    }
    done(&env, "Try it");
    done(&env, "A score that does not pay");
    for (dir, rank) in [("known", "similarity"), ("gap", "score")] {
        let args = ["report", "cost-lift", dir, "--truth", "truth.csv", "--k", "200", "--bootstrap-n", "100"];
        let found: Json = env.facts(args);
        let summary = env.path(&format!("{dir}/pack/summary.csv"));
        holds(&found, &reference(&summary, &env.path("truth.csv"), rank, "desc", ["200", "0", "100"]), dir);
    }
}
