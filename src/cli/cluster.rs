//! What commands do with a campaign that runs on a cluster: put it into the queue, and watch it.

use super::asked::Options;
use super::drive::{paused, told_what_may_be_mended};
use super::exit_code::Exit;
use super::output::Output;
use super::place::this_program;
use super::progress::Meter;
use super::signals;
use super::terminal::{self, Terminal};
use super::waiting::Teller;
use crate::campaign::file::Campaign;
use crate::error::{Error, Kind, Result};
use crate::journal;
use crate::journal::state::{Phase, State};
use crate::pack::keys::PrivateKey;
use crate::patience::Patience;
use crate::run::cluster::tick::{self, Caller, Ticked};
use crate::run::look::watch;
use crate::run::parcel;
use crate::run::policy::Pause;
use crate::stop::Stop;

/// Does what can be done now, and says what that came to.
///
/// # Errors
/// As [`tick::tick`]; it waits for somebody (exit 3), or was stopped (exit 75).
pub fn tick(campaign: &Campaign, caller: Caller, output: Output) -> Result<Exit> {
    let dir = campaign.dir.root().display();
    let stop = Stop::new();
    // Who is at a terminal is heard; a job is ended by the scheduler, which means the process and not the campaign.
    if caller == Caller::Person {
        signals::raise_on_signal(&stop, || {})?;
    }
    let returned = returned(campaign)?;
    let ticked = begun(campaign, caller, &stop, output)?;
    if let Some((wave, tasks)) = returned {
        let tasks = tasks.saturating_sub(parcel::returned::waiting(&campaign.dir, wave));
        output.say(format!("taken in: what {tasks} of the tasks of wave {wave} had returned"));
    }
    match ticked {
        Ticked::InQueue => {
            output.say(format!("`{}` is in the queue; nobody needs to stay", campaign.file.identity.name));
            output.say(format!("  molsieve status {dir}   says how far it is"));
            output.say(format!("  molsieve cancel {dir}   stops it at a checkpoint"));
            Ok(Exit::Done)
        }
        Ticked::Sealed(sealed) => {
            super::gather::tell(campaign, &sealed, output)?;
            Ok(Exit::Done)
        }
        Ticked::Nothing(phase) => {
            output.note(format!("nothing to do: this campaign is {}", word(&phase)));
            Ok(Exit::Done)
        }
        Ticked::Stopped => Err(stopped(campaign)),
        Ticked::Paused(pause) => Err(paused(campaign, &pause)),
        Ticked::Left { in_queue } => Err(left(campaign, in_queue)),
    }
}

/// Where nodes share no files with us: the wave at work, and how many of its tasks returned what nobody has taken in yet.
fn returned(campaign: &Campaign) -> Result<Option<(u64, u64)>> {
    if !parcel::is_carried(campaign) {
        return Ok(None);
    }
    let wave = State::of(&journal::read(&campaign.dir)?.entries)?.active;
    Ok(wave.map(|wave| (wave.number, parcel::returned::waiting(&campaign.dir, wave.number))))
}

/// Does what can be done now; what is waited for meanwhile is told.
fn begun(campaign: &Campaign, caller: Caller, stop: &Stop, output: Output) -> Result<Ticked> {
    let patience = Patience::until(stop);
    let _teller = Teller::of(&patience, output);
    tick::tick(campaign, caller, &this_program()?, &patience)
}

/// Puts a campaign into the queue, watches it, and signs its pack.
///
/// # Errors
/// As [`tick`]; a watcher that is asked to stop leaves the jobs as they are (exit 75).
pub fn run(campaign: &Campaign, options: &Options, output: Output) -> Result<Exit> {
    if let Some(key) = options.key(campaign) {
        PrivateKey::load(key)?;
    }
    let stop = Stop::new();
    signals::raise_on_signal(&stop, terminal::leave)?;
    match begun(campaign, Caller::Person, &stop, output) {
        Ok(Ticked::Paused(pause)) => return Err(paused(campaign, &pause)),
        Ok(Ticked::Left { in_queue }) => return Err(left(campaign, in_queue)),
        // A tick took over at that moment, and goes on: it is watched.
        Err(taken) if taken.kind() == Kind::Stopped => {}
        other => drop(other?),
    }
    match look_on(campaign, &stop, output)? {
        // A tick sealed it, without a key; here is one, perhaps.
        Phase::Complete => super::verify::own_pack(campaign, options, output),
        phase => Err(ended(campaign, phase)),
    }
}

/// Watches until it is over or `stop` is raised: on a terminal the screen of `status --watch`, elsewhere a line now and then.
fn look_on(campaign: &Campaign, stop: &Stop, output: Output) -> Result<Phase> {
    if output.is_watched() && Terminal::is_there() {
        super::watch::look_on(campaign, true, stop, output)?;
        return Ok(State::of(&journal::read(&campaign.dir)?.entries)?.phase);
    }
    let mut meter = Meter::new(output, campaign.plan.records);
    let phase = watch::watch(campaign, stop, &mut |progress| meter.show(progress));
    meter.end();
    phase
}

/// Why a campaign that was watched is over, or is watched no more, in another way than by its seal.
pub(super) fn ended(campaign: &Campaign, phase: Phase) -> Error {
    match phase {
        Phase::Paused { reason, code: Some(code) } => paused(campaign, &Pause { code, reason }),
        Phase::Paused { reason, code: None } => Error::new(Kind::Incomplete, format!("paused: {reason}")),
        Phase::Failed { exit, what } => told_what_may_be_mended(campaign, Error::new(Kind::of_exit_code(exit), what)),
        Phase::Stopped => stopped(campaign),
        Phase::Active | Phase::Planned | Phase::Complete => {
            Error::new(Kind::Stopped, "watching; the jobs go on without anybody").hint(format!(
                "`molsieve resume {0}` watches again, `molsieve cancel {0}` stops them",
                campaign.dir.root().display()
            ))
        }
    }
}

/// Whoever put it into the queue went before it was there, or before it was seen to be.
fn left(campaign: &Campaign, in_queue: bool) -> Error {
    if in_queue {
        return ended(campaign, Phase::Active);
    }
    let dir = campaign.dir.root().display();
    let state = journal::read(&campaign.dir).and_then(|history| State::of(&history.entries));
    if state.is_ok_and(|state| may_be_in_queue(&state)) {
        return Error::new(Kind::Stopped, "before the scheduler was heard: whether its jobs run is not known")
            .hint(format!("`molsieve status {dir}` asks the scheduler; `molsieve resume {dir}` goes on"));
    }
    Error::new(Kind::Stopped, "before anything was submitted")
        .hint(format!("nothing of it is in the queue; `molsieve resume {dir}` submits it"))
}

/// Whether jobs of a campaign that nobody has gone on with may be in the queue: of a wave that was submitted, and of one that was stopped
/// while nobody could tell its scheduler.
fn may_be_in_queue(state: &State) -> bool {
    state.is_uncleared || state.phase == Phase::Active && state.active.is_some()
}

fn stopped(campaign: &Campaign) -> Error {
    Error::new(Kind::Stopped, "its jobs were stopped")
        .hint(format!("`molsieve resume {}` goes on from the checkpoints", campaign.dir.root().display()))
}

fn word(phase: &Phase) -> &'static str {
    match phase {
        Phase::Planned => "planned, and not started: `molsieve submit` starts it",
        Phase::Active => "at work",
        Phase::Stopped => "stopped",
        Phase::Paused { .. } => "paused",
        Phase::Failed { .. } => "failed",
        Phase::Complete => "complete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::state::Wave;

    #[test]
    fn what_was_submitted_and_not_heard_of_again_may_be_in_the_queue() {
        let wave = || Some(Wave { number: 1, tag: "m-1".into(), job: Some("7".into()), finished: 0 });
        let of =
            |phase, active, is_uncleared| may_be_in_queue(&State { phase, active, is_uncleared, ..State::default() });
        assert!(of(Phase::Active, wave(), false));
        assert!(of(Phase::Stopped, wave(), true), "its scheduler has not heard that it was cancelled");
        assert!(
            !of(Phase::Stopped, wave(), false) && !of(Phase::Active, None, false) && !of(Phase::Planned, None, false)
        );
    }
}
