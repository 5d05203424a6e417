//! Campaigns on a real HTCondor pool whose nodes share no files with us: for them the directory that the campaign, its library and its
//! scorer are in is empty.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::htcondor::HtCondor;
use super::scene::{Engine, Scene, Wanted};
use super::slurm::until;

type Pool = Scene<HtCondor>;

/// Tasks of the DAG that have left the queue.
const TASKS: &str = "DAGNodeName =!= undefined && DAGNodeName =!= \"final\"";

/// What a scorer is told by that runs on a node: files in the one place that both see.
const SLOW: &str = "cluster/slow";
const SLOWER: &str = "cluster/slower";

/// A pool, and a campaign of six task groups that was submitted to it.
fn submitted(wanted: &Wanted<'_>) -> Option<Pool> {
    let scene = Pool::on(600, &["--no-shared-files", "--hide-campaigns"])?;
    let wanted = Wanted { scheduler: &format!("files = \"transfer\"\n{}", wanted.scheduler), ..*wanted };
    let file = scene.file(&wanted);
    let path = scene.env.path(&file);
    let (text, place) = (std::fs::read_to_string(&path).unwrap(), scene.env.path("cluster"));
    let scorer = format!("env = {{ BESIDE = \"{}\" }}\nargv = [", place.display());
    std::fs::write(&path, text.replacen("argv = [", &scorer, 1)).unwrap();
    scene.does(&["submit", &file, "--dir", "d"]);
    Some(scene)
}

fn slowly() -> Wanted<'static> {
    Wanted { beside: &[SLOW], ..Wanted::default() }
}

/// So slowly that something can happen to every task: a record in 400 ms.
fn very_slowly() -> Wanted<'static> {
    Wanted { beside: &[SLOW, SLOWER], ..Wanted::default() }
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.is_symlink() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

fn holds(path: &Path, text: &[u8]) -> bool {
    std::fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text))
}

impl Pool {
    /// It has come to its end by itself, in so many waves; what it computed is as on this machine, and nothing is left of parcels.
    fn is_home(&self, waves: usize) {
        self.await_seal(150);
        assert_eq!(self.events("wave_intended").len(), waves, "waves");
        self.await_empty_queue();
        self.has_no_strays();
        for gone in ["d/launch/parcels/wave-1", "d/returned/wave-1"] {
            assert!(!self.env.path(gone).exists(), "{gone}");
        }
    }

    /// How many records the attempts scored themselves that sealed the task groups.
    fn scored(&self) -> Vec<u64> {
        let files = files_below(&self.env.path("d/groups"));
        let receipts = files.iter().filter(|path| path.to_string_lossy().ends_with(".receipt.json"));
        let of = |path: &PathBuf| {
            let receipt: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            receipt["execution"]["scored"].as_u64().unwrap()
        };
        receipts.map(of).collect()
    }

    /// Where the files of a job are on its node, if it has a process there.
    fn sandbox(&self, job: &str) -> Option<PathBuf> {
        std::fs::read_link(format!("/proc/{}/cwd", self.engine.pid(job)?)).ok()
    }

    /// Waits until so many running tasks have rows in a checkpoint on their nodes.
    fn await_rows(&self, count: usize) -> Vec<String> {
        let jobs = self.await_running(count);
        let has_rows = |job: &String| {
            let files = self.sandbox(job).map(|place| files_below(&place.join("groups"))).unwrap_or_default();
            files.iter().any(|path| holds(path, b",OK,,"))
        };
        until("tasks have done something", 60, || jobs.iter().all(has_rows));
        jobs
    }
}

#[test]
fn tasks_on_nodes_that_see_no_file_of_ours_compute_what_this_machine_does() {
    let Some(scene) = submitted(&slowly()) else { return };
    let hidden = scene.env.path("d");
    let on_a_node = |program: &str, path: &Path| {
        let apart = scene.env.path("cluster/apart");
        Command::new(apart).arg(program).arg(path).output().unwrap().status.success()
    };
    assert!(on_a_node("ls", &scene.env.path("cluster")) && hidden.exists());
    for path in ["d", "library.smi", "score.py"] {
        assert!(!on_a_node("ls", &scene.env.path(path)), "a node sees `{path}`");
    }
    scene.await_running(3);
    let status = scene.engine.molsieve(&scene.env, &["status", "d"]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("are carried") && status.contains(".pool"), "{status}");
    // Nothing is tried that no node would start, and nobody waits for it.
    let doctor = scene.engine.molsieve(&scene.env, &["doctor", "--site", "--scheduler", "htcondor", "--try", "."]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("FAIL nodes") && doctor.contains("no job was submitted"), "{doctor}");
    scene.does(&["site", "init", "our-pool", "--scheduler", "htcondor"]);
    let profile = std::fs::read_to_string(scene.env.path("home/sites/our-pool.toml")).unwrap();
    assert!(profile.contains("kind = \"htcondor\"") && profile.contains("\nfiles = \"transfer\""), "{profile}");
    // One task has the records of its task group, and nothing of the others'.
    let parcel = std::fs::read(scene.env.path("d/launch/parcels/wave-1/task-0.parcel")).unwrap();
    assert!(parcel.starts_with(b"molsieve.parcel1"));
    scene.take(SLOW);
    scene.is_home(1);
    assert_eq!(scene.scored(), [100; 6], "each task group was scored once");
    let said = scene.engine.molsieve(&scene.env, &["logs", "d", "task-0", "--json"]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("all records are finished"), "its log has come home: {said}");
}

#[test]
fn a_task_that_is_killed_or_must_go_goes_on_elsewhere_from_what_it_had() {
    let Some(scene) = submitted(&very_slowly()) else { return };
    let jobs = scene.await_rows(3);
    scene.engine.kill("pid", &jobs[0]);
    scene.engine.said("condor_vacate_job", &[&jobs[1]]);
    scene.engine.kill("starter", &jobs[2]);
    scene.take(SLOWER);
    scene.take(SLOW);
    scene.is_home(1);
    let went_on = scene.scored().iter().filter(|scored| **scored < 100).count();
    assert!(went_on >= 2, "what was killed and what had to go: {:?}", scene.scored());
    assert!(scene.engine.left(TASKS, "ExitBySignal").contains(&"true".to_owned()), "nothing was killed");
}

#[test]
#[ignore = "the long suite runs it"]
fn a_task_that_the_clock_ends_has_its_checkpoint_brought_home_and_goes_on() {
    let wanted = Wanted { scheduler: "signal_before = \"4s\"\ntasks = 2", walltime: "12s", ..slowly() };
    let Some(scene) = submitted(&wanted) else { return };
    // Twelve seconds of work for each task, of which it has eight at a time.
    scene.is_home(1);
    // (HTCondor counts no lives of a task that goes on where it is: its own account has come home.)
    let accounts = [0, 1].map(|task| scene.env.path(&format!("d/logs/wave-1-task-{task}.time.json")));
    assert!(accounts.iter().any(|account| holds(account, b"\"restarts\":")), "no task had another life");
}

#[test]
fn a_tick_by_hand_takes_in_what_tasks_have_returned_and_says_so() {
    let Some(scene) = submitted(&Wanted { scheduler: "running = 1", ..slowly() }) else { return };
    until("a task has returned what it did", 90, || scene.facts()["cluster"]["returned"].as_u64() > Some(0));
    let said = scene.engine.molsieve(&scene.env, &["tick", "d"]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    assert!(said.contains("taken in: what ") && said.contains("of the tasks of wave 1 had returned"), "{said}");
    assert!(scene.facts()["records"]["ok"].as_u64().unwrap() >= 100, "{}", scene.facts());
    scene.take(SLOW);
    scene.is_home(1);
}

#[test]
fn what_is_cancelled_is_brought_home_first_and_this_machine_goes_on_with_it() {
    let Some(scene) = submitted(&very_slowly()) else { return };
    scene.await_rows(3);
    let dag = scene.engine.dag();
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    scene.has_no_strays();
    assert_eq!(scene.engine.left(&format!("ClusterId == {dag}"), "JobStatus"), ["3"], "it was removed");
    let facts = scene.facts();
    assert_eq!(facts["state"], "stopped");
    assert!(facts["records"]["ok"].as_u64().unwrap() > 0, "what the tasks had is here: {facts}");
    scene.take(SLOWER);
    scene.take(SLOW);
    scene.does(&["resume", "d", "--scheduler", "local"]);
    scene.is_as_on_this_machine();
    assert!(scene.scored().iter().any(|scored| *scored < 100), "it went on: {:?}", scene.scored());
    let provenance = std::fs::read_to_string(scene.env.path("d/pack/provenance.json")).unwrap();
    assert!(provenance.contains("local wave"), "{provenance}");
}

#[test]
fn what_a_hostile_node_returns_is_refused_and_its_task_groups_are_worked_on_again() {
    let Some(scene) = submitted(&Wanted { scheduler: "running = 2", ..slowly() }) else { return };
    // The first two tasks have come home, and nobody has looked at them yet.
    until("two tasks have ended", 60, || scene.engine.left(TASKS, "ExitCode").len() >= 2);
    let ended: Vec<String> = scene.engine.left(TASKS, "MolsieveTask");
    let place = |task: &str| scene.env.path(&format!("d/returned/wave-1/{task}"));
    let [forged, strange] = [place(&ended[0]), place(&ended[1])];
    let rows =
        files_below(&forged.join("groups")).into_iter().find(|path| path.extension().is_some_and(|e| e == "rows"));
    let rows = rows.expect("the rows have come home");
    let text = std::fs::read_to_string(&rows).unwrap();
    let at = text.find(",OK,,").unwrap() + ",OK,,".len();
    let digit = if text.as_bytes()[at] == b'1' { "2" } else { "1" };
    std::fs::write(&rows, format!("{}{digit}{}", &text[..at], &text[at + 1..])).unwrap();
    let group = std::fs::read_dir(strange.join("groups")).unwrap().flatten().next().unwrap().path();
    std::os::unix::fs::symlink(scene.env.path("d/campaign.json"), group.join("00000000000000aa.checkpoint")).unwrap();
    std::fs::write(group.join("..rows"), "x").unwrap();
    std::fs::write(strange.join("logs/driver.out"), "x").unwrap();
    std::fs::create_dir_all(strange.join("groups/999999")).unwrap();
    std::fs::write(strange.join("groups/999999/00000000000000aa.rows"), "x").unwrap();
    scene.take(SLOW);
    scene.await_seal(150);
    assert_eq!(scene.events("wave_intended").len(), 2, "one task group was worked on again");
    let failed = scene.events("task_failed");
    assert_eq!(failed.len(), 2, "each refusal is told once: {failed:?}");
    let told = |failed: &serde_json::Value| failed["what"].as_str().is_some_and(|what| what.contains("was refused"));
    assert!(failed.iter().all(told), "{failed:?}");
    assert!(failed[0]["node"].as_str().is_some(), "{failed:?}");
    assert!(forged.exists() && strange.exists(), "what was refused stays for somebody to look at");
    let taken = [files_below(&scene.env.path("d/groups")), files_below(&scene.env.path("d/logs"))].concat();
    for name in ["00000000000000aa", "..rows", "driver.out", "999999"] {
        assert!(!taken.iter().any(|path| path.to_string_lossy().contains(name)), "{name}: {taken:?}");
    }
    scene.await_empty_queue();
}
