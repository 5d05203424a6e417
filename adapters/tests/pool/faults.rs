//! What HTCondor's own daemons, nodes and DAGs do when they die, and what tasks do where no files are shared.

use std::path::Path;
use std::time::Duration;

use molsieve_adapters::htcondor::{Files, Limits, Site};
use molsieve_adapters::{Adapter, Cli, HtCondor, Job, JobSpec, OwnFiles, TaskState, Transfers};

use super::{Condor, ended, followed, last, reports, submit, tasks, until, written};
use crate::support::Cluster;

/// A task that writes a line a life, and ends well in its second.
const TWICE: &str = "echo x >>$0.$1.ran; [ $(wc -l <$0.$1.ran) -ge 2 ] || exec sleep 300";

fn kill(pid: &str) {
    assert!(std::process::Command::new("kill").args(["-9", pid.trim()]).status().unwrap().success());
}

/// The number of the job that works at task 0 of `tag`.
fn at_work(pool: &Cluster, tag: &str) -> String {
    let constraint = format!("MolsieveTag == \"{tag}\" && MolsieveTask == 0 && JobStatus == 2");
    pool.condor(&["condor_q", "-constraint", &constraint, "-af", "ClusterId"]).stdout.trim().to_owned()
}

/// Two tasks at work, and what follows them.
fn begun(condor: &mut Condor, place: &Path, tag: &str) -> Job {
    let mut job = tasks(place, tag, 2, TWICE);
    job.argv[3] = place.join(tag).into();
    let job = submit(condor, &followed(job, place, &format!("echo x >{}/{tag}.seen", place.display())));
    until(condor, &job, "two at work", |seen| seen.iter().all(|report| report.state == TaskState::Running));
    std::thread::sleep(Duration::from_secs(1));
    job
}

/// They end well, and what follows does so once.
fn finished(condor: &mut Condor, place: &Path, job: &Job) {
    assert_eq!(ended(condor, job, &job.tag.0), [TaskState::Succeeded; 2]);
    assert_eq!(ended(condor, &last(job), &job.tag.0), [TaskState::Succeeded]);
    assert_eq!(written(place, &format!("{}.seen", job.tag.0)), "x\n");
}

#[test]
fn a_real_pool_goes_on_after_every_death() {
    let Some(pool) = Cluster::htcondor() else { return };
    let mut condor = Cli::with(HtCondor::new(Site::default(), Limits::default()), pool.condor_runner());
    let (condor, place) = (&mut condor, pool.path());

    let vacated = begun(condor, place, "vacated");
    pool.condor(&["condor_vacate_job", "-constraint", "MolsieveTag == \"vacated\" && MolsieveTask =!= undefined"]);
    finished(condor, place, &vacated);

    // Its tasks wait until somebody ends them: the DAG must be gone for a while, and they must not.
    let dag = begun(condor, place, "dagman");
    let pid = pool.script(&["dagman"], &[&dag.id.0]);
    kill(&pid);
    pool.condor(&["condor_vacate_job", "-constraint", "MolsieveTag == \"dagman\" && MolsieveTask =!= undefined"]);
    finished(condor, place, &dag);

    let starter = begun(condor, place, "starter");
    let task = at_work(&pool, "starter");
    kill(&pool.script(&["starter"], &[&task]));
    pool.condor(&["condor_vacate_job", "-constraint", "MolsieveTag == \"starter\" && MolsieveTask == 1"]);
    finished(condor, place, &starter);

    let schedd = begun(condor, place, "schedd");
    pool.script(&["schedd"], &["kill"]);
    let away = condor.poll(std::slice::from_ref(&schedd));
    assert!(away.is_err(), "{away:?}");
    let started = std::time::Instant::now();
    while condor.poll(std::slice::from_ref(&schedd)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "the access point did not come back");
        std::thread::sleep(Duration::from_millis(500));
    }
    pool.condor(&["condor_vacate_job", "-constraint", "MolsieveTag == \"schedd\" && MolsieveTask =!= undefined"]);
    finished(condor, place, &schedd);

    let node = begun(condor, place, "node");
    let first = reports(condor, &node)[&0].node.clone().unwrap();
    pool.script(&["crash"], &[first.split('.').next().unwrap()]);
    pool.condor(&["condor_vacate_job", "-constraint", "MolsieveTag == \"node\" && MolsieveTask =!= undefined"]);
    finished(condor, place, &node);

    let whole = begun(condor, place, "whole");
    pool.script(&["down"], &[]);
    pool.script(&["up"], &[]);
    finished(condor, place, &whole);
}

#[test]
fn where_no_files_are_shared_tasks_get_theirs_and_what_they_leave_comes_back() {
    let Some(pool) = Cluster::htcondor_with(&["--no-shared-files"]) else { return };
    let place = pool.path();
    let site = || Site { files: Files::Transferred, ..Site::default() };
    let mut condor = Cli::with(HtCondor::new(site(), Limits::default()), pool.condor_runner());
    let condor = &mut condor;
    std::fs::write(place.join("common.txt"), "common\n").unwrap();
    let own = |index: u64| {
        let (input, place) = (place.join(format!("in.{index}")), place.join(format!("out.{index}")));
        std::fs::write(&input, format!("{index}\n")).unwrap();
        std::fs::create_dir(&place).unwrap();
        OwnFiles { inputs: vec![input], place }
    };
    // Three lives: two end at a checkpoint, the last says what it found.
    let script =
        "mkdir -p left; echo x >>left/lives; [ $(wc -l <left/lives) = 3 ] || exit 85; cat common.txt in.$1 >left/found";
    let job = JobSpec {
        transfers: Some(Transfers {
            inputs: vec![place.join("common.txt")],
            outputs: vec!["left".into()],
            checkpoints: vec!["left".into()],
            own: (0..2).map(own).collect(),
        }),
        ..tasks(place, "carried", 2, script)
    };
    let job = submit(
        condor,
        &followed(job, place, &format!("ls {0}/out.0/left {0}/out.1/left >{0}/carried.seen", place.display())),
    );
    assert_eq!(ended(condor, &job, "tasks whose files are carried"), [TaskState::Succeeded; 2]);
    assert_eq!(ended(condor, &last(&job), "what follows them"), [TaskState::Succeeded]);
    for index in 0..2 {
        assert_eq!(written(place, &format!("out.{index}/left/found")), format!("common\n{index}\n"));
        assert_eq!(written(place, &format!("out.{index}/left/lives")), "x\nx\nx\n", "it went on from its checkpoint");
    }
    assert!(written(place, "carried.seen").contains("found"));

    // With shared files asked for, there is no node for it.
    let mut shared = Cli::with(HtCondor::new(Site::default(), Limits::default()), pool.condor_runner());
    let nowhere = submit(&mut shared, &tasks(place, "nowhere", 1, "exit 0"));
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(reports(&mut shared, &nowhere)[&0].state, TaskState::Pending);
    shared.cancel(std::slice::from_ref(&nowhere.id)).unwrap();

    // What is to be brought back and is not there holds a task; nobody wished it.
    let lost = JobSpec {
        transfers: Some(Transfers { outputs: vec!["left".into()], own: vec![own(7)], ..Transfers::default() }),
        // (The place for it was made before the task began.)
        ..tasks(place, "lost", 1, "rmdir left")
    };
    let lost = submit(condor, &lost);
    let seen = until(condor, &lost, "a task that leaves nothing", |seen| seen[0].state == TaskState::Held);
    let reason = seen[0].reason.clone().unwrap();
    assert!(reason.starts_with("hold 12.") && condor.is_own_hold(&reason), "{reason}");
    condor.cancel(std::slice::from_ref(&lost.id)).unwrap();
}
