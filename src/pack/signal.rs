//! `signal.json` of a pack, as whoever tells of it reads it.

use std::path::Path;

use super::manifest::Manifest;
use super::{SIGNAL, verify};
use crate::canonical::json;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout;
use crate::signal::Signal;

/// No `signal.json` is longer.
const BYTES_MAX: usize = 1 << 20;

/// Of the sound pack of `manifest` at `path`: a directory or an archive. None where its records have no look-alikes.
///
/// # Errors
/// It cannot be read as it stands (exit 4), or the system refuses (exit 6).
pub fn of(path: &Path, manifest: &Manifest) -> Result<Option<Signal>> {
    if manifest.file(SIGNAL).is_none() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    verify::stream(path, SIGNAL, &mut |block| {
        if bytes.len() <= BYTES_MAX {
            bytes.extend_from_slice(block);
        }
    })?;
    json::from_line(SIGNAL, &bytes).map(Some)
}

/// Of the pack directory `dir`, which nobody has checked just now. None where there is no such file.
///
/// # Errors
/// It is anything else (exit 4), or the system refuses (exit 6).
pub fn in_directory(dir: &Path) -> Result<Option<Signal>> {
    let path = layout::inside(dir, SIGNAL);
    match fs::read_small(&path) {
        Ok(bytes) => json::from_line(SIGNAL, &bytes).map(Some),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("cannot read", &path, &e)),
    }
}
