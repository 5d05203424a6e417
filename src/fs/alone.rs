//! A file that one process at a time holds: whoever wants to change what is around it asks for it first.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// The hold on it, which ends with the process at the latest.
#[derive(Debug)]
pub struct Alone {
    _file: File,
}

/// Holds the file at `path`; none if another process does. A file system without locks keeps nobody out.
///
/// # Errors
/// The system refuses (exit 6).
pub fn hold(path: &Path) -> Result<Option<Alone>> {
    // For writing: over NFS only such a file can be held.
    let file = OpenOptions::new().write(true).open(path).map_err(|e| Error::io("cannot open", path, &e))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(None),
        Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOLCK) => Ok(Some(Alone { _file: file })),
        Err(e) => Err(Error::io("cannot hold", path, &e.into())),
    }
}
