//! The top of the page: the verdict before anything else, and the numbers that it rests on.

use std::fmt::Write;

use super::Facts;
use super::html::{count, moment, records, share, text};

/// Missing ranges that are listed.
const GAPS_MAX: usize = 12;

/// The head of the page; `name` is the campaign's, escaped.
pub fn section(facts: &Facts<'_>, name: &str) -> String {
    let manifest = facts.manifest;
    let (class, word) = if manifest.complete { ("done", "Complete") } else { ("open", "INCOMPLETE") };
    let scorer = &manifest.campaign.scorer.description;
    format!(
        "<header>\n<p class=\"brow\"><span class=\"mark\">molsieve</span> screening report</p>\n<h1>{name}</h1>\n\
         <p class=\"sub\">{} scored by <b>{}</b> {} · finished {} UTC</p>\n\
         <div class=\"verdict {class}\" role=\"status\"><strong>{word}.</strong> {}</div>\n{}{}{}</header>\n",
        records(manifest.campaign.library.records),
        text(&scorer.name),
        text(&scorer.version),
        moment(&facts.provenance.finished),
        sentence(facts),
        tiles(facts),
        bar(facts),
        navigation(facts),
    )
}

/// The way to the sections.
fn navigation(facts: &Facts<'_>) -> String {
    let has_numbers = !facts.found.metrics.columns.is_empty();
    let sections = [
        ("signal", "Signal", facts.found.signal.is_some()),
        ("hits", "Hits", true),
        ("scores", "Scores", has_numbers),
        ("failed", "Not scored", true),
        ("pace", "Execution", true),
        ("computed", "What was computed", true),
        ("verify", "Check it", true),
    ];
    let there = sections.iter().filter(|(.., is_there)| *is_there);
    let links: String = there.map(|(id, name, _)| format!("<a href=\"#{id}\">{name}</a>")).collect();
    format!("<nav aria-label=\"Sections\">{links}</nav>\n")
}

/// What the verdict means, in a sentence or two.
fn sentence(facts: &Facts<'_>) -> String {
    let manifest = facts.manifest;
    let library = manifest.campaign.library.records;
    let mut out = if manifest.complete {
        match library {
            1 => "The one record of the library is accounted for.".to_owned(),
            _ => format!("Each of the {} records of the library is accounted for exactly once.", count(library)),
        }
    } else {
        let there = manifest.records.total;
        let mut out = format!(
            "{} of {} records are here ({}); {} are missing.",
            count(there),
            count(library),
            share(there, library),
            count(library - there)
        );
        let gaps = manifest.missing.iter().take(GAPS_MAX).map(|gap| match gap.end - gap.start {
            1 => count(gap.start),
            _ => format!("{} to {}", count(gap.start), count(gap.end - 1)),
        });
        let more = manifest.missing.len().saturating_sub(GAPS_MAX);
        let more = if more > 0 { format!(" and {} more ranges", count(more as u64)) } else { String::new() };
        let _ = write!(out, " Missing ordinals: {}{more}.", gaps.collect::<Vec<_>>().join(", "));
        out
    };
    if manifest.circumstantial > 0 {
        let _ = write!(
            out,
            " {} ended in a way that load or memory may have caused<sup><a href=\"#circumstantial\">1</a></sup>: \
             another execution may answer otherwise for them.",
            count(manifest.circumstantial)
        );
    } else if manifest.campaign.scorer.description.deterministic {
        out.push_str(" No outcome was caused by load or memory: the same request gives the same rows anywhere.");
    } else {
        out.push_str(" No outcome was caused by load or memory. The scorer does not claim to be deterministic.");
    }
    let discrepancies = facts.provenance.discrepancies.len();
    if discrepancies > 0 {
        let _ = write!(
            out,
            " {} in <code>provenance.json</code>.",
            if discrepancies == 1 {
                "One discrepancy is noted".into()
            } else {
                format!("{discrepancies} discrepancies are noted")
            }
        );
    }
    out
}

/// The counts.
fn tiles(facts: &Facts<'_>) -> String {
    let counts = &facts.manifest.records;
    let tile = |class: &str, label: &str, n: u64, note: String| {
        format!("<div class=\"tile {class}\"><dt>{label}</dt><dd>{}<small>{note}</small></dd></div>\n", count(n))
    };
    let of = |n: u64| share(n, counts.total);
    format!(
        "<dl class=\"tiles\">\n{}{}{}{}{}</dl>\n",
        tile("", "records", counts.total, String::new()),
        tile("ok", "OK", counts.ok, of(counts.ok)),
        tile("skip", "SKIP", counts.skip, of(counts.skip)),
        tile("error", "ERROR", counts.error, of(counts.error)),
        tile("", "circumstantial", facts.manifest.circumstantial, "<a href=\"#circumstantial\">note 1</a>".to_owned()),
    )
}

/// The outcomes as parts of one bar, and what is missing; each that occurred can be seen.
fn bar(facts: &Facts<'_>) -> String {
    let counts = &facts.manifest.records;
    if counts.total == 0 {
        return String::new();
    }
    let library = facts.manifest.campaign.library.records;
    let missing = library.saturating_sub(counts.total);
    let parts = [("ok", counts.ok), ("skip", counts.skip), ("error", counts.error), ("gone", missing)];
    let shown = parts.iter().filter(|(_, n)| *n > 0);
    let parts: String = shown
        .map(|(class, n)| {
            let weight = (1000.0 * *n as f64 / library as f64).max(4.0);
            format!("<i class=\"{class}\" style=\"flex-grow:{weight:.0}\"></i>")
        })
        .collect();
    let missing = if missing > 0 { format!(", {missing} missing") } else { String::new() };
    format!(
        "<div class=\"bar\" role=\"img\" aria-label=\"{} OK, {} SKIP, {} ERROR{missing}\">{parts}</div>\n",
        counts.ok, counts.skip, counts.error
    )
}
