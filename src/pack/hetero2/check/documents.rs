//! The documents of a foreign pack against its rows and its files.

use std::collections::BTreeMap;

use serde_json::Value;

use super::findings::Report;
use super::rows::{NEAR, Rows};
use crate::digest::Digest;
use crate::pack::{ARCHIVE, CHECKSUMS, MANIFEST, METRICS, is_member_name};

/// What a file of the pack is: its length and its SHA-256.
pub type Files = BTreeMap<String, (u64, Digest)>;

/// `metrics.json` against the rows.
pub fn metrics(metrics: &Value, rows: &Rows, report: &mut Report) {
    for key in ["counts", "top_reasons", "config", "audit_slack_stats_ok", "decoy_realism"] {
        if metrics.get(key).is_none() {
            report.problem("metrics-keys", METRICS, format!("there is no `{key}`"));
        }
    }
    for (status, rows) in ["OK", "SKIP", "ERROR"].iter().zip(rows.statuses) {
        let told = &metrics["counts"][status];
        if told.as_u64() != Some(rows) {
            report.problem("metrics-counts", METRICS, format!("`counts` says {told} {status}, the rows {rows}"));
        }
    }
    reasons(&metrics["top_reasons"], rows, report);
    slack(&metrics["audit_slack_stats_ok"], rows, report);
    decoys(metrics, rows, report);
    if metrics["runtime_s_total"].is_number() || metrics["throughput_rows_per_s"].is_number() {
        report.lack("no-times", METRICS, "two packs of the same answer differ: a time is in a file that is hashed");
    }
}

fn reasons(told: &Value, rows: &Rows, report: &mut Report) {
    let Some(reasons) = &rows.reasons else {
        return report.unchecked("`top_reasons`: there are too many different ones");
    };
    let mut sorted: Vec<(&String, &u64)> = reasons.iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let expected: Value = sorted.iter().map(|(reason, count)| serde_json::json!([reason, count])).collect();
    if *told != expected {
        let what = "`top_reasons` are not the reasons of the rows, the most frequent first";
        report.problem("metrics-reasons", METRICS, what);
    }
}

fn slack(told: &Value, rows: &Rows, report: &mut Report) {
    let Some(slacks) = &rows.slacks else {
        return report.unchecked("`audit_slack_stats_ok`: there are too many different slacks");
    };
    let [judged, pass] = rows.with_verdict;
    let numbers = [
        ("rows_ok", Some(rows.statuses[0] as f64)),
        ("rows_ok_with_slack", Some(slacks.records() as f64)),
        ("rows_ok_with_verdict", Some(judged as f64)),
        ("pass_rate_ok", (judged > 0).then(|| pass as f64 / judged as f64)),
        ("mean_slack_ok", slacks.mean()),
        ("p25_slack_ok", slacks.quantile(0.25)),
        ("median_slack_ok", slacks.median()),
        ("p75_slack_ok", slacks.quantile(0.75)),
    ];
    for (key, expected) in numbers {
        let agrees = match (told[key].as_f64(), expected) {
            (Some(told), Some(expected)) => (told - expected).abs() <= NEAR,
            // What nothing is known of is null.
            (None, None) => told[key].is_null(),
            _ => false,
        };
        if !agrees {
            let expected = expected.map_or_else(|| "nothing".to_owned(), |expected| expected.to_string());
            report.problem("metrics-slack", METRICS, format!("`{key}` is {}, the rows say {expected}", told[key]));
        }
    }
}

fn decoys(metrics: &Value, rows: &Rows, report: &mut Report) {
    let [generated, scored] = rows.decoys;
    let realism = &metrics["decoy_realism"];
    for (key, expected) in [("pairs_total_by_bin", generated), ("pairs_scored_by_bin", scored)] {
        let Some(bins) = realism[key].as_object() else {
            report.problem("metrics-decoys", METRICS, format!("there is no `decoy_realism.{key}`"));
            continue;
        };
        let sum: u64 = bins.values().filter_map(Value::as_u64).fold(0, u64::saturating_add);
        if sum != expected {
            report.problem("metrics-decoys", METRICS, format!("`{key}` come to {sum}, the rows to {expected}"));
        }
    }
    let coverage = &metrics["scores_coverage"];
    if !coverage.is_object() {
        return;
    }
    for (key, expected) in [("rows_total", rows.seen), ("decoys_total", generated), ("decoys_scored", scored)] {
        if coverage[key].as_u64() != Some(expected) {
            let told = &coverage[key];
            report.problem("metrics-coverage", METRICS, format!("`{key}` is {told}, the rows say {expected}"));
        }
    }
}

/// `manifest.json` against the files, and what it lacks.
pub fn manifest(manifest: &Value, files: &Files, report: &mut Report) {
    for key in ["tool_version", "git_sha", "python_version", "rdkit_version", "timestamp_utc", "config", "files"] {
        if manifest.get(key).is_none() {
            report.problem("manifest-keys", MANIFEST, format!("there is no `{key}`"));
        }
    }
    listed(&manifest["files"], files, report);
    let config = &manifest["config"];
    for key in ["seed", "seed_strategy", "score_mode"] {
        if config.get(key).is_none() {
            report.problem("manifest-keys", MANIFEST, format!("there is no `config.{key}`"));
        }
    }
    let is_there = |keys: &[&str]| keys.iter().any(|key| manifest.get(key).or_else(|| config.get(key)).is_some());
    let needed: [(&'static str, &[&str], &str); 4] = [
        ("input-digest", &["input", "input_sha256"], "what was screened has no digest"),
        ("k-decoys", &["k_decoys"], "how many decoys were asked for is not said"),
        ("command", &["command", "cmd"], "by which command it is computed again is not said"),
        ("payload-digest", &["payload_digest"], "the answer has no digest of its own"),
    ];
    for (code, keys, what) in needed {
        if !is_there(keys) {
            report.lack(code, MANIFEST, what);
        }
    }
    if !manifest["timestamp_utc"].is_null() {
        report.lack("no-times", MANIFEST, "two packs of the same answer differ: a time is in a file that is hashed");
    }
}

/// The files that a manifest lists.
fn listed(list: &Value, files: &Files, report: &mut Report) {
    let Some(list) = list.as_array() else {
        return report.problem("manifest-files", MANIFEST, "`files` is no list");
    };
    let mut seen = Vec::new();
    for entry in list {
        let path = entry["path"].as_str().unwrap_or_default();
        let Some(name) = path.strip_prefix("./").filter(|name| is_member_name(name.as_bytes())) else {
            if is_below(path.strip_prefix("./").unwrap_or(path)) {
                report.unchecked(format!("`{path}`: what lies in a directory is not looked at"));
            } else {
                report.problem("manifest-path", MANIFEST, format!("`{path}` is not the path of a file in the pack"));
            }
            continue;
        };
        seen.push(name);
        let told = (entry["size_bytes"].as_u64(), entry["sha256"].as_str());
        match files.get(name) {
            // It cannot say what it is itself.
            _ if name == MANIFEST => {
                if !entry["size_bytes"].is_null() || !entry["sha256"].is_null() {
                    report.problem("manifest-files", MANIFEST, "it says how long it is itself");
                }
            }
            None => report.problem("manifest-files", MANIFEST, format!("it lists `{name}`, which is not there")),
            Some((bytes, sha256)) if told != (Some(*bytes), Some(&sha256.to_string())) => {
                report.problem("manifest-digest", MANIFEST, format!("`{name}` is not what it says"));
            }
            Some(_) => {}
        }
    }
    let besides = [CHECKSUMS, ARCHIVE, MANIFEST];
    for name in files.keys().filter(|name| !besides.contains(&name.as_str()) && !seen.contains(&name.as_str())) {
        report.problem("manifest-files", MANIFEST, format!("it does not list `{name}`"));
    }
}

/// `checksums.sha256` against the files.
pub fn checksums(bytes: &[u8], files: &Files, report: &mut Report) {
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.is_empty() || text.ends_with('\n')) else {
        return report.problem("checksums-malformed", CHECKSUMS, "it is not text whose last line has an end");
    };
    let mut seen: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let parts = line.split_once("  ").filter(|(digits, _)| digits.len() == 64);
        let digest: Option<Digest> = parts.and_then(|(digits, _)| digits.parse().ok());
        let (Some((_, name)), Some(digest)) = (parts, digest) else {
            report.at("checksums-malformed", CHECKSUMS, number, "it is not 64 lowercase digits, two blanks and a name");
            continue;
        };
        if !is_member_name(name.as_bytes()) {
            if is_below(name) {
                report.unchecked(format!("`{name}`: what lies in a directory is not looked at"));
            } else {
                report.at(
                    "checksums-path",
                    CHECKSUMS,
                    number,
                    format!("`{name}` is not the path of a file in the pack"),
                );
            }
            continue;
        }
        seen.push(name);
        match files.get(name) {
            None => report.at("checksums-missing", CHECKSUMS, number, format!("it names `{name}`, which is not there")),
            Some((_, found)) if *found != digest => {
                report.at("checksums-mismatch", CHECKSUMS, number, format!("`{name}` has another SHA-256"));
            }
            Some(_) => {}
        }
    }
    for name in files.keys().filter(|name| ![CHECKSUMS, ARCHIVE].contains(&name.as_str())) {
        if !seen.contains(&name.as_str()) {
            report.problem("checksums-uncovered", CHECKSUMS, format!("it does not name `{name}`"));
        }
    }
}

/// Whether `path` stays below the directory that it starts from.
pub fn is_below(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    parts.len() > 1 && parts.iter().all(|part| !matches!(*part, "" | "." | "..")) && !path.contains(['\\', '\0', ':'])
}
