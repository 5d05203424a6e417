//! One table of all engines: {this machine, SLURM, HTCondor with and without shared files, MPI, Ray} × shard sizes × faults.
//!
//! A cell is one campaign: the same library, the same scorer, the same seed, so the same identity, digest for digest. It is submitted, its
//! fault befalls it in the middle of its work, and what shows that it hit is noted; a fault that hits nothing fails its cell. Every cell
//! ends with the payload digest of this machine, every record counted, an empty queue and no process left. `./test --table` writes
//! what was seen to docs/evidence/one-table.md.

mod cell;
mod document;
mod engine;
mod here;
mod on_htcondor;
mod on_ray;
mod on_slurm;

#[path = "../../clusters/htcondor.rs"]
#[expect(dead_code, reason = "the table needs only a part of what the tests of the night share")]
mod htcondor;
#[path = "../../clusters/ranks.rs"]
mod ranks;
#[path = "../../clusters/ray_cluster.rs"]
mod ray_cluster;
#[path = "../../clusters/scene.rs"]
#[expect(dead_code, reason = "the table needs only a part of what the tests of the night share")]
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use cell::Cell;
use document::Row;
use engine::{Blow, Contender, Fault, proven};

/// Where the files that are shared look for it.
use crate::clusters::slurm;
use crate::clusters::stage::Stage;
use crate::env::TestEnv;

const SCORER: &str = include_str!("score.py");

/// Records of the library: these of the shipped ones, among which some are SKIP and one is an ERROR.
const RECORDS: std::ops::Range<usize> = 1200..2400;

/// Records a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// The smallest that there is, one in the middle, and one that is larger than the library.
const SIZES: [Size; 3] = [Size(1), MIDDLE, Size(100_000)];
const MIDDLE: Size = Size(25);

/// What brings an engine up.
type Up = fn(&Stage) -> Option<Box<dyn Contender>>;

const ENGINES: [(&str, Up); 7] = [
    ("local", |_| Some(Box::new(here::Local))),
    ("SLURM", |stage| Some(Box::new(on_slurm::Elements::up(stage)?))),
    ("HTCondor", |stage| Some(Box::new(on_htcondor::Pool::up(stage)?))),
    ("HTCondor, no shared files", |stage| Some(Box::new(on_htcondor::Pool::apart(stage)?))),
    ("MPI", |_| Some(Box::new(here::Mpi::up()?))),
    ("MPI in SLURM", |stage| Some(Box::new(on_slurm::Allocation::up(stage)?))),
    ("Ray", |stage| Some(Box::new(on_ray::OnRay::up(stage)?))),
];

/// Which cells there are: what is quick at every size, what takes an engine half a minute to notice at one.
fn has_cell(engine: &dyn Contender, size: Size, fault: Fault) -> bool {
    let everywhere = matches!(fault, Fault::None | Fault::Worker | Fault::Stop);
    let is_middle = size == MIDDLE;
    let in_one = fault == Fault::Coordinator && size.0 > MIDDLE.0;
    engine.fault(fault).is_some() && (is_middle || engine.is_thorough() && (everywhere || in_one))
}

/// Whether a run for a part of the table, as `MOLSIEVE_TABLE_ON='SLURM;Ray'`, has this one.
fn is_wanted(variable: &str, name: &str) -> bool {
    std::env::var(variable).map_or(true, |some| some.split(';').any(|one| one == name))
}

/// The library, and the campaign on this machine in one shard; while there is a file `hold`, records take their time.
fn stage(hold: &Path) -> Stage {
    let env = TestEnv::new();
    let lines = include_str!("../../../data/nci_first_5k.smi").lines();
    let library: String = lines.skip(RECORDS.start).take(RECORDS.len()).map(|line| format!("{line}\n")).collect();
    env.write("library.smi", library);
    env.write("here/score.py", SCORER);
    env.write("here/campaign.toml", cell::campaign(Size(100_000), "kind = \"local\"", hold));
    Stage::of(env, RECORDS.len())
}

/// The campaign of a cell, from its beginning to its end; the digest and the records.
fn play(cell: &Cell<'_>, fault: Fault) -> (String, u64) {
    let struck = |blow| {
        cell.begin();
        cell.engine.strike(cell, blow)
    };
    let at_end = match fault {
        Fault::None => {
            cell.submit();
            proven()
        }
        Fault::Stop => {
            cell.begin();
            cell.stop();
            proven()
        }
        Fault::Twice => {
            cell.begin();
            let at_end = cell.twice();
            cell.hold(false);
            at_end
        }
        Fault::Worker => struck(Blow::Worker),
        Fault::Node => struck(Blow::Node),
        Fault::Coordinator => struck(Blow::Coordinator),
    };
    cell.await_seal(240);
    at_end();
    cell.ends_well()
}

/// Plays a cell; whatever comes of it, the engine is made fit for the next one.
fn row(stage: &Stage, hold: &Path, engine: &dyn Contender, size: Size, fault: Fault) -> Row {
    let cell = Cell::new(stage, hold, engine, size, fault);
    eprintln!("  {}", cell.name);
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| play(&cell, fault))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("it panicked").to_owned();
        eprintln!("  {} failed: {text}\n{}", cell.name, cell.post_mortem());
        let _ = catch_unwind(AssertUnwindSafe(|| cell.clear()));
        text
    });
    Row {
        engine: engine.name(),
        size,
        fault,
        what: engine.fault(fault).unwrap(),
        proof: cell.proof.take(),
        outcome,
        seconds: started.elapsed().as_secs(),
    }
}

#[test]
fn every_engine_at_every_shard_size_gives_one_payload_digest_whatever_befalls_it() {
    let signals = tempfile::tempdir().unwrap();
    let hold = signals.path().join("hold");
    let stage = stage(&hold);
    let mut document = document::Document::new(&stage);
    for (name, up) in ENGINES.iter().filter(|(name, _)| is_wanted("MOLSIEVE_TABLE_ON", name)) {
        eprintln!("{name}");
        let started = Instant::now();
        let Some(engine) = up(&stage) else {
            document.missing(name);
            continue;
        };
        document.met(&*engine, started.elapsed().as_secs());
        for fault in Fault::ALL.into_iter().filter(|fault| is_wanted("MOLSIEVE_TABLE_FAULTS", fault.name())) {
            for size in SIZES.into_iter().filter(|size| has_cell(&*engine, *size, fault)) {
                document.add(row(&stage, &hold, &*engine, size, fault));
            }
        }
    }
    document.print();
    assert!(document.failed().is_empty(), "cells failed: {:?}", document.failed());
}
