//! Campaigns whose records are compared with decoys: their rows, `signal.json`, and what shards do to them.

use std::process::Command;

use serde_json::Value as Json;

use crate::support::env::{TestEnv, project};
use crate::support::guide;

/// A campaign over the first `records` of the shipped molecules, with `scorer` and `[decoys]`.
fn campaign(env: &TestEnv, name: &str, records: usize, scorer: &str, decoys: &str) -> String {
    let library = std::fs::read_to_string(project("data/nci_first_5k.smi")).unwrap();
    let some: String = library.lines().take(records).map(|line| format!("{line}\n")).collect();
    env.write("nci.smi", some);
    env.campaign(name).library("nci.smi").scorer(scorer).with(&format!("[decoys]\n{decoys}\n")).write()
}

fn signal(env: &TestEnv, dir: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(env.path(&format!("{dir}/pack/signal.json"))).unwrap()).unwrap()
}

/// The cells of the column `name` in `summary.csv`, of `OK` rows.
fn column(env: &TestEnv, dir: &str, name: &str) -> Vec<String> {
    let summary = std::fs::read_to_string(env.path(&format!("{dir}/pack/summary.csv"))).unwrap();
    let mut lines = summary.lines();
    let at = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    let ok = lines.filter(|row| row.split(',').nth(2) == Some("OK"));
    ok.map(|row| row.split(',').nth(at).unwrap().to_owned()).collect()
}

const SPECTRAL: &str = "kind = \"spectral2d\"";

#[test]
fn every_record_is_compared_with_its_decoys_and_the_pack_says_what_that_comes_to() {
    let env = TestEnv::new();
    let file = campaign(&env, "plain", 400, SPECTRAL, "count = 3");
    env.molsieve(["run", &file, "--dir", "plain"]).exits(0);
    env.molsieve(["verify", "plain/pack", "--allow-unsigned"]).exits(0);
    let signal = signal(&env, "plain");
    assert_eq!((&signal["schema"], &signal["column"]), (&"molsieve.signal.v1".into(), &"score".into()));
    let facts = env.facts(["status", "plain"]);
    assert_eq!(signal["records"], facts["records"]["ok"]);
    // What is pooled is the sum of the rows, but for those whose look-alikes have another formula.
    let is_pooled: Vec<bool> = column(&env, "plain", "decoy_strategy")
        .iter()
        .map(|it| it != "rewire_fallback_aromatic_as_single_v1")
        .collect();
    let aside = is_pooled.iter().filter(|pooled| !**pooled).count();
    assert!(aside > 0 && signal["set_aside"] == aside, "{aside}");
    let sum_of = |name: &str, all: bool| {
        let cells = column(&env, "plain", name);
        let kept = cells.iter().zip(&is_pooled).filter(|(_, pooled)| all || **pooled);
        kept.map(|(cell, _)| cell.parse::<u64>().unwrap()).sum::<u64>()
    };
    let sum = |name: &str| sum_of(name, false);
    assert_eq!(signal["scored"], sum_of("decoys_scored", true));
    assert_eq!(signal["decoys"], sum_of("decoys", true));
    for band in signal["bands"].as_array().unwrap().iter().take(3) {
        let ways = ["won", "tied", "lost"].map(|way| sum(&format!("{}_{way}", band["band"].as_str().unwrap())));
        assert_eq!(band["pairs"], ways.iter().sum::<u64>());
        let auc = (ways[0] as f64 + ways[1] as f64 / 2.0) / ways.iter().sum::<u64>() as f64;
        assert!((band["score"]["auc"]["value"].as_f64().unwrap() - auc).abs() < 1e-12, "{band}");
        assert_eq!(["low", "high"].map(|end| band["score"]["auc"][end].as_f64().unwrap() < auc), [true, false]);
    }
    assert!(column(&env, "plain", "decoys").iter().all(|count| (1..=3).contains(&count.parse::<u32>().unwrap())));
    // No control may pass, whatever becomes of the score.
    assert_ne!(signal["verdict"], "INVALID", "{signal}");
    let summary = std::fs::read_to_string(env.path("plain/pack/summary.csv")).unwrap();
    let kept = summary.lines().find(|row| row.contains(",SKIP,no_decoys_generated,")).unwrap();
    assert!(!kept.split(',').nth(4).unwrap().is_empty(), "a record without decoys keeps its score: {kept}");
}

/// Promise P7: who has the document and the pack comes to the same bits, without any code of ours.
#[test]
fn a_second_implementation_from_the_document_comes_to_the_same_numbers() {
    let env = TestEnv::new();
    // Enough records for a band that decides, with its controls; then too few for that.
    for (name, records, decoys) in [("many", 700, "count = 3"), ("few", 60, "count = 5\nwindow = [0.4, 1.0]")] {
        let file = campaign(&env, name, records, SPECTRAL, decoys);
        env.molsieve(["run", &file, "--dir", name]).exits(0);
        let mut second = Command::new("python3");
        second.arg(project("tests/external/signal.py")).arg(env.path(&format!("{name}/pack")));
        let done = second.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let theirs: Json = serde_json::from_slice(&done.stdout).unwrap();
        let ours = signal(&env, name);
        assert_eq!(ours["controls"].as_array().unwrap().len(), if name == "many" { 3 } else { 0 });
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn the_report_begins_with_the_verdict_and_draws_records_beside_their_decoys() {
    let env = TestEnv::new();
    let file = campaign(&env, "shown", 120, SPECTRAL, "count = 2");
    env.molsieve(["run", &file, "--dir", "shown"]).exits(0);
    let report = std::fs::read_to_string(env.path("shown/pack/report.html")).unwrap();
    let at = |text: &str| report.find(text).unwrap_or_else(|| panic!("no `{text}` in the report"));
    let verdict = signal(&env, "shown")["verdict"].as_str().unwrap().to_owned();
    assert!(at(&format!("<strong>{verdict}.</strong>")) < at("<h2>Hits</h2>"));
    assert!(at("control: permuted") < at("The best records beside their decoys"));
    assert!(report.matches("<span class=\"id\">decoy</span>").count() > 3);
    // The counts of a comparison are not drawn as if they were scores.
    assert!(!report.contains("<b>permuted_won</b>") && report.contains("<b>slack</b>"));
    let index = std::fs::read_to_string(env.path("shown/pack/index.md")).unwrap();
    assert!(index.contains(&format!("- score: `score` is {verdict} (")), "{index}");
}

#[test]
fn whatever_is_chosen_of_decoys_runs_and_is_verified() {
    let env = TestEnv::new();
    for (number, decoys) in [
        "window = [0.0, 1.0]",
        "window = [0.65, 0.95]\ncount = 1",
        "connected = false\ncount = 100",
        "strategies = [\"rewire_relax_b_v1\", \"rewire_strict_v1\"]",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("choice-{number}");
        let file = campaign(&env, &name, 40, SPECTRAL, decoys);
        env.molsieve(["run", &file, "--dir", &name]).exits(0);
        env.molsieve(["verify", &format!("{name}/pack"), "--allow-unsigned"]).exits(0);
        env.molsieve(["resume", &name]).exits(0);
    }
}

#[test]
fn an_sd_library_is_compared_as_the_same_molecules_in_smiles_are() {
    let env = TestEnv::new();
    std::fs::copy(project("tests/fixtures/libraries/rdkit.sdf"), env.path("library.sdf")).unwrap();
    let file = env.campaign("sd").library("library.sdf").scorer(SPECTRAL).with("[decoys]\ncount = 2\n").write();
    env.molsieve(["run", &file, "--dir", "sd"]).exits(0);
    let facts = env.facts(["status", "sd"]);
    assert_eq!((&facts["records"]["error"], &signal(&env, "sd")["records"]), (&0.into(), &facts["records"]["ok"]));
    assert!(facts["records"]["ok"].as_u64().unwrap() > 0, "{facts}");
}

#[test]
fn neither_shards_nor_threads_change_a_verdict() {
    let env = TestEnv::new();
    let pack = |name: &str, shard: u64, workers: &str| {
        campaign(&env, name, 300, SPECTRAL, "count = 2");
        let file =
            env.campaign(name).library("nci.smi").scorer(SPECTRAL).shard(shard).with("[decoys]\ncount = 2\n").write();
        env.molsieve(["run", &file, "--dir", name, "--workers", workers]).exits(0);
        (env.payload_of(name), signal(&env, name).to_string())
    };
    let one = pack("one", 300, "1");
    assert_eq!(pack("seven", 7, "2"), one);
    assert_eq!(pack("hundred", 100, "3"), one);
}

#[test]
fn a_score_that_is_the_nearest_active_knows_its_actives_from_their_decoys() {
    let env = TestEnv::new();
    let actives: String = std::fs::read_to_string(project("data/nci_first_5k.smi"))
        .unwrap()
        .lines()
        .take(200)
        .map(|line| format!("{line}\n"))
        .filter(|line| !line.starts_with('#'))
        .collect();
    env.write("actives.smi", actives);
    let file = campaign(&env, "near", 200, "kind = \"similarity\"\nactives = \"actives.smi\"", "count = 4");
    env.molsieve(["run", &file, "--dir", "near"]).exits(0);
    let signal = signal(&env, "near");
    assert_eq!((&signal["verdict"], &signal["reason"]), (&"PASS".into(), &"above_gate".into()), "{signal}");
    assert_eq!(signal["beaten_by"], serde_json::json!([]));
}

#[test]
fn what_was_said_of_decoys_is_frozen_and_a_forged_signal_is_found() {
    let env = TestEnv::new();
    let file = campaign(&env, "a", 60, SPECTRAL, "count = 2");
    env.molsieve(["run", &file, "--dir", "a"]).exits(0);
    let other = campaign(&env, "a", 60, SPECTRAL, "count = 3");
    env.molsieve(["run", &other, "--dir", "a"]).exits(2).says("`decoys.count` is 2 there and 3 here");
    let path = env.path("a/pack/signal.json");
    let forged = std::fs::read_to_string(&path).unwrap().replace("INCONCLUSIVE", "PASS").replace("FAIL", "PASS");
    std::fs::write(&path, forged).unwrap();
    env.molsieve(["verify", "a/pack", "--allow-unsigned"]).exits(4).says("signal.json");
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_runs() {
    let env = TestEnv::new();
    env.write("score.py", "");
    for (scorer, decoys, what) in [
        (SPECTRAL, "count = 0", "`decoys.count` must be from 1 to 100"),
        (SPECTRAL, "count = 101", "`decoys.count` must be from 1 to 100"),
        (SPECTRAL, "strategies = []", "`decoys.strategies` must name at least one"),
        (SPECTRAL, "strategies = [\"rewire_strict_v1\", \"rewire_strict_v1\"]", "`decoys.strategies` must name"),
        (SPECTRAL, "strategies = [\"rewire\"]", "rewire_strict_v1"),
        (SPECTRAL, "window = [0.9, 0.5]", "`decoys.window` must be two similarities"),
        (SPECTRAL, "window = [0.5, nan]", "`decoys.window` must be two similarities"),
        (SPECTRAL, "windows = [0.5, 0.6]", "there is no key `windows`"),
        ("kind = \"null\"", "", "gives no number that could be compared"),
        ("kind = \"command\"\nargv = [\"python3\", \"score.py\"]", "", "`[decoys]` is for scorers that are built in"),
    ] {
        let file = campaign(&env, "refused", 5, scorer, decoys);
        env.molsieve(["plan", &file, "--dir", "refused"]).exits(2).says(what);
        assert!(!env.path("refused").exists(), "{decoys}");
    }
}

#[test]
fn a_killed_campaign_comes_to_the_same_signal() {
    let env = TestEnv::new();
    let file = campaign(&env, "whole", 200, SPECTRAL, "count = 2");
    env.molsieve(["run", &file, "--dir", "whole"]).exits(0);
    let file = campaign(&env, "killed", 200, SPECTRAL, "count = 2");
    let mut command = env.command(["run", &file, "--dir", "killed"]);
    assert!(!command.env("MOLSIEVE_FAULT", "kill@60").output().unwrap().status.success());
    env.molsieve(["resume", "killed"]).exits(0);
    assert_eq!(signal(&env, "killed"), signal(&env, "whole"));
}

#[test]
fn the_guide_is_done_as_it_stands_and_its_scores_are_what_it_says() {
    let env = TestEnv::new();
    for name in ["data/nci_first_5k.smi", "configs/campaigns/actives.smi"] {
        env.write(name, std::fs::read(project(name)).unwrap());
    }
    let done = |title: &str, change: &dyn Fn(&str) -> String| -> String {
        let blocks = guide::section("does-it-know.md", title);
        let commands = blocks.iter().filter(|(language, _)| language == "sh");
        commands.map(|(_, code)| guide::shell(&env, &change(code))).collect()
    };
    let as_it_stands = |code: &str| code.to_owned();
    assert!(done("Ask for look-alikes", &as_it_stands).contains("score    `similarity` is PASS (above_gate)"));
    assert!(done("Read the verdict", &as_it_stands).contains("score     `similarity` is PASS (above_gate)"));
    assert!(done("Look closer", &as_it_stands).contains("\"hetero_audit.v2\""));
    assert!(done("A score of another program", &as_it_stands).contains("score    `score` is FAIL (below_gate)"));
    // The score that sees how a structure is written.
    let length = |code: &str| {
        let code =
            code.replace("gsub(/[NnOo]/, \"\", $1)", "length($1)").replace("gsub(/[NnOo]/, \"\", $2)", "length($2)");
        code.replace("sent.toml", "length.toml")
            .replace("--dir sent", "--dir length")
            .replace("missing.csv", "other.csv")
    };
    let said = done("A score of another program", &length);
    assert!(said.contains("`score` is PASS (above_gate): of the pairs with hard look-alikes it wins 88.7 %"), "{said}");
}
