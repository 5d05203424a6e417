//! How often a tick is tried that is part of its wave: its scheduler starts it again where it failed, and nobody stands in for it.
//!
//! The journal counts, since no scheduler can be relied on to: HTCondor's `max_retries` counts completions, of which a job in the local
//! universe has none. A campaign whose tick came to nothing so often waits for somebody, and says why.

use crate::error::{Error, Kind, Result};
use crate::host;
use crate::journal::event::{Entry, Event, PauseCode};
use crate::journal::state::{Phase, State};
use crate::journal::{self, Journal};
use crate::layout::CampaignDir;
use crate::run::drive::jobs::TICK_RETRIES;
use crate::run::policy::Pause;

/// How often the tick of `round` has begun.
pub(super) fn begun(entries: &[Entry], round: u64) -> u32 {
    let is_it = |entry: &&Entry| matches!(entry.event, Event::Ticked { round: Some(begun), .. } if begun == round);
    u32::try_from(entries.iter().filter(is_it).count()).unwrap_or(u32::MAX)
}

/// Whether a person, or another tick, goes on with the campaign since the tick of `round` was there: it is theirs.
fn is_gone_on_with(entries: &[Entry], round: u64) -> bool {
    let is_own = |entry: &Entry| match entry.event {
        Event::Ticked { round: Some(own), .. } | Event::TickIntended { round: own, .. } => own == round,
        _ => false,
    };
    let is_others = |entry: &Entry| match entry.event {
        Event::DriverStarted { .. } => true,
        Event::Ticked { round: other, .. } => other.is_some_and(|other| other != round),
        _ => false,
    };
    entries.iter().rposition(is_own).is_some_and(|at| entries[at..].iter().any(is_others))
}

/// Pauses the campaign if the tick of `round` has begun so often that it is not tried again: none of those tries lived to say why.
///
/// # Errors
/// The journal cannot be read or written (exit 6).
pub(super) fn give_up_if_wordless(dir: &CampaignDir, entries: &[Entry], round: u64) -> Result<Option<Pause>> {
    if begun(entries, round) < TICK_RETRIES {
        return Ok(None);
    }
    let (mut journal, history) = Journal::take_over(dir)?;
    let state = State::of(&history.entries)?;
    let log = dir.tick_output();
    let why = format!("ended {TICK_RETRIES} times without a word; `{}` may say why", log.display());
    pause(&mut journal, &state, round, &why)
}

/// Notes that the tick of `round`, which had begun `before` times until now, failed with `error`; and pauses the campaign if it has
/// been tried often enough. Not where somebody else goes on.
///
/// # Errors
/// As [`give_up_if_wordless`].
pub(super) fn note_failure(dir: &CampaignDir, round: u64, before: u32, error: &Error) -> Result<Option<Pause>> {
    if error.kind() == Kind::Stopped || is_gone_on_with(&journal::read(dir)?.entries, round) {
        return Ok(None);
    }
    let (mut journal, history) = Journal::take_over(dir)?;
    let mut state = State::of(&history.entries)?;
    if state.phase != Phase::Active {
        return Ok(None);
    }
    let mut tries = begun(&history.entries, round);
    if tries <= before {
        // It failed before it could say that it had begun.
        let (molsieve, host) = (env!("CARGO_PKG_VERSION").to_owned(), host::name());
        let entry = journal.record(Event::Ticked { round: Some(round), molsieve, host })?;
        state.apply(&entry)?;
        tries += 1;
    }
    if tries < TICK_RETRIES {
        return Ok(None);
    }
    pause(&mut journal, &state, round, &format!("failed {tries} times: {}", error.what()))
}

fn pause(journal: &mut Journal, state: &State, round: u64, why: &str) -> Result<Option<Pause>> {
    if state.phase != Phase::Active {
        return Ok(None);
    }
    let (code, reason) =
        (PauseCode::TickFailed, format!("what goes on with the campaign by itself, tick {round}, {why}"));
    journal.record(Event::Paused { reason: reason.clone(), code: Some(code) })?;
    Ok(Some(Pause { code, reason }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn ticked(round: u64) -> Event {
        Event::Ticked { round: Some(round), molsieve: String::new(), host: String::new() }
    }

    /// A campaign in its second round.
    fn active() -> (tempfile::TempDir, CampaignDir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = CampaignDir::new(temp.path());
        let (mut journal, _) = Journal::take_over(&dir).unwrap();
        let digest = Digest::default();
        let started = Event::DriverStarted { molsieve: String::new(), host: String::new(), program: None };
        let events = [Event::Planned { campaign: digest, plan: digest }, started, ticked(1), ticked(1), ticked(1)];
        events.into_iter().for_each(|event| drop(journal.record(event).unwrap()));
        (temp, dir)
    }

    fn phase(dir: &CampaignDir) -> Phase {
        State::of(&journal::read(dir).unwrap().entries).unwrap().phase
    }

    #[test]
    fn a_tick_that_fails_again_and_again_pauses_the_campaign_with_its_words() {
        let (_temp, dir) = active();
        for before in 0..TICK_RETRIES - 1 {
            assert_eq!(
                note_failure(&dir, 2, before, &Error::verification("two came to different rows")).unwrap(),
                None
            );
            assert_eq!(phase(&dir), Phase::Active);
        }
        // (This one could say that it had begun.)
        Journal::take_over(&dir).unwrap().0.record(ticked(2)).unwrap();
        let taken_over = Error::new(Kind::Stopped, "somebody took over");
        assert_eq!(note_failure(&dir, 2, 2, &taken_over).unwrap(), None);
        let pause = note_failure(&dir, 2, 2, &Error::verification("two came to different rows")).unwrap().unwrap();
        assert_eq!(pause.code, PauseCode::TickFailed);
        assert!(pause.reason.contains("3 times: two came to different rows"), "{}", pause.reason);
        assert_eq!(phase(&dir), Phase::Paused { reason: pause.reason, code: Some(pause.code) });
        assert_eq!(note_failure(&dir, 2, 3, &Error::verification("again")).unwrap(), None, "it is paused already");
    }

    #[test]
    fn a_campaign_that_a_person_goes_on_with_is_not_paused_by_a_tick_that_fails_late() {
        let (_temp, dir) = active();
        let started = Event::DriverStarted { molsieve: String::new(), host: String::new(), program: None };
        let (mut journal, _) = Journal::take_over(&dir).unwrap();
        [ticked(2), ticked(2), ticked(2), started].into_iter().for_each(|event| drop(journal.record(event).unwrap()));
        let failed = Error::verification("two came to different rows");
        assert_eq!(note_failure(&dir, 2, 2, &failed).unwrap(), None);
        journal.still_ours().unwrap();
    }

    #[test]
    fn a_tick_that_dies_again_and_again_pauses_the_campaign_when_it_is_started_once_more() {
        let (_temp, dir) = active();
        let read = || journal::read(&dir).unwrap().entries;
        assert_eq!(
            give_up_if_wordless(&dir, &read(), 2).unwrap(),
            None,
            "that others were tried often is nothing to it"
        );
        for _ in 0..TICK_RETRIES {
            assert_eq!(give_up_if_wordless(&dir, &read(), 2).unwrap(), None);
            Journal::take_over(&dir).unwrap().0.record(ticked(2)).unwrap();
        }
        let pause = give_up_if_wordless(&dir, &read(), 2).unwrap().unwrap();
        assert!(pause.reason.contains("without a word") && pause.reason.contains("tick.out"), "{}", pause.reason);
        assert!(matches!(phase(&dir), Phase::Paused { .. }));
    }
}
