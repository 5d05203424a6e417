//! What a campaign directory looks like at one moment, from its files alone.

use std::path::{Path, PathBuf};

/// Where a campaign is when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The library is being read; there is no `campaign.json`.
    Planning,
    /// Planned; nothing is in any checkpoint.
    Starting,
    /// Some task group has a checkpoint and no rows.
    Scoring,
    /// Some task group has its rows and no receipt.
    Sealing,
    /// Every task group has its receipt; there is no pack.
    Gathering,
    /// There is a pack without an attestation.
    Signing,
    /// All is done.
    Finished,
}

/// One moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub phase: Phase,
    /// Task groups that have their receipt.
    pub sealed: usize,
    /// Bytes of checkpoints and rows that are there to resume from.
    pub bytes: u64,
}

/// Looks at `dir`, whose plan has `groups` task groups.
pub fn look(dir: &Path, groups: usize) -> Scene {
    let (mut sealed, mut bytes, mut scoring, mut rows_only) = (0, 0, false, false);
    for group in entries(&dir.join("groups")) {
        let files = entries(&group);
        let has = |ending: &str| files.iter().any(|file| file.to_string_lossy().ends_with(ending));
        bytes += files.iter().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum::<u64>();
        sealed += usize::from(has(".receipt.json"));
        rows_only |= has(".rows") && !has(".receipt.json");
        scoring |= has(".checkpoint") && !has(".rows");
    }
    let phase = match () {
        () if dir.join("pack/attestation.dsse.json").exists() => Phase::Finished,
        () if dir.join("pack").exists() => Phase::Signing,
        () if sealed == groups => Phase::Gathering,
        () if rows_only => Phase::Sealing,
        () if scoring || sealed > 0 => Phase::Scoring,
        () if dir.join("campaign.json").exists() => Phase::Starting,
        () => Phase::Planning,
    };
    Scene { phase, sealed, bytes }
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}
