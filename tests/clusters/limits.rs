//! What a cluster allows: waves that fit, on real ones.

use serde_json::Value as Json;

use super::slurm::{Slurm, until};
use crate::support::env::TestEnv;

/// A campaign of `records` records, a task group each, without any scoring worth the name.
fn campaign(env: &TestEnv, records: usize, more: &str) -> (String, String) {
    env.write("library.smi", "CCO\n".repeat(records));
    let resources = "[resources]\ncpus = 1\nmemory = \"100M\"\nwalltime = \"10min\"\n";
    let here = env.campaign("here").shard(1).write();
    let scheduler = format!("[scheduler]\nkind = \"slurm\"\nsettle = \"2s\"\n{more}");
    (here, env.campaign("there").shard(1).with(resources).with(&scheduler).write())
}

/// The payload digest of the campaign on this machine.
fn digest_here(env: &TestEnv, file: &str) -> String {
    env.molsieve(["run", file, "--dir", "h"]).exits(0);
    env.payload_of("h")
}

fn sealed(env: &TestEnv, dir: &str) -> bool {
    env.path(dir).join("pack/manifest.json").exists()
}

/// The events of `kind` in the journal of the campaign in `dir`.
fn events(env: &TestEnv, dir: &str, kind: &str) -> Vec<Json> {
    let mut segments: Vec<_> =
        std::fs::read_dir(env.path(dir).join("journal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    let text: String = segments.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let all = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["event"].clone());
    all.filter(|event| event["kind"] == kind).collect()
}

/// How many tasks each wave of the campaign in `dir` was dealt to, and how many task groups are in it.
fn waves(env: &TestEnv, dir: &str) -> Vec<(u64, u64)> {
    let number = |event: &Json, key: &str| event[key].as_u64().unwrap();
    events(env, dir, "wave_intended").iter().map(|event| (number(event, "tasks"), number(event, "groups"))).collect()
}

fn facts(env: &TestEnv, slurm: &Slurm, args: &[&str]) -> Json {
    let said = slurm.molsieve(env, &[&["--json"], args].concat());
    serde_json::from_slice(&said.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said.stderr)))
}

#[test]
fn a_campaign_over_the_array_limit_is_one_submission_of_tasks_with_several_task_groups() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &["--array-size", "11"]) else { return };
    let (here, there) = campaign(&env, 1000, "");
    let plan = facts(&env, &slurm, &["plan", &there, "--dir", "d"]);
    let next = &plan["submission"];
    assert_eq!((&next["tasks"], &next["task_groups"]), (&11.into(), &1000.into()), "{next}");
    assert_eq!(next["bounds"][0]["by"], "MaxArraySize of the cluster", "{next}");
    let script = next["scripts"][0]["text"].as_str().unwrap();
    assert!(script.contains("#SBATCH --array=0-10\n"), "{script}");
    assert!(slurm.molsieve(&env, &["submit", &there, "--dir", "d"]).status.success());
    until("the pack is sealed", 60, || sealed(&env, "d"));
    assert_eq!(env.payload_of("d"), digest_here(&env, &here));
    let waves = waves(&env, "d");
    assert!(waves[0] == (11, 1000) && waves.iter().all(|(tasks, _)| *tasks <= 11), "{waves:?}");
    assert_eq!(events(&env, "d", "wave_refused"), [Json::Null; 0], "nothing above the limit was ever submitted");
    let lines = std::fs::read_to_string(env.path("d/launch/wave-1.tasks")).unwrap();
    let written = std::fs::read_to_string(env.path("d/launch/wave-1.sbatch")).unwrap();
    assert_eq!(lines.lines().count(), 11);
    assert_eq!(written, script, "what was shown is what was submitted");
}

#[test]
fn a_campaign_fits_itself_to_the_jobs_that_its_user_may_have() {
    let env = TestEnv::new();
    let options = ["--nodes", "2", "--accounting", "--max-submit", "12"];
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &options) else { return };
    let (here, there) = campaign(&env, 40, "");
    // Two jobs of the same user are there already.
    for _ in 0..2 {
        slurm.said("sbatch", &["--hold", "-o", "/dev/null", "--mem=10M", "--wrap", "true"]);
    }
    let plan = facts(&env, &slurm, &["plan", &there, "--dir", "d"]);
    let (tasks, by) = (&plan["submission"]["tasks"], plan["submission"]["bounds"][0]["by"].as_str().unwrap());
    assert_eq!(*tasks, 6, "{plan}");
    assert!(by.contains("MaxSubmitJobs of the account screening") && by.contains("less 2 in the queue"), "{by}");
    assert!(slurm.molsieve(&env, &["submit", &there, "--dir", "d"]).status.success());
    until("the pack is sealed", 60, || sealed(&env, "d"));
    assert_eq!(env.payload_of("d"), digest_here(&env, &here));
    assert_eq!((waves(&env, "d")[0], events(&env, "d", "wave_refused").len()), ((6, 40), 0));
    // A limit of the account as a whole is in none of the user's books: the scheduler says no, and half is tried.
    slurm.said("sacctmgr", &["-i", "modify", "user", &user(), "set", "maxsubmitjobs=-1"]);
    slurm.said("sacctmgr", &["-i", "modify", "account", "screening", "set", "grpsubmitjobs=10"]);
    let assoc =
        |text: &str| slurm.said("scontrol", &["show", "assoc_mgr", "flags=assoc", "accounts=screening"]).contains(text);
    until("the controller has heard of the limit", 20, || assoc("GrpSubmitJobs=10("));
    assert!(slurm.molsieve(&env, &["submit", &there, "--dir", "e"]).status.success());
    until("the pack is sealed", 60, || sealed(&env, "e"));
    let (all, refused) = (waves(&env, "e"), events(&env, "e", "wave_refused"));
    let tried: Vec<u64> = all.iter().map(|(tasks, _)| *tasks).collect();
    assert!(tried.starts_with(&[40, 20, 10, 5]) && refused.len() >= 3, "{tried:?} {refused:?}");
    assert!(refused[0]["what"].as_str().unwrap().contains("AssocGrpSubmitJobsLimit"), "{refused:?}");
    // A wave that leaves no room for the tick is taken back, and made smaller.
    for _ in 0..3 {
        slurm.said("sbatch", &["--hold", "-o", "/dev/null", "--mem=10M", "--wrap", "true"]);
    }
    assert!(slurm.molsieve(&env, &["submit", &there, "--dir", "g"]).status.success());
    until("the pack is sealed", 60, || sealed(&env, "g"));
    let tried: Vec<u64> = waves(&env, "g").iter().map(|(tasks, _)| *tasks).collect();
    assert!(tried.starts_with(&[40, 20, 10, 5, 2]) && !events(&env, "g", "tick_lost").is_empty(), "{tried:?}");
    // Where not even one is taken, that is said, with exit code 5.
    slurm.said("sacctmgr", &["-i", "modify", "account", "screening", "set", "grpsubmitjobs=2"]);
    until("the controller has heard of the limit", 20, || assoc("GrpSubmitJobs=2("));
    let said = slurm.molsieve(&env, &["submit", &there, "--dir", "f"]);
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(5), "{text}");
    assert!(text.contains("refused even a single task") && text.contains("squeue --me"), "{text}");
}

#[test]
fn a_tick_waits_for_room_in_the_queue() {
    let env = TestEnv::new();
    let options = ["--nodes", "1", "--accounting", "--max-submit", "10"];
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &options) else { return };
    let (here, there) = campaign(&env, 6, "");
    // Tasks that wait for a file, so that one of them can be hit.
    let gate = env.path("gate").display().to_string();
    let waits =
        format!("while [ ! -e '{gate}' ] && [ -n \"$SLURM_ARRAY_TASK_ID\" ]; do sleep 0.2; done\nexec {{command}}");
    env.write("waits.sh", include_str!("../../job-templates/slurm.sh").replace("exec {command}", &waits));
    let text = std::fs::read_to_string(env.path(&there)).unwrap();
    env.write("waits.toml", text.replace("kind = \"slurm\"", "kind = \"slurm\"\ntemplate = \"waits.sh\""));
    assert!(slurm.molsieve(&env, &["submit", "waits.toml", "--dir", "d"]).status.success());
    assert_eq!(waves(&env, "d"), [(6, 6)]);
    until("all tasks run", 30, || slurm.running_on("n1").len() == 6);
    slurm.said("scancel", &[&slurm.running_on("n1")[0]]);
    until("it is gone", 30, || slurm.running_on("n1").len() == 5);
    // From here on there is room for the tick alone, as if others of the same user had taken the rest.
    allow(&slurm, 1);
    std::fs::write(&gate, "").unwrap();
    until("the tick is told that there is no room", 60, || !events(&env, "d", "wave_refused").is_empty());
    assert!(!sealed(&env, "d"));
    allow(&slurm, 10);
    until("the pack is sealed", 60, || sealed(&env, "d"));
    assert_eq!(env.payload_of("d"), digest_here(&env, &here));
}

/// Lets the user of this process have `jobs` jobs in the queue.
fn allow(slurm: &Slurm, jobs: u64) {
    slurm.said("sacctmgr", &["-i", "modify", "user", &user(), "set", &format!("maxsubmitjobs={jobs}")]);
    let known = || slurm.said("scontrol", &["show", "assoc_mgr", "flags=assoc", "accounts=screening"]);
    until("the controller has heard of the limit", 20, || known().contains(&format!("MaxSubmitJobs={jobs}(")));
}

/// Who runs this.
fn user() -> String {
    let said = std::process::Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_the_queue_has_forgotten_is_known_from_the_books() {
    let env = TestEnv::new();
    let options = ["--nodes", "2", "--accounting", "--min-job-age", "2"];
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &options) else { return };
    let (here, there) = campaign(&env, 4, "tasks = 4\n");
    // Everything dies at its start, ticks as well.
    let digest = digest_here(&env, &here);
    let blocked =
        "[scheduler]\nkind = \"slurm\"\nsettle = \"2s\"\nlook = \"never\"\ntasks = 4\ntemplate = \"dies.sh\"\n";
    let text = std::fs::read_to_string(env.path(&there)).unwrap();
    let template = include_str!("../../job-templates/slurm.sh").replace("exec {command}", "kill -9 $$\nexec {command}");
    env.write("dies.sh", template);
    let resources = text.split_once("[scheduler]").unwrap().0;
    env.write("dies.toml", format!("{resources}{blocked}"));
    assert!(slurm.molsieve(&env, &["submit", "dies.toml", "--dir", "d"]).status.success());
    let job = events(&env, "d", "wave_submitted")[0]["job"].as_str().unwrap().to_owned();
    let forgotten = || {
        let said = slurm.command("squeue").args(["--noheader", "--states=all", "--jobs", &job]).output().unwrap();
        said.stdout.trim_ascii().is_empty()
    };
    until("the queue has forgotten the wave and its tick", 90, || forgotten() && slurm.queue().is_empty());
    let jobs = ["--noheader", "--allocations", "--parsable2", "--jobs", &job, "--format=State"];
    until("the books have the wave", 20, || slurm.said("sacct", &jobs).lines().count() == 4);
    let said = slurm.molsieve(&env, &["resume", "d", "--config", &there]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let failed = events(&env, "d", "task_failed");
    assert!(!failed.is_empty() && failed.iter().all(|task| task["state"] != "Unknown"), "{failed:?}");
    assert!(failed.iter().all(|task| task["node"].is_string()), "{failed:?}");
    assert_eq!(env.payload_of("d"), digest);
}
