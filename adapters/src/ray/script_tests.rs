//! What a driver looks like, and that Python reads back what was written.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use super::script::{TEMPLATE, check, render};
use super::site::Site;
use crate::adapter::AdapterError;
use crate::job::{JobId, JobSpec, JobTag, Place, Resources, Retry, Tasks};

fn job() -> JobSpec {
    JobSpec {
        tag: JobTag("molsieve-0123-1".into()),
        title: "molsieve: wave 1 of the campaign egfr".into(),
        argv: ["/opt/molsieve", "worker", "/data/my campaign", "--task"].map(OsString::from).to_vec(),
        tasks: Tasks::Array(3),
        running_max: Some(2),
        resources: Resources { cpus: 4, gpus: 1, memory_mib: Some(2048), walltime_s: Some(3600) },
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: vec!["n7".into()],
        file: "/data/my campaign/launch/wave-1".into(),
        logs: "/data/my campaign/logs/wave-1.out".into(),
        ..JobSpec::default()
    }
}

fn text(job: &JobSpec) -> String {
    render(&Site::default(), TEMPLATE, job).unwrap().text
}

#[test]
fn a_driver_begins_with_what_the_job_is() {
    let file = render(&Site::default(), TEMPLATE, &job()).unwrap();
    assert_eq!(file.path.to_str(), Some("/data/my campaign/launch/wave-1.py"));
    for line in [
        "# molsieve: wave 1 of the campaign egfr",
        "# By hand: ray job submit --submission-id molsieve-0123-1 -- python3 '/data/my campaign/launch/wave-1.py'",
        r#"TAG = "molsieve-0123-1""#,
        r#"ARGV = ["/opt/molsieve", "worker", "/data/my campaign", "--task"]"#,
        "TASKS = 3  # each has its number, from 0, as its last argument; None is one without",
        "CPUS = 4",
        "MEMORY_MIB = 2048",
        r#"EXCLUDE = ["n7"]  # nodes that kept failing"#,
        "FINALLY = None  # runs when all tasks have ended",
    ] {
        assert!(file.text.lines().any(|own| own == line), "{line} is not in {}", file.text);
    }
}

#[test]
fn what_follows_is_in_the_driver_of_what_it_follows() {
    let last = JobSpec { tasks: Tasks::One, argv: vec!["/opt/molsieve".into(), "tick".into()], ..job() };
    let both = JobSpec { finally: Some(Box::new(last.clone())), ..job() };
    assert!(text(&both).contains(r#"FINALLY = {"argv": ["/opt/molsieve", "tick"], "logs": "#), "{}", text(&both));
    let many = JobSpec { finally: Some(Box::new(job())), ..job() };
    assert!(matches!(render(&Site::default(), TEMPLATE, &many), Err(AdapterError::Rejected(_))));
}

#[test]
fn how_often_something_is_tried_again_is_said_for_tasks_and_for_what_follows() {
    assert!(text(&job()).contains("RETRY = None"));
    let retry = |times| Some(Retry { times, unless_exit: 75 });
    let last = JobSpec { tasks: Tasks::One, retry: retry(2), ..job() };
    let both = text(&JobSpec { finally: Some(Box::new(last)), retry: retry(1), ..job() });
    assert!(both.contains(r#"RETRY = {"times": 1, "unless_exit": 75}  #"#), "{both}");
    assert!(both.contains(r#""retry": {"times": 2, "unless_exit": 75}}"#), "{both}");
}

#[test]
fn a_command_that_went_well_ended_at_a_checkpoint_or_as_was_said_is_not_tried_again() {
    let ask = "print([e for e in (0, 2, 3, 6, 75, 85, 127, -9) if driver.has_failed(e, driver.RETRY)])";
    let with = |retry| python(&JobSpec { retry, ..job() }, ask).trim().to_owned();
    assert_eq!(with(None), "[]");
    assert_eq!(with(Some(Retry { times: 1, unless_exit: 75 })), "[2, 3, 6, 127, -9]");
    assert_eq!(with(Some(Retry { times: 1, unless_exit: 3 })), "[2, 6, 127, -9]");
}

#[test]
fn what_looks_at_other_jobs_runs_on_the_head_and_tasks_do_not() {
    let look = JobSpec { tasks: Tasks::One, place: Place::Submitter, begin_after_s: Some(60), ..job() };
    let on_head = |job: &JobSpec| text(job).contains("ON_HEAD = True");
    assert!(on_head(&look));
    for other in [job(), JobSpec { tasks: Tasks::One, ..job() }, JobSpec { begin_after_s: Some(60), ..job() }] {
        assert!(!on_head(&other));
    }
}

/// Runs the driver of `job` as a module, without Ray, and then `ask`.
fn python(job: &JobSpec, ask: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("driver.py"), text(job)).unwrap();
    let script = format!("import sys; sys.dont_write_bytecode = True; import driver; {ask}");
    let said = Command::new("python3").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn python_reads_back_what_was_written() {
    let hostile =
        ["", "it's", "a\"b", "\\", "\\n", "{job}", "{title}", "\"; import os; os.abort() #", "%s", "é", "$(id)"];
    let job = JobSpec {
        argv: hostile.map(OsString::from).to_vec(),
        title: "a\nimport os; os.abort()".into(),
        logs: "/a\"\\/b".into(),
        ..job()
    };
    let said = python(&job, "sys.stdout.write('|'.join(driver.ARGV) + '|' + driver.LOGS)");
    assert_eq!(said, format!("{}|/a\"\\/b", hostile.join("|")));
}

#[test]
fn what_nobody_could_review_is_refused() {
    for argument in [OsString::from("a\nb"), OsString::from_vec(vec![b'a', 0xff])] {
        let job = JobSpec { argv: vec![argument], ..job() };
        assert!(matches!(render(&Site::default(), TEMPLATE, &job), Err(AdapterError::Rejected(_))));
    }
    for job in [
        JobSpec { after: vec![JobId("1".into())], ..job() },
        JobSpec { instead_of: vec![JobId("1".into())], ..job() },
        JobSpec { tasks: Tasks::Array(0), ..job() },
        JobSpec { place: Place::Submitter, ..job() },
        JobSpec { argv: Vec::new(), ..job() },
        JobSpec { ranks: Some(2), ..job() },
    ] {
        assert!(matches!(render(&Site::default(), TEMPLATE, &job), Err(AdapterError::Rejected(_))), "{job:?}");
    }
}

#[test]
fn a_template_needs_each_placeholder_once() {
    check(TEMPLATE).unwrap();
    check("# {title}\n# {by_hand}\n{job}\n").unwrap();
    for template in ["{title} {by_hand}", "{title} {by_hand} {job} {job}", "{title} {by_hand} {job} \u{1b}"] {
        assert!(check(template).is_err(), "{template}");
    }
}

/// The driver without Ray: how it waits for a command.
#[test]
fn a_command_that_is_asked_to_end_has_time_for_a_checkpoint_and_then_none() {
    let say = |script: &str, grace: u32, limit: &str| {
        let ask = format!(
            "driver.GRACE_S = {grace}; c = driver.start(['/bin/sh', '-c', {script:?}], '/dev/null', {{}}); \
             print(driver.wait(c, {limit}))"
        );
        python(&job(), &ask).trim().to_owned()
    };
    assert_eq!(say("exit 3", 9, "None"), "(3, None)");
    let checkpoint = "trap 'exit 75' TERM; while :; do sleep 0.1; done";
    assert_eq!(say(checkpoint, 9, "0.5"), "(75, 'time limit')");
    assert_eq!(say("trap '' TERM; while :; do sleep 0.1; done", 1, "0.5"), "(-9, 'time limit')");
}
