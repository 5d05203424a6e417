//! The driver's sign of life: when it was last at work, for people who ask how a campaign is.
//!
//! Who may act is decided by the journal alone; a driver that is slow to show itself is not dead, and no one
//! takes over because of it. Only the core time that a dead driver had not noted yet is taken from it.

use serde::{Deserialize, Serialize};

use super::event::{Entry, Event};
use crate::canonical::json;
use crate::clock;
use crate::error::Result;
use crate::fs;
use crate::layout::CampaignDir;

/// Schema of [`SignOfLife`].
pub const SCHEMA: &str = "molsieve.sign-of-life.v2";

/// When a driver was last at work, where, and how fast. Version 1 had no pace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOfLife {
    /// [`SCHEMA`].
    pub schema: String,
    /// Node name.
    pub host: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How fast it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
}

/// What a driver has done since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Records that were finished since.
    pub finished: u64,
    /// Milliseconds since.
    pub elapsed_ms: u64,
    /// Core time that was used and is not in the journal yet, in core-milliseconds.
    pub core_ms: u64,
}

impl Pace {
    /// Records a second; none before anything is finished.
    pub fn records_per_s(&self) -> Option<f64> {
        (self.finished > 0 && self.elapsed_ms > 0).then(|| self.finished as f64 * 1e3 / self.elapsed_ms as f64)
    }
}

impl SignOfLife {
    /// Shows that this process is at work, and how fast it goes.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn show(dir: &CampaignDir, pace: Pace) -> Result<()> {
        let (host, at_ms) = (crate::host::name(), clock::unix_ms());
        let sign = Self { schema: SCHEMA.to_owned(), host, at_ms, pace: Some(pace) };
        fs::replace(&dir.sign_of_life(), &json::to_line(&sign)?)
    }

    /// The last sign, if there is one that can be read.
    pub fn last(dir: &CampaignDir) -> Option<Self> {
        json::from_slice("a sign of life", &fs::read_small(&dir.sign_of_life()).ok()?).ok()
    }
}

/// Core time that the last driver counted and did not live to note in the journal, in core-milliseconds.
///
/// Its last sign of life says it, unless the journal has counted since, or the sign is an earlier driver's.
pub fn uncounted_core_ms(dir: &CampaignDir, entries: &[Entry]) -> u64 {
    let Some(sign) = SignOfLife::last(dir) else { return 0 };
    let is_known = |entry: &&Entry| {
        matches!(entry.event, Event::DriverStarted { .. } | Event::Ticked { .. } | Event::CoreTime { .. })
    };
    let known_ms = entries.iter().rev().find(is_known).map_or(u64::MAX, |entry| entry.at_ms);
    sign.pace.filter(|_| sign.at_ms > known_ms).map_or(0, |pace| pace.core_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_an_earlier_version_is_read_and_says_nothing_of_the_pace() {
        let old = br#"{"at_ms":5,"host":"n1","schema":"molsieve.sign-of-life.v1"}"#;
        let sign: SignOfLife = json::from_slice("a sign of life", &[old.as_slice(), b"\n"].concat()).unwrap();
        assert_eq!((sign.at_ms, sign.pace), (5, None));
    }

    #[test]
    fn a_pace_needs_records_and_time() {
        let pace = |finished, elapsed_ms| Pace { finished, elapsed_ms, core_ms: 0 }.records_per_s();
        assert_eq!([pace(0, 1000), pace(7, 0), pace(30, 2000)], [None, None, Some(15.0)]);
    }
}
