//! What the far end stores: files under their digests, and requests made of them.
//!
//! Everything is named by its content, so nothing is written twice, and two clients at once do no harm. What arrives is
//! hashed before it gets its name, and again before it is used: what was changed meanwhile is missing, and what arrives
//! then takes its place. Only the owner may look in: a campaign file may hold a secret of the scorer's environment.

use std::path::{Component, Path, PathBuf};

use super::super::message::{FileId, Place, Request};
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

/// Whether `file` is not stored, or is another one by now.
pub fn is_missing(root: &RemoteRoot, file: &FileId) -> bool {
    !is_plain(&file.name) || !put::holds(&root.input(&file.sha256, &file.name), file.bytes, &file.sha256)
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
        put::private_dir(&root.inputs())?;
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
        // What has the name is the same, or was changed.
        staged.commit()
    }
}

fn full(what: String) -> Error {
    Error::new(Kind::Full, what)
        .hint("free some space there or raise the quota, then run the same command again: what has arrived stays")
}

/// Lays out `request` in a directory named by its digest; the path of the campaign file there. Of one that is laid out
/// already every file is hashed, and one that was changed is replaced.
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
    put::private_dir(&root.requests())?;
    dirs.iter().try_for_each(|path| fs::create_dir(&layout::below(&dir, path)))?;
    places.iter().try_for_each(|place| lay_file(root, &dir, place))?;
    // The campaign file comes last: where it is, everything is.
    fs::create_dir(&dir)?;
    if !put::holds(&campaign, text.len() as u64, &digest::sha256(text.as_bytes())) || !put::is_private(&campaign) {
        fs::replace_private(&campaign, text.as_bytes())?;
    }
    text_of(campaign)
}

/// Gives a file of a request its place, unless it is there and is what it was.
fn lay_file(root: &RemoteRoot, dir: &Path, place: &Place) -> Result<()> {
    let Place { path, file } = place;
    let (from, to) = (root.input(&file.sha256, &file.name), layout::below(dir, path));
    if !put::holds(&to, file.bytes, &file.sha256) {
        if is_missing(root, file) {
            return Err(Error::usage(format!("the file of `{path}` was not sent")));
        }
        to.parent().map_or(Ok(()), fs::create_dir)?;
        fs::remove(&to)?;
        put::link_or_copy(&from, &to)?;
    }
    if file.executable { put::make_executable(&to) } else { Ok(()) }
}

fn text_of(path: PathBuf) -> Result<String> {
    path.into_os_string().into_string().map_err(|path| Error::usage(format!("`{}` is not text", path.display())))
}

#[cfg(test)]
mod tests {
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
        assert_eq!(mode(&path), 0o600);
        assert_eq!((mode(&root.requests()), mode(&root.inputs())), (0o700, 0o700));
        assert!(beside.join("data").is_dir() && put::is_executable(&beside.join("bin/score.py")));
    }

    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777
    }

    #[test]
    fn a_file_that_was_changed_is_missing_and_replaced_and_never_used() {
        let dir = tempfile::tempdir().unwrap();
        let root = RemoteRoot::new(dir.path());
        let one = file("a.smi", b"CCO");
        let place = Place { path: "a.smi".to_owned(), file: one.clone() };
        let request =
            Request { name: "c.toml".to_owned(), text: "x\n".to_owned(), places: vec![place], dirs: Vec::new() };
        stored(&root, &one, b"CCO").unwrap();
        let path = PathBuf::from(lay(&root, &request).unwrap());
        let beside = path.with_file_name("a.smi");
        // A request's file is a second name of the stored one: both change, and the length does not.
        std::fs::write(&beside, "CCN").unwrap();
        std::fs::write(&path, "y\n").unwrap();
        assert!(is_missing(&root, &one));
        assert!(lay(&root, &request).unwrap_err().what().contains("was not sent"));
        stored(&root, &one, b"CCO").unwrap();
        lay(&root, &request).unwrap();
        assert_eq!(
            (std::fs::read(&beside).unwrap(), std::fs::read(&path).unwrap()),
            (b"CCO".to_vec(), b"x\n".to_vec())
        );
    }
}
