//! What the user asked for: paths and globs to an ordered list of files.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::format::{FileFormat, FormatRequest, Notation};
use super::globbing;
use super::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::layout::SnapshotDir;

/// A library as the user names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibraryRequest {
    /// Where relative paths start: the directory of the campaign file, or the current one if empty.
    pub base: PathBuf,
    /// Files and globs, or one snapshot directory.
    pub paths: Vec<String>,
    /// What was said about the format.
    #[serde(default)]
    pub format: FormatRequest,
}

impl LibraryRequest {
    /// A library of these paths, relative to the current directory, with a sniffed format.
    pub fn of(paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { paths: paths.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// One file of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Its absolute path; symbolic links are kept.
    pub path: PathBuf,
    /// Its size in bytes, as it is on disk.
    pub bytes: u64,
}

/// What a request stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// Files, sorted by path (component by component, as bytes).
    Files(Vec<InputFile>),
    /// A snapshot that was taken before.
    Snapshot(PathBuf),
}

/// Finds the files that `request` names.
///
/// # Errors
/// A path is not there, a glob matches nothing, a file is named twice or is not a regular file (exit 2);
/// the system refuses to look (exit 6).
pub fn resolve(request: &LibraryRequest) -> Result<Inputs> {
    let base = std::path::absolute(if request.base.as_os_str().is_empty() { Path::new(".") } else { &request.base })
        .map_err(|e| Error::io("cannot resolve", &request.base, &e))?;
    if let [only] = request.paths.as_slice() {
        let path = base.join(only);
        if SnapshotDir::new(&path).snapshot().is_file() {
            return snapshot(path, &request.format);
        }
    }
    let mut files = Vec::new();
    for path in &request.paths {
        expand(&base, path, &mut files)?;
    }
    files.sort_by(|a: &InputFile, b| a.path.cmp(&b.path));
    if files.is_empty() {
        return Err(Error::usage("the library names no file").hint("set `path` to one or more files or globs"));
    }
    for pair in files.windows(2) {
        if pair[0].path == pair[1].path {
            return Err(Error::usage(format!("`{}` is named twice in the library", pair[0].path.display()))
                .hint("remove one of the paths or globs that name it: its records would count twice"));
        }
    }
    Ok(Inputs::Files(files))
}

/// How the structures of the library that `request` names are written; no file of it is read.
///
/// # Errors
/// As [`resolve`], and files of more than one notation (exit 2).
pub fn notation(request: &LibraryRequest) -> Result<Notation> {
    match resolve(request)? {
        Inputs::Snapshot(dir) => Ok(Snapshot::open(&dir)?.notation()),
        Inputs::Files(files) => notation_of(&files, &request.format),
    }
}

/// How the structures of `files` are written, which their names or `format` tell.
pub(super) fn notation_of(files: &[InputFile], said: &FormatRequest) -> Result<Notation> {
    let of = |file: &InputFile| Ok(said.format.map_or_else(|| FileFormat::of(&file.path), Ok)?.notation());
    let Some((first, rest)) = files.split_first() else { return Ok(Notation::default()) };
    let notation = of(first)?;
    for file in rest {
        let other = of(file)?;
        if other != notation {
            return Err(Error::usage(format!(
                "the library mixes notations: `{}` holds {} and `{}` {}",
                first.path.display(),
                notation.many(),
                file.path.display(),
                other.many()
            ))
            .hint("screen each as a campaign of its own: one scorer is given one notation"));
        }
    }
    Ok(notation)
}

fn snapshot(path: PathBuf, format: &FormatRequest) -> Result<Inputs> {
    if format.is_empty() {
        return Ok(Inputs::Snapshot(path));
    }
    Err(Error::usage(format!("`{}` is a snapshot, whose format is frozen", path.display()))
        .hint("leave out format, delimiter, header and columns, or name the files themselves"))
}

/// Adds the files of one path or glob.
fn expand(base: &Path, text: &str, files: &mut Vec<InputFile>) -> Result<()> {
    if text.is_empty() {
        return Err(Error::usage("a path of the library is empty").hint("remove it, or name a file"));
    }
    let literal = base.join(text);
    if !globbing::is_glob(text) || literal.symlink_metadata().is_ok() {
        files.push(input_file(normal(&literal)?)?);
        return Ok(());
    }
    let before = files.len();
    for path in globbing::expand(base, text)? {
        if !path.is_dir() {
            files.push(input_file(normal(&path)?)?);
        }
    }
    if files.len() == before {
        return Err(Error::usage(format!("no file matches `{text}`"))
            .hint(format!("list the directory; relative globs start at `{}`", base.display())));
    }
    Ok(())
}

/// Absolute, without `.` components and repeated slashes.
fn normal(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::io("cannot resolve", path, &e))
}

fn input_file(path: PathBuf) -> Result<InputFile> {
    let metadata = path.metadata().map_err(|e| Error::input(&path, &e))?;
    if metadata.is_file() {
        return Ok(InputFile { path, bytes: metadata.len() });
    }
    let error = Error::usage(format!("`{}` is not a regular file", path.display()));
    Err(if metadata.is_dir() {
        error.hint("name the files in it, such as `*.smi`, or a directory that `library snapshot` wrote")
    } else {
        error.hint("write the records to a file first: a library is read more than once")
    })
}
