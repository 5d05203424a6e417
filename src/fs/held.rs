//! A directory that is held by a descriptor, and shared with a process that is not trusted.
//!
//! Its name may come to stand for something else at any moment; the descriptor does not. So what lies in it is reached from there,
//! one component after another, and never through a link.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::fault;
use super::sparse::Sparse;
use crate::error::{Error, Result};

/// A directory, and what it was called when it was made.
#[derive(Debug)]
pub struct Held {
    dir: File,
    path: PathBuf,
    /// The same without links, for whoever asks the system where it is.
    real: PathBuf,
}

impl Held {
    /// Holds `dir`, a directory that was opened without following a link and is at `path`.
    pub fn new(dir: File, path: PathBuf) -> Self {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        Self { dir, path, real }
    }

    /// Holds the directory at `path`, which a user named and which is trusted up to there: it is made where it is not there.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn at(path: &Path) -> Result<Self> {
        super::create_dir(path)?;
        let dir = File::open(path).map_err(|e| Error::io("cannot open the directory", path, &e))?;
        Ok(Self::new(dir, path.to_path_buf()))
    }

    /// Where it was made: absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Another hold on it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn another(&self) -> io::Result<Self> {
        Ok(Self { dir: self.dir.try_clone()?, path: self.path.clone(), real: self.real.clone() })
    }

    /// Whether its name still stands for it.
    pub fn is_in_place(&self) -> bool {
        self.is_at(&self.path)
    }

    fn is_at(&self, path: &Path) -> bool {
        let same = |facts: fs::Metadata, ours: fs::Metadata| facts.dev() == ours.dev() && facts.ino() == ours.ino();
        fs::symlink_metadata(path).is_ok_and(|facts| self.dir.metadata().is_ok_and(|ours| same(facts, ours)))
    }

    /// The part of `path` below the directory, if it names something in it: absolute, and without `..`.
    pub fn below(&self, path: &Path) -> Option<PathBuf> {
        let below = path.strip_prefix(&self.path).or_else(|_| path.strip_prefix(&self.real)).ok()?;
        let is_plain = below.components().all(|part| matches!(part, Component::Normal(_)));
        (is_plain && below.file_name().is_some()).then(|| below.to_path_buf())
    }

    /// Opens what is at `below` for reading, without waiting for anybody and through no link.
    ///
    /// # Errors
    /// The system refuses, or there is a link on the way.
    pub fn open(&self, below: &Path) -> io::Result<File> {
        let (parent, name) = self.parent_of(below)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(openat(parent, name, flags, Mode::empty())?))
    }

    /// Removes the file at `below`; that it is already gone is fine.
    ///
    /// # Errors
    /// The system refuses, or there is a link on the way.
    pub fn remove(&self, below: &Path) -> io::Result<()> {
        let (parent, name) = self.parent_of(below)?;
        fault::before_write();
        unlink(&parent, name)
    }

    /// Makes a new file at `below`, `length` bytes long, and the directories on the way that are not there. What had the name loses
    /// it and stays as it is, so that no other name of it is written to. Its owner alone may read it.
    ///
    /// # Errors
    /// The system refuses, or there is a link or something else than a directory on the way (exit 6).
    pub fn create(&self, below: &Path, length: u64) -> Result<Sparse> {
        let path = self.path.join(below);
        let made = || {
            let (parent, name) = self.parent_made_of(below)?;
            fault::before_write();
            unlink(&parent, name)?;
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Ok(File::from(openat(parent, name, flags, Mode::RUSR | Mode::WUSR)?))
        };
        let file = made().map_err(|e: io::Error| Error::io("cannot create", &path, &e))?;
        Sparse::of(file, path, length)
    }

    /// Makes the file at `below` a program for everybody who may read it; a link to one is none.
    ///
    /// # Errors
    /// The system refuses, or there is a link on the way.
    pub fn make_executable(&self, below: &Path) -> io::Result<()> {
        let file = self.open(below)?;
        let mut permissions = file.metadata()?.permissions();
        let mode = permissions.mode();
        fault::before_write();
        permissions.set_mode(mode | (mode & 0o444) >> 2);
        file.set_permissions(permissions)
    }

    /// The directory in which `below` lies, and its name there.
    fn parent_of<'b>(&self, below: &'b Path) -> io::Result<(File, &'b Path)> {
        self.walk(below, |_, _| Ok(()))
    }

    /// The same, and what is not there of the way to it is made.
    fn parent_made_of<'b>(&self, below: &'b Path) -> io::Result<(File, &'b Path)> {
        self.walk(below, |dir, part| {
            fault::before_write();
            match mkdirat(dir, part, Mode::from_raw_mode(0o777)) {
                Err(e) if e != Errno::EXIST => Err(e.into()),
                _ => Ok(()),
            }
        })
    }

    /// Goes to the directory in which `below` lies, through no link, and does `before` with each name on the way.
    fn walk<'b>(
        &self,
        below: &'b Path,
        before: impl Fn(&File, &OsStr) -> io::Result<()>,
    ) -> io::Result<(File, &'b Path)> {
        let Some((name, above)) = below.components().next_back().zip(below.parent()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut dir = self.dir.try_clone()?;
        for part in above.components() {
            before(&dir, part.as_os_str())?;
            dir = File::from(openat(&dir, part.as_os_str(), flags, Mode::empty())?);
        }
        Ok((dir, Path::new(name.as_os_str())))
    }

    /// Removes it with all that is in it, as far as the system lets, wherever it is now. What has its name instead is left
    /// alone, unless that is a mere link.
    pub fn clear(&self) {
        if self.is_in_place() {
            let _ = fs::remove_dir_all(&self.path);
            return;
        }
        // The system knows where a descriptor leads, and leads there whatever is on the way.
        let own = PathBuf::from(format!("/proc/self/fd/{}", self.dir.as_raw_fd()));
        for entry in fs::read_dir(&own).into_iter().flatten().flatten() {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let _ = if is_dir { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        }
        if let Ok(now) = fs::read_link(&own)
            && self.is_at(&now)
        {
            // Only an empty directory can be removed so.
            let _ = fs::remove_dir(now);
        }
        if fs::symlink_metadata(&self.path).is_ok_and(|facts| facts.is_symlink()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes the name `name` in `dir` from the file that has it; that there is none is fine.
fn unlink(dir: &File, name: &Path) -> io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Err(e) if e != Errno::NOENT => Err(e.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn held(path: &Path) -> Held {
        fs::create_dir(path).unwrap();
        Held::new(File::open(path).unwrap(), path.to_path_buf())
    }

    #[test]
    fn what_took_the_name_of_a_directory_is_neither_read_nor_removed() {
        let (place, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(victim.path().join("secret"), b"secret").unwrap();
        let dir = held(&place.path().join("tmp"));
        fs::create_dir(place.path().join("tmp/sub")).unwrap();
        fs::write(place.path().join("tmp/sub/pose"), b"pose").unwrap();
        fs::rename(place.path().join("tmp"), place.path().join("moved")).unwrap();
        symlink(victim.path(), place.path().join("tmp")).unwrap();
        assert!(!dir.is_in_place());
        assert!(dir.open(Path::new("secret")).is_err());
        dir.remove(Path::new("secret")).unwrap();
        assert!(dir.open(Path::new("sub/pose")).is_ok(), "it is still where the descriptor leads");
        dir.clear();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "neither the moved directory nor the link is left");
        assert!(victim.path().join("secret").exists());
        // A directory of somebody else that has the name is not ours to remove.
        let dir = held(&place.path().join("tmp"));
        fs::rename(place.path().join("tmp"), place.path().join("moved")).unwrap();
        fs::create_dir(place.path().join("tmp")).unwrap();
        fs::write(place.path().join("tmp/precious"), b"").unwrap();
        dir.clear();
        assert!(place.path().join("tmp/precious").exists() && !place.path().join("moved").exists());
    }

    #[test]
    fn a_file_is_made_anew_in_directories_that_are_no_links() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let dir = Held::at(&at("tmp")).unwrap();
        fs::write(at("victim"), b"mine").unwrap();
        fs::create_dir(at("outside")).unwrap();
        symlink(at("outside"), at("tmp/way-out")).unwrap();
        symlink(at("victim"), at("tmp/link")).unwrap();
        fs::hard_link(at("victim"), at("tmp/twin")).unwrap();
        dir.create(Path::new("way-out/a"), 3).unwrap_err();
        for name in ["link", "twin", "a/b/c"] {
            dir.create(Path::new(name), 5).unwrap().put(1, b"her").unwrap();
            assert_eq!(fs::read(at("tmp").join(name)).unwrap(), b"\0her\0", "{name}");
        }
        assert_eq!(fs::read(at("victim")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(at("outside")).unwrap().count(), 0);
        let too_large = dir.create(Path::new("large"), 1 << 62).unwrap_err();
        assert_eq!(too_large.kind(), crate::error::Kind::Environment, "no room that anybody makes helps: {too_large}");
        symlink(at("victim"), at("tmp/program")).unwrap();
        dir.make_executable(Path::new("program")).unwrap_err();
        dir.make_executable(Path::new("twin")).unwrap();
        assert!(super::super::put::is_executable(&at("tmp/twin")) && !super::super::put::is_executable(&at("victim")));
    }

    #[test]
    fn nothing_is_reached_through_a_link_or_from_outside() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("secret"), b"secret").unwrap();
        let dir = held(&place.path().join("tmp"));
        symlink(place.path(), place.path().join("tmp/way-out")).unwrap();
        symlink(place.path().join("secret"), place.path().join("tmp/link")).unwrap();
        for path in ["way-out/secret", "link", "nothing"] {
            assert!(dir.open(Path::new(path)).is_err(), "{path}");
        }
        assert!(dir.remove(Path::new("way-out/secret")).is_err() && place.path().join("secret").exists());
        let below = |path: &str| dir.below(&place.path().join(path));
        assert_eq!(below("tmp/a/b"), Some(PathBuf::from("a/b")));
        assert!(
            [below("tmp"), below("tmp/../secret"), below("secret"), dir.below(Path::new("a"))]
                .iter()
                .all(Option::is_none)
        );
    }
}
