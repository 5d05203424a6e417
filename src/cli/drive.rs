//! What `run` and `resume` share: a driver on this machine, with signals, progress, and words at the end.

use molsieve_adapters::Local;

use super::asked::Options;
use super::exit_code::Exit;
use super::output::Output;
use super::place::this_program;
use super::progress::Meter;
use super::registry;
use super::signals;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::pack::keys::PrivateKey;
use crate::run::finish::{self, Closed};
use crate::run::here::{self, Ended};
use crate::run::look::Progress;
use crate::run::plan::anew;
use crate::run::policy::Pause;
use crate::scorer::identity::ScorerLaunch;
use crate::stop::Stop;
use crate::view::next;

/// Drives `campaign` to its signed pack.
///
/// # Errors
/// As [`here::run`]; it was stopped (exit 75), or waits for somebody (exit 3).
pub fn run(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    let slots = options.workers.unwrap_or_else(|| here::default_slots(campaign)).max(1);
    let local = Local::new(usize::try_from(slots).unwrap_or(usize::MAX));
    if let Some(key) = options.key(campaign) {
        // Whatever is wrong with it is better known before the night than after.
        PrivateKey::load(key)?;
    }
    finish::can_write(&campaign.file.identity)?;
    let stop = Stop::new();
    let killer = local.killer();
    signals::raise_on_signal(&stop, move || killer.kill_all())?;
    let mut meter = Meter::new(output, campaign.plan.records);
    let watch = &mut |progress: &Progress<'_>| meter.show(progress);
    let work = here::Work { program: this_program()?, slots, key: options.key(campaign), stop, watch };
    let ended = here::run(campaign, local, work);
    meter.end();
    let resume = format!("`molsieve resume {}` goes on from here", campaign.dir.root().display());
    match ended.map_err(|e| told_what_may_be_mended(campaign, e))? {
        Ended::Complete(closed) => {
            tell(campaign, &closed, output)?;
            Ok(Exit::Done)
        }
        Ended::Stopped => Err(Error::new(Kind::Stopped, "at a clean checkpoint").hint(resume)),
        Ended::Cancelled => Err(Error::new(Kind::Stopped, "at a clean checkpoint, by `molsieve cancel`").hint(resume)),
        Ended::Paused(pause, drained) => {
            drained.map_or(Ok(()), |closed| tell(campaign, &closed, output))?;
            Err(paused(campaign, &pause))
        }
    }
}

/// Says what pack there is, and enters it into the registry if it is signed.
fn tell(campaign: &Campaign, closed: &Closed, output: Output) -> Result<()> {
    match &closed.signed {
        Some(signed) => drop(registry::enter(signed, output)),
        None => output.note(format!(
            "note: the pack is sealed but unsigned: this campaign has no key; `molsieve sign {} --key K.pem` signs it",
            campaign.dir.root().display()
        )),
    }
    super::gather::tell(campaign, &closed.sealed, output)
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
