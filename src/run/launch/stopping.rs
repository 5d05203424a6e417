//! A launch that was told to stop, and does not end.
//!
//! Ranks wait for each other, and a launcher for all of them: one that hangs, or was suspended by somebody, would keep a launch for
//! ever. So it has a time to come to its checkpoints. Then its launcher is asked to end, which kills the ranks, on other nodes as well;
//! and at last whatever it has started on this machine is killed. What was finished is in the checkpoints.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::clock::Stopwatch;
use crate::host;
use crate::scorer::identity::ScorerLaunch;

/// What ranks have for their checkpoints, beyond what requests in flight have.
const CHECKPOINT: Duration = Duration::from_secs(30);

/// What a launcher has to end its ranks. (Open MPI gives each of them 5 s.)
const LAUNCHER: Duration = Duration::from_secs(15);

/// How long a launch that scores with `scorer` has for its end, once it was told to stop.
pub fn grace(scorer: &ScorerLaunch) -> Duration {
    let in_flight = match scorer {
        ScorerLaunch::Command(command) => Duration::from_millis(command.grace_ms),
        _ => Duration::ZERO,
    };
    in_flight.saturating_add(CHECKPOINT)
}

/// What was done so far to end a launch.
#[derive(Debug)]
pub struct Stopping {
    launcher: Pid,
    grace: Duration,
    told: Option<Stopwatch>,
    /// Since when the launcher is asked to end, and what it had started then.
    asked: Option<(Stopwatch, Vec<Process>)>,
    is_killed: bool,
}

impl Stopping {
    /// Nothing yet, of the launch by `launcher`, whose ranks have `grace`.
    pub const fn new(launcher: Pid, grace: Duration) -> Self {
        Self { launcher, grace, told: None, asked: None, is_killed: false }
    }

    /// Does what is to be done next, where its time has come: `tell` tells the ranks. To be called again and again, until the
    /// launcher has ended and was not yet waited for.
    pub fn go_on(&mut self, tell: impl FnOnce()) {
        let Some(told) = &self.told else {
            self.told = Some(Stopwatch::start());
            return tell();
        };
        match &self.asked {
            None if told.elapsed() >= self.grace => {
                // Before it ends: nobody knows afterwards whose the ranks were.
                self.asked = Some((Stopwatch::start(), tree(self.launcher)));
                let _ = kill_process(self.launcher, Signal::TERM);
            }
            Some((asked, _)) if asked.elapsed() >= LAUNCHER && !self.is_killed => {
                self.is_killed = true;
                self.kill();
            }
            _ => {}
        }
    }

    /// The launcher has ended: what it was asked to end and did not, is killed. Whether anything had to be forced.
    pub fn end(self) -> bool {
        if let Some((_, processes)) = &self.asked {
            processes.iter().for_each(Process::kill);
        }
        self.asked.is_some()
    }

    fn kill(&self) {
        let before = self.asked.iter().flat_map(|(_, processes)| processes);
        before.chain(&tree(self.launcher)).for_each(Process::kill);
    }
}

/// A process of this machine, and no later one of its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    pid: Pid,
    parent: i32,
    /// When it was started, as the system counts.
    started: u64,
}

impl Process {
    /// The process `pid`, if it is there.
    fn of(pid: i32) -> Option<Self> {
        let facts = host::process(pid)?;
        // Its name, in brackets, may hold anything.
        let mut facts = facts.rsplit_once(')')?.1.split_whitespace();
        let parent = facts.nth(1)?.parse().ok()?;
        Some(Self { pid: Pid::from_raw(pid)?, parent, started: facts.nth(17)?.parse().ok()? })
    }

    fn kill(&self) {
        let now = Self::of(self.pid.as_raw_nonzero().get());
        if now.is_some_and(|now| now.started == self.started) {
            let _ = kill_process(self.pid, Signal::KILL);
        }
    }
}

/// `root`, and all that it and these have started and that is there.
fn tree(root: Pid) -> Vec<Process> {
    let numbers = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<Process> =
        numbers.filter_map(|entry| Process::of(entry.file_name().to_str()?.parse().ok()?)).collect();
    let mut found: Vec<Process> = all.iter().filter(|process| process.pid == root).copied().collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|process| process.pid.as_raw_nonzero().get()) {
        found.extend(all.iter().filter(|process| process.parent == parent && process.pid != root));
        next += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// A launcher that runs `script`, and the ranks whose numbers it tells.
    fn launched(script: &str, ranks: usize) -> (std::process::Child, Vec<i32>) {
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let ranks = said.lines().take(ranks).map(|line| line.unwrap().parse().unwrap()).collect();
        (child, ranks)
    }

    fn pid(of: &std::process::Child) -> Pid {
        Pid::from_raw(of.id().cast_signed()).unwrap()
    }

    /// Whether it is there and no mere entry of one that nobody waited for.
    fn lives(pid: i32) -> bool {
        let facts = host::process(pid).unwrap_or_default();
        facts.rsplit_once(')').is_some_and(|(_, facts)| !facts.trim_start().starts_with('Z'))
    }

    #[test]
    fn a_launch_that_does_not_end_is_killed_with_all_that_it_has_started() {
        let script = "sh -c 'sleep 300 & echo $!; kill -STOP $$' & echo $!; wait; sleep 300";
        let (mut launcher, ranks) = launched(script, 2);
        let mut told = 0;
        let mut stopping = Stopping::new(pid(&launcher), Duration::ZERO);
        assert_eq!(tree(pid(&launcher)).len(), 3);
        while launcher.try_wait().unwrap().is_none() {
            stopping.go_on(|| told += 1);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(stopping.end() && told == 1);
        while ranks.iter().any(|rank| lives(*rank)) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_launch_that_ends_in_its_time_is_left_alone() {
        let (mut launcher, ranks) = launched("sleep 300 & echo $!; exit", 1);
        let mut stopping = Stopping::new(pid(&launcher), Duration::from_secs(600));
        launcher.wait().unwrap();
        stopping.go_on(|| {});
        stopping.go_on(|| {});
        assert!(!stopping.end() && lives(ranks[0]));
        let rank = Process::of(ranks[0]).unwrap();
        Process { started: rank.started + 1, ..rank }.kill();
        assert!(lives(ranks[0]), "one that has the number of another is not it");
        rank.kill();
    }
}
