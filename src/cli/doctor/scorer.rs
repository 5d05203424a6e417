//! `molsieve doctor scorer`: is the scorer of a campaign deterministic, and how fast is it?

use std::path::PathBuf;

use serde::Serialize;

use super::ends::{self, EndFacts};
use crate::campaign::config::Config;
use crate::campaign::scorer as asked_scorer;
use crate::cli::exit_code::Exit;
use crate::cli::output::Output;
use crate::cli::{place, signals, values};
use crate::digest;
use crate::error::{Error, Kind, Result};
use crate::fs::scratch::Scratch;
use crate::id::Ordinal;
use crate::layout;
use crate::library::record::RecordBlock;
use crate::library::slice::Slice;
use crate::library::snapshot::Snapshot;
use crate::library::take;
use crate::run::plan;
use crate::scorer::command::launch;
use crate::scorer::identity::{ScorerIdentity, ScorerLaunch};
use crate::scorer::open::{self, Here, Post};
use crate::scorer::trial::{self, Answers, Difference};
use crate::stop::Stop;

/// Schema of [`Facts`].
const SCHEMA: &str = "molsieve.doctor-scorer.v1";

/// Records a request that are tried, beside one and what the scorer asks for.
const BATCHES: [usize; 2] = [7, 64];

/// What decides on the sample and on the shuffled order.
const SEED: u64 = 20_261_120;

/// Arguments of `doctor scorer`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  molsieve doctor scorer campaign.toml --records 200")]
pub struct Args {
    /// The campaign file; nothing of a campaign is made.
    campaign: PathBuf,
    /// Records to score, spread over the library; each is scored about seven times.
    #[arg(long, default_value_t = 100, value_parser = values::count::<100_000>)]
    records: u64,
}

/// What was found.
#[derive(Debug, Serialize)]
struct Facts {
    schema: &'static str,
    scorer: String,
    version: String,
    records: u64,
    /// Those of them that the scorer itself answered, each asked alone.
    answered: u64,
    /// What it says of itself.
    declared_deterministic: bool,
    /// Whether all rounds agreed.
    agrees: bool,
    /// From the start of a child to its first request, in seconds: the shortest of all rounds.
    start_s: f64,
    /// How they ended, each asked alone.
    ends: Vec<EndFacts>,
    rounds: Vec<RoundFacts>,
}

#[derive(Debug, Serialize)]
struct RoundFacts {
    name: &'static str,
    batch: usize,
    children: u32,
    records_per_s: f64,
    /// Against the first round.
    difference: Difference,
}

/// One way to ask.
struct Round {
    name: &'static str,
    batch: usize,
    children: u32,
    is_shuffled: bool,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let stop = Stop::new();
    signals::raise_on_signal(&stop, || {})?;
    let (config, base) = (Config::read(&args.campaign)?, plan::base_of(&args.campaign)?);
    let here = Here { program: place::this_program()? };
    let scratch = Scratch::create()?;
    let request = plan::library_request(&config, &base);
    let notation = crate::library::request::notation(&request)?;
    let (identity, started) = asked_scorer::resolve(&config, &base, &here, notation)?;
    let at = layout::inside(scratch.path(), "library");
    let library = take::take(&request, &at, crate::host::cores(), &|_, _| {})?;
    let records = sample(&library, args.records)?;
    let clinic = Clinic {
        identity: &identity,
        launch: &started,
        here,
        seed: config.campaign.seed,
        gpus: launch::devices(config.resources.gpus, std::env::var(launch::GPUS_VARIABLE).ok().as_deref())?,
        stderr: layout::inside(scratch.path(), "stderr"),
        stop,
    };
    let facts = clinic.examine(&records, output)?;
    if !output.document(&facts)? {
        tell(&facts, &started, output);
    }
    Ok(if facts.declared_deterministic && !facts.agrees { Exit::Of(Kind::Verification) } else { Exit::Done })
}

/// Where the scorer is examined.
struct Clinic<'a> {
    identity: &'a ScorerIdentity,
    launch: &'a ScorerLaunch,
    here: Here,
    seed: u64,
    gpus: Vec<String>,
    stderr: PathBuf,
    stop: Stop,
}

impl Clinic<'_> {
    fn examine(&self, records: &RecordBlock, output: Output) -> Result<Facts> {
        let description = &self.identity.description;
        let mut reference: Option<Answers> = None;
        let mut rounds = Vec::new();
        let mut start_s = f64::INFINITY;
        for round in self.rounds(records.len()) {
            if output.is_watched() {
                output.note(format!("{} …", round.name));
            }
            let answers = self.ask(&round, records)?;
            if reference.is_none() {
                says_anything(&answers)?;
            }
            start_s = start_s.min(answers.start_s);
            let first = reference.get_or_insert_with(|| answers.clone());
            rounds.push(RoundFacts {
                name: round.name,
                batch: round.batch,
                children: round.children,
                records_per_s: records.len() as f64 / answers.work_s.max(1e-6),
                difference: trial::compare(&description.columns, first, &answers),
            });
        }
        let answered = reference.as_ref().map_or(0, Answers::by_scorer);
        let ends = reference.as_ref().map(|first| ends::of(first, &self.stderr)).transpose()?.unwrap_or_default();
        Ok(Facts {
            schema: SCHEMA,
            scorer: description.name.clone(),
            version: description.version.clone(),
            records: records.len() as u64,
            answered,
            declared_deterministic: description.deterministic,
            agrees: rounds.iter().all(|round| round.difference.records == 0),
            start_s,
            ends,
            rounds,
        })
    }

    /// The ways to ask. What is the same for this scorer, because it takes no more records at once, is asked once.
    fn rounds(&self, records: usize) -> Vec<Round> {
        let usual = match self.launch {
            ScorerLaunch::Command(command) => command.batch_size as usize,
            _ => records,
        };
        let plain = |name, batch| Round { name, batch, children: 1, is_shuffled: false };
        let mut rounds = vec![plain("alone", 1)];
        for (name, batch) in ["in batches of 7", "in batches of 64"].into_iter().zip(BATCHES) {
            if batch < usual {
                rounds.push(plain(name, batch));
            }
        }
        if usual > 1 {
            rounds.push(plain("in batches of its own size", usual));
        }
        rounds.push(Round { is_shuffled: true, ..plain("shuffled", usual) });
        rounds.push(Round { children: 2, ..plain("by two children", usual) });
        rounds.push(plain("again", usual));
        rounds
    }

    /// One round, by fresh children.
    fn ask(&self, round: &Round, records: &RecordBlock) -> Result<Answers> {
        let mut launch = self.launch.clone();
        let mut threads = 1;
        if let ScorerLaunch::Command(command) = &mut launch {
            command.batch_size = round.batch as u32;
            threads = command.threads.max(1);
        }
        let post = Post {
            here: self.here.clone(),
            seed: self.seed,
            cpus: threads * round.children,
            gpus: self.gpus.clone(),
            stderr: self.stderr.clone(),
        };
        let mut order: Vec<usize> = (0..records.len()).collect();
        if round.is_shuffled {
            order.sort_by_key(|at| digest::keyed_u64(&key(), &at.to_le_bytes()));
        }
        // A pool draws ahead; by two children, the second one must find something left.
        let batch = round.batch.min(records.len().div_ceil(round.children as usize));
        let mut pool = open::pool(&launch, self.identity, &post)?;
        let answers = trial::score(pool.as_mut(), records, &order, batch, &self.stop)?;
        if answers.rows.len() == records.len() {
            return Ok(answers);
        }
        Err(Error::bug(format!("{} records were answered of {}", answers.rows.len(), records.len())))
    }
}

/// Whether any answer is the scorer's own: of those that molsieve gives in its place, that they agree says nothing.
///
/// # Errors
/// None is (exit 2).
fn says_anything(answers: &Answers) -> Result<()> {
    if answers.by_scorer() > 0 {
        return Ok(());
    }
    let reasons: Vec<String> = answers.by_us().map(|(why, count)| format!("{count} {why}")).collect();
    let what = format!("the scorer answered none of the {} records ({})", answers.rows.len(), reasons.join(", "));
    Err(Error::usage(format!("{what}: nothing can be said of it")).hint(
        "`molsieve library inspect` shows what the library holds; what a reason means is in docs/guide/read-a-pack.md",
    ))
}

fn key() -> [u8; 32] {
    digest::blake3(&SEED.to_le_bytes()).0
}

/// About `wanted` records, one from each of as many equal parts of the library; the same ones every time.
fn sample(library: &Snapshot, wanted: u64) -> Result<RecordBlock> {
    let all = library.records();
    let wanted = wanted.min(all);
    let chosen = (0..wanted).map(|part| {
        let border = |part: u64| (u128::from(part) * u128::from(all) / u128::from(wanted)) as Ordinal;
        let (start, end) = (border(part), border(part + 1));
        start + digest::keyed_u64(&key(), &part.to_le_bytes()) % (end - start)
    });
    Slice::open(library, 0..0)?.pick(chosen)
}

/// For a person: the verdict first.
fn tell(facts: &Facts, launch: &ScorerLaunch, output: Output) {
    let Facts { scorer, version, records, rounds, .. } = facts;
    output.say(match (facts.agrees, facts.declared_deterministic) {
        (true, true) => "DETERMINISTIC, as it says: all answers agree, byte for byte".to_owned(),
        (true, false) => "all answers agree, byte for byte; the scorer does not claim that they do".to_owned(),
        (false, true) => "NOT DETERMINISTIC, and it says that it is".to_owned(),
        (false, false) => "not deterministic, as it says".to_owned(),
    });
    output.say(format!("  scorer     {scorer} {version}, {records} records, each asked {} times", rounds.len()));
    output.say(format!("  start      {:.3} s", facts.start_s));
    ends::tell(&facts.ends, output);
    for RoundFacts { name, records_per_s, difference, .. } in rounds {
        let differs = match difference.records {
            0 => String::new(),
            n => format!("; {n} rows differ from those asked alone, {} in how they ended", difference.outcomes),
        };
        output.say(format!("  {name:<27} {records_per_s:>12.1} records/s{differs}"));
        for column in &difference.columns {
            let largest = column.largest.map(|d| format!(", by {d:e} at most")).unwrap_or_default();
            output.say(format!("    `{}` differs in {} rows{largest}", column.name, column.records));
        }
        if let Some(first) = difference.first {
            output.say(format!("    the first of them is record {first}"));
        }
    }
    ends::warning(&facts.ends).iter().for_each(|warning| output.note(warning));
    let jsonl = matches!(launch, ScorerLaunch::Command(command) if command.translation.is_none());
    let place = if jsonl { "`\"deterministic\":VALUE` in its hello" } else { "`deterministic = VALUE` in `[scorer]`" };
    match (facts.agrees, facts.declared_deterministic) {
        (false, true) => output.note(format!(
            "Take all its randomness from the seed of the record, and let no record depend on another; or say {}: \
             repeated task groups that differ are then counted in the pack, and not refused.",
            place.replace("VALUE", "false")
        )),
        (true, false) => output.note(format!(
            "If it is meant to be, say {}: the pack then claims one answer, and a node that gives another is found.",
            place.replace("VALUE", "true")
        )),
        _ => {}
    }
}
