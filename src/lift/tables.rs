//! The tables of a report for people: the same on a terminal and on a page.

use super::contract::Method;
use super::money::Saved;
use super::report::{Comparison, Lift, Ordered, Report, Target};
use super::words::{RANDOM, cell, named, number, order};
use crate::canonical::escape;

/// A table of text; its first column are names, the others numbers, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What the columns are called.
    pub head: Vec<String>,
    /// The rows, each as wide as the head.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str], rows: Vec<Vec<String>>) -> Self {
        Self { head: head.iter().map(|&word| word.to_owned()).collect(), rows }
    }
}

/// What was compared with what: a name and a value each.
pub fn facts(lift: &Lift) -> Vec<(&'static str, String)> {
    let (truth, pack, selection) = (&lift.truth, &lift.pack, &lift.selection);
    let sources = truth.sources.iter().map(|(source, labels)| format!("{} ({labels})", escape::visible(source)));
    let proxy = if truth.is_proxy { ": MADE BY A RULE, not measured" } else { "" };
    let basis = if selection.basis == "k" { "as asked" } else { "what half of the hits take" };
    vec![
        ("truth", format!("{} labels, {} of them PASS, sha256 {}", truth.labels, truth.hits, truth.sha256)),
        ("source", format!("{}{proxy}", sources.collect::<Vec<_>>().join(", "))),
        ("payload", pack.payload_digest.clone()),
        ("scorer", format!("{} {}", pack.scorer, pack.scorer_version)),
        ("molecules", format!("{} with a score and a label, {} of them hits", lift.molecules, lift.hits)),
        ("selected", format!("{} ({basis})", selection.molecules)),
    ]
}

/// The orders, and what each is worth.
pub fn orders(lift: &Lift) -> Table {
    let row = |ordered: &Ordered| {
        let Ordered { name, hits_selected, auc, bedroc, enrichment, .. } = ordered;
        let mut cells = vec![name.clone(), cell(hits_selected, 1), cell(auc, 3), cell(bedroc, 3)];
        cells.extend(enrichment.iter().map(|enrichment| cell(&enrichment.factor, 1)));
        cells
    };
    let head = ["order", "hits selected", "AUC", "BEDROC", "EF 0.1 %", "EF 1 %", "EF 5 %"];
    Table::new(&head, lift.orders.iter().map(row).collect())
}

/// Orders that could not be made, a sentence each.
pub fn missing(lift: &Lift) -> impl Iterator<Item = String> {
    lift.orders_missing.iter().map(|(column, why)| format!("`{column}` is not compared: {why}"))
}

/// What shares of the hits take in the order of the score and in an even one.
pub fn targets(lift: &Lift) -> Table {
    let score = lift.orders.first().map_or("", |order| order.name.as_str());
    let row = |target: &Target| {
        let of = |name: &str| target.molecules.get(name).map_or_else(String::new, ToString::to_string);
        let share = format!("{} %", number(target.share_of_hits * 100.0));
        let mut cells = vec![share, target.hits.to_string(), of(score), of(RANDOM), cell(&target.fewer_than_random, 0)];
        cells.extend(saved(target.saved.as_ref()));
        cells
    };
    let rows = lift.targets.iter().map(row).collect();
    with_money(lift, vec!["share of the hits", "hits", score, order(RANDOM), "fewer"], rows)
}

/// The score against each other order; the second column is words.
pub fn against(lift: &Lift) -> Table {
    let row = |comparison: &Comparison| {
        let Comparison { with, role, shown, more_hits, molecules_other, fewer_molecules, .. } = comparison;
        let mut cells = vec![
            order(with).to_owned(),
            shown.words(*role).to_owned(),
            cell(more_hits, 1),
            molecules_other.to_string(),
            cell(fewer_molecules, 0),
        ];
        cells.extend(saved(comparison.saved.as_ref()));
        cells
    };
    let rows = lift.comparisons.iter().map(row).collect();
    with_money(lift, vec!["against", "shown", "more hits", "molecules it takes", "fewer with the score"], rows)
}

/// A table with a last column for money, where it is known what a molecule costs.
fn with_money(lift: &Lift, head: Vec<&str>, rows: Vec<Vec<String>>) -> Table {
    let money = lift.cost.as_ref().map(|cost| format!("saved, {}", cost.currency));
    let head: Vec<&str> = head.into_iter().chain(money.as_deref()).collect();
    Table::new(&head, rows)
}

fn saved(saved: Option<&Saved>) -> Option<String> {
    saved.map(|saved| cell(&saved.amount, 2))
}

/// What each method of `cost_lift.v1` found: its name, and a sentence.
pub fn methods(report: &Report) -> impl Iterator<Item = (&'static str, String)> {
    let missing = &report.molsieve.methods_missing;
    report.contract.methods.iter().map(move |(name, method)| {
        let found = match method {
            Some(Method { k_effective, hits, hit_rate, ci_low, ci_high }) => {
                format!("{hits} hits of {k_effective}, {hit_rate:.4} (95 %: {ci_low:.4} to {ci_high:.4})")
            }
            None => format!("none: {}", missing.get(name).copied().unwrap_or_default()),
        };
        (*name, format!("{found}{}", meant(name)))
    })
}

/// What HETERO-2's names of methods do not say.
fn meant(name: &str) -> &'static str {
    match name {
        "baseline_random" => "; one draw",
        "baseline_score_only_topk" => "; ranked by the AUC against look-alikes, and not by the score",
        "filtered_score_plus_audit_topk" => "; of those that passed the audit, by slack",
        _ => "",
    }
}

/// What the score does against another order, in two sentences.
pub fn sentences(comparison: &Comparison) -> [String; 2] {
    let Comparison { with, role, molecules_score, molecules_other, more_hits, fewer_molecules, saved, shown, .. } =
        comparison;
    let told = |estimate: &super::resample::Estimate| {
        (number(estimate.value.unwrap_or_default()), super::words::interval(estimate))
    };
    let ((more, more_within), (fewer, fewer_within)) = (told(more_hits), told(fewer_molecules));
    let money = saved.as_ref().map_or_else(String::new, |saved| {
        let (amount, within) = told(&saved.amount);
        format!(", {amount} {} ({within})", saved.currency)
    });
    [
        format!("against {}: {}: difference {more} hits ({more_within})", named(with), shown.words(*role)),
        format!(
            "for as many hits {molecules_score} molecules, the other {molecules_other}: saves {fewer} ({fewer_within}){money}"
        ),
    ]
}
