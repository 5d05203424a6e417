//! `[decoys]`: what every record of a built-in scorer is compared with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::scorer::builtin::compared::Settings;
use crate::scorer::builtin::compared::settings::COUNT_MAX;
use crate::scorer::builtin::decoys::Strategy;

/// `[decoys]`: look-alikes of every record, which go through the same scorer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DecoysSection {
    /// How many of each record, at most.
    pub count: Option<u32>,
    /// Which bonds may be exchanged, in the order in which that is tried.
    pub strategies: Option<Vec<Strategy>>,
    /// The least and the greatest Tanimoto similarity to the record.
    pub window: Option<[f64; 2]>,
    /// Whether a decoy must be in one piece where its parent is.
    pub connected: Option<bool>,
}

impl DecoysSection {
    /// The settings that it makes.
    ///
    /// # Errors
    /// What a key says means nothing (exit 2).
    pub fn settings(&self) -> Result<Settings> {
        let default = Settings::default();
        let settings = Settings {
            count: self.count.unwrap_or(default.count),
            strategies: self.strategies.clone().unwrap_or(default.strategies),
            window: self.window,
            connected: self.connected.unwrap_or(default.connected),
        };
        if !(1..=COUNT_MAX).contains(&settings.count) {
            return Err(Error::usage(format!("`decoys.count` must be from 1 to {COUNT_MAX}"))
                .hint("it is how many look-alikes each record is compared with; leave the section out for none"));
        }
        let different: BTreeSet<Strategy> = settings.strategies.iter().copied().collect();
        if different.is_empty() || different.len() < settings.strategies.len() {
            return Err(Error::usage("`decoys.strategies` must name at least one strategy, and none twice")
                .hint("leave it out for all four, in the order of docs/decoys.md"));
        }
        if settings.window.is_some_and(|[least, most]| !(0.0 <= least && least <= most && most <= 1.0)) {
            return Err(Error::usage("`decoys.window` must be two similarities from 0 to 1, the lower one first")
                .hint("HETERO-2's hard decoys are `window = [0.65, 0.95]`; leave it out for decoys of any likeness"));
        }
        Ok(settings)
    }
}
