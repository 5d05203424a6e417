//! Tasks of many ranks over the nodes of a real SLURM, by `srun` and by `mpirun`, with an MPI library and without.

use super::mpi::finished;
use super::ranks::{is_there, signal};
use super::scene::{Scene, Wanted};
use super::slurm::until;
use crate::support::env::processes;

/// Lines of `[scheduler]`: ranks that fit on no single node.
fn over_nodes(launcher: &str, hand_out: &str) -> String {
    ranks(6, launcher, hand_out)
}

fn ranks(ranks: u32, launcher: &str, hand_out: &str) -> String {
    format!(
        "ranks = {ranks}\nlauncher = \"{launcher}\"\nhand_out = \"{hand_out}\"\n\
         export = [\"OMPI_ALLOW_RUN_AS_ROOT\", \"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM\"]"
    )
}

/// The scene of two nodes with four cores each.
fn two_nodes() -> Option<Scene> {
    is_there().then(|| Scene::new(&["--mpi", "--nodes", "2", "--cpus", "4"]))?
}

/// The node of each rank of the first wave, in order of name.
fn nodes(scene: &Scene) -> Vec<String> {
    let mut hosts: Vec<String> = (0..6)
        .filter_map(|rank| {
            let log = scene.env.path(&format!("d/logs/wave-1-task-0-rank-{rank}.jsonl"));
            let log = std::fs::read_to_string(log).ok()?;
            let (_, host) = log.split_once("\"host\":\"")?;
            Some(host.split('"').next()?.to_owned())
        })
        .collect();
    hosts.sort_unstable();
    hosts
}

/// Submits to `d`, and finds the pack of this machine with the ranks having been on both nodes.
fn an_allocation(launcher: &str, hand_out: &str) {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes(launcher, hand_out), beside: &[], ..Wanted::default() });
    scene.await_seal(120);
    let mut nodes = nodes(&scene);
    nodes.dedup();
    assert_eq!(nodes, ["n1", "n2"]);
    scene.await_empty_queue();
}

/// The logs of the six ranks of the first wave say that they came to their checkpoints.
fn all_stopped_at_checkpoints(scene: &Scene) {
    for rank in 0..6 {
        let log = std::fs::read_to_string(scene.env.path(&format!("d/logs/wave-1-task-0-rank-{rank}.jsonl"))).unwrap();
        assert!(log.contains("stopped before all records were finished"), "rank {rank}: {log}");
    }
}

#[test]
fn srun_starts_the_ranks_of_an_allocation_over_two_nodes() {
    an_allocation("srun", "dynamic");
}

#[test]
fn mpirun_starts_the_ranks_of_an_allocation_over_two_nodes() {
    an_allocation("mpirun", "dynamic");
}

#[test]
fn srun_starts_plain_workers_that_share_by_rank() {
    an_allocation("srun", "static");
}

#[test]
fn mpirun_starts_plain_workers_that_share_by_rank() {
    an_allocation("mpirun", "static");
}

#[test]
fn a_rank_that_is_killed_in_an_allocation_is_made_up_for_by_the_next_wave() {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes("srun", "dynamic"), ..Wanted::default() });
    let dir = scene.env.path("d").display().to_string();
    until("records are finished", 60, || finished(&scene.facts()) > 0);
    let launchers = processes(&["srun --ntasks", &dir]);
    let ranks: Vec<u32> =
        processes(&["molsieve-mpi", &dir, "--ranks"]).into_iter().filter(|pid| !launchers.contains(pid)).collect();
    signal("-KILL", &ranks[ranks.len() - 1..]);
    until("another wave is submitted", 90, || scene.events("wave_intended").len() > 1);
    scene.take("slow");
    scene.await_seal(120);
    scene.await_empty_queue();
}

#[test]
fn an_allocation_that_is_told_that_its_time_is_up_ends_at_checkpoints_and_another_goes_on() {
    let Some(scene) = two_nodes() else { return };
    scene.submit(&Wanted { scheduler: &over_nodes("srun", "dynamic"), ..Wanted::default() });
    until("records are finished", 60, || finished(&scene.facts()) > 0);
    let wave = scene.engine.job_named("-1", "R").unwrap();
    scene.engine.said("scancel", &["--batch", "--signal=USR1", &wave]);
    until("another wave is submitted", 90, || scene.events("wave_intended").len() > 1);
    all_stopped_at_checkpoints(&scene);
    scene.take("slow");
    scene.await_seal(120);
    scene.await_empty_queue();
}

#[test]
fn a_node_takes_as_many_ranks_as_it_is_said_to() {
    let Some(scene) = two_nodes() else { return };
    for launcher in ["srun", "mpirun"] {
        // (All four fit on one node of four cores.)
        let scheduler = format!("{}\nranks_per_node = 2", ranks(4, launcher, "dynamic"));
        scene.submit(&Wanted { scheduler: &scheduler, beside: &[], ..Wanted::default() });
        scene.await_seal(120);
        assert_eq!(nodes(&scene), ["n1", "n1", "n2", "n2"], "{launcher}");
        scene.await_empty_queue();
        std::fs::rename(scene.env.path("d"), scene.env.path(launcher)).unwrap();
    }
}

/// So slow that a minute is not enough.
const TOO_SLOW: &[&str] = &["slow", "slower"];

/// The job of the first wave.
fn job(scene: &Scene) -> String {
    until("the allocation runs", 60, || scene.engine.job_named("-1", "R").is_some());
    scene.engine.job_named("-1", "R").unwrap()
}

#[test]
#[ignore = "the long suite runs it"]
fn a_time_limit_ends_all_ranks_at_checkpoints_and_the_allocation_has_another_life() {
    let Some(scene) = two_nodes() else { return };
    let scheduler = format!("{}\nsignal_before = \"30s\"", over_nodes("srun", "dynamic"));
    scene.submit(&Wanted { scheduler: &scheduler, walltime: "1min", beside: TOO_SLOW, ..Wanted::default() });
    let job = job(&scene);
    let is_back = |line: &str| line.starts_with(&job) && line.contains("PENDING");
    until("it is back in the queue", 120, || scene.engine.queue().lines().any(is_back));
    all_stopped_at_checkpoints(&scene);
    let kept = finished(&scene.facts());
    assert!(kept > 0 && kept < 4000, "{kept}");
    scene.take("slow");
    scene.await_seal(120);
    assert_eq!(scene.events("wave_intended").len(), 1, "no second wave was needed");
    assert_eq!(scene.events("task_failed"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
}

#[test]
#[ignore = "the long suite runs it"]
fn a_time_limit_ends_all_ranks_at_checkpoints_and_the_next_wave_goes_on_where_no_job_may_be_put_back() {
    let Some(scene) = two_nodes() else { return };
    let refuse = "if [ \"$1\" = requeue ]; then echo 'disabled' >&2; exit 1; fi\nreal \"$@\"";
    scene.engine.instead_of("scontrol", refuse);
    let scheduler = format!("{}\nsignal_before = \"30s\"", over_nodes("mpirun", "dynamic"));
    scene.submit(&Wanted { scheduler: &scheduler, walltime: "1min", beside: TOO_SLOW, ..Wanted::default() });
    job(&scene);
    until("another wave is submitted", 150, || scene.events("wave_intended").len() > 1);
    all_stopped_at_checkpoints(&scene);
    assert!(finished(&scene.facts()) > 0);
    scene.take("slow");
    scene.await_seal(120);
    let failed = scene.events("task_failed");
    assert!(failed.iter().all(|task| task["state"] == "Checkpointed" && task["program"] == false), "{failed:?}");
    scene.await_empty_queue();
}

#[test]
fn an_allocation_that_is_cancelled_ends_at_checkpoints_and_resume_finishes_it() {
    let Some(scene) = two_nodes() else { return };
    for launcher in ["srun", "mpirun"] {
        scene.submit(&Wanted { scheduler: &over_nodes(launcher, "dynamic"), ..Wanted::default() });
        until("records are finished", 60, || finished(&scene.facts()) > 0);
        scene.does(&["cancel", "d"]);
        scene.await_state("stopped", 60);
        scene.await_empty_queue();
        all_stopped_at_checkpoints(&scene);
        let kept = finished(&scene.facts());
        assert!(kept > 0 && kept < 4000, "{kept}");
        scene.take("slow");
        scene.does(&["resume", "d"]);
        scene.await_seal(120);
        scene.await_empty_queue();
        std::fs::rename(scene.env.path("d"), scene.env.path(launcher)).unwrap();
    }
}
