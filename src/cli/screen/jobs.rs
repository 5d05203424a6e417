//! The jobs of a campaign in lines for people: its waves, what waits and for what, the small jobs beside them, what runs.

use std::collections::BTreeMap;

use super::{Line, ago, cut, line};
use crate::canonical::escape;
use crate::cli::progress::span;
use crate::view::cluster::{BesideFacts, Cluster, Running, Wait, WaveFacts, WaveNow};
use crate::view::tries::FailedTries;

/// So many stragglers are told of.
const STRAGGLERS_MAX: usize = 5;

/// So many nodes are named.
const NODES_MAX: usize = 8;

/// Waves, what waits, the tick, and whether the scheduler was heard.
pub(super) fn jobs(cluster: &Cluster, now_ms: u64) -> Vec<Line> {
    let mut lines = Vec::new();
    let before = cluster.waves.iter().rev().find(|wave| wave.ended_ms.is_some());
    match cluster.active() {
        Some((wave, now)) => {
            let job =
                wave.job.as_ref().map_or_else(|| " (not known to be accepted)".to_owned(), |j| format!(" (job {j})"));
            let groups = format!("{} of {} task groups done", now.groups_done, wave.groups);
            lines.push(line("wave", format!("{}{job}: {groups}; {}", wave.number, tasks(wave, now))));
        }
        None => lines.extend(before.map(|wave| line("wave", ended(wave, now_ms)))),
    }
    lines.extend(nodes(&cluster.running));
    lines.extend(cluster.returned.map(carried));
    lines.extend(cluster.failed_tries.as_ref().map(failed_tries));
    let is_normal = |wait: &Wait| wait.tick && wait.reason.as_deref() == Some("Dependency");
    lines.extend(cluster.waiting.iter().filter(|wait| !is_normal(wait)).map(|wait| waiting(wait, now_ms)));
    lines.extend(tick(cluster));
    lines.extend(cluster.stand_in.as_ref().and_then(stand_in));
    lines.extend(cluster.look.as_ref().and_then(|beside| look(beside, now_ms)));
    let name = cluster.scheduler.name.word();
    match (cluster.scheduler.heard, &cluster.scheduler.why) {
        (Some(false), Some(why)) => {
            lines.push(line(name, format!("not heard: {why}; this is what the files say")));
        }
        (Some(true), _) => {
            let at_ms = cluster.scheduler.at_ms.unwrap_or(now_ms);
            let late = now_ms.saturating_sub(at_ms) > 5_000;
            lines.extend(late.then(|| line(name, format!("heard {} ago", ago(now_ms, at_ms)))));
        }
        _ => {}
    }
    lines
}

/// That nodes share no files with us, and what that means for what is shown; of `tasks` something waits to be taken in.
fn carried(tasks: u64) -> Line {
    let waiting = if tasks > 0 { format!("; {tasks} returned something that waits for that") } else { String::new() };
    line(
        "files",
        format!("are carried: what a task does is seen when it has ended, and a tick or a look took it in{waiting}"),
    )
}

/// Tries that failed: the scheduler tries a task again by itself, or the next wave does.
fn failed_tries(failed: &FailedTries) -> Line {
    let FailedTries { tries, tasks, last } = failed;
    let what = match (tries, tasks) {
        (1, _) => "1 try of a task failed".to_owned(),
        (tries, 1) => format!("{tries} tries of a task failed"),
        (tries, tasks) => format!("{tries} tries of {tasks} tasks failed"),
    };
    line("failed", format!("{what}, which is tried again by itself; the last said: {last} (`molsieve logs` has more)"))
}

/// On which nodes tasks run, those with the most first.
fn nodes(running: &[Running]) -> Option<Line> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for node in running.iter().filter_map(|task| task.node.as_deref()) {
        *counts.entry(node).or_default() += 1;
    }
    let mut nodes: Vec<(&str, u64)> = counts.into_iter().collect();
    nodes.sort_by_key(|(name, tasks)| (std::cmp::Reverse(*tasks), *name));
    let named: Vec<String> = nodes.iter().take(NODES_MAX).map(|(name, tasks)| format!("{name} {tasks}")).collect();
    let more = nodes.len().saturating_sub(NODES_MAX);
    let more = if more > 0 { format!(", and {more} more nodes") } else { String::new() };
    (!named.is_empty()).then(|| line("nodes", format!("{}{more}", named.join(", "))))
}

/// The tasks of a wave, as the scheduler counts them, or as the files do.
pub(super) fn tasks(wave: &WaveFacts, now: &WaveNow) -> String {
    let Some(queue) = &now.queue else {
        let open = wave.tasks.saturating_sub(now.tasks_done + now.tasks_begun);
        let counts = format!("{} done, {} begun, {open} not begun", now.tasks_done, now.tasks_begun);
        return format!("{} tasks: {counts}{}", wave.tasks, restarts(now));
    };
    let counts = [
        (queue.running, "running"),
        (queue.waiting, "waiting"),
        (queue.held, "held"),
        (queue.ended, "ended"),
        (queue.unknown, "not known to the scheduler"),
    ];
    let some: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!("{} tasks: {}{}", wave.tasks, some.join(", "), restarts(now))
}

/// How often tasks went on where their time limit had ended them.
fn restarts(now: &WaveNow) -> String {
    match now.restarts {
        0 => String::new(),
        1 => "; one was put back at its time limit, and went on".to_owned(),
        times => format!("; put back at their time limit {times} times, to go on"),
    }
}

fn ended(wave: &WaveFacts, now_ms: u64) -> String {
    let failed = if wave.failed > 0 { format!(", {} of its tasks failed", wave.failed) } else { String::new() };
    let when = wave.ended_ms.map_or_else(String::new, |ms| format!(" {} ago", ago(now_ms, ms)));
    format!("{} {}{when}{failed}", wave.number, wave.state)
}

fn waiting(wait: &Wait, now_ms: u64) -> Line {
    let whose = match (wait.tick, wait.tasks) {
        (true, _) => "the tick".to_owned(),
        (false, 1) => "1 task".to_owned(),
        (false, tasks) => format!("{tasks} tasks"),
    };
    let what = wait.what.as_ref().map_or_else(String::new, |what| format!(" ({what})"));
    let hint = wait.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
    let start = wait.start_ms.filter(|ms| *ms > now_ms).map(|ms| span((ms - now_ms) as f64 / 1e3));
    let start = start.map_or_else(String::new, |left| format!("; expected to start in {left}"));
    let reason = wait.reason.as_deref().unwrap_or("the scheduler has not said yet what for");
    line(if wait.held { "held" } else { "waiting" }, format!("{whose}: {reason}{what}{hint}{start}"))
}

fn tick(cluster: &Cluster) -> Option<Line> {
    match (&cluster.tick, cluster.active()) {
        (Some(tick), _) => {
            let job = tick.job.as_ref().map_or_else(String::new, |job| format!(" (job {job})"));
            let state = match tick.state {
                Some("ended") => "has ended".to_owned(),
                Some("running") => "is at work".to_owned(),
                Some("held") => "is held".to_owned(),
                _ => "goes on when the wave has ended".to_owned(),
            };
            Some(line("tick", format!("{}{job} {state}", tick.round)))
        }
        (None, Some(_)) if cluster.tick_at_work => Some(line("tick", "the last one is at work")),
        (None, Some(_)) => Some(line("tick", "none follows the wave")),
        (None, None) => None,
    }
}

/// What does the step of the tick, should that fail.
fn stand_in(beside: &BesideFacts) -> Option<Line> {
    let what = match beside.state {
        "waiting" => "waits, and leaves the queue when the tick has ended well",
        "held" => "is held: should the tick fail, nothing stands in for it",
        "running" => "is at work: the tick did not end well",
        _ => return None,
    };
    Some(line("stand-in", format!("job {} {what}", beside.job)))
}

/// What looks at the wave while it runs.
fn look(beside: &BesideFacts, now_ms: u64) -> Option<Line> {
    let left = beside.start_ms.filter(|ms| *ms > now_ms).map(|ms| span((ms - now_ms) as f64 / 1e3));
    let what = match (beside.state, left) {
        ("waiting", Some(left)) => format!("looks after this wave in {left}"),
        ("waiting", None) => "looks after this wave as soon as it is its turn".to_owned(),
        ("held", _) => "is held: nobody looks after this wave".to_owned(),
        ("running", _) => "is at work".to_owned(),
        _ => return None,
    };
    Some(line("look", format!("job {} {what}", beside.job)))
}

pub(super) fn stragglers(cluster: &Cluster, now_ms: u64) -> Vec<Line> {
    let all: Vec<&Running> = cluster.running.iter().filter(|task| task.straggler).collect();
    let one = |task: &&Running| {
        let node = task.node.as_deref().unwrap_or("an unknown node");
        let since = task.since_ms.map_or_else(String::new, |ms| format!(" since {}", ago(now_ms, ms)));
        let wrote = task.written_ms.map_or_else(|| "nothing yet".to_owned(), |ms| format!("{} ago", ago(now_ms, ms)));
        line(
            "straggler",
            format!(
                "{} on {node}{since}: {} of {} records, wrote {wrote} (task groups {})",
                task.element, task.finished, task.records, task.groups
            ),
        )
    };
    let mut lines: Vec<Line> = all.iter().take(STRAGGLERS_MAX).map(one).collect();
    let more = all.len().saturating_sub(STRAGGLERS_MAX);
    lines.extend((more > 0).then(|| line("", format!("and {more} more: `--json` has all of them"))));
    lines
}

/// The tasks that run, a line each: the stragglers, then those that have most left to do.
pub(super) fn running(cluster: &Cluster, now_ms: u64, width: usize, room: usize) -> Vec<String> {
    // A gap, a heading and one task, or nothing.
    if cluster.running.is_empty() || room < 3 {
        return Vec::new();
    }
    let mut tasks: Vec<&Running> = cluster.running.iter().collect();
    let part = |task: &Running| 1000 * task.finished / task.records.max(1);
    tasks.sort_by_key(|task| (!task.straggler, part(task), task.task));
    let shown = if tasks.len() > room - 2 { room - 3 } else { tasks.len() };
    let is_told = tasks.iter().any(|task| task.straggler);
    let told = if is_told { "  running (! far behind the others)" } else { "  running" };
    let mut lines = vec![String::new(), cut(told, width)];
    for task in tasks.iter().take(shown) {
        let node = task.node.as_deref().unwrap_or("?");
        let since = task.since_ms.map_or_else(|| "?".to_owned(), |ms| ago(now_ms, ms));
        let mark = if task.straggler { '!' } else { ' ' };
        let percent = part(task) as f64 / 10.0;
        let text = format!("  {mark} {:<12} {node:<10} {since:>12} {percent:>6.1} % of {}", task.element, task.records);
        lines.push(cut(&escape::visible(&text), width));
    }
    let more = tasks.len() - shown;
    lines.extend((more > 0).then(|| format!("    and {more} more")));
    lines
}
