//! A whole directory, written beside its final name and renamed when it is complete.
//!
//! A reader sees the old directory, or the new one, or (for an instant, on file systems that cannot
//! exchange two names) none; never a mixture, and never a part of the new one.

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, openat, renameat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::{create_dir, fault, hidden_beside, sync_parent};
use crate::clock;
use crate::error::{Error, Result};
use crate::id::AttemptId;

/// A leftover of a killed process is removed when it has not been touched for this long.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// A directory that is being filled and does not exist under its name until committed.
#[derive(Debug)]
pub struct StagedDir {
    temporary: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl StagedDir {
    /// Starts a directory that will be called `path`, and removes what killed predecessors left.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create_beside(path: &Path) -> Result<Self> {
        sweep(path);
        let temporary = hidden_beside(path)?;
        create_dir(&temporary)?;
        Ok(Self { temporary, path: path.to_path_buf(), committed: false })
    }

    /// Where it is being filled. Every file in it must be durable before [`StagedDir::commit`].
    pub fn building_at(&self) -> &Path {
        &self.temporary
    }

    /// Gives it its name; a directory that had the name is removed afterwards.
    ///
    /// # Errors
    /// The system refuses (exit 6); the name then stands for what it stood for, or for nothing.
    pub fn commit(self) -> Result<()> {
        self.commit_if(|_| true).map(drop)
    }

    /// As [`StagedDir::commit`], if what has the name `is_expected`: asked before, and again of what came out when the names
    /// were exchanged. If it is not, it keeps its name, and this directory is given back.
    ///
    /// # Errors
    /// As [`StagedDir::commit`].
    pub fn commit_if(mut self, is_expected: impl Fn(&Path) -> bool) -> Result<Option<Self>> {
        let refused = |path: &Path, e: &io::Error| Error::io("cannot rename to", path, e);
        if !is_expected(&self.path) {
            return Ok(Some(self));
        }
        let old = match self.swap_in() {
            Ok(old) => old,
            // Somebody else gave another directory the name that was free.
            Err(e) if !is_expected(&self.path) && e.kind() == io::ErrorKind::DirectoryNotEmpty => {
                return Ok(Some(self));
            }
            Err(e) => return Err(refused(&self.path, &e)),
        };
        if let Some(old) = old.as_ref().filter(|old| !is_expected(old)) {
            self.put_back(old).map_err(|e| refused(&self.path, &e))?;
            return Ok(Some(self));
        }
        self.committed = true;
        sync_parent(&self.path)?;
        if let Some(old) = old {
            fault::before_write();
            // The new directory stands; what cannot be removed now is swept by a later run.
            let _ = fs::remove_dir_all(old);
        }
        Ok(None)
    }

    fn exchange(&self) -> rustix::io::Result<()> {
        fault::before_write();
        renameat_with(CWD, &self.temporary, CWD, &self.path, RenameFlags::EXCHANGE)
    }

    /// Gives the name back to the directory that had it, and is at `old` now.
    fn put_back(&self, old: &Path) -> io::Result<()> {
        if *old == self.temporary {
            return Ok(self.exchange()?);
        }
        fault::before_write();
        fs::rename(&self.path, &self.temporary)?;
        fs::rename(old, &self.path)
    }

    /// Puts the new directory in place; where the old one is now, if there was one.
    fn swap_in(&self) -> io::Result<Option<PathBuf>> {
        if !self.path.exists() {
            fault::before_write();
            return fs::rename(&self.temporary, &self.path).map(|()| None);
        }
        match self.exchange() {
            Ok(()) => return Ok(Some(self.temporary.clone())),
            Err(e) if e == rustix::io::Errno::NOENT => return Err(e.into()),
            Err(_) => {}
        }
        // No exchange on this file system: step aside, then take the name.
        let aside = self.temporary.with_extension("old");
        fs::rename(&self.path, &aside)?;
        fault::before_write();
        fs::rename(&self.temporary, &self.path)?;
        Ok(Some(aside))
    }
}

impl Drop for StagedDir {
    /// An uncommitted directory goes away.
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// Removes what killed processes left beside `path` on their way to it. Nobody waits for it and nothing depends on it.
pub(super) fn sweep(path: &Path) {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str())) else { return };
    let Ok(entries) = fs::read_dir(parent) else { return };
    let prefix = format!(".{name}.");
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let tag = file_name.to_str().and_then(|n| n.strip_prefix(&prefix)).and_then(|n| n.split_once('.'));
        let ours = tag.is_some_and(|(tag, end)| tag.parse::<AttemptId>().is_ok() && matches!(end, "tmp" | "old"));
        if ours && is_abandoned(&entry.path()) {
            fault::before_write();
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

/// Removes the directory at `path` with all that is in it, however deep; links in it are removed, not followed.
///
/// # Errors
/// The system refuses (exit 6); that it is already gone is fine.
pub fn remove(path: &Path) -> Result<()> {
    fault::before_write();
    let is_link = fs::symlink_metadata(path).is_ok_and(|facts| facts.is_symlink());
    let removed = if is_link { fs::remove_file(path) } else { clear(path).and_then(|()| fs::remove_dir(path)) };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("cannot remove", path, &e)),
        _ => Ok(()),
    }
}

/// Removes all that is in the directory at `path`. Directories of directories come up to `path` first, so that two of them are open
/// at a time, and nothing is called from within itself: somebody else may have made thousands of levels.
fn clear(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |dir: BorrowedFd<'_>, name: &CStr| openat(dir, name, flags, Mode::empty());
    let root = openat(CWD, path, flags, Mode::empty())?;
    let tag = AttemptId::random().map_err(|e| io::Error::other(e.what().to_owned()))?;
    let (mut raised, mut next) = (0_u64, 0_u64);
    let name_of = |number: u64| CString::new(format!(".{tag}.{number}")).map_err(io::Error::other);
    let mut raise = |dir: BorrowedFd<'_>| -> io::Result<u64> {
        for name in entries(dir)? {
            match unlinkat(dir, &name, AtFlags::empty()) {
                Err(Errno::ISDIR | Errno::PERM) => {}
                Err(Errno::NOENT) | Ok(()) => continue,
                Err(e) => return Err(e.into()),
            }
            match unlinkat(dir, &name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(Errno::NOENT) | Ok(()) => continue,
                Err(e) => return Err(e.into()),
            }
            renameat(dir, &name, &root, name_of(raised)?)?;
            raised += 1;
        }
        Ok(raised)
    };
    let mut all = raise(root.as_fd())?;
    while next < all {
        let name = name_of(next)?;
        all = raise(open(root.as_fd(), &name)?.as_fd())?;
        unlinkat(&root, &name, AtFlags::REMOVEDIR)?;
        next += 1;
    }
    Ok(())
}

/// The names in the directory `dir`.
fn entries(dir: BorrowedFd<'_>) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        if ![c".", c".."].contains(&entry.file_name()) {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

/// Whether `path`, and what is in it if it is a directory, was not touched for an hour.
pub fn is_abandoned(path: &Path) -> bool {
    let touched = |path: &Path| {
        let modified = fs::symlink_metadata(path).and_then(|m| m.modified()).ok()?;
        modified.duration_since(std::time::UNIX_EPOCH).ok()
    };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let files: Vec<PathBuf> = entries.map(|e| e.path()).collect();
    let newest = files.iter().map(PathBuf::as_path).chain([path]).filter_map(touched).max();
    let now = Duration::from_millis(clock::unix_ms());
    newest.is_some_and(|newest| newest + LEFTOVER_AGE < now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(dir: &StagedDir, text: &str) {
        super::super::write_new(&dir.building_at().join("a"), text.as_bytes()).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_directory_appears_whole_and_replaces_the_old_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pack");
        for text in ["one", "two"] {
            let staged = StagedDir::create_beside(&path).unwrap();
            fill(&staged, text);
            staged.commit().unwrap();
            assert_eq!(fs::read_to_string(path.join("a")).unwrap(), text);
            assert_eq!(names(root.path()), ["pack"]);
        }
    }

    #[test]
    fn a_directory_that_has_changed_meanwhile_keeps_its_name() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("pack");
        let other = StagedDir::create_beside(&path).unwrap();
        fill(&other, "other");
        let asked = std::cell::Cell::new(0);
        other.commit().unwrap();
        for changes_before in [1, 2] {
            let staged = StagedDir::create_beside(&path).unwrap();
            fill(&staged, "mine");
            asked.set(0);
            let expected = |_: &Path| {
                asked.set(asked.get() + 1);
                asked.get() < changes_before
            };
            let back = staged.commit_if(expected).unwrap().expect("it is given back");
            assert_eq!(fs::read_to_string(path.join("a")).unwrap(), "other");
            assert_eq!(fs::read_to_string(back.building_at().join("a")).unwrap(), "mine");
            drop(back);
            assert_eq!(names(root.path()), ["pack"]);
        }
    }

    #[test]
    fn a_tree_is_removed_however_deep_it_is_and_what_its_links_lead_to_stays() {
        let root = tempfile::tempdir().unwrap();
        let (victim, path) = (root.path().join("victim"), root.path().join("deep"));
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("mine"), "mine").unwrap();
        fs::create_dir_all(path.join("empty/er")).unwrap();
        std::os::unix::fs::symlink(&victim, path.join("empty/link")).unwrap();
        // More levels than a process may have files open, each with a file and a twin.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut dir = openat(CWD, &path, flags, Mode::empty()).unwrap();
        let levels = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(0).min(20_000);
        for _ in 0..levels.max(3000) {
            for name in ["a", "b"] {
                rustix::fs::mkdirat(&dir, name, Mode::RWXU).unwrap();
            }
            openat(&dir, "c", OFlags::WRONLY | OFlags::CREATE, Mode::RWXU).unwrap();
            dir = openat(&dir, "a", flags, Mode::empty()).unwrap();
        }
        remove(&path).unwrap();
        assert_eq!(names(root.path()), ["victim"]);
        assert_eq!(fs::read(victim.join("mine")).unwrap(), b"mine");
        remove(&path).unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        remove(&path).unwrap();
        assert!(victim.join("mine").exists() && !path.is_symlink());
    }

    #[test]
    fn what_is_not_committed_goes_away() {
        let root = tempfile::tempdir().unwrap();
        let staged = StagedDir::create_beside(&root.path().join("pack")).unwrap();
        fill(&staged, "one");
        drop(staged);
        assert!(names(root.path()).is_empty());
    }

    #[test]
    fn only_old_leftovers_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let (old, new, foreign) = (".pack.0123456789abcdef.tmp", ".pack.00112233445566aa.tmp", ".pack.keep.tmp");
        for name in [old, new, foreign] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        for name in [old, foreign] {
            let dir = fs::File::open(root.path().join(name)).unwrap();
            dir.set_modified(std::time::UNIX_EPOCH).unwrap();
        }
        drop(StagedDir::create_beside(&root.path().join("pack")).unwrap());
        let mut left = names(root.path());
        left.sort();
        assert_eq!(left, [new, foreign]);
    }
}
