use super::*;
use crate::run::look::heard::Meaning;

fn element(task: u64, stand: Stand, reason: Option<&str>) -> Element {
    Element { task, stand, node: None, reason: reason.map(str::to_owned), start_ms: None }
}

fn heard(wave: Vec<Element>) -> Heard {
    let meaning = Meaning { what: "somebody held it", hint: "`scontrol release {task}` or `scancel {job}`" };
    Heard { wave, meanings: BTreeMap::from([("JobHeldUser".to_owned(), meaning)]), ..Heard::default() }
}

fn running(task: u64, since_ms: u64, finished: u64) -> Running {
    Running {
        element: format!("7_{task}"),
        task,
        node: None,
        since_ms: Some(since_ms),
        groups: String::new(),
        records: 1000,
        finished,
        written_ms: None,
        straggler: false,
    }
}

fn waits_of(kind: SchedulerKind, elements: &[Element], heard: &Heard) -> Vec<Wait> {
    waits("d", scheduler::of(kind).unwrap(), &JobId("47".to_owned()), false, elements, heard)
}

fn stragglers(mut all: Vec<Running>) -> Vec<u64> {
    mark_stragglers(&mut all, 100_000_000);
    all.iter().filter(|task| task.straggler).map(|task| task.task).collect()
}

#[test]
fn what_is_held_is_told_by_its_names_with_the_command_that_lets_it_go() {
    let elements = [
        element(3, Stand::Held, Some("JobHeldUser")),
        element(5, Stand::Held, Some("JobHeldUser")),
        element(6, Stand::Waiting, Some("Priority")),
        element(7, Stand::Running, None),
    ];
    let waits = waits_of(SchedulerKind::Slurm, &elements, &heard(elements.to_vec()));
    let held = waits.iter().find(|wait| wait.held).unwrap();
    assert_eq!((held.tasks, held.hint.as_deref()), (2, Some("`scontrol release 47_3,47_5` or `scancel 47`")));
    let other = waits.iter().find(|wait| !wait.held).unwrap();
    assert_eq!((other.reason.as_deref(), other.tasks, other.what.as_deref()), (Some("Priority"), 1, None));
    assert_eq!(waits.len(), 2);
    let waits = waits_of(SchedulerKind::HtCondor, &elements, &heard(elements.to_vec()));
    let held = waits.iter().find(|wait| wait.held).unwrap();
    assert!(held.hint.as_ref().unwrap().contains("release -constraint '"), "{waits:?}");
}

#[test]
fn only_what_runs_has_task_groups_at_work() {
    let tasks = [vec![GroupIndex(0), GroupIndex(4)], vec![GroupIndex(1)], vec![GroupIndex(2)]];
    let groups = groups_of(&[running(0, 1, 1), running(2, 1, 1), running(9, 1, 1)], &tasks);
    assert_eq!(groups, [GroupIndex(0), GroupIndex(4), GroupIndex(2)].into());
}

#[test]
fn of_many_that_are_held_the_whole_job_is_named() {
    let elements: Vec<Element> = (0..9).map(|task| element(task, Stand::Held, Some("JobHeldUser"))).collect();
    let waits = waits_of(SchedulerKind::Slurm, &elements, &heard(elements.clone()));
    assert!(waits[0].hint.as_ref().unwrap().contains("release 47`"), "{waits:?}");
}

#[test]
fn a_task_that_is_far_behind_the_others_is_a_straggler() {
    let since = 100_000_000 - 1_000_000;
    let mut all: Vec<Running> = (0..5).map(|task| running(task, since, 600)).collect();
    assert_eq!(stragglers(all.clone()), [0_u64; 0]);
    all.push(running(5, since, 150));
    all.push(running(6, since, 0));
    // It has just begun: nothing can be said of it.
    all.push(running(7, 100_000_000 - 30_000, 0));
    // It has done as little, and in as little time.
    all.push(running(8, 100_000_000 - 100_000, 60));
    assert_eq!(stragglers(all), [5, 6]);
}

#[test]
fn of_three_tasks_none_is_behind_the_others() {
    let since = 100_000_000 - 1_000_000;
    assert_eq!(stragglers(vec![running(0, since, 900), running(1, since, 900), running(2, since, 0)]), [0_u64; 0]);
}

#[test]
fn the_journal_tells_what_became_of_each_wave() {
    let entry =
        |at_ms, event| Entry { schema: String::new(), seq: 0, prev: crate::digest::Digest::default(), at_ms, event };
    let intended = |wave| Event::WaveIntended { wave, tag: "t".into(), tasks: 4, groups: 9, finished: None };
    let submitted = |wave| Event::WaveSubmitted { wave, job: format!("7{wave}") };
    let entries = [
        entry(1, intended(1)),
        entry(2, submitted(1)),
        entry(3, submitted(1)),
        entry(4, Event::WaveEnded { wave: 1, core_ms: None }),
        entry(5, intended(2)),
        entry(6, Event::WaveRefused { wave: 2, what: "no".into() }),
        entry(7, intended(3)),
    ];
    let waves = waves(&entries);
    let told: Vec<_> = waves.iter().map(|w| (w.number, w.state, w.submitted_ms, w.ended_ms)).collect();
    assert_eq!(told, [(1, "ended", Some(2), Some(4)), (2, "refused", None, Some(6)), (3, "intended", None, None)]);
    assert_eq!((waves[0].job.as_deref(), waves[2].tasks, waves[2].groups), (Some("71"), 4, 9));
}
