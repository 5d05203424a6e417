//! `cost_lift_report.html`: the answer first, then the hits that each order finds and what they cost, as curves.
//!
//! One file as `report.html` is one: no script, nothing from the network, and nothing in it that the JSON does not say.

use std::fmt::Write;

use super::report::{Comparison, Lift, Ordered, RANDOM, Report, Role, Shown};
use super::resample::Estimate;
use crate::pack::report::curves::{Curves, Line, Point, STYLE};
use crate::pack::report::html::{count, number, text};
use crate::pack::report::page;

/// The page.
pub fn render(report: &Report) -> String {
    let lift = &report.molsieve;
    let body = [head(lift), hits(lift), cost(lift), orders(lift), against(lift), notes(lift)].concat();
    page("Is this score worth paying for?", &body, STYLE)
}

fn head(lift: &Lift) -> String {
    let (pack, truth) = (&lift.pack, &lift.truth);
    let open = if lift.verdict == super::answer::Verdict::Better { "" } else { " open" };
    let proxy = if truth.is_proxy { " <b>A rule made labels: they are no measurement.</b>" } else { "" };
    format!(
        "<header>\n<p class=\"brow\"><span class=\"mark\">molsieve</span> · cost and lift</p>\n\
         <h1>Is this score worth paying for?</h1>\n<p class=\"verdict{open}\"><strong>{}</strong></p>\n\
         <p class=\"sub\">{} molecules with a score and a label, {} of them hits; {} go to the expensive stage.{proxy} \
         Scorer {} {}, payload <code>{}</code>, truth <code>{}</code>.</p>\n</header>\n",
        text(&lift.answer),
        count(lift.molecules),
        count(lift.hits),
        count(lift.selection.molecules),
        text(&pack.scorer),
        text(&pack.scorer_version),
        text(&pack.payload_digest),
        truth.sha256,
    )
}

/// The score, an even order, and the other orders, in the order in which they are drawn.
fn drawn(lift: &Lift) -> Vec<&Ordered> {
    lift.orders.iter().take(5).collect()
}

/// Hits by the share of the molecules that is looked at.
fn hits(lift: &Lift) -> String {
    let point = |point: &super::report::Point| {
        let Estimate { value, low, high } = point.hits;
        Some(Point { x: point.fraction, y: value?, ends: low.zip(high) })
    };
    let line =
        |order: &Ordered| Line { name: order.name.clone(), points: order.curve.iter().filter_map(point).collect() };
    let mut lines: Vec<Line> = drawn(lift).into_iter().map(line).collect();
    let even =
        |point: &super::report::Point| Point { x: point.fraction, y: point.fraction * lift.hits as f64, ends: None };
    if let Some(first) = lift.orders.first() {
        let random = Line { name: "random order".to_owned(), points: first.curve.iter().map(even).collect() };
        lines.insert(1, random);
    }
    let curves = Curves {
        label: "Hits among the first molecules of each order".to_owned(),
        lines,
        is_log: true,
        below: "share of the molecules, best first".to_owned(),
        written: |x| format!("{} %", number(100.0 * x)),
        unit: "hits".to_owned(),
    };
    figure("Hits", "The band is the 95 % interval of the score.", curves.svg())
}

/// What shares of the hits take: molecules, or money where it is known what one costs.
fn cost(lift: &Lift) -> String {
    let of = |molecules: f64| lift.cost.as_ref().map_or(molecules, |cost| cost.of(molecules));
    let along = |name: &str| -> Vec<Point> {
        let point = |target: &super::report::Target| {
            let molecules = *target.molecules.get(name)? as f64;
            Some(Point { x: target.share_of_hits, y: of(molecules), ends: None })
        };
        lift.targets.iter().filter_map(point).collect()
    };
    let mut lines: Vec<Line> = Vec::new();
    for order in drawn(lift) {
        lines.push(Line { name: order.name.clone(), points: along(&order.name) });
    }
    lines.insert(lines.len().min(1), Line { name: "random order".to_owned(), points: along(RANDOM) });
    let unit = lift.cost.as_ref().map_or_else(|| "molecules".to_owned(), |cost| cost.currency.clone());
    let curves = Curves {
        label: "What shares of the hits take in each order".to_owned(),
        lines,
        is_log: false,
        below: "share of all hits that is found".to_owned(),
        written: |x| format!("{} %", number(100.0 * x)),
        unit,
    };
    figure(
        "What they cost",
        "Lower is better: what goes to the expensive stage until so many hits are found.",
        curves.svg(),
    )
}

fn figure(title: &str, lead: &str, svg: Option<String>) -> String {
    let picture = svg.unwrap_or_else(|| "<p class=\"none\">There is too little to draw.</p>".to_owned());
    format!("<section>\n<h2>{title}</h2>\n<p class=\"lead\">{lead}</p>\n<figure>{picture}</figure>\n</section>\n")
}

/// A number with its interval.
fn told(estimate: &Estimate) -> String {
    match (estimate.value, estimate.low, estimate.high) {
        (Some(value), Some(low), Some(high)) => format!("{} ({} to {})", number(value), number(low), number(high)),
        (Some(value), ..) => number(value),
        (None, ..) => "-".to_owned(),
    }
}

fn orders(lift: &Lift) -> String {
    let mut rows = String::new();
    for order in &lift.orders {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>",
            text(&order.name),
            told(&order.hits_selected),
            told(&order.auc),
            told(&order.bedroc)
        );
    }
    format!(
        "<section>\n<h2>Orders</h2>\n<div class=\"scroll\"><table><thead><tr><th>order</th><th class=\"num\">hits selected</th>\
         <th class=\"num\">AUC</th><th class=\"num\">BEDROC</th></tr></thead><tbody>{rows}</tbody></table></div>\n</section>\n"
    )
}

fn against(lift: &Lift) -> String {
    let mut rows = String::new();
    for Comparison { with, role, more_hits, fewer_molecules, saved, shown, .. } in &lift.comparisons {
        let word = match (shown, role) {
            (Shown::More, _) => "the score finds more",
            (Shown::Less, Role::Baseline) => "it beats the score",
            (Shown::Less, _) => "it finds more than the score",
            (Shown::Nothing, _) => "no difference is shown",
        };
        let saved =
            saved.as_ref().map_or_else(String::new, |saved| format!("{} {}", told(&saved.amount), saved.currency));
        let with = if with == RANDOM { "random order" } else { with };
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{word}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>",
            text(with),
            told(more_hits),
            told(fewer_molecules),
            text(&saved)
        );
    }
    format!(
        "<section>\n<h2>The score against each</h2>\n<div class=\"scroll\"><table><thead><tr><th>against</th><th>shown</th>\
         <th class=\"num\">more hits</th><th class=\"num\">fewer molecules for as many hits</th><th class=\"num\">saved</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>\n</section>\n"
    )
}

fn notes(lift: &Lift) -> String {
    if lift.notes.is_empty() {
        return String::new();
    }
    let notes: String = lift.notes.iter().map(|note| format!("<p>{}</p>", text(note))).collect();
    format!("<section>\n<h2>To be known</h2>\n{notes}</section>\n")
}
