//! Compare and swap: a file or a directory takes a name only from the one that its writer has read.
//!
//! Two names are exchanged in one step, and then the writer looks at what came out. So of several
//! writers none overwrites what another has written without knowing it, and a dead one holds nothing
//! up. Where a file system cannot exchange names, what has the name is compared just before the rename.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with};
use rustix::io::Errno;

use super::{Staged, fault, sync_dir};
use crate::error::{Error, Result};

/// A directory that stays the same one, whoever has its name by now.
#[derive(Debug)]
pub struct Pinned {
    dir: File,
    path: PathBuf,
}

/// What became of an attempt to take a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swapped {
    /// The name was taken from what was expected.
    Done,
    /// Another writer was first: this is the content that its file had. Whose file has the name now is open.
    Others(Vec<u8>),
}

impl Pinned {
    /// The directory that is at `path` now.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| Error::input(path, &e.into()))?;
        Ok(Self { dir: File::from(dir), path: path.to_path_buf() })
    }

    /// Whether it still has the name that it was opened by.
    pub fn is_in_place(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (pinned, named) = (self.dir.metadata().map(identity), fs::metadata(&self.path).map(identity));
        matches!((pinned, named), (Ok(pinned), Ok(named)) if pinned == named)
    }

    /// The content of the plain file `name` in it, if that is there; no more than `bytes_max` of it is read.
    ///
    /// # Errors
    /// It is no plain file or longer (exit 2), or the system refuses (exit 6).
    pub fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.dir, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(Error::io("cannot read", &path, &e.into())),
        };
        let mut bytes = Vec::new();
        let refused = |e: io::Error| Error::io("cannot read", &path, &e);
        let is_file = file.metadata().map_err(refused)?.is_file();
        if is_file {
            file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(refused)?;
        }
        if !is_file || bytes.len() as u64 > bytes_max {
            return Err(Error::usage(format!("`{}` is no plain file, or too long", path.display())));
        }
        Ok(Some(bytes))
    }
}

impl Staged {
    /// As [`Staged::commit`], but in the directory `dir`, whatever has its name by now.
    ///
    /// # Errors
    /// The system refuses (exit 6); the name still stands for what it stood for.
    pub fn commit_in(mut self, dir: &Pinned) -> Result<()> {
        self.sync()?;
        self.take_name(dir, RenameFlags::empty()).map_err(|e| self.refused(&e))?;
        self.committed = fault::RENAME;
        sync_dir(&dir.dir, &dir.path)
    }

    /// Takes its name in `dir` from a file that holds `expected`, or from nobody if that is none.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn swap_in(mut self, dir: &Pinned, expected: Option<&[u8]>, bytes_max: u64) -> Result<Swapped> {
        self.sync()?;
        let name = self.name().to_owned();
        let found = dir.read(&name, bytes_max)?;
        if found.as_deref() != expected {
            return Ok(Swapped::Others(found.unwrap_or_default()));
        }
        let how = if expected.is_some() { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
        match self.take_name(dir, how) {
            Ok(()) => {}
            // Somebody else was there a moment before.
            Err(e) if is(&e, &[Errno::EXIST, Errno::NOENT]) => return Ok(Swapped::Others(Vec::new())),
            Err(e) if is(&e, &[Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP]) => {
                return self.commit_in(dir).map(|()| Swapped::Done);
            }
            Err(e) => return Err(self.refused(&e)),
        }
        sync_dir(&dir.dir, &dir.path)?;
        let Some(expected) = expected else {
            self.committed = fault::RENAME;
            return Ok(Swapped::Done);
        };
        if !fault::RENAME {
            return Ok(Swapped::Done);
        }
        // Under the temporary name there is now what had the name; it goes away when this is dropped.
        let out = super::read_plain(&self.temporary).map_err(|e| Error::io("cannot read", &self.temporary, &e))?;
        Ok(if out == expected { Swapped::Done } else { Swapped::Others(out) })
    }

    fn name(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn take_name(&self, dir: &Pinned, how: RenameFlags) -> io::Result<()> {
        fault::before_write();
        if !fault::RENAME {
            return fault::copy_slowly(&self.temporary, &self.path);
        }
        let renamed = if how.is_empty() {
            rustix::fs::renameat(CWD, &self.temporary, &dir.dir, self.name())
        } else {
            renameat_with(CWD, &self.temporary, &dir.dir, self.name(), how)
        };
        renamed?;
        fault::renamed(&self.temporary, &self.path);
        Ok(())
    }

    fn refused(&self, e: &io::Error) -> Error {
        Error::io("cannot rename to", &self.path, e)
    }
}

/// Whether `error` is one of `known`.
fn is(error: &io::Error, known: &[Errno]) -> bool {
    known.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// What a directory and some files in it were at one moment, without their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight(Vec<Option<Identity>>);

/// Device, inode, length, and when it was last written in seconds and nanoseconds.
type Identity = (u64, u64, u64, i64, i64);

/// Looks at the directory `dir` and at the files `names` in it. Two looks are equal if nobody has put anything else there between
/// them: files here are replaced, never written to.
pub fn look(dir: &Path, names: &[&str]) -> Sight {
    let file = |path: PathBuf| {
        let found = fs::symlink_metadata(path).ok()?;
        Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
    };
    let itself = fs::metadata(dir).ok().map(|found| (found.dev(), found.ino(), 0, 0, 0));
    Sight(std::iter::once(itself).chain(names.iter().map(|name| file(dir.join(name)))).collect())
}

impl Sight {
    /// Whether there was a directory.
    pub fn is_there(&self) -> bool {
        self.0.first().is_some_and(Option::is_some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(dir: &Path, expected: Option<&[u8]>, bytes: &[u8]) -> Swapped {
        let mut staged = Staged::create_outside(&dir.join("a")).unwrap();
        staged.write(bytes).unwrap();
        staged.swap_in(&Pinned::open(dir).unwrap(), expected, 100).unwrap()
    }

    #[test]
    fn a_name_is_taken_from_what_was_read_and_from_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("pack");
        super::super::create_dir(&dir).unwrap();
        let now = || fs::read_to_string(dir.join("a")).unwrap();
        assert_eq!(swap(&dir, None, b"one"), Swapped::Done);
        assert_eq!(swap(&dir, None, b"two"), Swapped::Others(b"one".to_vec()));
        assert_eq!(swap(&dir, Some(b"zero"), b"two"), Swapped::Others(b"one".to_vec()));
        assert_eq!(now(), "one");
        assert_eq!(swap(&dir, Some(b"one"), b"two"), Swapped::Done);
        assert_eq!(now(), "two");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_pinned_directory_is_the_same_one_when_another_has_its_name() {
        let root = tempfile::tempdir().unwrap();
        let (dir, aside) = (root.path().join("pack"), root.path().join("aside"));
        super::super::create_dir(&dir).unwrap();
        let (pinned, before) = (Pinned::open(&dir).unwrap(), look(&dir, &["a"]));
        assert!(pinned.is_in_place());
        fs::rename(&dir, &aside).unwrap();
        assert!(!pinned.is_in_place());
        super::super::create_dir(&dir).unwrap();
        let mut staged = Staged::create_outside(&dir.join("a")).unwrap();
        staged.write(b"signed").unwrap();
        assert_eq!(staged.swap_in(&pinned, None, 100).unwrap(), Swapped::Done);
        assert!(!pinned.is_in_place() && aside.join("a").exists() && !dir.join("a").exists());
        assert_ne!(look(&dir, &["a"]), before);
    }

    #[test]
    fn many_writers_that_join_lose_nothing() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("pack");
        super::super::create_dir(&dir).unwrap();
        let add = |name: u8| {
            let (pinned, mut mine) = (Pinned::open(&dir).unwrap(), vec![name]);
            loop {
                let found = pinned.read("a", 100).unwrap();
                mine.extend(found.iter().flatten());
                mine.sort_unstable();
                mine.dedup();
                if found.as_ref() == Some(&mine) {
                    return;
                }
                if let Swapped::Others(out) = swap(&dir, found.as_deref(), &mine) {
                    mine.extend(out);
                }
            }
        };
        std::thread::scope(|scope| {
            let add = &add;
            (0..16).for_each(|name| drop(scope.spawn(move || add(name))));
        });
        assert_eq!(fs::read(dir.join("a")).unwrap(), (0..16).collect::<Vec<u8>>());
    }
}
