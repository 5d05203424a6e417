//! Planning: a pilot measures what a campaign will cost, shards are cut by time, and what will be needed is told before.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use molsieve::error::Kind;
use molsieve::id::GroupIndex;
use molsieve::journal::event::Event;
use molsieve::layout::CampaignDir;
use molsieve::run::plan::open_for_planning;
use molsieve::scorer::Ended;
use molsieve::shard::order;
use molsieve::shard::plan::Plan;

use crate::support::env::{TestEnv, project, small_library};
use crate::support::memory_pool::{Fate, MemoryPool};
use crate::support::sealed_groups::row;
use crate::support::workshop::Workshop;

/// A scorer that takes `per_byte` seconds for a byte of structure.
fn slow(env: &TestEnv, per_byte: f64) -> PathBuf {
    let text = format!(
        r#"import json, sys, time
print(json.dumps({{"name": "slow", "version": "1", "columns": [{{"name": "score", "type": "float"}}], "batch_size": 16,
                  "reasons": ["bad"], "deterministic": True}}), flush=True)
for line in sys.stdin:
    asked, results = json.loads(line), []
    for ordinal, _, structure, _ in asked["records"]:
        time.sleep({per_byte} * len(structure))
        bad = structure.startswith("bad")
        results.append([ordinal, "ERROR", "bad"] if bad else [ordinal, "OK", {{"score": len(structure)}}])
    print(json.dumps({{"seq": asked["seq"], "results": results}}), flush=True)
"#
    );
    env.write("slow.py", text)
}

fn plan_of(env: &TestEnv, dir: &str) -> Plan {
    serde_json::from_slice(&fs::read(env.path(dir).join("plan.json")).unwrap()).unwrap()
}

#[test]
fn a_pilot_leaves_a_planned_campaign_with_what_it_will_cost_and_the_payload_is_the_same() {
    let env = TestEnv::new();
    env.small_library(300);
    let file = env.campaign("c").seed(7).shard(20).write();
    let facts = env.facts(["pilot", &file, "--dir", "piloted", "--records", "100"]);
    assert_eq!(facts["schema"], "molsieve.pilot.v1");
    let pilot = &facts["pilot"];
    let (core_ns, low, high) = (&pilot["core_ns"], &pilot["core_ns_low"], &pilot["core_ns_high"]);
    assert!(low.as_u64() <= core_ns.as_u64() && core_ns.as_u64() <= high.as_u64(), "{pilot}");
    assert!(pilot["records"].as_u64().unwrap() >= 90 && pilot["row_bytes"].as_u64().unwrap() > 5, "{pilot}");
    assert!(facts["forecast"]["core_hours"]["expected"].as_f64().unwrap() > 0.0, "{facts}");
    assert!(!env.path("piloted/groups").exists(), "a pilot measures, a worker computes");

    env.molsieve(["resume", "piloted"]).exits(0);
    env.molsieve(["run", &file, "--dir", "plain"]).exits(0);
    env.molsieve(["run", &file, "--dir", "piloted"]).exits(0);
    assert_eq!(env.payload_of("piloted"), env.payload_of("plain"));
}

#[test]
fn a_campaign_that_is_planned_may_have_its_pilot_later_but_not_once_it_has_begun() {
    let env = TestEnv::new();
    env.small_library(100);
    let file = env.campaign("c").shard(20).write();
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0).says("not known: a pilot").says("molsieve pilot c.toml");
    assert_eq!(plan_of(&env, "d").pilot, None);
    let library = |env: &TestEnv| fs::read_dir(env.path("d/library")).unwrap().count();
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(0).says("core hours");
    assert_eq!(library(&env), 1, "the library is read once");
    assert_eq!(plan_of(&env, "d").pilot.unwrap().asked, 100, "there are no more");
    env.molsieve(["plan", &file, "--dir", "d"]).exits(0).says("core hours");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0);
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(2).says("has begun");
}

#[test]
fn a_target_has_a_pilot_say_how_many_records_a_shard_has() {
    let env = TestEnv::new();
    env.small_library(200);
    let script = slow(&env, 20e-6);
    let by_time = env.campaign("c").shards("target = \"50ms\"").python(&script, &[]).write();
    env.molsieve(["run", &by_time, "--dir", "by-time"]).exits(0);
    let plan = plan_of(&env, "by-time");
    let pilot = plan.pilot.clone().unwrap();
    assert_eq!(plan.shard_records, (50_000_000 / pilot.core_ns).clamp(1, 200));
    env.molsieve(["run", &by_time, "--dir", "by-time"]).exits(0);
    let by_count = env.campaign("c").shard(7).python(&script, &[]).write();
    env.molsieve(["run", &by_count, "--dir", "by-count"]).exits(0);
    assert_eq!(env.payload_of("by-time"), env.payload_of("by-count"));
    env.molsieve(["run", &by_count, "--dir", "by-time"]).exits(2).says("`shards.");
}

#[test]
fn two_sizes_of_a_shard_or_none_are_refused_before_any_work() {
    let env = TestEnv::new();
    env.small_library(10);
    for lines in ["records = 10\ntarget = \"45min\"", "target = \"0s\"", "target = \"soon\"", "records = 0"] {
        let file = env.campaign("c").shards(lines).write();
        env.molsieve(["run", &file, "--dir", "d"]).exits(2).says("`shards.");
        assert!(!env.path("d").exists());
    }
}

#[test]
fn a_pilot_of_nothing_but_errors_says_so_and_freezes_nothing() {
    let env = TestEnv::new();
    env.write("library.smi", "bad1\tx\nbad2\ty\n".repeat(20));
    let file = env.campaign("c").python(&slow(&env, 0.0), &[]).write();
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(3).says("all 40 records of the pilot are ERROR (40 bad)");
    assert!(!env.path("d/plan.json").exists());
    env.small_library(40);
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(0);
}

#[test]
fn a_pilot_that_is_too_slow_says_so() {
    let env = TestEnv::new();
    env.write("library.smi", (0..100).map(|n| format!("CCCCC\tm{n}\n")).collect::<String>());
    let file = env.campaign("c").python(&slow(&env, 0.01), &[]).write();
    let facts = env.facts(["pilot", &file, "--dir", "few", "--time", "1s"]);
    let warnings = facts["forecast"]["warnings"].to_string();
    assert!(warnings.contains("of 100 records") && warnings.contains("more `--time`"), "{facts}");

    let never = env.campaign("c").python(&slow(&env, 12.0), &[]);
    let scorer = "timeout = \"100s\"\ngrace = \"10ms\"\n[checkpoint]\nsync = \"30s\"";
    let file = env.write(
        "never.toml",
        fs::read_to_string(env.path(&never.write())).unwrap().replace("[shards]", &format!("{scorer}\n[shards]")),
    );
    let file = file.display().to_string();
    env.molsieve(["pilot", &file, "--dir", "none", "--time", "100ms"]).exits(3).says("finished no record");
}

#[test]
fn a_plan_says_what_will_be_needed() {
    let env = TestEnv::new();
    env.small_library(1000);
    let facts = env.facts(["plan", &env.campaign("c").shard(10).write(), "--dir", "d"]);
    let forecast = &facts["forecast"];
    assert!(forecast["core_hours"].is_null() && facts["pilot"].is_null(), "{facts}");
    assert!(forecast["files"].as_u64().unwrap() >= 300, "directory, rows and receipt of 100 task groups: {forecast}");
    let bytes = &forecast["bytes"];
    let sum = ["rows", "checkpoints", "pack", "other"].map(|key| bytes[key].as_u64().unwrap()).iter().sum::<u64>();
    assert_eq!(bytes["total"], sum);
    env.molsieve(["resume", "d"]).exits(0);
    let written = walk(&env.path("d"));
    assert!(written <= forecast["files"].as_u64().unwrap(), "{written} files, and {forecast}");
    let summary = fs::metadata(env.path("d/pack/summary.csv")).unwrap().len() as f64;
    let rows = bytes["rows"].as_f64().unwrap();
    assert!((0.5..2.0).contains(&(rows / summary)), "{rows} bytes of rows were forecast, and there are {summary}");
}

#[test]
fn a_small_campaign_is_forecast_with_all_that_is_in_its_pack() {
    let env = TestEnv::new();
    env.molsieve(["keygen", "--out", "k.pem"]).exits(0);
    env.write("library.smi", small_library(24));
    env.write("actives.smi", "CCO\tethanol\n");
    let similarity = "kind = \"similarity\"\nactives = \"actives.smi\"";
    for (number, (scorer, pack)) in [
        ("kind = \"null\"", "outputs = []"),
        (similarity, "outputs = []"),
        (similarity, "outputs = [\"parquet\", \"hdf5\"]\nkey = \"k.pem\""),
        ("kind = \"spectral2d\"\n[decoys]\ncount = 2", "export = [\"hetero2\"]"),
    ]
    .into_iter()
    .enumerate()
    {
        let library = "[campaign]\nname = \"c\"\n[library]\npath = [\"library.smi\"]";
        env.write("c.toml", format!("{library}\n[scorer]\n{scorer}\n[pack]\n{pack}\n"));
        let dir = format!("d{number}");
        let forecast = env.facts(["plan", "c.toml", "--dir", &dir])["forecast"].clone();
        env.molsieve(["resume", &dir]).exits(0);
        assert_eq!(forecast["files"].as_u64().unwrap(), 1 + walk(&env.path(&dir)), "{scorer} {pack}");
        let (said, there) = (forecast["bytes"]["total"].as_f64().unwrap(), bytes_below(&env.path(&dir)) as f64);
        assert!((1.0..2.5).contains(&(said / there)), "{said} bytes are said, {there} are there: {scorer} {pack}");
    }
}

/// Bytes of the files below `dir`.
fn bytes_below(dir: &std::path::Path) -> u64 {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { bytes_below(&path) } else { fs::metadata(&path).unwrap().len() }).sum()
}

/// Files and directories below `dir`.
fn walk(dir: &std::path::Path) -> u64 {
    let below = |path: PathBuf| if path.is_dir() { walk(&path) } else { 0 };
    fs::read_dir(dir).unwrap().map(|entry| 1 + below(entry.unwrap().path())).sum()
}

#[test]
fn what_a_stopped_campaign_has_finished_is_spread_over_the_library() {
    let shop = Workshop::new(1000, 5);
    let plan = &shop.campaign.plan;
    let order = order::execution(plan, shop.campaign.identity.seed, plan.all_groups());
    let mut pool = MemoryPool::new(row).fated(Fate::Stop(250));
    assert_eq!(shop.work_on(1, order, &mut pool).unwrap(), Ended::Stopped);
    let mut tenths = [0; 10];
    let sealed: BTreeSet<GroupIndex> = plan.all_groups().filter(|group| shop.receipt(*group).is_some()).collect();
    sealed.iter().for_each(|group| tenths[group.0 as usize / 20] += 1);
    assert!((45..=55).contains(&sealed.len()), "{}", sealed.len());
    // Five of twenty are expected in each tenth of the library; the first ones in order would be 20, 20, 10, 0, …
    assert!(tenths.iter().all(|n| (1..=10).contains(n)), "{tenths:?}");
}

#[test]
fn the_tasks_of_a_run_hold_every_task_group_once_and_not_in_order() {
    let env = TestEnv::new();
    env.small_library(200);
    env.molsieve(["run", &env.campaign("c").shard(2).write(), "--dir", "d", "--workers", "2"]).exits(0);
    let text = fs::read_to_string(env.path("d/launch/wave-1.tasks")).unwrap();
    assert_eq!(text.lines().count(), 8);
    let mut groups = Vec::new();
    for part in text.lines().flat_map(|line| line.split(',')) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        groups.extend(first.parse::<u64>().unwrap()..=last.parse().unwrap());
    }
    assert!(!groups.is_sorted());
    groups.sort_unstable();
    assert_eq!(groups, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_plan_that_somebody_edited_is_refused() {
    let env = TestEnv::new();
    env.small_library(100);
    let file = env.campaign("c").shard(20).write();
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(0);
    let path = env.path("d/plan.json");
    let whole = fs::read_to_string(&path).unwrap();
    let classes = &whole[whole.find("\"of_group\":[").unwrap()..];
    let classes = &classes[..=classes.find(']').unwrap()];
    for (from, to) in
        [(classes, "\"of_group\":[9,0,0,0,0]"), (classes, "\"of_group\":[0]"), ("\"lanes\":1", "\"lanes\":0")]
    {
        assert!(whole.contains(from), "{from} is not in {whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        env.molsieve(["status", "d"]).exits(4).says("contradicts itself");
    }
}

#[test]
fn the_plan_with_a_pilot_of_version_1_is_read_and_keeps_its_digest() {
    let text = fs::read(project("tests/fixtures/plans/with-pilot-v1.json")).unwrap();
    let plan: Plan = serde_json::from_slice(&text).unwrap();
    assert!(plan.is_sound());
    assert_eq!((plan.class(GroupIndex(0)), plan.class(GroupIndex(16))), (0, 1));
    assert_eq!(plan.digest().unwrap().to_string(), molsieve::digest::blake3(text.trim_ascii_end()).to_string());
}

#[test]
fn a_planner_that_takes_over_sees_the_campaign_that_an_older_one_finished_and_stops_the_older_one() {
    let env = TestEnv::new();
    env.small_library(20);
    let file = env.campaign("c").write();
    env.molsieve(["pilot", &file, "--dir", "d"]).exits(0);
    let (planned, empty) = (CampaignDir::new(env.path("d")), CampaignDir::new(env.path("e")));
    let (_, there) = open_for_planning(&planned).unwrap();
    assert_eq!(there.unwrap().plan, plan_of(&env, "d"));
    let (mut older, there) = open_for_planning(&empty).unwrap();
    assert!(there.is_none());
    let (mut younger, there) = open_for_planning(&empty).unwrap();
    assert!(there.is_none());
    assert_eq!(older.record(Event::WaveEnded { wave: 1, core_ms: None }).unwrap_err().kind(), Kind::Stopped);
    younger.record(Event::WaveEnded { wave: 1, core_ms: None }).unwrap();
}

#[test]
fn a_plan_tells_in_one_screen_what_decides_whether_to_start_it_tonight() {
    let env = TestEnv::new();
    env.small_library(300);
    let cpus = 2 * std::thread::available_parallelism().unwrap().get();
    let more = format!("[resources]\ncpus = {cpus}\n[limits]\nmax_error_rate = 0.2\ncore_hours = 3000");
    let file = env.campaign("c").shard(20).with(&more).write();
    let run = env.molsieve(["plan", &file, "--dir", "d"]).exits(0);
    let shown = run.stdout() + &run.stderr();
    assert!(shown.lines().count() <= 25, "{shown}");
    let (warning, each) = (format!("gives a task {cpus} cores"), format!("tasks, {cpus} cores each"));
    for what in [
        "300 records",
        "15 of up to 20 records",
        "null 1",
        "1 at a time of",
        &each,
        "more than 20 % of the records are ERROR, and after 3000 core-hours",
        "pack         csv",
        "signed       by nobody",
        "time         not known: a pilot measures it",
        "free: rows",
        "molsieve pilot c.toml --dir",
        "molsieve resume",
        &warning,
    ] {
        assert!(shown.contains(what), "`{what}` is not in: {shown}");
    }
    let warnings = env.facts(["plan", &file, "--dir", "d"])["forecast"]["warnings"].to_string();
    assert!(warnings.contains(&warning), "{warnings}");
    env.molsieve(["run", &file, "--dir", "d"]).exits(0).says(&warning);
}

#[test]
fn without_a_directory_a_campaign_lies_beside_where_it_is_started_and_the_same_command_goes_on_with_it() {
    let env = TestEnv::new();
    env.small_library(30);
    let file = env.campaign("night").write();
    env.molsieve(["plan", &file]).exits(0).says("no `--dir` is given").says("/night`");
    let planned = plan_of(&env, "night");
    env.molsieve(["run", &file]).exits(0).says("30 records: 30 OK");
    env.molsieve(["run", &file]).exits(0).says("this campaign is finished");
    assert_eq!(plan_of(&env, "night"), planned);
    env.molsieve(["run", &file, "--dir", "night"]).exits(0);
}

#[test]
fn a_plan_of_ranks_says_how_many_there_are_and_what_starts_them() {
    let env = TestEnv::new();
    env.small_library(30);
    let of = |hand_out: &str| {
        let more = format!("[scheduler]\nkind = \"mpi\"\nranks = 3\nhand_out = \"{hand_out}\"");
        env.campaign(hand_out).shard(10).with(&more).write()
    };
    let run = env.molsieve(["plan", &of("static"), "--dir", "s"]).exits(0);
    let run = run.says("1 tasks, each 3 ranks by mpirun, 1 core each");
    let shown = run.says("launch       ranks share task groups by number: mpirun -n 3 ").stdout();
    assert!(shown.contains("worker") && shown.contains("--wave 1 --task 0 --ranks 3 --launcher mpirun"), "{shown}");
    // (Whether `molsieve-mpi` is there depends on the build.)
    let shown = env.molsieve(["plan", &of("dynamic"), "--dir", "d"]).exits(0).stdout();
    let line = shown.lines().find(|line| line.starts_with("launch ")).unwrap();
    assert!(
        line.contains("rank 0 hands task groups out: mpirun") || line.contains("impossible: there is no"),
        "{line}"
    );
}
