//! `molsieve resume`: goes on with a campaign from its checkpoints.

use std::path::{Path, PathBuf};

use super::asked::{self, Options, WorkArgs};
use super::cluster;
use super::drive;
use super::exit_code::Exit;
use super::output::Output;
use super::place;
use super::submit;
use super::values;
use crate::campaign::config::CORE_HOURS_MAX;
use crate::campaign::file::{Campaign, Execution};
use crate::campaign::kind::SchedulerKind;
use crate::error::{Error, Kind, Result};
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::layout::CampaignDir;
use crate::run::cluster::tick::Caller;
use crate::run::plan;
use crate::run::plan::amend::{self, Changes, Limit, Place};
use crate::scorer::open::Here;
use crate::units;

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  molsieve resume night-1\n  molsieve --on me@login resume night-1\n  molsieve resume night-1 --core-hours 100 --cpus 8\n  molsieve resume night-1 --max-error-rate 1\n  molsieve resume night-1 --config first.toml\n  molsieve resume night-1 --site our-cluster\n  molsieve resume night-1 --scheduler local\n  molsieve resume night-1 --scheduler mpi --ranks 8"
)]
pub struct Args {
    /// The campaign directory.
    dir: PathBuf,
    #[command(flatten)]
    work: WorkArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    /// Leave the session of whoever started this.
    #[arg(long, hide = true)]
    detached: bool,
    /// Return when whoever drives it has begun; for `--on`.
    #[arg(long, hide = true)]
    and_return: bool,
}

/// What may be otherwise from now on. What is frozen may not: library, scorer, seed, what the pack holds.
#[derive(Debug, clap::Args)]
struct ChangeArgs {
    /// Read the campaign file again, and take what it says about all that is not frozen.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on at this site: the name of a profile, or the path of one.
    #[arg(long, value_name = "NAME", conflicts_with = "scheduler")]
    site: Option<String>,
    /// Go on on this scheduler: `local` is this machine.
    #[arg(long, value_parser = asked::schedulers(SchedulerKind::all()))]
    scheduler: Option<SchedulerKind>,
    /// Ranks a task, where it is a launch: with `--scheduler mpi`, or on a cluster.
    #[arg(long, value_name = "N")]
    ranks: Option<u32>,
    /// Cores a task; where it is a launch, a rank.
    #[arg(long, value_parser = values::cores)]
    cpus: Option<u32>,
    /// Memory a task, as in `16G`; `none` leaves it to the scheduler.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Time limit a task, as in `4h`; `none` leaves it to the scheduler.
    #[arg(long, value_name = "TIME")]
    walltime: Option<String>,
    /// The share of ERROR rows that pauses the campaign, from 0 to 1, or `none`.
    #[arg(long, value_name = "SHARE")]
    max_error_rate: Option<String>,
    /// The core-hours after which the campaign drains, over all its drivers, or `none`.
    #[arg(long, value_name = "HOURS")]
    core_hours: Option<String>,
    /// The time that one request to a command scorer may take.
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// How long a command scorer may ask to retry without any result before the campaign pauses.
    #[arg(long, value_name = "TIME")]
    retry_patience: Option<String>,
}

impl ChangeArgs {
    fn read(&self) -> Result<Changes> {
        let ms = |text: &String| units::duration(text).map(|time| time.as_millis() as u64);
        let seconds = |text: &str| units::duration(text).map(|time| time.as_secs());
        let share = |text: &str| number(text, 0.0, 1.0).map(units::millionths);
        let hours = |text: &str| number(text, f64::MIN_POSITIVE, CORE_HOURS_MAX).map(units::core_ms);
        let site = self.site.as_ref().map(|site| Place::site(site, Path::new("")).map_err(|e| e.within("`--site`")));
        let scheduler = self.scheduler.map(|kind| place(kind, self.ranks));
        Ok(Changes {
            place: site.or(scheduler).transpose()?,
            ranks: self.ranks,
            cpus: self.cpus,
            memory_mib: limit(self.memory.as_ref(), "--memory", units::size_mib)?,
            walltime_s: limit(self.walltime.as_ref(), "--walltime", seconds)?,
            max_error_ppm: limit(self.max_error_rate.as_ref(), "--max-error-rate", share)?,
            core_ms_max: limit(self.core_hours.as_ref(), "--core-hours", hours)?,
            timeout_ms: self.timeout.as_ref().map(ms).transpose().map_err(|e| e.within("`--timeout`"))?,
            retry_patience_ms: self
                .retry_patience
                .as_ref()
                .map(ms)
                .transpose()
                .map_err(|e| e.within("`--retry-patience`"))?,
        })
    }
}

/// On this scheduler, with so many ranks if that is said.
fn place(kind: SchedulerKind, ranks: Option<u32>) -> Result<Place> {
    let place = Place::scheduler(kind, ranks).map_err(|e| e.within("`--scheduler`"));
    place.map_err(|e| if ranks.is_none() && kind.needs_ranks() { e.hint("here that is `--ranks 8`") } else { e })
}

/// A limit as it is given: `none`, or what `read` makes of it.
fn limit<T>(text: Option<&String>, option: &str, read: impl Fn(&str) -> Result<T>) -> Result<Limit<T>> {
    match text.map(String::as_str) {
        None => Ok(Limit::Keep),
        Some("none") => Ok(Limit::Off),
        Some(text) => read(text).map(Limit::At).map_err(|e| e.within(format!("`{option}`"))),
    }
}

fn number(text: &str, least: f64, most: f64) -> Result<f64> {
    let bad = || {
        let range =
            if least > 0.0 { format!("above 0, and {most} at most") } else { format!("from {least} to {most}") };
        Error::usage(format!("`{text}` is not a number {range}"))
            .hint("give a number, or `none` to take the limit away")
    };
    text.parse().ok().filter(|value| (least..=most).contains(value)).ok_or_else(bad)
}

/// Runs it.
pub fn run(args: &Args, output: Output) -> Result<Exit> {
    if args.detached {
        // It fails only for the leader of a process group, which a process that was just started is not.
        let _ = rustix::process::setsid();
    }
    let changes = args.changes.read()?;
    let mut campaign = Campaign::open(place::absolute(&CampaignDir::new(&args.dir))?)?;
    let before = campaign.file.execution.clone();
    if let Some(config) = &args.changes.config {
        asked::no_paths_of_a_login_node(config)?;
        let opened = plan::reread(config, campaign, &Here { program: place::this_program()? })?;
        campaign = asked::told_what_is_forgotten(opened, output);
    }
    let execution = changes.applied_to(&campaign.file.execution)?;
    let campaign = amend::amend(campaign, execution)?;
    let of_a_task = |of: &Execution| (of.cpus, of.gpus, of.memory_mib, of.walltime_s, of.launch.clone());
    if changes.are_of_resources() || of_a_task(&before) != of_a_task(&campaign.file.execution) {
        warn_of_the_queue(&campaign, output)?;
    }
    if !args.and_return {
        return go_on(&campaign, &args.work.options(), output);
    }
    if campaign.file.execution.cluster.is_some() {
        return cluster::tick(&campaign, Caller::Person, output);
    }
    submit::drive_detached(&campaign, args.work.workers, true)?;
    Ok(Exit::Done)
}

/// Says that a wave which is in the queue keeps what it was submitted with, whatever is wanted from now on.
fn warn_of_the_queue(campaign: &Campaign, output: Output) -> Result<()> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    let is_in_queue = campaign.file.execution.cluster.is_some() && state.phase == Phase::Active;
    let Some(wave) = state.active.filter(|wave| is_in_queue && wave.job.is_some()) else { return Ok(()) };
    let dir = campaign.dir.root().display();
    output.note(format!(
        "wave {}, while it is in the queue, keeps the resources that it was submitted with",
        wave.number
    ));
    output.note(format!("  `molsieve cancel {dir}`, then `molsieve resume {dir}`, submits it anew with these"));
    Ok(())
}

/// Drives `campaign` on, or verifies it if it is finished.
pub fn go_on(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    if state.phase == Phase::Complete && campaign.dir.pack().exists() {
        output.note("this campaign is finished; verifying its pack");
        if state.archived || super::verify::is_complete(campaign)? {
            return super::verify::own_pack(campaign, options, output);
        }
    }
    if state.archived {
        return Err(Error::new(Kind::Environment, "the pack is gone, and the rows were removed when it was archived")
            .hint("take `pack/` from the archive, or run the campaign again in another directory"));
    }
    if campaign.file.execution.cluster.is_some() {
        return cluster::run(campaign, options, output);
    }
    drive::run(campaign, options, output)
}
