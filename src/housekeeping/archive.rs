//! Archive: what answers questions later, in one file; the bulky rest may go.
//!
//! The pack as it is, the frozen request without its secrets, the plan, the journal, the receipts, the kept files,
//! the snapshot's description, what was launched, and the ends of the logs. Members are sorted and
//! all dated by the last event, so that the same campaign gives the same tar. The archive is read
//! back before anything is removed. Kept files are results that the pack does not hold, so they are never removed.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::carried;
use super::clean::{at_work, entries, size};
use crate::campaign::file::Campaign;
use crate::canonical::json;
use crate::digest::{self, Digest, Sha256};
use crate::error::{Error, Kind, Result};
use crate::fs::{self, Staged};
use crate::journal::event::Event;
use crate::journal::state::{Phase, State};
use crate::journal::{self, Journal};
use crate::layout::{EntryKind, SnapshotDir};
use crate::pack::verify::{self, Trust};
use crate::scorer::identity::ScorerLaunch;
use crate::shard::recover;

/// So much of the end of each log is kept.
const LOG_BYTES: u64 = 64 << 10;

/// Dense enough for text, and still faster than a disk.
const LEVEL: i32 = 9;

/// What was archived.
#[derive(Clone, Debug)]
pub struct Archived {
    /// The archive.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
    /// How many files are in it.
    pub members: u64,
    /// How much room the rows took that were removed.
    pub freed: u64,
    /// How many of the files in it are archives of kept files; they stay in the campaign directory as well.
    pub kept_archives: u64,
    /// Their length.
    pub kept_bytes: u64,
}

/// Archives a finished campaign to `out`, which must not be there, and removes its rows if asked.
///
/// # Errors
/// It is not finished (exit 3), its pack does not verify (exit 4), `out` exists (exit 2), or the system refuses (exit 6).
pub fn archive(campaign: &Campaign, out: &Path, remove_rows: bool) -> Result<Archived> {
    let state = State::of(&journal::read(&campaign.dir)?.entries)?;
    ready(campaign, &state)?;
    fs::must_be_new(out)?;
    let (written, mut staged) = write(campaign, state.last_ms / 1000, Staged::create_beside(out)?)?;
    check(&mut staged, &written)?;
    let (sha256, bytes) = fs::sha256_input(staged.temporary_path())?;
    staged.commit_to_new()?;
    // The event comes before the removal: nobody takes rows for lost that were put away.
    let (mut journal, _) = Journal::take_over(&campaign.dir)?;
    journal.record(Event::Archived { sha256, bytes, rows_removed: remove_rows })?;
    let freed = if remove_rows { remove(campaign, state.waves)? } else { 0 };
    let kept = kept_archives(campaign)?;
    let kept_bytes = kept.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
    let (members, kept_archives) = (written.len() as u64, kept.len() as u64);
    Ok(Archived { path: out.to_path_buf(), bytes, sha256, members, freed, kept_archives, kept_bytes })
}

/// Only what is finished and verifies is archived: afterwards it may be all that there is.
fn ready(campaign: &Campaign, state: &State) -> Result<()> {
    let dir = campaign.dir.root().display();
    if state.phase != Phase::Complete || at_work(campaign, state).is_some() || !campaign.dir.pack().is_dir() {
        return Err(Error::new(Kind::Incomplete, format!("`{dir}` is not finished"))
            .hint(format!("`molsieve resume {dir}` goes on; what is finished can be archived")));
    }
    let report = verify::verify(&campaign.dir.pack(), &Trust::integrity())?;
    match report.problems.first() {
        None => Ok(()),
        Some(problem) => Err(Error::verification(format!("the pack of `{dir}` does not verify: {}", problem.message))
            .hint("nothing was archived or removed; `molsieve gather` seals the pack anew from the rows")),
    }
}

/// Where the bytes of a member are.
enum Member {
    Bytes(Vec<u8>),
    File(PathBuf),
    /// The last lines of a log.
    Tail(PathBuf),
}

/// What goes in, by its name in the archive.
fn members(campaign: &Campaign) -> Result<BTreeMap<PathBuf, Member>> {
    let dir = &campaign.dir;
    let mut all = BTreeMap::new();
    let name = |path: &Path| path.strip_prefix(dir.root()).unwrap_or(path).to_path_buf();
    let mut files = vec![dir.plan()];
    files.extend(entries(&dir.pack())?);
    files.extend(kept_archives(campaign)?);
    files.extend(entries(&dir.journal())?);
    files.extend(entries(&dir.launch())?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "tasks")));
    for group in campaign.plan.all_groups() {
        let group_dir = dir.group(group);
        let receipts = recover::attempts(&group_dir, EntryKind::Receipt)?;
        if receipts.is_empty() {
            return Err(Error::new(
                Kind::Incomplete,
                format!(
                    "task group {group} of `{}` has no receipt, though the campaign is finished",
                    dir.root().display()
                ),
            )
            .hint("put back what was taken away; an archive without it could not answer for those records"));
        }
        files.extend(receipts.iter().map(|attempt| group_dir.receipt(attempt)));
    }
    all.extend(files.into_iter().map(|path| (name(&path), Member::File(path))));
    all.extend(entries(&dir.logs())?.into_iter().map(|path| (name(&path), Member::Tail(path))));
    let snapshot = SnapshotDir::new(dir.library_named(&campaign.file.execution.library)).snapshot();
    all.insert(PathBuf::from("library-snapshot.json"), Member::File(snapshot));
    all.insert(name(&dir.campaign()), Member::Bytes(without_secrets(campaign)?));
    Ok(all)
}

/// The archives of kept files that receipts may speak of, as far as they are there.
fn kept_archives(campaign: &Campaign) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for group in campaign.plan.all_groups() {
        let dir = campaign.dir.group(group);
        let archives = recover::attempts(&dir, EntryKind::Receipt)?.into_iter().map(|attempt| dir.files(&attempt));
        all.extend(archives.filter(|path| std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())));
    }
    Ok(all)
}

/// `campaign.json` with digests in place of the environment's values, and without the place of the key.
fn without_secrets(campaign: &Campaign) -> Result<Vec<u8>> {
    let mut file = campaign.file.clone();
    file.execution.key = None;
    if let Some(written) = file.request.get_mut("scorer.env") {
        *written = digest::sha256(written.as_bytes()).sha256_uri();
    }
    if let ScorerLaunch::Command(command) = &mut file.execution.scorer {
        command.env.values_mut().for_each(|value| *value = digest::sha256(value.as_bytes()).sha256_uri());
    }
    json::to_line(&file)
}

/// Writes the archive; what is in it.
fn write(campaign: &Campaign, mtime_s: u64, staged: Staged) -> Result<(BTreeMap<PathBuf, Digest>, Staged)> {
    let path = staged.path().to_path_buf();
    let refused = |e: &io::Error| Error::io("cannot write", &path, e);
    let encoder = zstd::Encoder::new(staged, LEVEL).map_err(|e| refused(&e))?;
    let (mut tar, mut written) = (tar::Builder::new(encoder), BTreeMap::new());
    for (name, member) in members(campaign)? {
        let (mut from, length): (Box<dyn Read>, u64) = match member {
            Member::Bytes(bytes) => {
                let length = bytes.len() as u64;
                (Box::new(io::Cursor::new(bytes)), length)
            }
            Member::Tail(path) => {
                let bytes = tail(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
                let length = bytes.len() as u64;
                (Box::new(io::Cursor::new(bytes)), length)
            }
            Member::File(path) => {
                let unreadable = |e: &io::Error| Error::io("cannot read", &path, e);
                let file = fs::open_plain(&path).map_err(|e| unreadable(&e))?;
                let length = file.metadata().map_err(|e| unreadable(&e))?.len();
                (Box::new(file.take(length)), length)
            }
        };
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o644);
        header.set_mtime(mtime_s);
        let mut hashing = Hashing { from: &mut from, sha256: Sha256::default() };
        tar.append_data(&mut header, &name, &mut hashing).map_err(|e| refused(&e))?;
        written.insert(name, hashing.sha256.finish());
    }
    let encoder = tar.into_inner().map_err(|e| refused(&e))?;
    let mut staged = encoder.finish().map_err(|e| refused(&e))?;
    Write::flush(&mut staged).map_err(|e| refused(&e))?;
    Ok((written, staged))
}

/// Reads the archive back: every member is there, with the bytes that were meant.
fn check(staged: &mut Staged, written: &BTreeMap<PathBuf, Digest>) -> Result<()> {
    let path = staged.path().to_path_buf();
    let wrong = |what: String| {
        Error::environment(format!("`{}` does not hold what was written: {what}", path.display()))
            .hint("the disk or its file system is not sound; nothing was removed")
    };
    let file = staged.seekable()?;
    file.seek(SeekFrom::Start(0)).map_err(|e| wrong(e.to_string()))?;
    let decoder = zstd::Decoder::new(file).map_err(|e| wrong(e.to_string()))?;
    let (mut tar, mut found) = (tar::Archive::new(decoder), BTreeMap::new());
    for entry in tar.entries().map_err(|e| wrong(e.to_string()))? {
        let mut entry = entry.map_err(|e| wrong(e.to_string()))?;
        let name = entry.path().map_err(|e| wrong(e.to_string()))?.into_owned();
        let mut hashing = Hashing { from: &mut entry, sha256: Sha256::default() };
        io::copy(&mut hashing, &mut io::sink()).map_err(|e| wrong(e.to_string()))?;
        found.insert(name, hashing.sha256.finish());
    }
    if found == *written { Ok(()) } else { Err(wrong("a member is missing or differs".to_owned())) }
}

/// A reader that hashes what passes.
struct Hashing<'a> {
    from: &'a mut dyn Read,
    sha256: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buffer)?;
        self.sha256.update(&buffer[..n]);
        Ok(n)
    }
}

/// The last lines of a log.
fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = fs::open_plain(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let whole_line = memchr::memchr(b'\n', &bytes).filter(|_| from > 0).map_or(0, |at| at + 1);
    Ok(bytes.split_off(whole_line))
}

/// Removes rows and checkpoints, and what is left of what was carried to nodes and back in so many waves; the receipts and the kept
/// files stay.
fn remove(campaign: &Campaign, waves: u64) -> Result<u64> {
    let mut freed = 0;
    for group in campaign.plan.all_groups() {
        let dir = campaign.dir.group(group);
        let rows = recover::attempts(&dir, EntryKind::Rows)?.into_iter().map(|attempt| dir.rows(&attempt));
        let checkpoints =
            recover::attempts(&dir, EntryKind::Checkpoint)?.into_iter().map(|attempt| dir.checkpoint(&attempt));
        for path in rows.chain(checkpoints) {
            freed += std::fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len());
            fs::remove(&path)?;
        }
    }
    // (It is complete: every task group is sealed.)
    for (path, _) in carried::leftovers(campaign, waves, &|_| true)? {
        freed += size(&path);
        fs::tree::remove(&path)?;
    }
    Ok(freed)
}
