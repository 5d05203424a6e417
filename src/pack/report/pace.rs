//! How the work went: how fast, and what was slow.

use std::fmt::Write;

use super::charts::{Bar, Chart};
use super::html::{count, number, span, text};
use super::{Facts, top};
use crate::pack::provenance::GroupFacts;

/// Columns of the chart.
const BARS: u64 = 60;

/// Executions shorter than this have no chart.
const SHORTEST_MS: u64 = 3_000;

/// The pace of an execution and its slowest requests.
pub fn section(facts: &Facts<'_>) -> String {
    let provenance = facts.provenance;
    let start = provenance.groups.iter().map(|g| g.started_ms).min().unwrap_or(0);
    let end = provenance.groups.iter().map(|g| g.finished_ms).max().unwrap_or(0);
    let scored = provenance.groups.iter().map(|g| g.scored).fold(0, u64::saturating_add);
    let took = end.saturating_sub(start);
    let mut out =
        format!("<section id=\"pace\">\n<h2>Execution</h2>\n<p class=\"lead\">{}</p>\n", sentence(facts, took, scored));
    if let Some(svg) = chart(&provenance.groups, start, end) {
        let _ = writeln!(
            out,
            "<figure>\n<figcaption><b>Throughput</b> <span>records a second over the time since the first attempt began; each task group evenly over its sealed attempt.</span></figcaption>\n{svg}\n</figure>"
        );
    }
    out.push_str(&slowest(facts));
    out.push_str("</section>\n");
    out
}

fn sentence(facts: &Facts<'_>, took: u64, scored: u64) -> String {
    let provenance = facts.provenance;
    let (groups, hosts) = (provenance.groups.len() as u64, provenance.hosts.len() as u64);
    let plural = |n: u64, word: &str| if n == 1 { format!("one {word}") } else { format!("{} {word}s", count(n)) };
    let rate = if took > 0 {
        format!(", {} records a second", count((scored as f64 * 1000.0 / took as f64).round() as u64))
    } else {
        String::new()
    };
    let mut out =
        format!("{} on {} in {}{}.", plural(groups, "task group"), plural(hosts, "host"), span(took), text(&rate));
    let earlier = facts.manifest.records.total.saturating_sub(scored);
    if earlier > 0 {
        let _ = write!(out, " {} records came from checkpoints of earlier attempts.", count(earlier));
    }
    let pool = &provenance.pool;
    let events = [
        (pool.crashes, "crash of the scorer", "crashes of the scorer"),
        (pool.timeouts, "request over its time limit", "requests over their time limit"),
        (pool.violations, "reply against the protocol", "replies against the protocol"),
    ];
    let events: Vec<String> = events
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, more)| if *n == 1 { format!("one {one}") } else { format!("{} {more}", count(*n)) })
        .collect();
    if !events.is_empty() {
        let _ = write!(out, " On the way: {}.", events.join(", "));
    }
    out
}

/// Records a second, over time.
fn chart(groups: &[GroupFacts], start: u64, end: u64) -> Option<String> {
    let took = end.checked_sub(start).filter(|took| *took >= SHORTEST_MS)?;
    let width = took as f64 / BARS as f64;
    let mut records = vec![0.0; BARS as usize];
    for group in groups.iter().filter(|g| g.scored > 0) {
        let from = (group.started_ms - start) as f64 / width;
        let to = ((group.finished_ms.max(group.started_ms) - start) as f64 / width).max(from + 1e-6);
        let density = group.scored as f64 / (to - from);
        for (i, sum) in records.iter_mut().enumerate().take(to.ceil() as usize).skip(from as usize) {
            *sum += density * ((to.min(i as f64 + 1.0)) - from.max(i as f64)).max(0.0);
        }
    }
    let bars = records.iter().enumerate().map(|(i, n)| {
        let rate = n * 1000.0 / width;
        let (from, to) = (i as f64 * width, (i + 1) as f64 * width);
        let title = format!("{} to {}: {} records a second", span(from as u64), span(to as u64), number(rate.round()));
        Bar { from, to, height: rate, marked: false, title }
    });
    let label = "records a second over time".to_owned();
    let (unit, bars) = ("records/s".to_owned(), bars.map(|b| in_unit(b, took)).collect());
    Chart { label, bars, line: None, unit, size: (960.0, 200.0), axis: unit_of(took) }.svg()
}

/// The axis in seconds, minutes or hours, so that its ticks are round.
fn in_unit(bar: Bar, took: u64) -> Bar {
    let unit = match took {
        0..300_000 => 1000.0,
        300_000..18_000_000 => 60_000.0,
        _ => 3_600_000.0,
    };
    Bar { from: bar.from / unit, to: bar.to / unit, ..bar }
}

fn unit_of(took: u64) -> fn(f64) -> String {
    match took {
        0..300_000 => |v| format!("{} s", number(v)),
        300_000..18_000_000 => |v| format!("{} min", number(v)),
        _ => |v| format!("{} h", number(v)),
    }
}

/// The requests that took longest.
fn slowest(facts: &Facts<'_>) -> String {
    let slowest: Vec<_> = facts.provenance.pool.slowest.iter().filter(|request| request.ms > 0).collect();
    if slowest.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for request in slowest {
        let structure = facts.structures.get(request.first);
        let structure = structure.map_or_else(
            || "<i>not read</i>".to_owned(),
            |entry| format!("<code>{}</code>", top::structure_text(entry, facts.structures.notation, 120)),
        );
        let _ = writeln!(
            rows,
            "<tr><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"smi\">{structure}</td></tr>",
            if request.timed_out { format!("{}, timed out", span(request.ms)) } else { span(request.ms) },
            count(request.records),
            count(request.first)
        );
    }
    format!(
        "<h3>Slowest requests</h3>\n<div class=\"scroll\"><table class=\"fixed\">\n<thead><tr><th scope=\"col\" class=\"num t\">time</th><th scope=\"col\" class=\"num o\">records</th><th scope=\"col\" class=\"num o\">first record</th>\
         <th scope=\"col\">its structure</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    )
}
