//! The tick: what happens to the campaign when something happens to the job that goes on with it.

use super::scene::{Scene, Wanted};
use super::slurm::until;
use crate::support::env::processes;
use crate::trouble::SmallDisk;

/// A campaign of which one waits for files for so long: see [`with_a_tick_at_work`].
const SETTLES: &str = "running = 16\ntasks = 8\nsettle = \"20s\"";

/// A campaign in whose wave an element was cancelled, so that its tick has something to wait for: that it settles.
fn with_a_tick_at_work(scene: &Scene) -> String {
    scene.submit(&Wanted { scheduler: SETTLES, ..Wanted::default() });
    let running = scene.await_running(2);
    scene.engine.said("scancel", &[&running[0]]);
    scene.take("slow");
    until("the tick runs", 60, || scene.engine.job_named("-t1", "R").is_some());
    until("the tick has begun", 30, || !scene.events("ticked").is_empty());
    scene.engine.job_named("-t1", "R").unwrap()
}

#[test]
fn a_tick_that_is_ended_by_a_signal_is_stood_in_for_and_the_campaign_goes_on() {
    let Some(scene) = Scene::new(&[]) else { return };
    with_a_tick_at_work(&scene);
    let dir = scene.env.path("d").display().to_string();
    let ticks = processes(&["tick", &dir, "--round 1"]);
    assert!(!ticks.is_empty(), "the tick is a process of a job");
    let signalled = |pid: &u32| std::process::Command::new("kill").arg(pid.to_string()).status().unwrap().success();
    assert!(ticks.iter().any(signalled), "it was there to be signalled");
    until("another stands in", 30, || scene.events("ticked").len() > 1);
    scene.await_seal(90);
    assert_eq!(scene.events("stopped"), [serde_json::Value::Null; 0], "a signal to a tick stops no campaign");
    scene.await_empty_queue();
}

#[test]
fn a_tick_that_is_put_back_into_the_queue_goes_on_from_where_it_was() {
    let Some(scene) = Scene::new(&[]) else { return };
    let tick = with_a_tick_at_work(&scene);
    scene.engine.said("scontrol", &["requeue", &tick]);
    until("it begins anew", 60, || scene.events("ticked").len() > 1);
    let tick = scene.engine.job_named("-t1", "R");
    assert!(tick.is_some() && scene.engine.job_named("-s1", "PD").is_some(), "nobody stood in for it");
    scene.await_seal(90);
    assert_eq!(scene.events("stopped"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
}

#[test]
fn a_campaign_that_is_cancelled_leaves_nothing_in_the_queue_whether_its_tick_waits_or_runs() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: SETTLES, ..Wanted::default() });
    scene.await_running(2);
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    // Once more, with a tick at work.
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    let running = scene.await_running(2);
    scene.engine.said("scancel", &[&running[0]]);
    scene.take("slow");
    until("a tick runs", 60, || scene.engine.job_named("-t2", "R").is_some());
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
}

#[test]
fn who_cancels_notes_it_also_where_a_tick_took_over_and_was_ended_by_it() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted::default());
    scene.await_running(2);
    // As a tick that found the campaign stopped: it takes the journal over, and dies of the same cancellation.
    let takes_over = ": > \"$journal/$(printf %06d $(($(ls \"$journal\" | wc -l) + 1))).jsonl\"";
    let once =
        "[ -e \"$journal/../was-taken\" ] || { : > \"$journal/../was-taken\"; TAKE; }".replace("TAKE", takes_over);
    let journal = scene.env.path("d/journal");
    scene.engine.instead_of("scancel", &format!("journal='{}'\n{once}\nreal \"$@\"", journal.display()));
    scene.does(&["cancel", "d"]);
    assert!(scene.env.path("d/was-taken").exists(), "somebody took over in mid-cancellation");
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
}

#[test]
fn whoever_cancels_the_tick_at_the_scheduler_stops_the_campaign() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "running = 16\ntasks = 8", ..Wanted::default() });
    scene.await_running(2);
    scene.engine.said("scancel", &[&scene.engine.job_named("-t1", "PD").unwrap()]);
    scene.await_state("stopped", 60);
    scene.await_empty_queue();
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
}

#[test]
fn a_tick_that_was_succeeded_by_somebody_who_died_is_stood_in_for_all_the_same() {
    let Some(scene) = Scene::new(&[]) else { return };
    with_a_tick_at_work(&scene);
    let segments = std::fs::read_dir(scene.env.path("d/journal")).unwrap().count();
    // Somebody took the journal over, and was killed before the first line.
    std::fs::write(scene.env.path(&format!("d/journal/{:06}.jsonl", segments + 1)), "").unwrap();
    until("the tick ends", 60, || scene.engine.job_named("-t1", "R").is_none());
    scene.await_seal(150);
    assert!(scene.events("ticked").len() > 1, "what stands in for it went on");
    scene.await_empty_queue();
}

#[test]
fn a_tick_that_is_refused_its_successor_pauses_and_status_says_why() {
    let Some(scene) = Scene::new(&[]) else { return };
    let refuse = "case \"$*\" in *tick-2.sbatch) echo 'sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified' >&2; exit 1 ;; esac\nreal \"$@\"";
    scene.engine.instead_of("sbatch", refuse);
    with_a_tick_at_work(&scene);
    let facts = scene.await_state("paused", 90);
    assert_eq!(facts["pause"], "cannot_submit", "{facts}");
    let told = scene.env.molsieve(["status", "d"]).exits(0).stdout();
    assert!(told.contains("Invalid account"), "{told}");
    assert_eq!(scene.events("tick_lost").len(), 1);
    scene.engine.instead_of("sbatch", "real \"$@\"");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
}

/// Fills the disk that the campaign is on; the file that does so.
fn filled(scene: &Scene) -> std::path::PathBuf {
    let filler = scene.env.path("d/filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[b'x'; 512]).is_ok() {}
    filler
}

#[test]
fn a_tick_on_a_full_disk_pauses_and_says_why_and_goes_on_when_there_is_room() {
    let Some(scene) = Scene::new(&[]) else { return };
    let Some(disk) = SmallDisk::mount(&scene.env.path("d"), 4096) else { return };
    with_a_tick_at_work(&scene);
    let filler = filled(&scene);
    let facts = scene.await_state("paused", 90);
    assert_eq!(facts["pause"], "disk_full", "{facts}");
    let told = scene.env.molsieve(["status", "d"]).stdout();
    assert!(told.contains("free some space") || told.contains("No space left"), "{told}");
    assert!(!scene.is_sealed());
    scene.await_empty_queue();
    std::fs::remove_file(&filler).unwrap();
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
    // Before the directory that it is mounted in.
    drop(disk);
}

#[test]
fn who_made_room_and_cancelled_goes_on_by_one_resume() {
    let Some(scene) = Scene::new(&[]) else { return };
    let Some(disk) = SmallDisk::mount(&scene.env.path("d"), 4096) else { return };
    scene.submit(&Wanted { scheduler: "tasks = 8\nrunning = 2\nlook = \"never\"", ..Wanted::default() });
    let ran = scene.await_running(2);
    let filler = filled(&scene);
    until("a task has ended for want of room", 60, || ran.iter().any(|task| scene.engine.state(task) == "FAILED"));
    std::fs::remove_file(&filler).unwrap();
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    assert_eq!(scene.facts()["state"], "stopped");
    scene.take("slow");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
    assert!(scene.events("task_failed").iter().any(|task| task["pause"] == "disk_full"), "it is told all the same");
    assert_eq!(scene.events("paused"), [serde_json::Value::Null; 0]);
    scene.await_empty_queue();
    drop(disk);
}
