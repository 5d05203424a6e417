//! The night: what a campaign on a cluster lives through with nobody there (promise P6).

use std::time::Duration;

use super::scene::{Scene, Wanted};
use super::slurm::until;

#[test]
fn twenty_thousand_records_outlive_a_crash_a_preemption_a_cancelled_element_and_the_controller_with_nobody_there() {
    a_night(&[]);
}

#[test]
fn the_same_night_where_books_are_kept() {
    a_night(&["--accounting"]);
}

/// Submit, leave, let everything happen, and find the pack of this machine. Each fault must have hit, as SLURM itself says.
fn a_night(options: &[&str]) {
    let Some(scene) = Scene::of(20_000, options) else { return };
    let slurm = &scene.engine;
    scene.submit(&Wanted { scheduler: "running = 28\ntasks = 100", ..Wanted::default() });
    let nodes = ["n1", "n2", "n3"];
    until("tasks run on three nodes", 60, || nodes.iter().all(|node| slurm.running_on(node).len() > 1));
    scene.has_no_strays();
    // A machine dies.
    let hit = slurm.running_on("n1");
    slurm.crash("n1");
    // Somebody with a better claim comes.
    let evicted = slurm.running_on("n2");
    let claim = ["--parsable", "-p", "high", "-w", "n2", "--exclusive", "--mem=0", "-t", "5", "-o", "/dev/null"];
    slurm.said("sbatch", &[&claim[..], &["--wrap", "sleep 4"]].concat());
    until("the preempted tasks are off n2", 60, || evicted.iter().all(|task| !slurm.running_on("n2").contains(task)));
    // Somebody cancels one element.
    let cancelled = slurm.running_on("n3").remove(0);
    slurm.said("scancel", &[&cancelled]);
    until("it is cancelled", 30, || slurm.state(&cancelled) == "CANCELLED");
    // The controller goes away for a while, with tasks at work.
    slurm.controller("stop");
    std::thread::sleep(Duration::from_secs(5));
    slurm.controller("start");
    let is_off = |task: &String| !slurm.running_on("n1").contains(task);
    until("the dead node is noticed", 90, || hit.iter().all(is_off));
    slurm.repair("n1");
    let again = |tasks: &[String]| tasks.iter().filter(|task| slurm.restarts(task) > 0).count();
    assert!(again(&hit) > 0 && again(&evicted) > 0, "no task of {hit:?} or of {evicted:?} was started again");
    scene.take("slow");
    until("it is sealed", 240, || {
        scene.has_no_strays();
        scene.is_sealed()
    });
    scene.is_as_on_this_machine();
    scene.env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    scene.env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
    scene.env.molsieve(["verify", "d/pack", "--key", "k.pub.pem"]).exits(0);
    scene.await_empty_queue();
}

#[test]
fn an_element_that_is_put_back_one_that_is_held_and_a_node_whose_daemon_alone_dies_change_nothing() {
    let Some(scene) = Scene::new(&[]) else { return };
    let slurm = &scene.engine;
    let scheduler = "running = 28\ntasks = 40";
    scene.submit(&Wanted { scheduler, beside: &["slow", "slower"], ..Wanted::default() });
    until("tasks run on two nodes", 60, || ["n1", "n2"].iter().all(|node| slurm.running_on(node).len() > 1));
    // An operator puts a task back that runs, and holds one that waits.
    let back = slurm.running_on("n1").remove(0);
    slurm.said("scontrol", &["requeue", &back]);
    let (job, _) = back.split_once('_').unwrap();
    let held = format!("{job}_39");
    slurm.said("scontrol", &["hold", &held]);
    // The daemon of a node dies; its tasks live on, and twins of them are started elsewhere.
    let orphans = slurm.running_on("n2");
    slurm.orphan("n2");
    until("the dead daemon is noticed", 90, || slurm.running_on("n2").is_empty());
    scene.take("slow");
    let is_left = |line: &str| ["JobHeld", "Dependency", "BeginTime"].iter().any(|why| line.contains(why));
    scene.await_queue("all is done but what is held", 90, is_left);
    assert!(slurm.queue().contains(&format!("{held} ")), "{}", slurm.queue());
    assert!(!scene.env.path("d/pack").exists(), "what is held is waited for");
    slurm.said("scontrol", &["release", &held]);
    slurm.repair("n2");
    scene.await_seal(90);
    assert!(!orphans.is_empty());
    scene.await_empty_queue();
}
