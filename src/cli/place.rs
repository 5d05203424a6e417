//! Where this program is, and where a campaign is: named from the root, since workers are started from anywhere.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::layout::CampaignDir;

/// The path of the running program.
pub fn this_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::environment(format!("the path of this program is not known: {e}")))
}

/// A campaign directory, named from the root.
pub fn absolute(dir: &CampaignDir) -> Result<CampaignDir> {
    let path = std::path::absolute(dir.root()).map_err(|e| Error::io("cannot find", dir.root(), &e))?;
    if path.to_str().is_none() {
        return Err(Error::usage(format!("the directory `{}` has a name that is not text", path.display()))
            .hint("give a directory whose whole path is UTF-8: it is written into the campaign's files"));
    }
    Ok(CampaignDir::new(path))
}

/// The directory of a campaign file for which none is given: called like the file, without its ending.
///
/// # Errors
/// Its name has no ending (exit 2).
pub fn default_dir(file: &Path) -> Result<PathBuf> {
    let stem = file.file_stem().filter(|stem| Some(*stem) != file.file_name());
    stem.map(PathBuf::from).ok_or_else(|| Error::usage("the campaign directory has no name").hint("say `--dir DIR`"))
}
