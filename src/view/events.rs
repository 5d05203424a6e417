//! The last events of a campaign, in words.

use serde::Serialize;

use crate::journal::event::{Entry, Event};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happened {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What.
    pub what: String,
}

/// The last `count` events, the oldest first. What only counts, such as core time, is left out.
pub fn last(entries: &[Entry], count: usize) -> Vec<Happened> {
    let told = |entry: &Entry| Some(Happened { at_ms: entry.at_ms, what: in_words(&entry.event)? });
    let mut last: Vec<Happened> = entries.iter().rev().filter_map(told).take(count).collect();
    last.reverse();
    last
}

fn in_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Planned { .. } => "planned".to_owned(),
        Event::DriverStarted { host, .. } => format!("started by somebody on {host}"),
        Event::WaveIntended { .. } | Event::TickIntended { .. } | Event::CoreTime { .. } => return None,
        Event::WaveSubmitted { wave, job } => format!("wave {wave} is in the queue as {job}"),
        Event::WaveRefused { wave, what } => format!("wave {wave} was refused: {what}"),
        Event::TaskFailed { wave, task, state, node, what, .. } => {
            let node = node.as_ref().map_or_else(String::new, |node| format!(" on {node}"));
            format!("task {task} of wave {wave} ended{node} as {state}: {what}")
        }
        Event::WaveCancelled { wave } => format!("wave {wave} was asked to end"),
        Event::Held { wave, released, ended, what } => {
            let (go, end) = (released.len(), ended.len());
            format!("tasks of wave {wave} were held ({what}): {go} let go, {end} ended")
        }
        Event::TickSubmitted { round, job } => format!("tick {round} follows it as {job}"),
        Event::TickLost { round, what } => format!("tick {round} is not there: {what}"),
        Event::Ticked { round: Some(round), host, .. } => format!("tick {round} went on, on {host}"),
        Event::Ticked { round: None, host, .. } => format!("a look, or somebody's tick, went on, on {host}"),
        Event::Amended { changes } => {
            let all: Vec<String> = changes.iter().map(|(key, change)| format!("{key} {change}")).collect();
            format!("changed: {}", all.join(", "))
        }
        Event::CarriedOver { carried, retried, .. } => {
            format!("{carried} rows taken over, {retried} to be scored again")
        }
        Event::Archived { .. } => "archived".to_owned(),
        Event::WaveEnded { wave, .. } => format!("wave {wave} has ended"),
        Event::Stopped { reason } => format!("stopped: {reason}"),
        Event::QueueCleared {} => "the scheduler was told to end what it has of it".to_owned(),
        Event::Paused { reason, .. } => format!("paused: {reason}"),
        Event::Failed { what, .. } => format!("failed: {what}"),
        Event::Sealed { complete: true, .. } => "sealed".to_owned(),
        Event::Sealed { complete: false, .. } => "sealed, INCOMPLETE".to_owned(),
        Event::Signed { keyid } => format!("signed with key {keyid}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn the_last_events_are_told_and_what_only_counts_is_not() {
        let entry = |at_ms, event| Entry { schema: String::new(), seq: 0, prev: Digest::default(), at_ms, event };
        let entries = [
            entry(1, Event::WaveSubmitted { wave: 1, job: "7".into() }),
            entry(2, Event::CoreTime { core_ms: 9 }),
            entry(3, Event::WaveEnded { wave: 1, core_ms: None }),
        ];
        let told = last(&entries, 2);
        assert_eq!(told.iter().map(|h| h.at_ms).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(told[1].what, "wave 1 has ended");
        assert_eq!(last(&entries, 1).len(), 1);
    }
}
