//! Who is at work on a campaign, as far as its journal and its signs of life say: one answer for all who ask.
//!
//! No process is looked at: it may be on another machine. So what is known is who should be there, and since when nothing
//! was seen of them.

use crate::campaign::file::Campaign;
use crate::clock;
use crate::journal::sign_of_life::SignOfLife;
use crate::journal::state::{Phase, State};

/// A driver that shows no sign for so long is told about: twelve times the time between two signs, since a network file
/// system may show them late.
const SILENT_AFTER_S: u64 = 60;

/// Who is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtWork {
    /// A driver, which was seen a moment ago.
    Driver,
    /// A driver, if it lives: nothing was seen of it for so many seconds.
    Silent(u64),
    /// The jobs of a cluster, which go on without any driver.
    Jobs,
    /// Perhaps the workers of a wave of which the journal has no end; nobody leads them.
    Leftovers,
    /// Nobody.
    Nobody,
}

impl AtWork {
    /// Who is at work on `campaign`, whose journal says `state`.
    pub fn on(campaign: &Campaign, state: &State) -> Self {
        let is_cluster = campaign.file.execution.cluster.is_some();
        Self::of(state, is_cluster, clock::unix_ms().saturating_sub(seen_ms(campaign, state)) / 1000)
    }

    fn of(state: &State, is_cluster: bool, silent_s: u64) -> Self {
        match state.phase {
            Phase::Active if is_cluster => Self::Jobs,
            Phase::Active if is_too_long(silent_s) => Self::Silent(silent_s),
            Phase::Active => Self::Driver,
            _ if state.active.is_some() => Self::Leftovers,
            _ => Self::Nobody,
        }
    }

    /// Whether somebody is there as far as is known: a driver that was seen, or jobs.
    pub const fn is_seen(self) -> bool {
        matches!(self, Self::Driver | Self::Jobs)
    }

    /// Whether somebody may lead the campaign, who would lose it to whoever writes to the journal.
    pub const fn is_led(self) -> bool {
        matches!(self, Self::Driver | Self::Silent(_) | Self::Jobs)
    }
}

/// Whether a driver that was started at `since_ms` or before has shown no sign since then for too long. For who watches, and has
/// not read the journal.
pub fn is_missed(campaign: &Campaign, since_ms: u64) -> bool {
    let seen_ms = SignOfLife::last(&campaign.dir).map_or(0, |sign| sign.at_ms).max(since_ms);
    is_too_long(clock::unix_ms().saturating_sub(seen_ms) / 1000)
}

/// Whether a driver that shows no sign for so many seconds is missed.
const fn is_too_long(silent_s: u64) -> bool {
    silent_s > SILENT_AFTER_S
}

/// When a driver was last seen at work: its last event, or its last sign of life.
pub fn seen_ms(campaign: &Campaign, state: &State) -> u64 {
    SignOfLife::last(&campaign.dir).map_or(0, |sign| sign.at_ms).max(state.last_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::state::Wave;

    #[test]
    fn a_driver_is_missed_after_a_minute_and_jobs_are_not() {
        let state = State { phase: Phase::Active, ..State::default() };
        assert_eq!(AtWork::of(&state, false, 60), AtWork::Driver);
        assert_eq!(AtWork::of(&state, false, 61), AtWork::Silent(61));
        assert_eq!(AtWork::of(&state, true, 100_000), AtWork::Jobs);
        assert!(AtWork::Silent(61).is_led() && !AtWork::Silent(61).is_seen());
    }

    #[test]
    fn a_wave_without_an_end_may_have_workers_whoever_was_stopped() {
        let wave = Wave { number: 1, tag: "t".into(), job: None, finished: 0 };
        let state = State { phase: Phase::Stopped, active: Some(wave), ..State::default() };
        assert_eq!(AtWork::of(&state, true, 0), AtWork::Leftovers);
        assert_eq!(AtWork::of(&State::default(), true, 0), AtWork::Nobody);
        assert!(!AtWork::Leftovers.is_led() && !AtWork::Nobody.is_led());
    }
}
