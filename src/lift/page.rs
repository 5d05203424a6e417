//! `cost_lift_report.html`: the answer first, then the hits that each order finds and what they cost, as curves.
//!
//! One file as `report.html` is one: no script, nothing from the network, and nothing in it that the JSON does not say.

use std::fmt::Write;

use super::report::{Lift, Ordered, Report};
use super::resample::Estimate;
use super::tables::{self, Table};
use super::words::{RANDOM, Verdict, order};
use crate::pack::report::curves::{Curves, Line, Point, STYLE};
use crate::pack::report::html::{count, number, sentence, text};
use crate::pack::report::page;

/// The page.
pub fn render(report: &Report) -> String {
    let lift = &report.molsieve;
    let body = [
        head(lift),
        hits(lift),
        cost(lift),
        against(lift),
        orders(lift),
        targets(lift),
        methods(report),
        facts(lift),
        WORDS.to_owned(),
    ]
    .concat();
    page("Is this score worth paying for?", &body, STYLE)
}

fn head(lift: &Lift) -> String {
    let (pack, truth) = (&lift.pack, &lift.truth);
    let open = match lift.verdict {
        Verdict::Better | Verdict::BetterThanRandom => "",
        Verdict::Beaten => " open",
        Verdict::NotShown | Verdict::TooFew | Verdict::Proxy => " doubt",
    };
    let proxy = if truth.is_proxy { " <b>A rule made labels: they are no measurement.</b>" } else { "" };
    format!(
        "<header>\n<p class=\"brow\"><span class=\"mark\">molsieve</span> · cost and lift</p>\n\
         <h1>Is this score worth paying for?</h1>\n<p class=\"verdict{open}\"><strong>{}</strong></p>\n\
         <p class=\"sub\">{} molecules with a score and a label, {} of them hits; {} go to the expensive stage.{proxy} \
         Scorer {} {}, payload <code>{}</code>, truth <code>{}</code>.</p>\n</header>\n",
        sentence(&lift.answer),
        count(lift.molecules),
        count(lift.hits),
        count(lift.selection.molecules),
        text(&pack.scorer),
        text(&pack.scorer_version),
        text(&pack.payload_digest),
        truth.sha256,
    )
}

/// The orders that are drawn, the score first: of the two ends of a column the one that finds hits sooner.
fn drawn(lift: &Lift) -> Vec<&Ordered> {
    let sooner = |order: &&Ordered| {
        let of_its_column = lift.orders.iter().filter(|other| other.column == order.column);
        let auc = |order: &Ordered| order.auc.value.unwrap_or_default();
        of_its_column.max_by(|a, b| auc(a).total_cmp(&auc(b))).is_some_and(|best| best.name == order.name)
    };
    let score = lift.orders.first().map(|first| first.column.as_str());
    lift.orders.iter().filter(|order| Some(order.column.as_str()) == score || sooner(order)).collect()
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
        let random = Line { name: order(RANDOM).to_owned(), points: first.curve.iter().map(even).collect() };
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
    figure(
        "Hits",
        "How many hits are among the first molecules of each order. The axis below is logarithmic; the band is the 95 % interval of the score. Of size and of log P the end is drawn that finds hits sooner.",
        curves.svg(),
    )
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
    lines.insert(lines.len().min(1), Line { name: order(RANDOM).to_owned(), points: along(RANDOM) });
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

fn section(title: &str, lead: &str, body: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n<p class=\"lead\">{lead}</p>\n{body}</section>\n")
}

/// A table, of whose columns the first so many are words.
fn table(table: &Table, words: usize) -> String {
    let class = |column: usize| if column < words { "" } else { " class=\"num\"" };
    let mut out = "<div class=\"scroll\"><table><thead><tr>".to_owned();
    for (column, name) in table.head.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{}</th>", class(column), text(name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", class(column), text(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

fn against(lift: &Lift) -> String {
    let lead = format!(
        "What the score finds more than each other order in {} molecules, and how many fewer it takes for as many hits. \
         More or fewer is shown where the 95 % interval, in brackets, does not hold 0.",
        count(lift.selection.molecules)
    );
    let missing: String =
        tables::missing(lift).map(|line| format!("<p class=\"note\">{}.</p>\n", sentence(&line))).collect();
    section("The score against each", &lead, &format!("{}{missing}", table(&tables::against(lift), 2)))
}

fn orders(lift: &Lift) -> String {
    section(
        "What each order is worth",
        "Over all molecules with truth; what the columns are is said below.",
        &table(&tables::orders(lift), 1),
    )
}

fn targets(lift: &Lift) -> String {
    section(
        "What shares of the hits take",
        "How many molecules go to the expensive stage, best first, until so many of all hits are found.",
        &table(&tables::targets(lift), 1),
    )
}

/// HETERO-2's methods.
fn methods(report: &Report) -> String {
    let rows = tables::methods(report).map(|(name, found)| vec![name.to_owned(), found]).collect();
    let found = Table { head: vec!["method".to_owned(), "found".to_owned()], rows };
    section(
        "As HETERO-2 selects",
        "The methods of its contract cost_lift.v1, over records with a verdict of the audit.",
        &table(&found, 2),
    )
}

/// What was compared with what, and what has to be known of it.
fn facts(lift: &Lift) -> String {
    let mut rows = String::new();
    for (name, value) in tables::facts(lift) {
        let _ = writeln!(rows, "<div><dt>{name}</dt><dd>{}</dd></div>", text(&value));
    }
    let notes: String = lift.notes.iter().map(|note| format!("<p>{}.</p>\n", sentence(note))).collect();
    format!("<section>\n<h2>What was compared</h2>\n{notes}<dl class=\"facts\">\n{rows}</dl>\n</section>\n")
}

/// What the words mean.
const WORDS: &str = "<footer>\n<dl class=\"words\">\n\
<div><dt>hits selected</dt><dd>hits among the molecules that go to the expensive stage, if they are taken in this order</dd></div>\n\
<div><dt>AUC</dt><dd>the share of pairs of a hit and a molecule that is none in which the hit comes first: 0.5 is chance, 1 is all</dd></div>\n\
<div><dt>BEDROC</dt><dd>the same with weight on the first few per cent (α = 20), from 0 to 1</dd></div>\n\
<div><dt>EF 1 %</dt><dd>enrichment: how many times as many hits are in the first 1 % as in an even order</dd></div>\n\
<div><dt>slack</dt><dd>by how much a record beats its look-alikes, beyond what is asked; made from the score</dd></div>\n\
<div><dt>asc, desc</dt><dd>the lowest first, the highest first</dd></div>\n\
</dl>\n</footer>\n";
