//! A pack that a report is made from: checked first, all of it, but not who signed it.

use std::path::{Path, PathBuf};

use crate::cli::verify::pack_at;
use crate::error::{Error, Result};
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};

/// The pack that `path` stands for, with its manifest.
///
/// # Errors
/// There is none (exit 2), it is not sound (exit 4), or the system refuses (exit 6).
pub fn open(path: &Path) -> Result<(PathBuf, Manifest)> {
    let path = pack_at(path)?;
    let (report, manifest) = verify::inspect(&path, &Trust::integrity())?;
    let unsound = |why: &str| {
        Error::verification(format!("`{}` is not sound, and nothing is told from it: {why}", path.display()))
            .hint("run `molsieve verify` on it for all that is wrong")
    };
    if let Some(problem) = report.unsound() {
        return Err(unsound(&problem.message));
    }
    let manifest = manifest.ok_or_else(|| unsound("it holds no manifest"))?;
    Ok((path, manifest))
}

/// Refuses to write over what is there.
///
/// # Errors
/// Something is there (exit 2).
pub fn must_be_new(out: &Path) -> Result<()> {
    if out.exists() { Err(already_there(out)) } else { Ok(()) }
}

/// Something is there already.
pub fn already_there(out: &Path) -> Error {
    Error::usage(format!("`{}` exists already", out.display())).hint("choose another name, or remove it")
}
