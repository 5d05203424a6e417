//! A file that is filled in places, and a file that changes hands.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::{Staged, fault, sync_file, sync_parent};
use crate::error::{Error, Result};

/// A file of which parts are there, at their places, and the rest reads as zeros and takes no room.
#[derive(Debug)]
pub struct Sparse {
    file: File,
    path: PathBuf,
}

impl Sparse {
    /// Opens the file at `path`, or creates it, and makes it `length` bytes long. Not through a link; its owner alone may read it.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn open(path: &Path, length: u64) -> Result<Self> {
        fault::before_write();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(path).map_err(|e| Error::io("cannot create", path, &e))?;
        let refused = |e: io::Error| Error::io("cannot write", path, &e);
        if file.metadata().map_err(refused)?.len() != length {
            file.set_len(length).map_err(refused)?;
        }
        Ok(Self { file, path: path.to_path_buf() })
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
    fn a_file_is_filled_in_places_and_never_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let file = Sparse::open(&at("a"), 1 << 40).unwrap();
        file.put(1 << 39, b"there").unwrap();
        Sparse::open(&at("a"), 1 << 40).unwrap().put(0, b"here").unwrap();
        let mut bytes = [0; 5];
        File::open(at("a")).unwrap().read_exact_at(&mut bytes, 1 << 39).unwrap();
        assert_eq!(&bytes, b"there");
        std::os::unix::fs::symlink(at("a"), at("b")).unwrap();
        assert!(Sparse::open(&at("b"), 3).is_err());
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
