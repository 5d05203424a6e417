//! Memory stays bounded whatever waits for whatever, and nothing waits for ever.

use std::process::Command;

use molsieve::id::Ordinal;
use molsieve::layout::CampaignDir;
use molsieve::run::wave;
use molsieve::scorer::Ended;

use super::long_row;
use crate::support::env::{MOLSIEVE, TestEnv, python};
use crate::support::memory_pool::MemoryPool;
use crate::support::sealed_groups::row;
use crate::support::workshop::{GROUP, Workshop, rows_of};

/// What may wait for an earlier row, in bytes.
const WAITING_BYTES_MAX: usize = 16 << 20;

#[test]
fn everything_but_one_early_record_waits_in_bounded_memory() {
    let shop = Workshop::new(4000, 4000);
    let mut pool = MemoryPool::new(long_row).holding_back([1]).sizes(50, 100);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    assert!(pool.waits > 0);
    let bytes = pool.ahead_max * (8 << 10);
    assert!(bytes < WAITING_BYTES_MAX + (1 << 20) + 150 * (8 << 10), "{bytes} bytes were waiting");
    shop.is_sealed_with(long_row);
}

#[test]
fn short_rows_that_wait_are_counted_with_what_it_costs_to_keep_them() {
    let shop = Workshop::new(400_000, 400_000);
    let mut pool = MemoryPool::new(row).holding_back([0]).sizes(4096, 8192);
    assert_eq!(shop.work(1, &mut pool).unwrap(), Ended::Done);
    assert!(pool.waits > 0, "400,000 rows were waiting");
    assert!(pool.ahead_max * 80 < WAITING_BYTES_MAX + (2 << 20), "{} rows were waiting", pool.ahead_max);
}

#[test]
fn one_early_record_that_an_earlier_attempt_left_is_asked_though_much_waits_for_it() {
    let shop = Workshop::new(4000, 4000);
    let mut log = shop.checkpoint(1);
    (1..4000).step_by(100).for_each(|from| log.rows(&rows_of(from..(from + 100).min(4000), long_row)).unwrap());
    log.clean_end().unwrap();
    let mut pool = MemoryPool::new(long_row);
    assert_eq!(shop.work(2, &mut pool).unwrap(), Ended::Done);
    assert_eq!(pool.asked, [(0, false)]);
    shop.is_sealed_with(long_row);
}

#[test]
fn one_early_suspect_is_asked_though_much_waits_for_it() {
    let shop = Workshop::new(4000, 4000);
    shop.checkpoint(1).started(&[0 as Ordinal]).unwrap();
    let mut pool = MemoryPool::new(long_row).sizes(50, 100);
    assert_eq!(shop.work(2, &mut pool).unwrap(), Ended::Done);
    assert_eq!(pool.asked(true), [0]);
    shop.is_sealed_with(long_row);
}

#[test]
fn a_worker_needs_no_more_memory_for_many_records() {
    let env = TestEnv::new();
    env.molsieve(["library", "generate", "--records", "200000", "--out", "library.smi"]).exits(0);
    let file = env.campaign("many").shard(200_000).write();
    env.molsieve(["plan", &file, "--dir", "many"]).exits(0);
    let dir = CampaignDir::new(env.path("many"));
    wave::write(&dir, 1, &[vec![GROUP]]).unwrap();
    let script = "import resource, subprocess, sys\n\
        assert subprocess.run(sys.argv[1:]).returncode == 0\n\
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let many = dir.root().display().to_string();
    let worker = [MOLSIEVE, "worker", &many, "--wave", "1", "--task", "0"];
    let output = Command::new(python()).args(["-c", script]).args(worker).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let kibibytes: u64 = stdout.trim().parse().unwrap_or_else(|_| panic!("{output:?}"));
    let status = env.facts(["status", "many"]);
    assert_eq!(status["records"]["ok"], 200_000, "{status}");
    assert!(kibibytes < 64 << 10, "the worker took {kibibytes} KiB at its peak");
}
