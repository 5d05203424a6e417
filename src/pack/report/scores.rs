//! How the numeric columns are spread.

use std::fmt::Write;

use super::Facts;
use super::charts::{Bar, Chart};
use super::html::{count, cut, number, text};
use crate::pack::hits;
use crate::payload::histogram::Histogram;
use crate::payload::metrics::ColumnMetrics;
use crate::scorer::Order;
use crate::scorer::builtin::compared::columns;

/// Columns that are shown beside the rank column.
const COLUMNS_MAX: usize = 12;

/// Bars of one chart.
const BARS_MAX: usize = 64;

/// Values beyond the first and last of these shares are left out if the rest then takes less than half the room.
const BEYOND: f64 = 0.001;

/// The charts of all columns.
pub fn section(facts: &Facts<'_>) -> String {
    // What the comparison counted is the signal's section; of its numbers only the slack is drawn.
    let counted: Vec<String> = match &facts.found.signal {
        Some(_) => columns::all().into_iter().map(|column| column.name).filter(|name| name != columns::SLACK).collect(),
        None => Vec::new(),
    };
    let columns: Vec<&ColumnMetrics> =
        facts.found.metrics.columns.iter().filter(|column| !counted.contains(&column.name)).collect();
    let rank = facts.manifest.campaign.pack.rank.as_ref();
    let is_rank = |column: &&&ColumnMetrics| rank.is_some_and(|rank| rank.column.name == column.name);
    let Some(first) = columns.iter().find(is_rank).or(columns.first()).copied() else {
        return String::new();
    };
    let mut out = format!("<section id=\"scores\">\n<h2>Scores</h2>\n{}", large(facts, first));
    let mut others: Vec<&ColumnMetrics> = columns.iter().copied().filter(|column| column.name != first.name).collect();
    // How far records are from passing comes before what the scorer says beside its score.
    others.sort_by_key(|column| facts.found.signal.is_none() || column.name != columns::SLACK);
    if !others.is_empty() {
        out.push_str("<div class=\"small\">\n");
        others.iter().take(COLUMNS_MAX).for_each(|column| out.push_str(&small(column)));
        out.push_str("</div>\n");
    }
    if let Some(more) = others.len().checked_sub(COLUMNS_MAX + 1) {
        let _ = writeln!(out, "<p class=\"note\">{} more columns are in <code>metrics.json</code>.</p>", more + 1);
    }
    out.push_str("</section>\n");
    out
}

/// The chart of the rank column.
fn large(facts: &Facts<'_>, column: &ColumnMetrics) -> String {
    let limit = limit(facts, column);
    let order = facts.manifest.campaign.pack.rank.as_ref().map(|rank| rank.order);
    let is_hit = |from: f64, to: f64| match (limit, order) {
        (Some(limit), Some(Order::Desc)) => from >= limit,
        (Some(limit), Some(Order::Asc)) => to <= limit,
        _ => false,
    };
    let hits = facts.found.hits_csv.iter().filter(|b| **b == b'\n').count().saturating_sub(1);
    let line = limit.map(|limit| {
        let sign = if order == Some(Order::Asc) { "≤" } else { "≥" };
        (limit, format!("{} hits {sign} {}", count(hits as u64), number(limit)))
    });
    let Some((bars, beyond)) = column.histogram.as_ref().map(|h| bars(h, BARS_MAX, is_hit)) else {
        return format!("<p class=\"none\">No record has a value in <b>{}</b>.</p>\n", cut(&column.name, 40));
    };
    let label = format!("histogram of {}: {}", column.name, summary(column));
    let chart = Chart { label, bars, line, unit: "records".to_owned(), size: (960.0, 260.0), axis: number };
    let picture = chart.svg().map_or_else(String::new, |svg| format!("{svg}\n"));
    let beyond = if beyond > 0 {
        format!(" {} values beyond the ends of the axis are not drawn.", count(beyond))
    } else {
        String::new()
    };
    format!(
        "<figure>\n<figcaption><b>{}</b> <span>{}.{beyond}</span></figcaption>\n{picture}</figure>\n",
        cut(&column.name, 40),
        text(&summary(column))
    )
}

/// The chart of another column.
fn small(column: &ColumnMetrics) -> String {
    let bars = column.histogram.as_ref().map(|h| bars(h, BARS_MAX / 2, |_, _| false).0).unwrap_or_default();
    let label = format!("histogram of {}: {}", column.name, summary(column));
    let chart = Chart { label, bars, line: None, unit: String::new(), size: (300.0, 120.0), axis: number };
    let picture = chart.svg().unwrap_or_default();
    format!(
        "<figure><figcaption><b>{}</b> <span>{}</span></figcaption>{picture}</figure>\n",
        cut(&column.name, 24),
        short(column)
    )
}

fn summary(column: &ColumnMetrics) -> String {
    match (column.min, column.mean, column.max) {
        (Some(min), Some(mean), Some(max)) => {
            format!("{} values from {} to {}, mean {}", count(column.n), number(min), number(max), number(mean))
        }
        _ => format!("{} values", count(column.n)),
    }
}

fn short(column: &ColumnMetrics) -> String {
    match (column.min, column.mean, column.max) {
        (Some(min), Some(mean), Some(max)) => {
            text(&format!("{} … {}, mean {}", number(min), number(max), number(mean)))
        }
        _ => "no value".to_owned(),
    }
}

/// The value of the last hit.
fn limit(facts: &Facts<'_>, column: &ColumnMetrics) -> Option<f64> {
    let campaign = &facts.manifest.campaign;
    let rank = hits::rank_column(campaign)?;
    if campaign.scorer.description.columns.get(rank)?.name != column.name {
        return None;
    }
    hits::rows(&facts.found.hits_csv).last()?.cells.get(rank)?.parse().ok()
}

/// At most `max` bars, and how many values are beyond their ends.
fn bars(histogram: &Histogram, max: usize, is_hit: impl Fn(f64, f64) -> bool) -> (Vec<Bar>, u64) {
    let total: u64 = histogram.counts.iter().sum();
    let (start, end) = drawn(&histogram.counts, total);
    let each = (end - start).div_ceil(max).max(1);
    let beyond = total - histogram.counts[start..end].iter().sum::<u64>();
    let edge = |bin: usize| histogram.lower + bin as f64 * histogram.width;
    let bars = (start..end).step_by(each).map(|bin| {
        let (from, to) = (edge(bin), edge((bin + each).min(end)));
        let n: u64 = histogram.counts[bin..(bin + each).min(end)].iter().sum();
        let title = format!("{} to {}: {}", number(from), number(to), count(n));
        Bar { from, to, height: n as f64, marked: is_hit(from, to), title }
    });
    (bars.collect(), beyond)
}

/// Which bins are drawn: all, unless a few far values would press the others together.
fn drawn(counts: &[u64], total: u64) -> (usize, usize) {
    let few = (total as f64 * BEYOND) as u64;
    let tail = |counts: &mut dyn Iterator<Item = &u64>| {
        let mut sum = 0;
        counts
            .take_while(|n| {
                sum += **n;
                sum <= few
            })
            .count()
    };
    let (start, end) = (tail(&mut counts.iter()), counts.len() - tail(&mut counts.iter().rev()).min(counts.len()));
    if start < end && (end - start) * 2 < counts.len() { (start, end) } else { (0, counts.len()) }
}
