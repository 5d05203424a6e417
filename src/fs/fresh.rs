//! Files that a user named and that must be new: nothing of theirs is ever written over.

use std::path::Path;

use super::Staged;
use crate::error::{Error, Result};

/// Refuses the place `out` for a new file before any work is spent on what would stand in it.
///
/// # Errors
/// Something is there, or the directory that it would be in is not (exit 2).
pub fn must_be_new(out: &Path) -> Result<()> {
    if out.symlink_metadata().is_ok() {
        return Err(already_there(out));
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
        return Err(Error::usage(format!("`{}` cannot be written: there is no such directory", out.display()))
            .hint(format!("make it with  mkdir -p {}", parent.display())));
    }
    Ok(())
}

/// Writes `bytes` to `out`, whole or not at all.
///
/// # Errors
/// Something is there (exit 2), or the system refuses (exit 6).
pub fn put_new(out: &Path, bytes: &[u8]) -> Result<()> {
    let mut staged = Staged::create_beside(out)?;
    staged.write(bytes)?;
    staged.commit_to_new()
}

impl Staged {
    /// As [`Staged::commit_new`], where only a new file will do.
    ///
    /// # Errors
    /// Something is there (exit 2), or the system refuses (exit 6).
    pub fn commit_to_new(self) -> Result<()> {
        let out = self.path.clone();
        if self.commit_new()? { Ok(()) } else { Err(already_there(&out)) }
    }
}

fn already_there(out: &Path) -> Error {
    Error::usage(format!("`{}` exists already", out.display())).hint("choose another name, or remove it")
}
