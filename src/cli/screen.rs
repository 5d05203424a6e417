//! How far a campaign is, in lines for people: what `status` prints, and the screen of `status --watch`.

mod jobs;

use super::forecast;
use super::progress::span;
use crate::canonical::escape;
use crate::view::cluster::Cluster;
use crate::view::events::Happened;
use crate::view::status::Status;

/// Where the text of a line begins.
const INDENT: usize = 12;

/// So many reasons of records are told of on a screen.
const REASONS_MAX: usize = 3;

/// A line: what it is about, and what there is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    label: &'static str,
    text: String,
}

fn line(label: &'static str, text: impl Into<String>) -> Line {
    Line { label, text: text.into() }
}

impl Line {
    /// On one line, however long.
    pub fn whole(&self) -> String {
        format!("  {:<10}{}", self.label, self.text).trim_end().to_owned()
    }

    /// On lines of `width` characters at most; those after the first stand under the text.
    fn wrapped(&self, width: usize) -> Vec<String> {
        let room = width.saturating_sub(INDENT).max(20);
        let mut lines = Vec::new();
        let mut begun = String::new();
        for word in escape::visible(&self.text).split(' ') {
            let length = begun.chars().count() + word.chars().count();
            if length >= room && !begun.is_empty() {
                lines.push(std::mem::take(&mut begun));
            }
            let gap = if begun.is_empty() { "" } else { " " };
            begun = format!("{begun}{gap}{word}");
        }
        lines.push(begun);
        let label = |at| if at == 0 { self.label } else { "" };
        lines.iter().enumerate().map(|(at, text)| cut(&format!("  {:<10}{text}", label(at)), width)).collect()
    }
}

/// All that `status` says under its first line.
pub fn facts(status: &Status, now_ms: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    lines.extend(status.reason.iter().map(|reason| line("because", reason)));
    lines.push(line("records", records(status)));
    let records = &status.records;
    lines.push(line("", format!("{} OK, {} SKIP, {} ERROR", records.ok, records.skip, records.error)));
    lines.extend(status.reasons.iter().map(|(reason, count)| line("", format!("{count:>10} {reason}"))));
    let shards = &status.shards;
    lines.push(line(
        "shards",
        format!("{} of {} done, {} running, {} failed", shards.done, shards.total, shards.running, shards.failed),
    ));
    lines.extend(rate(status, now_ms));
    lines.push(used(status));
    if let Some(cluster) = &status.cluster {
        lines.extend(jobs::jobs(cluster, now_ms));
        lines.extend(jobs::stragglers(cluster, now_ms));
    } else if let Some(host) = &status.driver_host {
        lines.push(line("driver", format!("last seen {} ago, on {host}", ago(now_ms, status.driver_seen_ms))));
    }
    lines.push(last(status, now_ms));
    lines.extend(status.score.iter().map(|score| line("score", &score.sentence)));
    lines.extend(status.payload_digest.iter().map(|digest| line("payload", digest)));
    lines.extend(status.next.iter().enumerate().map(|(at, next)| line(if at == 0 { "next" } else { "" }, next)));
    lines
}

/// The screen, of `width` columns and `height` lines at most.
pub fn screen(status: &Status, now_ms: u64, (width, height): (usize, usize)) -> Vec<String> {
    let mut top = vec![cut(&title(status), width), cut(&bar(status, width), width)];
    let add = |lines: Vec<Line>, to: &mut Vec<String>| lines.iter().for_each(|line| to.extend(line.wrapped(width)));
    let mut lines: Vec<Line> = status.reason.iter().map(|reason| line("because", reason)).collect();
    lines.push(line("records", records(status)));
    lines.extend(errors(status));
    lines.extend(rate(status, now_ms));
    if let Some(cluster) = &status.cluster {
        lines.extend(jobs::jobs(cluster, now_ms));
    }
    lines.push(last(status, now_ms));
    add(lines, &mut top);
    let mut bottom = Vec::new();
    let event = |event: &Happened| {
        cut(&escape::visible(&format!("    {} ago  {}", ago(now_ms, event.at_ms), event.what)), width)
    };
    let events: Vec<String> = status.events.iter().map(event).collect();
    if !events.is_empty() {
        bottom.extend([String::new(), "  events".to_owned()].into_iter().chain(events));
    }
    bottom.extend([String::new(), cut("  q ends this screen; the campaign goes on", width)]);
    let room = height.saturating_sub(top.len() + bottom.len());
    let running =
        status.cluster.as_ref().map(|cluster| jobs::running(cluster, now_ms, width, room)).unwrap_or_default();
    let mut all: Vec<String> = top.into_iter().chain(running).chain(bottom).collect();
    all.truncate(height);
    all
}

/// One line of everything, for where no screen is.
pub fn one_line(status: &Status, now_ms: u64) -> String {
    let mut parts = vec![headline(status), records(status)];
    parts.extend(rate(status, now_ms).map(|line| line.text));
    if let Some((wave, now)) = status.cluster.as_ref().and_then(Cluster::active) {
        parts.push(format!("wave {}: {}", wave.number, jobs::tasks(wave, now)));
    }
    let held: u64 =
        status.cluster.iter().flat_map(|c| &c.waiting).filter(|wait| wait.held).map(|wait| wait.tasks).sum();
    if held > 0 {
        parts.push(format!("{held} held: `molsieve status {}` says what to do", status.dir));
    }
    parts.join("; ")
}

/// Which campaign it is, by its name and by its directory, and where it stands.
pub fn headline(status: &Status) -> String {
    let Status { campaign, dir, state, .. } = status;
    let place = if dir == campaign { String::new() } else { format!(" ({dir})") };
    format!("{campaign}{place}: {}", state.replace('_', " "))
}

fn title(status: &Status) -> String {
    escape::visible(&headline(status))
}

fn bar(status: &Status, width: usize) -> String {
    let room = width.saturating_sub(12).clamp(10, 100);
    let part = status.finished() as f64 / status.records.total.max(1) as f64;
    let full = ((part * room as f64) as usize).min(room);
    format!("  {}{} {:5.1} %", "█".repeat(full), "░".repeat(room - full), 100.0 * part)
}

fn records(status: &Status) -> String {
    let total = status.records.total;
    let percent = 100.0 * status.finished() as f64 / total.max(1) as f64;
    format!("{} of {total} finished ({percent:.1} %)", status.finished())
}

fn errors(status: &Status) -> Option<Line> {
    if status.records.error == 0 {
        return None;
    }
    let mut reasons: Vec<_> = status.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let named: Vec<String> =
        reasons.into_iter().take(REASONS_MAX).map(|(reason, count)| format!("{count} {reason}")).collect();
    let named = if named.is_empty() { String::new() } else { format!(" (of what is sealed: {})", named.join(", ")) };
    Some(line("errors", format!("{}{named}", status.records.error)))
}

/// How fast it goes, how long it will take, and what that rests on; nothing where nobody is at work.
fn rate(status: &Status, now_ms: u64) -> Option<Line> {
    let since = |basis: &str| if basis == "wave" { "the first task of this wave began" } else { "the driver began" };
    match (status.records_per_s, status.left_s, &status.pace) {
        (Some(rate), Some(left), Some(basis)) => {
            let (rate, left, elapsed) = (forecast::number(rate), span(left), span(basis.elapsed_s));
            let since = since(basis.since);
            let slowest = slowest(status, now_ms);
            Some(line("rate", format!("{rate} records/s in the {elapsed} since {since}; about {left} left{slowest}")))
        }
        (Some(rate), None, Some(basis)) => {
            let (rate, elapsed, since) = (forecast::number(rate), span(basis.elapsed_s), since(basis.since));
            let idle = status.cluster.as_ref().is_some_and(Cluster::is_idle);
            let end = if idle { "nothing runs now" } else { "too early to say how long the rest takes" };
            Some(line("rate", format!("{rate} records/s in the {elapsed} since {since}; {end}")))
        }
        _ if status.state != "running" => None,
        _ if status.cluster.is_some() => Some(line("rate", "not known yet: nothing was finished in this wave")),
        _ => Some(line("rate", "not known yet: the driver says it every few seconds")),
    }
}

/// What holds up the end, where one task needs more than twice as long as all would at their common pace.
fn slowest(status: &Status, now_ms: u64) -> String {
    let tasks = status.cluster.iter().flat_map(|cluster| &cluster.running);
    let left = tasks.filter_map(|task| Some((task.left_s(now_ms)?, &task.element)));
    match left.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((left, element)) if status.left_s.is_some_and(|all| left > 2.0 * all) => {
            format!(", but {element} alone needs about {}", span(left))
        }
        _ => String::new(),
    }
}

fn used(status: &Status) -> Line {
    if status.cluster.is_some() && status.core_hours == 0.0 {
        return line("used", "nothing yet: tasks write it down once a minute");
    }
    let limit = status.core_hours_max.map_or_else(String::new, |hours| format!(" of {}", core_time(hours)));
    line("used", format!("{}{limit}", core_time(status.core_hours)))
}

fn last(status: &Status, now_ms: u64) -> Line {
    let written = status.written_ms.map_or_else(String::new, |ms| format!(", result written {} ago", ago(now_ms, ms)));
    line("last", format!("event {} ago{written}", ago(now_ms, status.last_event_ms)))
}

fn ago(now_ms: u64, ms: u64) -> String {
    span(now_ms.saturating_sub(ms) as f64 / 1000.0)
}

/// The first `width` characters of `text`, with a mark where something is missing.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Core time in the unit that has digits to show.
fn core_time(core_hours: f64) -> String {
    let (time, unit) = match core_hours {
        hours if hours >= 1.0 => (hours, "core-hours"),
        hours if hours * 60.0 >= 1.0 => (hours * 60.0, "core-minutes"),
        hours => (hours * 3600.0, "core-seconds"),
    };
    format!("{} {unit}", forecast::number(time))
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
