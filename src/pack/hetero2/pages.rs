//! The documents beside the tables: `index.md`, `hardness_curve.md`, `manifest.json`, `checksums.sha256`.

use std::fmt::Write;

use serde_json::{Value, json};

use super::columns::Layout;
use super::facts::{Facts, LINES_MAX};
use super::metrics::{self, SCORE_MODE};
use crate::canonical::escape;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::pack::manifest::Manifest;
use crate::pack::{CHECKSUMS, MANIFEST, PROVENANCE};
use crate::scorer::builtin::decoys::Band;

/// One file of the pack.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: Digest,
}

/// `value` as HETERO-2 writes JSON: keys sorted, two blanks a level, a line feed at the end.
///
/// # Errors
/// None in practice: what is made here has a JSON form.
pub fn pretty(value: &Value) -> Result<Vec<u8>> {
    let bytes = serde_json::to_vec_pretty(value);
    let mut bytes = bytes.map_err(|e| Error::bug(format!("a document has no JSON form: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `index.md`: the first records by id, and where the others are.
pub fn index(layout: &Layout, facts: &Facts) -> String {
    let mut page = "# Evidence Index\n\n".to_owned();
    // Writing to a string does not fail.
    if layout.decoys.is_some() {
        let coverage = metrics::coverage(facts);
        page += "## Scores Coverage\n\n";
        for key in [
            "rows_total",
            "rows_with_scores_input",
            "rows_missing_scores_input",
            "rows_with_missing_decoys",
            "decoys_total",
            "decoys_scored",
            "decoys_missing",
        ] {
            let _ = writeln!(page, "- {key}: {}", coverage[key]);
        }
        page.push('\n');
    }
    page += "| id | status | verdict | gate | slack | warnings | seed_used | report | assets | pipeline |\n";
    page += "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
    for line in facts.lines() {
        let _ = writeln!(page, "{line}");
    }
    let more = facts.rows().saturating_sub(LINES_MAX as u64);
    if more > 0 {
        let _ = writeln!(page, "\n{more} more records are in `summary.csv`.");
    }
    page
}

/// `hardness_curve.md`: the share that is won, by likeness.
pub fn hardness(facts: &Facts) -> String {
    let (interpretation, reason) = metrics::interpreted(facts);
    let mut page =
        "# Hardness curve\n\n## Fingerprint config\n\n- morgan_radius: 2\n- morgan_nbits: 2048\n\n## Binning\n\n\
                    - easy: tanimoto < 0.50\n- medium: 0.50 <= tanimoto < 0.70\n- hard: tanimoto >= 0.70\n\n"
            .to_owned();
    let interpretation = interpretation.unwrap_or("not said");
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "- tanimoto_median: not said\n- auc_interpretation_schema: auc_interpretation.v1\n- auc_interpretation: {interpretation}\n\
         - auc_interpretation_reason: {reason}\n- auc_hard_min_pairs: 50\n\n## AUC by bin\n\n\
         | bin | tanimoto range | pairs_total | pairs_scored | auc_tie_aware |\n| --- | --- | --- | --- | --- |\n"
    );
    let ranges = ["[0.00, 0.50)", "[0.50, 0.70)", "[0.70, 1.00]"];
    for ((band, range), pairs) in Band::ALL.into_iter().zip(ranges).zip(&facts.bands) {
        let auc = pairs.auc().map_or_else(String::new, |auc| format!("{auc:.6}"));
        let _ = writeln!(page, "| {} | {range} | {} | {} | {auc} |", band.name(), pairs.total, pairs.scored());
    }
    page += "| unknown | n/a | 0 | 0 |  |\n";
    page
}

/// `manifest.json`: their keys, and what theirs lacks to compute it all again.
pub fn manifest(of: &Manifest, layout: &Layout, files: &[Entry]) -> Result<Value> {
    let campaign = &of.campaign;
    let digest = campaign.scorer.digest()?;
    let mut listed: Vec<Value> = files
        .iter()
        .map(|file| json!({"path": path(file.name), "size_bytes": file.bytes, "sha256": file.sha256.to_string()}))
        .collect();
    listed.push(json!({"path": path(MANIFEST), "size_bytes": null, "sha256": null}));
    listed.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
    let asked = metrics::config(of, layout);
    let mut config = serde_json::Map::new();
    for key in [
        "seed_strategy",
        "seed",
        "score_mode",
        "k_decoys",
        "guardrails_max_atoms",
        "guardrails_require_connected",
        "potential_unit_model",
        "potential_scale_gamma",
    ] {
        config.insert(key.to_owned(), asked[key].clone());
    }
    let scorer = json!({"kind": campaign.scorer.kind, "name": campaign.scorer.description.name,
        "version": campaign.scorer.description.version, "blake3": digest.to_string()});
    let is_compared = asked["score_mode"] == SCORE_MODE;
    config.insert(
        "scores_provenance".to_owned(),
        if is_compared { json!({"scorer": scorer.clone()}) } else { json!({}) },
    );
    Ok(json!({
        "schema_version": super::SCHEMA,
        "tool_version": format!("molsieve {}", of.molsieve),
        "git_sha": null,
        "python_version": null,
        "rdkit_version": null,
        // What follows from rows has no time: `timestamp_source` says where there is one.
        "timestamp_utc": null,
        "timestamp_source": format!("`finished` in {PROVENANCE} of the pack around it"),
        "config": config,
        "files": listed,
        "input": {"library_root_blake3": campaign.library.root.to_string(), "records": campaign.library.records},
        "payload_digest": of.payload.digest,
        "complete": of.complete,
        "rows": of.payload.rows,
        "scorer": scorer,
        "settings": campaign.scorer.settings,
        "command": "molsieve reproduce PACK --campaign CAMPAIGN.toml",
    }))
}

/// `checksums.sha256`, for `sha256sum -c`.
pub fn checksums(files: &[Entry]) -> Vec<u8> {
    let mut lines: Vec<String> = files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
    lines.sort_by(|a, b| a[64..].cmp(&b[64..]));
    debug_assert!(files.iter().all(|file| file.name != CHECKSUMS));
    lines.concat().into_bytes()
}

fn path(name: &str) -> String {
    format!("./{name}")
}

/// Text of the user's that cannot become markup, and stays in its cell.
pub fn plain(text: &str) -> String {
    let shown = escape::visible(&text.replace('\\', "·"));
    shown.chars().map(|c| if "`|*<>[]#&".contains(c) { '·' } else { c }).collect()
}
