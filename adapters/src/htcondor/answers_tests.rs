//! What HTCondor's answers mean, and that none of them does harm.

use proptest::prelude::*;

use super::HtCondor;
use super::answers::{constraint, done, found, history, queue, submitted};
use super::rows::tests::{line, said};
use crate::adapter::AdapterError;
use crate::command::Said;
use crate::dialect::{Dialect, Reports};
use crate::job::{Job, JobId, JobTag, TaskState};

const DAG: &[(&str, &str)] = &[
    ("ClusterId", "7"),
    ("JobUniverse", "7"),
    ("JobStatus", "2"),
    ("MolsieveTag", "\"w\""),
    ("MolsieveFinalTag", "\"t\""),
    ("MolsieveTasks", "3"),
];

fn node(more: &[(&'static str, &'static str)]) -> String {
    let own = [("MolsieveTag", "\"w\""), ("DAGManJobId", "7"), ("DAGNodeName", "\"t0\"")];
    line(&[more, &own].concat())
}

fn wave() -> Vec<Job> {
    vec![Job { id: JobId("7".into()), tag: JobTag("w".into()) }]
}

fn tick() -> Vec<Job> {
    vec![Job { id: JobId("7".into()).finally(), tag: JobTag("t".into()) }]
}

fn states(reports: &Reports) -> Vec<(u64, TaskState)> {
    reports.iter().map(|(task, report)| (task.index, report.state)).collect()
}

fn no(stderr: &str) -> Said {
    Said { code: Some(1), stdout: String::new(), stderr: stderr.to_owned() }
}

#[test]
fn what_is_not_in_the_queue_waits_for_its_dag() {
    let running =
        node(&[("ClusterId", "8"), ("JobStatus", "2"), ("MolsieveTask", "1"), ("RemoteHost", "\"slot1@n1\"")]);
    let reports = queue(&wave(), &said(line(DAG) + &running)).unwrap();
    assert_eq!(states(&reports), [(0, TaskState::Pending), (1, TaskState::Running), (2, TaskState::Pending)]);
    assert!(reports.values().any(|report| report.node.as_deref() == Some("n1")));
    let with = |status| [&DAG[..2], &[("JobStatus", status)], &DAG[3..]].concat();
    let held = queue(&wave(), &said(line(&with("5")))).unwrap();
    assert!(held.values().all(|report| report.state == TaskState::Held && report.reason.as_deref() == Some("DagHeld")));
    let removed = queue(&wave(), &said(line(&with("3")))).unwrap();
    assert!(removed.values().all(|report| report.state == TaskState::Cancelled));
    assert_eq!(
        states(&queue(&tick(), &said(line(&with("3")))).unwrap()),
        [(0, TaskState::Pending)],
        "it follows all the same"
    );
}

#[test]
fn a_number_that_is_another_jobs_by_now_is_not_ours() {
    let other = [("ClusterId", "7"), ("JobStatus", "2"), ("MolsieveTag", "\"x\""), ("MolsieveTask", "0")];
    assert_eq!(states(&queue(&wave(), &said(line(&other))).unwrap()), []);
    let stranger = node(&[("ClusterId", "8"), ("JobStatus", "2"), ("MolsieveTask", "1"), ("MolsieveTag", "\"x\"")]);
    assert_eq!(states(&queue(&wave(), &said(stranger)).unwrap()), []);
}

#[test]
fn the_books_tell_the_last_try_and_a_dag_that_is_there_tries_again() {
    let exit = |cluster, attempt, code| {
        let own = [("ClusterId", cluster), ("MolsieveTry", attempt), ("ExitCode", code), ("JobStatus", "4")];
        node(
            &[
                &own[..],
                &[("MolsieveTask", "0"), ("ExitBySignal", "false"), ("MolsieveRetries", "1"), ("MolsieveUnless", "2")],
            ]
            .concat(),
        )
    };
    let of = |text: String| states(&history(&wave(), &said(text)).unwrap());
    assert_eq!(of(exit("8", "0", "6")), [(0, TaskState::Pending)]);
    assert_eq!(of(exit("8", "0", "2")), [(0, TaskState::Failed { exit: 2 })], "not after its program's fault");
    assert_eq!(of(exit("9", "1", "0") + &exit("8", "0", "6")), [(0, TaskState::Succeeded)]);
    assert_eq!(of(exit("9", "1", "6") + &exit("8", "0", "6")), [(0, TaskState::Failed { exit: 6 })]);
    let over = [&DAG[..2], &[("JobStatus", "4")], &DAG[3..]].concat();
    assert_eq!(of(line(&over) + &exit("8", "0", "6")), [(0, TaskState::Failed { exit: 6 })]);
    let removed = [&DAG[..2], &[("JobStatus", "3")], &DAG[3..]].concat();
    let all = of(line(&removed) + &exit("8", "0", "0"));
    assert_eq!(all, [(0, TaskState::Succeeded), (1, TaskState::Cancelled), (2, TaskState::Cancelled)]);
}

#[test]
fn a_dag_that_has_nothing_in_the_queue_and_of_which_nothing_ends_has_lost_an_end() {
    let condor = HtCondor::default();
    // As they were on a full disk: the DAG runs, job 8 ended with exit code 3 and was never tried again, since `005 005 (8.000.000)` stood in
    // the DAG's log.
    let dag = |still_s| line(&[DAG, &[("EnteredCurrentStatus", still_s)]].concat());
    let ended = |still_s| {
        let own = [
            ("ClusterId", "8"),
            ("MolsieveTry", "0"),
            ("ExitCode", "3"),
            ("JobStatus", "4"),
            ("ExitBySignal", "false"),
        ];
        let retried = [("MolsieveTask", "0"), ("MolsieveRetries", "1"), ("MolsieveUnless", "75")];
        node(&[&own[..], &retried, &[("EnteredCurrentStatus", still_s)]].concat())
    };
    let well = node(&[
        ("ClusterId", "9"),
        ("MolsieveTask", "1"),
        ("ExitCode", "0"),
        ("JobStatus", "4"),
        ("ExitBySignal", "false"),
        ("EnteredCurrentStatus", "700"),
    ]);
    let known = |jobs: &[Job], queued: String, left: String| {
        let mut reports = queue(jobs, &said(queued)).unwrap();
        for (task, books) in history(jobs, &said(left)).unwrap() {
            let both = condor.both(reports.get(&task), books);
            reports.extend(both.map(|report| (task, report)));
        }
        reports.into_values().map(|report| (report.state, report.reason)).collect::<Vec<_>>()
    };
    let stuck = |state| (state, Some("DagStuck".to_owned()));
    let idle = |word: &str| (TaskState::Pending, Some(word.to_owned()));
    let wave_of = |queued, left: String| known(&wave(), queued, left + &well);
    assert_eq!(
        wave_of(dag("900"), ended("600")),
        [stuck(TaskState::Pending), stuck(TaskState::Succeeded), idle("DagIdle")]
    );
    assert_eq!(known(&tick(), dag("900"), ended("600") + &well), [stuck(TaskState::Pending)]);
    assert!(condor.is_stuck("DagStuck") && condor.explain("DagStuck").unwrap().hint.contains("`molsieve tick`"));
    // What ended just now is about to be tried again; a DAG that has just begun anew reads its log; another task is at work.
    let well_known = (TaskState::Succeeded, None);
    for (queued, left) in [(dag("900"), ended("20")), (dag("20"), ended("600"))] {
        let all = wave_of(queued.clone(), left.clone());
        assert!(all[0].0 == TaskState::Pending && all[1] == well_known, "{all:?}");
        assert!(all.iter().all(|(_, why)| why.as_deref() != Some("DagStuck")), "{all:?}");
        let ticks = known(&tick(), queued, left + &well);
        assert!(ticks[0].0 == TaskState::Pending && ticks[0].1.as_deref() != Some("DagStuck"), "{ticks:?}");
    }
    let other = node(&[("ClusterId", "10"), ("JobStatus", "2"), ("MolsieveTask", "2")]);
    let all = wave_of(dag("900") + &other, ended("600"));
    assert_eq!(all, [idle("TriedAgain"), well_known, (TaskState::Running, None)]);
    let again = node(&[("ClusterId", "10"), ("JobStatus", "1"), ("MolsieveTask", "0"), ("MolsieveTry", "1")]);
    assert_eq!(known(&wave(), dag("900") + &again, String::new())[0], idle("TriedAgain"), "and it waits for its turn");
    // And one that is gone tries nothing again.
    assert_eq!(known(&tick(), String::new(), ended("600")), []);
}

#[test]
fn what_its_dag_would_have_tried_again_was_cancelled_with_it() {
    let failed = |attempt| {
        let own = [("ClusterId", "8"), ("MolsieveTry", attempt), ("ExitCode", "3"), ("JobStatus", "4")];
        let more =
            [("ExitBySignal", "false"), ("MolsieveTask", "0"), ("MolsieveRetries", "1"), ("MolsieveUnless", "75")];
        node(&[&own[..], &more].concat())
    };
    let removed = line(&[&DAG[..2], &[("JobStatus", "3")], &DAG[3..]].concat());
    let of =
        |attempt| history(&wave(), &said(removed.clone() + &failed(attempt))).unwrap().into_values().next().unwrap();
    assert_eq!(of("0").state, TaskState::Cancelled);
    assert_eq!(of("1").state, TaskState::Failed { exit: 3 });
}

#[test]
fn what_begins_later_is_told_with_its_time() {
    let look = |status, more: &[(&'static str, &'static str)]| {
        let own = [("ClusterId", "7"), ("JobStatus", status), ("MolsieveTag", "\"w\""), ("MolsieveTask", "0")];
        let row = line(&[&own[..], &[("JobUniverse", "12"), ("MolsieveAfter", "1795917600")], more].concat());
        queue(&wave(), &said(row)).unwrap().into_values().next().unwrap().start
    };
    assert_eq!(look("1", &[]).as_deref(), Some("2026-11-29T02:00:00"));
    assert_eq!(look("2", &[("JobCurrentStartDate", "1795917601")]).as_deref(), Some("2026-11-29T02:00:01"));
}

#[test]
fn a_hold_is_told_with_its_numbers_and_its_words() {
    let held = node(&[
        ("ClusterId", "8"),
        ("JobStatus", "5"),
        ("MolsieveTask", "0"),
        ("HoldReasonCode", "13"),
        ("HoldReasonSubCode", "2"),
        ("HoldReason", "\"no such file\""),
    ]);
    let reports = queue(&wave(), &said(held)).unwrap();
    let report = reports.values().next().unwrap();
    assert_eq!((report.state, report.reason.as_deref()), (TaskState::Held, Some("hold 13.2: no such file")));
}

#[test]
fn a_job_is_found_by_its_tag_and_its_last_part_by_its_own() {
    let last = line(&[
        ("ClusterId", "9"),
        ("JobStatus", "2"),
        ("MolsieveTag", "\"t\""),
        ("DAGManJobId", "7"),
        ("DAGNodeName", "\"final\""),
    ]);
    let plain = line(&[("ClusterId", "12"), ("JobStatus", "1"), ("MolsieveTag", "\"look\"")]);
    let all = said(line(DAG) + &last + &plain);
    let of = |tag| found(tag, &all).unwrap().into_iter().map(|job| job.0).collect::<Vec<_>>();
    assert_eq!(of("w"), ["7"]);
    assert_eq!(of("t"), ["7/final"]);
    assert_eq!(of("look"), ["12"]);
    assert_eq!(of("x"), Vec::<String>::new());
}

#[test]
fn a_submission_is_known_by_the_sentence_that_it_ends_with() {
    let text = "File for submitting this DAG : a.dag.condor.sub\nSubmitting job(s).\n1 job(s) submitted to cluster 17.\n----\n";
    assert_eq!(submitted(&said(text.into())).unwrap().0, "17");
    for vague in ["", "Submitting job(s).\n", "1 job(s) submitted to cluster 17", "1 job(s) submitted to cluster x.\n"]
    {
        assert!(matches!(submitted(&said(vague.into())), Err(AdapterError::Unreachable(_))), "{vague:?}");
    }
    let kind = |text| submitted(&no(text)).unwrap_err();
    assert!(matches!(kind("ERROR: Failed to parse command file (line 3)."), AdapterError::Rejected(_)));
    let many = "ERROR: Failed submission for job 5.-1 - aborting entire submit\n\
        ERROR: Number of submitted jobs would exceed MAX_JOBS_PER_OWNER\n";
    assert!(matches!(kind(many), AdapterError::TooMany(_)));
    assert!(matches!(kind("ERROR: Can't find address of local schedd"), AdapterError::Unreachable(_)));
    assert!(matches!(kind("Segmentation fault"), AdapterError::Unparsed(_)));
}

#[test]
fn an_end_of_what_has_ended_is_fine_and_silence_is_silence() {
    for gone in ["Couldn't find/remove all jobs in cluster 9", "Job 7.0 not found", "There are no jobs in the queue"] {
        assert_eq!(done(&no(gone)), Ok(()), "{gone}");
    }
    assert!(matches!(done(&no("CEDAR:6001:Failed to connect to <127.0.0.1:9618>")), Err(AdapterError::Unreachable(_))));
    assert!(matches!(done(&no("Error: Permission denied")), Err(AdapterError::Rejected(_))));
}

#[test]
fn what_is_no_number_is_asked_for_nowhere() {
    let job = |id: &str| Job { id: JobId(id.into()), tag: JobTag("w".into()) };
    assert_eq!(constraint(&[job("7"), job("7/final")]), "ClusterId == 7 || DAGManJobId == 7");
    assert_eq!(constraint(&[job("7 || True"), job("local-1"), job("")]), "False");
}

#[test]
fn a_number_that_a_stranger_wrote_is_not_believed() {
    let many = [&DAG[..5], &[("MolsieveTasks", "9223372036854775807")]].concat();
    assert_eq!(queue(&wave(), &said(line(&many))).unwrap().len(), 1_000_000);
}

proptest! {
    #[test]
    fn no_answer_makes_us_panic(text in "\\PC{0,300}", code in proptest::option::of(0i32..3)) {
        let said = Said { code, stdout: format!("\"molsieve-row{text}\n"), stderr: text };
        let _ = queue(&wave(), &said);
        let _ = history(&wave(), &said);
        let _ = found("t", &said);
        let _ = submitted(&said);
        let _ = done(&said);
    }
}

#[test]
fn numbers_and_a_condition_never_stand_together_in_a_removal() {
    // HTCondor removes what both are true of: with `12 -constraint` of another job that is nothing.
    let (dag, last) = (JobId("12".to_owned()), JobId("12".to_owned()).finally());
    let argv = |jobs: &[JobId]| super::HtCondor::default().cancel(jobs).argv;
    assert_eq!(argv(&[last.clone(), dag.clone()]), ["condor_rm", "12"], "a DAG takes its last node with it");
    assert_eq!(argv(&[last]), ["condor_rm", "-constraint", "(DAGManJobId == 12 && DAGNodeName == \"final\")"]);
    let other = JobId("13".to_owned()).finally();
    let both = "ClusterId == 12 || (DAGManJobId == 13 && DAGNodeName == \"final\")";
    assert_eq!(argv(&[dag, other]), ["condor_rm", "-constraint", both]);
    assert_eq!(argv(&[]), ["condor_rm", "-constraint", "False"]);
}
