//! `molsieve suite`: HETERO-2's VALUE suites, run, judged, signed and made again.

use std::path::Path;

use serde_json::Value as Json;

use crate::support::env::{Run, TestEnv, project};

/// An environment with a key.
fn begun() -> TestEnv {
    let env = TestEnv::new();
    env.molsieve(["keygen", "--out", "me.pem"]).exits(0);
    env
}

fn suite(env: &TestEnv, args: &[&str]) -> Run {
    env.molsieve(["suite"].into_iter().chain(args.iter().copied()))
}

fn document(env: &TestEnv, dir: &str) -> Json {
    serde_json::from_str(&read(env, dir, "suite.json")).unwrap()
}

fn read(env: &TestEnv, dir: &str, name: &str) -> String {
    std::fs::read_to_string(env.path(dir).join(name)).unwrap()
}

/// The gates of `milestone`, each with whether it holds.
fn gates(document: &Json, milestone: &str) -> Vec<(String, bool)> {
    let all = document["gates"].as_array().unwrap().iter().filter(|gate| gate["milestone"] == milestone);
    all.map(|gate| (gate["gate"].as_str().unwrap().to_owned(), gate["holds"].as_bool().unwrap())).collect()
}

fn sha256(path: &Path) -> String {
    molsieve::digest::sha256(&std::fs::read(path).unwrap()).to_string()
}

#[test]
fn ring_systems_are_no_errors_and_the_suite_can_be_made_again_from_what_is_handed_on() {
    let env = begun();
    let said = suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "5", "--commit", &"ab".repeat(20)]);
    assert!(said.exits(0).stdout().contains("GO: `ring` holds all its"));
    let facts = document(&env, "ring");
    assert_eq!((&facts["verdict"], &facts["variants"][0]["rows"]["error"]), (&"GO".into(), &0.into()));
    assert_eq!(facts["variants"][0]["rows"]["total"], 200);
    assert_eq!(gates(&facts, "VALUE-M1.1").len(), 2);
    let (registry, lineage) = (read(&env, "ring", "artefacts_registry.md"), read(&env, "ring", "lineage.md"));
    let archive = "value_ring_suite_evidence_pack.zip";
    let digest = sha256(&env.path("ring").join(archive)).to_ascii_uppercase();
    for page in [&registry, &lineage] {
        assert!(page.contains(&format!("- SHA256({archive}): {digest}")) && page.contains(&"ab".repeat(20)), "{page}");
    }
    assert!(registry.starts_with("## value-ring-suite-20") && lineage.contains("- Result: GO"), "{registry}{lineage}");
    // It is a pack as any other, signed and entered in the registry.
    env.molsieve(["verify", &format!("ring/{archive}"), "--key", "me.pub.pem"]).exits(0);
    assert!(env.molsieve(["registry", "list"]).stdout().contains("ring"));
    // The campaign is not needed any more.
    std::fs::rename(env.path("ring/work"), env.path("elsewhere")).unwrap();
    assert!(suite(&env, &["verify", "ring", "--key", "me.pub.pem"]).exits(0).stdout().contains("VERIFIED: signed by"));
    env.molsieve(["keygen", "--out", "other.pem"]).exits(0);
    suite(&env, &["verify", "ring", "--key", "other.pub.pem"])
        .exits(4)
        .says("none of the keys that were given has signed");
}

#[test]
fn the_same_command_again_goes_on_and_says_the_same() {
    let env = begun();
    let ring = |more: &[&str]| {
        let args = ["ring", "--dir", "ring", "--key", "me.pem", "--count", "2", "--tag", "pilot-1"];
        suite(&env, &[&args, more].concat())
    };
    ring(&["--workers", "1"]).exits(0);
    let names = ["suite.json", "artefacts_registry.md", "lineage.md", "suite.dsse.json"];
    let before = names.map(|name| read(&env, "ring", name));
    // What was said of it stays.
    suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "2"]).exits(0);
    assert_eq!(names.map(|name| read(&env, "ring", name)), before);
    // A suite of other look-alikes is another campaign.
    suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "3"]).exits(2);
    suite(&env, &["known-bad-good", "--dir", "ring", "--key", "me.pem"]).exits(2).says("holds the suite `ring`");
    suite(&env, &["ring", "--dir", "other", "--key", "me.pem", "--tag", "two words"]).exits(2);
}

#[test]
fn the_audit_tells_a_score_that_knows_everything_from_scores_that_know_nothing() {
    let env = begun();
    let said = suite(&env, &["--json", "known-bad-good", "--dir", "known", "--key", "me.pem", "--count", "8"]).exits(0);
    let printed: Json = serde_json::from_str(&said.stdout()).unwrap();
    let facts = document(&env, "known");
    for what in ["schema", "asked", "release", "verdict", "gates"] {
        assert_eq!(printed[what], facts[what], "there is one document, and it is the file");
    }
    let apart = |at: usize, what: &str| facts["separations"][at][what].as_f64().unwrap();
    assert!(apart(0, "median_slack") >= 0.05 && apart(0, "pass_rate") >= 0.2);
    assert!(apart(1, "median_slack") >= 0.05 || apart(1, "pass_rate") >= 0.2);
    let said: Vec<&str> = (0..3).map(|at| facts["variants"][at]["signal"]["verdict"].as_str().unwrap()).collect();
    assert!(said[0] != "PASS" && said[1] != "PASS" && said[2] == "PASS", "{said:?}");
    // A constant score ties with every look-alike, and a perfect one beats every one of them.
    let median = |at: usize| facts["variants"][at]["audit"]["median_slack"].as_f64().unwrap();
    assert_eq!((median(0).to_bits(), median(2).to_bits()), ((-0.5_f64).to_bits(), 0_f64.to_bits()));
    let page = read(&env, "known", "artefacts_registry.md");
    for name in ["BAD-constant", "BAD-random", "GOOD-synthetic"] {
        let archive = format!("value_known_bad_good_{name}_evidence_pack.zip");
        assert!(page.contains(&format!("- Variant: {name}")) && page.contains(&archive), "{page}");
        env.molsieve(["verify", &format!("known/{archive}"), "--key", "me.pub.pem"]).exits(0);
    }
    let said = suite(&env, &["--json", "verify", "known", "--key", "me.pub.pem"]).exits(0);
    let said: Json = serde_json::from_str(&said.stdout()).unwrap();
    assert_eq!((&said["suite"]["verdict"], said["signers"].as_array().unwrap().len()), (&"GO".into(), 1));
}

/// A library of 120 records with a scorer, for a customer.
fn customers(env: &TestEnv, scorer: &str) -> String {
    let library = std::fs::read_to_string(project("data/ring_molecules.smi")).unwrap();
    env.write("lib.smi", library.lines().take(120).map(|line| format!("{line}\n")).collect::<String>());
    env.campaign("compare").library("lib.smi").scorer(scorer).with("[decoys]\ncount = 4\n").write()
}

/// Truth about the library: every fifth record is a hit.
fn assay(env: &TestEnv, name: &str, source: &str) -> String {
    let library = std::fs::read_to_string(env.path("lib.smi")).unwrap();
    let mut table = "molecule_id,expensive_label,truth_source,truth_version\n".to_owned();
    for (at, line) in library.lines().enumerate() {
        let (id, label) = (line.split('\t').nth(1).unwrap(), if at % 5 == 0 { "PASS" } else { "FAIL" });
        table += &format!("{id},{label},{source},customer_truth.v1\n");
    }
    sha256(&env.write(name, table))
}

#[test]
fn a_customer_is_told_what_the_score_is_worth_by_truth_that_is_pinned() {
    let env = begun();
    let file = customers(&env, "kind = \"spectral2d\"");
    let digest = assay(&env, "assay.csv", "external");
    let args = ["customer", &file, "--dir", "c", "--key", "me.pem", "--truth", "assay.csv", "--k", "20"];
    suite(&env, &[&args, &["--truth-sha256", &digest][..]].concat()).exits(0);
    let facts = document(&env, "c");
    assert_eq!(gates(&facts, "VALUE-M6").iter().filter(|(_, holds)| *holds).count(), 2);
    assert_eq!((&facts["utility"]["truth_sha256"], &facts["utility"]["hits"]), (&digest.into(), &24.into()));
    let report: Json = serde_json::from_str(&read(&env, "c", "cost_lift_report.json")).unwrap();
    assert_eq!((&report["truth_csv"], &report["K_effective"]), (&"truth.csv".into(), &facts["utility"]["k_effective"]));
    assert!(read(&env, "c", "artefacts_registry.md").contains("- Utility report contract: cost_lift.v1"));
    suite(&env, &["verify", "c", "--key", "me.pub.pem"]).exits(0);
    // Who asks until the answer pleases has asked nothing.
    let again = [&args[..8], &["--truth-sha256", facts["utility"]["truth_sha256"].as_str().unwrap()][..]].concat();
    let other = suite(&env, &[&again[..], &["--k", "30"]].concat()).exits(2);
    other.says("this truth was asked another question").says("--k 20").says("molsieve report cost-lift");
    assert_eq!(document(&env, "c"), facts, "what was signed stands");
    suite(&env, &[&again[..], &["--k", "20"]].concat()).exits(0);
    // Whoever goes on writing to their file changes nothing that was signed.
    env.write("assay.csv", "changed");
    suite(&env, &["verify", "c", "--key", "me.pub.pem"]).exits(0);
}

#[test]
fn labels_that_a_rule_made_never_pass_for_a_measurement() {
    let env = begun();
    let file = customers(&env, "kind = \"spectral2d\"");
    suite(&env, &["customer", &file, "--dir", "c", "--key", "me.pem", "--proxy-truth", "--k", "20"]).exits(0);
    let facts = document(&env, "c");
    assert!(gates(&facts, "VALUE-M6").is_empty() && gates(&facts, "VALUE-M5").iter().all(|(_, holds)| *holds));
    assert!(read(&env, "c", "lineage.md").contains("PROXY TRUTH"));
    let digest = assay(&env, "rule.csv", "proxy_rule_v1");
    let args = ["customer", &file, "--dir", "d", "--key", "me.pem", "--truth", "rule.csv", "--truth-sha256", &digest];
    suite(&env, &args).exits(2).says("are made by a rule");
    // Nor do they under another name.
    let renamed = read(&env, "c", "truth.csv").replace("proxy_rule_v1", "assay-7");
    let digest = sha256(&env.write("renamed.csv", renamed));
    let args =
        ["customer", &file, "--dir", "e", "--key", "me.pem", "--truth", "renamed.csv", "--truth-sha256", &digest];
    suite(&env, &args).exits(2).says("whatever their source is called").says("--proxy-truth");
    assert!(!env.path("e/work/customer/groups").exists(), "nothing ran");
}

#[test]
fn a_suite_says_the_command_that_makes_it_again_with_what_is_not_its_own() {
    let env = begun();
    let command = |dir: &str, more: &[&str]| {
        suite(&env, &[&["ring", "--dir", dir, "--key", "me.pem", "--count", "2"], more].concat());
        let registry = read(&env, dir, "artefacts_registry.md");
        registry.lines().find(|line| line.contains("molsieve suite")).unwrap().trim().to_owned()
    };
    assert_eq!(command("own", &[]), "molsieve suite ring --count 2 --seed 0 --dir DIR --key KEY");
    let library = std::fs::read_to_string(project("data/ring_molecules.smi")).unwrap();
    env.write("mine.smi", library.lines().take(60).map(|line| format!("{line}\n")).collect::<String>());
    let mine = command("mine", &["--library", "mine.smi", "--seed", "3"]);
    assert_eq!(mine, "molsieve suite ring --library LIBRARY --count 2 --seed 3 --dir DIR --key KEY");
}

#[test]
fn of_two_that_work_on_one_suite_the_second_is_told_to_wait() {
    let env = begun();
    let ring = || suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "2"]);
    ring().exits(0);
    let held = molsieve::fs::alone::hold(&env.path("ring/work/suite")).unwrap();
    assert!(held.is_some());
    ring().exits(2).says("somebody else is at work on the suite").says("wait for that");
    drop(held);
    ring().exits(0);
}

/// The natural way: first the rule, then what was measured, then neither.
#[test]
fn a_suite_whose_truth_changes_hands_on_what_belongs_to_it_and_nothing_else() {
    let env = begun();
    let file = customers(&env, "kind = \"spectral2d\"");
    let digest = assay(&env, "assay.csv", "external");
    let run = |more: &[&str]| {
        suite(&env, &[&["customer", &file, "--dir", "c", "--key", "me.pem"], more].concat()).exits(0);
        suite(&env, &["verify", "c", "--key", "me.pub.pem"]).exits(0);
        document(&env, "c")["release"]["tag"].as_str().unwrap().to_owned()
    };
    assert!(run(&["--proxy-truth"]).starts_with("value-utility-proxy-2"));
    let tag = run(&["--truth", "assay.csv", "--truth-sha256", &digest]);
    assert!(tag.starts_with("value-utility-realtruth-2"), "{tag}");
    assert!(read(&env, "c", "lineage.md").contains("VALUE-M6") && !read(&env, "c", "lineage.md").contains("PROXY"));
    assert!(read(&env, "c", "cost_lift_report.html").contains("<svg"));
    assert!(run(&[]).starts_with("value-customer-proxy-2"));
    for gone in ["truth.csv", "cost_lift_report.json", "cost_lift_report.html"] {
        assert!(!env.path("c").join(gone).exists(), "{gone} is of no truth any more");
    }
    assert_eq!(run(&["--tag", "ours", "--proxy-truth"]), "ours");
    assert_eq!(run(&["--truth", "assay.csv", "--truth-sha256", &digest]), "ours", "what somebody said stays");
}

#[test]
fn bad_truth_is_an_error_before_anything_runs() {
    let env = begun();
    let file = customers(&env, "kind = \"spectral2d\"");
    let digest = assay(&env, "assay.csv", "external");
    let with = |table: &str, digest: &str| {
        suite(&env, &["customer", &file, "--dir", "c", "--key", "me.pem", "--truth", table, "--truth-sha256", digest])
    };
    with("assay.csv", &"0".repeat(64)).exits(2).says(&"0".repeat(64));
    with("nowhere.csv", &digest).exits(2).says("nowhere.csv");
    let line = "NOBODY,PASS,external,customer_truth.v1\n";
    let table = env.write("more.csv", std::fs::read_to_string(env.path("assay.csv")).unwrap() + line);
    with("more.csv", &sha256(&table)).exits(2).says("1 molecules that the library does not have, such as `NOBODY`");
    let nothing_ran = !env.path("c/work/customer/groups").exists() || {
        std::fs::read_dir(env.path("c/work/customer/groups")).unwrap().next().is_none()
    };
    assert!(nothing_ran && !env.path("c/suite.json").exists());
    let file = env.campaign("plain").library("lib.smi").scorer("kind = \"spectral2d\"").write();
    suite(&env, &["customer", &file, "--dir", "d", "--key", "me.pem"]).exits(2).says("has no section `[decoys]`");
}

#[test]
fn scores_that_are_not_pinned_or_lack_look_alikes_stop_a_customer_with_what_to_do() {
    let env = begun();
    let only_records = |at: usize, line: &str| format!("{},{}\n", line.split('\t').nth(1).unwrap(), at);
    let library = std::fs::read_to_string(project("data/ring_molecules.smi")).unwrap();
    let table: String = library.lines().take(120).enumerate().map(|(at, line)| only_records(at, line)).collect();
    env.write("scores.csv", format!("id,score\n{table}"));
    let mixed = format!(
        "kind = \"precomputed\"\nscores = [{{ path = \"scores.csv\", sha256 = \"{}\" }}, \"more.csv\"]",
        sha256(&env.path("scores.csv"))
    );
    env.write("more.csv", "id,score\nnobody,1\n");
    let refused = suite(&env, &["customer", &customers(&env, &mixed), "--dir", "c", "--key", "me.pem"]).exits(2);
    assert!(refused.says("more.csv").to_string().matches("if `").count() == 1, "only what is not pinned is shown");
    let unpinned = customers(&env, "kind = \"precomputed\"\nscores = \"scores.csv\"");
    let digest = sha256(&env.path("scores.csv"));
    let pin = format!("sha256 = \"{digest}\"");
    suite(&env, &["customer", &unpinned, "--dir", "c", "--key", "me.pem"]).exits(2).says("not pinned").says(&pin);
    assert!(!env.path("c").exists(), "nothing was begun");
    let file = customers(&env, &format!("kind = \"precomputed\"\nscores = \"scores.csv\"\n{pin}"));
    let said = suite(&env, &["customer", &file, "--dir", "c", "--key", "me.pem"]).exits(4);
    assert!(said.stdout().contains("STOP: 1 of") && said.stdout().contains("`molsieve decoys --missing`"));
    assert!(said.stdout().contains("`score` is INCONCLUSIVE") && said.stdout().contains("; only 0 of "));
    said.says("look-alikes of the first 50 records with scores have one, so nothing will be said of the score");
    let facts = document(&env, "c");
    assert_eq!(facts["verdict"], "STOP");
    assert!(gates(&facts, "VALUE-M3").contains(&("customer: judged".to_owned(), false)));
    // What was found is signed and can be made again; it ends as the suite did.
    suite(&env, &["verify", "c", "--key", "me.pub.pem"]).exits(4);
    // The same scores, pinned, with those of the look-alikes.
    env.molsieve(["decoys", &file, "--missing", "-o", "missing.csv"]).exits(0);
    let missing = std::fs::read_to_string(env.path("missing.csv")).unwrap();
    let hashes: String =
        missing.lines().skip(1).map(|line| format!("{},-1\n", line.split(',').next().unwrap())).collect();
    let digest = sha256(&env.write("scores.csv", format!("id,score\n{table}{hashes}")));
    let file = customers(&env, &format!("kind = \"precomputed\"\nscores = \"scores.csv\"\nsha256 = \"{digest}\""));
    suite(&env, &["customer", &file, "--dir", "d", "--key", "me.pem"]).exits(0);
    assert_eq!(gates(&document(&env, "d"), "VALUE-M7"), [("scores: pinned".to_owned(), true)]);
}

#[test]
fn whatever_is_changed_after_signing_is_found() {
    let env = begun();
    suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "2"]).exits(0);
    let verify = || suite(&env, &["verify", "ring", "--key", "me.pub.pem"]);
    let change = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let path = env.path("ring").join(name);
        let before = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, change(before.clone())).unwrap();
        let exit = verify().0.status.code().unwrap();
        std::fs::write(&path, before).unwrap();
        exit
    };
    let other = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            text.replacen(from, to, 1).into_bytes()
        }
    };
    assert_eq!(change("suite.json", &other("\"ok\":200", "\"ok\":199")), 4);
    assert_eq!(change("suite.json", &other("value-ring-suite", "value-king-suite")), 4, "what was said is signed too");
    assert_eq!(change("suite.json", &|_| b"{".to_vec()), 4);
    assert_eq!(change("artefacts_registry.md", &other("OK=200", "OK=201")), 4);
    assert_eq!(change("lineage.md", &other("GO", "go")), 4);
    assert_eq!(change("suite.dsse.json", &|_| Vec::new()), 4);
    let flip = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    assert_eq!(change("value_ring_suite_evidence_pack.zip", &flip), 4);
    verify().exits(0);
    // What is put beside it is not taken for a part of it.
    std::fs::write(env.path("ring/notes.txt"), "mine").unwrap();
    verify().exits(0).says("signed by nobody: `notes.txt`");
    for name in ["truth.csv", "cost_lift_report.html", "value_customer_evidence_pack.zip"] {
        std::fs::write(env.path("ring").join(name), "planted").unwrap();
        verify().exits(4).says(&format!("`{name}` lies here, and is no part of this suite"));
        std::fs::remove_file(env.path("ring").join(name)).unwrap();
    }
    std::fs::remove_file(env.path("ring/lineage.md")).unwrap();
    verify().exits(4).says("`lineage.md` of this suite is not there");
    // The same command makes it whole, and signs nothing that somebody else wrote into it.
    let forged = read(&env, "ring", "suite.json").replace("value-ring-suite", "approved-by-all");
    std::fs::write(env.path("ring/suite.json"), forged).unwrap();
    suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "2"]).exits(0);
    assert!(document(&env, "ring")["release"]["tag"].as_str().unwrap().starts_with("value-ring-suite-2"));
    verify().exits(0);
    // A statement that was left out is no statement.
    std::fs::remove_file(env.path("ring/suite.dsse.json")).unwrap();
    verify().exits(2);
}

#[test]
fn a_directory_that_is_somebody_elses_is_left_alone_and_so_is_the_table_that_is_given() {
    let env = begun();
    env.write("mine/lineage.md", "the work of years");
    suite(&env, &["ring", "--dir", "mine", "--key", "me.pem"]).exits(2).says("is not empty, and holds no suite");
    assert_eq!(
        (read(&env, "mine", "lineage.md").as_str(), env.path("mine/work").exists()),
        ("the work of years", false)
    );
    suite(&env, &["ring", "--dir", ".", "--key", "me.pem"]).exits(2);
    // A finished suite whose own table is given again.
    let file = customers(&env, "kind = \"spectral2d\"");
    let digest = assay(&env, "assay.csv", "external");
    for table in ["assay.csv", "c/truth.csv"] {
        let args = ["customer", &file, "--dir", "c", "--key", "me.pem", "--truth", table, "--truth-sha256", &digest];
        suite(&env, &args).exits(0);
        assert_eq!(sha256(&env.path(table)), digest);
    }
    suite(&env, &["verify", "c", "--key", "me.pub.pem"]).exits(0);
}

/// What was begun with other look-alikes is not gone on with as if it had these.
#[test]
fn scores_that_were_made_up_for_other_look_alikes_are_made_up_anew() {
    let env = begun();
    let known = |more: &[&str]| {
        let mut command = env.command(["suite", "known-bad-good", "--dir", "known", "--key", "me.pem"]);
        command.args(more);
        command
    };
    assert!(known(&["--count", "2"]).status().unwrap().success());
    // Only the tables are left of it, as when it is killed behind them.
    for name in ["BAD-constant", "BAD-random", "GOOD-synthetic"] {
        std::fs::remove_dir_all(env.path("known/work").join(name)).unwrap();
    }
    assert!(known(&["--count", "6", "--seed", "7"]).status().unwrap().success());
    let facts = document(&env, "known");
    for variant in facts["variants"].as_array().unwrap() {
        assert_eq!((&variant["seed"], &variant["decoys"]["scored"]), (&7.into(), &variant["decoys"]["total"]));
    }
}

/// Promise P1: a suite whose campaign is stopped goes on.
#[test]
fn a_suite_that_was_killed_goes_on_where_it_was() {
    let env = begun();
    let args = ["suite", "known-bad-good", "--dir", "known", "--key", "me.pem", "--count", "4"];
    let is_killed = |at: &u32| {
        let mut command = env.command(args);
        let said = command.env("MOLSIEVE_FAULT", format!("kill@{at}")).output().unwrap();
        assert!(said.status.success() || !env.path("known/suite.dsse.json").exists(), "{at}: {said:?}");
        !said.status.success()
    };
    // Before the tables of scores, in the campaigns, and among the documents.
    let points = std::iter::successors(Some(3_u32), |at| Some(at * 2));
    let killed = points.take(16).take_while(is_killed).count();
    assert!((3..16).contains(&killed) && env.path("known/suite.dsse.json").exists(), "{killed}");
    env.molsieve(args).exits(0);
    suite(&env, &["verify", "known", "--key", "me.pub.pem"]).exits(0);
    let whole = begun();
    whole.molsieve(args).exits(0);
    let payloads = |env: &TestEnv| {
        let facts = document(env, "known");
        (0..3).map(|at| facts["variants"][at]["payload_digest"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(payloads(&env), payloads(&whole));
}

#[test]
fn whoever_tells_of_a_campaign_says_what_its_look_alikes_say_and_scores_of_another_library_are_refused() {
    let env = begun();
    let file = customers(&env, "kind = \"spectral2d\"");
    let said = env.molsieve(["run", &file, "--dir", "r"]).exits(0).stdout();
    let signal: Json = serde_json::from_str(&read(&env, "r", "pack/signal.json")).unwrap();
    let line = format!("`score` is {} ({})", signal["verdict"].as_str().unwrap(), signal["reason"].as_str().unwrap());
    assert!(said.contains(&format!("score    {line}")), "{line}{said}");
    let status = env.molsieve(["status", "r"]).exits(0).stdout();
    assert!(status.contains(&format!("score     {line}")), "{status}");
    let verified = env.molsieve(["verify", "r", "--allow-unsigned"]).exits(0).stdout();
    assert!(verified.contains(&format!("score      {line}")), "{verified}");
    env.write("scores.csv", "id,score\nNSC1,1\nNSC2,2\nelse,3\n");
    let file = customers(&env, "kind = \"precomputed\"\nscores = \"scores.csv\"");
    let warned = env.molsieve(["plan", &file, "--dir", "few"]).exits(0);
    warned.says("118 of 120 records have none, and will be SKIP").says("of the first 2 records with scores have one");
    env.write("scores.csv", "id,score\nsomebody,1\nelse,2\n");
    let file = customers(&env, "kind = \"precomputed\"\nscores = \"scores.csv\"");
    let refused = env.molsieve(["run", &file, "--dir", "o"]).exits(2);
    refused.says("no record of the library has a score: none of the 2 scores").says("molsieve library inspect");
    assert!(!env.path("o/campaign.json").exists(), "nothing was planned");
}

/// Files of every released version are read for ever, and mean what they meant.
#[test]
fn documents_of_the_first_version_are_read_and_written_back_byte_by_byte() {
    use molsieve::canonical::json;
    use molsieve::suite::document::{Document, Verdict};
    let fixture = |name: &str| std::fs::read(project("tests/fixtures").join(name)).unwrap();
    for (name, gates, variants) in [("customer", 6, 1), ("known-bad-good", 21, 3)] {
        let bytes = fixture(&format!("suite/v1/{name}.json"));
        let document = Document::read(&bytes).unwrap();
        assert_eq!((document.gates.len(), document.variants.len()), (gates, variants), "{name}");
        assert_eq!(document.verdict == Verdict::Go, document.gates.iter().all(|gate| gate.holds), "{name}");
        assert!(document.to_bytes().unwrap() == bytes, "{name}");
    }
    let bytes = fixture("signal/v1/signal.json");
    let signal: molsieve::signal::Signal = json::from_line("signal.json", &bytes).unwrap();
    assert_eq!((signal.schema.as_str(), signal.bands.len()), (molsieve::signal::SCHEMA, 4));
    assert!(json::to_line(&signal).unwrap() == bytes);
}

/// A suite that was signed once is verified by every later version, and its report of cost and lift is made again byte by byte.
#[test]
fn a_signed_suite_of_the_first_version_is_verified_for_ever() {
    let env = begun();
    let signed = project("tests/fixtures/suite/v1/signed").display().to_string();
    let key = project("tests/fixtures/suite/v1/signed.pub.pem").display().to_string();
    let said = suite(&env, &["verify", &signed, "--key", &key]).exits(0).stdout();
    assert!(said.contains("GO: `customer` holds all its 6 gates"), "{said}");
    suite(&env, &["verify", &signed, "--key", "me.pub.pem"]).exits(4).says("none of the keys");
}

/// What schemas do not freeze, another version may word otherwise: the signature binds it, and nothing else.
#[test]
fn a_suite_whose_pages_another_version_worded_and_signed_is_verified() {
    use molsieve::pack::keys::PrivateKey;
    use molsieve::suite::document::Document;
    use molsieve::suite::{SuiteDir, statement};
    let env = begun();
    suite(&env, &["ring", "--dir", "ring", "--key", "me.pem", "--count", "2"]).exits(0);
    let verify = || suite(&env, &["verify", "ring", "--key", "me.pub.pem"]);
    let sign = |env: &TestEnv| {
        let dir = SuiteDir::new(env.path("ring"));
        let document = Document::read(&std::fs::read(env.path("ring/suite.json")).unwrap()).unwrap();
        let statement = statement::statement(&dir, &document).unwrap();
        let key = PrivateKey::load(&env.path("me.pem")).unwrap();
        std::fs::write(env.path("ring/suite.dsse.json"), statement::signed(&statement, &key).unwrap()).unwrap();
    };
    env.write("ring/lineage.md", "### another version words it so\n");
    verify().exits(4).says("other files than those that lie here");
    sign(&env);
    verify().exits(0);
    // What is frozen must follow from the packs, whoever signs it.
    let facts = read(&env, "ring", "suite.json").replace("\"ok\":200", "\"ok\":199");
    env.write("ring/suite.json", facts);
    sign(&env);
    verify().exits(4);
}
