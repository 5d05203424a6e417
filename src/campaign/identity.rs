//! The frozen request: library snapshot × scorer × what the pack holds × seed.
//!
//! Scheduler, resources, shard size and directory are not in it: they may change between one
//! attempt and the next without changing what is computed. See `docs/formats/campaign.md`.

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::digest::{self, Digest};
use crate::error::Result;
use crate::scorer::identity::ScorerIdentity;
use crate::scorer::{Column, Order};
use crate::shard::kept::Keep;

/// Schema of [`Identity`].
pub const SCHEMA: &str = "molsieve.campaign.v1";

/// The frozen request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// [`SCHEMA`].
    pub schema: String,
    /// What the user calls it; not part of the payload.
    pub name: String,
    /// The campaign seed, below 2^53.
    pub seed: u64,
    /// What is screened.
    pub library: LibraryIdentity,
    /// What computes.
    pub scorer: ScorerIdentity,
    /// What the pack holds.
    pub pack: PackRequest,
    /// The campaign of which this one scores some records again, where it is such a generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

impl Identity {
    /// BLAKE3 of the canonical JSON.
    ///
    /// # Errors
    /// A setting has no canonical form.
    pub fn digest(&self) -> Result<Digest> {
        Ok(digest::blake3(&json::to_vec(self)?))
    }
}

/// The campaign whose rows a generation takes over, but for the records that it scores again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// Digest of its identity.
    pub campaign: Digest,
    /// Its payload digest, where it has a pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The digest of its pack, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Which ERROR reasons are scored again, sorted; empty for all.
    pub reasons: Vec<String>,
}

/// What is screened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibraryIdentity {
    /// Root of the library snapshot (BLAKE3).
    pub root: Digest,
    /// How many records.
    pub records: u64,
}

/// What the pack holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackRequest {
    /// Encodings of the payload, sorted; `csv` always.
    pub outputs: Vec<String>,
    /// How hits are ranked; none if the scorer has no numeric column.
    pub rank: Option<Rank>,
    /// How many hits are kept.
    pub top: u64,
}

impl Identity {
    /// Which records' files a worker keeps that is to keep those of `records` records of each task group.
    pub fn keep(&self, records: u64) -> Option<Keep> {
        let rank = self.pack.rank.as_ref().filter(|_| records > 0)?;
        let column = self.scorer.description.columns.iter().position(|c| c.name == rank.column.name)?;
        Some(Keep { records, column, order: rank.order })
    }
}

/// How hits are ranked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rank {
    /// The column.
    pub column: Column,
    /// Which end is best (the campaign may say other than the scorer).
    pub order: Order,
}
