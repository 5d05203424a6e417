//! What goes into a seal and what comes out of it; who writes the content, and who signs, need no more.

use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use crate::campaign::identity::Identity;
use crate::layout::CampaignDir;
use crate::shard::plan::Plan;

/// What a pack is sealed for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The campaign directory.
    pub dir: &'a CampaignDir,
    /// The frozen request.
    pub identity: &'a Identity,
    /// How it was cut.
    pub plan: &'a Plan,
    /// The directory of the library snapshot, for the structures of the hits.
    pub library: &'a Path,
    /// In which shapes of others the pack holds the payload as well.
    pub exports: &'a [String],
    /// Facts of the campaign and its journal, for provenance: any JSON.
    pub facts: serde_json::Value,
}

/// A sealed pack.
#[derive(Clone, Debug)]
pub struct SealedPack {
    /// Its directory.
    pub path: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
    /// `sha256:` of the manifest.
    pub pack_digest: String,
    /// What became of the pack that was there before.
    pub before: Before,
}

/// What became of the pack that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// There was none.
    None,
    /// It is sound and says the same: it stays, with its signatures.
    Kept,
    /// It was incomplete, damaged or of another answer: it was replaced.
    Replaced,
}
