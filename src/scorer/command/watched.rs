//! The files of a scorer, watched while it runs: a child that starts late must read what the first one read.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Which file it is, its length, and when it was last written; cheaper than its digest.
type Stamp = (u64, u64, u64, i64, i64);

/// Files as they were when the pool was made, just after their digests were checked.
#[derive(Debug)]
pub struct Watched(Vec<(PathBuf, Stamp)>);

impl Watched {
    /// Takes note of `files`.
    ///
    /// # Errors
    /// One is not there (exit 6).
    pub fn new(files: &[PathBuf]) -> Result<Self> {
        let note = |path: &PathBuf| Ok((path.clone(), stamp(path)?));
        files.iter().map(note).collect::<Result<_>>().map(Self)
    }

    /// Checks that every file is what it was.
    ///
    /// # Errors
    /// One was written to or replaced (exit 2), or is gone (exit 6).
    pub fn check(&self) -> Result<()> {
        for (path, then) in &self.0 {
            if stamp(path)? != *then {
                return Err(Error::usage(format!("`{}` changed while the scorer was at work", path.display()))
                    .hint("put back what was there and resume; or screen with the new one as a campaign of its own"));
            }
        }
        Ok(())
    }
}

fn stamp(path: &PathBuf) -> Result<Stamp> {
    let of = |m: Metadata| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec());
    std::fs::metadata(path).map(of).map_err(|e| Error::io("cannot look at", path, &e))
}
