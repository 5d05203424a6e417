//! What a driver has told in its log, a line each: which tasks have started, where, and how they ended.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::job::{TaskReport, TaskState};
use crate::text::Value;

/// What such a line begins with. Others are Ray's, or whoever's.
const MARK: &str = "molsieve: ";

/// Why what failed waits.
pub const AGAIN: &str = "TriedAgain";

/// Ends of a command that are a wish to go on.
const CHECKPOINTED: [i32; 2] = [75, 85];

/// What a driver has told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Of the tasks that have started or ended.
    pub tasks: BTreeMap<u64, TaskReport>,
    /// Of what runs at the end.
    pub finally: Option<TaskReport>,
    /// Why nothing starts.
    pub waits: Option<String>,
}

/// One line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    task: Option<u64>,
    state: String,
    exit: Option<i32>,
    why: Option<String>,
    what: Option<String>,
    node: Option<String>,
    start: Option<String>,
}

/// Reads the log of a driver of `count` tasks. The last line may still be being written; what is no line of ours is skipped, and
/// so is what speaks of no task of this job.
pub fn read(log: &str, count: u64) -> Told {
    let mut told = Told::default();
    for line in log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let Some(line) = line.trim_end().strip_prefix(MARK) else { continue };
        let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
        match (line.state.as_str(), line.task) {
            ("started" | "ended", Some(task)) if task < count => {
                let before = told.tasks.get(&task);
                // How it ended the first time stands.
                if before.is_none_or(|before| !before.state.is_final()) {
                    let report = report(&line, before);
                    told.tasks.insert(task, report);
                }
            }
            ("again", Some(task)) if task < count => {
                let before = told.tasks.get(&task);
                if before.is_none_or(|before| !before.state.is_final()) {
                    let report = TaskReport { reason: Some(AGAIN.to_owned()), ..TaskReport::of(TaskState::Pending) };
                    told.tasks.insert(task, report);
                }
            }
            ("finally started" | "finally ended", None) => told.finally = Some(report(&line, told.finally.as_ref())),
            ("waits", None) => told.waits = line.why.as_deref().and_then(sentence),
            _ => {}
        }
    }
    told
}

fn report(line: &Line, before: Option<&TaskReport>) -> TaskReport {
    let word = |text: &Option<String>| text.as_deref().and_then(Value::new).map(|word| word.as_str().to_owned());
    let ended = line.state.ends_with("ended");
    TaskReport {
        state: if ended { end(line) } else { TaskState::Running },
        node: word(&line.node).or_else(|| before?.node.clone()),
        reason: line.what.as_deref().or(line.why.as_deref()).and_then(sentence),
        start: word(&line.start).or_else(|| before?.start.clone()),
    }
}

/// How a task ended, by the word of the driver and the exit code of the command; a signal is an exit code below 0.
fn end(line: &Line) -> TaskState {
    let went_well = line.exit.filter(|exit| *exit == 0 || CHECKPOINTED.contains(exit)).map(TaskState::of_exit);
    match line.why.as_deref() {
        None => match line.exit {
            Some(exit) if exit >= 0 => TaskState::of_exit(exit),
            Some(_) => TaskState::NodeFailed,
            None => TaskState::Unknown,
        },
        Some("cancelled") => TaskState::Cancelled,
        Some("time limit") => went_well.unwrap_or(TaskState::TimedOut),
        Some("out of memory") => TaskState::OutOfMemory,
        Some("lost") => TaskState::NodeFailed,
        Some(_) => TaskState::Unknown,
    }
}

/// A short text of somebody else's, in one line.
fn sentence(text: &str) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(log: &str) -> Vec<(u64, TaskState)> {
        read(log, 10).tasks.into_iter().map(|(task, report)| (task, report.state)).collect()
    }

    fn ended(more: &str) -> TaskState {
        states(&format!("molsieve: {{\"task\": 1, \"state\": \"ended\", {more}}}\n"))[0].1
    }

    #[test]
    fn every_end_has_its_state() {
        for (more, state) in [
            (r#""exit": 0, "why": null"#, TaskState::Succeeded),
            (r#""exit": 75"#, TaskState::Checkpointed),
            (r#""exit": 2"#, TaskState::Failed { exit: 2 }),
            (r#""exit": 6"#, TaskState::Failed { exit: 6 }),
            (r#""exit": -9"#, TaskState::NodeFailed),
            (r#""exit": 75, "why": "time limit""#, TaskState::Checkpointed),
            (r#""exit": -9, "why": "time limit""#, TaskState::TimedOut),
            (r#""exit": 75, "why": "cancelled""#, TaskState::Cancelled),
            (r#""why": "out of memory""#, TaskState::OutOfMemory),
            (r#""why": "lost", "what": "NodeDiedError""#, TaskState::NodeFailed),
            (r#""why": "a new word""#, TaskState::Unknown),
            (r#""why": null"#, TaskState::Unknown),
        ] {
            assert_eq!(ended(more), state, "{more}");
        }
    }

    #[test]
    fn a_task_that_was_lost_runs_again_on_another_node_and_ends_once() {
        let log = "\
2026-11-28 18:00:00 INFO worker.py: Connecting\n\
molsieve: {\"task\": 0, \"state\": \"started\", \"node\": \"n1\", \"start\": \"2026-11-28T18:00:01\"}\n\
molsieve: {\"task\": 0, \"state\": \"started\", \"node\": \"n2\", \"start\": \"2026-11-28T18:00:09\"}\n";
        let running = &read(log, 1).tasks[&0];
        assert_eq!((running.state, running.node.as_deref()), (TaskState::Running, Some("n2")));
        let ended = format!("{log}molsieve: {{\"task\": 0, \"state\": \"ended\", \"exit\": 0}}\n");
        let twice = format!("{ended}molsieve: {{\"task\": 0, \"state\": \"ended\", \"exit\": 2}}\n");
        let report = &read(&twice, 1).tasks[&0];
        assert_eq!((report.state, report.node.as_deref()), (TaskState::Succeeded, Some("n2")));
        assert_eq!(report.start.as_deref(), Some("2026-11-28T18:00:09"));
    }

    #[test]
    fn a_task_that_failed_and_is_tried_again_does_not_run_until_it_has_started() {
        let log = |more: &str| {
            format!("molsieve: {{\"task\": 0, \"state\": \"started\"}}\nmolsieve: {{\"task\": 0, {more}}}\n")
        };
        let again = log("\"state\": \"again\", \"exit\": -9, \"node\": \"n1\"");
        let report = &read(&again, 1).tasks[&0];
        assert_eq!((report.state, report.reason.as_deref(), &report.node), (TaskState::Pending, Some(AGAIN), &None));
        let started = again.clone() + "molsieve: {\"task\": 0, \"state\": \"started\", \"node\": \"n2\"}\n";
        assert_eq!(states(&started), [(0, TaskState::Running)]);
        let ended = log("\"state\": \"ended\", \"exit\": 0") + "molsieve: {\"task\": 0, \"state\": \"again\"}\n";
        assert_eq!(states(&ended), [(0, TaskState::Succeeded)]);
    }

    #[test]
    fn half_a_line_noise_and_strangers_are_skipped() {
        for line in [
            "molsieve: {\"task\": 0, \"state\": \"started\"",
            "molsieve: {\"task\": 0, \"state\": \"started\"}",
            "molsieve: {\"task\": 99, \"state\": \"started\"}\n",
            "molsieve: {\"task\": -1, \"state\": \"started\"}\n",
            "molsieve: {\"task\": 0, \"state\": \"started\", \"more\": 1}\n",
            "molsieve: {\"task\": 0, \"state\": \"flies\"}\n",
            "molsieve: [0]\n",
            "MOLSIEVE: {\"task\": 0, \"state\": \"started\"}\n",
            "\n\u{0}\n",
        ] {
            assert_eq!(states(line), [], "{line:?}");
        }
    }

    #[test]
    fn what_runs_at_the_end_and_what_nothing_waits_for_is_heard() {
        let told = read("molsieve: {\"state\": \"waits\", \"why\": \"no node has so much\"}\n", 1);
        assert_eq!(told.waits.as_deref(), Some("no node has so much"));
        let started = "molsieve: {\"state\": \"finally started\"}\n";
        assert_eq!(read(started, 1).finally.unwrap().state, TaskState::Running);
        let ended = format!("{started}molsieve: {{\"state\": \"finally ended\", \"exit\": 3}}\n");
        assert_eq!(read(&ended, 1).finally.unwrap().state, TaskState::Failed { exit: 3 });
    }

    #[test]
    fn words_of_others_are_kept_short_and_plain() {
        let log = format!(
            "molsieve: {{\"task\": 0, \"state\": \"started\", \"node\": \"n 1\", \"what\": \"a\\u001b{}\"}}\n",
            "x".repeat(500)
        );
        let report = &read(&log, 1).tasks[&0];
        assert_eq!(report.node, None);
        assert!(report.reason.as_ref().is_some_and(|why| why.len() <= 120 && !why.contains('\u{1b}')), "{report:?}");
    }
}
