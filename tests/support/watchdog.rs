//! A limit of time for whatever a test starts: a command that hangs is ended, with all that it started, and its test fails.
//!
//! One thread looks at the children of this process every few seconds, whoever started them and however they are waited for: so
//! nothing needs to be called in another way. What is too old is killed, and said with its name; what it printed is in the
//! message of the test, which finds it dead. A test that hangs by itself ends the whole run, with its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a command may take, unless `MOLSIEVE_TEST_MINUTES` says another number: far longer than any does.
const MINUTES: u64 = 15;

/// A test may take so many times as long as a command.
const COMMANDS: u32 = 3;

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A child that was too slow.
#[derive(Clone, Debug)]
pub struct Victim {
    pub pid: u32,
    /// Its argument vector.
    pub line: String,
    cwd: PathBuf,
}

static VICTIMS: Mutex<Vec<Victim>> = Mutex::new(Vec::new());
static PLACES: Mutex<BTreeMap<u64, (String, Instant)>> = Mutex::new(BTreeMap::new());

/// A place in which a test is at work.
#[derive(Debug)]
pub struct Place {
    number: u64,
    path: PathBuf,
}

impl Place {
    /// The test of this thread is at work in `path`, and is watched from now on.
    pub fn of(path: &Path) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        start();
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        PLACES.lock().unwrap().insert(number, (name, Instant::now()));
        Self { number, path: path.to_path_buf() }
    }

    /// What was started here, or for here, and was too slow.
    pub fn victims(&self) -> Vec<Victim> {
        let path = self.path.display().to_string();
        let is_here = |victim: &&Victim| victim.cwd.starts_with(&self.path) || victim.line.contains(&path);
        VICTIMS.lock().unwrap().iter().filter(is_here).cloned().collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        PLACES.lock().unwrap().remove(&self.number);
        let slow: Vec<String> = self.victims().iter().map(|victim| format!("`{}`", victim.line)).collect();
        assert!(slow.is_empty() || std::thread::panicking(), "too slow, and killed: {}", slow.join(", "));
    }
}

/// Watches from now on; once is enough.
pub fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let minutes = std::env::var("MOLSIEVE_TEST_MINUTES").ok().and_then(|text| text.parse().ok());
        let limit = Duration::from_secs(60 * minutes.unwrap_or(MINUTES));
        std::thread::spawn(move || watch(limit));
    });
}

fn watch(limit: Duration) {
    let mut seen = BTreeMap::new();
    loop {
        std::thread::sleep(LOOK_EVERY);
        end_old(&mut seen, limit, |_| true);
        let overdue = |(_, since): &&(String, Instant)| since.elapsed() > limit * COMMANDS;
        if let Some((name, since)) = PLACES.lock().unwrap().values().find(overdue) {
            eprintln!(
                "the test {name} has not ended after {} s: nothing else is waited for",
                since.elapsed().as_secs()
            );
            end_old(&mut BTreeMap::new(), Duration::ZERO, |_| true);
            std::process::exit(101);
        }
    }
}

/// A process: its number, and when it was started, since numbers come again.
type Process = (u32, u64);

/// Kills the children of this process that were `seen` for longer than `limit`, of those that `are_meant`.
pub fn end_old(seen: &mut BTreeMap<Process, Instant>, limit: Duration, are_meant: impl Fn(u32) -> bool) {
    let parents = parents();
    let own = std::process::id();
    let children: Vec<Process> =
        parents.iter().filter(|(_, parent)| **parent == own).map(|(child, _)| *child).collect();
    seen.retain(|child, _| children.contains(child));
    for child in children.into_iter().filter(|(pid, _)| are_meant(*pid)) {
        if seen.entry(child).or_insert_with(Instant::now).elapsed() < limit {
            continue;
        }
        let victim = victim(child.0);
        eprintln!("killed, since it has not ended after {} s: {} ({})", limit.as_secs(), victim.line, victim.pid);
        VICTIMS.lock().unwrap().push(victim);
        stopped_family(child.0).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        seen.remove(&child);
    }
}

fn victim(pid: u32) -> Victim {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ").trim().to_owned();
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    Victim { pid, line, cwd }
}

/// The parent of each process.
fn parents() -> BTreeMap<Process, u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let known = pids.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(((pid, fields.get(19)?.parse().ok()?), fields.get(1)?.parse().ok()?))
    });
    known.collect()
}

/// A process, and all that it started and that is still below it, whatever holds its output open. Each is stopped before its
/// children are looked for: else it could start one more, or see one of them end, and go on.
fn stopped_family(pid: u32) -> Vec<u32> {
    signal(pid, Signal::STOP);
    let children: Vec<u32> =
        parents().iter().filter(|(_, parent)| **parent == pid).map(|((child, _), _)| *child).collect();
    [pid].into_iter().chain(children.into_iter().flat_map(stopped_family)).collect()
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        // (It may have ended meanwhile.)
        let _ = kill_process(pid, signal);
    }
}
