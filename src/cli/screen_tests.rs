use super::*;
use crate::campaign::kind::SchedulerKind;
use crate::view::cluster::{BesideFacts, Queue, Running, Scheduler, TickFacts, Wait, WaveFacts, WaveNow};
use crate::view::events::Happened;
use crate::view::pace::Basis;
use crate::view::status::{Records, SCHEMA, Shards};
use crate::view::tries::FailedTries;

const NOW: u64 = 1_000_000_000;

fn task(task: u64, finished: u64, straggler: bool) -> Running {
    Running {
        element: format!("4711_{task}"),
        task,
        node: Some(format!("n{}", task % 4 + 1)),
        since_ms: Some(NOW - 600_000),
        groups: "12,15-18".to_owned(),
        records: 10_000,
        finished,
        written_ms: Some(NOW - 4_000),
        straggler,
    }
}

fn wait(reason: &str, held: bool, hint: &str) -> Wait {
    Wait {
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        job: "4711".to_owned(),
        tick: false,
        tasks: 3,
        held,
        what: Some("somebody held it".to_owned()),
        hint: Some(hint.to_owned()),
        start_ms: None,
    }
}

fn status(running: Vec<Running>) -> Status {
    let queue = Queue { waiting: 20, held: 3, running: running.len() as u64, ended: 7, unknown: 0 };
    let now = WaveNow { groups_done: 12, tasks_done: 5, tasks_begun: 9, restarts: 0, queue: Some(queue) };
    let wave = WaveFacts {
        number: 2,
        job: Some("4711".to_owned()),
        state: "submitted",
        tasks: 40,
        groups: 40,
        now: Some(now),
        ..WaveFacts::default()
    };
    let held = wait("JobHeldUser", true, "`scontrol release 4711_3,4711_4` lets it go");
    Status {
        schema: SCHEMA,
        campaign: "night".to_owned(),
        dir: "out/night-1".to_owned(),
        state: "running",
        reason: None,
        pause: None,
        records_per_s: Some(12.5),
        left_s: Some(7265.0),
        core_hours: 0.0,
        core_hours_max: None,
        shards: Shards { total: 40, done: 12, running: 4, failed: 0 },
        records: Records { total: 400_000, ok: 123_000, skip: 0, error: 17 },
        reasons: [("timeout".to_owned(), 17)].into(),
        payload_digest: None,
        score: None,
        last_event_ms: NOW - 60_000,
        driver_seen_ms: NOW - 60_000,
        driver_host: Some("n1".to_owned()),
        pace: Some(Basis { since: "wave", finished: 1000, elapsed_s: 80.0 }),
        written_ms: Some(NOW - 4_000),
        cluster: Some(Cluster {
            scheduler: Scheduler {
                name: SchedulerKind::Slurm,
                heard: Some(true),
                why: None,
                at_ms: Some(NOW - 30_000),
            },
            waves: vec![wave],
            tick: Some(TickFacts { round: 2, job: Some("4712".to_owned()), state: Some("waiting") }),
            returned: None,
            tick_at_work: false,
            failed_tries: None,
            stand_in: Some(BesideFacts { job: "4713".to_owned(), state: "waiting", start_ms: None }),
            look: Some(BesideFacts { job: "4714".to_owned(), state: "waiting", start_ms: Some(NOW + 2_040_000) }),
            waiting: vec![held, wait("Priority", false, "it starts by itself")],
            running,
            at_work: None,
        }),
        events: vec![Happened { at_ms: NOW - 60_000, what: "wave 2 is in the queue as 4711".to_owned() }],
        next: vec!["`molsieve cancel night` stops it at a checkpoint".to_owned()],
    }
}

#[test]
fn a_screen_fits_a_terminal_of_any_size() {
    let status = status((0..50).map(|n| task(n, 100 * n, n < 2)).collect());
    for width in [20, 60, 80, 140] {
        for height in [1, 10, 24, 50] {
            let lines = screen(&status, NOW, (width, height));
            assert!(lines.len() <= height, "{width} x {height}: {} lines", lines.len());
            let long = lines.iter().find(|line| line.chars().count() > width.max(INDENT + 20));
            assert_eq!(long, None, "{width} x {height}");
        }
    }
}

#[test]
fn a_screen_shows_stragglers_first_and_says_how_many_more_run() {
    let lines = screen(&status((0..50).map(|n| task(n, 100 * n, n == 30)).collect()), NOW, (80, 40));
    let first = lines.iter().position(|line| line.starts_with("  running (!")).unwrap() + 1;
    assert!(lines[first].starts_with("  ! 4711_30 ") && lines[first + 1].starts_with("    4711_0 "), "{lines:?}");
    assert!(lines.iter().any(|line| line.trim().starts_with("and ") && line.ends_with(" more")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("q ends this screen")), "{lines:?}");
}

#[test]
fn a_campaign_is_called_by_its_name_and_by_its_directory() {
    let mut status = status(Vec::new());
    assert_eq!(headline(&status), "night (out/night-1): running");
    status.dir = "night".to_owned();
    assert_eq!(headline(&status), "night: running");
}

#[test]
fn every_job_in_the_queue_is_explained() {
    let mut status = status(Vec::new());
    let told = |status: &Status| facts(status, NOW).iter().map(Line::whole).collect::<Vec<_>>().join("\n");
    let text = told(&status);
    assert!(text.contains("  tick      2 (job 4712) goes on when the wave has ended"), "{text}");
    assert!(text.contains("  stand-in  job 4713 waits, and leaves the queue when the tick has ended well"), "{text}");
    assert!(text.contains("  look      job 4714 looks after this wave in 34 min 0 s"), "{text}");
    status.cluster.as_mut().unwrap().waiting = vec![wait("", false, "x")];
    let text = told(&status);
    assert!(text.contains("waiting   3 tasks: the scheduler has not said yet what for"), "{text}");
}

#[test]
fn a_last_node_at_work_and_tries_that_failed_are_told() {
    let mut status = status(Vec::new());
    let cluster = status.cluster.as_mut().unwrap();
    cluster.tick = None;
    let text = |cluster: &Cluster| {
        jobs::jobs(cluster, NOW).iter().map(|line| format!("{} {}\n", line.label, line.text)).collect::<String>()
    };
    assert!(text(cluster).contains("tick none follows the wave"), "{}", text(cluster));
    cluster.tick_at_work = true;
    cluster.failed_tries = Some(FailedTries { tries: 12, tasks: 7, last: "No space left on device".to_owned() });
    let told = text(cluster);
    assert!(told.contains("tick the last one is at work"), "{told}");
    assert!(told.contains("failed 12 tries of 7 tasks failed") && told.contains("No space left on device"), "{told}");
}

#[test]
fn lives_that_a_time_limit_ended_are_counted() {
    let mut status = status(Vec::new());
    status.cluster.as_mut().unwrap().note_tries(5, None);
    let lines: Vec<String> = facts(&status, NOW).iter().map(Line::whole).collect();
    let wave = lines.iter().find(|line| line.starts_with("  wave")).unwrap();
    assert!(wave.ends_with("7 ended; put back at their time limit 5 times, to go on"), "{wave}");
}

#[test]
fn what_is_held_is_told_with_its_reason_and_what_to_do() {
    let lines: Vec<String> = facts(&status(Vec::new()), NOW).iter().map(Line::whole).collect();
    let held = lines.iter().find(|line| line.starts_with("  held")).unwrap();
    assert!(held.contains("3 tasks: JobHeldUser") && held.contains("scontrol release 4711_3,4711_4"), "{held}");
    let wave = lines.iter().find(|line| line.starts_with("  wave")).unwrap();
    assert!(wave.contains("2 (job 4711): 12 of 40 task groups done; 40 tasks: 20 waiting, 3 held, 7 ended"), "{wave}");
    let rate = lines.iter().find(|line| line.starts_with("  rate")).unwrap();
    assert!(rate.contains("1 min 20 s since the first task of this wave began; about 2 h 1 min left"), "{rate}");
}

#[test]
fn a_task_that_holds_up_the_end_is_told_beside_the_time_that_is_left() {
    let rate = |status: &Status| super::rate(status, NOW).unwrap().text;
    // In 600 s it has finished 100 of 10,000: 59,400 s are left of it, and 7,265 s of all.
    assert!(
        rate(&status(vec![task(3, 100, false)])).ends_with("2 h 1 min left, but 4711_3 alone needs about 16 h 30 min")
    );
    assert!(rate(&status(vec![task(3, 9_000, false)])).ends_with("2 h 1 min left"));
    assert!(rate(&status(vec![task(3, 0, false)])).ends_with("left"), "nothing is known of it");
}

#[test]
fn a_scheduler_that_was_not_heard_is_told_and_the_files_count_the_tasks() {
    let mut status = status(Vec::new());
    let cluster = status.cluster.as_mut().unwrap();
    cluster.scheduler =
        Scheduler { heard: Some(false), why: Some("it is away".to_owned()), ..cluster.scheduler.clone() };
    cluster.waves[0].now.as_mut().unwrap().queue = None;
    let lines: Vec<String> = facts(&status, NOW).iter().map(Line::whole).collect();
    assert!(lines.iter().any(|line| line.contains("slurm") && line.contains("not heard: it is away")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("40 tasks: 5 done, 9 begun, 26 not begun")), "{lines:?}");
    assert!(one_line(&status, NOW).contains("3 held"), "{}", one_line(&status, NOW));
}

#[test]
fn a_name_cannot_drive_the_screen() {
    let mut status = status(vec![task(1, 1, false)]);
    status.campaign = "a\u{1b}[31m".to_owned();
    status.cluster.as_mut().unwrap().running[0].node = Some("n\u{1b}]0;x\u{7}".to_owned());
    let text = screen(&status, NOW, (80, 40)).concat();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text}");
}

#[test]
fn core_time_is_told_in_a_unit_that_shows_it() {
    let told = [0.0, 0.0003, 0.5, 1.0, 4321.5].map(core_time);
    assert_eq!(
        told,
        ["0 core-seconds", "1.08 core-seconds", "30.0 core-minutes", "1.00 core-hours", "4322 core-hours"]
    );
}
