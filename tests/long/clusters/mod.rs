//! Campaigns of 100,000 records on a real SLURM: what clusters do at night, one thing at a time and all of it together.
//!
//! Every scene ends with the digest of this machine, every record counted, nothing left in the queue and no process left;
//! and every fault must have hit something, or the scene fails. What hit what is printed at the end, as a table.

pub mod faults;
mod late;
mod scenes;
pub mod seen;
#[path = "../../clusters/slurm.rs"]
#[expect(dead_code, reason = "the scenes need only a part of what the tests of the night share")]
pub mod slurm;
pub mod stage;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use scenes::Show;
use slurm::Slurm;
use stage::{Act, RECORDS, Stage};

/// What became of a scene.
struct Row {
    name: String,
    verdict: String,
    seconds: u64,
    waves: usize,
    ticks: usize,
    evidence: Vec<String>,
}

/// Shows scenes, and keeps what became of them.
struct Playbill {
    cluster: &'static str,
    rows: RefCell<Vec<Row>>,
}

impl Playbill {
    fn new(cluster: &'static str) -> Self {
        eprintln!("\non a cluster {cluster}:");
        Self { cluster, rows: RefCell::default() }
    }

    /// Shows one scene. Whatever comes of it, the cluster is made fit for the next one.
    fn show(&self, scene: &Act<'_>, play: &dyn Fn()) {
        if std::env::var("MOLSIEVE_LONG_SCENES").is_ok_and(|some| !some.split(',').any(|one| one == scene.name)) {
            return;
        }
        eprintln!("  {}", scene.name);
        let started = Instant::now();
        let failure = catch_unwind(AssertUnwindSafe(play)).err().map(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            format!("{}\n{}", text.unwrap_or("it panicked"), scene.post_mortem())
        });
        if let Some(failure) = &failure {
            eprintln!("  {} failed: {failure}", scene.name);
            mend(scene);
        }
        let count = |kind| {
            let mut jobs = seen::jobs(&scene.dir(), kind);
            jobs.sort();
            jobs.dedup();
            jobs.len()
        };
        self.rows.borrow_mut().push(Row {
            name: scene.name.to_owned(),
            verdict: failure.map_or_else(|| "same digest, nothing lost or left".to_owned(), |_| "FAILED".to_owned()),
            seconds: started.elapsed().as_secs(),
            waves: count("wave_submitted"),
            ticks: count("tick_submitted"),
            evidence: scene.evidence.borrow().clone(),
        });
    }

    /// Prints the table; whether all is well.
    fn end(&self) -> bool {
        println!("\n{RECORDS} records, 100 task groups, on a SLURM {}", self.cluster);
        println!("{:<16} {:>5} {:>5} {:>5}  outcome", "scene", "s", "waves", "ticks");
        for row in self.rows.borrow().iter() {
            println!("{:<16} {:>5} {:>5} {:>5}  {}", row.name, row.seconds, row.waves, row.ticks, row.verdict);
            row.evidence.iter().for_each(|line| println!("{:37}{line}", ""));
        }
        self.rows.borrow().iter().all(|row| row.verdict != "FAILED")
    }
}

/// After a scene that failed: an empty queue, and all nodes up.
fn mend(scene: &Act<'_>) {
    scene.release();
    scene.slurm.controller("start");
    for node in ["n1", "n2", "n3", "n4"] {
        let _ = catch_unwind(AssertUnwindSafe(|| scene.slurm.crash(node)));
        scene.slurm.repair(node);
    }
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    let _ = scene.slurm.command("scancel").arg(format!("--user={user}")).output();
    let _ = catch_unwind(|| slurm::until("the queue is empty", 60, || scene.slurm.queue().is_empty()));
}

/// The seed of the order, which is printed: `MOLSIEVE_LONG_SEED` gives another.
/// (A task that its time limit ends while its node is lost leaves no orphan. Where an order comes to that, the scene fails:
/// that fault did not hit.)
fn seed() -> u64 {
    let given =
        std::env::var("MOLSIEVE_LONG_SEED").ok().map(|text| text.parse().expect("MOLSIEVE_LONG_SEED is a number"));
    given.unwrap_or(1)
}

/// Five cores a node, so that 18 tasks are at work on all of them and two cores are free.
const CLUSTER: [&str; 3] = ["--kill-over-memory", "--cpus", "5"];

#[test]
fn each_thing_that_a_cluster_does_at_night_leaves_the_pack_of_this_machine() {
    let stage = Stage::new();
    let Some(slurm) = Slurm::up_with(&stage.env.path("c"), &CLUSTER) else { return };
    let playbill = Playbill::new("without accounting");
    let show: Show<'_> = &|scene, play| playbill.show(scene, play);
    for scene in [
        scenes::nothing,
        scenes::time_limit,
        scenes::preemption,
        scenes::crash,
        scenes::cancelled_element,
        scenes::requeued_element,
        scenes::want_of_memory,
        scenes::bad_node,
        scenes::controller_away,
        scenes::killed_driver,
        scenes::twin,
        scenes::orphans,
        scenes::late_files,
    ] {
        scene(&stage, &slurm, show);
    }
    assert!(playbill.end(), "a scene failed");
}

#[test]
fn all_of_it_together_leaves_the_pack_of_this_machine() {
    let stage = Stage::new();
    let has_books = ["mariadbd", "slurmdbd"].iter().all(|program| slurm::is_installed(program));
    assert!(has_books || std::env::var_os("CI").is_none(), "CI needs accounting: run ./setup --test");
    let (books, cluster): (&[&str], _) = if has_books {
        (&["--accounting"], "with accounting")
    } else {
        eprintln!("without accounting: there is no slurmdbd, or no mariadbd; ./setup --test installs them");
        (&[], "without accounting, because slurmdbd or mariadbd is not installed")
    };
    let Some(slurm) = Slurm::up_with(&stage.env.path("c"), &[&CLUSTER[..], books].concat()) else { return };
    let playbill = Playbill::new(cluster);
    let show: Show<'_> = &|scene, play| playbill.show(scene, play);
    scenes::nothing(&stage, &slurm, show);
    scenes::all_together(&stage, &slurm, show, seed());
    if has_books {
        let books =
            slurm.said("sacct", &["--allocations", "--duplicates", "--noheader", "--parsable2", "--format=State"]);
        let mut states = std::collections::BTreeMap::<&str, usize>::new();
        books.lines().for_each(|line| *states.entry(line.split(' ').next().unwrap_or("")).or_default() += 1);
        println!("\nthe books of that cluster: {states:?}");
    }
    assert!(playbill.end(), "a scene failed");
}
