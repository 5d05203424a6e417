//! Last words: what a worker leaves when it fails, for the driver to report as its own.

use serde::{Deserialize, Serialize};

use super::event::PauseCode;
use crate::canonical::json;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::layout::CampaignDir;

/// Schema of [`LastWords`].
pub const SCHEMA: &str = "molsieve.last-words.v1";

/// Why a worker failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastWords {
    /// [`SCHEMA`].
    pub schema: String,
    /// The exit code of that kind of failure.
    pub exit: u8,
    /// What happened, and what to do about it.
    pub what: String,
    /// Where it waits for somebody: for what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<PauseCode>,
}

impl LastWords {
    /// Leaves the words of `error` for the driver.
    ///
    /// # Errors
    /// The system refuses (exit 6); then the driver learns only the exit code.
    pub fn leave(dir: &CampaignDir, wave: u64, task: u64, error: &Error) -> Result<()> {
        let what = std::iter::once(error.what()).chain(error.hints().iter().map(String::as_str));
        let words = Self {
            schema: SCHEMA.to_owned(),
            exit: error.kind().exit_code(),
            what: what.collect::<Vec<_>>().join("; "),
            pause: match error.kind() {
                Kind::Incomplete => Some(PauseCode::Retry),
                Kind::Full => Some(PauseCode::DiskFull),
                Kind::Hopeless => Some(PauseCode::AllErrors),
                _ => None,
            },
        };
        fs::replace(&dir.last_words(wave, task), &json::to_line(&words)?)
    }

    /// The words that were left, if any that can be read.
    pub fn hear(dir: &CampaignDir, wave: u64, task: u64) -> Option<Self> {
        let bytes = fs::read_plain(&dir.last_words(wave, task)).ok()?;
        json::from_slice("last words", &bytes).ok()
    }
}
