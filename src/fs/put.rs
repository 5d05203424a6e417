//! Files that came from elsewhere: written whole under their digest, and then given further names.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::{Staged, fault, sync_parent};
use crate::digest::{self, Digest};
use crate::error::{Error, Result};

impl Staged {
    /// Makes it a file that its owner alone may read and write.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn make_private(&self) -> Result<()> {
        let owner_only = PermissionsExt::from_mode(0o600);
        self.file.get_ref().set_permissions(owner_only).map_err(|e| Error::io("cannot protect", &self.path, &e))
    }

    /// Makes it a program: its owner, and whoever else may read it, may execute it.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn make_executable(&self) -> Result<()> {
        make_executable(&self.temporary)
    }
}

/// Whether the plain file at `path` is there with `bytes` bytes.
pub fn is_there(path: &Path, bytes: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes)
}

/// Whether the file at `path`, or the directory, is this user's, and only this user may write it. In a sticky directory
/// others may write, but not exchange what is there.
///
/// # Errors
/// The system refuses (exit 6).
pub fn is_ours_alone(path: &Path) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(|e| Error::io("cannot look at", path, &e))?;
    let (mode, owner) = (metadata.permissions().mode(), MetadataExt::uid(&metadata));
    Ok(owner == rustix::process::geteuid().as_raw() && (mode & 0o022 == 0 || mode & 0o1000 != 0))
}

/// Creates `dir`, which only its owner may look into; one that is there becomes so.
///
/// # Errors
/// The system refuses (exit 6).
pub fn private_dir(dir: &Path) -> Result<()> {
    super::create_dir(dir)?;
    let refused = |e: io::Error| Error::io("cannot protect", dir, &e);
    let mut permissions = fs::metadata(dir).map_err(refused)?.permissions();
    if permissions.mode() & 0o777 != 0o700 {
        fault::before_write();
        permissions.set_mode(0o700);
        fs::set_permissions(dir, permissions).map_err(refused)?;
    }
    Ok(())
}

/// What others than its owner may do with a file.
const OTHERS: u32 = 0o077;

/// Whether only its owner may read and write the file at `path`.
pub fn is_private(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & OTHERS == 0)
}

/// Whether the plain file at `path` has this content.
pub fn holds(path: &Path, bytes: u64, sha256: &Digest) -> bool {
    is_there(path, bytes) && super::sha256_input(path).is_ok_and(|(found, _)| found == *sha256)
}

/// Whether the plain file at `path` has this content. What has another size is not read: there may be a lot of it.
pub fn is_whole(path: &Path, bytes: u64, blake3: &Digest) -> bool {
    let found = || super::open_plain(path).and_then(digest::blake3_stream);
    is_there(path, bytes) && found().is_ok_and(|found| found == (*blake3, bytes))
}

/// Whether the file at `path` is a program.
pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

/// Makes the file at `path` a program for everybody who may read it.
///
/// # Errors
/// The system refuses (exit 6).
pub fn make_executable(path: &Path) -> Result<()> {
    let refused = |e: io::Error| Error::io("cannot make executable", path, &e);
    let mut permissions = fs::metadata(path).map_err(refused)?.permissions();
    let mode = permissions.mode();
    let wanted = mode | (mode & 0o444) >> 2;
    if wanted != mode {
        fault::before_write();
        permissions.set_mode(wanted);
        fs::set_permissions(path, permissions).map_err(refused)?;
    }
    Ok(())
}

/// Gives the file at `from` the name `to` as well: by a second name, or by a copy where the file system has no such thing.
/// What has the name already keeps it.
///
/// # Errors
/// The system refuses (exit 6).
pub fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    fault::before_write();
    match fs::hard_link(from, to) {
        Ok(()) => return sync_parent(to),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::StorageFull || e.kind() == io::ErrorKind::QuotaExceeded => {
            return Err(Error::io("cannot link", to, &e));
        }
        Err(_) => {}
    }
    let mut copy = Staged::create_beside(to)?;
    let file = super::open_plain(from).map_err(|e| Error::io("cannot read", from, &e))?;
    super::each_block(file, from, |block| copy.write(block))?;
    if is_executable(from) {
        copy.make_executable()?;
    }
    copy.commit_new().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_others_may_write_is_not_ours_alone() {
        let dir = tempfile::tempdir().unwrap();
        let alone = |mode| {
            fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
            is_ours_alone(dir.path()).unwrap()
        };
        assert!(alone(0o700) && alone(0o755) && alone(0o1777));
        assert!(!alone(0o775) && !alone(0o757));
        private_dir(dir.path()).unwrap();
        assert!(is_private(dir.path()));
    }

    #[test]
    fn what_has_another_size_is_not_read_to_see_that_it_is_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("a"), "text").unwrap();
        let text = digest::blake3(b"text");
        assert!(is_whole(&at("a"), 4, &text) && !is_whole(&at("a"), 4, &digest::blake3(b"other")));
        assert!(!is_whole(&at("a"), 5, &text) && !is_whole(&at("none"), 0, &digest::blake3(b"")));
        // (Nobody who reads 8 TiB comes back.)
        std::fs::File::create(at("large")).unwrap().set_len(1 << 43).unwrap();
        assert!(!is_whole(&at("large"), 4, &text));
    }

    #[test]
    fn a_program_keeps_being_one_under_its_second_name() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut staged = Staged::create_beside(&at("a")).unwrap();
        staged.write(b"x").unwrap();
        staged.make_executable().unwrap();
        assert!(staged.commit_new().unwrap());
        assert!(is_executable(&at("a")) && is_there(&at("a"), 1) && !is_there(&at("a"), 2));
        link_or_copy(&at("a"), &at("b")).unwrap();
        std::fs::write(at("c"), "other").unwrap();
        link_or_copy(&at("a"), &at("c")).unwrap();
        assert!(is_executable(&at("b")) && std::fs::read(at("c")).unwrap() == b"other");
    }
}
