//! Reading what is in a campaign directory: plain files and nothing else.
//!
//! Somebody may have planted a link or a pipe there. A link would lead the reader elsewhere, a pipe
//! would keep it waiting for ever; both are refused here, in one place.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::digest::{self, Digest};
use crate::error::Error;

/// No file that is read as a whole has more bytes: a journal segment of hundreds of thousands of events has fewer.
const PLAIN_MAX: u64 = 256 << 20;

/// No file of a few facts has.
const SMALL_MAX: u64 = 1 << 20;

/// Opens the file at `path`, which a user named, for reading: through links, and without waiting for anybody.
///
/// # Errors
/// The system refuses, or it is no plain file.
pub fn open_input(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    match file.metadata()? {
        found if found.is_file() => Ok(file),
        found if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(not_plain()),
    }
}

/// The content of the file at `path`, which a user named: of `most` bytes at most.
///
/// # Errors
/// As [`open_input`], or it is larger.
pub fn read_input(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_input(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// SHA-256 and length in bytes of the file at `path`, which a user named.
///
/// # Errors
/// The file is not there (exit 2), or is no plain file or cannot be read (exit 6).
pub fn sha256_input(path: &Path) -> Result<(Digest, u64), Error> {
    let refused = |e: io::Error| Error::input(path, &e);
    open_input(path).and_then(digest::sha256_stream).map_err(refused)
}

fn not_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a plain file; move it away")
}

/// Opens the plain file at `path` for reading: not through a link, and without waiting for anybody.
///
/// # Errors
/// The system refuses, or it is no plain file.
pub fn open_plain(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(|e| {
        let is_link = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if is_link { not_plain() } else { e }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_plain()) }
}

/// The content of the plain file at `path`, of those that are read as a whole: none of ours has more than 256 MiB, and nothing
/// that somebody put in its place fills the memory.
///
/// # Errors
/// As [`open_plain`], or it is larger.
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, PLAIN_MAX)
}

/// As [`read_plain`], of a file that holds a few facts: it has 1 MiB at most.
///
/// # Errors
/// As [`read_plain`].
pub fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    read_at_most(path, SMALL_MAX)
}

fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open_plain(path)?;
    let length = file.metadata()?.len();
    let too_large = || {
        let what = format!("it has more than {most} bytes, which no such file of ours has; move it away");
        io::Error::new(io::ErrorKind::InvalidData, what)
    };
    if length > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(1 << 24));
    // (It may grow meanwhile.)
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// The last `most` bytes of the plain file at `path`, or all of it if it is shorter.
///
/// # Errors
/// As [`open_plain`].
pub fn read_end(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open_plain(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 17;

/// Hands on what `from`, which is at `path`, has left: block by block.
///
/// # Errors
/// The system refuses (exit 6), or what `each` answers.
pub fn each_block<E: From<Error>>(
    mut from: impl Read,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => each(&buffer[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("cannot read", path, &e).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_far_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let sparse = |length: u64| {
            let path = dir.path().join(length.to_string());
            File::create(&path).unwrap().set_len(length).unwrap();
            path
        };
        // (8 TiB are more than there is memory: whoever reads it at all does not come back.)
        for (length, whole, small) in [(SMALL_MAX, true, true), (SMALL_MAX + 1, true, false), (1 << 43, false, false)] {
            let path = sparse(length);
            assert_eq!((read_plain(&path).is_ok(), read_small(&path).is_ok()), (whole, small), "{length}");
        }
        let error = read_plain(&sparse(PLAIN_MAX + 1)).unwrap_err();
        assert!(error.to_string().contains("it has more than 268435456 bytes"), "{error}");
    }

    #[test]
    fn only_plain_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("plain"), "text").unwrap();
        std::os::unix::fs::symlink(at("plain"), at("link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(read_plain(&at("plain")).unwrap(), b"text");
        assert!(open_input(&at("link")).is_ok());
        assert!(open_input(&at("pipe")).is_err());
        for path in [at("pipe"), "/dev/zero".into()] {
            assert!(sha256_input(&path).is_err() && read_input(&path, 9).is_err(), "{path:?}");
        }
        assert_eq!(sha256_input(&at("link")).unwrap(), (digest::sha256(b"text"), 4));
        assert_eq!(read_input(&at("link"), 4).unwrap(), b"text");
        assert_eq!(read_input(&at("link"), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_plain(&at("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
        for name in ["link", "pipe", "."] {
            assert_eq!(read_plain(&at(name)).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }
}
