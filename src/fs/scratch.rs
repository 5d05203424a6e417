//! Private directories for what need not survive: what a scorer is handed in files, and what it leaves there.
//!
//! Nothing here is synced, and nothing durable depends on it. A directory is readable by its owner
//! alone, has a name that nobody can foresee, and is removed when its holder is. A holder that was killed
//! leaves it behind; so each holds a lock on its directory, which ends with the process however that ends, and
//! the first directory that a process makes is the occasion to remove those that nobody holds any more.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::Once;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::held::Held;
use super::{fault, hidden_beside, tree};
use crate::error::{Error, Result};
use crate::id::AttemptId;
use crate::{host, layout};

/// A private directory that is removed, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    /// The directory by its descriptor, whose lock says to other processes that it is in use.
    held: Held,
}

impl Scratch {
    /// A fresh directory below the system's directory for temporary files (`TMPDIR`, else `/tmp`). The first one
    /// that a process makes removes what killed processes of this user left there.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create() -> Result<Self> {
        static SWEPT: Once = Once::new();
        let above = std::env::temp_dir();
        let above = std::path::absolute(&above).map_err(|e| refused(&above, &e))?;
        if above.to_str().is_none() {
            return Err(Error::environment(format!("the path `{}` is not text", above.display()))
                .hint("set `TMPDIR` to a directory whose path is UTF-8"));
        }
        SWEPT.call_once(|| sweep(&above));
        Self::create_in(&above)
    }

    /// The directory gets its name when it is locked: under that name nobody finds one without its holder.
    fn create_in(above: &Path) -> Result<Self> {
        // Where the system does not say which boot this is, the name is one that nobody sweeps.
        let boot = host::boot().unwrap_or_else(|| "unknown".to_owned());
        let path = above.join(format!("{}{}", layout::private_prefix(&boot), AttemptId::random()?));
        let temporary = hidden_beside(&above.join(LEFTOVERS))?;
        fault::before_write();
        let lock = fs::DirBuilder::new().mode(0o700).create(&temporary).and_then(|()| {
            let dir = open_dir(&temporary)?;
            // A file system without locks keeps what is left there: nobody else can lock it either.
            let _ = flock(&dir, FlockOperation::NonBlockingLockExclusive);
            fs::rename(&temporary, &path).map(|()| dir)
        });
        let lock = lock.map_err(|e| {
            clear(&temporary);
            refused(above, &e)
        })?;
        Ok(Self { held: Held::new(lock, path) })
    }

    /// Where it is: absolute.
    pub fn path(&self) -> &Path {
        self.held.path()
    }

    /// The directory itself, whatever becomes of its name.
    pub fn held(&self) -> &Held {
        &self.held
    }
}

/// What temporary files that have no name yet are called after (see [`hidden_beside`]).
const LEFTOVERS: &str = "molsieve";

fn refused(above: &Path, e: &io::Error) -> Error {
    Error::io("cannot make a temporary directory in", above, e).hint("set `TMPDIR` to a directory with room")
}

/// Opens the directory at `path` itself: not what a link there points to.
fn open_dir(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

/// Removes the private directories in `above` that this user made since this machine was booted and that no process holds.
///
/// Nobody waits for it, and nothing depends on it: what cannot be read, locked or removed stays. What was made on
/// another machine stays too, for a file system that both see need not pass on locks.
fn sweep(above: &Path) {
    tree::sweep(&above.join(LEFTOVERS));
    let (Some(boot), Ok(entries)) = (host::boot(), fs::read_dir(above)) else { return };
    let prefix = layout::private_prefix(&boot);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let tag = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        if tag.is_some_and(|tag| tag.parse::<AttemptId>().is_ok()) {
            remove_if_dead(&entry.path());
        }
    }
}

/// Removes the private directory at `path` if it is this user's and nobody holds it.
fn remove_if_dead(path: &Path) {
    let Ok(dir) = open_dir(path) else { return };
    let is_ours = dir.metadata().is_ok_and(|facts| facts.uid() == rustix::process::geteuid().as_raw());
    // Held until it is gone, so that of two that sweep only one removes it.
    if is_ours && flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok() {
        clear(path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.held.clear();
    }
}

/// Makes the directory `path`, readable by its owner alone.
///
/// # Errors
/// The system refuses.
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Writes `bytes` to `path`, without making them durable.
///
/// # Errors
/// The system refuses.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)
}

/// Removes a directory with all that is in it, as far as the system lets.
pub fn clear(path: &Path) {
    let _ = fs::remove_dir_all(path);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    #[test]
    fn a_scratch_directory_is_private_and_goes_away_with_its_holder() {
        let scratch = Scratch::create().unwrap();
        let path = scratch.path().to_path_buf();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        make_dir(&path.join("a")).unwrap();
        write(&path.join("a/b"), b"c").unwrap();
        drop(scratch);
        assert!(!path.exists());
    }

    /// The name of a private directory of this boot that a process left.
    fn left(above: &Path, tag: &str) -> PathBuf {
        above.join(format!("{}{tag}", layout::private_prefix(&host::boot().unwrap())))
    }

    #[test]
    fn a_directory_is_swept_when_its_holder_died_and_never_before() {
        let above = tempfile::tempdir().unwrap();
        let (dead, alive) = (left(above.path(), "0123456789abcdef"), Scratch::create_in(above.path()).unwrap());
        make_dir(&dead).unwrap();
        make_dir(&dead.join("a")).unwrap();
        write(&dead.join("a/b"), b"c").unwrap();
        write(&alive.path().join("in-use"), b"").unwrap();
        sweep(above.path());
        assert!(!dead.exists());
        assert!(alive.path().join("in-use").exists());
        // A holder that is killed ends as this one: its lock is gone, and nothing removed its directory.
        make_dir(&dead).unwrap();
        let holder = open_dir(&dead).unwrap();
        flock(&holder, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(above.path());
        assert!(dead.exists());
        drop(holder);
        sweep(above.path());
        assert!(!dead.exists());
    }

    #[test]
    fn what_only_looks_like_a_private_directory_is_left_alone() {
        let (above, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&victim.path().join("precious"), b"").unwrap();
        let link = left(above.path(), "0000000000000001");
        symlink(victim.path(), &link).unwrap();
        let file = left(above.path(), "0000000000000002");
        write(&file, b"").unwrap();
        let strangers = [
            left(above.path(), "0000000000000003.bak"),
            above.path().join(format!("{}0000000000000004", layout::private_prefix("ffffffff"))),
            above.path().join("molsieve-0000000000000005"),
            above.path().join("molsieve-campaign"),
        ];
        strangers.iter().for_each(|path| make_dir(path).unwrap());
        sweep(above.path());
        assert!(victim.path().join("precious").exists() && link.is_symlink() && file.is_file());
        assert!(strangers.iter().all(|path| path.is_dir()));
    }

    #[test]
    fn a_link_in_a_directory_that_is_swept_is_removed_and_not_followed() {
        let (above, victim) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(&victim.path().join("precious"), b"").unwrap();
        let dead = left(above.path(), "0123456789abcdef");
        make_dir(&dead).unwrap();
        symlink(victim.path(), dead.join("out")).unwrap();
        sweep(above.path());
        assert!(!dead.exists() && victim.path().join("precious").exists());
    }
}
