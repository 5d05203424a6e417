//! How it ends: stops, and what is left behind.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::*;

/// The processes whose command line holds `marker`, zombies excluded.
fn alive(marker: &str) -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.windows(marker.len()).any(|part| part == marker.as_bytes()) && *id != std::process::id() as i32
    })
    .collect()
}

/// Waits until no process is left whose command line holds `marker`.
fn assert_none_left(marker: &str, mode: &str) {
    for _ in 0..500 {
        if alive(marker).is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{mode}: left behind: {:?}", alive(marker));
}

fn zombies() -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let own = format!(" Z {} ", std::process::id());
    let stats = entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats.filter(|stat| stat.contains(&own) && (stat.contains("python") || stat.contains("molsieve"))).count()
}

/// A marker that no other process has on its command line.
fn marker() -> (tempfile::TempDir, String) {
    crate::support::env::watchdog::start();
    let dir = tempfile::tempdir().unwrap();
    let name = dir.path().to_str().unwrap().to_owned();
    (dir, name)
}

/// In a process of its own: what tests beside this one have started and not yet waited for is none of its business.
#[test]
fn no_process_is_left_however_a_pool_ends() {
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["scorers::ends::no_process_is_left", "--exact", "--ignored", "--test-threads=1"]);
    let output = alone.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "the child of the test above"]
fn no_process_is_left() {
    for (mode, argument) in [
        ("ok", ""),
        ("ignores_signals", ""),
        ("leaves_grandchildren", ""),
        ("crash_on", POISON),
        ("nan", ""),
        ("closes_stdout", ""),
        ("bad_hello", "no_name"),
    ] {
        let (_dir, marker) = marker();
        let mut settings = settings(&[mode, argument, &marker]);
        settings.limits.end = Duration::from_millis(300);
        let run = Run::of(settings);
        drop(run);
        assert_none_left(&marker, mode);
    }
    assert_eq!(zombies(), 0, "children were never waited for");
}

#[test]
fn a_probe_leaves_no_process() {
    for mode in ["ok", "ignores_signals", "leaves_grandchildren"] {
        let (_dir, marker) = marker();
        probe(&[mode, "", &marker]).unwrap();
        assert_none_left(&marker, mode);
    }
}

#[test]
fn children_live_on_from_shard_to_shard() {
    let mut settings = settings(&["ok"]);
    settings.children.truncate(1);
    let mut pool = CommandPool::new(settings).unwrap();
    for _ in 0..3 {
        let (mut source, mut sink) = library();
        assert_eq!(pool.run(&mut source, &mut sink, &Stop::new()).unwrap(), Ended::Done);
        assert_eq!(sink.rows.len(), 40);
    }
    assert_eq!(pool.facts().starts, 1);
}

#[test]
fn a_stop_keeps_what_is_finished_and_blames_nobody() {
    let stop = Stop::new();
    let (mut source, mut sink) = library();
    source.unfinished_max = 8;
    sink.stop_after = Some((8, stop.clone()));
    let run = Run::on(settings(&["ok"]), source, sink, &stop);
    assert_eq!(run.ended.as_ref().ok(), Some(&Ended::Stopped));
    assert!((8..=24).contains(&run.rows().len()), "{}", run.rows().len());
    assert!(run.rows().iter().all(|row| row.contains(",OK,")));

    let stop = Stop::new();
    let (source, mut sink) = library();
    sink.stop_after = Some((1, stop.clone()));
    let hung = Run::on(settings(&["hang_on", POISON]), source, sink, &stop);
    assert_eq!(hung.ended.ok(), Some(Ended::Stopped));
    assert_eq!((hung.facts.timeouts, hung.facts.crashes), (0, 0));
    assert!(hung.sink.rows.values().all(|row| row.contains(",OK,")));
}

#[test]
fn a_stop_while_children_start_is_a_stop() {
    let (stop, (source, sink)) = (Stop::new(), library());
    stop.raise();
    let before = Run::on(settings(&["slow_start", "3600"]), source, sink, &stop);
    assert_eq!((before.ended.ok(), before.facts.starts), (Some(Ended::Stopped), 0));

    let (stop, (source, sink)) = (Stop::new(), library());
    let later = stop.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        later.raise();
    });
    let during = Run::on(settings(&["slow_start", "3600"]), source, sink, &stop);
    assert_eq!((during.ended.ok(), during.sink.rows.len()), (Some(Ended::Stopped), 0));
    thread.join().unwrap();
}

#[test]
fn a_scorer_does_not_outlive_a_worker_that_is_killed() {
    let (_dir, marker) = marker();
    // The shell stands for the worker: it starts a scorer through the shim, and is killed.
    // One process, which the marker is an argument of: what a scorer leaves behind itself is another matter.
    let scorer = format!("python3 -c 'import time; time.sleep(3600)' {marker}");
    let script = format!("'{}' __child $$ {scorer} & echo started; wait", env!("CARGO_BIN_EXE_molsieve"));
    let mut shell = Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    // The shell and the shim name `__child`; what does not is the scorer itself.
    let is_scorer = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        !line.is_empty() && !String::from_utf8_lossy(&line).contains("__child")
    };
    let begun = std::time::Instant::now();
    let mut is_up = false;
    while !is_up && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
        is_up = alive(&marker).iter().any(is_scorer);
    }
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert!(is_up, "the scorer never started");
    assert_none_left(&marker, "killed worker");
}

#[test]
fn the_shim_starts_nothing_for_a_parent_that_is_gone() {
    let (_dir, marker) = marker();
    let output =
        Command::new(env!("CARGO_BIN_EXE_molsieve")).args(["__child", "1", "touch"]).arg(&marker).output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is gone"));
    let nothing = Command::new(env!("CARGO_BIN_EXE_molsieve")).arg("__child").output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn what_children_say_on_stderr_is_in_the_log_and_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scorer.stderr");
    let mut settings = settings(&["floods_stderr"]);
    settings.launch.stderr = Some(path.clone());
    Run::of(settings).assert_only_poison("floods_stderr", None);
    let length = std::fs::metadata(&path).unwrap().len();
    assert!((1 << 20..4 << 20).contains(&length), "{length}");
}
