//! A parcel: parts of files, each with its place in a campaign directory, and at the end what they are.
//!
//! ```text
//! "molsieve.parcel1" · the bytes of the parts · contents, as canonical JSON · their length, u64 · their BLAKE3
//! ```

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::canonical::json;
use crate::digest::{self, Blake3, Digest};
use crate::error::{Error, Result};
use crate::fs::held::Held;
use crate::fs::sparse::Sparse;
use crate::fs::{self, Staged};
use crate::id::GroupIndex;
use crate::layout::CampaignDir;

/// Schema of [`Contents`].
pub const SCHEMA: &str = "molsieve.parcel.v1";

const MAGIC: &[u8; 16] = b"molsieve.parcel1";

/// After the contents: their length, and their digest.
const TRAILER: u64 = 8 + 32;

/// No contents are longer, in bytes.
const CONTENTS_MAX: u64 = 64 << 20;

/// No file of which a part is carried is longer, in bytes.
const LENGTH_MAX: u64 = 1 << 53;

/// Bytes that are read at once.
const BLOCK: usize = 1 << 18;

/// What a parcel holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// [`SCHEMA`].
    pub schema: String,
    /// The digest of the plan of its campaign.
    pub plan: Digest,
    /// The wave that it was made for.
    pub wave: u64,
    /// The task that it is for; none if it is for all of the wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<u64>,
    /// The task groups of that task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupIndex>,
    /// Paths that the campaign speaks of, and where they are in the parcel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// The parts, in the order of their bytes.
    pub parts: Vec<Part>,
}

/// A file that the scorer needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The absolute path where the campaign was planned.
    pub from: PathBuf,
    /// Its place in the campaign directory of the task.
    pub to: PathBuf,
    /// Whether it is a program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub program: bool,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The file: its path in a campaign directory.
    pub path: PathBuf,
    /// The length of the whole file, in bytes.
    pub length: u64,
    /// Where the part begins in it.
    pub offset: u64,
    /// How long the part is.
    pub bytes: u64,
    /// BLAKE3 of the part.
    pub blake3: Digest,
}

/// A parcel that is being written.
#[derive(Debug)]
pub struct Writer {
    file: Staged,
    contents: Contents,
}

impl Writer {
    /// Starts the parcel at `path`; `contents` has no parts yet. Its owner alone may read it.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create(path: &Path, contents: Contents) -> Result<Self> {
        let mut file = Staged::create_beside(path)?;
        file.make_private()?;
        file.write(MAGIC)?;
        Ok(Self { file, contents })
    }

    /// Adds a whole file with this content.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn text(&mut self, path: &Path, content: &[u8]) -> Result<()> {
        self.file.write(content)?;
        let length = content.len() as u64;
        self.note(path, length, 0..length, digest::blake3(content));
        Ok(())
    }

    /// Adds the whole file at `source`, as it is now.
    ///
    /// # Errors
    /// It cannot be read, or the system refuses (exit 6).
    pub fn whole(&mut self, path: &Path, source: &Path) -> Result<()> {
        let length = source.metadata().map_err(|e| Error::io("cannot read", source, &e))?.len();
        self.ranges(path, source, std::slice::from_ref(&(0..length)))
    }

    /// Adds these parts of the file at `source`; where there are none, that it is there.
    ///
    /// # Errors
    /// As [`Writer::whole`].
    pub fn ranges(&mut self, path: &Path, source: &Path, ranges: &[Range<u64>]) -> Result<()> {
        let refused = |e: std::io::Error| Error::io("cannot read", source, &e);
        let mut file = fs::open_input(source).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        for range in ranges {
            file.seek(SeekFrom::Start(range.start)).map_err(refused)?;
            let (mut blake3, mut bytes) = (Blake3::default(), 0);
            let out = &mut self.file;
            fs::each_block((&mut file).take(range.end - range.start), source, |block| {
                blake3.update(block);
                bytes += block.len() as u64;
                out.write(block)
            })?;
            if bytes != range.end - range.start {
                return Err(Error::environment(format!("`{}` became shorter while it was read", source.display())));
            }
            self.note(path, length, range.clone(), blake3.finish());
        }
        Ok(())
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn finish(mut self) -> Result<()> {
        let contents = json::to_line(&self.contents)?;
        self.file.write(&contents)?;
        self.file.write(&(contents.len() as u64).to_le_bytes())?;
        self.file.write(&digest::blake3(&contents).0)?;
        self.file.commit()
    }

    fn note(&mut self, path: &Path, length: u64, range: Range<u64>, blake3: Digest) {
        let (path, offset, bytes) = (path.to_path_buf(), range.start, range.end - range.start);
        self.contents.parts.push(Part { path, length, offset, bytes, blake3 });
    }
}

/// A parcel that was opened: whole, as far as its contents say, and nothing of it unpacked yet.
#[derive(Debug)]
pub struct Parcel {
    file: File,
    path: PathBuf,
    /// What it holds.
    pub contents: Contents,
}

impl Parcel {
    /// Opens the parcel at `path`.
    ///
    /// # Errors
    /// It is none, it is damaged, or what it holds would lie outside of a campaign directory (exit 6: it is tried again, elsewhere).
    pub fn open(path: &Path) -> Result<Self> {
        let refused = |e: std::io::Error| Error::io("cannot read", path, &e);
        let bad = |why: &str| damaged(path, why);
        let mut file = fs::open_plain(path).map_err(refused)?;
        let length = file.metadata().map_err(refused)?.len();
        let mut magic = [0; MAGIC.len()];
        let least = MAGIC.len() as u64 + TRAILER;
        if length < least || file.read_exact(&mut magic).is_err() || &magic != MAGIC {
            return Err(bad("it does not begin as one"));
        }
        let mut trailer = [0; TRAILER as usize];
        file.seek(SeekFrom::Start(length - TRAILER)).map_err(refused)?;
        file.read_exact(&mut trailer).map_err(refused)?;
        let size = trailer[..8].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        if size > CONTENTS_MAX || size > length - least {
            return Err(bad("its end is missing"));
        }
        file.seek(SeekFrom::Start(length - TRAILER - size)).map_err(refused)?;
        let mut contents = vec![0; size as usize];
        file.read_exact(&mut contents).map_err(refused)?;
        if digest::blake3(&contents).0 != trailer[8..] {
            return Err(bad("what it says of itself has another digest"));
        }
        let contents: Contents = json::from_line("a parcel", &contents).map_err(|e| bad(e.what()))?;
        check(&contents, length - least - size).map_err(|why| bad(&why))?;
        Ok(Self { file, path: path.to_path_buf(), contents })
    }

    /// Unpacks it into `dir`, through directories that are no links and into files that are new. What `is_kept` says of a path that
    /// is there already stays as it is.
    ///
    /// # Errors
    /// A part is not what the contents say, or the system refuses (exit 6).
    pub fn unpack(&mut self, dir: &CampaignDir, is_kept: impl Fn(&Path) -> bool) -> Result<()> {
        let refused = |e: std::io::Error| Error::io("cannot read", &self.path, &e);
        self.file.seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(refused)?;
        let held = Held::at(dir.root())?;
        let mut buffer = vec![0; BLOCK];
        let mut open: Option<(&Path, Sparse)> = None;
        for part in &self.contents.parts {
            let target = dir.inside(&part.path);
            if is_kept(&part.path) && target.exists() && open.as_ref().is_none_or(|(path, _)| *path != part.path) {
                self.file.seek(SeekFrom::Current(part.bytes.cast_signed())).map_err(refused)?;
                continue;
            }
            if open.as_ref().is_none_or(|(path, _)| *path != part.path) {
                open = Some((&part.path, held.create(&part.path, part.length)?));
            }
            let Some((_, file)) = &open else { continue };
            let (mut blake3, mut done) = (Blake3::default(), 0);
            while done < part.bytes {
                let next = buffer.len().min(usize::try_from(part.bytes - done).unwrap_or(BLOCK));
                self.file.read_exact(&mut buffer[..next]).map_err(refused)?;
                blake3.update(&buffer[..next]);
                file.put(part.offset + done, &buffer[..next])?;
                done += next as u64;
            }
            if blake3.finish() != part.blake3 {
                return Err(damaged(&self.path, &format!("a part of `{}` has another digest", part.path.display())));
            }
        }
        let programs = self.contents.moved.iter().filter(|moved| moved.program);
        programs.map(|moved| &moved.to).try_for_each(|path| {
            held.make_executable(path).map_err(|e| Error::io("cannot make executable", &dir.inside(path), &e))
        })
    }
}

/// Why a parcel with these contents, whose parts have `bytes` bytes in all, is not unpacked.
fn check(contents: &Contents, bytes: u64) -> std::result::Result<(), String> {
    if contents.schema != SCHEMA {
        return Err(format!("its schema is `{}`, not `{SCHEMA}`", contents.schema));
    }
    let mut left = bytes;
    let (mut begun, mut last) = (BTreeSet::new(), None);
    for part in &contents.parts {
        // Each file is made once.
        if last.replace(&part.path) != Some(&part.path) && !begun.insert(&part.path) {
            return Err(format!("the parts of `{}` are not together", part.path.display()));
        }
        if !is_inside(&part.path) {
            return Err(format!("`{}` is no place for what a parcel holds", part.path.display()));
        }
        let is_within = part.offset.checked_add(part.bytes).is_some_and(|end| end <= part.length);
        if !is_within || part.length > LENGTH_MAX {
            return Err(format!("a part of `{}` does not fit into it", part.path.display()));
        }
        left = left.checked_sub(part.bytes).ok_or("it is shorter than what it holds")?;
    }
    match contents.moved.iter().find(|moved| !is_inside(&moved.to)) {
        Some(moved) => Err(format!("`{}` is no place for what a parcel holds", moved.to.display())),
        None if left > 0 => Err("it is longer than what it holds".to_owned()),
        None => Ok(()),
    }
}

/// Whether `path` stays in a campaign directory, and is of those that parcels hold.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && CampaignDir::is_carried(path)
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::environment(format!("`{}` is not a whole parcel of molsieve's: {why}", path.display()))
        .hint("it was whole when the task was submitted; the next wave makes another")
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
