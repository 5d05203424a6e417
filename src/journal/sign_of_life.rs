//! The driver's sign of life: when it was last at work, for people who ask how a campaign is.
//!
//! Nothing is decided by it. Who may act is decided by the journal alone; a driver that is slow to
//! show itself is not dead, and no one takes over because of it.

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::clock;
use crate::error::Result;
use crate::fs;
use crate::layout::CampaignDir;

/// Schema of [`SignOfLife`].
pub const SCHEMA: &str = "molsieve.sign-of-life.v1";

/// When a driver was last at work, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOfLife {
    /// [`SCHEMA`].
    pub schema: String,
    /// Node name.
    pub host: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
}

impl SignOfLife {
    /// Shows that this process is at work.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn show(dir: &CampaignDir) -> Result<()> {
        let sign = Self { schema: SCHEMA.to_owned(), host: crate::host::name(), at_ms: clock::unix_ms() };
        fs::replace(&dir.sign_of_life(), &json::to_line(&sign)?)
    }

    /// The last sign, if there is one that can be read.
    pub fn last(dir: &CampaignDir) -> Option<Self> {
        json::from_slice("a sign of life", &fs::read_plain(&dir.sign_of_life()).ok()?).ok()
    }
}
