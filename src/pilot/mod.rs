//! The pilot: a few records are scored by the real pool of a campaign, to learn what all of them will
//! cost. It measures; it computes nothing that is kept.

mod bench;
mod sample;

use std::cell::RefCell;
use std::time::Duration;

use crate::clock::Stopwatch;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::id::GroupIndex;
use crate::library::snapshot::Snapshot;
use crate::library::weigh::Scales;
use crate::scorer::identity::{ScorerIdentity, ScorerLaunch};
use crate::scorer::open::{self, Post};
use crate::shard::estimate::{self, Found, Pilot, Timed};
use crate::shard::plan::{Classes, Plan};
use crate::stop::Stop;
use bench::{Bench, Feed, Log, Scale};
use sample::Sample;

/// Records that a pilot asks, if nothing else is said.
pub const RECORDS: u64 = 2048;

/// The time that it takes at most, if nothing else is said.
pub const TIME: Duration = Duration::from_secs(60);

/// How much is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Records, about.
    pub records: u64,
    /// After this time of scoring nothing more is asked; what is being scored then gets as much again.
    pub time: Duration,
}

impl Default for Request {
    fn default() -> Self {
        Self { records: RECORDS, time: TIME }
    }
}

/// What a pilot found.
pub struct Findings {
    /// What is frozen of it.
    pub pilot: Pilot,
    /// How long the structures of any range are, about.
    scales: Scales,
}

impl Findings {
    /// The cost classes of the task groups of `plan`.
    ///
    /// # Errors
    /// The index of the library cannot be read (exit 6), or is damaged (exit 2).
    pub fn classes(&mut self, plan: &Plan) -> Result<Classes> {
        let length = |group: GroupIndex| self.scales.mean_length(&plan.group(group));
        let lengths = plan.all_groups().map(length).collect::<Result<Vec<f64>>>()?;
        Ok(estimate::classes(plan, &self.pilot, &lengths))
    }
}

/// What is asked, and by which scorer.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The library.
    pub library: &'a Snapshot,
    /// The scorer.
    pub scorer: &'a ScorerIdentity,
    /// How it is started.
    pub launch: &'a ScorerLaunch,
}

/// Scores a sample and says what it cost.
///
/// # Errors
/// Not one record was finished in the time that there was, or every one is ERROR (exit 3); the scorer
/// cannot start or breaks its protocol; the library changed.
pub fn measure(subject: &Subject<'_>, post: &Post, request: Request) -> Result<Findings> {
    let mut sample = sample::draw(subject.library, post.seed, request.records)?;
    let records = sample.strata.iter_mut().map(|s| std::mem::take(&mut s.records)).collect();
    let lanes = open::lanes(subject.launch, post.cpus);
    // A task may have more cores than this machine: children that share one would only slow each other down.
    let here = open::lanes(subject.launch, post.cpus.min(host::cores() as u32));
    let (stop, begun) = (Stop::new(), Stopwatch::start());
    let mut pool = open::pool(subject.launch, subject.scorer, post)?;
    let opened = begun.elapsed();
    let bench = RefCell::new(Bench::new(records, here as usize, request.time, &stop));
    pool.run(&mut Feed(&bench), &mut Scale(&bench), &stop).map_err(|e| e.within("in the pilot"))?;
    let ended = begun.elapsed();
    let log = bench.into_inner().into_log();
    refuse_nothing_learnt(&log, request)?;
    let startup = opened + log.began.unwrap_or_default();
    let strata = found(&sample, &log, post.cpus, lanes);
    let [core_ns, core_ns_low, core_ns_high] =
        estimate::cost(&strata, sample.places).ok_or_else(|| Error::bug("a pilot has rows and no time for them"))?;
    let rows: f64 = strata.iter().filter(|s| s.row_bytes > 0.0).map(|s| s.share).sum();
    let bytes: f64 = strata.iter().map(|s| s.share * s.row_bytes).sum();
    let pilot = Pilot {
        host: host::name(),
        cpu: host::cpu(),
        asked: request.records.min(subject.library.records()),
        records: log.rows,
        errors: log.errors,
        reasons: log.reasons,
        wall_ms: millis(ended.saturating_sub(startup)),
        startup_ms: millis(startup),
        cpus: post.cpus,
        lanes,
        core_ns,
        core_ns_low,
        core_ns_high,
        row_bytes: (bytes / rows.max(f64::MIN_POSITIVE)).ceil() as u64,
        strata: strata.iter().map(Found::summary).collect(),
    };
    Ok(Findings { pilot, scales: sample.scales })
}

/// A pilot from which nothing follows says so.
fn refuse_nothing_learnt(log: &Log, request: Request) -> Result<()> {
    if log.rows == 0 {
        let what = format!("the pilot finished no record in {} s", 2 * request.time.as_secs());
        return Err(Error::new(Kind::Incomplete, what).hint(
            "give it more time, as in `molsieve pilot C.toml --time 10min`, or look for what is slow in a record",
        ));
    }
    if log.errors < log.rows {
        return Ok(());
    }
    let mut reasons: Vec<String> = log.reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    reasons.truncate(5);
    let what = format!("all {} records of the pilot are ERROR ({})", log.rows, reasons.join(", "));
    Err(Error::new(Kind::Incomplete, what)
        .hint("that is hardly the records' fault: try the scorer on one of them, and look at what it says on stderr")
        .hint("nothing was frozen: mend the cause and give the same command again"))
}

/// What is known of each stratum. A lane has its part of the cores, whether it uses them or not.
fn found(sample: &Sample, log: &Log, cpus: u32, lanes: u32) -> Vec<Found> {
    let cores = f64::from(cpus) / f64::from(lanes);
    let of = |(number, stratum): (usize, &sample::Stratum)| {
        let ours = || log.answered.iter().filter(move |a| a.stratum == number);
        let is_warm = ours().any(|a| !a.warming_up);
        let timed = ours().filter(|a| !(is_warm && a.warming_up));
        let timed = timed.map(|a| Timed { records: a.records, core_ns: a.took.as_nanos() as f64 * cores }).collect();
        let (rows, bytes) = log.sizes[number];
        Found {
            length_max: stratum.length_max,
            length: stratum.length,
            share: stratum.share,
            row_bytes: bytes as f64 / rows.max(1) as f64,
            timed,
        }
    };
    sample.strata.iter().enumerate().map(of).collect()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min((1 << 53) - 1)
}
