//! What a task returned, taken into its campaign: rows and files first, receipts last, each by its new name alone.
//!
//! It comes from a machine of which nothing is known. Names are checked, links are refused, sizes are bounded, and a receipt counts only
//! where its rows are what it says. What is refused stays where it is, for somebody to look at, and its task groups are worked on again.
//! What is taken in twice is the same file, and what is left half-way is taken in by the next who looks.

mod checked;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::campaign::file::Campaign;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::fs::sparse::{Adopted, adopt};
use crate::gather::received::Ids;
use crate::id::GroupIndex;
use crate::layout::{CampaignDir, EntryKind, GroupDir};
use crate::shard::judge;
use crate::shard::receipt::Receipt;

/// No file of a task group is larger, in bytes.
const FILE_MAX: u64 = 1 << 36;

/// No log is.
const LOG_MAX: u64 = 64 << 20;

/// So much of what a task printed is kept.
const PRINTED_MAX: u64 = 64 << 10;

/// No directory holds more entries.
const ENTRIES_MAX: usize = 4096;

/// No task group has more receipts from one task: each life of a task leaves one at most, and it is over with the first.
const RECEIPTS_MAX: usize = 16;

/// So much is told of what was refused.
const REFUSED_MAX: usize = 3;

/// Takes in what tasks of one campaign returned.
pub struct Taker<'a> {
    campaign: &'a Campaign,
    plan: Digest,
    scorer: Digest,
    /// The ids of the library, once somebody asks.
    ids: Option<Ids>,
}

/// What came of one task.
#[derive(Debug, Default)]
pub struct Taken {
    /// How many files have their place now.
    pub files: u64,
    /// What was refused, and why: sentences without a full stop.
    pub refused: Vec<String>,
}

impl Taken {
    /// Why something was refused, for people.
    pub fn complaint(&self) -> Option<String> {
        let more = self.refused.len().saturating_sub(REFUSED_MAX);
        let named = self.refused.iter().take(REFUSED_MAX).cloned().collect::<Vec<_>>().join("; ");
        let and_more = if more > 0 { format!(", and {more} more") } else { String::new() };
        (!self.refused.is_empty()).then(|| format!("what its node returned was refused: {named}{and_more}"))
    }
}

impl<'a> Taker<'a> {
    /// Of `campaign`.
    ///
    /// # Errors
    /// The campaign has no canonical form: a defect.
    pub fn of(campaign: &'a Campaign) -> Result<Self> {
        let scorer = campaign.file.identity.scorer.digest()?;
        Ok(Self { campaign, plan: campaign.plan.digest()?, scorer, ids: None })
    }

    /// Takes in what `task` of `wave` returned, which has ended and had `groups` to work on.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn take(&mut self, wave: u64, task: u64, groups: &[GroupIndex]) -> Result<Taken> {
        let from = self.campaign.dir.returned_task(wave, task);
        let taken = self.take_from(&from, wave, task, groups)?;
        if taken.refused.is_empty() {
            // What is left is of no use: rows without a receipt, or the checkpoints of what is sealed.
            groups.iter().try_for_each(|group| fs::tree::remove(from.group(*group).root()))?;
        }
        Ok(taken)
    }

    /// The same, where it lies in another place than its own.
    ///
    /// # Errors
    /// As [`Taker::take`].
    pub fn take_from(&mut self, from: &CampaignDir, wave: u64, task: u64, groups: &[GroupIndex]) -> Result<Taken> {
        let mut taken = Taken::default();
        if !is_dir(from.root()) {
            return Ok(taken);
        }
        for group in groups {
            self.group(from, *group, &mut taken)?;
        }
        for name in names(&from.groups(), &mut taken)? {
            if !groups.iter().any(|group| group.to_string() == name) {
                taken.refused.push(format!("`groups/{name}` is not of this task"));
            }
        }
        self.logs(from, wave, task, &mut taken)?;
        self.printed(from, wave, task)?;
        Ok(taken)
    }

    fn group(&mut self, from: &CampaignDir, group: GroupIndex, taken: &mut Taken) -> Result<()> {
        let (source, target) = (from.group(group), self.campaign.dir.group(group));
        let mut receipts = Vec::new();
        let mut others = Vec::new();
        for name in names(source.root(), taken)? {
            match GroupDir::entry(&name) {
                Some((attempt, kind)) => {
                    let size = size(&source.file(&attempt, kind));
                    match size.filter(|size| *size <= FILE_MAX) {
                        Some(_) if kind == EntryKind::Receipt && receipts.len() == RECEIPTS_MAX => {
                            taken.refused.push(format!("`groups/{group}/{name}` is one receipt too many"));
                        }
                        None => {
                            taken.refused.push(format!("`groups/{group}/{name}` is no plain file, or far too large"));
                        }
                        Some(_) if kind == EntryKind::Receipt => receipts.push(attempt),
                        Some(_) => others.push((attempt, kind)),
                    }
                }
                // What a writer that was killed left.
                None if fs::is_temporary(&name) => {}
                None => taken.refused.push(format!("`groups/{group}/{name}` is no file of a task group")),
            }
        }
        if receipts.is_empty() && others.is_empty() {
            return Ok(());
        }
        fs::create_dir(target.root())?;
        let mut sealed = Vec::new();
        for attempt in receipts {
            match self.sealed(&source, group, &attempt)? {
                Ok(receipt) => sealed.push(receipt),
                Err(why) => taken.refused.push(why),
            }
        }
        for receipt in self.agreeing(&target, group, sealed, taken)? {
            Self::put_sealed(&source, &target, &receipt, taken)?;
        }
        if judge::find(&self.proven(), &target, group)?.is_some() {
            return Ok(());
        }
        for (attempt, _) in others.into_iter().filter(|(_, kind)| *kind == EntryKind::Checkpoint) {
            self.checkpoint((&source, &target), group, attempt, taken)?;
        }
        Ok(())
    }

    fn put_sealed(source: &GroupDir, target: &GroupDir, receipt: &Receipt, taken: &mut Taken) -> Result<()> {
        let attempt = &receipt.attempt;
        put(&source.rows(attempt), &target.rows(attempt), taken)?;
        if receipt.files.is_some() {
            put(&source.files(attempt), &target.files(attempt), taken)?;
        }
        put(&source.receipt(attempt), &target.receipt(attempt), taken)
    }

    fn logs(&self, from: &CampaignDir, wave: u64, task: u64, taken: &mut Taken) -> Result<()> {
        for name in names(&from.logs(), taken)? {
            let Some(target) = self.campaign.dir.log_of_task(&name, wave, task) else {
                if !fs::is_temporary(&name) {
                    taken.refused.push(format!("`logs/{}` is no log of this task", name.escape_debug()));
                }
                continue;
            };
            let source = crate::layout::inside(&from.logs(), &name);
            if size(&source).is_none_or(|size| size > LOG_MAX) {
                taken.refused.push(format!("`logs/{name}` is no plain file, or far too large"));
                continue;
            }
            // What is newer takes the place of what an earlier look took in.
            fs::remove(&target)?;
            put(&source, &target, taken)?;
        }
        Ok(())
    }

    /// Adds what the task printed to the output of its wave.
    fn printed(&self, from: &CampaignDir, wave: u64, task: u64) -> Result<()> {
        let path = from.printed(task);
        if size(&path).is_none_or(|size| size == 0) {
            return Ok(());
        }
        let printed = fs::read_end(&path, PRINTED_MAX).map_err(|e| Error::io("cannot read", &path, &e))?;
        let output = self.campaign.dir.wave_output(wave);
        let mut log = fs::open_log(&output)?;
        let said = log.write_all(format!("task {task}:\n").as_bytes()).and_then(|()| log.write_all(&printed));
        said.map_err(|e| Error::io("cannot append to", &output, &e))?;
        fs::remove(&path)
    }
}

/// How many tasks of `wave` returned something that was not taken in yet.
pub fn waiting(dir: &CampaignDir, wave: u64) -> u64 {
    let places = below(&dir.returned_wave(wave)).into_iter().map(CampaignDir::new);
    places.filter(|place| !below(&place.groups()).is_empty()).count() as u64
}

/// The logs among what the tasks of all waves returned that was not taken in yet.
pub fn logs(dir: &CampaignDir) -> Vec<PathBuf> {
    let waves = below(&dir.returned());
    let places: Vec<_> =
        waves.iter().flat_map(|wave| below(wave)).filter(|place| is_dir(place)).map(CampaignDir::new).collect();
    places.iter().flat_map(|place| below(&place.logs())).filter(|path| size(path).is_some()).collect()
}

/// What is in the directory at `path`, sorted; nothing if it is none, or a link to one.
fn below(path: &Path) -> Vec<PathBuf> {
    if !is_dir(path) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Moves a file that was checked.
fn put(from: &Path, to: &Path, taken: &mut Taken) -> Result<()> {
    if adopt(from, to)? == Adopted::Yes {
        taken.files += 1;
    }
    Ok(())
}

/// The size of the plain file at `path`; none for a link and anything else.
fn size(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len())
}

fn is_dir(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// The names in the directory at `path`, sorted; none where there is no directory. A link to one is refused, and so is what is not text.
fn names(path: &Path, taken: &mut Taken) -> Result<Vec<String>> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        _ => {
            taken.refused.push(format!("`{}` is no directory", path.display()));
            return Ok(Vec::new());
        }
    }
    let refused = |e: std::io::Error| Error::io("cannot list", path, &e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(refused)? {
        match entry.map_err(refused)?.file_name().into_string() {
            Ok(name) if names.len() < ENTRIES_MAX => names.push(name),
            _ => {
                taken
                    .refused
                    .push(format!("`{}` holds too many entries, or one whose name is not text", path.display()));
                break;
            }
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
#[path = "returned_tests.rs"]
mod tests;
