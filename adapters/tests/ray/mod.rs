//! Ray: what its Jobs API can do wrong, by a fake that fails on cue; and what dies, on a real cluster.

use std::path::Path;
use std::time::{Duration, Instant};

use molsieve_adapters::ray::{Address, Client, Plain, Site};
use molsieve_adapters::{Adapter, AdapterError, Job, JobId, JobSpec, JobTag, Ray, Resources, Retry, TaskState, Tasks};

use crate::support::fake_ray::{Cue, FakeRay, TOKEN};
use crate::support::ray_cluster::RayCluster;
use crate::support::tls::Tls;

/// A job that runs `script` with the number of the task as `$1`.
fn job(place: &Path, tag: &str, tasks: u64, script: &str) -> JobSpec {
    JobSpec {
        tag: JobTag(tag.to_owned()),
        title: format!("{tag} of the tests of Ray"),
        argv: ["/bin/sh", "-c", script, "task"].map(Into::into).to_vec(),
        tasks: Tasks::Array(tasks),
        running_max: None,
        resources: Resources { cpus: 1, gpus: 0, memory_mib: None, walltime_s: None },
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: Vec::new(),
        file: place.join(tag),
        logs: place.join(format!("{tag}.out")),
        ..JobSpec::default()
    }
}

fn write(ray: &Ray, job: &JobSpec) {
    for file in ray.files(job).unwrap() {
        std::fs::write(file.path, file.text).unwrap();
    }
}

fn submit(ray: &mut Ray, job: &JobSpec) -> Job {
    write(ray, job);
    Job { id: ray.submit(job).unwrap(), tag: job.tag.clone() }
}

/// What is known of each task of `job`, and where it is.
fn seen(ray: &mut Ray, job: &Job) -> Vec<(TaskState, Option<String>)> {
    let reports = ray.poll(std::slice::from_ref(job)).unwrap();
    reports.into_values().map(|report| (report.state, report.node)).collect()
}

fn until(ray: &mut Ray, job: &Job, wanted: impl Fn(&[TaskState]) -> bool) -> Vec<TaskState> {
    let started = Instant::now();
    loop {
        let states: Vec<_> = ray
            .poll(std::slice::from_ref(job))
            .map_or_else(|_| Vec::new(), |reports| reports.into_values().map(|report| report.state).collect());
        if wanted(&states) {
            return states;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "{} is still {states:?}", job.id);
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn all_ended(states: &[TaskState]) -> bool {
    !states.is_empty() && states.iter().all(|state| state.is_final())
}

/// The kind of `error`, in a word.
fn kind(error: &AdapterError) -> &'static str {
    match error {
        AdapterError::Unreachable(_) => "unreachable",
        AdapterError::Rejected(_) => "rejected",
        AdapterError::TooMany(_) => "too many",
        AdapterError::Unparsed(_) => "unparsed",
    }
}

// ---- a fake that fails on cue

#[test]
fn every_failure_on_cue_is_told_by_its_kind_and_shows_no_token() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let known = [submit(&mut ray, &job(place.path(), "cues", 1, "exec sleep 300"))];
    for (cue, expected) in [
        (Cue::Status(401, "Unauthorized"), "rejected"),
        (Cue::Status(403, "Forbidden"), "rejected"),
        (Cue::Status(404, "404: Not Found"), "unparsed"),
        (Cue::Status(500, "Traceback\nKeyError"), "unparsed"),
        (Cue::Status(502, "Bad Gateway"), "unreachable"),
        (Cue::Status(503, ""), "unreachable"),
        (Cue::Status(200, "<html>Welcome</html>"), "unparsed"),
        (Cue::Status(200, "{\"status\": 7}"), "unparsed"),
        (Cue::AcceptAndDrop, "unreachable"),
        (Cue::Half, "unreachable"),
        (Cue::Endless, "unparsed"),
        (Cue::Slow, "unreachable"),
        (Cue::Babble, "unparsed"),
        (Cue::Redirect, "unparsed"),
        (Cue::Echo, "unparsed"),
    ] {
        fake.cue(cue);
        let error = ray.poll(&known).unwrap_err();
        assert_eq!(kind(&error), expected, "{cue:?}: {error}");
        assert!(!format!("{error} {error:?}").contains(TOKEN), "{cue:?}: {error}");
    }
    assert_eq!(ray.poll(&known).unwrap().len(), 1, "and then it goes on");
}

#[test]
fn a_token_that_comes_back_escaped_is_not_shown() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let job = submit(&mut ray, &job(place.path(), "echoes", 1, "exec sleep 300"));
    fake.echo_in_messages();
    fake.lose_driver("echoes");
    let reasons: Vec<_> = ray.poll(&[job]).unwrap().into_values().map(|report| report.reason).collect();
    assert_eq!(reasons, [Some("not for <token>".to_owned())]);
}

#[test]
fn a_look_has_one_limit_of_time_and_of_size_for_all_that_it_asks() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let known: Vec<Job> = ["look-1", "look-2", "look-3"]
        .map(|tag| submit(&mut ray, &job(place.path(), tag, 1, "exec sleep 300")))
        .to_vec();
    assert_eq!(fake.listener(Duration::from_secs(60), 1 << 20).poll(&known).unwrap().len(), 3);
    let asked = |fake: &FakeRay| fake.heard().len();
    // Each answer fits, and all together do not.
    fake.burden(Duration::ZERO, 400 << 10);
    assert_eq!(ray.poll(&known).unwrap().len(), 3);
    let error = fake.listener(Duration::from_secs(60), 1 << 20).poll(&known).unwrap_err();
    assert!(kind(&error) == "unparsed" && error.to_string().contains("together longer than 1048576 bytes"), "{error}");
    fake.burden(Duration::from_millis(700), 0);
    let before = asked(&fake);
    let error = fake.listener(Duration::from_secs(2), 1 << 20).poll(&known).unwrap_err();
    assert_eq!(kind(&error), "unreachable", "{error}");
    assert!(asked(&fake) - before < 6, "it was not asked to the end");
}

#[test]
fn a_submission_whose_answer_was_lost_is_found_and_made_once() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let job = job(place.path(), "lost", 1, "exec sleep 300");
    write(&ray, &job);
    for cue in [Cue::AcceptAndDrop, Cue::Half] {
        fake.cue(cue);
        assert_eq!(kind(&ray.submit(&job).unwrap_err()), "unreachable");
    }
    assert_eq!(ray.find(&job.tag).unwrap(), [JobId("lost".into())]);
    assert_eq!(ray.submit(&job).unwrap(), JobId("lost".into()), "the same again is the same job");
}

#[test]
fn a_job_of_somebody_else_under_our_name_is_not_taken_for_ours() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let theirs = job(place.path(), "theirs", 1, "exec sleep 300");
    submit(&mut ray, &theirs);
    let stranger = Job { id: JobId("theirs".into()), tag: JobTag("ours".into()) };
    assert_eq!(seen(&mut ray, &stranger), []);
}

#[test]
fn names_that_are_none_of_ours_are_not_asked_for() {
    let fake = FakeRay::new();
    let mut ray = fake.ray();
    for id in ["", "..", "../../nodes", "a?b", "a b", "a\r\nX: y", "%2e%2e", ".hidden"] {
        let job = Job { id: JobId(id.into()), tag: JobTag("t".into()) };
        assert_eq!(seen(&mut ray, &job), []);
        ray.cancel(&[job.id]).unwrap();
    }
    assert_eq!(fake.heard(), Vec::<String>::new());
}

#[test]
fn a_new_head_knows_no_job_and_a_driver_that_died_took_its_tasks_along() {
    let (place, fake) = (tempfile::tempdir().unwrap(), FakeRay::new());
    let mut ray = fake.ray();
    let job = submit(&mut ray, &job(place.path(), "dies", 2, "exec sleep 300"));
    fake.lose_driver("dies");
    let reports = ray.poll(std::slice::from_ref(&job)).unwrap();
    for report in reports.values() {
        assert_eq!(
            (report.state, report.reason.as_deref()),
            (TaskState::NodeFailed, Some("Job supervisor actor died"))
        );
    }
    fake.forget();
    assert_eq!(seen(&mut ray, &job), []);
    ray.cancel(&[job.id]).unwrap();
}

#[test]
fn a_head_that_is_away_is_told_from_one_that_refuses() {
    let fake = FakeRay::new();
    let no_token = fake.ray_with(None).find(&JobTag("t".into())).unwrap_err();
    let wrong = fake.ray_with(Some("wrong-token")).find(&JobTag("t".into())).unwrap_err();
    for error in [no_token, wrong] {
        assert!(kind(&error) == "rejected" && error.to_string().contains("token"), "{error}");
        assert!(!error.to_string().contains("wrong-token"), "{error}");
    }
    let away = Address::parse("http://127.0.0.1:1", Plain::Refused).unwrap();
    let mut ray = Ray::new(Client::new(away, None, None).unwrap(), Site::default());
    assert_eq!(kind(&ray.find(&JobTag("t".into())).unwrap_err()), "unreachable");
}

#[test]
fn over_tls_a_certificate_is_checked_and_so_is_its_name() {
    let tls = Tls::new();
    let ask = |host: &str, authorities: Option<&str>| {
        let address = Address::parse(&tls.address(host), Plain::Refused).unwrap();
        let client = Client::new(address, None, authorities).unwrap().limited(Duration::from_secs(20), 1 << 20);
        Ray::new(client, Site::default()).find(&JobTag("tls".into()))
    };
    let certificate = tls.certificate();
    assert_eq!(ask("127.0.0.1", Some(&certificate)).unwrap(), [JobId("tls".into())]);
    for (host, authorities) in [("localhost", Some(certificate.as_str())), ("127.0.0.1", None)] {
        let error = ask(host, authorities).unwrap_err();
        assert!(kind(&error) == "rejected" && error.to_string().contains("certificate"), "{host}: {error}");
    }
    let address = Address::parse(&tls.address("127.0.0.1"), Plain::Refused).unwrap();
    assert!(Client::new(address, None, Some("no certificate")).is_err());
}

// ---- a real cluster

pub fn what_dies_on_a_real_cluster_is_survived(cluster: &RayCluster, ray: &mut Ray) {
    a_wave_is_followed_and_a_duplicate_is_the_same_job(cluster, ray);
    every_exit_is_told_apart_and_tried_again_as_often_as_is_asked(cluster, ray);
    what_follows_is_tried_again_too(cluster, ray);
    a_cancelled_task_ends_at_its_checkpoint_and_nothing_follows(cluster, ray);
    limits_are_kept(cluster, ray);
    a_task_outlives_its_worker(cluster, ray);
    a_task_outlives_its_node_and_keeps_off_bad_ones(cluster, ray);
    what_is_too_large_for_every_node_waits_and_says_so(cluster, ray);
    a_wrong_token_is_refused(cluster);
    a_new_head_knows_nothing_and_takes_the_same_job_again(cluster, ray);
}

fn a_wave_is_followed_and_a_duplicate_is_the_same_job(cluster: &RayCluster, ray: &mut Ray) {
    let mark = cluster.path().join("followed");
    let mut wave = job(cluster.path(), "followed-1", 2, "sleep 1");
    let mut last = job(cluster.path(), "followed-t1", 1, "");
    // It sees where the Jobs API is, and what the token is kept in; nothing else says the token.
    let script = format!("env | grep ^RAY_ | sort > {}", mark.display());
    (last.tasks, last.argv) = (Tasks::One, ["/bin/sh".into(), "-c".into(), script.into()].to_vec());
    wave.finally = Some(Box::new(last.clone()));
    let wave_job = submit(ray, &wave);
    assert_eq!(ray.submit(&wave).unwrap(), wave_job.id);
    let last_id = ray.find(&last.tag).unwrap();
    assert_eq!(last_id, [JobId("followed-1/final".into())]);
    let last_job = Job { id: last_id[0].clone(), tag: last.tag.clone() };
    assert_eq!(until(ray, &wave_job, all_ended), [TaskState::Succeeded; 2]);
    assert_eq!(until(ray, &last_job, all_ended), [TaskState::Succeeded]);
    let seen = std::fs::read_to_string(mark).unwrap();
    assert!(seen.contains(&format!("RAY_API_SERVER_ADDRESS={}\n", cluster.address())), "{seen}");
    assert!(seen.contains("RAY_AUTH_TOKEN_PATH="), "{seen}");
}

fn every_exit_is_told_apart_and_tried_again_as_often_as_is_asked(cluster: &RayCluster, ray: &mut Ray) {
    let script = "case $1 in 0) exit 0;; 1) exit 75;; 2) exit 2;; 3) exit 6;; 4) kill -9 $$;; 5) exit 127;; esac";
    let expected = [
        TaskState::Succeeded,
        TaskState::Checkpointed,
        TaskState::Failed { exit: 2 },
        TaskState::Failed { exit: 6 },
        TaskState::NodeFailed,
        TaskState::Failed { exit: 127 },
    ];
    // Where nobody asks, nothing is tried again.
    let again = Retry { times: 1, unless_exit: 2 };
    for (tag, retry, expected_starts) in [("each-once", None, [1; 6]), ("each-again", Some(again), [1, 1, 1, 2, 2, 2])]
    {
        let spec = JobSpec { retry, ..job(cluster.path(), tag, 6, &format!("echo start $1; {script}")) };
        let job = submit(ray, &spec);
        assert_eq!(until(ray, &job, all_ended), expected, "{tag}");
        let starts = std::fs::read_to_string(cluster.path().join(format!("{tag}.out"))).unwrap();
        let times = |task: u64| starts.lines().filter(|line| *line == format!("start {task}")).count();
        assert_eq!([0, 1, 2, 3, 4, 5].map(times), expected_starts, "{tag}: {starts}");
    }
}

fn what_follows_is_tried_again_too(cluster: &RayCluster, ray: &mut Ray) {
    let mut wave = job(cluster.path(), "wave-again", 1, "exit 0");
    let mut last = job(cluster.path(), "last-again", 1, "");
    (last.tasks, last.retry) = (Tasks::One, Some(Retry { times: 2, unless_exit: 75 }));
    let tried = cluster.path().join("last-tried");
    // It dies by a signal, fails, and goes well.
    let script = format!("echo x >> {0}; case $(wc -l < {0}) in 1) kill -9 $$;; 2) exit 3;; esac", tried.display());
    last.argv = ["/bin/sh".into(), "-c".into(), script.into()].to_vec();
    wave.finally = Some(Box::new(last.clone()));
    let job = submit(ray, &wave);
    let last_job = Job { id: job.id.finally(), tag: last.tag };
    assert_eq!(until(ray, &last_job, |states| states == [TaskState::Succeeded]), [TaskState::Succeeded]);
    assert_eq!(std::fs::read_to_string(tried).unwrap().lines().count(), 3);
}

fn a_cancelled_task_ends_at_its_checkpoint_and_nothing_follows(cluster: &RayCluster, ray: &mut Ray) {
    let script = "trap 'sleep 5; echo saved $1; exit 75' TERM; echo ready; while :; do sleep 0.1; done";
    let mut long = job(cluster.path(), "cancelled-late", 6, script);
    let followed = cluster.path().join("cancelled-followed");
    let mut last = job(cluster.path(), "cancelled-late-t", 1, "");
    (last.tasks, last.argv) = (Tasks::One, ["/usr/bin/touch".into(), followed.clone().into()].to_vec());
    long.finally = Some(Box::new(last));
    let job = submit(ray, &long);
    // Four of six have room.
    let said = |word: &str| {
        let output = std::fs::read_to_string(cluster.path().join("cancelled-late.out")).unwrap_or_default();
        output.lines().filter(|line| line.starts_with(word)).count()
    };
    wait_for(|| said("ready") >= 4);
    ray.cancel(std::slice::from_ref(&job.id)).unwrap();
    assert_eq!(until(ray, &job, all_ended), [TaskState::Cancelled; 6]);
    // (Another may have begun where the first of them had ended, and has less time than it takes.)
    assert!(said("saved") >= 4, "{} began, {} saved", said("ready"), said("saved"));
    ray.cancel(std::slice::from_ref(&job.id)).unwrap();
    assert!(!followed.exists());
}

/// Of time, of tasks that run at once, of nodes, and of the moment before which nothing begins.
fn limits_are_kept(cluster: &RayCluster, ray: &mut Ray) {
    let at_work = cluster.path().join("at-work");
    let (lock, free) = (format!("mkdir {}", at_work.display()), format!("rmdir {}", at_work.display()));
    let script = format!("trap '{free}; exit 75' TERM; {lock} || exit 2; while :; do sleep 0.1; done");
    let mut limited = job(cluster.path(), "limited", 3, &script);
    (limited.running_max, limited.begin_after_s) = (Some(1), Some(3));
    limited.resources.walltime_s = Some(2);
    limited.exclude = vec!["n1".into()];
    let job = submit(ray, &limited);
    assert!(job.id.0.starts_with("limited-"), "what begins later may be submitted again: {}", job.id);
    assert_eq!(ray.find(&limited.tag).unwrap(), std::slice::from_ref(&job.id));
    until(ray, &job, all_ended);
    let on_the_other = (TaskState::Checkpointed, Some("n2".to_owned()));
    assert_eq!(seen(ray, &job), vec![on_the_other; 3]);
}

fn a_task_outlives_its_worker(cluster: &RayCluster, ray: &mut Ray) {
    let go = cluster.path().join("go-worker");
    let script = format!("echo start $$; until [ -e {} ]; do sleep 0.1; done", go.display());
    let job = submit(ray, &job(cluster.path(), "worker", 1, &script));
    until(ray, &job, |states| states == [TaskState::Running]);
    let started = || std::fs::read_to_string(cluster.path().join("worker.out")).unwrap_or_default();
    wait_for(|| started().lines().count() == 1);
    let (_, pid) = cluster.workers().remove(0);
    cluster.script(&["kill", &pid]);
    wait_for(|| started().lines().count() == 2);
    let first = started().lines().next().unwrap().replace("start ", "/proc/");
    wait_for(|| !Path::new(&first).exists());
    std::fs::write(go, "").unwrap();
    assert_eq!(until(ray, &job, all_ended), [TaskState::Succeeded]);
}

fn a_task_outlives_its_node_and_keeps_off_bad_ones(cluster: &RayCluster, ray: &mut Ray) {
    let go = cluster.path().join("go-node");
    let script = format!("until [ -e {} ]; do sleep 0.1; done", go.display());
    let mut spec = job(cluster.path(), "node", 1, &script);
    spec.exclude = vec!["n2".into()];
    let job = submit(ray, &spec);
    let on = |node: &str| vec![(TaskState::Running, Some(node.to_owned()))];
    wait_for(|| seen(ray, &job) == on("n1"));
    cluster.script(&["crash", "n1"]);
    // (What was to be kept off is all that is left, so this must wait until the other is back.)
    cluster.script(&["node", "n1"]);
    wait_for(|| seen(ray, &job) == on("n1"));
    std::fs::write(go, "").unwrap();
    assert_eq!(until(ray, &job, all_ended), [TaskState::Succeeded]);
}

fn what_is_too_large_for_every_node_waits_and_says_so(cluster: &RayCluster, ray: &mut Ray) {
    let mut large = job(cluster.path(), "large", 1, "exit 0");
    large.resources.cpus = 1000;
    let job = submit(ray, &large);
    let mut reason = None;
    wait_for(|| {
        let reports = ray.poll(std::slice::from_ref(&job)).unwrap();
        reason = reports.into_values().find_map(|report| report.reason.filter(|_| report.state == TaskState::Pending));
        reason.is_some()
    });
    assert!(ray.explain(&reason.unwrap()).is_some());
    ray.cancel(std::slice::from_ref(&job.id)).unwrap();
    assert_eq!(until(ray, &job, all_ended), [TaskState::Cancelled]);
}

fn a_wrong_token_is_refused(cluster: &RayCluster) {
    for token in [None, Some("0000")] {
        let error = cluster.ray_with(token).find(&JobTag("t".into())).unwrap_err();
        assert!(kind(&error) == "rejected" && error.to_string().contains("token"), "{error}");
    }
}

fn a_new_head_knows_nothing_and_takes_the_same_job_again(cluster: &RayCluster, ray: &mut Ray) {
    let spec = job(cluster.path(), "head", 1, "echo start $$; exec sleep 300");
    let job = submit(ray, &spec);
    let started = || std::fs::read_to_string(cluster.path().join("head.out")).unwrap_or_default();
    wait_for(|| started().lines().count() == 1);
    cluster.script(&["head", "stop"]);
    assert_eq!(kind(&ray.poll(std::slice::from_ref(&job)).unwrap_err()), "unreachable");
    let first = started().trim().replace("start ", "/proc/");
    wait_for(|| !Path::new(&first).exists());
    cluster.script(&["head", "start"]);
    assert_eq!(seen(ray, &job), []);
    assert_eq!(ray.submit(&spec).unwrap(), job.id);
    wait_for(|| started().lines().count() == 2);
    ray.cancel(std::slice::from_ref(&job.id)).unwrap();
    until(ray, &job, all_ended);
}

fn wait_for(mut ready: impl FnMut() -> bool) {
    let started = Instant::now();
    while !ready() {
        assert!(started.elapsed() < Duration::from_secs(90), "it has not come");
        std::thread::sleep(Duration::from_millis(200));
    }
}
