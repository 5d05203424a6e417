//! Site profiles, and what is found out about a site, on a real cluster.

use serde_json::Value as Json;

use super::slurm::{Slurm, until};
use crate::support::env::{MOLSIEVE, TestEnv};

const SITE: &str = "schema = \"molsieve.site.v1\"\nname = \"our-cluster\"\n[scheduler]\nkind = \"slurm\"\n\
    partition = \"high\"\nsettle = \"2s\"\n[resources]\nmemory = \"100M\"\nwalltime = \"10min\"\n";

/// Scores nothing, slowly, while there is a file called `slow` beside it.
const SCORER: &str = r#"
import json, os, sys, time
slow = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slow")
print(json.dumps({"name": "slow", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "batch_size": 4, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    while os.path.exists(slow):
        time.sleep(0.05)
    results = [[r[0], "OK", {"length": len(r[2])}] for r in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

fn said(slurm: &Slurm, env: &TestEnv, args: &[&str], exit: i32) -> String {
    let output = slurm.molsieve(env, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{args:?}: {text}");
    text
}

fn facts(slurm: &Slurm, env: &TestEnv, args: &[&str]) -> Json {
    let output = slurm.molsieve(env, &[&["--json"], args].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn finding<'a>(facts: &'a Json, check: &str) -> &'a Json {
    let found = facts["findings"].as_array().unwrap();
    found.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no `{check}`: {facts}"))
}

#[test]
fn a_campaign_goes_to_a_site_by_name_and_comes_home_when_nothing_of_it_is_in_the_queue() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &["--nodes", "2"]) else { return };
    env.write("home/sites/our-cluster.toml", SITE);
    env.small_library(40);
    let script = env.write("score.py", SCORER);
    let here = env.campaign("here").python(&script, &[]).shard(4).write();
    let there =
        env.campaign("there").python(&script, &[]).shard(4).with("[scheduler]\nsite = \"our-cluster\"\n").write();
    env.molsieve(["run", &here, "--dir", "h"]).exits(0);
    // By the campaign file: what it does not say, the profile does.
    let plan = said(&slurm, &env, &["plan", &there, "--dir", "d", "--test-only"], 0);
    for part in
        ["site our-cluster", "#SBATCH --partition=\"high\"", "#SBATCH --mem=100M", "says the scheduler", "afterany"]
    {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let nowhere = "[scheduler]\nkind = \"slurm\"\npartition = \"nowhere\"\n";
    let wrong = env.campaign("wrong").python(&script, &[]).shard(4).with(nowhere).write();
    let refused = said(&slurm, &env, &["plan", &wrong, "--dir", "w", "--test-only"], 5);
    assert!(refused.contains("start        never: ") && refused.contains("would never start it"), "{refused}");
    env.write("slow", "");
    said(&slurm, &env, &["submit", &there, "--dir", "d"], 0);
    let in_high = || slurm.said("squeue", &["--noheader", "--states=R", "--partition=high"]).lines().count();
    until("tasks run in the partition of the profile", 30, || in_high() > 0);
    // It does not leave a queue that it is in.
    let refused = said(&slurm, &env, &["resume", "d", "--scheduler", "local"], 2);
    assert!(
        refused.contains("in the queue of the cluster that it leaves") && refused.contains("molsieve cancel"),
        "{refused}"
    );
    // Nor one that cannot be asked.
    let elsewhere = slurm
        .command(MOLSIEVE)
        .args(["resume", "d", "--scheduler", "local"])
        .current_dir(env.path(""))
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let refused = String::from_utf8_lossy(&elsewhere.stderr);
    assert!(elsewhere.status.code() == Some(5) && refused.contains("that it leaves is not known"), "{refused}");
    said(&slurm, &env, &["cancel", "d"], 0);
    until("its jobs are gone", 60, || slurm.queue().is_empty());
    std::fs::remove_file(env.path("slow")).unwrap();
    said(&slurm, &env, &["resume", "d", "--scheduler", "local"], 0);
    assert_eq!(env.payload_of("d"), env.payload_of("h"));
    // And the other way: planned for this machine, and sent to the site.
    env.molsieve(["plan", &here, "--dir", "e"]).exits(0);
    said(&slurm, &env, &["resume", "e", "--site", "our-cluster"], 0);
    assert_eq!(env.payload_of("e"), env.payload_of("h"));
    assert!(env.path("e/launch/wave-1.sbatch").exists());
    let execution: Json = serde_json::from_slice(&std::fs::read(env.path("e/campaign.json")).unwrap()).unwrap();
    let cluster = &execution["execution"]["cluster"];
    assert_eq!((&cluster["site"], &cluster["words"]["partition"]), (&"our-cluster".into(), &"high".into()));
}

#[test]
fn a_campaign_for_a_cluster_is_planned_where_there_is_none() {
    let env = TestEnv::new();
    env.small_library(50);
    env.write("home/sites/our-cluster.toml", SITE.replace("[resources]", "nodes_may_submit = false\n[resources]"));
    let file = env.campaign("c").shard(1).with("[scheduler]\nsite = \"our-cluster\"\ntasks = 7\n").write();
    let plan = |more: &[&str]| {
        let mut command = env.command([&["--json", "plan", &file, "--dir", "d"], more].concat());
        command.env("PATH", "/nowhere").output().unwrap()
    };
    let said = plan(&[]);
    let facts: Json = serde_json::from_slice(&said.stdout).unwrap();
    let next = &facts["submission"];
    assert!(next["limits_unknown"].as_str().unwrap().contains("scontrol"), "{next}");
    assert_eq!((&next["tasks"], &next["task_groups"], &next["task_groups_a_task"]), (&7.into(), &50.into(), &8.into()));
    assert_eq!((&next["bounds"][0]["by"], &next["rounds"]), (&"scheduler.tasks".into(), &0.into()));
    let scripts: Vec<&str> = next["scripts"].as_array().unwrap().iter().map(|s| s["of"].as_str().unwrap()).collect();
    assert_eq!(scripts, ["wave", "tick"]);
    assert_eq!(plan(&["--test-only"]).status.code(), Some(5), "a rehearsal needs the cluster");
    let human = env.command(["plan", &file, "--dir", "d"]).env("PATH", "/nowhere").output().unwrap();
    let human = String::from_utf8_lossy(&human.stdout);
    for part in [
        "not known from here",
        "7 tasks, up to 8 task groups each",
        "needs `molsieve resume`",
        "--array=0-6",
        "submit with  molsieve submit c.toml --dir ",
    ] {
        assert!(human.contains(part), "{part}: {human}");
    }
    assert!(!env.path("d/launch").exists(), "nothing is written before it is meant");
}

#[test]
fn doctor_tries_a_site_with_a_real_job_and_leaves_nothing_behind() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &["--nodes", "2", "--array-size", "31"]) else { return };
    std::fs::create_dir(env.path("share")).unwrap();
    let found = facts(&slurm, &env, &["doctor", "--site", "--try", "share"]);
    assert_eq!(found["schema"], "molsieve.doctor-site.v1");
    assert_eq!((&found["cluster"]["cluster"], &found["cluster"]["array_size"]), (&"testcluster".into(), &31.into()));
    for (check, verdict) in [
        ("cluster", "good"),
        ("arrays", "warning"),
        ("node: directory", "good"),
        ("node: names", "good"),
        ("node: renames", "good"),
        ("node: submits", "good"),
        ("node: clock", "good"),
        ("node: lateness", "good"),
    ] {
        assert_eq!(finding(&found, check)["verdict"], verdict, "{check}: {found}");
    }
    let node = &found["job"]["node"];
    assert!(node["may_submit"] == true && found["job"]["exchange"]["rounds"] == 5, "{found}");
    assert_eq!(std::fs::read_dir(env.path("share")).unwrap().count(), 0, "nothing is left");
    assert!(slurm.queue().is_empty(), "{}", slurm.queue());
    // A queue in which it is nobody's turn is not waited for, for ever.
    slurm.said("scontrol", &["update", "partitionname=batch", "state=down"]);
    let waits = said(&slurm, &env, &["doctor", "--site", "--try", "--wait", "1s", "share"], 6);
    assert!(waits.contains("did not begin within 1 s") && waits.contains("it starts no jobs now"), "{waits}");
    assert!(slurm.queue().is_empty() && std::fs::read_dir(env.path("share")).unwrap().count() == 0);
}

#[test]
fn site_init_writes_a_profile_that_a_campaign_runs_with() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up_with(&env.path("cluster"), &["--nodes", "1"]) else { return };
    std::fs::create_dir(env.path("share")).unwrap();
    said(&slurm, &env, &["site", "init", "our-cluster", "--dir", "share", "--try"], 0);
    let text = std::fs::read_to_string(env.path("home/sites/our-cluster.toml")).unwrap();
    assert!(text.contains("nodes_may_submit = true") && text.contains("were measured with 5 files"), "{text}");
    assert!(said(&slurm, &env, &["site", "init", "our-cluster"], 2).contains("is there already"));
    assert!(said(&slurm, &env, &["site", "list"], 0).contains("our-cluster"));
    assert!(said(&slurm, &env, &["site", "show", "our-cluster"], 0).contains("nodes_may_submit = true"));
    env.small_library(20);
    // (Half a minute is long for a test.)
    let scheduler = "[scheduler]\nsite = \"our-cluster\"\nsettle = \"1s\"\n[resources]\nmemory = \"100M\"\n";
    let there = env.campaign("there").shard(5).with(scheduler).write();
    said(&slurm, &env, &["run", &there, "--dir", "d"], 0);
    assert!(env.path("d/pack/manifest.json").exists());
}
