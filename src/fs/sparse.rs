//! A file that is filled in places, and a file that changes hands.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Staged, fault, sync_file, sync_parent};
use crate::error::{Error, Result};

/// A file of which parts are there, at their places, and the rest reads as zeros and takes no room.
#[derive(Debug)]
pub struct Sparse {
    file: File,
    path: PathBuf,
}

impl Sparse {
    /// Makes `file`, which is new and at `path`, `length` bytes long.
    ///
    /// # Errors
    /// The system refuses, or no file may be so long there (exit 6).
    pub(super) fn of(file: File, path: PathBuf, length: u64) -> Result<Self> {
        file.set_len(length).map_err(|e| match e.kind() {
            // (It takes no room: that there is more of it would not help.)
            io::ErrorKind::FileTooLarge => {
                Error::environment(format!("no file may have {length} bytes at `{}`: {e}", path.display()))
            }
            _ => Error::io("cannot write", &path, &e),
        })?;
        Ok(Self { file, path })
    }

    /// Puts `bytes` at `offset`.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn put(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        fault::before_write();
        self.file.write_all_at(bytes, offset).map_err(|e| Error::io("cannot write", &self.path, &e))
    }
}

/// What became of a file that was to change hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It has the name.
    Yes,
    /// Another has the name, and keeps it.
    NameTaken,
    /// It was not there: somebody else was quicker.
    Gone,
}

/// Gives the plain file at `from`, which another program wrote, the name `to`: synced first, and never over what has the name.
///
/// # Errors
/// It is no plain file, or the system refuses (exit 6).
pub fn adopt(from: &Path, to: &Path) -> Result<Adopted> {
    let file = match super::open_plain(from) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Adopted::Gone),
        Err(e) => return Err(Error::io("cannot take in", from, &e)),
    };
    sync_file(&file, from)?;
    fault::before_write();
    let renamed = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        // A file system that does not know how: by a second name.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
            fs::hard_link(from, to).and_then(|()| fs::remove_file(from))
        }
        Err(e) => Err(e.into()),
    };
    if renamed.as_ref().is_err_and(|e: &io::Error| e.kind() == io::ErrorKind::CrossesDevices) {
        // It stays where it was, for whoever cleans up there.
        let mut copy = Staged::create_beside(to)?;
        super::each_block(file, from, |block| copy.write(block))?;
        return copy.commit_new().map(|is_new| if is_new { Adopted::Yes } else { Adopted::NameTaken });
    }
    match renamed {
        Ok(()) => sync_parent(to).map(|()| Adopted::Yes),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(Adopted::NameTaken),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Adopted::Gone),
        Err(e) => Err(Error::io("cannot rename to", to, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_filled_in_places() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let file = Sparse::of(File::create_new(&path).unwrap(), path.clone(), 1 << 40).unwrap();
        file.put(1 << 39, b"there").unwrap();
        let mut bytes = [0; 5];
        File::open(&path).unwrap().read_exact_at(&mut bytes, 1 << 39).unwrap();
        assert_eq!(&bytes, b"there");
    }

    #[test]
    fn a_file_changes_hands_once_and_a_link_never() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a"), "new").unwrap();
        assert_eq!(adopt(&at("a"), &at("b")).unwrap(), Adopted::Yes);
        assert_eq!(adopt(&at("a"), &at("b")).unwrap(), Adopted::Gone);
        fs::write(at("a"), "newer").unwrap();
        assert_eq!(adopt(&at("a"), &at("b")).unwrap(), Adopted::NameTaken);
        assert_eq!(fs::read(at("b")).unwrap(), b"new");
        std::os::unix::fs::symlink(at("b"), at("c")).unwrap();
        assert!(adopt(&at("c"), &at("d")).is_err());
    }
}
