//! The archive of a task group's kept files, read again: nothing in it is believed before its receipt vouches for it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};

use zip::ZipArchive;

use super::survey::Sealed;
use crate::canonical::row;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::id::Ordinal;
use crate::scorer::{KeptFile, files};

/// What errors call an archive.
const WHAT: &str = "archive of kept files";

/// An archive whose bytes are those that its receipt speaks of. Memory holds its names, and one file at a time.
#[derive(Debug)]
pub struct Archive<'s> {
    sealed: &'s Sealed,
    zip: ZipArchive<BufReader<File>>,
    members: BTreeMap<(Ordinal, String), usize>,
}

impl<'s> Archive<'s> {
    /// Opens the archive of `sealed`, whose receipt must speak of one.
    ///
    /// # Errors
    /// It is not what its receipt says (exit 4), or it is gone or cannot be read (exit 6).
    pub fn open(sealed: &'s Sealed) -> Result<Self> {
        Self::open_if_there(sealed)?.ok_or_else(|| {
            Error::io("cannot read", &sealed.files, &ErrorKind::NotFound.into())
                .hint("the receipt of its task group says that it was there; the result itself does not depend on it")
        })
    }

    /// The same; `Ok(None)` if it is gone.
    ///
    /// # Errors
    /// As [`Archive::open`], but for that.
    pub fn open_if_there(sealed: &'s Sealed) -> Result<Option<Self>> {
        let Some(kept) = &sealed.receipt.files else { return Err(Error::bug("a receipt without files was asked for")) };
        let path = &sealed.files;
        let refused = |e: std::io::Error| Error::io("cannot read", path, &e);
        let mut file = match fs::open_plain(path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(refused(e)),
        };
        let differs = || {
            sealed
                .wrong(WHAT, "is not what its receipt says (its digest is another)")
                .hint("or remove that archive alone: the rows stay, and its files are lost")
        };
        if file.metadata().map_err(refused)?.len() != kept.bytes
            || (digest::blake3_stream(&mut file).map_err(refused)?) != (kept.blake3, kept.bytes)
        {
            return Err(differs());
        }
        file.seek(SeekFrom::Start(0)).map_err(refused)?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|_| differs())?;
        let mut members = BTreeMap::new();
        for (name, index) in zip.file_names().zip(0..) {
            let name = name.map_err(|_| differs())?;
            let (ordinal, name) = name.split_once('/').ok_or_else(differs)?;
            let ordinal = row::ordinal(ordinal.as_bytes())
                .filter(|o| sealed.receipt.ordinals.contains(o) && files::is_name(name))
                .ok_or_else(differs)?;
            members.insert((ordinal, name.to_owned()), index);
        }
        Ok(Some(Self { sealed, zip, members }))
    }

    /// The names of a record's files, each with its place for [`Archive::read`].
    pub fn names(&self, ordinal: Ordinal) -> Vec<(String, usize)> {
        let from = (ordinal, String::new())..(ordinal + 1, String::new());
        self.members.range(from).map(|((_, name), index)| (name.clone(), *index)).collect()
    }

    /// One file of [`Archive::names`].
    ///
    /// # Errors
    /// It cannot be unpacked, or is longer than a kept file may be (exit 4).
    pub fn read(&mut self, ordinal: Ordinal, name: String, index: usize) -> Result<KeptFile> {
        let sealed = self.sealed;
        let broken = |_| sealed.wrong(WHAT, "cannot be unpacked");
        let member = self.zip.by_index(index).map_err(|e| broken(e.into()))?;
        let mut content = Vec::new();
        member.take(files::BYTES_MAX + 1).read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 > files::BYTES_MAX {
            return Err(sealed.wrong(WHAT, "holds one that is too long"));
        }
        Ok(KeptFile { ordinal, name, content })
    }
}
