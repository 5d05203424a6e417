//! `molsieve run`: the main job.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::exit_code::Exit;
use super::output::Output;
use super::pipeline::{self, Options};
use crate::campaign::file::Campaign;
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::layout::CampaignDir;
use crate::run::plan;
use crate::scorer::open::Here;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve run campaign.toml --dir night-1\n  molsieve run campaign.toml --dir night-1 --workers 8"
)]
pub struct Args {
    /// The campaign file (TOML).
    campaign: PathBuf,
    /// The campaign directory: made if it is not there, resumed if it is [default: the file's name without its ending].
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Worker processes at a time [default: one for the cores of a task].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=4096))]
    workers: Option<u64>,
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    let campaign = open_or_plan(&args.campaign, args.dir.as_deref(), output)?;
    let options = Options { workers: args.workers, key: None };
    super::resume::go_on(&campaign, &options, output)
}

/// Opens or plans the campaign of `file` in `dir`, telling now and then how far the snapshot is.
pub fn open_or_plan(file: &Path, dir: Option<&Path>, output: Output) -> Result<Campaign> {
    let dir = CampaignDir::new(match dir {
        Some(dir) => dir.to_path_buf(),
        None => default_dir(file)?,
    });
    let here = Here { program: pipeline::this_program()? };
    let planned = plan::open_or_plan(file, absolute(&dir)?, &here, &telling(output))?;
    let plan = &planned.plan;
    output.note(format!(
        "{}: {} records in {} shards of up to {}, scored by {} {}",
        planned.file.identity.name,
        plan.records,
        plan.shards(),
        plan.shard_records,
        planned.file.identity.scorer.description.name,
        planned.file.identity.scorer.description.version,
    ));
    Ok(planned)
}

/// Tells how far a snapshot is, every ten seconds at most: a large library takes a while.
fn telling(output: Output) -> impl Fn(u64, u64) + Sync {
    const EVERY_S: u64 = 10;
    let (begun, told) = (Stopwatch::start(), AtomicU64::new(0));
    move |bytes, records| {
        let (now, last) = (begun.elapsed().as_secs(), told.load(Ordering::Relaxed));
        let is_time = now >= last + EVERY_S;
        if is_time && told.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            output.note(format!("reading the library: {records} records, {} MiB", bytes >> 20));
        }
    }
}

/// Workers are started from anywhere, so the directory is named from the root.
pub fn absolute(dir: &CampaignDir) -> Result<CampaignDir> {
    let path = std::path::absolute(dir.root()).map_err(|e| Error::io("cannot find", dir.root(), &e))?;
    if path.to_str().is_none() {
        return Err(Error::usage(format!("the directory `{}` has a name that is not text", path.display()))
            .hint("give a directory whose whole path is UTF-8: it is written into the campaign's files"));
    }
    Ok(CampaignDir::new(path))
}

fn default_dir(file: &Path) -> Result<PathBuf> {
    let stem = file.file_stem().filter(|stem| Some(*stem) != file.file_name());
    stem.map(PathBuf::from).ok_or_else(|| Error::usage("the campaign directory has no name").hint("say `--dir DIR`"))
}
