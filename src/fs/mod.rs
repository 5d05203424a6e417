//! The only disk writes.
//!
//! Everything durable is either written whole ([`write_new`], [`replace`], [`Staged`]: a temporary
//! file in the same directory, synced, renamed, the directory synced) or appended to a file that
//! this process created with `O_EXCL` ([`Appender`]). A reader therefore sees a complete file, or
//! none, or the valid prefix of a framed one. The [`fault`] module can stop the process at the Nth
//! write, with or without the loss of what was not synced: that is how the tests prove the above.

pub mod alone;
pub mod fault;
mod fresh;
pub mod held;
pub mod put;
pub mod read;
pub mod scratch;
pub mod sparse;
pub mod swap;
pub mod tree;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{Error, Result};
use crate::id::AttemptId;
pub use fresh::{must_be_new, put_new};
pub use read::{each_block, open_input, open_plain, read_end, read_input, read_plain, read_small, sha256_input};

/// Creates `dir` and its parents.
///
/// # Errors
/// The system refuses (exit 6).
pub fn create_dir(dir: &Path) -> Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> = dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && !d.exists()).collect();
    fault::before_write();
    fs::create_dir_all(dir).map_err(|e| Error::io("cannot create the directory", dir, &e))?;
    // A file is as durable as the names of the directories that lead to it.
    missing.into_iter().rev().try_for_each(sync_parent)
}

/// What a file system has left for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Inodes: files and directories. None where the file system makes them as they are needed.
    pub inodes: Option<u64>,
}

/// What the file system of `path` has left; a quota of the user is not seen.
///
/// # Errors
/// The system refuses to say (exit 6).
pub fn room(path: &Path) -> Result<Room> {
    let there = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
    let stat = rustix::fs::statvfs(there).map_err(|e| Error::io("cannot see what is left at", there, &e.into()))?;
    // Some file systems make inodes as they are needed, and say 0.
    let inodes = (stat.f_files > 0).then_some(stat.f_favail);
    Ok(Room { bytes: stat.f_bavail.saturating_mul(stat.f_frsize), inodes })
}

/// Writes `bytes` to a new file at `path`, whole or not at all.
///
/// When it returns, the content and the name are durable. `Ok(false)`: somebody else was first,
/// and their file stands.
///
/// # Errors
/// The system refuses (exit 6); nothing is left under `path`.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    let mut staged = Staged::create_beside(path)?;
    staged.write(bytes)?;
    staged.commit_new()
}

/// Writes `bytes` to `path` whole, in place of what was there.
///
/// When it returns, the content and the name are durable; a reader sees the old or the new content.
///
/// # Errors
/// The system refuses (exit 6); the old content is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut staged = Staged::create_beside(path)?;
    staged.write(bytes)?;
    staged.commit()
}

/// As [`replace`], but the file can be read by its owner alone.
///
/// # Errors
/// As [`replace`].
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut staged = Staged::create_beside(path)?;
    staged.make_private()?;
    staged.write(bytes)?;
    staged.commit()
}

/// Removes a file; that it is already gone is fine.
///
/// # Errors
/// The system refuses (exit 6).
pub fn remove(path: &Path) -> Result<()> {
    fault::before_write();
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("cannot remove", path, &e)),
        _ => Ok(()),
    }
}

/// Gives the file at `from` a second name, if the file system knows such a thing and nobody has it.
pub fn link(from: &Path, to: &Path) -> bool {
    fault::before_write();
    fs::hard_link(from, to).is_ok()
}

/// Sets the permissions of a secret: readable and writable by its owner alone.
fn owner_only(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

/// Writes a secret to a new file that its owner alone can read.
///
/// # Errors
/// Something is already there (exit 2), or the system refuses (exit 6).
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owner_only(&mut options);
    fault::before_write();
    let mut file = options.open(path).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::usage(format!("`{}` exists already", path.display()))
            .hint("choose another name, or remove it if you are sure that nothing was signed with it"),
        _ => Error::io("cannot create", path, &e),
    })?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| Error::io("cannot write", path, &e))
}

/// A file that is being written beside its final name and does not exist under it until committed.
#[derive(Debug)]
pub struct Staged {
    file: BufWriter<File>,
    temporary: PathBuf,
    path: PathBuf,
    committed: bool,
}

impl Staged {
    /// Starts a file that will be called `path`.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create_beside(path: &Path) -> Result<Self> {
        Self::create_at(hidden_beside(path)?, path)
    }

    /// As [`Staged::create_beside`], but it is being written beside the *directory* of `path`: a
    /// directory that strangers judge never holds a temporary file, whenever the process dies.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create_outside(path: &Path) -> Result<Self> {
        let dir = path.parent().ok_or_else(|| Error::bug(format!("`{}` is in no directory", path.display())))?;
        tree::sweep(dir);
        Self::create_at(hidden_beside(dir)?, path)
    }

    fn create_at(temporary: PathBuf, path: &Path) -> Result<Self> {
        fault::before_write();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = options.open(&temporary).map_err(|e| Error::io("cannot create", &temporary, &e))?;
        fault::opened(&temporary);
        Ok(Self {
            file: BufWriter::with_capacity(1 << 17, file),
            temporary,
            path: path.to_path_buf(),
            committed: false,
        })
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() > self.file.capacity() - self.file.buffer().len() {
            fault::before_write();
        }
        self.file.write_all(bytes).map_err(|e| Error::io("cannot write", &self.path, &e))
    }

    /// Makes it durable and gives it its name, in place of what had it.
    ///
    /// # Errors
    /// The system refuses (exit 6); the name still stands for what it stood for.
    pub fn commit(mut self) -> Result<()> {
        self.sync()?;
        fault::before_write();
        let refused = |e| Error::io("cannot rename to", &self.path, &e);
        if fault::RENAME {
            fs::rename(&self.temporary, &self.path).map_err(refused)?;
            fault::renamed(&self.temporary, &self.path);
            self.committed = true;
        } else {
            fault::copy_slowly(&self.temporary, &self.path).map_err(refused)?;
        }
        sync_parent(&self.path)
    }

    /// As [`Staged::commit`], but never over an existing file: `Ok(false)` if there is one.
    ///
    /// The name is given by `link(2)`, which fails where the name is taken, on NFS as well.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn commit_new(mut self) -> Result<bool> {
        self.sync()?;
        fault::before_write();
        match self.link() {
            Ok(()) => {
                fault::renamed(&self.temporary, &self.path);
                sync_parent(&self.path).map(|()| true)
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(Error::io("cannot rename to", &self.path, &e)),
        }
    }

    /// Gives the file its name, if nobody has it. Where a file system has no links, it may still
    /// know how to rename without replacing.
    fn link(&mut self) -> io::Result<()> {
        if !fault::RENAME {
            return fault::copy_slowly(&self.temporary, &self.path);
        }
        match fs::hard_link(&self.temporary, &self.path) {
            Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                renameat_with(CWD, &self.temporary, CWD, &self.path, RenameFlags::NOREPLACE)?;
                self.committed = true;
                Ok(())
            }
            other => other,
        }
    }

    /// A library is about to write to [`Staged::temporary_path`] through a handle of its own; to be called before each time.
    ///
    /// The library must keep the file and close it before the commit, which then makes all of it durable.
    pub fn other_handle_writes(&mut self) {
        fault::before_write();
    }

    /// What it will be called.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is being written.
    pub fn temporary_path(&self) -> &Path {
        &self.temporary
    }

    /// Flushes, and gives the underlying file, positioned at `offset`, to a writer that needs to seek.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn seekable(&mut self) -> Result<&mut File> {
        self.file.flush().map_err(|e| Error::io("cannot write", &self.path, &e))?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::End(0)).map_err(|e| Error::io("cannot seek in", &self.path, &e))?;
        Ok(file)
    }

    /// Flushes, and gives a handle of the file, positioned at its start, to a reader.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn reader(&mut self) -> Result<File> {
        let refused = |e| Error::io("cannot read again", &self.temporary, &e);
        self.file.flush().map_err(refused)?;
        let mut file = self.file.get_ref().try_clone().map_err(refused)?;
        file.rewind().map_err(refused)?;
        Ok(file)
    }

    fn sync(&mut self) -> Result<()> {
        fault::before_write();
        self.file.flush().map_err(|e| Error::io("cannot write", &self.path, &e))?;
        sync_file(self.file.get_ref(), &self.temporary)
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.file.capacity() - self.file.buffer().len() {
            fault::before_write();
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Staged {
    /// An uncommitted file, and the temporary name of a linked one, go away.
    fn drop(&mut self) {
        if !self.committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A file of this process alone, to whose end it appends.
#[derive(Debug)]
pub struct Appender {
    file: File,
    path: PathBuf,
}

impl Appender {
    /// Creates the file; `Ok(None)` if there is one already (`O_EXCL`).
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create_new(path: &Path) -> Result<Option<Self>> {
        fault::before_write();
        match OpenOptions::new().read(true).append(true).create_new(true).open(path) {
            Ok(file) => {
                fault::opened(path);
                sync_parent(path)?;
                Ok(Some(Self { file, path: path.to_path_buf() }))
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(e) => Err(Error::io("cannot create", path, &e)),
        }
    }

    /// Appends `bytes` with one `write`; they survive the death of this process, not yet of the machine.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        fault::before_append(&mut self.file, bytes);
        self.file.write_all(bytes).map_err(|e| Error::io("cannot append to", &self.path, &e))
    }

    /// Makes all that was appended durable.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn sync(&mut self) -> Result<()> {
        fault::before_write();
        sync_file(&self.file, &self.path)
    }

    /// What was appended, to be read again, even if the name is gone. Nothing may be appended afterwards.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn reread(&self) -> Result<File> {
        self.file.try_clone().map_err(|e| Error::io("cannot read", &self.path, &e))
    }
}

/// A new name beside `path`, hidden: `.NAME.TAG.tmp`.
fn hidden_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::bug(format!("`{}` names no file", path.display())))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", AttemptId::random()?));
    Ok(path.with_file_name(hidden))
}

/// Whether `name` is that of a file that is being written, or that a writer which was killed left.
pub fn is_temporary(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

/// `fdatasync`, unless a test build took it out.
fn sync_file(file: &File, path: &Path) -> Result<()> {
    if fault::SYNC {
        file.sync_data().map_err(|e| Error::io("cannot sync", path, &e))?;
        fault::synced(path, file);
    }
    Ok(())
}

/// Makes the names in the directory of `path` durable.
fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let dir = File::open(parent).map_err(|e| Error::io("cannot sync the directory", parent, &e))?;
    sync_dir(&dir, parent)
}

/// Makes the names in `dir`, which is at `path`, durable.
fn sync_dir(dir: &File, path: &Path) -> Result<()> {
    match dir.sync_all() {
        // Some network file systems refuse to sync a directory; the rename is then as durable as they make it.
        Err(e) if e.kind() != io::ErrorKind::InvalidInput => Err(Error::io("cannot sync the directory", path, &e)),
        _ => Ok(()),
    }
}

/// A file in the directory for temporary files, to be read again by this process: it goes away when it is dropped.
///
/// # Errors
/// The system refuses (exit 6).
pub fn scratch() -> Result<Staged> {
    let path = crate::layout::scratch();
    tree::sweep(&path);
    Staged::create_beside(&path)
}

/// Opens a log for people, to be appended to by several processes; nobody relies on what is in it.
///
/// # Errors
/// The system refuses (exit 6).
pub fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(path).map_err(|e| Error::io("cannot open", path, &e))
}
