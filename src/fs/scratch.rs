//! Private directories for what need not survive: what a scorer is handed in files, and what it leaves there.
//!
//! Nothing here is synced, and nothing durable depends on it. A directory is readable by its owner
//! alone, has a name that nobody can foresee, and is removed when its holder is.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::fault;
use crate::error::{Error, Result};
use crate::id::AttemptId;

/// A private directory that is removed, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A fresh directory below the system's directory for temporary files (`TMPDIR`, else `/tmp`).
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create() -> Result<Self> {
        let above = std::env::temp_dir();
        let refused = |e: &io::Error| {
            Error::io("cannot make a temporary directory in", &above, e).hint("set `TMPDIR` to a directory with room")
        };
        let above_absolute = std::path::absolute(&above).map_err(|e| refused(&e))?;
        let path = above_absolute.join(format!("molsieve-{}", AttemptId::random()?));
        if path.to_str().is_none() {
            return Err(Error::environment(format!("the path `{}` is not text", path.display()))
                .hint("set `TMPDIR` to a directory whose path is UTF-8"));
        }
        fault::before_write();
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| refused(&e))?;
        Ok(Self { path })
    }

    /// Where it is: absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        clear(&self.path);
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
    use std::os::unix::fs::PermissionsExt;

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
}
