//! What was computed, how to check it, and what the words mean.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Facts;
use super::html::{count, cut, moment, text};
use crate::pack::{ARCHIVE, CHECKSUMS, MANIFEST};

/// Names of hosts and the like that are listed.
const NAMES_MAX: usize = 6;

/// What was computed.
pub fn section(facts: &Facts<'_>) -> String {
    let (manifest, provenance) = (facts.manifest, facts.provenance);
    let (campaign, scorer) = (&manifest.campaign, &manifest.campaign.scorer);
    let code = |words: &str| format!("<code>{}</code>", cut(words, 200));
    let mut rows = String::new();
    let mut row = |name: &str, value: String| {
        let _ = writeln!(rows, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    row("campaign", cut(&campaign.name, 120));
    row(
        "library",
        format!(
            "{} records, snapshot root {}",
            count(campaign.library.records),
            code(&campaign.library.root.to_string())
        ),
    );
    row(
        "scorer",
        format!(
            "<b>{}</b> version {} ({})",
            cut(&scorer.description.name, 80),
            cut(&scorer.description.version, 80),
            text(&scorer.kind)
        ),
    );
    if !scorer.argv.is_empty() {
        row("command", code(&scorer.argv.join(" ")));
    }
    for file in scorer.files.iter().take(NAMES_MAX) {
        row("file", format!("{} <code>{}</code>", cut(&file.name, 80), file.sha256));
    }
    if !scorer.settings.is_empty() {
        let settings = scorer.settings.iter().map(|(key, value)| format!("{key} = {value}")).collect::<Vec<_>>();
        row("settings", code(&settings.join(", ")));
    }
    row(
        "columns",
        cut(&scorer.description.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "), 300),
    );
    row(
        "deterministic",
        if scorer.description.deterministic { "the scorer says so" } else { "the scorer does not say so" }.to_owned(),
    );
    row("seed", format!("{} (domain {})", campaign.seed, cut(&scorer.seed_domain, 80)));
    row(
        "shards",
        format!(
            "{} records each, {} a task group",
            count(provenance.plan.shard_records),
            count(provenance.plan.group_shards)
        ),
    );
    row("computed", format!("{} to {} UTC", moment(&provenance.started), moment(&provenance.finished)));
    row("hosts", names(&provenance.hosts));
    row("processors", names(&provenance.cpus));
    row("molsieve", format!("{}; sealed by {}", names(&provenance.versions), text(&manifest.molsieve)));
    row("payload digest", code(&manifest.payload.digest));
    format!("<section id=\"computed\">\n<h2>What was computed</h2>\n<dl class=\"facts\">\n{rows}</dl>\n</section>\n")
}

/// Names, each with how many task groups it stands for, if there are several.
fn names(counts: &BTreeMap<String, u64>) -> String {
    let mut all: Vec<(&String, &u64)> = counts.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown = all.iter().take(NAMES_MAX).map(|(name, n)| match all.len() {
        1 => cut(name, 80),
        _ => format!("{} ({} task groups)", cut(name, 80), count(**n)),
    });
    let mut out = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = all.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        let _ = write!(out, " and {} more", count(more as u64));
    }
    out
}

/// How to check the pack.
pub fn verify(facts: &Facts<'_>) -> String {
    let exit = if facts.manifest.complete {
        "Exit 0 is yes, 4 is no."
    } else {
        "Exit 3 is sound but INCOMPLETE, 4 is not sound."
    };
    format!(
        "<section id=\"verify\">\n<h2>Check it</h2>\n<p class=\"lead\">This page is one of the files of a pack, and proves nothing by itself. It was written before the pack was signed, \
         so whether it is signed, and by whom, is for these commands to say.</p>\n\
         <pre><code>molsieve verify {ARCHIVE} --key SIGNER.pub.pem</code></pre>\n<p>{exit} It recounts the rows and compares every file, this one included, with \
         <code>{MANIFEST}</code>. Without molsieve, in the directory of the pack:</p>\n\
         <pre><code>sha256sum --check --strict {CHECKSUMS}</code></pre>\n\
         <p>The row tree of <code>summary.csv</code> must have the payload digest</p>\n<pre><code>{}</code></pre>\n</section>\n",
        text(&facts.manifest.payload.digest)
    )
}

/// What the words mean.
pub fn words() -> String {
    let words = [
        (
            "OK, SKIP, ERROR",
            "scored; not applicable, for a reason; failed, for a reason. No number stands for a failure.",
        ),
        ("record, ordinal", "one entry of the library; its position there, from 0, which is the key of its row."),
        ("payload digest", "names the rows. Two packs with the same one hold the same answer, whatever else differs."),
        ("task group, attempt", "records that are computed and sealed together; one try at that."),
    ];
    let words: String =
        words.iter().map(|(word, means)| format!("<div><dt>{word}</dt><dd>{means}</dd></div>\n")).collect();
    format!(
        "<footer>\n<dl class=\"words\">\n<div id=\"circumstantial\"><dt><sup>1</sup> circumstantial</dt><dd>a crash, a time-out or a lack of memory with this record alone: \
         load may have caused it, and it may not happen again.</dd></div>\n{words}</dl>\n</footer>\n"
    )
}
