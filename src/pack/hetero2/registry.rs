//! The section of a pack in HETERO-2's registry of artefacts, and its entry in the lineage: Markdown that is appended by hand.

use std::fmt::Write;

use super::Pass;
use super::facts::Facts;
use super::write::facts;
use crate::error::{Error, Result};
use crate::pack::manifest::Manifest;

/// What a person says of a release; what is not said is left out.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// The tag, such as `value-known-bad-good-2026-01-21-r2`.
    pub tag: String,
    /// The commit of the sources, 40 hex digits.
    pub commit: Option<String>,
    /// Where the file is to be had.
    pub url: Option<String>,
    /// The file and its SHA-256, in capitals.
    pub asset: Option<(String, String)>,
    /// What the entry in the lineage is called, and its day.
    pub lineage: Option<(String, String)>,
}

/// The section of the sound pack of `manifest`, and after it its entry in the lineage, if that is asked for.
///
/// # Errors
/// What is said of the release cannot stand in it (exit 2); the rows cannot be read (exit 4, 6).
pub fn render(manifest: &Manifest, release: &Release, pass: Pass<'_>) -> Result<String> {
    let said = [Some(&release.tag), release.url.as_ref(), release.lineage.as_ref().map(|(title, _)| title)];
    for text in said.into_iter().flatten() {
        if text.is_empty() || text.len() > 500 || text.chars().any(char::is_control) {
            return Err(Error::usage("what is said of a release must be one line of 1 to 500 characters"));
        }
    }
    let (_, facts) = facts(manifest, pass)?;
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = section(&mut page, manifest, release, &facts);
    if let Some((title, day)) = &release.lineage {
        let _ = lineage(&mut page, release, &facts, title, day);
    }
    Ok(page)
}

fn section(page: &mut String, manifest: &Manifest, release: &Release, facts: &Facts) -> std::fmt::Result {
    writeln!(page, "## {}\n", release.tag)?;
    asset(page, release)?;
    writeln!(page, "- Command:\n  molsieve run CAMPAIGN.toml (seed {})", manifest.campaign.seed)?;
    writeln!(page, "- Payload: {}", manifest.payload.digest)?;
    writeln!(page, "- Outcome (facts from summary.csv):")?;
    let [ok, skip, error] = facts.statuses;
    writeln!(page, "  - rows_total: {}\n  - rows_ok: {ok}", facts.rows())?;
    writeln!(page, "  - scores_coverage.rows_missing_scores_input: {}", facts.without_scores())?;
    writeln!(page, "  - status_counts: OK={ok}, SKIP={skip}, ERROR={error}")?;
    writeln!(page, "  - top_skip_reasons:")?;
    let reasons = facts.top_reasons(true);
    match reasons.as_slice() {
        [] => writeln!(page, "    - (none)")?,
        reasons => reasons.iter().try_for_each(|(reason, count)| writeln!(page, "    - {reason}: {count}"))?,
    }
    writeln!(page, "  - coverage_ok_rate: {}", share(ok, facts.rows()))?;
    writeln!(page, "  - share_rows_with_n_decoys_gt_0: {}", share(facts.with_decoys, facts.rows()))
}

fn lineage(page: &mut String, release: &Release, facts: &Facts, title: &str, day: &str) -> std::fmt::Result {
    writeln!(page, "\n### {day} - {title}\n- Release tag: {}", release.tag)?;
    asset(page, release)?;
    let [ok, skip, error] = facts.statuses;
    let reasons = facts.top_reasons(true);
    let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
    let reasons = if reasons.is_empty() { "(none)".to_owned() } else { reasons.join(", ") };
    writeln!(
        page,
        "- Outcome: OK={ok}, SKIP={skip}, ERROR={error}; top_skip_reasons: {reasons}; share_rows_with_n_decoys_gt_0: {}",
        share(facts.with_decoys, facts.rows())
    )
}

fn asset(page: &mut String, release: &Release) -> std::fmt::Result {
    if let Some(commit) = &release.commit {
        writeln!(page, "- Source commit: {commit}")?;
    }
    if let Some(url) = &release.url {
        writeln!(page, "- Release asset: {url}")?;
    }
    match &release.asset {
        Some((name, sha256)) => writeln!(page, "- SHA256({name}): {sha256}"),
        None => Ok(()),
    }
}

fn share(part: u64, of: u64) -> String {
    if of == 0 { "(none)".to_owned() } else { format!("{:.6}", part as f64 / of as f64) }
}
