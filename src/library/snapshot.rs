//! A library snapshot: what a library is (its root) and where it lies.
//!
//! See `docs/formats/snapshot.md`. The root is over the records alone: compression, names, quoting,
//! headers and blank lines are not in it. How records are spread over files is, because files are
//! digested in parallel; a payload does not depend on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::{FileRoot, library_root};
use super::counts::Counts;
use super::decode::Compression;
use super::format::{Format, Notation};
use super::index::IndexReader;
use super::repack::FrameReader;
use crate::canonical::escape;
use crate::digest::{self, Digest};
use crate::error::{Error, Result};
use crate::layout::SnapshotDir;

/// Schema of `snapshot.json`.
pub const SCHEMA: &str = "molsieve.snapshot.v1";

/// What `snapshot.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// How the structures of all files are written.
    #[serde(default, skip_serializing_if = "Notation::is_smiles")]
    pub notation: Notation,
    /// Root of the library (BLAKE3).
    pub root: Digest,
    /// Records of all files.
    pub records: u64,
    /// The files, in order.
    pub files: Vec<FileSnapshot>,
}

/// One file of a library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSnapshot {
    /// Root of the file (BLAKE3).
    pub root: Digest,
    /// How many records it holds.
    pub records: u64,
    /// How many blocks these make.
    pub blocks: u64,
    /// Where it was read from; not in any root.
    pub source: Source,
    /// How its lines are read.
    pub format: Format,
    /// What became of its lines.
    pub counts: Counts,
    /// Where its blocks are described; not in any root.
    pub stored: Stored,
}

/// Where a file was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Absolute path, escaped.
    pub path: String,
    /// Size in bytes, as it is on disk.
    pub bytes: u64,
    /// How it is compressed. Plain files are read where they are.
    pub compression: Compression,
}

impl FileSnapshot {
    /// Whether its records are read from the file itself, and not from what was repacked.
    pub fn is_in_place(&self) -> bool {
        self.source.compression == Compression::None && !matches!(self.format, Format::Parquet { .. })
    }

    /// Whether the index in `dir` has its root.
    pub(super) fn is_indexed_in(&self, dir: &SnapshotDir) -> Result<bool> {
        let mut index = IndexReader::open(dir.index(&self.stored.part), self.stored.entry, self.blocks)?;
        let mut root = FileRoot::new();
        for block in 0..self.blocks {
            root.add(&index.entry(block)?.digest);
        }
        Ok(root.finish(self.records) == self.root)
    }

    /// Whether the repacked records in `dir` have the digests of its index; all of them are read.
    pub(super) fn is_repacked_in(&self, dir: &SnapshotDir) -> Result<bool> {
        let mut index = IndexReader::open(dir.index(&self.stored.part), self.stored.entry, self.blocks)?;
        let mut frames = FrameReader::open(dir.frames(&self.stored.part))?;
        for block in 0..self.blocks {
            let entry = index.entry(block)?;
            let end = if block + 1 < self.blocks { index.entry(block + 1)?.offset } else { self.stored.end };
            if digest::blake3(&frames.read(entry.offset, end)?) != entry.digest {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Source {
    /// The path itself.
    ///
    /// # Errors
    /// It is not an escaped path (exit 2).
    pub fn path(&self) -> Result<PathBuf> {
        use std::os::unix::ffi::OsStringExt;
        let bytes = escape::undo(self.path.as_bytes());
        let bytes = bytes.ok_or_else(|| Error::usage(format!("`{}` is not a path of a snapshot", self.path)))?;
        Ok(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
    }
}

/// Where the blocks of a file are described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stored {
    /// Name of the part: `PART.index`, and `PART.frames` for repacked records.
    pub part: String,
    /// The first entry of the file in the index, from 0.
    pub entry: u64,
    /// Offset after the last block: in the file itself if it is plain, in `PART.frames` if not.
    pub end: u64,
}

impl Stored {
    /// Whether the part has a name that stays in its directory.
    pub(super) fn is_named_well(&self) -> bool {
        SnapshotDir::is_part(&format!("{}.index", self.part)) && !self.part.contains('/')
    }
}

/// A snapshot that was opened. Clones share what they hold.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: SnapshotDir,
    document: Document,
    /// Ordinal of the first record of each file, and at the end the number of records.
    starts: Vec<u64>,
}

impl Snapshot {
    /// Opens the snapshot in `dir`; the library itself is not looked at (see [`Snapshot::check_files`]).
    ///
    /// # Errors
    /// There is none, or it is damaged (exit 2); it cannot be read (exit 6).
    pub fn open(dir: &Path) -> Result<Self> {
        let dir = SnapshotDir::new(dir);
        let path = dir.snapshot();
        let bytes = std::fs::read(&path).map_err(|e| Error::input(&path, &e))?;
        let damaged = |why: String| {
            Error::usage(format!("`{}` is not a library snapshot: {why}", path.display()))
                .hint("take the snapshot again with this version of molsieve")
        };
        let document: Document = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        document.check().map_err(damaged)?;
        Ok(Self::of(dir, document))
    }

    /// A snapshot whose document was checked or just made.
    pub(super) fn of(dir: SnapshotDir, document: Document) -> Self {
        let mut starts = vec![0];
        let mut total = 0;
        for file in &document.files {
            total += file.records;
            starts.push(total);
        }
        Self(Arc::new(Inner { dir, document, starts }))
    }

    /// Where the snapshot lies.
    pub fn dir(&self) -> &Path {
        self.0.dir.root()
    }

    /// The root of the library.
    pub fn root(&self) -> Digest {
        self.0.document.root
    }

    /// How its structures are written.
    pub fn notation(&self) -> Notation {
        self.0.document.notation
    }

    /// How many records the library has.
    pub fn records(&self) -> u64 {
        self.0.document.records
    }

    /// The files, in order.
    pub fn files(&self) -> &[FileSnapshot] {
        &self.0.document.files
    }

    /// What `snapshot.json` holds.
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// The counts of all files.
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.files().iter().for_each(|file| sum.add(&file.counts));
        sum
    }

    /// Checks that every plain file is there and has the size it had; a slice checks the content.
    ///
    /// # Errors
    /// A file changed (exit 2), is gone, or cannot be read (exit 6).
    pub fn check_files(&self) -> Result<()> {
        for file in self.files().iter().filter(|file| file.is_in_place()) {
            let path = file.source.path()?;
            let metadata = path.metadata().map_err(|e| gone(&path, &e))?;
            if metadata.len() != file.source.bytes {
                return Err(changed(&path, &format!("it had {} bytes and has {}", file.source.bytes, metadata.len())));
            }
        }
        Ok(())
    }

    /// Checks the index of every file against the root: 48 bytes are read for each block.
    ///
    /// A slice checks each block against the index; this is what ties the index to the root.
    ///
    /// # Errors
    /// The index is damaged (exit 2) or cannot be read (exit 6).
    pub fn check_index(&self) -> Result<()> {
        for file in self.files() {
            if !file.is_indexed_in(self.layout())? {
                let path = self.layout().index(&file.stored.part);
                let what = format!("`{}` is not the index of `{}`", path.display(), file.source.path);
                return Err(Error::usage(what).hint("take the snapshot again"));
            }
        }
        Ok(())
    }

    /// The directory, for the names of its parts.
    pub(super) fn layout(&self) -> &SnapshotDir {
        &self.0.dir
    }

    /// The file that holds `ordinal`, and the ordinal of its first record.
    pub(super) fn file_of(&self, ordinal: u64) -> Option<(usize, u64)> {
        let after = self.0.starts.partition_point(|start| *start <= ordinal);
        (after <= self.files().len()).then(|| (after - 1, self.0.starts[after - 1]))
    }
}

impl Document {
    /// Whether it is consistent in itself; the error says what is not.
    fn check(&self) -> std::result::Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("its schema is `{}`, not `{SCHEMA}`", self.schema));
        }
        let sum = self.files.iter().try_fold(0u64, |sum, file| sum.checked_add(file.records));
        if sum != Some(self.records) {
            return Err("the records of its files do not add up".to_owned());
        }
        if self.files.iter().any(|file| file.format.notation() != self.notation) {
            return Err("its files are of other notations".to_owned());
        }
        if library_root(self.notation, self.files.iter().map(|file| (file.root, file.records))) != self.root {
            return Err("its root is not that of its files".to_owned());
        }
        let is_accounted = |file: &FileSnapshot| file.counts.is_balanced() && file.counts.records == file.records;
        if let Some(file) = self.files.iter().find(|file| !is_accounted(file)) {
            return Err(format!("the lines of `{}` do not add up", file.source.path));
        }
        match self.files.iter().find(|file| !file.stored.is_named_well()) {
            Some(file) => Err(format!("`{}` is not the name of a part", file.stored.part)),
            None => Ok(()),
        }
    }
}

/// The error of a library file that is not what it was.
pub(super) fn changed(path: &Path, how: &str) -> Error {
    Error::usage(format!("the library changed since the plan: `{}`: {how}", path.display()))
        .hint("put the file back as it was and run the same command again, or start a new campaign")
}

/// The error of a library file that was there and is not now: a matter of mounts, not of the request.
pub(super) fn gone(path: &Path, error: &std::io::Error) -> Error {
    Error::io("cannot read the library file", path, error)
        .hint("mount its file system on this node, or put the file back, then run the same command again")
}
