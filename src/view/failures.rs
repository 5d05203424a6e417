//! Which tasks failed, where and why: what the journal noted of waves that have ended, and the last words in the active one.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::campaign::file::Campaign;
use crate::error::Result;
use crate::journal::event::{Entry, Event};
use crate::journal::last_words::LastWords;
use crate::journal::state::State;
use crate::run::wave;
use crate::scheduler;

/// A task that ended otherwise than with everything done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its wave.
    pub wave: u64,
    /// Its position in the wave.
    pub task: u64,
    /// The scheduler's name for it, where the wave was accepted.
    pub element: Option<String>,
    /// The node that it ran on, where that is known.
    pub node: Option<String>,
    /// How the scheduler says that it ended; null while the wave has not.
    pub state: Option<String>,
    /// What the worker said, if it lived to say it.
    pub what: String,
    /// When it was noted; null while the wave has not ended.
    pub at_ms: Option<u64>,
}

/// What failed, in the order in which it was noted.
///
/// # Errors
/// The events of the journal do not follow each other (exit 4), or a file cannot be read (exit 6).
pub fn failures(campaign: &Campaign, entries: &[Entry]) -> Result<Vec<Failure>> {
    // (A campaign on this machine has no binding, and its tasks no names.)
    let binding = scheduler::of(campaign.file.execution.scheduler).ok();
    let mut jobs: BTreeMap<u64, String> = BTreeMap::new();
    let mut all = Vec::new();
    let name = |jobs: &BTreeMap<u64, String>, wave: u64, task: u64| Some(binding?.task_name(jobs.get(&wave)?, task));
    for Entry { at_ms, event, .. } in entries {
        match event {
            Event::WaveSubmitted { wave, job } => drop(jobs.insert(*wave, job.clone())),
            Event::TaskFailed { wave, task, state, node, what, .. } => all.push(Failure {
                wave: *wave,
                task: *task,
                element: name(&jobs, *wave, *task),
                node: node.clone(),
                state: Some(state.clone()),
                what: what.clone(),
                at_ms: Some(*at_ms),
            }),
            _ => {}
        }
    }
    let active = State::of(entries)?.active.map(|wave| wave.number);
    if let Some(wave) = active.filter(|wave| campaign.dir.wave_tasks(*wave).exists()) {
        for task in 0..wave::read(&campaign.dir, wave)?.len() as u64 {
            let Some(words) = LastWords::hear(&campaign.dir, wave, task) else { continue };
            let element = name(&jobs, wave, task);
            all.push(Failure { wave, task, element, node: None, state: None, what: words.what, at_ms: None });
        }
    }
    Ok(all)
}

/// The failures in words: those that ended in the same way and said the same are told once.
pub fn in_words(failures: &[Failure]) -> Vec<String> {
    /// So many of them are named.
    const NAMED_MAX: usize = 5;
    let mut alike: Vec<(&Failure, Vec<String>, Vec<&str>)> = Vec::new();
    for failure in failures {
        let name = failure.element.clone().unwrap_or_else(|| failure.task.to_string());
        let is_alike =
            |other: &Failure| (other.wave, &other.state, &other.what) == (failure.wave, &failure.state, &failure.what);
        let node = failure.node.as_deref();
        match alike.iter_mut().find(|(first, ..)| is_alike(first)) {
            Some((_, names, nodes)) => {
                names.push(name);
                nodes.extend(node.filter(|node| !nodes.contains(node)));
            }
            None => alike.push((failure, vec![name], node.into_iter().collect())),
        }
    }
    let listed = |names: &[String]| {
        let more = if names.len() > NAMED_MAX { ", …" } else { "" };
        format!("{}{more}", names[..names.len().min(NAMED_MAX)].join(", "))
    };
    let one = |(failure, names, nodes): (&Failure, Vec<String>, Vec<&str>)| {
        let whose = if names.len() == 1 { "task".to_owned() } else { format!("{} tasks", names.len()) };
        let nodes: Vec<String> = nodes.into_iter().map(str::to_owned).collect();
        let place = if nodes.is_empty() { String::new() } else { format!(" on {}", listed(&nodes)) };
        let state = failure.state.as_ref().map_or_else(String::new, |state| format!(" as {state}"));
        format!("{whose} {} of wave {} ended{place}{state}: {}", listed(&names), failure.wave, failure.what)
    };
    alike.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(task: u64, node: &str, what: &str) -> Failure {
        Failure {
            wave: 1,
            task,
            element: Some(format!("47_{task}")),
            node: Some(node.to_owned()),
            state: Some("NodeFailed".to_owned()),
            what: what.to_owned(),
            at_ms: Some(1),
        }
    }

    #[test]
    fn failures_that_say_the_same_are_told_once_with_their_nodes() {
        let mut all: Vec<Failure> =
            (0..7).map(|task| failure(task, if task < 3 { "n1" } else { "n2" }, "gone")).collect();
        all.push(failure(9, "n3", "other"));
        let told = in_words(&all);
        assert_eq!(told[0], "7 tasks 47_0, 47_1, 47_2, 47_3, 47_4, … of wave 1 ended on n1, n2 as NodeFailed: gone");
        assert_eq!(told[1], "task 47_9 of wave 1 ended on n3 as NodeFailed: other");
        assert_eq!(told.len(), 2);
    }
}
