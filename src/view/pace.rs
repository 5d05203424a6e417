//! How fast a campaign on a cluster goes, from its files: there is no driver who would say it.

use std::io::Read;

use serde::Serialize;

use super::cluster::Cluster;
use crate::campaign::file::Campaign;
use crate::clock;
use crate::fs;
use crate::journal::event::{Entry, Event};
use crate::journal::state::{State, Wave};
use crate::layout::CampaignDir;
use crate::run::look::Look;

/// Before that, nothing is said.
const KNOWN_AFTER_MS: u64 = 5_000;

/// Before so much time has passed, or so many parts of what is left were done in it, a wave does not tell its end: its first
/// tasks say how long a start takes, and little else.
const TELLING_AFTER_S: f64 = 20.0;
const TELLING_PART: u64 = 50;

/// After so long it does, whatever was done.
const TELLING_ANYHOW_S: f64 = 600.0;

/// The logs of so many tasks, the first ones, are asked when the first of them began.
const LOGS: u64 = 8;

/// A line of a log that is longer is not one of ours.
const LINE_BYTES: u64 = 4096;

/// What a rate rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Basis {
    /// `driver`: since the driver at work began; `wave`: since the first task of the active wave began.
    pub since: &'static str,
    /// Records that were finished since.
    pub finished: u64,
    /// Seconds since.
    pub elapsed_s: f64,
}

impl Basis {
    /// Records a second; none before anything is finished.
    pub fn records_per_s(&self) -> Option<f64> {
        (self.finished > 0 && self.elapsed_s > 0.0).then(|| self.finished as f64 / self.elapsed_s)
    }

    /// Whether it says how long what is left will take. A driver's does from the beginning: its workers are there already.
    pub fn tells_the_end(&self, left: u64) -> bool {
        let is_much = self.elapsed_s >= TELLING_AFTER_S && self.finished.saturating_mul(TELLING_PART) >= left;
        self.since == "driver" || is_much || self.elapsed_s >= TELLING_ANYHOW_S
    }
}

/// What was done since the first task of the active wave began; none before one did, and for some seconds after it.
pub fn of_wave(
    campaign: &Campaign,
    state: &State,
    entries: &[Entry],
    look: &Look<'_>,
    cluster: &Cluster,
) -> Option<Basis> {
    let wave = state.active.as_ref()?;
    let intended_ms = entries.iter().rev().find_map(|entry| match entry.event {
        Event::WaveIntended { wave: number, .. } if number == wave.number => Some(entry.at_ms),
        _ => None,
    })?;
    let sealers = campaign.plan.all_groups().filter_map(|group| look.sealer(group)).map(|sealer| sealer.started_ms);
    let running = cluster.running.iter().filter_map(|task| task.since_ms);
    // What began earlier belongs to an earlier wave, or to a clock that is wrong.
    let known = sealers.chain(running).chain(from_logs(campaign, wave)).filter(|ms| *ms >= intended_ms);
    let elapsed_ms = clock::unix_ms().saturating_sub(known.min()?);
    let finished = look.finished().saturating_sub(wave.finished);
    (elapsed_ms >= KNOWN_AFTER_MS).then(|| Basis { since: "wave", finished, elapsed_s: elapsed_ms as f64 / 1e3 })
}

/// When the first tasks of `wave` began, by the first lines of their logs.
fn from_logs(campaign: &Campaign, wave: &Wave) -> impl Iterator<Item = u64> {
    (0..LOGS).filter_map(move |task| {
        let path = campaign.dir.log(&CampaignDir::task_name(wave.number, task));
        let mut start = Vec::new();
        fs::open_plain(&path).ok()?.take(LINE_BYTES).read_to_end(&mut start).ok()?;
        let line = start.split(|byte| *byte == b'\n').next()?;
        let entry: serde_json::Value = serde_json::from_slice(line).ok()?;
        clock::of_utc(entry.get("timestamp")?.as_str()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_that_has_just_begun_does_not_tell_its_end() {
        let basis = |since, finished, elapsed_s| Basis { since, finished, elapsed_s };
        assert!(!basis("wave", 900, 6.0).tells_the_end(1000), "too early");
        assert!(!basis("wave", 10, 60.0).tells_the_end(100_000), "from too little");
        assert!(basis("wave", 2000, 60.0).tells_the_end(100_000));
        assert!(basis("wave", 10, 700.0).tells_the_end(100_000), "it is slow, and will be");
        assert!(basis("driver", 1, 5.0).tells_the_end(100_000));
    }
}
