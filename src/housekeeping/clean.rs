//! Clean: removes what killed processes left behind, and nothing that anybody alive may need.
//!
//! A checkpoint of a sealed task group is never needed again, whoever is at work: the seal stands,
//! and a twin that still appends to it has it open. Everything else is removed only where the
//! journal says that no driver and no wave is at work, and the file was not touched for an hour: a
//! process that the journal does not know of (one that was started a moment ago, or that outlived
//! its driver for the seconds that a clean checkpoint takes) has younger files than that.
//!
//! A snapshot that `campaign.json` does not name may be that of a planner that has read its library
//! and is still measuring a pilot, for as long as that takes: so it stays while the process that took over
//! the journal last has recorded nothing. A part that a later snapshot adopted by a hard link keeps
//! its other name.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::carried;
use crate::campaign::file::Campaign;
use crate::error::{Error, Result};
use crate::fs;
use crate::fs::tree;
use crate::id::{AttemptId, GroupIndex};
use crate::journal;
use crate::journal::state::State;
use crate::layout::{EntryKind, GroupDir, SnapshotDir};
use crate::run::look::at_work::AtWork;
use crate::shard::judge::{self, Proven};
use crate::shard::recover;

/// Schema of [`Cleaned`].
pub const SCHEMA: &str = "molsieve.clean.v1";

/// What was removed, or would be.
#[derive(Clone, Debug, Serialize)]
pub struct Cleaned {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Nothing was removed: this is what would be.
    pub dry_run: bool,
    /// The leftovers.
    pub removed: Vec<Leftover>,
    /// The bytes of all of them.
    pub bytes: u64,
    /// Why not everything was looked at, if so.
    pub held_back: Option<String>,
}

/// A file or directory that nobody needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// Where it is, from the campaign directory.
    pub path: PathBuf,
    /// How much room it takes; a file that has another name besides takes none.
    pub bytes: u64,
    /// What it is.
    pub what: &'static str,
}

/// Removes the leftovers in the directory of `campaign`, or only names them.
///
/// # Errors
/// The journal's chain is broken (exit 4), or the system refuses (exit 6).
pub fn clean(campaign: &Campaign, dry_run: bool) -> Result<Cleaned> {
    let history = journal::read(&campaign.dir)?;
    let state = State::of(&history.entries)?;
    let at_work = at_work(campaign, &state);
    let is_planned = std::fs::metadata(campaign.dir.journal_segment(history.segments)).is_ok_and(|m| m.len() == 0);
    let planning = is_planned.then(|| {
        "the process that took over the journal last has recorded nothing: it may be planning, and snapshots stay; \
         `molsieve resume` it to its end, then clean"
            .to_owned()
    });
    let held_back = at_work.map(|why| {
        format!(
            "{why}: only checkpoints of sealed task groups are removed; `molsieve resume` it to its end, then clean"
        )
    });
    let (quiet, sealed) = (at_work.is_none(), BTreeSet::new());
    let mut search = Search { campaign, quiet, planning: is_planned, sealed, found: Vec::new() };
    search.groups()?;
    if search.quiet {
        search.elsewhere()?;
        search.carried(state.waves)?;
    }
    let mut removed = search.found;
    removed.sort_by(|a, b| a.path.cmp(&b.path));
    for leftover in removed.iter().filter(|_| !dry_run) {
        let path = campaign.dir.inside(&leftover.path);
        if is_dir(&path) { tree::remove(&path)? } else { fs::remove(&path)? }
    }
    let bytes = removed.iter().map(|leftover| leftover.bytes).sum();
    Ok(Cleaned { schema: SCHEMA, dry_run, removed, bytes, held_back: held_back.or(planning) })
}

/// Why somebody may be at work, as far as the journal knows.
pub(super) fn at_work(campaign: &Campaign, state: &State) -> Option<&'static str> {
    match AtWork::on(campaign, state) {
        AtWork::Driver | AtWork::Silent(_) => Some("the journal says that a driver is at work"),
        AtWork::Jobs => Some("the journal says that its jobs are at work"),
        AtWork::Leftovers => Some("the journal has no end of its last wave"),
        AtWork::Nobody => None,
    }
}

struct Search<'a> {
    campaign: &'a Campaign,
    /// Nobody is at work.
    quiet: bool,
    /// Somebody may be planning.
    planning: bool,
    /// Task groups that are sealed.
    sealed: BTreeSet<GroupIndex>,
    found: Vec<Leftover>,
}

impl Search<'_> {
    fn groups(&mut self) -> Result<()> {
        let (plan, dir) = (&self.campaign.plan, &self.campaign.dir);
        let scorer = self.campaign.file.identity.scorer.digest()?;
        let of = Proven { plan, plan_digest: plan.digest()?, scorer };
        for group in plan.all_groups() {
            let group_dir = dir.group(group);
            // (A link may lead to what is not ours.)
            if !is_dir(group_dir.root()) {
                continue;
            }
            if judge::find(&of, &group_dir, group)?.is_some() {
                self.sealed.insert(group);
                for attempt in recover::attempts(&group_dir, EntryKind::Checkpoint)? {
                    self.add(&group_dir.checkpoint(&attempt), "a checkpoint of a sealed task group");
                }
            }
            if self.quiet {
                self.without_receipt(&group_dir)?;
                self.hidden(group_dir.root())?;
            }
        }
        Ok(())
    }

    fn without_receipt(&mut self, dir: &GroupDir) -> Result<()> {
        let receipts = recover::attempts(dir, EntryKind::Receipt)?;
        for attempt in recover::attempts(dir, EntryKind::Rows)?.iter().filter(|a| !receipts.contains(a)) {
            self.add_if_old(&dir.rows(attempt), "rows that no receipt speaks of");
        }
        for attempt in recover::attempts(dir, EntryKind::Files)?.iter().filter(|a| !receipts.contains(a)) {
            self.add_if_old(&dir.files(attempt), "kept files that no receipt speaks of");
        }
        Ok(())
    }

    /// Unfinished files and directories, wherever we make them.
    fn elsewhere(&mut self) -> Result<()> {
        let dir = &self.campaign.dir;
        for place in [dir.root().to_path_buf(), dir.launch(), dir.logs(), dir.groups()] {
            self.hidden(&place)?;
        }
        for path in entries(&dir.logs())? {
            if path.to_str().is_some_and(|name| name.ends_with(".problem.json")) {
                self.add_if_old(&path, "the last words of a worker; what it said is in the journal");
            }
        }
        self.snapshots()
    }

    /// What was carried to and from the tasks of waves that are over.
    fn carried(&mut self, waves: u64) -> Result<()> {
        let sealed = std::mem::take(&mut self.sealed);
        for (path, what) in carried::leftovers(self.campaign, waves, &|group| sealed.contains(&group))? {
            self.add_if_old(&path, what);
        }
        Ok(())
    }

    fn snapshots(&mut self) -> Result<()> {
        let dir = &self.campaign.dir;
        let named = dir.library_named(&self.campaign.file.execution.library);
        let named_really = named.canonicalize().ok();
        for path in entries(&dir.libraries())? {
            if path == named || (named_really.is_some() && path.canonicalize().ok() == named_really) {
                self.hidden(&path)?;
            } else if !self.planning && name_of(&path).is_some_and(|name| name.parse::<AttemptId>().is_ok()) {
                let is_whole = SnapshotDir::new(&path).snapshot().is_file();
                let what = if is_whole {
                    "a snapshot that the campaign does not use"
                } else {
                    "a snapshot that a planner did not finish"
                };
                self.add_if_old(&path, what);
            }
        }
        Ok(())
    }

    /// What was being written in `place` and never got its name: `.NAME.TAG.tmp` or `.old`.
    fn hidden(&mut self, place: &Path) -> Result<()> {
        for path in entries(place)? {
            let tag = name_of(&path)
                .filter(|name| name.starts_with('.'))
                .and_then(|name| name.strip_suffix(".tmp").or_else(|| name.strip_suffix(".old")))
                .and_then(|name| name.rsplit_once('.'));
            if tag.is_some_and(|(_, tag)| tag.parse::<AttemptId>().is_ok()) {
                self.add_if_old(&path, "it was being written, and never got its name");
            }
        }
        Ok(())
    }

    fn add_if_old(&mut self, path: &Path, what: &'static str) {
        if tree::is_abandoned(path) {
            self.add(path, what);
        }
    }

    fn add(&mut self, path: &Path, what: &'static str) {
        let relative = path.strip_prefix(self.campaign.dir.root()).unwrap_or(path).to_path_buf();
        self.found.push(Leftover { path: relative, bytes: size(path), what });
    }
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name().and_then(OsStr::to_str)
}

/// Whether `path` is a directory itself, and not a link to one.
pub(super) fn is_dir(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// The bytes of a file, or of all files below a directory; none where there is another name for them.
pub(super) fn size(path: &Path) -> u64 {
    if is_dir(path) {
        return entries(path).unwrap_or_default().iter().map(|path| size(path)).sum();
    }
    std::fs::symlink_metadata(path).map_or(0, |metadata| if metadata.nlink() > 1 { 0 } else { metadata.len() })
}

/// What is in the directory `place`, sorted; nothing if it is not there or is a link.
pub(super) fn entries(place: &Path) -> Result<Vec<PathBuf>> {
    if !is_dir(place) {
        return Ok(Vec::new());
    }
    let refused = |e: std::io::Error| Error::io("cannot list", place, &e);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(place).map_err(refused)? {
        all.push(entry.map_err(refused)?.path());
    }
    all.sort();
    Ok(all)
}
