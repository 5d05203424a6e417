//! A node whose files everybody else sees late, as on a network file system that keeps listings for a while.
//!
//! The node's daemon, and so all its jobs, live in a mount namespace of their own in which the task groups of the
//! campaign are another directory. What is written there is at once there for the node, and for the others when it is shown.

use std::path::{Path, PathBuf};

use super::seen;
use super::stage::Act;

/// The task groups as one node has them, and as all others do.
pub struct Late {
    away: PathBuf,
    groups: PathBuf,
    passing: PathBuf,
}

impl Late {
    /// Begins on `node`, before the campaign is submitted; none where nobody may mount.
    pub fn begin(scene: &Act<'_>, node: &str) -> Self {
        let planned = scene.command(&["plan", "campaign.toml", "--dir", "d"]).output().unwrap();
        assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
        let late =
            Self { away: scene.path("away"), groups: scene.dir().join("groups"), passing: scene.path("passing") };
        for dir in [&late.away, &late.groups, &late.passing] {
            std::fs::create_dir_all(dir).unwrap();
        }
        scene.slurm.late(node, &late.away, &late.groups);
        late
    }

    /// The node sees again what all see.
    pub fn end(scene: &Act<'_>, node: &str) {
        scene.slurm.crash(node);
        scene.slurm.repair(node);
    }

    /// Receipts that the node has written and nobody else sees.
    pub fn hidden(&self) -> usize {
        let seen = seen::group_files(&self.groups, ".receipt.json");
        seen::group_files(&self.away, ".receipt.json").iter().filter(|file| !seen.contains(file)).count()
    }

    /// Shows what there is, each file whole; how many receipts nobody else had seen before.
    pub fn show(&self) -> usize {
        let hidden = self.hidden();
        for file in seen::group_files(&self.away, "") {
            let (from, to) = (self.away.join(&file), self.groups.join(&file));
            let length = |path: &Path| path.metadata().ok().map(|metadata| metadata.len());
            if length(&from) == length(&to) {
                continue;
            }
            let passing = self.passing.join("file");
            // The node may have taken it away meanwhile.
            if std::fs::copy(&from, &passing).is_ok() {
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::rename(&passing, &to).unwrap();
            }
        }
        hidden
    }
}
