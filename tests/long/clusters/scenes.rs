//! The scenes: a campaign each, and one fault, or all of them.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use super::faults;
use super::late::Late;
use super::seen::{self, jobs};
use super::slurm::{Slurm, until};
use super::stage::{Act, Stage};
use crate::chance::Chance;

/// The nodes of the cluster.
const NODES: [&str; 4] = ["n1", "n2", "n3", "n4"];

/// Those that all see in the same way, where the files of n4 are late.
const SHARED: [&str; 3] = ["n1", "n2", "n3"];

/// A campaign as it should be: one wave, one tick.
pub fn nothing(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "quiet", "10min", "");
    show(&scene, &|| {
        scene.submit();
        scene.ends_well(180);
        assert_eq!(jobs(&scene.dir(), "wave_submitted").len(), 1, "one wave is enough");
    });
}

/// What a scene is shown by: it runs, and is noted, whatever comes of it.
pub type Show<'a> = &'a dyn Fn(&Act<'_>, &dyn Fn());

/// Tasks that are told of their time limit end at a checkpoint and go on from it.
pub fn time_limit(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "time-limit", "1min", "signal_before = \"30s\"");
    show(&scene, &|| {
        scene.begin(4, &NODES);
        faults::time_limit(&scene);
        scene.release();
        scene.ends_well(240);
    });
}

pub fn preemption(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    alone(stage, slurm, show, "preemption", &|scene| faults::preemption(scene, "n2"));
}

pub fn crash(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    alone(stage, slurm, show, "crash", &|scene| faults::crash(scene, "n1"));
}

pub fn cancelled_element(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    alone(stage, slurm, show, "cancelled", &|scene| faults::cancelled_element(scene, "n3"));
}

pub fn requeued_element(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    alone(stage, slurm, show, "requeued", &|scene| faults::requeued_element(scene, "n3"));
}

/// As many tasks as may run, so that what is put back into the queue begins again at once.
pub fn orphans(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "orphans", "10min", "tasks = 18");
    show(&scene, &|| {
        scene.begin(12, &NODES);
        let _ = faults::orphans(&scene, "n2");
        scene.release();
        // The orphans end by themselves; then the node comes back.
        scene.await_seal(180, || {});
        scene.slurm.repair("n2");
        scene.ends_well(60);
    });
}

/// A fault that befalls a campaign at work on all nodes, which then goes on without being held.
fn alone(stage: &Stage, slurm: &Slurm, show: Show<'_>, name: &str, fault: &dyn Fn(&Act<'_>)) {
    let scene = stage.scene(slurm, name, "10min", "");
    show(&scene, &|| {
        scene.begin(4, &NODES);
        scene.has_no_strays();
        fault(&scene);
        scene.release();
        scene.ends_well(240);
    });
}

/// Tasks that want more memory than was asked for get more in the next wave.
pub fn want_of_memory(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "memory", "10min", "");
    show(&scene, &|| {
        scene.switch("hungry", Some("7 47 87"));
        scene.submit();
        faults::want_of_memory(&scene);
        scene.ends_well(240);
        asked_for_more(&scene);
    });
}

/// Some later wave asked for twice the memory, because the journal says why a task ended.
fn asked_for_more(scene: &Act<'_>) {
    let failed = seen::events_of(&scene.dir(), "task_failed");
    assert!(failed.iter().any(|event| event["state"] == "OutOfMemory"), "the journal knows whose fault it was");
    let launch = std::fs::read_dir(scene.dir().join("launch")).unwrap().flatten();
    let more =
        launch.filter(|entry| std::fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("--mem=400M")));
    let names: Vec<String> = more.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.is_empty(), "a wave asks for 400M");
    scene.note(format!("asked for 400M: {}", names.join(", ")));
}

/// A node on which everything fails at once is left out.
pub fn bad_node(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "bad-node", "10min", "");
    show(&scene, &|| {
        scene.switch("bin/bad", Some("n3"));
        scene.switch("hold", Some("1"));
        scene.submit();
        faults::await_bad_node(&scene, "n3", 3);
        scene.release();
        // It stays as bad as it is.
        scene.ends_well(240);
    });
}

/// Nobody answers for a minute: the tasks end meanwhile, and a tick that has something to submit waits.
pub fn controller_away(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "controller", "10min", "");
    show(&scene, &|| {
        scene.begin(4, &NODES);
        faults::controller_away(&scene, 30, || scene.release());
        until("all its tasks are known to have ended", 60, || seen::events_of(&scene.dir(), "ticked").len() == 1);
        scene.ends_well(240);
    });
    let scene = stage.scene(slurm, "controller-tick", "10min", "settle = \"5s\"");
    show(&scene, &|| {
        scene.begin(4, &NODES);
        faults::cancelled_element(&scene, "n2");
        scene.release();
        let ticks = || seen::events_of(&scene.dir(), "ticked").len();
        until("the tick is at work", 60, || ticks() == 1);
        faults::controller_away(&scene, 60, || {
            assert_eq!(jobs(&scene.dir(), "wave_submitted").len(), 1, "the tick has yet to submit");
            assert!(!scene.processes().is_empty(), "it is at work");
            scene.note(format!("the tick is at work meanwhile, as process {:?}", scene.processes()));
        });
        scene.ends_well(240);
        assert_eq!(jobs(&scene.dir(), "wave_submitted").len(), 2, "it submitted when it was heard");
    });
}

/// `kill -9` of the driver before and after it hands a job over.
pub fn killed_driver(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "driver", "10min", "");
    show(&scene, &|| {
        scene.switch("hold", Some("2"));
        kill_drivers(&scene, &["before-wave", "after-wave", "before-tick", "after-tick"]);
        scene.release();
        scene.ends_well(180);
    });
}

/// Drivers that die at each of `moments`, each followed by another; the last one lives.
fn kill_drivers(scene: &Act<'_>, moments: &[&str]) {
    for moment in moments {
        std::fs::remove_file(scene.path("bin/answer")).unwrap_or_default();
        scene.switch(&format!("bin/{moment}"), Some(""));
        let died = scene.try_to_submit();
        assert_eq!(died.status.signal(), Some(9), "{moment}: {}", String::from_utf8_lossy(&died.stderr));
        let last = seen::events(&scene.dir()).pop().unwrap();
        let intent = if moment.ends_with("wave") { "wave_intended" } else { "tick_intended" };
        assert_eq!(last["kind"], intent, "{moment}: it died between intent and receipt: {last}");
        let tag = last["tag"].as_str().unwrap();
        let named = || {
            let said = scene.slurm.said("squeue", &["--noheader", "--format=%F", "--name", tag]);
            let mut ids: Vec<String> = said.lines().map(|line| line.trim().to_owned()).collect();
            ids.dedup();
            ids
        };
        let answer = std::fs::read_to_string(scene.path("bin/answer")).unwrap_or_default().trim().to_owned();
        let expected: Vec<String> = if answer.is_empty() { Vec::new() } else { vec![answer] };
        assert_eq!(moment.starts_with("after"), !expected.is_empty(), "{moment}");
        assert_eq!(named(), expected, "{moment}: what the queue has of {tag}");
        scene.note(format!("{moment}: killed after `{intent}` of {tag}; the queue has {expected:?}"));
        scene.has_no_strays();
    }
    scene.submit();
    // What was handed over and not heard of is found by its name, and not asked for twice.
    let waves = jobs(&scene.dir(), "wave_submitted");
    assert_eq!(waves.len(), 1, "one array in all: {waves:?}");
    let said = scene.slurm.said("squeue", &["--noheader", "--format=%j", "--states=PD"]);
    let mut names: Vec<&str> = said.lines().map(str::trim).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "nothing waits twice: {names:?}");
    scene.note(format!("in the end one array, {}, and behind it, once each, {}", waves[0], names.join(", ")));
}

/// A worker that somebody starts by hand on the wave and task of one that runs.
pub fn twin(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "twin", "10min", "");
    show(&scene, &|| {
        scene.begin(4, &NODES);
        let (mut child, group) = faults::twin(&scene, "n1");
        scene.release();
        assert!(child.wait().unwrap().success(), "the twin ends well");
        scene.ends_well(180);
        scene.note(format!("receipts of task group {group}: {}", faults::receipts(&scene, &group)));
    });
}

/// Files of one node that are seen late: before their tick gives them up, and after it has.
pub fn late_files(stage: &Stage, slurm: &Slurm, show: Show<'_>) {
    let scene = stage.scene(slurm, "late", "10min", "settle = \"20s\"");
    show(&scene, &|| {
        let late = Late::begin(&scene, "n4");
        ended_and_hidden(&scene, &late);
        std::thread::sleep(Duration::from_secs(4));
        scene.note(format!("{} receipts shown within `settle`", late.hidden()));
        let _ = late.show();
        scene.ends_well(120);
        assert_eq!(jobs(&scene.dir(), "wave_submitted").len(), 1, "nothing was asked for again");
        Late::end(&scene, "n4");
    });
    let scene = stage.scene(slurm, "too-late", "10min", "settle = \"2s\"");
    show(&scene, &|| {
        let late = Late::begin(&scene, "n4");
        ended_and_hidden(&scene, &late);
        scene.switch("hold", Some("2"));
        until("the tick asks again", 60, || jobs(&scene.dir(), "wave_submitted").len() == 2);
        let again = seen::events_of(&scene.dir(), "wave_intended").pop().unwrap()["groups"].to_string();
        scene.note(format!("{} receipts shown after {again} task groups were asked for again", late.hidden()));
        let _ = late.show();
        scene.release();
        scene.await_seal(120, || _ = late.show());
        scene.ends_well(120);
        Late::end(&scene, "n4");
    });
}

/// The first wave, of which the tick sees less than there is.
fn ended_and_hidden(scene: &Act<'_>, late: &Late) {
    scene.begin(2, &NODES);
    scene.release();
    until("the tick is at work", 120, || !seen::events_of(&scene.dir(), "ticked").is_empty());
    let hidden = late.hidden();
    let done: Vec<_> =
        scene.elements().into_iter().filter(|element| element.node == "n4" && element.state == "COMPLETED").collect();
    assert!(hidden > 0 && !done.is_empty(), "n4 has done something that nobody sees");
    scene.note_change(&format!("{hidden} receipts that nobody sees"), &[], &done);
}

/// All of them in one campaign, in an order that the seed gives.
pub fn all_together(stage: &Stage, slurm: &Slurm, show: Show<'_>, seed: u64) {
    type Fault = (&'static str, fn(&Act<'_>));
    let mut faults: Vec<Fault> = vec![
        ("preemption", |scene| faults::preemption(scene, scene.busiest(&SHARED))),
        ("crash", |scene| faults::crash(scene, scene.busiest(&SHARED))),
        ("cancelled element", |scene| faults::cancelled_element(scene, scene.busiest(&SHARED))),
        ("requeued element", |scene| faults::requeued_element(scene, scene.busiest(&SHARED))),
        ("orphans", |scene| {
            let node = scene.busiest(&SHARED);
            let orphans = faults::orphans(scene, node);
            // Somebody starts that machine anew.
            for pid in orphans {
                let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).output();
            }
            scene.slurm.repair(node);
        }),
        ("bad node", |scene| {
            faults::bad_node(scene, scene.busiest(&SHARED));
            // Somebody mends it: else the tick itself might be given to it.
            scene.switch("bin/bad", None);
        }),
        ("want of memory", faults::hunger),
        ("time limit", faults::time_limit),
        ("controller", |scene| faults::controller_away(scene, 20, || {})),
        ("twin", |scene| {
            let mut child = faults::twin(scene, scene.busiest(&SHARED)).0;
            // It is not the scheduler's, so it would be called a stray.
            child.kill().unwrap();
            child.wait().unwrap();
        }),
    ];
    let mut chance = Chance::new(seed);
    for last in (1..faults.len()).rev() {
        faults.swap(last, chance.below(last as u64 + 1) as usize);
    }
    let scene = stage.scene(slurm, "all", "3min", "signal_before = \"60s\"\nsettle = \"4s\"\ntasks = 18");
    show(&scene, &|| {
        scene.note(format!("seed {seed}: {}", faults.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")));
        let late = Late::begin(&scene, "n4");
        scene.switch("hold", Some("20"));
        kill_drivers(&scene, &["before-wave", "after-tick"]);
        let mut shown = 0;
        for (name, fault) in &faults {
            eprintln!("  {name}");
            shown += late.show();
            fault(&scene);
        }
        scene.release();
        let shown = std::cell::Cell::new(shown);
        scene.await_seal(300, || {
            std::thread::sleep(Duration::from_secs(3));
            shown.set(shown.get() + late.show());
        });
        assert!(shown.get() > 0, "some receipts of n4 were late");
        scene.note(format!("{} receipts of n4 were seen late by all others", shown.get()));
        scene.ends_well(60);
        asked_for_more(&scene);
        Late::end(&scene, "n4");
    });
}
