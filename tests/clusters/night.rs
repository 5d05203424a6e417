//! The night: what a campaign on a cluster lives through with nobody there (promise P6).

use super::slurm::{Slurm, strays, until};
use crate::support::env::{TestEnv, python};

/// Scores the length of a structure; slowly, while there is a file called `slow` beside it.
const SCORER: &str = r#"
import json, os, sys, time
slow = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slow")
print(json.dumps({"name": "length", "version": "1", "columns": [{"name": "length", "type": "int"}],
                  "batch_size": 8, "deterministic": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if os.path.exists(slow):
        time.sleep(0.04 * len(request["records"]))
    results = [[r[0], "OK", {"length": len(r[2])}] for r in request["records"]]
    print(json.dumps({"seq": request["seq"], "results": results}), flush=True)
"#;

/// A campaign of 4,000 records in 40 task groups, as files for this machine and for the cluster.
fn campaign(env: &TestEnv, more: &str) -> (String, String) {
    let library: String = (0..4000).map(|n| format!("{}O\tm{n}\n", "C".repeat(n % 60 + 1))).collect();
    env.write("library.smi", library);
    env.write("score.py", SCORER);
    let scorer = format!("kind = \"command\"\nprotocol = \"jsonl\"\nargv = [\"{}\", \"score.py\"]", python());
    let resources = "[resources]\ncpus = 1\nmemory = \"200M\"\nwalltime = \"10min\"\n";
    let file = |name: &str, scheduler: &str| {
        let rest = format!("{resources}[checkpoint]\nsync = \"1s\"\n{scheduler}");
        env.campaign(name).scorer(&scorer).shards("records = 100").with(&rest).write()
    };
    let here = file("here", "");
    let there = file("there", &format!("[scheduler]\nkind = \"slurm\"\nsettle = \"2s\"\n{more}"));
    (here, there)
}

/// The payload digest of this machine, and the cluster's campaign submitted, slowly.
fn begun(env: &TestEnv, slurm: &Slurm, more: &str) -> String {
    let (here, there) = campaign(env, more);
    env.molsieve(["run", &here, "--dir", "h"]).exits(0);
    env.write("slow", "");
    let said = slurm.molsieve(env, &["submit", &there, "--dir", "d"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    env.payload_of("h")
}

fn sealed(env: &TestEnv) -> bool {
    env.path("d/pack/manifest.json").exists()
}

/// Waits for the seal, and says everything that is known if there is none.
fn await_seal(env: &TestEnv, slurm: &Slurm, seconds: u64) {
    let started = std::time::Instant::now();
    while !sealed(env) {
        if started.elapsed().as_secs() > seconds {
            let read = |name: &str| std::fs::read_to_string(env.path(name)).unwrap_or_default();
            panic!("no pack after {seconds} s\nqueue:\n{}\nticks:\n{}", slurm.queue(), read("d/logs/tick.out"));
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
}

#[test]
fn a_campaign_on_a_cluster_seals_itself_with_nobody_there_and_has_the_digest_of_this_machine() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    let digest = begun(&env, &slurm, "running = 16\n");
    until("a task runs", 30, || ["n1", "n2", "n3", "n4"].iter().any(|node| !slurm.running_on(node).is_empty()));
    assert_eq!(strays(&env.path("d")), [0_u32; 0], "nothing of ours runs outside the scheduler");
    std::fs::remove_file(env.path("slow")).unwrap();
    await_seal(&env, &slurm, 120);
    assert_eq!(env.payload_of("d"), digest);
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    env.molsieve(["sign", "d", "--key", "k.pem"]).exits(0);
    env.molsieve(["verify", "d/pack", "--key", "k.pub.pem"]).exits(0);
    until("the queue is empty", 30, || slurm.queue().is_empty());
}

#[test]
fn a_crashed_node_a_preemption_a_cancelled_element_and_a_controller_that_is_away_change_nothing() {
    let env = TestEnv::new();
    let Some(slurm) = Slurm::up(&env.path("cluster")) else { return };
    let digest = begun(&env, &slurm, "running = 28\ntasks = 40\n");
    let nodes = ["n1", "n2", "n3"];
    until("tasks run on three nodes", 60, || nodes.iter().all(|node| slurm.running_on(node).len() > 1));
    // A machine dies; its tasks are known by name, so that it is known that they were hit.
    let hit = slurm.running_on("n1");
    slurm.crash("n1");
    // Somebody with a better claim comes.
    let evicted = slurm.running_on("n2");
    let claim = ["--parsable", "-p", "high", "-w", "n2", "--exclusive", "--mem=0", "-t", "5", "-o", "/dev/null"];
    slurm.said("sbatch", &[&claim[..], &["--wrap", "sleep 4"]].concat());
    until("the preempted tasks are off n2", 60, || evicted.iter().all(|task| !slurm.running_on("n2").contains(task)));
    // Somebody cancels one element.
    let cancelled = slurm.running_on("n3").remove(0);
    slurm.said("scancel", &[&cancelled]);
    // The controller goes away for a while, with tasks at work.
    slurm.controller("stop");
    std::thread::sleep(std::time::Duration::from_secs(5));
    slurm.controller("start");
    until("the dead node is noticed", 90, || hit.iter().all(|task| !slurm.running_on("n1").contains(task)));
    slurm.repair("n1");
    std::fs::remove_file(env.path("slow")).unwrap();
    await_seal(&env, &slurm, 240);
    assert_eq!(env.payload_of("d"), digest);
    assert!(!hit.is_empty() && !evicted.is_empty(), "every fault hit something: {hit:?} {evicted:?}");
    until("the queue is empty", 60, || slurm.queue().is_empty());
}
