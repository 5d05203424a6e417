//! Files that a scorer hands over for a record: what they may be called, where they may lie, how they are taken.

use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::fs::held::Held;
use crate::id::Ordinal;

/// No file is larger.
pub const BYTES_MAX: u64 = 4 << 20;

/// No record has more of them.
pub const FILES_MAX: usize = 16;

/// No name is longer, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A file as a reply names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The record.
    pub ordinal: Ordinal,
    /// What it is to be called.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// Whether a kept file may be called `name`: `[A-Za-z0-9._-]{1,64}`, and not hidden.
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.')
}

/// Checks an offered file, which must lie in `dir`, be a regular file itself and not too large, and be reached through no
/// link; its path below `dir`.
///
/// # Errors
/// What is wrong with it, in words: the scorer broke its protocol.
pub fn check(offered: &Offered, dir: &Held) -> std::result::Result<PathBuf, String> {
    let Offered { ordinal, name, path } = offered;
    let wrong = |what: &str| format!("the file `{name}` of record {ordinal} {what}");
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) {
        return Err(wrong("is not named by an absolute path without `..`"));
    }
    let below = dir.below(path).ok_or_else(|| wrong("is not in the directory that `MOLSIEVE_TMP` names"))?;
    if !dir.is_in_place() {
        return Err(wrong("cannot be taken: the directory that `MOLSIEVE_TMP` names was moved or replaced"));
    }
    let metadata = dir.open(&below).and_then(|file| file.metadata());
    let metadata = metadata.map_err(|e| wrong(&format!("cannot be opened, or a link leads to it: {e}")))?;
    if !metadata.is_file() {
        return Err(wrong("is not a regular file"));
    }
    if metadata.len() > BYTES_MAX {
        return Err(wrong(&format!("has {} bytes; the most is {BYTES_MAX}", metadata.len())));
    }
    Ok(below)
}

/// The content of a checked file, at `below` in `dir`; one that grew meanwhile is cut at [`BYTES_MAX`].
///
/// # Errors
/// It cannot be read (exit 6), or was replaced meanwhile by what is no file.
pub fn read(dir: &Held, below: &Path) -> Result<Vec<u8>> {
    let refused = |e: std::io::Error| Error::io("cannot read", &dir.path().join(below), &e);
    let file = dir.open(below).map_err(refused)?;
    if !file.metadata().map_err(refused)?.is_file() {
        return Err(refused(std::io::ErrorKind::InvalidInput.into()));
    }
    let mut content = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut content).map_err(refused)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_are_plain() {
        for good in ["pose.pdbqt", "a", "A_1-b.c", "x".repeat(64).as_str()] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "\u{e9}", "a\0", "x".repeat(65).as_str()] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_a_regular_file_inside_its_directory_is_taken() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("tmp");
        std::fs::create_dir_all(dir.join("sub")).unwrap();
        std::fs::write(dir.join("sub/pose"), b"pose").unwrap();
        std::fs::write(place.path().join("secret"), b"secret").unwrap();
        std::fs::write(dir.join("large"), vec![0; BYTES_MAX as usize + 1]).unwrap();
        symlink(place.path().join("secret"), dir.join("link")).unwrap();
        symlink(place.path(), dir.join("way-out")).unwrap();
        let held = Held::new(std::fs::File::open(&dir).unwrap(), dir.clone());
        let offered = |path: PathBuf| check(&Offered { ordinal: 3, name: "pose".to_owned(), path }, &held);
        assert_eq!(read(&held, &offered(dir.join("sub/pose")).unwrap()).unwrap(), b"pose");
        for (path, why) in [
            ("link", "a link leads to it"),
            ("sub", "not a regular file"),
            ("way-out/secret", "a link leads to it"),
            ("../secret", "without `..`"),
            ("nothing", "cannot be opened"),
            ("large", "the most is"),
        ] {
            let said = offered(dir.join(path)).unwrap_err();
            assert!(said.contains(why), "{path}: {said}");
        }
        assert!(offered(PathBuf::from("sub/pose")).unwrap_err().contains("absolute"));
        assert!(offered(place.path().join("secret")).unwrap_err().contains("MOLSIEVE_TMP"));
        // The directory is moved, and another has its name.
        std::fs::rename(&dir, place.path().join("moved")).unwrap();
        symlink(place.path(), &dir).unwrap();
        assert!(offered(dir.join("secret")).unwrap_err().contains("was moved or replaced"));
    }
}
