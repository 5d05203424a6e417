//! A foreign pack is held to the contract: our own passes, and each planted defect is found.

use std::collections::BTreeMap;
use std::path::PathBuf;

use molsieve::digest;
use molsieve::pack::hetero2::check::{check, findings::Report};
use serde_json::Value as Json;

use super::{EXPORT, SPECTRAL, campaign, exported};
use crate::support::env::{TestEnv, project, python};
use crate::support::raw_zip::{Entry, build as archive};

/// Which row is meant, by its cells.
type Is = fn(&[&str]) -> bool;

/// A pack, file by file.
#[derive(Clone)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// An honest one.
    fn honest(env: &TestEnv) -> Self {
        let file = campaign(env, "own", 40, SPECTRAL, &format!("[decoys]\ncount = 3\n{EXPORT}"));
        env.molsieve(["run", &file, "--dir", "own"]).exits(0);
        Self(exported(env, "own"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.0[name].clone()).unwrap()
    }

    fn put(&mut self, name: &str, content: impl Into<Vec<u8>>) {
        self.0.insert(name.to_owned(), content.into());
    }

    /// One cell of the first row that `is` the one, changed to `cell`.
    fn cell(&mut self, is: impl Fn(&[&str]) -> bool, column: &str, cell: &str) {
        let text = self.text("summary.csv");
        let at = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
        let (mut lines, mut done) = (Vec::new(), false);
        for line in text.split_terminator("\r\n") {
            let mut cells: Vec<&str> = line.split(',').collect();
            if !done && !lines.is_empty() && is(&cells) {
                cells[at] = cell;
                done = true;
            }
            lines.push(cells.join(","));
        }
        assert!(done, "no row to change");
        self.put("summary.csv", lines.join("\r\n") + "\r\n");
    }

    /// A document with another value at `path`.
    fn json(&mut self, name: &str, path: &[&str], value: Json) {
        let mut document: Json = serde_json::from_slice(&self.0[name]).unwrap();
        let (last, above) = path.split_last().unwrap();
        let place = above.iter().fold(&mut document, |at, key| &mut at[*key]);
        place[*last] = value;
        self.put(name, serde_json::to_vec_pretty(&document).unwrap());
    }

    /// As its maker would have sealed it: manifest and checksums are those of the files.
    fn sealed(mut self) -> Self {
        let mut manifest: Json = serde_json::from_slice(&self.0["manifest.json"]).unwrap();
        for entry in manifest["files"].as_array_mut().unwrap() {
            let name = entry["path"].as_str().unwrap()[2..].to_owned();
            if let Some(bytes) = self.0.get(&name).filter(|_| name != "manifest.json") {
                entry["size_bytes"] = bytes.len().into();
                entry["sha256"] = digest::sha256(bytes).to_string().into();
            }
        }
        self.put("manifest.json", serde_json::to_vec_pretty(&manifest).unwrap());
        self.put("checksums.sha256", Vec::new());
        let sums: String = self
            .0
            .iter()
            .filter(|(name, _)| *name != "checksums.sha256")
            .map(|(name, bytes)| format!("{}  {name}\n", digest::sha256(bytes)))
            .collect();
        self.put("checksums.sha256", sums);
        self
    }

    fn directory(&self, env: &TestEnv) -> PathBuf {
        let dir = env.path("foreign");
        let _ = std::fs::remove_dir_all(&dir);
        for (name, bytes) in &self.0 {
            env.write(&format!("foreign/{name}"), bytes);
        }
        dir
    }

    fn check(&self, env: &TestEnv) -> Report {
        check(&self.directory(env)).unwrap()
    }
}

fn is_ok(cells: &[&str]) -> bool {
    cells[1] == "OK"
}

fn is_skip(cells: &[&str]) -> bool {
    cells[1] == "SKIP" && cells[2] == "no_decoys_generated"
}

fn fails(cells: &[&str]) -> bool {
    cells[4] == "FAIL"
}

#[test]
fn our_own_conforms_as_an_archive_as_a_directory_and_from_the_pack_around_it() {
    let env = TestEnv::new();
    let files = Files::honest(&env);
    let report = files.check(&env);
    assert!(report.conforms && report.lacks.is_empty() && report.not_checked.is_empty(), "{report:?}");
    for path in ["own/pack/hetero2.zip", "own/pack", "foreign"] {
        let facts = env.facts(["report", "conformance", path]);
        assert_eq!((&facts["schema"], &facts["conforms"]), (&"molsieve.conformance.v1".into(), &true.into()));
        assert!(facts["rows"].as_u64() > Some(40), "{path}: {facts}");
    }
    // What the archive holds that lies beside the files is held to them.
    std::fs::copy(env.path("own/pack/hetero2.zip"), env.path("foreign/evidence_pack.zip")).unwrap();
    env.molsieve(["report", "conformance", "foreign"]).exits(0);
    env.write(
        "foreign/evidence_pack.zip",
        archive(&[Entry::stored("summary.csv", b"x"), Entry::stored("index.md", &files.0["index.md"])]),
    );
    let told = env.molsieve(["report", "conformance", "foreign"]).exits(4).says("zip-differs").says("zip-lacks");
    assert!(told.stdout().starts_with("DOES NOT CONFORM"));
    env.molsieve(["report", "conformance", "nowhere"]).exits(2);
}

#[test]
fn each_defect_of_a_row_is_found_with_its_line() {
    let env = TestEnv::new();
    let honest = Files::honest(&env);
    let cases: [(Is, &str, &str, &str); 22] = [
        (is_ok, "id", "", "row-id"),
        (is_ok, "status", "FINE", "row-status"),
        (is_ok, "reason", "because", "row-reason"),
        (is_skip, "reason", "", "row-reason"),
        (is_skip, "skip_reason", "", "row-skip-reason"),
        (is_ok, "verdict", "MAYBE", "row-verdict"),
        (is_skip, "verdict", "PASS", "row-verdict"),
        (fails, "verdict", "PASS", "row-verdict"),
        (fails, "gate", "1.5", "row-gate"),
        (fails, "gate", "0.9", "row-gate"),
        (fails, "slack", "", "row-gate"),
        (is_skip, "margin", "0.05", "row-gate"),
        (is_ok, "n_decoys", "9", "row-decoys"),
        (is_ok, "n_decoys_scored", "9", "row-decoys"),
        (is_skip, "n_decoys_scored", "0", "row-decoys"),
        (is_ok, "decoy_strategy_used", "by_hand", "row-strategy"),
        (is_ok, "L_gap", "nan", "row-number"),
        (is_ok, "WH_entropy", "1e999", "row-number"),
        (is_ok, "seed_used", "1.5", "row-number"),
        (is_ok, "physics_mode_used", "magic", "row-physics"),
        (is_ok, "outcome_verdict", "FINE", "row-outcome"),
        (is_ok, "id", "a\u{0}b,c", "row-width"),
    ];
    for (is, column, cell, code) in cases {
        let mut files = honest.clone();
        files.cell(is, column, cell);
        let report = files.sealed().check(&env);
        let found = report.problems.iter().find(|finding| finding.code == code);
        let found = found.unwrap_or_else(|| panic!("{column} = {cell}: {report:?}"));
        assert!(found.line.is_some_and(|line| line > 1) && !report.conforms, "{found:?}");
    }
}

#[test]
fn each_defect_of_a_table_is_found() {
    let env = TestEnv::new();
    let honest = Files::honest(&env);
    let summary = honest.text("summary.csv");
    for (text, code) in [
        (summary.replace("\r\n", "\n"), "line-ends"),
        (summary.trim_end().to_owned(), "csv-malformed"),
        (summary.replacen("\r\n", "\rx\r\n", 1), "csv-malformed"),
        (summary.replacen(",verdict,", ",judgement,", 1), "columns-missing"),
        (summary.replacen(",verdict,", ",judgement,", 1), "columns-unknown"),
        (summary.replacen(",gate,slack,", ",slack,gate,", 1), "columns-order"),
        (format!("\u{feff}{summary}"), "columns-unknown"),
        (summary.replacen("W_gap,", "", 1), "columns-missing"),
        ("\"".repeat(3 << 20), "csv-malformed"),
        (String::new(), "metrics-counts"),
        (String::new(), "columns-missing"),
    ] {
        let mut files = honest.clone();
        files.put("summary.csv", text);
        let report = files.sealed().check(&env);
        assert!(report.has(code), "{code}: {report:?}");
    }
    let mut files = honest.clone();
    files.put("summary.csv", [summary.as_bytes(), b"\xff,OK\r\n"].concat());
    assert!(files.sealed().check(&env).has("row-width"));
    let mut files = honest.clone();
    let last = summary.lines().last().unwrap();
    let odd = [summary.as_bytes(), b"\xff", &last.as_bytes()[1..], b"\r\n"].concat();
    files.put("summary.csv", odd);
    assert!(files.sealed().check(&env).has("row-text"));
}

#[test]
fn each_defect_of_a_document_is_found() {
    let env = TestEnv::new();
    let honest = Files::honest(&env);
    let one = || Json::from(1);
    let cases: [(&str, &[&str], Json, &str); 14] = [
        ("metrics.json", &["counts", "OK"], one(), "metrics-counts"),
        ("metrics.json", &["top_reasons"], serde_json::json!([["x", 1]]), "metrics-reasons"),
        ("metrics.json", &["audit_slack_stats_ok", "median_slack_ok"], (-0.9).into(), "metrics-slack"),
        ("metrics.json", &["audit_slack_stats_ok", "p25_slack_ok"], Json::Null, "metrics-slack"),
        ("metrics.json", &["audit_slack_stats_ok", "pass_rate_ok"], one(), "metrics-slack"),
        ("metrics.json", &["decoy_realism", "pairs_total_by_bin", "easy"], 99_999.into(), "metrics-decoys"),
        ("metrics.json", &["scores_coverage", "decoys_scored"], one(), "metrics-coverage"),
        ("metrics.json", &["decoy_realism"], Json::Null, "metrics-decoys"),
        ("manifest.json", &["files"], Json::Null, "manifest-files"),
        ("manifest.json", &["files"], serde_json::json!([]), "manifest-files"),
        ("manifest.json", &["files"], serde_json::json!([{"path": "../../etc/passwd"}]), "manifest-path"),
        ("manifest.json", &["files"], serde_json::json!([{"path": "/etc/passwd"}]), "manifest-path"),
        (
            "manifest.json",
            &["files"],
            serde_json::json!([{"path": "./index.md", "size_bytes": 1, "sha256": "x"}]),
            "manifest-digest",
        ),
        (
            "manifest.json",
            &["files"],
            serde_json::json!([{"path": "./manifest.json", "size_bytes": 1, "sha256": "x"}]),
            "manifest-files",
        ),
    ];
    for (name, path, value, code) in cases {
        let mut files = honest.clone();
        files.json(name, path, value);
        // (A manifest is not mended: it is the defect.)
        let files = if name == "metrics.json" { files.sealed() } else { files };
        let report = files.check(&env);
        assert!(report.has(code), "{name} {path:?}: {report:?}");
    }
    for (name, from, to, code) in [
        ("metrics.json", "\"runtime_s_total\": null", "\"runtime_s_total\": NaN", "json-not-strict"),
        ("metrics.json", "\"runtime_s_total\": null", "\"counts\": {}, \"runtime_s_total\": null", "json-not-strict"),
        ("manifest.json", "\"git_sha\": null,", "", "manifest-keys"),
        ("manifest.json", "\"git_sha\": null,", "\"git_sha\": Infinity,", "json-not-strict"),
        ("metrics.json", "\"top_reasons\"", "\"some_reasons\"", "metrics-keys"),
        ("checksums.sha256", "  index.md", "  ../index.md", "checksums-path"),
        ("checksums.sha256", "  index.md", "  /index.md", "checksums-path"),
        ("checksums.sha256", "  index.md", "  index.txt", "checksums-missing"),
        ("checksums.sha256", "  index.md", " index.md", "checksums-malformed"),
        ("checksums.sha256", "  index.md\n", "  index.txt\n", "checksums-uncovered"),
        ("index.md", "# Evidence", "# Other evidence", "checksums-mismatch"),
        ("index.md", "# Evidence", "# Other evidence", "manifest-digest"),
    ] {
        let mut files = honest.clone();
        let text = files.text(name);
        assert!(text.contains(from), "{name}: {from}");
        files.put(name, text.replacen(from, to, 1));
        let report = files.check(&env);
        assert!(report.has(code), "{code}: {report:?}");
    }
    for name in ["summary.csv", "metrics.json", "index.md", "manifest.json", "checksums.sha256"] {
        let mut files = honest.clone();
        files.0.remove(name);
        assert!(files.check(&env).has("file-missing"), "{name}");
    }
}

#[test]
fn what_theirs_lacks_is_told_and_is_no_problem() {
    let env = TestEnv::new();
    let mut files = Files::honest(&env);
    let mut manifest: Json = serde_json::from_slice(&files.0["manifest.json"]).unwrap();
    for key in ["input", "payload_digest", "command", "schema_version"] {
        manifest.as_object_mut().unwrap().remove(key);
    }
    manifest["config"].as_object_mut().unwrap().remove("k_decoys");
    manifest["timestamp_utc"] = "2026-01-26T00:00:00+00:00".into();
    files.put("manifest.json", serde_json::to_vec_pretty(&manifest).unwrap());
    files.json("metrics.json", &["runtime_s_total"], 1.5.into());
    let report = files.sealed().check(&env);
    let lacks: Vec<&str> = report.lacks.iter().map(|finding| finding.code).collect();
    assert!(report.conforms, "{report:?}");
    assert_eq!(lacks, ["no-times", "input-digest", "k-decoys", "command", "payload-digest", "no-times"]);
}

#[test]
fn a_hostile_archive_is_told_and_nothing_is_unpacked() {
    let env = TestEnv::new();
    let honest = Files::honest(&env);
    let entries = |files: &Files| files.0.iter().map(|(name, bytes)| Entry::deflated(name, bytes)).collect::<Vec<_>>();
    let told = |entries: &[Entry]| {
        let path = env.write("foreign.zip", archive(entries));
        check(&path).unwrap()
    };
    assert!(told(&entries(&honest)).conforms);
    for (name, code) in
        [(&b"../escaped.csv"[..], "unsafe-member"), (b"/etc/escaped", "unsafe-member"), (b"a\\b", "unsafe-member")]
    {
        let mut all = entries(&honest);
        all.push(Entry::stored("x", b"x").named(name));
        let report = told(&all);
        assert!(report.has(code), "{report:?}");
    }
    // What HETERO-2 puts in directories is not looked at, and no problem.
    let mut all = entries(&honest);
    all.push(Entry::stored("x", b"x").named(b"aspirin_assets/input.png"));
    let report = told(&all);
    assert!(report.conforms && report.not_checked.len() == 1, "{report:?}");
    // The same name twice, a link, a lie about a length, and what is no archive.
    let mut all = entries(&honest);
    all.push(Entry::stored("SUMMARY.CSV", b"x"));
    assert!(told(&all).has("unsafe-member"));
    let mut link = Entry::stored("link", b"/etc/passwd");
    link.mode = 0o120_777;
    let mut all = entries(&honest);
    all.push(link);
    assert!(told(&all).has("unsafe-member"));
    let mut liar = Entry::deflated("zeros.bin", &vec![0; 1 << 20]);
    liar.bytes = 1 << 30;
    let mut all = entries(&honest);
    all.push(liar);
    assert!(told(&all).has("unreadable"));
    let path = env.write("foreign.zip", "no archive");
    assert!(check(&path).unwrap().has("unreadable"));
    assert!(!env.path("../escaped.csv").exists());
}

#[test]
fn a_pack_that_a_python_has_zipped_is_read() {
    let env = TestEnv::new();
    Files::honest(&env).directory(&env);
    let script = "import zipfile, os\nz = zipfile.ZipFile('python.zip', 'w', zipfile.ZIP_DEFLATED)\n\
                  [z.write(f'foreign/{n}', n) for n in sorted(os.listdir('foreign'))]\nz.close()\n";
    let done = std::process::Command::new(python()).args(["-c", script]).current_dir(env.path("")).status().unwrap();
    assert!(done.success() && project("Cargo.toml").exists());
    env.molsieve(["report", "conformance", "python.zip"]).exits(0).says("CONFORMS");
}

#[test]
fn a_pack_of_molsieve_is_told_apart_and_so_is_one_of_hetero_2() {
    let env = TestEnv::new();
    let file = campaign(&env, "own", 5, SPECTRAL, "[decoys]\ncount = 1\n");
    env.molsieve(["run", &file, "--dir", "own"]).exits(0);
    for pack in ["own", "own/pack", "own/pack/evidence_pack.zip"] {
        let refused = env.molsieve(["report", "conformance", pack]).exits(2);
        refused.says("is a pack of molsieve, and none of HETERO-2").says("report hetero2").says("molsieve verify");
    }
    env.molsieve(["report", "hetero2", "own", "--out", "theirs.zip"]).exits(0);
    env.molsieve(["report", "conformance", "theirs.zip"]).exits(0);
    env.write("truth.csv", "molecule_id,expensive_label,truth_source,truth_version\n1,PASS,a,customer_truth.v1\n");
    let refused = env.molsieve(["report", "cost-lift", "theirs.zip", "--truth", "truth.csv"]).exits(4);
    refused.says("an evidence pack of HETERO-2").says("report conformance");
    env.molsieve(["verify", "theirs.zip"]).exits(4).says("manifest-schema");
}

#[test]
fn lines_without_end_that_are_no_rows_are_counted_and_not_looked_at() {
    let env = TestEnv::new();
    let mut files = Files::honest(&env);
    let summary = files.text("summary.csv") + &"\r\n".repeat(150_000);
    files.put("summary.csv", summary);
    let report = files.check(&env);
    assert!(report.has("row-width"));
    assert!(report.not_checked.iter().any(|what| what.contains("50000 more lines")), "{:?}", report.not_checked);
}
