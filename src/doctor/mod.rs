//! What is wrong with this machine, before a night depends on it.
//!
//! Each check does what the work will do, with the same code, and says what came of it. None takes
//! longer than seconds, and nothing is left behind.

pub mod cluster;
pub mod disk;
pub mod limits;
pub mod profile;
pub mod tools;

use serde::Serialize;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A fact; nothing depends on it.
    Info,
    /// As it should be.
    Good,
    /// It works, and may not be what you want.
    Warning,
    /// A campaign would fail here, or could lose what it finished.
    Problem,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: a short name.
    pub check: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, in words.
    pub what: String,
    /// What to do about it, where there is anything to do.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding without a hint.
    pub fn new(check: &'static str, verdict: Verdict, what: impl Into<String>) -> Self {
        Self { check, verdict, what: what.into(), hint: None }
    }

    /// With something to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
