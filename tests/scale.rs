//! Scale: what grows with the number of shards, and what must not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use molsieve::campaign::file::{self, Campaign, CampaignFile, Execution};
use molsieve::campaign::kind::SchedulerKind;
use molsieve::canonical::json;
use molsieve::digest::{self, Digest};
use molsieve::layout::CampaignDir;
use molsieve::run::wave;
use molsieve::scorer::identity::ScorerLaunch;
use molsieve::shard::order;
use molsieve::shard::plan::Plan;
use molsieve::shard::receipt::{self, Counts, Receipt, RowsFile};

use crate::support::env::{MOLSIEVE, Run, TestEnv};
use crate::support::sealed_groups::{self, ATTEMPT};

/// The program, with an address space of `mib` MiB at most.
fn confined(dir: &Path, mib: u64, args: &[&str]) -> Run {
    let script = format!("ulimit -v {} && exec \"$0\" \"$@\"", mib << 10);
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(MOLSIEVE).args(args).current_dir(dir).stdin(Stdio::null());
    Run(command.output().unwrap())
}

/// A planned campaign of `records` records, a record a shard, of which every other task group is sealed; its
/// rows files are holes of the right length.
fn hollow(root: &Path, records: u64) -> Plan {
    let identity = sealed_groups::identity(records);
    let plan = Plan::new(identity.digest().unwrap(), records, 1).unwrap();
    let execution = Execution {
        library: "library/none".into(),
        scorer: ScorerLaunch::Null,
        sync_ms: 30_000,
        scheduler: SchedulerKind::Local,
        cluster: None,
        launch: None,
        cpus: 1,
        memory_mib: None,
        walltime_s: None,
        max_error_ppm: None,
        gpus: 0,
        keep: 0,
        export: Vec::new(),
        core_ms_max: None,
        key: None,
    };
    let scorer = identity.scorer.digest().unwrap();
    let dir = CampaignDir::new(root);
    let (schema, request) = (file::SCHEMA.to_owned(), BTreeMap::default());
    let file = CampaignFile { schema, identity, request, execution, nonce: None };
    Campaign::create(dir.clone(), file, plan.clone()).unwrap();
    for group in plan.all_groups().filter(|group| group.0 % 2 == 0) {
        let ordinals = plan.group(group);
        let total = ordinals.end - ordinals.start;
        let tree = serde_json::json!({"begin": ordinals.start + 1, "end": ordinals.end + 1, "subtrees": []});
        let receipt = Receipt {
            schema: receipt::SCHEMA.to_owned(),
            plan: plan.digest().unwrap(),
            scorer,
            group,
            ordinals,
            attempt: ATTEMPT.parse().unwrap(),
            rows: RowsFile { bytes: total * 20, blake3: digest::blake3(b"") },
            tree: serde_json::from_value(tree).unwrap(),
            files: None,
            counts: Counts { total, ok: total, ..Counts::default() },
            execution: sealed_groups::execution(),
            seal: Digest::default(),
        };
        let (place, attempt) = (dir.group(group), receipt.attempt.clone());
        fs::create_dir_all(place.root()).unwrap();
        fs::write(place.receipt(&attempt), json::to_line(&receipt.sealed().unwrap()).unwrap()).unwrap();
        fs::File::create(place.rows(&attempt)).unwrap().set_len(total * 20).unwrap();
    }
    plan
}

#[test]
fn a_billion_shards_take_status_no_more_memory_than_one() {
    let env = TestEnv::new();
    let plan = hollow(&env.path("d"), 1_000_000_000);
    assert_eq!((plan.shards(), plan.groups()), (1_000_000_000, 1000));
    // A byte a shard would not fit.
    let run = confined(&env.path(""), 256, &["--json", "status", "d"]).exits(0);
    let facts: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(facts["shards"]["total"], 1_000_000_000);
    assert_eq!(facts["shards"]["done"], 500_000_000);
    assert_eq!(facts["records"]["ok"], 500_000_000);
    let order = order::execution(&plan, 7, plan.all_groups());
    assert_eq!(order.len(), 1000);
    confined(&env.path(""), 256, &["gather", "d"]).exits(3).says("500 of 1000 task groups are not sealed");
}

#[test]
fn a_wave_of_a_million_shards_is_a_small_file_whatever_a_cluster_allows() {
    let env = TestEnv::new();
    let plan = Plan::new(Digest::default(), 1_000_000, 1).unwrap();
    assert_eq!((plan.shards(), plan.groups()), (1_000_000, 1000));
    let (dir, all) = (CampaignDir::new(env.path("d")), plan.all_groups().collect());
    for (number, tasks) in [(1, 1), (2, 11), (3, 1000), (4, 10_000_000)] {
        let dealt = wave::deal(&plan, 7, &all, tasks);
        assert_eq!(dealt.len() as u64, tasks.min(1000));
        wave::write(&dir, number, &dealt).unwrap();
        let bytes = fs::metadata(dir.wave_tasks(number)).unwrap().len();
        assert!(bytes < 8 << 10, "{tasks} tasks: {bytes} bytes");
        assert_eq!(wave::read(&dir, number).unwrap(), dealt);
    }
}

#[test]
fn a_million_shards_go_through_run_status_and_gather() {
    let env = TestEnv::new();
    env.write("library.smi", "C\n".repeat(1_000_000));
    let file = env.campaign("c").shard(1).write();
    confined(&env.path(""), 256, &["run", &file, "--dir", "d"]).exits(0);
    assert_eq!(fs::read_dir(env.path("d/groups")).unwrap().count(), 1000);
    let run = confined(&env.path(""), 128, &["--json", "status", "d"]).exits(0);
    let facts: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!((&facts["shards"]["done"], &facts["state"]), (&1_000_000.into(), &"complete".into()));
    confined(&env.path(""), 128, &["gather", "d"]).exits(0);
}
