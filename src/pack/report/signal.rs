//! What the decoys say of the score: the verdict first, then by how much, then what must not do as well.

use std::fmt::Write;

use super::html::{count, cut, number, share, text};
use super::intervals::{self, Line};
use super::{Facts, beside};
use crate::signal::{Judgement, Signal, Verdict};

/// The section; empty where records have no decoys.
pub fn section(facts: &Facts<'_>) -> String {
    let Some(signal) = &facts.found.signal else { return String::new() };
    format!(
        "<section id=\"signal\">\n<h2>Does the score know more than chance?</h2>\n{}{}{}{}{}</section>\n",
        verdict(signal),
        intervals::svg("share of pairs that the record wins, by likeness of its decoys", &lines(signal)).map_or_else(
            String::new,
            |svg| format!(
                "<figure>\n<figcaption><b>Pairs won</b> <span>each record against its decoys, a tie is half; a bar is the 95 % interval. \
                 The mark is the gate.</span></figcaption>\n{svg}\n</figure>\n"
            )
        ),
        sizes(signal),
        single(signal),
        beside::section(facts),
    )
}

/// The verdict, in sentences.
fn verdict(signal: &Signal) -> String {
    let column = cut(&signal.column, 40);
    let band = signal.band.as_deref().unwrap_or("");
    let judged = signal.decisive();
    let numbers = judged.map_or_else(String::new, |it| {
        format!(
            " Of the pairs with <b>{band}</b> decoys it wins {} ({} to {}); the gate is {}.",
            percent(it.auc.value),
            percent(it.auc.low),
            percent(it.auc.high),
            percent(it.gate)
        )
    });
    let (class, word, sentence) = match signal.verdict {
        Verdict::Pass => {
            ("done", "PASS", format!("<b>{column}</b> tells records from their look-alikes better than chance."))
        }
        Verdict::Fail => (
            "open",
            "FAIL",
            format!("<b>{column}</b> does not tell records from their look-alikes by the margin that is asked."),
        ),
        Verdict::Inconclusive if signal.reason == "unscored_could_decide" => (
            "doubt",
            "INCONCLUSIVE",
            format!("So many look-alikes have no score that they could decide otherwise on <b>{column}</b>."),
        ),
        Verdict::Inconclusive if judged.is_some() => (
            "doubt",
            "INCONCLUSIVE",
            format!("There are too few records to say whether <b>{column}</b> is above the gate."),
        ),
        Verdict::Inconclusive => {
            ("doubt", "INCONCLUSIVE", "In no band of likeness do 50 records have a scored decoy.".to_owned())
        }
        Verdict::Invalid => {
            ("open", "INVALID", "A control that knows nothing passed, so this test proves nothing.".to_owned())
        }
    };
    let beaten = if signal.beaten_by.is_empty() {
        ""
    } else {
        " <b>log P alone does better</b>: what the score adds is worse than nothing."
    };
    let elsewhere = signal.log_p_is_better_elsewhere();
    let elsewhere = if elsewhere.is_empty() {
        String::new()
    } else {
        format!(" With <b>{}</b> decoys, which did not decide, log P alone does better.", elsewhere.join(" and "))
    };
    let lacking = lacking(signal);
    format!(
        "<div class=\"verdict {class}\"><strong>{word}.</strong> {sentence}{numbers}{beaten}{elsewhere}{lacking}</div>\n"
    )
}

/// That look-alikes have no score, where some have none.
fn lacking(signal: &Signal) -> String {
    if signal.scored == signal.decoys {
        return String::new();
    }
    format!(
        " <b>Only {} of {} look-alikes have a score</b>: <code>molsieve decoys --missing</code> writes the others.",
        count(signal.scored),
        count(signal.decoys)
    )
}

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

/// A line for each band by the score, then log P in the band that decided, then the controls.
fn lines(signal: &Signal) -> Vec<Line> {
    let line = |name: String, judged: Judgement, is_strong: bool| Line {
        name,
        value: judged.auc.value,
        ends: (judged.auc.low, judged.auc.high),
        mark: Some(judged.gate),
        is_strong,
    };
    let mut lines = Vec::new();
    for band in &signal.bands {
        let Some(judged) = band.score else { continue };
        let name = format!("{} decoys · {} records", band.band, count(band.records));
        lines.push(line(name, judged, signal.band.as_deref() == Some(&band.band)));
    }
    for band in signal.bands.iter().filter(|band| signal.band.as_deref() == Some(&band.band)) {
        lines.extend(band.log_p.map(|judged| line(format!("log P instead · {}", band.band), judged, false)));
    }
    for control in &signal.controls {
        lines.extend(control.judgement.map(|judged| line(format!("control: {}", control.control), judged, false)));
    }
    lines
}

/// The same by size, as a table.
fn sizes(signal: &Signal) -> String {
    let mut rows = String::new();
    for size in signal.sizes.iter().filter(|size| size.records > 0) {
        let name = match size.most {
            Some(most) => format!("{} to {most}", size.least),
            None => format!("{} and more", size.least),
        };
        let _ = write!(rows, "<tr><th scope=\"row\">{name}</th><td>{}</td>", count(size.records));
        for judged in &size.score {
            let cell = judged.map_or_else(
                || "–".to_owned(),
                |it| {
                    format!(
                        "{} <small>({} to {})</small>",
                        percent(it.auc.value),
                        percent(it.auc.low),
                        percent(it.auc.high)
                    )
                },
            );
            let _ = write!(rows, "<td>{cell}</td>");
        }
        rows.push_str("</tr>\n");
    }
    let heads: String =
        signal.bands.iter().map(|band| format!("<th scope=\"col\">{}</th>", text(&band.band))).collect();
    format!(
        "<details><summary>By size</summary>\n<table>\n<thead><tr><th scope=\"col\">heavy atoms</th><th scope=\"col\">records</th>{heads}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table>\n</details>\n"
    )
}

/// HETERO-2's judgements of single records.
fn single(signal: &Signal) -> String {
    let each = &signal.per_record;
    let slack = match (each.p25_slack, each.median_slack, each.p75_slack) {
        (Some(low), Some(middle), Some(high)) => {
            format!(" Slack: median {}, quartiles {} and {}.", number(middle), number(low), number(high))
        }
        _ => String::new(),
    };
    let of = |n: u64| share(n, signal.records);
    format!(
        "<p class=\"note\">Judged one by one, as HETERO-2 does: {} PASS ({}), {} FAIL ({}), {} without a scored decoy.{slack} With few decoys a record \
         passes only if it beats all of them, so one record says little; the verdict above pools them. {} decoys of {} records; counts and intervals are in <code>signal.json</code>.</p>\n",
        count(each.pass),
        of(each.pass),
        count(each.fail),
        of(each.fail),
        count(each.skip),
        count(signal.decoys),
        count(signal.records),
    )
}
