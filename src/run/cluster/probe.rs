//! A job of a minute that tries out what a campaign's jobs do: it sees our files and we see its, and asks whether it
//! might submit jobs itself. It submits nothing, and leaves nothing behind.
//!
//! The two sides talk by files in one directory, since that is what campaigns do:
//!
//! ```text
//! here: token, taken        → the node reads them, and tries to take the second name
//! node: report              → what it saw
//! here: ping-1, node: pong-1, …   what each clock said when a file was written and when it was seen
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use molsieve_adapters::{
    Adapter, EmittedFile, Job, JobSpec, JobTag, OwnFiles, Patient, Place, Resources, TaskReport, Tasks, Transfers,
};
use serde::{Deserialize, Serialize};

use crate::campaign::kind::SchedulerKind;
use crate::campaign::scheduler::Cluster;
use crate::canonical;
use crate::clock::{self, Stopwatch};
use crate::doctor::cluster::{Exchange, NodeFacts};
use crate::doctor::disk;
use crate::error::{Error, Result};
use crate::fs;
use crate::fs::tree::StagedDir;
use crate::host;
use crate::id::AttemptId;
use crate::layout::{self, CampaignDir};
use crate::patience::Patience;
use crate::run::parcel;
use crate::scheduler::{self, Rights, refused};

/// Files that go there and back.
const ROUNDS: u64 = 5;
/// How often either side looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often the scheduler is asked.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long either side waits for the other's next file.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The time limit of the job, in seconds: some schedulers count minutes.
const WALLTIME_S: u64 = 120;
/// Memory of the job, in MiB.
const MEMORY_MIB: u64 = 200;
/// The directory in which the two sides talk, where it is carried.
const TALK: &str = "talk";
/// The file of the job.
const JOB: &str = "probe";
/// How long a job that was cancelled may take to go.
const GONE_MAX: Duration = Duration::from_secs(20);

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Probe {
    /// The job, as the scheduler calls it.
    pub job: String,
    /// What it saw; none where it left no report.
    pub node: Option<NodeFacts>,
    /// How the two machines see each other's files.
    pub exchange: Option<Exchange>,
    /// Seconds until it was at work, where it was.
    pub waited_s: Option<u64>,
    /// Why there is no report.
    pub why: Option<String>,
}

/// What a node's clock said.
#[derive(Debug, Serialize, Deserialize)]
struct Pong {
    seen_ms: u64,
    answered_ms: u64,
}

/// Runs the job on `cluster`, one of `kind`, with a directory of its own in `dir`, and waits for at most `patience`. It is gone afterwards.
///
/// # Errors
/// The scheduler refuses or cannot be reached (exit 5), or `dir` cannot be written (exit 6).
pub fn run(kind: SchedulerKind, cluster: &Cluster, dir: &Path, program: PathBuf, patience: Duration) -> Result<Probe> {
    let staged = StagedDir::create_beside(&layout::doctor_place(dir))?;
    let place = std::path::absolute(staged.building_at()).map_err(|e| Error::io("cannot find", dir, &e))?;
    let token = AttemptId::random()?;
    let talk = talk(cluster, &place);
    fs::create_dir(&talk)?;
    fs::write_new(&layout::doctor_file(&talk, "token"), token.as_str().as_bytes())?;
    fs::write_new(&layout::doctor_file(&talk, "taken"), b"here")?;
    let asked = scheduler::asked(kind, cluster, ASK_EVERY, &Patience::default())?;
    let mut adapter = Patient::new(asked.adapter, ASK_EVERY);
    let mut spec = job(kind, cluster, &place, &program, &token);
    if cluster.is_carried() {
        carry(&mut spec, &place, &talk, program);
    }
    for EmittedFile { path, text } in adapter.files(&spec).map_err(|e| refused(&e))? {
        fs::replace(&path, text.as_bytes())?;
    }
    let id = adapter.submit(&spec).map_err(|e| refused(&e))?;
    let job = Job { id, tag: spec.tag };
    let mut probe = Probe { job: job.id.0.clone(), node: None, exchange: None, waited_s: None, why: None };
    let heard = listen(&mut adapter, &job, (&place, &talk), patience, &mut probe);
    // Whatever came of it, nothing stays.
    adapter.cancel(std::slice::from_ref(&job.id)).map_err(|e| refused(&e))?;
    let gone = Stopwatch::start();
    while state(&mut adapter, &job).is_some_and(|report| !report.state.is_final()) && gone.elapsed() < GONE_MAX {
        adapter.wait(LOOK_EVERY * 10);
    }
    heard.map(|()| probe)
}

/// Where the two sides talk: a directory of its own goes there and back, where nodes share no files.
fn talk(cluster: &Cluster, place: &Path) -> PathBuf {
    if cluster.is_carried() { layout::doctor_file(place, TALK) } else { place.to_path_buf() }
}

/// Makes `spec`, whose files are in `place`, a job to which `talk` and `program` are carried.
fn carry(spec: &mut JobSpec, place: &Path, talk: &Path, program: PathBuf) {
    let name = program.file_name().map(PathBuf::from).unwrap_or_default();
    let own = OwnFiles { inputs: vec![program, talk.to_path_buf()], place: place.to_path_buf() };
    spec.argv[0] = layout::doctor_file(Path::new(parcel::HERE), &name.to_string_lossy()).into();
    spec.argv[2] = TALK.into();
    let names = vec![TALK.to_owned()];
    spec.transfers = Some(Transfers { inputs: Vec::new(), outputs: names.clone(), checkpoints: names, own: vec![own] });
}

fn job(kind: SchedulerKind, cluster: &Cluster, place: &Path, program: &Path, token: &AttemptId) -> JobSpec {
    JobSpec {
        tag: JobTag(format!("molsieve-doctor-{token}")),
        title: "molsieve: tries out what a campaign's jobs do; it may be cancelled at any time".to_owned(),
        argv: vec![
            program.as_os_str().to_owned(),
            "probe".into(),
            place.into(),
            token.as_str().into(),
            kind.word().into(),
        ],
        tasks: Tasks::One,
        place: Place::Node,
        running_max: None,
        resources: Resources {
            cpus: 1,
            gpus: 0,
            memory_mib: Some(cluster.tick_memory_mib.min(MEMORY_MIB)),
            walltime_s: Some(WALLTIME_S),
        },
        after: Vec::new(),
        instead_of: Vec::new(),
        begin_after_s: None,
        exclude: Vec::new(),
        file: layout::doctor_file(place, JOB),
        logs: layout::doctor_file(place, "probe.out"),
        ..JobSpec::default()
    }
}

/// Hears what the job says, and how soon.
///
/// Where the two sides talk by a directory that is carried, there is the report at its end, and nothing else.
fn listen(
    adapter: &mut dyn Adapter,
    job: &Job,
    (place, talk): (&Path, &Path),
    patience: Duration,
    probe: &mut Probe,
) -> Result<()> {
    let is_carried = place != talk;
    let (started, mut asked) = (Stopwatch::start(), Stopwatch::start());
    let report = loop {
        // (A transfer is not atomic.)
        if !is_carried && let Some(report) = read(&layout::doctor_file(talk, "report"))? {
            break report;
        }
        if asked.elapsed() >= ASK_EVERY {
            asked = Stopwatch::start();
            let state = state(adapter, job);
            let waits =
                state.as_ref().and_then(|report| report.reason.clone()).unwrap_or_else(|| "no reason".to_owned());
            if let Some(ended) = state.filter(|report| report.state.is_final()) {
                if let Some(report) = read(&layout::doctor_file(talk, "report"))? {
                    break report;
                }
                probe.why = Some(format!("it ended as {:?}, and left nothing here{}", ended.state, last_words(place)));
                return Ok(());
            }
            if started.elapsed() >= patience {
                probe.why = Some(format!("it did not begin within {} s ({waits})", patience.as_secs()));
                return Ok(());
            }
        }
        std::thread::sleep(LOOK_EVERY);
    };
    probe.waited_s = Some(started.elapsed().as_secs());
    probe.node = Some(canonical::json::from_line("the report of the job", &report)?);
    let mut rounds = Vec::new();
    if is_carried {
        return Ok(());
    }
    for round in 1..=ROUNDS {
        let sent = clock::unix_ms();
        fs::replace(&layout::doctor_file(place, &format!("ping-{round}")), b"\n")?;
        let Some(pong) = awaited(&layout::doctor_file(place, &format!("pong-{round}")))? else { break };
        let heard = clock::unix_ms();
        let pong: Pong = canonical::json::from_line("the answer of the job", &pong)?;
        rounds.push([sent, pong.seen_ms, pong.answered_ms, heard]);
    }
    probe.exchange = Exchange::of(&rounds);
    Ok(())
}

fn state(adapter: &mut dyn Adapter, job: &Job) -> Option<TaskReport> {
    adapter.poll(std::slice::from_ref(job)).ok()?.into_values().next()
}

/// What the job printed, if anything.
fn last_words(place: &Path) -> String {
    let printed = [layout::doctor_file(place, "probe.out"), CampaignDir::new(place).printed(0)];
    let said = printed.iter().find_map(|path| fs::read_small(path).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&said).into_owned();
    text.lines().next_back().map_or_else(String::new, |line| format!(": {}", line.trim()))
}

/// The file at `path`, where it is there.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read_small(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("cannot read", path, &e)),
    }
}

/// The file at `path`, as soon as it is there.
fn awaited(path: &Path) -> Result<Option<Vec<u8>>> {
    let started = Stopwatch::start();
    loop {
        let there = read(path)?;
        if there.is_some() || started.elapsed() >= ANSWER_MAX {
            return Ok(there);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The other side: what the job, one of `kind`'s, does on its node, in `place`.
///
/// # Errors
/// `place` cannot be written (exit 6).
pub fn on_node(place: &Path, token: &str, kind: SchedulerKind) -> Result<()> {
    let file = |name: &str| layout::doctor_file(place, name);
    let sees_ours = read(&file("token"))?.is_some_and(|bytes| bytes == token.as_bytes());
    let took = fs::write_new(&file("taken"), b"node")?;
    let kept = read(&file("taken"))?.is_some_and(|bytes| bytes == b"here");
    let Rights { may_submit, may_ask, said } = scheduler::of(kind)?.rights(&file(JOB));
    let report = NodeFacts {
        host: host::name(),
        sees_ours,
        exclusive: !took && kept && disk::is_exclusive(&file("node"))?,
        renames: disk::is_replaced_whole(place)?,
        sync_ms: disk::sync_time(place)?.as_secs_f64() * 1e3,
        may_submit,
        may_ask,
        said,
    };
    fs::replace(&file("report"), &canonical::json::to_line(&report)?)?;
    // (The name of a directory, and no path, is one that was carried here: nobody answers.)
    if place == Path::new(TALK) {
        return Ok(());
    }
    for round in 1..=ROUNDS {
        if awaited(&file(&format!("ping-{round}")))?.is_none() {
            break;
        }
        let seen_ms = clock::unix_ms();
        let pong = Pong { seen_ms, answered_ms: clock::unix_ms() };
        fs::replace(&file(&format!("pong-{round}")), &canonical::json::to_line(&pong)?)?;
    }
    Ok(())
}
