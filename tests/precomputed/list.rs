//! `molsieve decoys`: the file, what is said beside it, and what is refused.

use crate::support::env::{TestEnv, project};

/// A campaign of `scorer` over sixty records with look-alikes.
fn campaign(env: &TestEnv, name: &str, scorer: &str) -> String {
    env.small_library(60);
    env.campaign(name).scorer(scorer).with("[decoys]\ncount = 3").write()
}

#[test]
fn the_file_has_the_look_alikes_that_the_campaign_compares_with() {
    let env = TestEnv::new();
    let file = campaign(&env, "c", "kind = \"spectral2d\"");
    let facts = env.facts(["decoys", &file, "-o", "decoys.csv"]);
    assert_eq!(facts["schema"], "molsieve.decoys.v1");
    let text = std::fs::read_to_string(env.path("decoys.csv")).unwrap();
    assert!(text.starts_with("decoy_hash,decoy_smiles,count_rows_affected\n") && text.ends_with('\n'));
    assert_eq!(text.lines().count() as u64, 1 + facts["written"].as_u64().unwrap());
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let summary = std::fs::read_to_string(env.path("d/pack/summary.csv")).unwrap();
    let at = summary.lines().next().unwrap().split(',').position(|name| name == "decoys").unwrap();
    let decoys = summary.lines().skip(1).filter_map(|row| row.split(',').nth(at)?.parse::<u64>().ok()).sum::<u64>();
    // (What `spectral2d` itself skips, such as a metal, has look-alikes all the same.)
    assert!(decoys > 30 && decoys <= facts["decoys"].as_u64().unwrap(), "{facts}");
    // Over no file that is there: it may be the library.
    env.write("mine.csv", "something else");
    env.molsieve(["decoys", &file, "-o", "mine.csv"]).exits(2).says("`mine.csv` exists already");
    assert_eq!(std::fs::read_to_string(env.path("mine.csv")).unwrap(), "something else");
    // The same by one thread, and printed.
    env.molsieve(["decoys", &file, "-o", "again.csv", "--threads", "1"])
        .exits(0)
        .says("different look-alikes in `again.csv`");
    assert_eq!(std::fs::read_to_string(env.path("again.csv")).unwrap(), text);
    assert_eq!(env.molsieve(["decoys", &file]).exits(0).stdout(), text);
    assert_eq!(env.molsieve(["--quiet", "decoys", &file, "-o", "-"]).exits(0).stdout(), text);
    // Another seed, other look-alikes.
    let other = env.campaign("s").seed(2).scorer("kind = \"null\"").with("[decoys]\ncount = 3").write();
    assert_ne!(env.molsieve(["decoys", &other]).exits(0).stdout(), text);
}

#[test]
fn the_hash_of_a_look_alike_is_the_one_of_the_documents() {
    let env = TestEnv::new();
    env.write("library.smi", "CC(=O)Oc1ccccc1C(=O)O aspirin\n");
    let file = env.campaign("c").seed(0).with("[decoys]\ncount = 1").write();
    let text = env.molsieve(["decoys", &file]).exits(0).stdout();
    let cells: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(cells[1..], ["CC(=O)c1ccccc1OC(=O)O", "1"]);
    let page = std::fs::read_to_string(project("docs/formats/scores.md")).unwrap();
    assert!(page.contains(cells[0]), "{text}");
}

#[test]
fn what_cannot_be_listed_is_refused_with_what_to_do() {
    let env = TestEnv::new();
    env.small_library(5);
    let plain = env.campaign("plain").write();
    env.molsieve(["decoys", &plain]).exits(2).says("has no section `[decoys]`").says("count = 20");
    let file = campaign(&env, "c", "kind = \"null\"");
    env.molsieve(["decoys", &file, "--missing"]).exits(2).says("kind `null` has no missing scores").says("precomputed");
    env.molsieve(["--json", "decoys", &file]).exits(2).says("cannot both go to standard output").says("-o FILE.csv");
    env.molsieve(["decoys", "nowhere.toml"]).exits(2).says("nowhere.toml");
    env.molsieve(["decoys", &file, "-o", "nowhere/decoys.csv"])
        .exits(2)
        .says("no such directory")
        .says("mkdir -p nowhere");
    let scorer = "kind = \"precomputed\"\nscores = \"nowhere.csv\"";
    let file = campaign(&env, "p", scorer);
    env.molsieve(["decoys", &file]).exits(2).says("nowhere.csv");
    env.write("nowhere.csv", "id,score\nx,nan\n");
    env.molsieve(["decoys", &file, "--missing", "-o", "m.csv"]).exits(2).says("line 2");
    assert!(!env.path("m.csv").exists());
}

#[test]
fn the_program_of_a_campaign_is_not_asked_for_its_look_alikes() {
    let env = TestEnv::new();
    let scorer = "kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"no-such-program-anywhere\"]";
    let file = campaign(&env, "c", scorer);
    assert!(env.molsieve(["decoys", &file]).exits(0).stdout().lines().count() > 20);
}

#[test]
fn what_is_covered_is_told_beside_the_file() {
    let env = TestEnv::new();
    env.write("scores.csv", "id,score\n2,1\nstranger,2\n");
    let file = campaign(&env, "c", "kind = \"precomputed\"\nscores = \"scores.csv\"");
    let run = env.molsieve(["decoys", &file, "--missing", "-o", "m.csv"]).exits(0);
    assert!(run.stdout().is_empty());
    let run = run.says("records have look-alikes").says("1 records have a score");
    run.says("1 scores belong to no record and no look-alike");
}
