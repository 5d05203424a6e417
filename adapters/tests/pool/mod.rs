//! What HTCondor's binding promises beside the conformance suite, on a real pool.

mod faults;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Cluster, With};
use molsieve_adapters::htcondor::inside::Running;
use molsieve_adapters::htcondor::{Limits, Site};
use molsieve_adapters::{
    Adapter, Cli, HtCondor, Inside, Job, JobId, JobSpec, JobTag, Place, Resources, Retry, TaskReport, TaskState, Tasks,
};

type Condor = Cli<HtCondor, With>;

fn shell(place: &Path, tag: &str, script: &str) -> JobSpec {
    JobSpec {
        tag: JobTag(tag.to_owned()),
        title: format!("{tag} of a test"),
        argv: ["/bin/sh", "-c", script, "task"].map(Into::into).to_vec(),
        tasks: Tasks::One,
        place: Place::Submitter,
        resources: Resources { cpus: 1, gpus: 0, memory_mib: Some(50), walltime_s: Some(600) },
        file: place.join(tag),
        logs: place.join(format!("{tag}.out")),
        ..JobSpec::default()
    }
}

fn tasks(place: &Path, tag: &str, count: u64, script: &str) -> JobSpec {
    JobSpec {
        tasks: Tasks::Array(count),
        place: Place::Node,
        retry: Some(Retry { times: 1, unless_exit: 2 }),
        ..shell(place, tag, script)
    }
}

/// With a last part that runs `script`.
fn followed(job: JobSpec, place: &Path, script: &str) -> JobSpec {
    let last = shell(place, &format!("{}-last", job.tag.0), script);
    JobSpec { finally: Some(Box::new(JobSpec { retry: Some(Retry { times: 2, unless_exit: 75 }), ..last })), ..job }
}

fn submit(condor: &mut Condor, job: &JobSpec) -> Job {
    for file in condor.files(job).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
    Job { id: condor.submit(job).unwrap(), tag: job.tag.clone() }
}

/// The last part of `job`.
fn last(job: &Job) -> Job {
    Job { id: job.id.finally(), tag: JobTag(format!("{}-last", job.tag.0)) }
}

fn reports(condor: &mut Condor, job: &Job) -> BTreeMap<u64, TaskReport> {
    condor.poll(std::slice::from_ref(job)).unwrap().into_iter().map(|(task, report)| (task.index, report)).collect()
}

fn until(condor: &mut Condor, job: &Job, what: &str, wanted: impl Fn(&[TaskReport]) -> bool) -> Vec<TaskReport> {
    let started = Instant::now();
    loop {
        let seen: Vec<TaskReport> = reports(condor, job).into_values().collect();
        if !seen.is_empty() && wanted(&seen) {
            return seen;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "{what}: {} is still {seen:?}", job.id);
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn ended(condor: &mut Condor, job: &Job, what: &str) -> Vec<TaskState> {
    let seen = until(condor, job, what, |seen| seen.iter().all(|report| report.state.is_final()));
    seen.into_iter().map(|report| report.state).collect()
}

fn written(place: &Path, name: &str) -> String {
    std::fs::read_to_string(place.join(name)).unwrap_or_default()
}

#[test]
fn a_real_pool_keeps_the_promises_of_its_binding() {
    let Some(pool) = Cluster::htcondor() else { return };
    let limits = Limits::default();
    let mut condor = Cli::with(HtCondor::new(Site::default(), limits), pool.condor_runner());
    let (condor, place) = (&mut condor, pool.path());
    what_follows_runs_when_all_have_ended_however_they_ended(condor, place);
    a_task_that_asks_for_it_is_put_back_and_goes_on(condor, place);
    a_job_that_begins_later_waits_in_the_queue_and_can_be_ended(condor, place);
    what_somebody_holds_is_theirs_and_goes_on_when_it_is_let_go(condor, place, &pool);
    a_task_that_is_killed_is_tried_again(condor, place, &pool);
    a_time_limit_is_an_end_and_not_a_hold(condor, place);
    what_follows_is_started_again_unless_it_says_not_to_be(condor, place);
    a_dag_that_somebody_removes_is_cancelled_and_followed(condor, place, &pool);
    a_task_that_somebody_removes_is_tried_again(condor, place);
    what_has_left_the_queue_is_found_in_the_books(condor, place);
    very_many_tasks_are_made_as_there_is_room_for_them(condor, place);
}

fn what_follows_runs_when_all_have_ended_however_they_ended(condor: &mut Condor, place: &Path) {
    let script = "echo $1 >>$0.ran; case $1 in 0) exit 0;; 1) exit 2;; 2) exit 6;; esac";
    let mut job = tasks(place, "follows", 3, script);
    job.argv[3] = place.join("follows").into();
    let job = followed(job, place, &format!("sort {0}/follows.ran >{0}/follows.seen", place.display()));
    let job = submit(condor, &job);
    assert_eq!(condor.find(&last(&job).tag).unwrap(), [last(&job).id]);
    let early = reports(condor, &last(&job));
    assert!(early.values().all(|report| report.state == TaskState::Pending) && early.len() == 1, "{early:?}");
    let states = ended(condor, &job, "tasks that end each in their way");
    assert_eq!(states, [TaskState::Succeeded, TaskState::Failed { exit: 2 }, TaskState::Failed { exit: 6 }]);
    assert_eq!(ended(condor, &last(&job), "the last part"), [TaskState::Succeeded]);
    assert_eq!(written(place, "follows.seen"), "0\n1\n2\n2\n", "a program's fault is not tried again, another's is");
}

fn a_task_that_asks_for_it_is_put_back_and_goes_on(condor: &mut Condor, place: &Path) {
    let script = "echo x >>$0.ran; life=$(wc -l <$0.ran); cp $_CONDOR_JOB_AD $0.job.$life; \
        cp $_CONDOR_MACHINE_AD $0.node.$life; [ $life = 3 ] || exit 85";
    let mut job = tasks(place, "again", 1, script);
    job.argv[3] = place.join("again").into();
    let job = submit(condor, &job);
    assert_eq!(ended(condor, &job, "a task that asks to be put back twice"), [TaskState::Succeeded]);
    assert_eq!(written(place, "again.ran").lines().count(), 3);
    for life in 1..=3 {
        // What a task would read of itself.
        let own = Running::of(|name| match name {
            "_CONDOR_JOB_AD" => Some(place.join(format!("again.job.{life}")).display().to_string()),
            "_CONDOR_MACHINE_AD" => Some(place.join(format!("again.node.{life}")).display().to_string()),
            _ => None,
        });
        let own = own.unwrap();
        assert_eq!(own.restarts(), life - 1, "of the life {life}");
        assert!(
            own.node().is_some_and(|node| node.split_once('.').is_some_and(|(_, domain)| domain == "pool"))
                && own.name().ends_with(".0"),
            "{own:?}"
        );
        assert!(own.ends_at_s().is_some() && own.requeue_exit() == Some(85));
    }
}

fn very_many_tasks_are_made_as_there_is_room_for_them(condor: &mut Condor, place: &Path) {
    const MANY: u64 = 10_001;
    let bag = submit(condor, &tasks(place, "bag", MANY, "exit 0"));
    let seen = until(condor, &bag, "a plain submission", |seen| {
        seen.iter().filter(|report| report.state == TaskState::Succeeded).count() >= 20
    });
    let waiting = seen.iter().filter(|report| report.state == TaskState::Pending).count();
    assert!(seen.len() as u64 == MANY && waiting > 5000, "{} of which {waiting} wait", seen.len());
    assert_eq!(condor.find(&bag.tag).unwrap(), std::slice::from_ref(&bag.id));
    condor.cancel(std::slice::from_ref(&bag.id)).unwrap();
    let states = ended(condor, &bag, "a plain submission that was cancelled");
    let known = |state: &TaskState| matches!(state, TaskState::Succeeded | TaskState::Cancelled);
    assert!(states.len() as u64 == MANY && states.iter().all(known), "{} known", states.len());
}

fn a_job_that_begins_later_waits_in_the_queue_and_can_be_ended(condor: &mut Condor, place: &Path) {
    let mut later = shell(place, "later", &format!("date >{}/later.ran", place.display()));
    later.begin_after_s = Some(8);
    let never = JobSpec { begin_after_s: Some(3600), ..shell(place, "never", "exit 0") };
    let (later, never) = (submit(condor, &later), submit(condor, &never));
    for job in [&later, &never] {
        let seen = reports(condor, job);
        assert!(seen.len() == 1 && seen[&0].state == TaskState::Pending, "{seen:?}");
    }
    assert_eq!(ended(condor, &later, "a job that begins later"), [TaskState::Succeeded]);
    assert!(!written(place, "later.ran").is_empty());
    condor.cancel(std::slice::from_ref(&never.id)).unwrap();
    assert_eq!(ended(condor, &never, "a job that was ended before it began"), [TaskState::Cancelled]);
}

fn what_somebody_holds_is_theirs_and_goes_on_when_it_is_let_go(condor: &mut Condor, place: &Path, pool: &Cluster) {
    let job = submit(condor, &tasks(place, "held", 2, "sleep 3"));
    pool.condor(&["condor_hold", "-constraint", "MolsieveTag == \"held\" && MolsieveTask == 1"]);
    until(condor, &job, "a DAG's tasks are in the queue", |seen| seen.iter().any(|r| r.state == TaskState::Running));
    pool.condor(&["condor_hold", "-constraint", "MolsieveTag == \"held\" && MolsieveTask == 1"]);
    let seen = until(condor, &job, "a task that is held", |seen| seen[1].state == TaskState::Held);
    let reason = seen[1].reason.clone().unwrap();
    assert!(reason.starts_with("hold 1.0: ") && !condor.is_own_hold(&reason), "{reason}");
    assert!(condor.explain(&reason).unwrap().hint.contains("condor_release"));
    condor.release(&job.id, &[1]).unwrap();
    assert_eq!(ended(condor, &job, "a task that was let go"), [TaskState::Succeeded; 2]);
}

fn a_task_that_is_killed_is_tried_again(condor: &mut Condor, place: &Path, pool: &Cluster) {
    let mut job = tasks(place, "killed", 1, "echo x >>$0.ran; [ $(wc -l <$0.ran) = 2 ] || exec sleep 300");
    job.argv[3] = place.join("killed").into();
    let job = submit(condor, &job);
    until(condor, &job, "a task at work", |seen| seen[0].state == TaskState::Running);
    let node =
        pool.condor(&["condor_q", "-constraint", "MolsieveTag == \"killed\" && MolsieveTask == 0", "-af", "ClusterId"]);
    std::thread::sleep(Duration::from_secs(1));
    let pid = pool.script(&["pid"], &[node.stdout.trim()]);
    assert!(std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
    assert_eq!(ended(condor, &job, "a task that was killed"), [TaskState::Succeeded]);
    assert_eq!(written(place, "killed.ran").lines().count(), 2);
}

fn a_time_limit_is_an_end_and_not_a_hold(condor: &mut Condor, place: &Path) {
    let mut job = tasks(place, "limit", 1, "exec sleep 300");
    (job.resources.walltime_s, job.retry) = (Some(5), None);
    let job = submit(condor, &job);
    assert_eq!(ended(condor, &job, "a task over its time"), [TaskState::TimedOut]);
}

fn what_follows_is_started_again_unless_it_says_not_to_be(condor: &mut Condor, place: &Path) {
    let counted = |name: &str, end: &str| {
        format!("echo x >>{0}/{name}.ran; [ $(wc -l <{0}/{name}.ran) = 3 ] || {end}", place.display())
    };
    for (name, end, starts, state) in [
        ("fails", "exit 5", 3, TaskState::Succeeded),
        ("dies", "kill -9 $$", 3, TaskState::Succeeded),
        ("taken", "exit 75", 1, TaskState::Checkpointed),
    ] {
        let job = submit(condor, &followed(tasks(place, name, 1, "exit 0"), place, &counted(name, end)));
        assert_eq!(ended(condor, &last(&job), name), [state]);
        assert_eq!(written(place, &format!("{name}.ran")).lines().count(), starts, "{name}");
    }
}

fn a_dag_that_somebody_removes_is_cancelled_and_followed(condor: &mut Condor, place: &Path, pool: &Cluster) {
    let mut job = tasks(place, "removed", 4, "exec sleep 300");
    job.running_max = Some(2);
    let job = submit(condor, &followed(job, place, &format!("echo x >{}/removed.seen", place.display())));
    until(condor, &job, "two at a time", |seen| {
        let of = |state| seen.iter().filter(|report| report.state == state).count();
        of(TaskState::Running) == 2 && of(TaskState::Pending) == 2
    });
    pool.condor(&["condor_rm", &job.id.0]);
    assert_eq!(ended(condor, &job, "a DAG that was removed"), [TaskState::Cancelled; 4]);
    assert_eq!(ended(condor, &last(&job), "the last part of a DAG that was removed"), [TaskState::Succeeded]);
    assert_eq!(written(place, "removed.seen"), "x\n");
}

fn a_task_that_somebody_removes_is_tried_again(condor: &mut Condor, place: &Path) {
    let mut job = tasks(place, "ended", 2, "echo $1 >>$0.ran; [ $(grep -c 1 $0.ran) = 2 ] || exec sleep 300");
    job.argv[3] = place.join("ended").into();
    let job = submit(condor, &job);
    until(condor, &job, "two at work", |seen| seen.iter().all(|report| report.state == TaskState::Running));
    condor.cancel_tasks(&job.id, &[1]).unwrap();
    let seen = until(condor, &job, "one that was ended alone", |seen| seen[1].state.is_final());
    assert_eq!((seen[0].state, seen[1].state), (TaskState::Running, TaskState::Succeeded));
    condor.cancel(std::slice::from_ref(&job.id)).unwrap();
    assert_eq!(ended(condor, &job, "the rest")[1], TaskState::Succeeded);
}

fn what_has_left_the_queue_is_found_in_the_books(condor: &mut Condor, place: &Path) {
    let job = submit(condor, &followed(tasks(place, "books", 1, "exit 0"), place, "exit 0"));
    ended(condor, &last(&job), "a short job");
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        assert_eq!(condor.find(&job.tag).unwrap(), std::slice::from_ref(&job.id));
        assert_eq!(condor.find(&last(&job).tag).unwrap(), [last(&job).id]);
    }
    assert_eq!(condor.find(&JobTag("never-submitted".into())).unwrap(), Vec::<JobId>::new());
}
