//! What may change between two drivers of one campaign: scheduler, resources and limits, and nothing that is frozen.
//!
//! A change goes to the journal first and then to the execution part of `campaign.json`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::campaign::file::{Campaign, Execution};
use crate::error::{Error, Result};
use crate::journal::Journal;
use crate::journal::event::Event;
use crate::scorer::identity::ScorerLaunch;

/// What becomes of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is taken away.
    Off,
    /// It is this from now on.
    At(T),
}

impl<T: Copy> Limit<T> {
    fn over(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Off => None,
            Self::At(new) => Some(new),
        }
    }
}

/// What somebody wants otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Cores a task.
    pub cpus: Option<u32>,
    /// Memory a task, in MiB.
    pub memory_mib: Limit<u64>,
    /// Time limit a task, in seconds.
    pub walltime_s: Limit<u64>,
    /// Share of ERROR rows that pauses the campaign, in millionths.
    pub max_error_ppm: Limit<u64>,
    /// Core time that drains the campaign, in core-milliseconds.
    pub core_ms_max: Limit<u64>,
    /// The time that one request to a command scorer may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// How long a command scorer may ask to retry without any result, in milliseconds.
    pub retry_patience_ms: Option<u64>,
}

impl Changes {
    /// The execution as it is wanted.
    ///
    /// # Errors
    /// A change means nothing to this scorer (exit 2).
    pub fn applied_to(&self, execution: &Execution) -> Result<Execution> {
        let mut new = execution.clone();
        new.cpus = self.cpus.unwrap_or(new.cpus);
        new.memory_mib = self.memory_mib.over(new.memory_mib);
        new.walltime_s = self.walltime_s.over(new.walltime_s);
        new.max_error_ppm = self.max_error_ppm.over(new.max_error_ppm);
        new.core_ms_max = self.core_ms_max.over(new.core_ms_max);
        let patience = [self.timeout_ms, self.retry_patience_ms];
        match &mut new.scorer {
            ScorerLaunch::Command(command) => {
                command.timeout_ms = self.timeout_ms.unwrap_or(command.timeout_ms);
                command.retry_patience_ms = self.retry_patience_ms.unwrap_or(command.retry_patience_ms);
            }
            _ if patience.iter().any(Option::is_some) => {
                return Err(Error::usage("`--timeout` and `--retry-patience` mean nothing to a built-in scorer")
                    .hint("leave them away: a built-in scorer is never waited for"));
            }
            _ => {}
        }
        Ok(new)
    }
}

/// Gives `campaign` another execution. Where that changes anything, its journal is taken over first.
///
/// # Errors
/// The journal cannot be taken over (exit 4 or 6), or the system refuses (exit 6).
pub fn amend(mut campaign: Campaign, execution: Execution) -> Result<Campaign> {
    if campaign.file.execution == execution {
        return Ok(campaign);
    }
    let changes = told(&campaign.file.execution, &execution);
    let (mut journal, _) = Journal::take_over(&campaign.dir)?;
    if !changes.is_empty() {
        journal.record(Event::Amended { changes })?;
    }
    campaign.file.execution = execution;
    campaign.rewrite()?;
    Ok(campaign)
}

/// What differs, as "old → new".
fn told(old: &Execution, new: &Execution) -> BTreeMap<String, String> {
    let (old, new) = (old.told(), new.told());
    let word = |of: &Map<String, Json>, key: &String| of.get(key).cloned().unwrap_or_default().to_string();
    let keys = old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key));
    keys.map(|key| (key.clone(), format!("{} → {}", word(&old, key), word(&new, key)))).collect()
}
