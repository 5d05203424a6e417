//! A pack that a report is made from: checked first, all of it, but not who signed it.

use std::path::{Path, PathBuf};

use crate::cli::verify::pack_at;
use crate::error::Result;
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};

/// The pack that `path` stands for, with its manifest.
///
/// # Errors
/// There is none (exit 2), it is not sound (exit 4), or the system refuses (exit 6).
pub fn open(path: &Path) -> Result<(PathBuf, Manifest)> {
    let path = pack_at(path)?;
    let (_, manifest) = verify::sound(&path, &Trust::integrity())?;
    Ok((path, manifest))
}
