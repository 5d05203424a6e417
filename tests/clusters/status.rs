//! What people are told of a campaign on a cluster: by `status`, with and without its scheduler, and by `logs`.

use serde_json::Value;

use super::slurm::{Slurm, until};
use crate::support::env::{TestEnv, python};

/// Scores the length of a structure; slowly, while there is a file called `slow` beside it. Does not speak the protocol
/// while there is one called `broken`.
const SCORER: &str = r#"
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
print(json.dumps({"name": "length", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "batch_size": 8, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if os.path.exists(os.path.join(here, "broken")):
        print('{"seq": "what"}', flush=True)
        continue
    if os.path.exists(os.path.join(here, "slow")):
        time.sleep(0.1 * len(request["records"]))
    results = [[r[0], "OK", {"length": len(r[2])}] for r in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// A campaign of 1,600 records in 16 task groups and 8 tasks, of which 4 may run at a time, is submitted to `d`.
fn submitted(env: &TestEnv, slurm: &Slurm) {
    let library: String = (0..1600).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
    env.write("library.smi", library);
    env.write("score.py", SCORER);
    let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"{}\", \"score.py\"]", python());
    let rest = "[resources]\ncpus = 1\nmemory = \"100M\"\nwalltime = \"10min\"\n[checkpoint]\nsync = \"1s\"\n\
                [scheduler]\nkind = \"slurm\"\nsettle = \"2s\"\nrunning = 4\ntasks = 8\n";
    let file = env.campaign("night").scorer(&scorer).shards("records = 100").with(rest).write();
    let said = slurm.molsieve(env, &["submit", &file, "--dir", "d"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

/// What `status` says, as facts.
fn facts(env: &TestEnv, slurm: &Slurm, more: &[&str]) -> Value {
    let said = slurm.molsieve(env, &[&["--json", "status", "d"], more].concat());
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    serde_json::from_slice(&said.stdout).unwrap()
}

/// What a command says to people.
fn said(env: &TestEnv, slurm: &Slurm, args: &[&str]) -> String {
    let said = slurm.molsieve(env, args);
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn a_wave_is_told_with_its_nodes_and_counts_and_a_held_element_with_what_to_do() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    env.write("slow", "");
    submitted(&env, &slurm);
    let queue = |facts: &Value| facts["cluster"]["waves"][0]["now"]["queue"].clone();
    until("four tasks run and have results", 30, || {
        let facts = facts(&env, &slurm, &[]);
        queue(&facts)["running"] == 4 && facts["records"]["ok"].as_u64() > Some(0)
    });
    let before = facts(&env, &slurm, &[]);
    assert_eq!((&before["state"], &before["cluster"]["scheduler"]["heard"]), (&"running".into(), &true.into()));
    assert_eq!(queue(&before)["waiting"], 4, "{before}");
    let running = before["cluster"]["running"].as_array().unwrap();
    assert!(running.iter().all(|task| task["node"].as_str().is_some_and(|node| node.starts_with('n'))), "{before}");
    assert!(running.iter().all(|task| task["records"] == 200 && task["since_ms"].is_u64()), "{before}");
    assert_eq!(before["cluster"]["tick"]["state"], "waiting", "{before}");
    let job = before["cluster"]["waves"][0]["job"].as_str().unwrap().to_owned();
    slurm.said("scontrol", &["uhold", &format!("{job}_7")]);
    let held = facts(&env, &slurm, &[]);
    let wait = &held["cluster"]["waiting"][0];
    assert_eq!((&wait["held"], &wait["reason"], &wait["tasks"]), (&true.into(), &"JobHeldUser".into(), &1.into()));
    assert!(wait["hint"].as_str().unwrap().contains(&format!("scontrol release {job}_7")), "{wait}");
    let text = said(&env, &slurm, &["status", "d"]);
    assert!(text.contains("4 running, 3 waiting, 1 held") && text.contains("JobArrayTaskLimit"), "{text}");
    assert!(text.contains(&format!("`scontrol release {job}_7` lets it go")) && text.contains("nodes     n"), "{text}");
    said(&env, &slurm, &["cancel", "d"]);
}

#[test]
fn without_a_controller_or_its_commands_status_answers_from_the_files() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    env.write("slow", "");
    submitted(&env, &slurm);
    until("something is finished", 30, || facts(&env, &slurm, &["--no-scheduler"])["records"]["ok"].as_u64() > Some(0));
    slurm.controller("stop");
    let away = facts(&env, &slurm, &[]);
    slurm.controller("start");
    let scheduler = &away["cluster"]["scheduler"];
    assert_eq!((&away["state"], &scheduler["heard"]), (&"running".into(), &false.into()), "{away}");
    assert!(scheduler["why"].as_str().unwrap().contains("cannot be reached"), "{away}");
    let now = &away["cluster"]["waves"][0]["now"];
    assert!(now["tasks_begun"].as_u64() > Some(0) && now["queue"].is_null(), "{away}");
    let elsewhere = env.command(["status", "d"]).env("PATH", "/nowhere").output().unwrap();
    let text = String::from_utf8_lossy(&elsewhere.stdout);
    assert!(elsewhere.status.success() && text.contains("not heard") && text.contains("not on the PATH"), "{text}");
    said(&env, &slurm, &["cancel", "d"]);
}

#[test]
fn a_watch_without_a_terminal_prints_lines_and_ends_with_the_campaign() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    submitted(&env, &slurm);
    let text = said(&env, &slurm, &["status", "d", "--watch"]);
    let first = text.lines().next().unwrap();
    assert!(first.contains("night (d): running; ") && first.contains("of 1600 finished"), "{text}");
    assert!(text.contains("night (d): complete\n") && text.contains("molsieve sign d --key"), "{text}");
    assert!(!text.contains('\u{1b}'), "a pipe is not drawn on: {text}");
}

#[test]
fn the_logs_say_which_elements_failed_on_which_nodes_and_why() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    env.write("broken", "");
    submitted(&env, &slurm);
    until("the campaign is given up", 60, || facts(&env, &slurm, &["--no-scheduler"])["state"] == "failed");
    let text = said(&env, &slurm, &["logs", "d"]);
    let first = text.lines().next().unwrap();
    assert!(first.contains("of wave 1 ended on n") && first.contains("protocol"), "{text}");
    assert!(text.contains("== wave-1-task-"), "the log of one that failed is shown: {text}");
    let facts: Value = serde_json::from_str(&said(&env, &slurm, &["--json", "logs", "d"])).unwrap();
    let element = facts["failures"][0]["element"].as_str().unwrap();
    assert!(element.contains('_') && facts["failures"][0]["node"].is_string(), "{facts}");
}

#[test]
fn a_cancelled_campaign_goes_on_when_it_is_resumed_as_it_was_told() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    env.write("slow", "");
    submitted(&env, &slurm);
    until("something is finished", 30, || facts(&env, &slurm, &["--no-scheduler"])["records"]["ok"].as_u64() > Some(0));
    assert!(said(&env, &slurm, &["cancel", "d"]).contains("molsieve resume d"));
    let stopped = facts(&env, &slurm, &[]);
    assert_eq!((&stopped["state"], &stopped["cluster"]["tick"]), (&"stopped".into(), &Value::Null), "{stopped}");
    assert!(stopped["next"][0].as_str().unwrap().contains("molsieve resume d"), "{stopped}");
    std::fs::remove_file(env.path("slow")).unwrap();
    // At once, while what runs is still on its way to a checkpoint.
    said(&env, &slurm, &["resume", "d"]);
    assert_eq!(facts(&env, &slurm, &[])["state"], "complete");
}
