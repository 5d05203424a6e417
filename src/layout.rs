//! The names of everything in a campaign directory: the only path joins.
//!
//! ```text
//! D/campaign.json            the frozen request, and where its inputs are
//! D/plan.json                the shards and task groups, as a formula
//! D/library/PLANNER/         the library snapshot (see docs/formats/snapshot.md)
//! D/driver.json              when the driver was last at work; status alone reads it
//! D/reserve                  room for the last words of a driver on a full disk
//! D/journal/NNNNNN.jsonl     the campaign's events, a segment a writer
//! D/launch/wave-N.tasks      line k: the task groups of task k
//! D/launch/wave-N-task-K.sh  how the ranks of task K were started, where a task is several
//! D/groups/NNNNNN/           what the workers of one task group left:
//!     ATTEMPT.checkpoint     the framed log of an attempt
//!     ATTEMPT.rows           the sealed payload rows of the group
//!     ATTEMPT.files.zip      the files that its scorer handed over for its best records, where some are kept
//!     ATTEMPT.receipt.json   the proof that they are complete
//! D/launch/parcels/wave-N/   what is carried to the tasks of a wave whose nodes share no files
//! D/returned/wave-N/K/       what such a task brought back, until it is taken in
//! D/logs/                    structured logs and what scorers said on stderr
//! D/pack/                    the sealed pack
//! ```
//!
//! and of everything that outlives a campaign, in `$MOLSIEVE_HOME`:
//!
//! ```text
//! H/registry/sha256/AB/DIGEST.json   an entry a signature, named by its digest
//! H/audit/NNNNNN.jsonl               an event a file, chained, from 1
//! H/sites/NAME.toml                  the profile of a cluster
//! ```

mod home;
mod parcel;
mod remote;

use std::path::{Path, PathBuf};

use crate::id::{AttemptId, GroupIndex};
pub use home::HomeDir;
pub use parcel::parcels_in;
pub use remote::{RemoteRoot, below, portable_beside, remote_bin, ssh_dir};

/// A campaign directory.
#[derive(Clone, Debug)]
pub struct CampaignDir {
    root: PathBuf,
}

impl CampaignDir {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The campaign directory that `pack`, an archive or a directory, lies in; it may be that directory itself.
    pub fn around(pack: &Path) -> Option<Self> {
        let pack = pack.canonicalize().ok()?;
        pack.ancestors().take(3).map(Self::new).find(|dir| dir.campaign().is_file())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The frozen campaign.
    pub fn campaign(&self) -> PathBuf {
        self.root.join("campaign.json")
    }

    /// The plan.
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan.json")
    }

    /// Where a planner called `name` takes the library snapshot: two that plan at once stay apart.
    pub fn library(&self, name: &AttemptId) -> PathBuf {
        self.libraries().join(name.as_str())
    }

    /// Where all planners of this directory take their snapshots.
    pub fn libraries(&self) -> PathBuf {
        self.root.join("library")
    }

    /// What is at `relative`, a path that was found in this directory.
    pub fn inside(&self, relative: &Path) -> PathBuf {
        self.root.join(relative)
    }

    /// The snapshot that `campaign.json` names: one in this directory, which may be moved with it,
    /// or one elsewhere, by its absolute path.
    pub fn library_named(&self, name: &Path) -> PathBuf {
        self.root.join(name)
    }

    /// What `campaign.json` calls the snapshot at `path`.
    pub fn library_name(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_path_buf()
    }

    /// The directory of journal segments.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Journal segment `number`, from 1.
    pub fn journal_segment(&self, number: u64) -> PathBuf {
        self.journal().join(format!("{number:06}.jsonl"))
    }

    /// What was handed to schedulers.
    pub fn launch(&self) -> PathBuf {
        self.root.join("launch")
    }

    /// The tasks of wave `number`, from 1: line k holds the task groups of task k.
    pub fn wave_tasks(&self, number: u64) -> PathBuf {
        self.launch().join(format!("wave-{number}.tasks"))
    }

    /// What is submitted for wave `number`, without the extension that its scheduler wants.
    pub fn wave_script(&self, number: u64) -> PathBuf {
        self.launch().join(format!("wave-{number}"))
    }

    /// How the ranks of task `task` of wave `number` were started, as a script.
    pub fn launch_script(&self, number: u64, task: u64) -> PathBuf {
        self.launch().join(format!("wave-{number}-task-{task}.sh"))
    }

    /// What is shown to a scheduler that is asked when it would start it, without the extension.
    pub fn rehearsed_script(&self) -> PathBuf {
        self.launch().join("rehearsed")
    }

    /// What is submitted for the tick of `round`, without the extension.
    pub fn tick_script(&self, round: u64) -> PathBuf {
        self.launch().join(format!("tick-{round}"))
    }

    /// What is submitted to stand in for the tick of `round`, without the extension.
    pub fn stand_in_script(&self, round: u64) -> PathBuf {
        self.launch().join(format!("stand-in-{round}"))
    }

    /// What is submitted to look at a wave while it runs, without the extension.
    pub fn look_script(&self) -> PathBuf {
        self.launch().join("look")
    }

    /// The directory of all task groups.
    pub fn groups(&self) -> PathBuf {
        self.root.join("groups")
    }

    /// What the workers of one task group left.
    pub fn group(&self, group: GroupIndex) -> GroupDir {
        GroupDir { root: self.groups().join(group.to_string()) }
    }

    /// What people are told that the receipt of `attempt` at `group` is called: its path from the campaign directory.
    pub fn receipt_name(group: GroupIndex, attempt: &AttemptId) -> String {
        Self::new("").group(group).receipt(attempt).display().to_string()
    }

    /// Rewritten now and then by the driver: a sign of life, and nothing else.
    pub fn sign_of_life(&self) -> PathBuf {
        self.root.join("driver.json")
    }

    /// Room for the last line of the journal on a full disk: removed when it is needed.
    pub fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    /// Logs for people and programs; never part of a pack.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// The log of one process, named by what it is and which.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.jsonl"))
    }

    /// What the log of a task is called in [`CampaignDir::log`].
    pub fn task_name(wave: u64, task: u64) -> String {
        format!("wave-{wave}-task-{task}")
    }

    /// Whether `name`, an entry of the logs, is of one task.
    pub fn is_of_task(name: &str) -> bool {
        name.starts_with("wave-") && name.contains("-task-")
    }

    /// Whether `name`, an entry of the logs, is what the scorer's children of one attempt said.
    pub fn is_stderr(name: &str) -> bool {
        name.starts_with("scorer-") && name.ends_with(".stderr")
    }

    /// Why the last worker of a task failed.
    pub fn last_words(&self, wave: u64, task: u64) -> PathBuf {
        self.logs().join(format!("wave-{wave}-task-{task}.problem.json"))
    }

    /// Why nobody needs to begin with another task of a wave: the words of the first that failed by the program's fault.
    pub fn wave_problem(&self, wave: u64) -> PathBuf {
        self.logs().join(format!("wave-{wave}.problem.json"))
    }

    /// The core time that a task has used.
    pub fn task_time(&self, wave: u64, task: u64) -> PathBuf {
        self.logs().join(format!("wave-{wave}-task-{task}.time.json"))
    }

    /// What a detached driver printed.
    pub fn driver_output(&self) -> PathBuf {
        self.logs().join("driver.out")
    }

    /// What the processes of a wave printed.
    pub fn wave_output(&self, wave: u64) -> PathBuf {
        self.logs().join(format!("wave-{wave}.out"))
    }

    /// What all ticks said.
    pub fn tick_output(&self) -> PathBuf {
        self.logs().join("tick.out")
    }

    /// What the scorer's children of one attempt said on stderr.
    pub fn scorer_stderr(&self, attempt: &AttemptId) -> PathBuf {
        self.logs().join(format!("scorer-{attempt}.stderr"))
    }

    /// The sealed pack.
    pub fn pack(&self) -> PathBuf {
        self.root.join("pack")
    }
}

/// A directory that holds a library snapshot.
#[derive(Clone, Debug)]
pub struct SnapshotDir {
    root: PathBuf,
}

impl SnapshotDir {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The snapshot: what the library is and where it lies. Written last.
    pub fn snapshot(&self) -> PathBuf {
        self.root.join("snapshot.json")
    }

    /// The index of the blocks of one part.
    pub fn index(&self, part: &str) -> PathBuf {
        self.root.join(format!("{part}.index"))
    }

    /// The repacked records of one part.
    pub fn frames(&self, part: &str) -> PathBuf {
        self.root.join(format!("{part}.frames"))
    }

    /// The log of the files that are finished in one part; it goes when the snapshot is whole.
    pub fn done(&self, part: &str) -> PathBuf {
        self.root.join(format!("{part}.done"))
    }

    /// The part of which `name`, an entry of this directory, is the log.
    pub fn part_of_log(name: &str) -> Option<&str> {
        name.strip_suffix(".done").filter(|part| part.starts_with("part-"))
    }

    /// Whether `name`, an entry of this directory, belongs to the part called `part`.
    pub fn belongs_to(name: &str, part: &str) -> bool {
        name.strip_prefix(part).is_some_and(|ending| matches!(ending, ".index" | ".frames" | ".done"))
    }

    /// Whether `name`, an entry of this directory, is an index, repacked records, a log, or a leftover of one.
    pub fn is_part(name: &str) -> bool {
        let name = name.strip_prefix('.').unwrap_or(name);
        name.starts_with("part-") && [".index", ".frames", ".done", ".tmp"].iter().any(|end| name.ends_with(end))
    }
}

/// The directory of a pack, sealed or being built.
#[derive(Clone, Debug)]
pub struct PackDir {
    root: PathBuf,
}

impl PackDir {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The member called `name`, which must have been checked to be a plain name.
    pub fn member(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// What `molsieve init` calls a campaign file.
pub const CAMPAIGN_FILE: &str = "campaign.toml";

/// The file called `name` in the directory of a campaign file.
pub fn beside_campaign_file(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}

/// Where `molsieve doctor` tries things out in `dir`, for a moment.
pub fn doctor_place(dir: &Path) -> PathBuf {
    dir.join("molsieve-doctor")
}

/// A file with which `molsieve doctor` tries something out.
pub fn doctor_file(place: &Path, name: &str) -> PathBuf {
    place.join(name)
}

/// The manual page of the command called `name`.
pub fn manual_page(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.1"))
}

/// What temporary files are called after, in the directory that the system has for them.
pub fn scratch() -> PathBuf {
    std::env::temp_dir().join("molsieve")
}

/// What private directories are called in the directory for temporary files; an [`crate::id::AttemptId`] follows. `boot` says
/// which machine made them.
pub fn private_prefix(boot: &str) -> String {
    format!("molsieve-{boot}-")
}

/// Where the public half of the private key at `private` goes: `K.pem` → `K.pub.pem`.
pub fn public_key_beside(private: &Path) -> PathBuf {
    let stem =
        if private.extension().is_some_and(|e| e == "pem") { private.with_extension("") } else { private.into() };
    let mut name = stem.into_os_string();
    name.push(".pub.pem");
    name.into()
}

/// Where a file called `name`, which must have been checked to be a plain name, goes in `dir`.
pub fn inside(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}

/// The directory of one task group.
#[derive(Clone, Debug)]
pub struct GroupDir {
    root: PathBuf,
}

impl GroupDir {
    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The framed log of an attempt.
    pub fn checkpoint(&self, attempt: &AttemptId) -> PathBuf {
        self.root.join(format!("{attempt}.checkpoint"))
    }

    /// The sealed payload rows of an attempt.
    pub fn rows(&self, attempt: &AttemptId) -> PathBuf {
        self.root.join(format!("{attempt}.rows"))
    }

    /// The proof that the rows of an attempt are complete.
    pub fn receipt(&self, attempt: &AttemptId) -> PathBuf {
        self.root.join(format!("{attempt}.receipt.json"))
    }

    /// The files that an attempt kept.
    pub fn files(&self, attempt: &AttemptId) -> PathBuf {
        self.root.join(format!("{attempt}.files.zip"))
    }

    /// The file of an attempt that is of this kind.
    pub fn file(&self, attempt: &AttemptId, kind: EntryKind) -> PathBuf {
        match kind {
            EntryKind::Checkpoint => self.checkpoint(attempt),
            EntryKind::Rows => self.rows(attempt),
            EntryKind::Files => self.files(attempt),
            EntryKind::Receipt => self.receipt(attempt),
        }
    }

    /// What `name`, an entry of this directory, is.
    pub fn entry(name: &str) -> Option<(AttemptId, EntryKind)> {
        let (attempt, suffix) = name.split_once('.')?;
        let kind = match suffix {
            "checkpoint" => EntryKind::Checkpoint,
            "rows" => EntryKind::Rows,
            "files.zip" => EntryKind::Files,
            "receipt.json" => EntryKind::Receipt,
            _ => return None,
        };
        Some((attempt.parse().ok()?, kind))
    }
}

/// What a file of a task group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A framed log.
    Checkpoint,
    /// Sealed rows.
    Rows,
    /// Kept files.
    Files,
    /// A receipt.
    Receipt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_of_a_receipt_by_its_path_from_the_campaign_directory() {
        let attempt: AttemptId = "0123456789abcdef".parse().unwrap();
        let name = CampaignDir::receipt_name(GroupIndex(3), &attempt);
        assert_eq!(name, "groups/000003/0123456789abcdef.receipt.json");
        assert_eq!(
            CampaignDir::new("d").root().join(name),
            CampaignDir::new("d").group(GroupIndex(3)).receipt(&attempt)
        );
    }
}
