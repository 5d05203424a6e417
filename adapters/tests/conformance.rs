//! What every adapter must do, asked of each of them: in memory, this machine, SLURM's commands and Ray's Jobs API as fakes,
//! and a real SLURM and a real Ray where they are installed.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test that cannot go on has failed")]

mod pool;
mod ray;
#[path = "../examples/spooler.rs"]
mod spooler;
mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use molsieve_adapters::command::Runner;
use molsieve_adapters::htcondor;
use molsieve_adapters::slurm::Site;
use molsieve_adapters::testing::Memory;
use molsieve_adapters::{
    Adapter, AdapterError, Cli, HtCondor, Job, JobId, JobSpec, JobTag, Local, Resources, Retry, Slurm, TaskId,
    TaskState, Tasks,
};
use spooler::Spooler;
use support::fake_ray::FakeRay;
use support::ray_cluster::RayCluster;
use support::{Cluster, Fake, Queue};

/// How each task ends, by its number.
const TASKS: &str = "case $1 in 0) exit 0;; 1) exit 75;; 2) exit 2;; 3) exit 6;; esac; exec sleep 300";

fn job(place: &Path, tag: &str, tasks: u64) -> JobSpec {
    JobSpec {
        tag: JobTag(tag.to_owned()),
        title: format!("{tag} of the conformance suite"),
        argv: ["/bin/sh", "-c", TASKS, "task"].map(Into::into).to_vec(),
        tasks: Tasks::Array(tasks),
        running_max: None,
        resources: Resources { cpus: 1, gpus: 0, memory_mib: Some(50), walltime_s: Some(600) },
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: Vec::new(),
        file: place.join(tag),
        logs: place.join(format!("{tag}.out")),
        ..JobSpec::default()
    }
}

fn submit(adapter: &mut dyn Adapter, job: &JobSpec) -> Job {
    for file in adapter.files(job).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
    Job { id: adapter.submit(job).unwrap(), tag: job.tag.clone() }
}

fn states(adapter: &mut dyn Adapter, job: &Job) -> BTreeMap<u64, TaskState> {
    let reports = adapter.poll(std::slice::from_ref(job)).unwrap();
    reports.into_iter().map(|(task, report)| (task.index, report.state)).collect()
}

/// Whether all of so many tasks are answered for, each with a state that is `wanted`. Of a job that nobody knows nothing is true.
fn all(seen: &BTreeMap<u64, TaskState>, tasks: usize, wanted: impl Fn(TaskState) -> bool) -> bool {
    seen.len() == tasks && seen.values().all(|state| wanted(*state))
}

/// Polls until `wanted` says so.
fn until(
    adapter: &mut dyn Adapter,
    job: &Job,
    wanted: impl Fn(&BTreeMap<u64, TaskState>) -> bool,
) -> BTreeMap<u64, TaskState> {
    let started = Instant::now();
    loop {
        let seen = states(adapter, job);
        if wanted(&seen) {
            return seen;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{} is still {seen:?}", job.id);
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks everything of an adapter that runs processes.
fn conforms(adapter: &mut dyn Adapter, place: &Path) {
    every_task_is_answered_with_how_it_ended(adapter, place);
    a_job_is_found_by_its_tag_and_nothing_by_another(adapter, place);
    a_cancelled_job_ends_and_may_be_cancelled_again(adapter, place);
    what_nobody_knows_has_no_entry(adapter);
    a_job_without_a_program_is_refused(adapter, place);
}

fn every_task_is_answered_with_how_it_ended(adapter: &mut dyn Adapter, place: &Path) {
    // One at a time: a supervisor stops a job whose program is at fault.
    let job = submit(adapter, &job(place, "ends", 2));
    let seen = until(adapter, &job, |seen| all(seen, 2, TaskState::is_final));
    assert_eq!(seen[&0], TaskState::Succeeded);
    assert_eq!(seen[&1], TaskState::Checkpointed);
}

fn a_job_is_found_by_its_tag_and_nothing_by_another(adapter: &mut dyn Adapter, place: &Path) {
    let job = submit(adapter, &job(place, "found", 1));
    assert_eq!(adapter.find(&job.tag).unwrap(), std::slice::from_ref(&job.id));
    assert_eq!(adapter.find(&JobTag("never-submitted".into())).unwrap(), []);
    let (jobs, reports) = adapter.survey(&[JobTag("never-submitted".into()), job.tag.clone()]).unwrap();
    assert_eq!(jobs, std::slice::from_ref(&job));
    assert_eq!(reports.into_keys().collect::<Vec<_>>(), [TaskId { job: job.id, index: 0 }]);
}

fn a_cancelled_job_ends_and_may_be_cancelled_again(adapter: &mut dyn Adapter, place: &Path) {
    let mut long = job(place, "cancelled", 3);
    long.argv = ["/bin/sh", "-c", "exec sleep 300", "task"].map(Into::into).to_vec();
    let job = submit(adapter, &long);
    until(adapter, &job, |seen| seen.values().any(|state| *state == TaskState::Running));
    adapter.cancel(std::slice::from_ref(&job.id)).unwrap();
    let seen = until(adapter, &job, |seen| all(seen, 3, TaskState::is_final));
    assert!(all(&seen, 3, |state| matches!(state, TaskState::Cancelled | TaskState::NodeFailed)), "{seen:?}");
    adapter.cancel(std::slice::from_ref(&job.id)).unwrap();
}

fn what_nobody_knows_has_no_entry(adapter: &mut dyn Adapter) {
    let nobody = Job { id: JobId("999999".into()), tag: JobTag("nobody".into()) };
    assert_eq!(states(adapter, &nobody), BTreeMap::new());
}

fn a_job_without_a_program_is_refused(adapter: &mut dyn Adapter, place: &Path) {
    let nothing = JobSpec { argv: Vec::new(), ..job(place, "nothing", 1) };
    assert!(matches!(adapter.submit(&nothing), Err(AdapterError::Rejected(_))));
}

#[test]
fn this_machine_conforms() {
    let place = tempfile::tempdir().unwrap();
    conforms(&mut Local::new(2), place.path());
}

#[test]
fn the_smallest_binding_conforms_with_the_real_queue_of_a_machine() {
    let Some(queue) = Queue::up(2) else { return };
    conforms(&mut Spooler::with(queue.runner()), queue.path());
    every_exit_is_told_apart(&mut Spooler::with(queue.runner()), queue.path());
}

#[test]
fn a_slurm_of_fake_commands_conforms() {
    let fake = Fake::new();
    conforms(&mut fake.slurm(), fake.path());
}

#[test]
fn an_htcondor_of_fake_commands_conforms() {
    let fake = Fake::condor();
    conforms(&mut fake.htcondor(), fake.path());
    every_exit_is_told_apart(&mut fake.htcondor(), fake.path());
}

#[test]
fn a_real_slurm_conforms() {
    let Some(cluster) = Cluster::slurm() else { return };
    let mut adapter = Cli::with(Slurm::new(Site::default(), cluster.limits()), cluster.runner());
    conforms(&mut adapter, cluster.path());
    over_the_limit_is_refused_and_leaves_nothing(&mut adapter, cluster.path());
    a_job_waits_for_another_to_end(&mut adapter, cluster.path());
    every_exit_is_told_apart(&mut adapter, cluster.path());
    a_start_is_foretold(&mut adapter, cluster.path());
}

#[test]
fn a_real_htcondor_conforms() {
    let Some(pool) = Cluster::htcondor() else { return };
    let limits = htcondor::Limits::parse(&pool.condor_runner().run(&HtCondor::ask_limits()).unwrap()).unwrap();
    let mut adapter = Cli::with(HtCondor::new(htcondor::Site::default(), limits), pool.condor_runner());
    conforms(&mut adapter, pool.path());
    every_exit_is_told_apart(&mut adapter, pool.path());
    what_failed_is_tried_again_as_often_as_is_asked(&mut adapter, pool.path());
}

#[test]
fn a_ray_of_a_fake_server_conforms() {
    let (fake, place) = (FakeRay::new(), tempfile::tempdir().unwrap());
    conforms(&mut fake.ray(), place.path());
}

#[test]
fn a_real_ray_conforms_and_what_dies_on_it_is_survived() {
    // One cluster for both: to bring one up takes most of what either needs.
    let Some(cluster) = RayCluster::up(2, 2) else { return };
    let mut adapter = cluster.ray();
    conforms(&mut adapter, cluster.path());
    every_exit_is_told_apart(&mut adapter, cluster.path());
    what_failed_is_tried_again_as_often_as_is_asked(&mut adapter, cluster.path());
    ray::what_dies_on_a_real_cluster_is_survived(&cluster, &mut adapter);
}

fn over_the_limit_is_refused_and_leaves_nothing(adapter: &mut dyn Adapter, place: &Path) {
    let most = adapter.capabilities().array_len_max.unwrap();
    let many = job(place, "many", most + 1);
    for file in adapter.files(&many).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
    assert!(matches!(adapter.submit(&many), Err(AdapterError::TooMany(_))));
    assert_eq!(adapter.find(&many.tag).unwrap(), []);
}

fn a_job_waits_for_another_to_end(adapter: &mut dyn Adapter, place: &Path) {
    let mut slow = job(place, "first", 1);
    slow.argv = ["/bin/sh", "-c", "sleep 2; exit 2", "task"].map(Into::into).to_vec();
    let first = submit(adapter, &slow);
    let mut next = job(place, "second", 1);
    (next.tasks, next.after) = (Tasks::One, vec![first.id.clone()]);
    next.argv = ["/bin/sh", "-c", "exit 0"].map(Into::into).to_vec();
    let second = submit(adapter, &next);
    until(adapter, &second, |seen| all(seen, 1, |state| state == TaskState::Succeeded));
    let first = states(adapter, &first);
    assert!(all(&first, 1, TaskState::is_final), "the second ran while the first was {first:?}");
}

fn every_exit_is_told_apart(adapter: &mut dyn Adapter, place: &Path) {
    let job = submit(adapter, &job(place, "exits", 4));
    let seen = until(adapter, &job, |seen| all(seen, 4, TaskState::is_final));
    let expected =
        [TaskState::Succeeded, TaskState::Checkpointed, TaskState::Failed { exit: 2 }, TaskState::Failed { exit: 6 }];
    assert_eq!(seen.into_values().collect::<Vec<_>>(), expected);
}

/// Of a scheduler that has a word for it.
fn what_failed_is_tried_again_as_often_as_is_asked(adapter: &mut dyn Adapter, place: &Path) {
    let mut failing = job(place, "again", 3);
    failing.retry = Some(Retry { times: 1, unless_exit: 75 });
    let starts = place.join("again.starts");
    let script = format!("echo $1 >> {}; {TASKS}", starts.display());
    failing.argv = ["/bin/sh".into(), "-c".into(), script.into(), "task".into()].to_vec();
    let job = submit(adapter, &failing);
    let seen = until(adapter, &job, |seen| all(seen, 3, TaskState::is_final));
    let expected = [TaskState::Succeeded, TaskState::Checkpointed, TaskState::Failed { exit: 2 }];
    assert_eq!(seen.into_values().collect::<Vec<_>>(), expected);
    let starts = std::fs::read_to_string(starts).unwrap();
    let times = |task: &str| starts.lines().filter(|line| *line == task).count();
    assert_eq!(["0", "1", "2"].map(times), [1, 1, 2], "{starts}");
}

fn a_start_is_foretold(adapter: &mut dyn Adapter, place: &Path) {
    let job = job(place, "foretold", 2);
    for file in adapter.files(&job).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
    let start = adapter.would_start(&job).unwrap().unwrap();
    assert!(start.starts_with("20"), "{start}");
    assert_eq!(adapter.find(&job.tag).unwrap(), []);
}

/// The one in memory runs nothing: a test moves its tasks.
#[test]
fn the_scheduler_in_memory_keeps_its_books_like_the_others() {
    let place = tempfile::tempdir().unwrap();
    let mut memory = Memory::default();
    let job = submit(&mut memory, &job(place.path(), "ends", 2));
    assert_eq!(memory.find(&job.tag).unwrap(), std::slice::from_ref(&job.id));
    assert!(all(&states(&mut memory, &job), 2, |state| state == TaskState::Pending));
    memory.states.insert(TaskId { job: job.id.clone(), index: 0 }, TaskState::Succeeded);
    memory.cancel(std::slice::from_ref(&job.id)).unwrap();
    assert_eq!(
        states(&mut memory, &job).into_values().collect::<Vec<_>>(),
        [TaskState::Succeeded, TaskState::Cancelled]
    );
}

#[test]
fn what_is_held_in_memory_is_let_go_by_name_and_one_task_may_be_ended_alone() {
    let place = tempfile::tempdir().unwrap();
    let mut memory = Memory { own_holds: vec!["launch failed".into()], ..Memory::default() };
    let job = submit(&mut memory, &job(place.path(), "held", 3));
    memory.move_all(&job.id, TaskState::Held);
    assert!(memory.is_own_hold("launch failed") && !memory.is_own_hold("somebody did"));
    memory.release(&job.id, &[0, 2]).unwrap();
    memory.cancel_tasks(&job.id, &[2]).unwrap();
    let seen = states(&mut memory, &job).into_values().collect::<Vec<_>>();
    assert_eq!(seen, [TaskState::Pending, TaskState::Held, TaskState::Cancelled]);
    memory.release(&job.id, &[]).unwrap();
    assert_eq!(states(&mut memory, &job)[&1], TaskState::Pending, "where none is named, all are meant");
}

#[test]
fn tasks_are_let_go_by_the_names_that_slurm_has_for_them() {
    let fake = Fake::new();
    let mut slurm = fake.slurm();
    slurm.release(&JobId("7".into()), &[0, 12]).unwrap();
    slurm.release(&JobId("8".into()), &[]).unwrap();
    let released = std::fs::read_to_string(fake.path().join("released")).unwrap();
    assert_eq!(released, "7_0\n7_12\n8\n");
    fake.cue("scontrol", "down");
    assert!(matches!(slurm.release(&JobId("8".into()), &[]), Err(AdapterError::Unreachable(_))));
}

#[test]
fn a_command_that_fails_on_cue_is_told_by_its_kind() {
    let fake = Fake::new();
    let mut slurm = fake.slurm();
    let job = job(fake.path(), "cues", 1);
    std::fs::write(&slurm.files(&job).unwrap()[0].path, &slurm.files(&job).unwrap()[0].text).unwrap();
    fake.cue("sbatch", "accept-and-hang");
    let lost = slurm.submit(&job).unwrap_err();
    assert!(matches!(lost, AdapterError::Unreachable(_)), "{lost}");
    assert_eq!(slurm.find(&job.tag).unwrap().len(), 1, "what was accepted is found by its tag");
    let id = slurm.find(&job.tag).unwrap().remove(0);
    let known = [Job { id, tag: job.tag.clone() }];
    for (cue, kind) in [("half", "not understood"), ("down", "cannot be reached"), ("garbage", "not understood")] {
        fake.cue("squeue", cue);
        let why = slurm.poll(&known).unwrap_err().to_string();
        assert!(why.contains(kind), "{cue}: {why}");
    }
    fake.cue("squeue", "banner");
    assert_eq!(slurm.poll(&known).unwrap().len(), 1);
    fake.cue("sbatch", "refuse");
    assert!(matches!(slurm.submit(&job), Err(AdapterError::Rejected(_))));
    fake.remove("squeue");
    let absent = slurm.poll(&known).unwrap_err();
    assert!(matches!(&absent, AdapterError::Unreachable(what) if what.contains("PATH")), "{absent}");
}

#[test]
fn a_command_of_htcondor_that_fails_on_cue_is_told_by_its_kind() {
    let fake = Fake::condor();
    let mut condor = fake.htcondor();
    let job = job(fake.path(), "cues", 1);
    for file in condor.files(&job).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
    fake.cue("condor_submit_dag", "accept-and-hang");
    let lost = condor.submit(&job).unwrap_err();
    assert!(matches!(lost, AdapterError::Unreachable(_)), "{lost}");
    let id = condor.find(&job.tag).unwrap().remove(0);
    let known = [Job { id, tag: job.tag.clone() }];
    let mut running = JobSpec { tag: JobTag("runs".into()), file: fake.path().join("runs"), ..job.clone() };
    running.argv = ["/bin/sh", "-c", "exec sleep 300", "task"].map(Into::into).to_vec();
    let running = [submit(&mut condor, &running)];
    for (cue, kind) in [("half", "not understood"), ("down", "cannot be reached"), ("garbage", "not understood")] {
        fake.cue("condor_q", cue);
        let why = condor.poll(&running).unwrap_err().to_string();
        assert!(why.contains(kind), "{cue}: {why}");
    }
    fake.cue("condor_q", "banner");
    assert_eq!(condor.poll(&running).unwrap().len(), 1);
    // Books that are closed leave what the queue does not know unknown.
    fake.cue("condor_history", "down");
    assert_eq!(condor.poll(&known).unwrap().len(), 0);
    assert_eq!(condor.poll(&known).unwrap().len(), 1);
    for (cue, is_kind) in [("refuse", false), ("too-many", true)] {
        fake.cue("condor_submit_dag", cue);
        let why = condor.submit(&job).unwrap_err();
        assert_eq!(matches!(why, AdapterError::TooMany(_)), is_kind, "{cue}: {why}");
        assert!(matches!(why, AdapterError::TooMany(_) | AdapterError::Rejected(_)), "{cue}: {why}");
    }
    condor.cancel(std::slice::from_ref(&running[0].id)).unwrap();
    fake.remove("condor_q");
    let absent = condor.poll(&running).unwrap_err();
    assert!(matches!(&absent, AdapterError::Unreachable(what) if what.contains("PATH")), "{absent}");
}

#[test]
fn tasks_are_let_go_by_what_is_true_of_them_in_htcondor() {
    let fake = Fake::condor();
    let mut condor = fake.htcondor();
    let released = || std::fs::read_to_string(fake.path().join("released")).unwrap();
    condor.release(&JobId("7".into()), &[0, 12]).unwrap();
    let tasks = "(ClusterId == 7 || DAGManJobId == 7) && DAGNodeName =!= \"final\" && member(MolsieveTask, {0,12})\n";
    assert_eq!(released(), tasks);
    condor.release(&JobId("8".into()).finally(), &[]).unwrap();
    assert_eq!(released(), "DAGManJobId == 8 && DAGNodeName == \"final\"\n");
    fake.cue("condor_release", "down");
    assert!(matches!(condor.release(&JobId("8".into()), &[]), Err(AdapterError::Unreachable(_))));
}
