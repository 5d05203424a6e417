//! What the far end stores: files under their digests, and requests made of them.
//!
//! Everything is named by its content, so nothing is written twice, nothing over another, and two clients at once do no
//! harm. What arrives is hashed before it gets its name.

use std::path::{Component, Path, PathBuf};

use super::super::message::{FileId, Request};
use crate::digest::{self, Sha256};
use crate::error::{Error, Kind, Result};
use crate::fs::{self, Staged, put};
use crate::layout::{self, RemoteRoot};

/// No name is longer, in bytes: what file systems allow.
const NAME_BYTES_MAX: usize = 255;

/// No path in a request is longer, in bytes.
const PATH_BYTES_MAX: usize = 2048;

/// Whether `name` is one plain component of a path.
pub(in crate::remote) fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let only = matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name);
    only && name.len() <= NAME_BYTES_MAX && !name.contains('\0')
}

/// Whether `path` is one of plain components.
fn is_plain_path(path: &str) -> bool {
    path.len() <= PATH_BYTES_MAX && path.split('/').all(is_plain)
}

/// Whether `file` is not stored.
pub fn is_missing(root: &RemoteRoot, file: &FileId) -> bool {
    !is_plain(&file.name) || !put::is_there(&root.input(&file.sha256, &file.name), file.bytes)
}

/// A file that is arriving.
pub struct Put<'a> {
    file: &'a FileId,
    staged: Staged,
    digest: Sha256,
}

impl<'a> Put<'a> {
    /// Begins to store `file`.
    ///
    /// # Errors
    /// Its name is not plain (exit 2), there is no room for it, or the system refuses (exit 6).
    pub fn begin(root: &RemoteRoot, file: &'a FileId) -> Result<Self> {
        if !is_plain(&file.name) {
            return Err(Error::usage(format!("`{}` is no plain name of a file", file.name.escape_debug())));
        }
        let path = root.input(&file.sha256, &file.name);
        path.parent().map_or(Ok(()), fs::create_dir)?;
        let room = fs::room(root.root())?.bytes;
        if room < file.bytes {
            let what = format!("`{}` has {} bytes, and here is room for {room}", file.name, file.bytes);
            return Err(full(what));
        }
        Ok(Self { file, staged: Staged::create_beside(&path)?, digest: Sha256::default() })
    }

    /// Takes a part of it.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.staged.write(bytes)
    }

    /// Gives it its name, if it is what was announced.
    ///
    /// # Errors
    /// It is another file (exit 4), or the system refuses (exit 6).
    pub fn finish(self) -> Result<()> {
        let Self { file, staged, digest } = self;
        let found = digest.finish();
        if found != file.sha256 {
            return Err(Error::verification(format!("`{}` arrived as another file: {found}", file.name))
                .hint("it changed while it was sent: run the same command again"));
        }
        if file.executable {
            staged.make_executable()?;
        }
        staged.commit_new().map(drop)
    }
}

fn full(what: String) -> Error {
    Error::new(Kind::Full, what)
        .hint("free some space there or raise the quota, then run the same command again: what has arrived stays")
}

/// Lays out `request` in a directory named by its digest; the path of the campaign file there. One that is laid out stays
/// as it is.
///
/// # Errors
/// A path is not plain (exit 2), a file was not sent (exit 2), or the system refuses (exit 6).
pub fn lay(root: &RemoteRoot, request: &Request) -> Result<String> {
    let Request { name, text, places, dirs } = request;
    let paths = places.iter().map(|place| &place.path).chain(dirs).chain([name]);
    if let Some(bad) = paths.into_iter().find(|path| !is_plain_path(path)) {
        return Err(Error::usage(format!("`{}` is no plain path", bad.escape_debug())));
    }
    if name.contains('/') {
        return Err(Error::usage(format!("`{name}` is no plain name of a campaign file")));
    }
    let dir = root.request(&digest::sha256(&super::message::to_bytes(request)?));
    let campaign = layout::below(&dir, name);
    if !campaign.is_file() {
        dirs.iter().try_for_each(|path| fs::create_dir(&layout::below(&dir, path)))?;
        for place in places {
            if is_missing(root, &place.file) {
                return Err(Error::usage(format!("the file of `{}` was not sent", place.path)));
            }
            let (from, to) = (root.input(&place.file.sha256, &place.file.name), layout::below(&dir, &place.path));
            to.parent().map_or(Ok(()), fs::create_dir)?;
            if place.file.executable {
                put::make_executable(&from)?;
            }
            put::link_or_copy(&from, &to)?;
        }
        // The campaign file comes last: where it is, everything is.
        fs::create_dir(&dir)?;
        fs::write_new(&campaign, text.as_bytes())?;
    }
    text_of(campaign)
}

fn text_of(path: PathBuf) -> Result<String> {
    path.into_os_string().into_string().map_err(|path| Error::usage(format!("`{}` is not text", path.display())))
}

#[cfg(test)]
mod tests {
    use super::super::super::message::Place;
    use super::*;

    fn file(name: &str, content: &[u8]) -> FileId {
        let sha256 = digest::sha256(content);
        FileId { sha256, name: name.to_owned(), bytes: content.len() as u64, executable: false }
    }

    fn stored(root: &RemoteRoot, file: &FileId, content: &[u8]) -> Result<()> {
        let mut put = Put::begin(root, file)?;
        put.write(content)?;
        put.finish()
    }

    #[test]
    fn a_file_is_stored_under_its_digest_and_only_as_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let root = RemoteRoot::new(dir.path());
        let one = file("a b.smi", b"CCO");
        assert!(is_missing(&root, &one));
        assert_eq!(stored(&root, &one, b"CCN").unwrap_err().kind(), Kind::Verification);
        assert!(is_missing(&root, &one), "another file got its name");
        stored(&root, &one, b"CCO").unwrap();
        assert!(!is_missing(&root, &one));
        let left: Vec<_> = std::fs::read_dir(root.input(&one.sha256, "x").parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn nothing_is_written_outside() {
        let dir = tempfile::tempdir().unwrap();
        let root = RemoteRoot::new(dir.path().join("root"));
        std::fs::create_dir(root.root()).unwrap();
        for name in ["../x", "..", ".", "", "/x", "a/b", "a/", "a\0b", "x".repeat(256).as_str()] {
            assert!(Put::begin(&root, &file(name, b"x")).is_err(), "{name:?}");
        }
        let good = file("a", b"x");
        stored(&root, &good, b"x").unwrap();
        for path in ["../x", "a/../../x", "/x", "a//b", "a/./b", "", "a/"] {
            let place = Place { path: path.to_owned(), file: good.clone() };
            let request =
                |places, dirs, name: &str| Request { name: name.to_owned(), text: String::new(), places, dirs };
            assert!(lay(&root, &request(vec![place], Vec::new(), "c.toml")).is_err(), "{path:?}");
            assert!(lay(&root, &request(Vec::new(), vec![path.to_owned()], "c.toml")).is_err(), "{path:?}");
            assert!(lay(&root, &request(Vec::new(), Vec::new(), path)).is_err(), "{path:?}");
        }
        let beside: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(beside.len(), 1);
    }

    #[test]
    fn a_request_is_laid_out_once_and_a_file_that_was_not_sent_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = RemoteRoot::new(dir.path());
        let one = file("score.py", b"print()");
        let place = Place { path: "bin/score.py".to_owned(), file: FileId { executable: true, ..one.clone() } };
        let request = Request {
            name: "c.toml".to_owned(),
            text: "[campaign]\n".to_owned(),
            places: vec![place],
            dirs: vec!["data".to_owned()],
        };
        assert!(lay(&root, &request).unwrap_err().what().contains("was not sent"));
        stored(&root, &one, b"print()").unwrap();
        let path = PathBuf::from(lay(&root, &request).unwrap());
        assert_eq!(lay(&root, &request).unwrap(), path.to_str().unwrap());
        let beside = path.parent().unwrap();
        assert!(beside.join("data").is_dir() && put::is_executable(&beside.join("bin/score.py")));
    }
}
