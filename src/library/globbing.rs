//! Globs to paths, as a shell does it: `*`, `?`, `[…]` within a component, `**` for any directories.
//!
//! A leading dot is matched only by a dot, so that what a file manager or an interrupted download hides
//! is not a library. A name that is not UTF-8 is matched by its lossy form and never passed over in
//! silence; a directory that cannot be listed is an error.

use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::error::{Error, Result};

/// Directories below each other that `**` goes down; symbolic links are not followed there.
const DEPTH_MAX: usize = 64;

/// Whether `text` has a character that makes it a glob.
pub(super) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// All paths below `base` that match `glob`, in no particular order.
///
/// # Errors
/// The glob is malformed (exit 2), or a directory cannot be listed (exit 6).
pub(super) fn expand(base: &Path, glob: &str) -> Result<Vec<PathBuf>> {
    let mut found = vec![base.to_path_buf()];
    let components: Vec<Component<'_>> = Path::new(glob).components().collect();
    for (n, component) in components.iter().enumerate() {
        let is_last = n + 1 == components.len();
        let text = component.as_os_str().to_str().unwrap_or_default();
        found = match component {
            Component::Normal(_) if text == "**" => below_all(&found)?,
            Component::Normal(_) if is_glob(text) => matching(&found, text, glob)?,
            other => found.into_iter().map(|path| path.join(other)).filter(|path| !is_last || path.exists()).collect(),
        };
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The entries of `parents` whose name matches one component of a glob.
fn matching(parents: &[PathBuf], component: &str, glob: &str) -> Result<Vec<PathBuf>> {
    let pattern = Pattern::new(component).map_err(|e| {
        Error::usage(format!("`{glob}` is not a glob: {}", e.msg)).hint("write `[[]` for a bracket that is one")
    })?;
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
    let mut found = Vec::new();
    for parent in parents.iter().filter(|parent| parent.is_dir()) {
        for (name, path) in entries(parent)? {
            if pattern.matches_with(&name, options) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

/// `parents` and all directories below them, but for hidden ones.
fn below_all(parents: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = parents.iter().filter(|parent| parent.is_dir()).cloned().collect();
    let mut level = found.clone();
    for _ in 0..DEPTH_MAX {
        let mut next = Vec::new();
        for parent in &level {
            let inside = entries(parent)?.into_iter().filter(|(name, path)| {
                !name.starts_with('.') && path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
            });
            next.extend(inside.map(|(_, path)| path));
        }
        if next.is_empty() {
            break;
        }
        found.extend_from_slice(&next);
        level = next;
    }
    Ok(found)
}

/// The entries of a directory, each with its lossy name.
fn entries(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |e| Error::io("cannot list", dir, &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        found.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.smi", ".b.smi", "H04/x.smi.gz", "H05/y.smi.gz", "H05/deep/z.smi.gz", ".git/w.smi.gz"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |glob: &str| -> Vec<String> {
            let found = expand(dir.path(), glob).unwrap();
            found.iter().map(|p| p.strip_prefix(dir.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("*.smi"), ["a.smi"]);
        assert_eq!(names("H0[0-4]/*.gz"), ["H04/x.smi.gz"]);
        assert_eq!(names("H??/../[a-z].smi"), ["H04/../a.smi", "H05/../a.smi"]);
        assert_eq!(names("**/*.gz"), ["H04/x.smi.gz", "H05/deep/z.smi.gz", "H05/y.smi.gz"]);
        assert_eq!(names("H0*/none"), Vec::<String>::new());
        assert!(expand(dir.path(), "x[").is_err());
        let absolute = format!("{}/*.smi", Pattern::escape(dir.path().to_str().unwrap()));
        assert_eq!(expand(Path::new("/elsewhere"), &absolute).unwrap().len(), 1);
    }
}
