//! Markdown for HETERO-2's registry of artefacts and for the lineage: of a suite, and of one pack that is in none.

use std::collections::BTreeMap;
use std::fmt::{Result, Write};

use super::document::{Document, Release, Verdict};
use super::gates::number;
use super::utility::Utility;
use super::variant::Variant;
use super::{Suite, SuiteDir};
use crate::error::Error;
use crate::pack::hetero2::plain;
use crate::pack::hetero2::reason::SKIPS;

/// So many of several words are named.
const WORDS_MAX: usize = 5;
/// No title of an entry is longer.
const TITLE_BYTES_MAX: usize = 500;

impl Document {
    /// The section of the registry.
    pub fn registry(&self) -> String {
        let mut page = String::new();
        // Writing to a string does not fail.
        let _ = self.section(&mut page);
        page
    }

    /// The entry in the lineage.
    pub fn lineage(&self) -> String {
        let mut page = String::new();
        let _ = self.entry(&mut page);
        page
    }

    fn section(&self, page: &mut String) -> Result {
        head(page, &self.release)?;
        let has_variants = self.variants.len() > 1;
        for variant in &self.variants {
            if has_variants {
                writeln!(page, "- Variant: {}", plain(&variant.name))?;
            }
            asset(page, &self.release, variant)?;
        }
        if let Some(utility) = &self.utility {
            writeln!(page, "- SHA256({}): {}", SuiteDir::TRUTH, utility.truth_sha256.to_ascii_uppercase())?;
            writeln!(page, "- Truth contract: customer_truth.v1\n- Utility report contract: cost_lift.v1")?;
        }
        writeln!(page, "- Command:\n  {}", self.command())?;
        for variant in &self.variants {
            let of = if has_variants { format!(" of {}", plain(&variant.name)) } else { String::new() };
            let with = if self.utility.is_some() { " + cost_lift_report.json" } else { "" };
            writeln!(page, "- Outcome{of} (facts from summary.csv{with}):")?;
            outcome(page, variant)?;
        }
        for apart in &self.separations {
            let (good, bad) = (plain(&apart.good), plain(&apart.bad));
            writeln!(page, "- Separation ({good} - {bad}; OK rows only):")?;
            writeln!(page, "  - delta_median_slack: {}", number(apart.median_slack))?;
            writeln!(page, "  - delta_mean_slack: {}", number(apart.mean_slack))?;
            writeln!(page, "  - delta_pass_rate: {}", number(apart.pass_rate))?;
        }
        if let Some(utility) = &self.utility {
            self::utility(page, utility)?;
        }
        self.gates(page)
    }

    fn gates(&self, page: &mut String) -> Result {
        let verdict = if self.verdict == Verdict::Go { "GO" } else { "STOP" };
        let held = self.gates.iter().filter(|gate| gate.holds).count();
        writeln!(page, "- Gates: {verdict}, {held} of {} hold", self.gates.len())?;
        for gate in self.gates.iter().filter(|gate| !gate.holds) {
            let (what, requires, found) = (plain(&gate.gate), plain(&gate.requires), plain(&gate.found));
            writeln!(page, "  - {} {what}: asked for: {requires}; found: {found}", gate.milestone)?;
        }
        Ok(())
    }

    fn entry(&self, page: &mut String) -> Result {
        let (release, asked) = (&self.release, self.asked);
        writeln!(page, "### {} - {}", plain(&release.date), asked.suite.title(asked.truth))?;
        writeln!(page, "- Hypothesis: {}", hypothesis(asked.suite))?;
        writeln!(page, "- Method: {}; gates of docs/suites.md", self.command())?;
        release_lines(page, release)?;
        for variant in &self.variants {
            asset(page, &self.release, variant)?;
            facts(page, variant)?;
        }
        for apart in &self.separations {
            writeln!(
                page,
                "- Separation {} - {}: delta_median_slack={}, delta_pass_rate={}",
                plain(&apart.good),
                plain(&apart.bad),
                number(apart.median_slack),
                number(apart.pass_rate)
            )?;
        }
        if let Some(utility) = &self.utility {
            writeln!(page, "- Utility: {}", plain(&utility.answer))?;
        }
        let verdict = if self.verdict == Verdict::Go { "GO" } else { "STOP" };
        let failed: Vec<String> = self.gates.iter().filter(|gate| !gate.holds).map(|gate| plain(&gate.gate)).collect();
        let failed = if failed.is_empty() { String::new() } else { format!(" ({})", failed.join("; ")) };
        writeln!(page, "- Result: {verdict}{failed}")
    }
}

/// The section of the registry on one pack that is in no suite, and after it its entry in the lineage, if that has a title.
///
/// # Errors
/// The title is no line of text (exit 2).
pub fn of_pack(release: &Release, variant: &Variant, title: Option<&str>) -> crate::error::Result<String> {
    release.check()?;
    let is_odd =
        |title: &&str| title.is_empty() || title.len() > TITLE_BYTES_MAX || title.chars().any(char::is_control);
    if title.is_some_and(|title| is_odd(&title)) {
        return Err(Error::usage(format!("the title must be one line of 1 to {TITLE_BYTES_MAX} bytes"))
            .hint("say in a few words what the pack is, as `--lineage 'VALUE-M1: a pilot'`"));
    }
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = one_section(&mut page, release, variant);
    if let Some(title) = title {
        let _ = one_entry(&mut page, release, variant, title);
    }
    Ok(page)
}

fn one_section(page: &mut String, release: &Release, variant: &Variant) -> Result {
    head(page, release)?;
    asset(page, release, variant)?;
    writeln!(page, "- Command:\n  molsieve run CAMPAIGN.toml (seed {})", variant.seed)?;
    writeln!(page, "- Payload: {}", variant.payload_digest)?;
    writeln!(page, "- Outcome (facts from summary.csv):")?;
    outcome(page, variant)
}

fn one_entry(page: &mut String, release: &Release, variant: &Variant, title: &str) -> Result {
    writeln!(page, "\n### {} - {}", plain(&release.date), plain(title))?;
    release_lines(page, release)?;
    asset(page, release, variant)?;
    facts(page, variant)
}

fn head(page: &mut String, release: &Release) -> Result {
    writeln!(page, "## {}\n", plain(&release.tag))?;
    commit(page, release)
}

fn release_lines(page: &mut String, release: &Release) -> Result {
    writeln!(page, "- Release tag: {}", plain(&release.tag))?;
    commit(page, release)
}

fn commit(page: &mut String, release: &Release) -> Result {
    release.commit.as_ref().map_or(Ok(()), |commit| writeln!(page, "- Source commit: {}", plain(commit)))
}

/// Where a pack is to be had, and what it is.
fn asset(page: &mut String, release: &Release, variant: &Variant) -> Result {
    let name = plain(&variant.archive);
    if let Some(url) = &release.url {
        let is_whole = url.rsplit_once('/').is_some_and(|(_, last)| last == variant.archive);
        let end = if is_whole { String::new() } else { format!("/{name}") };
        writeln!(page, "- Release asset: {}{end}", url.trim_end_matches('/'))?;
    }
    writeln!(page, "- SHA256({name}): {}", variant.sha256.to_ascii_uppercase())
}

/// What a pack says, in a line.
fn facts(page: &mut String, variant: &Variant) -> Result {
    let rows = variant.rows;
    writeln!(
        page,
        "- Facts of {}: campaign={}, seed={}, rows_total={}, OK={}, SKIP={}, ERROR={}; top_skip_reasons={}; strategies={}; payload={}",
        plain(&variant.name),
        variant.signal.as_ref().map_or("(none)", |signal| signal.verdict.as_str()),
        variant.seed,
        rows.total,
        rows.ok,
        rows.skip,
        rows.error,
        counts(&variant.skip_reasons),
        counts(&variant.decoys.strategies),
        variant.payload_digest,
    )
}

const fn hypothesis(suite: Suite) -> &'static str {
    match suite {
        Suite::Ring => "no kind of ring system is an error, and nearly all have look-alikes",
        Suite::KnownBadGood => "the audit tells a score that knows everything from scores that know nothing",
        Suite::Customer => "what the customer's score is worth can be told from the pack and the truth",
    }
}

/// The facts of a pack that HETERO-2's registry has.
fn outcome(page: &mut String, variant: &Variant) -> Result {
    let Variant { rows, decoys, audit, .. } = variant;
    writeln!(page, "  - rows_total: {}\n  - rows_ok: {}", rows.total, rows.ok)?;
    writeln!(page, "  - scores_coverage.rows_missing_scores_input: {}", rows.missing_scores_input)?;
    writeln!(page, "  - status_counts: OK={}, SKIP={}, ERROR={}", rows.ok, rows.skip, rows.error)?;
    writeln!(page, "  - top_skip_reasons: {}", counts(&variant.skip_reasons))?;
    let others = variant.skip_reasons.iter().filter(|(reason, _)| !SKIPS.contains(&reason.as_str()));
    let others: BTreeMap<String, u64> = others.map(|(reason, count)| (reason.clone(), *count)).collect();
    if !others.is_empty() {
        let told: Vec<String> = others.iter().map(|(reason, count)| format!("{}={count}", plain(reason))).collect();
        writeln!(page, "  - skip_reasons_outside_the_contract: {}", told.join(", "))?;
    }
    writeln!(page, "  - coverage_ok_rate: {}", share(rows.ok, rows.total))?;
    writeln!(page, "  - share_rows_with_n_decoys_gt_0: {}", share(decoys.rows_with, rows.total))?;
    writeln!(page, "  - decoy_strategies: {}", counts(&decoys.strategies))?;
    writeln!(page, "  - median_slack: {}", number(audit.median_slack))?;
    writeln!(page, "  - pass_rate: {}", number(audit.pass_rate(rows)))?;
    match &variant.signal {
        Some(signal) => {
            let band =
                signal.band.as_deref().map_or_else(String::new, |band| format!(", decoys that are {}", plain(band)));
            writeln!(page, "  - campaign: {} ({}{band})", signal.verdict.as_str(), plain(&signal.reason))
        }
        None => Ok(()),
    }
}

fn utility(page: &mut String, utility: &Utility) -> Result {
    writeln!(page, "- Utility (skip_policy=unknown_bucket):")?;
    writeln!(
        page,
        "  - truth: {} labels, {} of them PASS; {}",
        utility.labels,
        utility.hits,
        counts(&utility.sources)
    )?;
    writeln!(
        page,
        "  - selection_K_requested: {}\n  - selection_K_effective: {}",
        utility.question.k, utility.k_effective
    )?;
    for (method, found) in &utility.methods {
        match found {
            Some(found) => writeln!(
                page,
                "  - {method}_hit_rate: {:.6} (ci: {:.6}..{:.6}; k_effective={})",
                found.hit_rate, found.ci_low, found.ci_high, found.k_effective
            )?,
            None => writeln!(page, "  - {method}_hit_rate: (none)")?,
        }
    }
    writeln!(page, "  - answer: {}", plain(&utility.answer))?;
    writeln!(page, "  - uplift_vs_random: {}", number(utility.uplift_vs_random))?;
    writeln!(page, "  - uplift_vs_score_only: {}", number(utility.uplift_vs_score_only))
}

/// Words with how often each occurs, the most frequent first.
fn counts(counts: &BTreeMap<String, u64>) -> String {
    let mut all: Vec<(&String, &u64)> = counts.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let told: Vec<String> =
        all.iter().take(WORDS_MAX).map(|(word, count)| format!("{}={count}", plain(word))).collect();
    if told.is_empty() { "(none)".to_owned() } else { told.join(", ") }
}

fn share(part: u64, of: u64) -> String {
    if of == 0 { "(none)".to_owned() } else { format!("{:.6}", part as f64 / of as f64) }
}
