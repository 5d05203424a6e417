//! Campaigns on a real HTCondor pool: nobody is there between `submit` and the seal, whatever happens to tasks, to the DAG and to the
//! pool in between.

use super::htcondor::HtCondor;
use super::scene::{Engine, Scene, Wanted};
use super::slurm::{Slurm, until};
use crate::support::env::MOLSIEVE;

type Pool = Scene<HtCondor>;

/// Tasks of the DAG that have left the queue.
const TASKS: &str = "DAGNodeName =!= undefined && DAGNodeName =!= \"final\"";

/// A campaign of six task groups, of which some are at work.
fn at_work(wanted: &Wanted<'_>) -> Option<Pool> {
    let scene = Pool::on(600, &[])?;
    scene.submit(wanted);
    scene.await_running(2);
    Some(scene)
}

/// Slow enough that something can happen to it.
fn slowly() -> Wanted<'static> {
    Wanted { beside: &["slow"], ..Wanted::default() }
}

impl Pool {
    /// The campaign has come to its end by itself: what it computed is as on this machine, and it leaves nothing.
    fn seals(&self, waves: usize) {
        self.take("slow");
        self.await_seal(150);
        assert_eq!(self.events("wave_intended").len(), waves, "waves");
        self.await_empty_queue();
        self.has_no_strays();
    }

    /// The number of the task that runs as `job`.
    fn task_of(&self, job: &str) -> String {
        self.engine.queued(&format!("ClusterId == {}", job.split('.').next().unwrap()), "MolsieveTask").remove(0)
    }

    /// An attribute of every life of `task` that is over.
    fn lives(&self, task: &str, attribute: &str) -> Vec<String> {
        self.engine.left(&format!("{TASKS} && MolsieveTask == {task}"), attribute)
    }
}

#[test]
fn a_campaign_goes_through_a_pool_by_itself() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    let file = scene.file(&slowly());
    let plan = scene.engine.molsieve(&scene.env, &["plan", &file, "--dir", "d"]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    for line in ["JOB t5 task", "FINAL final {", "RETRY ALL_NODES 1 UNLESS-EXIT 75", "what is submitted for the wave"] {
        assert!(plan.contains(line), "{line}: {plan}");
    }
    scene.does(&["submit", &file, "--dir", "d"]);
    assert_eq!(scene.events("tick_submitted").len(), 1, "the tick is submitted with its wave");
    scene.await_running(2);
    let facts = scene.engine.molsieve(&scene.env, &["status", "d", "--json"]);
    let facts: serde_json::Value = serde_json::from_slice(&facts.stdout).unwrap();
    let node = facts["cluster"]["running"][0]["node"].as_str().unwrap();
    assert!(node.strip_suffix(".pool").is_some_and(|name| name.starts_with('n')), "{facts}");
    scene.seals(1);
    let ticks = scene.engine.left("DAGNodeName == \"final\"", "ExitCode");
    assert_eq!(ticks, ["0"], "one tick, which ended well");
}

#[test]
fn tasks_that_are_killed_with_and_without_their_starter_are_started_again() {
    let Some(scene) = at_work(&slowly()) else { return };
    let running = scene.await_running(3);
    let tasks: Vec<String> = running.iter().take(2).map(|job| scene.task_of(job)).collect();
    scene.engine.kill("pid", &running[0]);
    scene.engine.kill("starter", &running[1]);
    scene.seals(1);
    let signals = scene.lives(&tasks[0], "ExitBySignal");
    assert_eq!(signals, ["false", "true"], "killed, and tried again by the DAG");
    let starts: u32 = scene.lives(&tasks[1], "NumShadowStarts")[0].parse().unwrap();
    assert!(starts > 1, "the starter's death was a start more: {starts}");
}

#[test]
fn a_dag_whose_process_is_killed_goes_on_from_its_log() {
    let Some(scene) = at_work(&slowly()) else { return };
    let dag = scene.engine.dag();
    scene.engine.kill("dagman", &dag);
    scene.seals(1);
    let log = std::fs::read_to_string(scene.env.path("d/launch/wave-1.dag.dagman.out")).unwrap();
    assert!(log.contains("RECOVERY mode"), "it did not read its log anew");
}

#[test]
fn what_somebody_holds_is_told_with_what_to_do_and_what_must_go_comes_back() {
    let Some(scene) = at_work(&Wanted { beside: &["slow", "slower"], ..Wanted::default() }) else { return };
    let running = scene.await_running(3);
    let (held, gone) = (scene.task_of(&running[0]), scene.task_of(&running[1]));
    scene.engine.said("condor_hold", &[&running[0]]);
    scene.engine.said("condor_vacate_job", &[&running[1]]);
    until("it is held", 60, || scene.engine.queued("JobStatus == 5", "MolsieveTask") == [held.as_str()]);
    until("it has ended at a checkpoint", 60, || !scene.engine.is_watched(&running[0]));
    let status = scene.engine.molsieve(&scene.env, &["status", "d"]);
    let status = String::from_utf8(status.stdout).unwrap();
    let hint = status.split('`').find(|text| text.starts_with("condor_release")).map(str::to_owned);
    let hint = hint.unwrap_or_else(|| panic!("no word of how to release it: {status}"));
    scene.take("slower");
    // As a person would, who copies it.
    let mut shell = scene.engine.command("sh");
    assert!(shell.args(["-c", &hint]).status().unwrap().success(), "{hint}");
    scene.seals(1);
    assert_eq!(scene.lives(&held, "NumHolds"), ["1"]);
    let starts: u32 = scene.lives(&gone, "NumJobStarts")[0].parse().unwrap();
    assert!(starts > 1, "it had to go, and was started again: {starts}");
}

#[test]
fn a_dag_that_somebody_removes_stops_the_campaign_and_resume_finishes_it() {
    let Some(scene) = at_work(&slowly()) else { return };
    let dag = scene.engine.dag();
    scene.engine.said("condor_rm", &[&dag]);
    let facts = scene.await_state("stopped", 90);
    assert!(facts.to_string().contains("cancelled at the scheduler"), "{facts}");
    scene.await_empty_queue();
    assert_eq!(scene.engine.left(&format!("ClusterId == {dag}"), "JobStatus"), ["3"], "it was removed");
    scene.take("slow");
    scene.does(&["resume", "d"]);
    scene.await_seal(90);
    assert_eq!(scene.events("wave_intended").len(), 2);
    scene.await_empty_queue();
}

#[test]
fn a_campaign_that_is_cancelled_stops_at_checkpoints_and_leaves_nothing_in_the_pool() {
    // Each task would be at work for the better part of a minute.
    let Some(scene) = at_work(&Wanted { beside: &["slow", "slower"], ..Wanted::default() }) else { return };
    let dag = scene.engine.dag();
    scene.does(&["cancel", "d"]);
    scene.await_empty_queue();
    scene.has_no_strays();
    assert_eq!(scene.engine.left(&format!("ClusterId == {dag}"), "JobStatus"), ["3"], "it was removed");
    let facts = scene.facts();
    assert_eq!((&facts["state"], &facts["shards"]["done"]), (&"stopped".into(), &0.into()), "{facts}");
    assert!(!scene.is_sealed());
    scene.take("slow");
    scene.take("slower");
    scene.does(&["resume", "d"]);
    scene.await_seal(90);
    scene.await_empty_queue();
}

#[test]
fn a_pool_that_goes_down_in_mid_dag_goes_on_where_it_was() {
    let Some(scene) = at_work(&Wanted { beside: &["slow", "slower"], ..Wanted::default() }) else { return };
    scene.engine.script("down", &[]);
    assert!(!scene.engine.command("condor_q").output().unwrap().status.success(), "the pool is down");
    scene.take("slower");
    scene.engine.script("up", &[]);
    scene.seals(1);
    let starts = scene.engine.left(TASKS, "NumShadowStarts");
    assert!(starts.iter().any(|starts| starts != "1"), "a task was started once more: {starts:?}");
}

#[test]
fn a_task_that_the_clock_ends_is_put_back_and_goes_on_in_its_dag() {
    let wanted = Wanted {
        scheduler: "signal_before = \"4s\"\ntasks = 2",
        walltime: "12s",
        beside: &["slow"],
        ..Wanted::default()
    };
    let Some(scene) = at_work(&wanted) else { return };
    // Twelve seconds of work for each task, of which it has eight at a time.
    scene.await_seal(150);
    assert_eq!(scene.events("wave_intended").len(), 1, "another life, and no other wave");
    let lives: Vec<u32> =
        scene.engine.left(TASKS, "NumJobCompletions").iter().map(|lives| lives.parse().unwrap()).collect();
    assert!(lives.iter().any(|lives| *lives > 1), "{lives:?}");
    scene.await_empty_queue();
}

#[test]
fn a_driver_that_was_killed_after_a_submission_is_followed_by_one_that_finds_wave_and_tick_by_their_tags() {
    let Some(scene) = at_work(&Wanted { beside: &["slow", "slower"], ..Wanted::default() }) else { return };
    let dag = scene.engine.dag();
    for lost in ["tick_submitted", "wave_submitted"] {
        scene.was_killed_before(lost);
        scene.does(&["tick", "d"]);
        assert_eq!(scene.engine.dag(), dag, "the wave is there once");
        let ticks = scene.events("tick_submitted");
        assert_eq!(ticks[0]["job"], format!("{dag}/final"), "and its tick was found: {ticks:?}");
        std::fs::remove_file(scene.env.path("d/journal/000003.jsonl")).unwrap();
    }
    scene.does(&["tick", "d"]);
    scene.take("slower");
    scene.seals(1);
}

#[test]
fn a_tick_that_is_killed_is_started_again_by_the_pool() {
    let Some(scene) = at_work(&slowly()) else { return };
    let mark = scene.env.path("killed").display().to_string();
    scene.engine.instead_of(
        "condor_q",
        &format!(
            "if tr '\\0' ' ' </proc/$PPID/cmdline | grep -q ' tick ' && mkdir '{mark}' 2>/dev/null; then kill -9 $PPID; exit 1; fi"
        ),
    );
    scene.seals(1);
    assert!(scene.env.path("killed").exists(), "no tick was killed");
    let rounds: Vec<_> = scene.events("ticked").iter().map(|ticked| ticked["round"].clone()).collect();
    assert_eq!(rounds, [1, 1], "the same tick, once more");
}

#[test]
fn a_campaign_that_moves_from_slurm_to_htcondor_and_home_is_one_pack_that_tells_who_did_what() {
    let Some(scene) = Pool::on(600, &[]) else { return };
    let Some(slurm) = Slurm::up_with(&scene.env.path("slurm"), &["--nodes", "2"]) else { return };
    let file = scene.file(&slowly());
    let text = std::fs::read_to_string(scene.env.path(&file)).unwrap().replace("\"htcondor\"", "\"slurm\"");
    let there = scene.env.write("slurm.toml", text.replace("[scheduler]\n", "[scheduler]\nrunning = 1\n"));
    let done = |count: u64| {
        until("task groups are done", 60, || scene.facts()["shards"]["done"].as_u64() >= Some(count));
    };
    let slurm_does = |args: &[&str]| {
        let said = slurm.molsieve(&scene.env, args);
        assert!(said.status.success(), "{args:?}: {}", String::from_utf8_lossy(&said.stderr));
    };
    slurm_does(&["submit", there.to_str().unwrap(), "--dir", "d"]);
    done(1);
    slurm_does(&["cancel", "d"]);
    until("SLURM's queue is empty", 60, || slurm.queue().is_empty());
    let pool = scene.env.write(
        "home/sites/pool.toml",
        "schema = \"molsieve.site.v1\"\nname = \"pool\"\n[scheduler]\nkind = \"htcondor\"\nrunning = 1\nsettle = \"2s\"\n",
    );
    assert!(pool.exists());
    let mut resume = scene.engine.command(MOLSIEVE);
    resume.args(["resume", "d", "--site", "pool"]).current_dir(scene.env.path(""));
    let mut resume = resume.env("MOLSIEVE_HOME", scene.env.path("home")).spawn().unwrap();
    done(3);
    scene.does(&["cancel", "d"]);
    resume.wait().unwrap();
    scene.await_empty_queue();
    scene.take("slow");
    scene.does(&["resume", "d", "--scheduler", "local"]);
    scene.is_as_on_this_machine();
    let provenance = std::fs::read_to_string(scene.env.path("d/pack/provenance.json")).unwrap();
    for scheduler in ["slurm wave", "htcondor wave", "local wave"] {
        assert!(provenance.contains(scheduler), "{scheduler}: {provenance}");
    }
}
