//! What did not end `OK`, by reason, with examples.

use std::fmt::Write;

use super::html::{count, cut, share, text};
use super::{Facts, top};
use crate::canonical::row;
use crate::payload::Example;
use crate::scorer::command::translate::spec::reason as translate;
use crate::scorer::{Outcome, reason};

/// Reasons that are listed.
const REASONS_MAX: usize = 30;

/// Reasons of which examples are shown.
const EXAMPLES_MAX: usize = 12;

/// The table of reasons, and a few records of each.
pub fn section(facts: &Facts<'_>) -> String {
    let counts = &facts.manifest.records;
    if counts.skip + counts.error == 0 {
        return "<section id=\"failed\">\n<h2>Not scored</h2>\n<p class=\"none\">Every record ended <b>OK</b>.</p>\n</section>\n".to_owned();
    }
    let mut reasons: Vec<(&String, &u64)> = counts.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let mut rows = String::new();
    for (name, n) in reasons.iter().take(REASONS_MAX) {
        let outcome = facts.found.examples.iter().find(|e| e.reason == **name).map_or("", |e| e.outcome.as_str());
        let _ = writeln!(
            rows,
            "<tr><td><span class=\"tag {}\">{outcome}</span></td><td><code>{}</code></td><td class=\"num\">{}</td><td class=\"num\">{}</td><td>{}</td></tr>",
            outcome.to_ascii_lowercase(),
            cut(name, 64),
            count(**n),
            share(**n, counts.total),
            meaning(facts, name)
        );
    }
    let more = reasons.len().saturating_sub(REASONS_MAX);
    let more = if more > 0 {
        format!("<p class=\"note\">{more} more reasons are in <code>manifest.json</code>.</p>\n")
    } else {
        String::new()
    };
    format!(
        "<section id=\"failed\">\n<h2>Not scored</h2>\n<div class=\"scroll\"><table class=\"reasons\">\n<thead><tr><th scope=\"col\">outcome</th><th scope=\"col\">reason</th><th scope=\"col\" class=\"num\">records</th>\
         <th scope=\"col\" class=\"num\">share</th><th scope=\"col\">what it means</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n{more}{}</section>\n",
        examples(facts, &reasons)
    )
}

/// What a reason of ours means; a scorer's own is its own business.
fn meaning(facts: &Facts<'_>, name: &str) -> &'static str {
    // A scorer that speaks `jsonl` itself may have reasons of these names; where a translator speaks for it, they are ours.
    let protocol = facts.manifest.campaign.scorer.settings.get("protocol").and_then(|protocol| protocol.as_str());
    let translated = protocol.is_some_and(|protocol| protocol != "jsonl");
    match name {
        translate::NO_RESULT if translated => {
            "the program ended well and gave no result for this record, alone with it"
        }
        translate::BAD_VALUE if translated => "what the program gave for a column is no value of its type",
        translate::UNSAFE if translated => "the structure or the id would be taken for something else; not scored",
        reason::EMPTY => "the record has no structure",
        reason::ENCODING => "the structure is not text",
        reason::TOO_LONG => "the structure is longer than 64 KiB",
        reason::CRASH => "the scorer died, twice, with this record alone (circumstantial)",
        reason::TIMEOUT => "the record alone took longer than the time limit (circumstantial)",
        reason::OOM => "the scorer ran out of memory with this record alone (circumstantial)",
        reason::PROTOCOL => "the scorer broke its protocol, twice, with this record alone",
        _ => "given by the scorer",
    }
}

/// The first records of the most frequent reasons.
fn examples(facts: &Facts<'_>, reasons: &[(&String, &u64)]) -> String {
    let named: Vec<&str> = reasons.iter().take(EXAMPLES_MAX).map(|(name, _)| name.as_str()).collect();
    let rows: String = named
        .iter()
        .flat_map(|name| facts.found.examples.iter().filter(move |example| example.reason == **name))
        .map(|example| example_row(facts, example))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<h3>Examples</h3>\n<p class=\"lead\">The first of each reason; all are in <code>summary.csv</code>.</p>\n<div class=\"scroll\"><table class=\"fixed\">\n<thead><tr><th scope=\"col\" class=\"r\">reason</th>\
         <th scope=\"col\" class=\"num o\">record</th><th scope=\"col\" class=\"i\">id</th><th scope=\"col\">structure</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}

fn example_row(facts: &Facts<'_>, example: &Example) -> String {
    // The id may have been cut within its quotes; then it is shown as it stands.
    let id = cut(&String::from_utf8_lossy(&row::unquoted(&example.id)), 48);
    let structure = facts.structures.get(example.ordinal);
    let structure = structure.map_or_else(
        || "<i>not read</i>".to_owned(),
        |entry| format!("<code>{}</code>", top::structure_text(entry, facts.structures.notation, 160)),
    );
    let class = if example.outcome == Outcome::Skip { "skip" } else { "error" };
    format!(
        "<tr><td><span class=\"dot {class}\"></span><code>{}</code></td><td class=\"num\">{}</td><td class=\"id\">{id}</td><td class=\"smi\">{structure}</td></tr>\n",
        text(&example.reason),
        count(example.ordinal)
    )
}
