//! What `run` and `resume` share: a driver on this machine, with signals, progress, and words at the end.

use std::path::{Path, PathBuf};

use molsieve_adapters::Local;

use super::exit_code::Exit;
use super::output::Output;
use super::progress::Meter;
use super::registry;
use super::signals;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::gather;
use crate::host;
use crate::journal::event::PauseCode;
use crate::journal::state::{Phase, State};
use crate::journal::{self, Journal};
use crate::pack::keys::PrivateKey;
use crate::run::anew;
use crate::run::driver::{self, Driven};
use crate::run::finish;
use crate::run::policy::Pause;
use crate::run::wave;
use crate::scorer::identity::ScorerLaunch;
use crate::stop::Stop;
use crate::view::next;

/// Enough for a segment of the journal and its name.
const RESERVE_BYTES: usize = 32 << 10;

/// What a person may say about how it is run here.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Worker processes at a time.
    pub workers: Option<u64>,
    /// The private key to sign with.
    pub key: Option<PathBuf>,
}

impl Options {
    /// The key that signs the pack of `campaign`, if any does.
    pub fn key<'a>(&'a self, campaign: &'a Campaign) -> Option<&'a Path> {
        self.key.as_deref().or(campaign.file.execution.key.as_deref())
    }
}

/// Drives `campaign` to its signed pack.
///
/// # Errors
/// As [`driver::drive`], and what gathering and signing may refuse.
pub fn run(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let slots = options.workers.unwrap_or_else(|| default_slots(campaign)).max(1);
    let mut local = Local::new(usize::try_from(slots).unwrap_or(usize::MAX));
    if let Some(key) = options.key(campaign) {
        // Whatever is wrong with it is better known before the night than after.
        PrivateKey::load(key)?;
    }
    finish::can_write(&campaign.file.identity)?;
    let stop = Stop::new();
    let killer = local.killer();
    signals::raise_on_signal(&stop, move || killer.kill_all())?;
    let (mut journal, history) = Journal::take_over(&campaign.dir)?;
    // What cannot be reserved is not missed before the disk is full.
    let _ = fs::replace(&campaign.dir.reserve(), &vec![b'.'; RESERVE_BYTES]);
    let mut meter = Meter::new(output, campaign.plan.records);
    let settings = driver::Settings {
        program: this_program()?,
        tasks: wave::tasks(u64::MAX, slots),
        stop,
        watch: &mut |progress| meter.show(progress),
    };
    let driven = driver::drive(campaign, &mut journal, &history, &mut local, settings);
    drop(local);
    meter.end();
    let driven = driven.map_err(|e| told_what_may_be_mended(campaign, told_by_the_successor(campaign, e)));
    let ended = driven.and_then(|driven| match driven {
        Driven::Ready => {
            close(campaign, &mut journal, options, gather::Missing::Refuse, output)?;
            Ok(Exit::Done)
        }
        Driven::Stopped => Err(Error::new(Kind::Stopped, "at a clean checkpoint")
            .hint(format!("`molsieve resume {}` goes on from here", campaign.dir.root().display()))),
        Driven::Paused(pause) => {
            if pause.code == PauseCode::CoreHours {
                drain(campaign, &mut journal, options, output)?;
            }
            Err(paused(campaign, &pause))
        }
    });
    if let Err(full) = &ended
        && full.kind() == Kind::Full
        && let Ok(pause) = finish::pause_for_room(campaign, &journal, full)
    {
        return Err(paused(campaign, &pause));
    }
    // (A successor has made one for itself.)
    if journal.still_ours().is_ok() {
        let _ = fs::remove(&campaign.dir.reserve());
    }
    ended
}

/// That a campaign waits for somebody, and what they can do.
pub(super) fn paused(campaign: &Campaign, pause: &Pause) -> Error {
    let error = Error::new(Kind::Incomplete, format!("paused: {}", pause.reason));
    next::after_pause(campaign.dir.root(), pause.code).into_iter().fold(error, Error::hint)
}

/// Where the campaign was given up: which scorer it can go on with. Rows that are finished are of the scorer as it was.
pub(super) fn told_what_may_be_mended(campaign: &Campaign, error: Error) -> Error {
    let phase = || Some(State::of(&journal::read(&campaign.dir).ok()?.entries).ok()?.phase);
    let is_command = matches!(campaign.file.execution.scorer, ScorerLaunch::Command(_));
    if !is_command || !matches!(phase(), Some(Phase::Failed { .. })) {
        return error;
    }
    let dir = campaign.dir.root().display();
    if anew::is_without_result(campaign).unwrap_or(false) {
        return error.hint(format!(
            "when the scorer itself is mended: `molsieve run` the campaign file with `--dir {dir}`, as no record has a result yet"
        ));
    }
    error
        .hint(format!("`molsieve resume {dir}` goes on with the same scorer, once what it depends on is mended"))
        .hint("a scorer that is changed itself needs a directory of its own: the finished rows are of the old one")
}

/// The budget is used up: what is sealed becomes an INCOMPLETE pack.
fn drain(campaign: &Campaign, journal: &mut Journal, options: &Options, output: Output) -> Result<()> {
    match close(campaign, journal, options, gather::Missing::Allow, output) {
        // Not one task group is complete: what is finished is in the checkpoints, and there is nothing to pack.
        Err(e) if e.kind() == Kind::Incomplete => Ok(()),
        closed => closed,
    }
}

/// Why this driver was succeeded: by one that goes on, or by `molsieve cancel`.
fn told_by_the_successor(campaign: &Campaign, error: Error) -> Error {
    let cancelled = || State::of(&journal::read(&campaign.dir).ok()?.entries).ok().map(|s| s.phase == Phase::Stopped);
    if error.kind() == Kind::Stopped && cancelled() == Some(true) {
        return Error::new(Kind::Stopped, "at a clean checkpoint, by `molsieve cancel`")
            .hint(format!("`molsieve resume {}` goes on from here", campaign.dir.root().display()));
    }
    error
}

/// Gathers, seals, signs and registers, and says what there is.
fn close(
    campaign: &Campaign,
    journal: &mut Journal,
    options: &Options,
    missing: gather::Missing,
    output: Output,
) -> Result<()> {
    let sealed = finish::seal(campaign, missing)?;
    finish::note_sealed(journal, &sealed)?;
    match options.key(campaign) {
        Some(key) => drop(registry::enter(&finish::sign(journal, &sealed, key)?, output)),
        None => output.note(format!(
            "note: the pack is sealed but unsigned: this campaign has no key; `molsieve sign {} --key K.pem` signs it",
            campaign.dir.root().display()
        )),
    }
    super::gather::tell(campaign, &sealed, output)
}

/// One worker for the cores of one task. How many GPUs this machine has is not known, and two workers would
/// take the same ones: with GPUs there is one worker.
pub(super) fn default_slots(campaign: &Campaign) -> u64 {
    if campaign.file.execution.gpus > 0 {
        return 1;
    }
    host::cores() as u64 / u64::from(campaign.file.execution.cpus)
}

/// The path of the running program.
pub fn this_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::environment(format!("the path of this program is not known: {e}")))
}
