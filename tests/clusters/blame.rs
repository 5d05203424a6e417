//! Whose fault it is, on a cluster: the program's, the machine's, or that of too little memory.

use super::scene::{Scene, Wanted};

/// Planned, then not as it should be, and worked on until it ends: the exit code of whoever watches, and what they are told.
fn watched(scene: &Scene, wanted: &Wanted<'_>, then: &str) -> (Option<i32>, String) {
    let file = scene.file(wanted);
    scene.does(&["plan", &file, "--dir", "d"]);
    scene.put(then);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| scene.engine.molsieve(&scene.env, &["resume", "d"]));
        // Where it does not end, the watcher is told to, and the reason is found in what is shown.
        if !scene.ends_within("failed", 150) {
            scene.does(&["cancel", "d"]);
        }
        let said = watcher.join().unwrap();
        (said.status.code(), String::from_utf8_lossy(&said.stderr).into_owned())
    })
}

#[test]
fn a_task_group_that_fails_in_four_waves_without_progress_ends_the_campaign_by_name() {
    let Some(scene) = Scene::new(&[]) else { return };
    let wanted = Wanted { scheduler: "tasks = 1\nsettle = \"1s\"", beside: &[], ..Wanted::default() };
    let (code, said) = watched(&scene, &wanted, "broken");
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("failed 4 times in a row without any progress"), "{said}");
    assert_eq!(scene.events("wave_intended").len(), 4);
    assert_eq!(scene.facts()["state"], "failed");
    scene.await_empty_queue();
    // What it depended on is mended, and somebody says so.
    scene.take("broken");
    scene.does(&["submit", "there.toml", "--dir", "d"]);
    scene.await_seal(90);
}

#[test]
fn modules_that_cannot_be_loaded_end_the_campaign_by_name_with_nobody_there() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.submit(&Wanted { scheduler: "modules = [\"nowhere/1\"]\ntasks = 2\nsettle = \"1s\"", ..Wanted::default() });
    scene.await_state("failed", 120);
    let why = scene.facts()["reason"].to_string();
    assert!(why.contains("failed 4 times in a row without any progress"), "{why}");
    scene.await_empty_queue();
}

#[test]
fn what_fails_on_every_node_ends_the_campaign_and_is_not_waited_for_on_nodes_that_are_not_there() {
    let Some(scene) = Scene::new(&["--nodes", "2", "--cpus", "4"]) else { return };
    let wanted = Wanted { scheduler: "tasks = 8\nsettle = \"1s\"", beside: &[], ..Wanted::default() };
    let (code, said) = watched(&scene, &wanted, "broken");
    assert_eq!(code, Some(6), "{said}");
    assert!(said.contains("failed 4 times in a row without any progress"), "{said}");
    assert!(!scene.events("wave_refused").is_empty(), "all nodes had been left out");
    scene.await_empty_queue();
}

#[test]
fn a_broken_scorer_does_not_tour_the_cluster_and_ends_the_campaign_as_on_this_machine() {
    // A queue that forgets at once what has ended: only the tasks' last words say how.
    let Some(scene) = Scene::new(&["--min-job-age", "2"]) else { return };
    let wanted = Wanted { scheduler: "running = 8\ntasks = 40\nsettle = \"1s\"", beside: &[], ..Wanted::default() };
    let (code, said) = watched(&scene, &wanted, "garbage");
    assert_eq!(code, Some(6), "{said}");
    let logs = std::fs::read_dir(scene.env.path("d/logs")).unwrap().flatten();
    let has_begun = |log: &std::fs::DirEntry| {
        let text = std::fs::read_to_string(log.path()).unwrap_or_default();
        text.contains(r#""message":"started""#)
    };
    let began = logs.filter(has_begun).count();
    assert!((1..20).contains(&began), "{began} of 40 tasks began with a broken scorer, eight at a time");
    assert_eq!(scene.events("wave_intended").len(), 1, "what would fail the same way is not submitted again");
    assert_eq!(scene.events("task_failed").len(), 40, "every task says why");
    let what = |events: Vec<serde_json::Value>| events[0]["what"].as_str().unwrap().to_owned();
    assert!(scene.events("task_failed").iter().all(|task| task["program"] == true && task["exit"] == 6));
    let there = what(scene.events("failed"));
    // The same on this machine: the same exit code and the same words.
    std::fs::rename(scene.env.path("d"), scene.env.path("there")).unwrap();
    scene.take("garbage");
    scene.env.molsieve(["plan", "here.toml", "--dir", "d"]).exits(0);
    scene.put("garbage");
    scene.env.molsieve(["resume", "d"]).exits(6);
    assert_eq!(there, what(scene.events("failed")));
}

#[test]
fn a_node_on_which_everything_fails_at_once_is_left_out_of_the_next_wave() {
    let Some(scene) = Scene::new(&[]) else { return };
    scene.engine.spoil("n1");
    scene.submit(&Wanted { scheduler: "tasks = 40\nsettle = \"1s\"", beside: &[], ..Wanted::default() });
    scene.await_seal(120);
    let failed = scene.events("task_failed");
    assert!(failed.len() >= 3 && failed.iter().all(|task| task["node"] == "n1"), "{failed:?}");
    let script = std::fs::read_to_string(scene.env.path("d/launch/wave-2.sbatch")).unwrap();
    assert!(script.contains("\n#SBATCH --exclude=n1\n"), "{script}");
    scene.await_empty_queue();
}

#[test]
fn a_task_that_is_ended_for_want_of_memory_gets_twice_as_much_in_the_next_wave() {
    let Some(scene) = Scene::new(&["--kill-over-memory"]) else { return };
    let wanted = Wanted { scheduler: "running = 2\ntasks = 4", memory: "120M", beside: &["slow"], ..Wanted::default() };
    let file = scene.file(&wanted);
    scene.does(&["plan", &file, "--dir", "d"]);
    scene.put("hungry");
    scene.does(&["submit", &file, "--dir", "d"]);
    scene.await_running(1);
    super::slurm::until("all tasks of the wave are ended", 120, || scene.events("wave_intended").len() > 1);
    scene.take("slow");
    scene.await_seal(120);
    let failed = scene.events("task_failed");
    assert!(failed.iter().all(|task| task["state"] == "OutOfMemory"), "{failed:?}");
    let memory = |wave: u32| {
        let script = std::fs::read_to_string(scene.env.path(&format!("d/launch/wave-{wave}.sbatch"))).unwrap();
        script.lines().find_map(|line| line.strip_prefix("#SBATCH --mem=").map(str::to_owned)).unwrap()
    };
    assert_eq!((memory(1), memory(2)), ("120M".to_owned(), "240M".to_owned()));
}
