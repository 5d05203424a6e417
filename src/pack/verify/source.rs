//! A pack to be judged: a directory or an archive, seen as members with names and lengths.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::report::{Code, Judged, Problem, Refusal};
use crate::canonical::escape;
use crate::error::Error;
use crate::fs::{each_block, open_plain};
use crate::layout::PackDir;
use crate::pack::archive::read::Archive;
use crate::pack::is_member_name;

/// Where members come from. Nothing is ever written, and no content is held in memory.
pub(in crate::pack) trait Source {
    /// The names of the members, with the lengths that they have or declare.
    fn members(&self) -> BTreeMap<String, u64>;

    /// Hands on the content of one member, block by block. No more than its length comes.
    fn stream(&self, name: &str, each: &mut dyn FnMut(&[u8])) -> Judged<()>;
}

impl Source for Archive {
    fn members(&self) -> BTreeMap<String, u64> {
        Self::members(self)
    }

    fn stream(&self, name: &str, each: &mut dyn FnMut(&[u8])) -> Judged<()> {
        Self::stream(self, name, each)
    }
}

/// A pack that lies open.
pub(in crate::pack) struct Directory {
    dir: PackDir,
    members: BTreeMap<String, u64>,
}

impl Directory {
    /// Lists the directory. What is not a plain file with a plain name goes to `problems` and is left out.
    pub fn open(path: &Path, problems: &mut Vec<Problem>) -> Judged<Self> {
        let refused = |e: &io::Error| Error::input(path, e);
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|e| refused(&e))? {
            names.push(entry.map_err(|e| refused(&e))?.file_name());
        }
        names.sort();
        let dir = PackDir::new(path);
        let mut members: BTreeMap<String, u64> = BTreeMap::new();
        for name in names {
            let shown = escape::to_string(name.as_encoded_bytes());
            if !is_member_name(name.as_encoded_bytes()) {
                problems.push(Problem::of(Code::MemberUnsafe, &shown, format!("`{shown}` is not a plain file name")));
                continue;
            }
            let path = dir.member(&shown);
            let metadata = fs::symlink_metadata(&path).map_err(|e| Error::io("cannot read", &path, &e))?;
            if !metadata.is_file() {
                let message = format!("`{shown}` is a link, a directory or a device");
                problems.push(Problem::of(Code::MemberUnsafe, &shown, message));
            } else if members.keys().any(|other| other.eq_ignore_ascii_case(&shown)) {
                let message = format!("`{shown}` is there twice, but for upper and lower case");
                problems.push(Problem::of(Code::MemberDuplicate, &shown, message));
            } else {
                members.insert(shown, metadata.len());
            }
        }
        Ok(Self { dir, members })
    }

    /// Opens a member for reading.
    fn open_member(&self, name: &str) -> Judged<File> {
        let path = self.dir.member(name);
        // It was a plain file when it was listed; it must not have become a link since.
        Ok(open_plain(&path).map_err(|e| Error::io("cannot read", &path, &e))?)
    }

    /// Where a member is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.member(name)
    }
}

impl Source for Directory {
    fn members(&self) -> BTreeMap<String, u64> {
        self.members.clone()
    }

    fn stream(&self, name: &str, each: &mut dyn FnMut(&[u8])) -> Judged<()> {
        let path = self.dir.member(name);
        let mut left = self.members.get(name).copied().unwrap_or(0);
        let changed = || Problem::of(Code::MemberSize, name, format!("`{name}` grew while it was read"));
        each_block(self.open_member(name)?, &path, |block| {
            left = left.checked_sub(block.len() as u64).ok_or_else(changed)?;
            each(block);
            Ok::<(), Refusal>(())
        })?;
        if left > 0 {
            return Err(Problem::of(Code::MemberSize, name, format!("`{name}` shrank while it was read")).into());
        }
        Ok(())
    }
}

/// The whole content of a small member; a problem if it is not small.
pub(in crate::pack) fn read_small(source: &dyn Source, name: &str, bytes_max: u64) -> Judged<Vec<u8>> {
    let declared = source.members().get(name).copied().unwrap_or(0);
    if declared > bytes_max {
        return Err(Problem::of(Code::MemberSize, name, format!("`{name}` is longer than {bytes_max} bytes")).into());
    }
    let mut bytes = Vec::new();
    source.stream(name, &mut |block| bytes.extend_from_slice(block))?;
    Ok(bytes)
}
