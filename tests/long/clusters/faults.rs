//! What befalls campaigns on a cluster. Each fault says what it hit, and fails where it hit nothing.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::seen::{self, Element};
use super::slurm::until;
use super::stage::Act;

/// The elements of `before` as they are now.
fn now(scene: &Act<'_>, before: &[Element]) -> Vec<Element> {
    let all = scene.elements();
    before.iter().filter_map(|b| all.iter().find(|element| element.id == b.id).cloned()).collect()
}

/// Whether something happened to all of `before` since: they are back in the queue, or have ended.
fn all_hit(after: &[Element], before: &[Element]) -> bool {
    after.len() == before.len() && after.iter().zip(before).all(|(a, b)| a.restarts > b.restarts || !a.runs())
}

/// Somebody with a better claim takes `node`.
pub fn preemption(scene: &Act<'_>, node: &str) {
    let before = scene.await_running_on(node);
    let claim = ["--parsable", "-p", "high", "-w", node, "--exclusive", "--mem=0", "-t", "5", "-o", "/dev/null"];
    let said = scene.slurm.said("sbatch", &[&claim[..], &["--wrap", "sleep 4"]].concat());
    let claim = [said.trim().to_owned()];
    let mut on = Vec::new();
    until("the claim is met", 60, || {
        on = seen::elements(scene.slurm, &claim);
        on.iter().any(|job| job.node == node && (job.runs() || job.state == "COMPLETED"))
    });
    until("what ran there is off the node", 30, || all_hit(&now(scene, &before), &before));
    scene.note_change(&format!("preempted by {}", on[0].describe()), &before, &now(scene, &before));
    until("the claim is over", 30, || !scene.slurm.queue().lines().any(|line| line.starts_with(&claim[0])));
}

/// The machine dies with all that runs on it, is noticed, and comes back.
pub fn crash(scene: &Act<'_>, node: &str) {
    let before = scene.await_running_on(node);
    scene.slurm.crash(node);
    lost(scene, node, &before, "crashed");
    scene.slurm.repair(node);
}

/// What SLURM makes of a node that does not answer.
fn lost(scene: &Act<'_>, node: &str, before: &[Element], what: &str) {
    let state =
        || scene.slurm.said("sinfo", &["--noheader", "--Node", "--nodes", node, "--partition=batch", "--format=%T"]);
    until("the node is down", 90, || state().starts_with("down"));
    until("what ran there is known to be lost", 60, || all_hit(&now(scene, before), before));
    scene.note_change(&format!("{node} {what}, {}", state().trim()), before, &now(scene, before));
}

/// The daemon of `node` dies and its jobs live on; they are put back into the queue, and run twice. Gives the orphans.
pub fn orphans(scene: &Act<'_>, node: &str) -> Vec<u32> {
    let before = scene.await_running_on(node);
    let worker = |element: &Element| {
        let index = element.id.split('_').nth(1).unwrap().to_owned();
        let of_this_task = |pid: &u32| {
            let argv = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&argv).contains(&format!("--task\0{index}\0"))
        };
        scene.processes().into_iter().filter(of_this_task).collect::<Vec<u32>>()
    };
    until("all of them are at work", 30, || before.iter().all(|element| worker(element).len() == 1));
    let alone = before.iter().flat_map(&worker).collect::<Vec<u32>>();
    scene.slurm.orphan(node);
    lost(scene, node, &before, "lost its daemon");
    let mut twice = None;
    until("an orphan and its twin are both at work", 90, || {
        twice = before.iter().zip(&alone).find_map(|(element, orphan)| {
            let pids = worker(element);
            let both = pids.len() > 1 && pids.contains(orphan);
            both.then(|| format!("{}: processes {pids:?}", element.id))
        });
        twice.is_some()
    });
    scene.note(format!("an orphan and its twin at once: {} (of {} orphans)", twice.unwrap(), before.len()));
    alone
}

/// Somebody cancels one element.
pub fn cancelled_element(scene: &Act<'_>, node: &str) {
    one(scene, node, "cancelled", "scancel", &[], |after, _| after.state == "CANCELLED");
}

/// Somebody puts one element back into the queue.
pub fn requeued_element(scene: &Act<'_>, node: &str) {
    one(scene, node, "requeued", "scontrol", &["requeue"], |after, before| after.restarts > before.restarts);
}

/// Does something to one element, and waits until it shows.
fn one(
    scene: &Act<'_>,
    node: &str,
    what: &str,
    program: &str,
    args: &[&str],
    hit: impl Fn(&Element, &Element) -> bool,
) {
    for _ in 0..5 {
        let before = [scene.await_running_on(node).remove(0)];
        scene.slurm.said(program, &[args, &[&before[0].id]].concat());
        let mut after = Vec::new();
        until("it shows", 60, || {
            after = now(scene, &before);
            after.len() == 1 && (hit(&after[0], &before[0]) || after[0].state == "COMPLETED")
        });
        // It may have ended by itself in that moment: then another one is taken.
        if hit(&after[0], &before[0]) {
            return scene.note_change(what, &before, &after);
        }
    }
    panic!("no element on {node} could be {what}");
}

/// Waits until tasks were told of their time limit, and ended at a checkpoint.
pub fn time_limit(scene: &Act<'_>) {
    let before = scene.elements();
    let stopped = "stopped before all records were finished";
    let were = seen::log_lines(&scene.dir(), stopped);
    // It asks to be put back into the queue, or leaves the rest to the next wave.
    let was = |element: &Element| before.iter().find(|b| b.id == element.id).cloned();
    let hit = |element: &&Element| {
        was(element).is_some_and(|b| element.restarts > b.restarts || element.exit == 75 && b.exit != 75)
    };
    until("a task ended at a checkpoint before its time limit", 240, || {
        seen::log_lines(&scene.dir(), stopped) > were && scene.elements().iter().any(|element| hit(&element))
    });
    let after: Vec<Element> = scene.elements().into_iter().filter(|element| hit(&element)).collect();
    let before: Vec<Element> = before.iter().filter(|b| after.iter().any(|a| a.id == b.id)).cloned().collect();
    scene.note_change("USR1 before the time limit", &before, &after);
    scene.note(format!("workers that logged a stop at a checkpoint: {}", seen::log_lines(&scene.dir(), stopped)));
}

/// Some of the task groups that are worked on now want more memory than was asked for.
pub fn hunger(scene: &Act<'_>) {
    let mut groups = Vec::new();
    until("task groups are worked on", 60, || {
        groups = seen::group_files(&scene.dir().join("groups"), ".checkpoint");
        groups.iter_mut().for_each(|file| *file = file[..6].trim_start_matches('0').to_owned());
        groups.len() > 3
    });
    groups.truncate(3);
    scene.switch("hungry", Some(&groups.join(" ")));
    want_of_memory(scene);
}

/// Waits until slurmd has killed a task for want of memory; the queue says no more than that a signal ended it.
pub fn want_of_memory(scene: &Act<'_>) {
    let mut said = String::new();
    until("a task is killed for want of memory", 120, || {
        let line = |line: &&str| line.starts_with("slurmstepd") && line.contains("exceeded memory limit");
        said = scene.outputs().lines().find(line).unwrap_or_default().to_owned();
        !said.is_empty()
    });
    scene.note(format!("out of memory: {said}"));
}

/// `node` can start nothing from now on, and everything that it is given fails at once.
pub fn bad_node(scene: &Act<'_>, node: &str) {
    scene.switch("bin/bad", Some(node));
    for element in scene.await_running_on(node) {
        // Whoever has ended in this moment need not be.
        let _ = scene.slurm.command("scontrol").args(["requeue", &element.id]).output().unwrap();
    }
    // (What others have room for goes to them.)
    await_bad_node(scene, node, 1);
}

/// Waits until `node` has eaten so many tasks.
pub fn await_bad_node(scene: &Act<'_>, node: &str, tasks: usize) {
    let eaten = |element: &Element| element.node == node && element.exit == 6;
    until("the bad node fails tasks", 90, || scene.elements().iter().filter(|element| eaten(element)).count() >= tasks);
    let after: Vec<Element> = scene.elements().into_iter().filter(eaten).collect();
    scene.note_change(&format!("{node} fails everything"), &[], &after);
}

/// Nobody answers for some seconds, beginning while tasks or a tick are at work.
pub fn controller_away(scene: &Act<'_>, seconds: u64, meanwhile: impl FnOnce()) {
    let before: Vec<Element> = scene.elements().into_iter().filter(Element::runs).collect();
    scene.slurm.controller("stop");
    let ping = scene.slurm.command("scontrol").arg("ping").output().unwrap();
    let ping = String::from_utf8_lossy(&ping.stdout).lines().next().unwrap_or_default().to_owned();
    assert!(ping.contains("DOWN"), "the controller is down: {ping}");
    meanwhile();
    std::thread::sleep(Duration::from_secs(seconds));
    scene.slurm.controller("start");
    scene.note_change(&format!("`{ping}` for {seconds} s"), &before, &now(scene, &before));
}

/// A worker started by hand on the wave and task of an element that runs.
pub fn twin(scene: &Act<'_>, node: &str) -> (Child, String) {
    let element = scene.await_running_on(node).remove(0);
    let (job, task) = element.id.split_once('_').unwrap();
    let submitted = seen::events_of(&scene.dir(), "wave_submitted");
    let wave = submitted.iter().find(|event| event["job"] == job).unwrap()["wave"].to_string();
    let before = seen::group_files(&scene.dir().join("groups"), ".checkpoint");
    let dir = scene.dir().display().to_string();
    let mut command = scene.command(&["worker", &dir, "--wave", &wave, "--task", task]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let group_of = |file: &str| file.split('/').next().unwrap().to_owned();
    let mut shared = None;
    until("the twin writes where the task does", 60, || {
        let files = seen::group_files(&scene.dir().join("groups"), ".checkpoint");
        let new = files.iter().filter(|file| !before.contains(file)).map(|file| group_of(file));
        shared = new.into_iter().find(|group| files.iter().filter(|file| group_of(file) == *group).count() > 1);
        shared.is_some()
    });
    let after = scene.element(&element.id).filter(Element::runs).expect("the task runs beside its twin");
    let group = shared.unwrap();
    scene.note(format!("process {} on task group {group}, beside {}", child.id(), after.describe()));
    (child, group)
}

/// How many attempts left a receipt in a task group.
pub fn receipts(scene: &Act<'_>, group: &str) -> usize {
    let files = seen::group_files(&scene.dir().join("groups"), ".receipt.json");
    files.iter().filter(|file| Path::new(file).starts_with(group)).count()
}
