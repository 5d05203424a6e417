//! A report of cost and lift for a person: the answer first, then what it rests on.

use crate::canonical::escape;
use crate::lift::answer::{interval, number};
use crate::lift::money::Saved;
use crate::lift::report::{Comparison, Lift, Ordered, RANDOM, Report, Role, Shown};
use crate::lift::resample::Estimate;

/// The report, a line each.
pub fn sentences(report: &Report) -> Vec<String> {
    let lift = &report.molsieve;
    let mut lines = vec![lift.answer.clone()];
    lines.extend(sources(lift));
    lines.push(String::new());
    lines.extend(orders(lift));
    lines.push(String::new());
    lines.extend(lift.comparisons.iter().flat_map(against));
    lines.push(String::new());
    lines.extend(targets(lift));
    lines.push(String::new());
    lines.extend(methods(report));
    if !lift.notes.is_empty() {
        lines.push(String::new());
        lines.extend(lift.notes.iter().map(|note| format!("  note: {note}")));
    }
    lines
}

/// What was compared with what.
fn sources(lift: &Lift) -> Vec<String> {
    let (truth, pack, selection) = (&lift.truth, &lift.pack, &lift.selection);
    let sources = truth.sources.iter().map(|(source, labels)| format!("{} ({labels})", escape::visible(source)));
    let proxy = if truth.is_proxy { ": MADE BY A RULE, not measured" } else { "" };
    vec![
        format!("  truth      {} labels, {} of them PASS, sha256 {}", truth.labels, truth.hits, truth.sha256),
        format!("  source     {}{proxy}", sources.collect::<Vec<_>>().join(", ")),
        format!("  payload    {}", pack.payload_digest),
        format!("  scorer     {} {}", pack.scorer, pack.scorer_version),
        format!("  molecules  {} with a score and a label, {} of them hits", lift.molecules, lift.hits),
        format!(
            "  selected   {} ({})",
            selection.molecules,
            if selection.basis == "k" { "as asked" } else { "what half of the hits take" }
        ),
    ]
}

/// A table of the orders.
fn orders(lift: &Lift) -> Vec<String> {
    let head = ["order", "hits selected", "AUC", "BEDROC", "EF 0.1 %", "EF 1 %", "EF 5 %"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for Ordered { name, hits_selected, auc, bedroc, enrichment, .. } in &lift.orders {
        let mut cells = vec![name.clone(), told(hits_selected, 1), told(auc, 3), told(bedroc, 3)];
        cells.extend(enrichment.iter().map(|enrichment| told(&enrichment.factor, 1)));
        table.push(cells);
    }
    let mut lines = aligned(&table);
    lines.extend(lift.orders_missing.iter().map(|(column, why)| format!("  `{column}` is not compared: {why}")));
    lines
}

/// A number with its interval, in a cell.
fn told(estimate: &Estimate, digits: usize) -> String {
    let Estimate { value, low, high } = estimate;
    match (value, low, high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.digits$} ({low:.digits$} to {high:.digits$})"),
        (Some(value), ..) => format!("{value:.digits$}"),
        (None, ..) => "-".to_owned(),
    }
}

/// What the score does against another order.
fn against(comparison: &Comparison) -> Vec<String> {
    let Comparison { with, role, molecules_score, molecules_other, more_hits, fewer_molecules, saved, shown, .. } =
        comparison;
    let with = if with == RANDOM { "random order".to_owned() } else { format!("`{with}`") };
    let value = |estimate: &Estimate| number(estimate.value.unwrap_or_default());
    let word = match (shown, role) {
        (Shown::More, _) => "the score finds more",
        (Shown::Less, Role::Baseline) => "IT BEATS THE SCORE",
        (Shown::Less, _) => "it finds more than the score",
        (Shown::Nothing, _) => "no difference is shown",
    };
    let money = saved.as_ref().map_or_else(String::new, |Saved { amount, currency }| {
        format!(", {} {currency} ({})", value(amount), interval(amount))
    });
    vec![
        format!("  against {with}: {word}: difference {} hits ({})", value(more_hits), interval(more_hits)),
        format!(
            "    for as many hits {molecules_score} molecules, the other {molecules_other}: saves {} ({}){money}",
            value(fewer_molecules),
            interval(fewer_molecules)
        ),
    ]
}

/// What shares of the hits take.
fn targets(lift: &Lift) -> Vec<String> {
    let score = lift.orders.first().map(|order| order.name.clone()).unwrap_or_default();
    let mut table = vec![vec![
        "share of the hits".to_owned(),
        "hits".to_owned(),
        score.clone(),
        "random order".to_owned(),
        "fewer".to_owned(),
    ]];
    for target in &lift.targets {
        let of = |name: &str| target.molecules.get(name).map_or_else(String::new, ToString::to_string);
        let fewer = told(&target.fewer_than_random, 0);
        table.push(vec![
            format!("{} %", number(target.share_of_hits * 100.0)),
            target.hits.to_string(),
            of(&score),
            of(RANDOM),
            fewer,
        ]);
    }
    aligned(&table)
}

/// HETERO-2's methods.
fn methods(report: &Report) -> Vec<String> {
    let told = |(name, method): (&&str, &Option<_>)| match method {
        Some(method) => {
            let crate::lift::contract::Method { k_effective, hits, hit_rate, ci_low, ci_high } = method;
            format!("  {name}: {hits} hits of {k_effective}, {hit_rate:.4} (95 %: {ci_low:.4} to {ci_high:.4})")
        }
        None => format!("  {name}: none: {}", report.molsieve.methods_missing.get(*name).copied().unwrap_or_default()),
    };
    let mut lines = vec!["cost_lift.v1, as HETERO-2 selects:".to_owned()];
    lines.extend(report.contract.methods.iter().map(told));
    lines
}

/// The lines of a table whose columns are as wide as they must be.
fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| table.iter().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    table.iter().map(line).collect()
}
