//! A campaign on this machine: driven to its end, and closed.

use std::path::{Path, PathBuf};

use molsieve_adapters::Local;

use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::gather::Missing;
use crate::host;
use crate::journal::event::PauseCode;
use crate::journal::state::{Phase, State};
use crate::journal::{self, Journal};
use crate::patience::Patience;
use crate::run::drive::{self, Driven};
use crate::run::finish::{self, Closed};
use crate::run::look::Progress;
use crate::run::policy::Pause;
use crate::run::wave;
use crate::stop::Stop;

/// How a campaign is run here.
pub struct Work<'a> {
    /// The program that runs a task: this one.
    pub program: PathBuf,
    /// Workers at a time.
    pub slots: u64,
    /// The private key to sign with.
    pub key: Option<&'a Path>,
    /// Raised when somebody asks to stop.
    pub stop: Stop,
    /// Called at every look.
    pub watch: &'a mut dyn FnMut(&Progress<'_>),
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// Every record is in the pack.
    Complete(Box<Closed>),
    /// Stopped at a clean checkpoint.
    Stopped,
    /// Stopped at a clean checkpoint because `molsieve cancel` took the journal over.
    Cancelled,
    /// It waits for somebody; an INCOMPLETE pack holds what is sealed where a budget was used up.
    Paused(Pause, Option<Box<Closed>>),
}

/// Drives `campaign` to its signed pack, with `local` as this machine's supervisor of tasks.
///
/// # Errors
/// As [`drive::drive`], and what gathering and signing may refuse.
pub fn run(campaign: &Campaign, mut local: Local, work: Work<'_>) -> Result<Ended> {
    let key = work.key;
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    finish::reserve(campaign);
    // A launch shares its task groups out itself.
    let is_launch = campaign.file.execution.launch.is_some();
    let tasks = if is_launch { 1 } else { wave::tasks(u64::MAX, work.slots) };
    let settings = drive::Settings {
        program: work.program,
        tasks,
        stop: work.stop,
        patience: Patience::default(),
        watch: work.watch,
    };
    let driven = drive::drive(campaign, &mut journal, &history, &mut local, settings);
    // Its processes have ended before anything is gathered.
    drop(local);
    let ended = driven.and_then(|driven| close(campaign, &mut journal, key, driven));
    let ended = match ended {
        Err(full) if full.kind() == Kind::Full => {
            finish::pause_for_room(campaign, &journal, &full).map(|pause| Ended::Paused(pause, None)).map_err(|_| full)
        }
        Err(taken) if is_cancelled(campaign, &taken) => Ok(Ended::Cancelled),
        other => other,
    };
    finish::free_reserve(campaign, &journal);
    ended
}

/// One worker for the cores of one task. How many GPUs this machine has is not known, and two workers would
/// take the same ones: with GPUs there is one worker. So there is one launch, of so many ranks as it was asked for.
pub fn default_slots(campaign: &Campaign) -> u64 {
    let execution = &campaign.file.execution;
    if execution.gpus > 0 || execution.launch.is_some() {
        return 1;
    }
    host::cores() as u64 / u64::from(execution.cpus)
}

fn close(campaign: &Campaign, journal: &mut Journal, key: Option<&Path>, driven: Driven) -> Result<Ended> {
    match driven {
        Driven::Ready => {
            finish::close(campaign, journal, key, Missing::Refuse).map(|closed| Ended::Complete(Box::new(closed)))
        }
        Driven::Stopped => Ok(Ended::Stopped),
        Driven::Paused(pause) if pause.code == PauseCode::CoreHours => {
            let drained = finish::drain(campaign, journal, key)?;
            Ok(Ended::Paused(pause, drained.map(Box::new)))
        }
        Driven::Paused(pause) => Ok(Ended::Paused(pause, None)),
    }
}

/// Whether this driver was succeeded by `molsieve cancel`, and not by one that goes on.
fn is_cancelled(campaign: &Campaign, error: &Error) -> bool {
    let phase = || Some(State::of(&journal::read(&campaign.dir).ok()?.entries).ok()?.phase);
    error.kind() == Kind::Stopped && phase() == Some(Phase::Stopped)
}
