//! `spectral2d` in a campaign file: its keys, what they freeze, and its rows in a pack.

use crate::support::env::{TestEnv, project};

/// A campaign of `spectral2d` over a small library, with `keys` in `[scorer]`.
fn campaign(env: &TestEnv, name: &str, keys: &str) -> String {
    env.campaign(name).scorer(&format!("kind = \"spectral2d\"\n{keys}")).write()
}

#[test]
fn a_campaign_ends_in_a_pack_whose_hits_are_ranked_by_the_score() {
    let env = TestEnv::new();
    env.small_library(150);
    let file = campaign(&env, "plain", "score = \"L_trace\"\norder = \"asc\"");
    env.molsieve(["run", &file, "--dir", "plain"]).exits(0);
    let summary = std::fs::read_to_string(env.path("plain/pack/summary.csv")).unwrap();
    let header = "ordinal,id,outcome,reason,score,spectral_gap,spectral_entropy,spectral_entropy_norm,L_gap,L_trace,\
                  L_entropy_beta,H_gap,H_trace,H_entropy_beta,W_gap,W_entropy,WH_gap,WH_entropy";
    assert_eq!(summary.lines().next(), Some(header));
    let hits = std::fs::read_to_string(env.path("plain/pack/hits.csv")).unwrap();
    let at = hits.lines().next().unwrap().split(',').position(|name| name == "score").unwrap();
    let scores = hits.lines().skip(1).map(|row| row.split(',').nth(at).unwrap().parse::<f64>().unwrap());
    assert!(scores.clone().count() > 100 && scores.is_sorted(), "{hits}");
}

#[test]
fn every_setting_is_part_of_what_is_frozen() {
    let env = TestEnv::new();
    env.small_library(10);
    let digest = |name: &str, keys: &str| {
        let file = campaign(&env, name, keys);
        env.molsieve(["plan", &file, "--dir", name]).exits(0);
        let text = std::fs::read_to_string(env.path(&format!("{name}/campaign.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["identity"]["scorer"].to_string()
    };
    let plain = digest("plain", "");
    let said = "physics_mode = \"both\"\nedge_weight = \"bond_order_delta_chi\"\nmax_atoms = 200\n\
                require_connected = true\nscore = \"spectral_gap\"\norder = \"desc\"";
    assert_eq!(digest("said", said), plain, "what is said is what holds where nothing is said");
    let others = [
        "physics_mode = \"topological\"",
        "edge_weight = \"bond_order\"",
        "max_atoms = 199",
        "require_connected = false",
        "score = \"L_gap\"",
        "order = \"asc\"",
    ];
    for (number, keys) in others.iter().enumerate() {
        assert_ne!(digest(&format!("other-{number}"), keys), plain, "{keys}");
    }
}

#[test]
fn a_key_that_cannot_be_is_refused_before_anything_runs_with_what_may_be_said() {
    let env = TestEnv::new();
    env.small_library(10);
    for (keys, what, hint) in [
        ("score = \"L_gab\"", "`scorer.score` is `L_gab`", "L_gap"),
        ("score = \"W_gap\"\nphysics_mode = \"hamiltonian\"", "`scorer.score` is `W_gap`", "another `physics_mode`"),
        ("max_atoms = 0", "`scorer.max_atoms` is 0", "from 1 to 1000"),
        ("max_atoms = 1001", "`scorer.max_atoms` is 1001", "from 1 to 1000"),
        ("physics_mode = \"quantum\"", "quantum", "hamiltonian"),
        ("edge_weight = \"heavy\"", "heavy", "bond_order_delta_chi"),
        ("edge_wieght = \"bond_order\"", "there is no key `edge_wieght`", "edge_weight"),
        ("actives = \"a.smi\"", "`scorer.actives` means nothing to a scorer of kind `spectral2d`", "remove it"),
    ] {
        let file = campaign(&env, "refused", keys);
        env.molsieve(["plan", &file, "--dir", "refused"]).exits(2).says(what).says(hint);
        assert!(!env.path("refused").exists(), "{keys}");
    }
    for key in
        ["physics_mode = \"both\"", "max_atoms = 3", "require_connected = true", "score = \"L_gap\"", "order = \"asc\""]
    {
        let file = env.campaign("foreign").scorer(&format!("kind = \"null\"\n{key}")).write();
        env.molsieve(["plan", &file]).exits(2).says("means nothing to a scorer of kind `null`");
    }
}

#[test]
fn settings_that_were_changed_by_hand_are_refused() {
    let env = TestEnv::new();
    env.small_library(10);
    let file = campaign(&env, "hand", "");
    env.molsieve(["plan", &file, "--dir", "hand"]).exits(0);
    let path = env.path("hand/campaign.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["execution"]["scorer"]["spectral2d"]["settings"]["max_atoms"] = 5.into();
    std::fs::write(&path, json.to_string() + "\n").unwrap();
    env.molsieve(["resume", "hand"]).exits(2).says("its setting `max_atoms` differs");
}

#[test]
fn an_sd_library_has_the_rows_of_the_same_molecules_as_smiles() {
    let env = TestEnv::new();
    std::fs::copy(project("tests/fixtures/libraries/rdkit.sdf"), env.path("library.sdf")).unwrap();
    let file = env.campaign("sd").library("library.sdf").scorer("kind = \"spectral2d\"").write();
    env.molsieve(["run", &file, "--dir", "sd"]).exits(0);
    let facts = env.facts(["status", "sd"]);
    assert!(facts["records"]["ok"].as_u64().unwrap() > 0, "{facts}");
    assert_eq!(facts["records"]["error"], 0);
}
