//! Campaigns of `precomputed`: rows, what is frozen, what travels, and the loop through a program of the user's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use molsieve::digest;

use crate::support::env::TestEnv;

/// The ids of the first `records` shipped structures.
fn ids(records: usize) -> Vec<String> {
    let library = crate::support::env::small_library(records);
    library.lines().map(|line| line.split('\t').nth(1).unwrap().to_owned()).collect()
}

/// Scores for all but every tenth of `ids`: the n-th has −n / 8.
fn scores(ids: &[String]) -> String {
    let mut text = "id,score\n".to_owned();
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 10 != 3) {
        writeln!(text, "{id},{}", number as f64 / -8.0).unwrap();
    }
    text
}

/// The rows of the pack in `dir`, by id: outcome, reason and the other cells.
fn rows(env: &TestEnv, dir: &str) -> BTreeMap<String, Vec<String>> {
    let summary = std::fs::read_to_string(env.path(&format!("{dir}/pack/summary.csv"))).unwrap();
    let cells = summary.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].clone(), cells[2..].to_vec())).collect()
}

#[test]
fn a_campaign_has_the_scores_of_its_file_and_skips_what_has_none() {
    let env = TestEnv::new();
    env.small_library(200);
    let ids = ids(200);
    env.write("scores.csv", scores(&ids));
    let file = env.campaign("c").scorer("kind = \"precomputed\"\nscores = \"scores.csv\"\norder = \"asc\"").write();
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    let rows = rows(&env, "d");
    for (number, id) in ids.iter().enumerate() {
        let expected = if number % 10 == 3 {
            vec!["SKIP".to_owned(), "missing_score".to_owned(), String::new()]
        } else {
            vec!["OK".to_owned(), String::new(), format!("{}", number as f64 / -8.0 + 0.0)]
        };
        assert_eq!(rows[id], expected, "{id}");
    }
    let hits = std::fs::read_to_string(env.path("d/pack/hits.csv")).unwrap();
    assert!(hits.lines().nth(1).unwrap().starts_with("199,"), "the lowest is best: {hits}");
    env.molsieve(["verify", "d/pack", "--allow-unsigned"]).exits(0);
}

#[test]
fn every_form_of_the_same_scores_gives_the_same_rows_whatever_the_shards() {
    let env = TestEnv::new();
    env.small_library(150);
    let ids = ids(150);
    let text = scores(&ids);
    env.write("scores.csv", &text);
    env.write("scores.tsv", text.replace(',', "\t"));
    env.write("zipped.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    let (first, second) = text.split_at(text.len() / 2 + text[text.len() / 2..].find('\n').unwrap() + 1);
    env.write("first.csv", first);
    env.write(
        "second.txt",
        format!(
            "Score;Name\n{}",
            second
                .lines()
                .map(|line| {
                    let (id, score) = line.split_once(',').unwrap();
                    format!("{score};{id}\n")
                })
                .collect::<String>()
        ),
    );
    let forms = [
        "scores = \"scores.csv\"",
        "scores = [\"scores.tsv\"]",
        "scores = \"zipped.csv.zst\"",
        "scores = [\"first.csv\", { path = \"second.txt\", format = \"csv\", id_column = \"name\", score_column = 1 }]",
        "scores = [\"scores.csv\", \"scores.tsv\"]\nid_column = \"id\"\nscore_column = 2",
    ];
    let mut payloads = Vec::new();
    for (number, keys) in forms.iter().enumerate() {
        let (name, shard) = (format!("c{number}"), [64, 7, 150, 1, 30][number]);
        let file = env.campaign(&name).scorer(&format!("kind = \"precomputed\"\n{keys}")).shard(shard).write();
        env.molsieve(["run", &file, "--dir", &name, "--workers", "2"]).exits(0);
        payloads.push(env.payload_of(&name));
    }
    assert!(payloads.iter().all(|payload| *payload == payloads[0]), "{payloads:?}");
}

#[test]
fn a_parquet_file_and_the_results_of_a_pack_are_scores_too() {
    let env = TestEnv::new();
    env.small_library(100);
    env.write("scores.csv", scores(&ids(100)));
    let of = |name: &str, scores: &str, rest: &str| {
        let file =
            env.campaign(name).scorer(&format!("kind = \"precomputed\"\nscores = \"{scores}\"")).with(rest).write();
        env.molsieve(["run", &file, "--dir", name]).exits(0);
        env.payload_of(name)
    };
    let first = of("first", "scores.csv", "[pack]\noutputs = [\"parquet\"]");
    assert_eq!(of("by-csv", "first/pack/summary.csv", ""), first);
    assert_eq!(of("by-parquet", "first/pack/results.parquet", ""), first);
}

#[test]
fn a_file_that_changed_since_the_plan_is_refused_and_one_that_was_put_back_is_not() {
    let env = TestEnv::new();
    env.small_library(20);
    let text = scores(&ids(20));
    env.write("scores.csv", &text);
    let file = env.campaign("c").scorer("kind = \"precomputed\"\nscores = \"scores.csv\"").write();
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    env.write("scores.csv", text.replace("-0.125", "-0.5"));
    env.molsieve(["resume", "d"])
        .exits(2)
        .says("changed since the plan")
        .says("scores.csv")
        .says("put back what was there");
    env.write("scores.csv", &text);
    env.molsieve(["resume", "d"]).exits(0);
}

#[test]
fn the_content_of_the_files_is_frozen_and_not_where_they_lie() {
    let env = TestEnv::new();
    env.small_library(10);
    env.write("a.csv", "id,score\n1,1\n");
    env.write("elsewhere/b.csv", "id,score\n1,1\n");
    env.write("c.csv", "id,score\n1,1.5\n");
    let identity = |name: &str, keys: &str| {
        let file = env.campaign(name).scorer(&format!("kind = \"precomputed\"\n{keys}")).write();
        env.molsieve(["plan", &file, "--dir", name]).exits(0);
        let text = std::fs::read_to_string(env.path(&format!("{name}/campaign.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["identity"]["scorer"].clone()
    };
    let plain = identity("plain", "scores = \"a.csv\"");
    assert_eq!(plain["files"][0]["sha256"], digest::sha256(b"id,score\n1,1\n").to_string());
    for (number, same) in [
        "scores = \"elsewhere/b.csv\"",
        "scores = [\"a.csv\"]\norder = \"desc\"\nformat = \"csv\"",
        &format!("scores = \"a.csv\"\nsha256 = \"{}\"", digest::sha256(b"id,score\n1,1\n")),
        "scores = \"a.csv\"\nid_column = 1\nscore_column = \"SCORE\"",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(identity(&format!("same-{number}"), same), plain, "{same}");
    }
    for (number, other) in
        ["scores = \"c.csv\"", "scores = \"a.csv\"\norder = \"asc\"", "scores = [\"a.csv\", \"c2.csv\"]"]
            .into_iter()
            .enumerate()
    {
        env.write("c2.csv", "id,score\ny,1.5\n");
        assert_ne!(identity(&format!("other-{number}"), other), plain, "{other}");
    }
}

#[test]
fn ids_that_are_not_text_have_the_scores_of_a_pack_of_the_same_library() {
    let env = TestEnv::new();
    env.write("library.smi", b"CC a\\b\nCCC c\xff\nCCCC \"d,e\"\n");
    let file = env.campaign("n").scorer("kind = \"spectral2d\"").write();
    env.molsieve(["run", &file, "--dir", "n"]).exits(0);
    let file = env.campaign("c").scorer("kind = \"precomputed\"\nscores = \"n/pack/summary.csv\"").write();
    env.molsieve(["run", &file, "--dir", "c"]).exits(0);
    let facts = env.facts(["status", "c"]);
    assert_eq!(facts["records"]["ok"], 3, "{facts}");
}

/// A program that scores by the length of the structure, and knows nothing of molsieve.
const PROGRAM: &str = "import sys\nprint('score', len(sys.argv[1]) % 7)\n";

#[test]
fn look_alikes_are_scored_by_the_users_program_in_a_campaign_of_their_own_and_come_back() {
    let env = TestEnv::new();
    env.small_library(40);
    env.write("score.py", PROGRAM);
    let program = format!(
        "kind = \"command\"\nprotocol = \"each\"\nargv = [{:?}, \"score.py\", \"{{structure}}\"]\nname = \"length\"\nversion = \"1\"\n\
         deterministic = true\npattern = 'score (?P<score>[0-9]+)'\ncolumns = [{{ name = \"score\", order = \"asc\" }}]",
        crate::support::env::python()
    );
    let docked = env.campaign("docked").scorer(&program).write();
    env.molsieve(["run", &docked, "--dir", "docked"]).exits(0);
    let compare = |scores: &str| {
        let scorer = format!("kind = \"precomputed\"\nscores = {scores}\norder = \"asc\"");
        env.campaign("compare").scorer(&scorer).with("[decoys]\ncount = 2").write()
    };
    let file = compare("\"docked/pack/summary.csv\"");
    let missing = env.facts(["decoys", &file, "--missing", "-o", "decoys.csv"]);
    assert!(missing["written"].as_u64().unwrap() > 20, "{missing}");
    assert_eq!(missing["coverage"]["decoys_scored"], 0);
    let decoys = env
        .campaign("decoys")
        .library("decoys.csv")
        .library_format("structure_column = \"decoy_smiles\"\nid_column = \"decoy_hash\"")
        .scorer(&program)
        .write();
    env.molsieve(["run", &decoys, "--dir", "decoys"]).exits(0);
    let file = compare("[\"docked/pack/summary.csv\", \"decoys/pack/summary.csv\"]");
    let none = env.facts(["decoys", &file, "--missing", "-o", "none.csv"]);
    assert_eq!(
        (&none["written"], &none["coverage"]["decoys_missing"], &none["coverage"]["scores_unused"]),
        (&0.into(), &0.into(), &0.into())
    );
    env.molsieve(["run", &file, "--dir", "compare"]).exits(0);
    let summary = std::fs::read_to_string(env.path("compare/pack/summary.csv")).unwrap();
    let header: Vec<&str> = summary.lines().next().unwrap().split(',').collect();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (mut all, mut scored) = (0, 0);
    for row in summary.lines().skip(1).map(|row| row.split(',').collect::<Vec<_>>()).filter(|row| row[2] == "OK") {
        all += row[at("decoys")].parse::<u64>().unwrap();
        scored += row[at("decoys_scored")].parse::<u64>().unwrap();
    }
    assert_eq!((all, scored), (missing["coverage"]["decoys"].as_u64().unwrap(), all));
}
