//! Writes the archive: members in a fixed order, dated 1980, deflated; the same bytes for the same pack.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::muted::Muted;
use crate::error::{Error, Result};
use crate::fs::{self, Staged};
use crate::pack::ATTESTATION;

/// Payload rows are digits and repeat little: higher levels cost several times the CPU for a tenth of the bytes.
const LEVEL: i64 = 1;

/// From this length on a member is written with the 64-bit fields, whatever it will compress to.
const LARGE_FROM: u64 = 0xf000_0000;

/// Bytes written at once.
const BLOCK_BYTES: usize = 1 << 17;

/// A file that becomes a member.
#[derive(Clone, Debug)]
pub struct Input {
    /// The member's name.
    pub name: String,
    /// Where the content is.
    pub path: PathBuf,
}

/// Writes an archive of `members` to `staged`, and `attestation` as its last member if there is one.
///
/// # Errors
/// The system refuses (exit 6).
pub fn write(mut staged: Staged, members: &[Input], attestation: Option<&[u8]>) -> Result<Staged> {
    let path = staged.path().to_path_buf();
    let path = path.as_path();
    let mut zip = writer(&mut staged)?;
    for member in members {
        let file = fs::open_plain(&member.path).map_err(|e| Error::io("cannot read", &member.path, &e))?;
        let bytes = file.metadata().map_err(|e| Error::io("cannot read", &member.path, &e))?.len();
        zip.start_file(member.name.as_str(), options(bytes)).map_err(|e| failed(path, &e.into()))?;
        fs::each_block(file, &member.path, |block| zip.write_all(block).map_err(|e| failed(path, &e)))?;
    }
    attested(zip, attestation, path)?;
    Ok(staged)
}

/// Writes to `staged` the archive at `from` with another attestation; compressed members are copied as they are.
///
/// The archive at `from` must have been verified. `staged` may take its place.
///
/// # Errors
/// The system refuses (exit 6).
pub fn attest(from: &Path, mut staged: Staged, attestation: Option<&[u8]>) -> Result<Staged> {
    let path = staged.path().to_path_buf();
    let path = path.as_path();
    let file = fs::open_plain(from).map_err(|e| Error::input(from, &e))?;
    let mut old = ZipArchive::new(BufReader::new(file)).map_err(|e| failed(from, &e.into()))?;
    let mut zip = writer(&mut staged)?;
    for index in 0..old.len() {
        let member = old.by_index_raw(index).map_err(|e| failed(from, &e.into()))?;
        let is_attestation = member.name().map_err(|e| failed(from, &e.into()))? == ATTESTATION;
        if !is_attestation {
            zip.raw_copy_file(member).map_err(|e| failed(path, &e.into()))?;
        }
    }
    attested(zip, attestation, path)?;
    Ok(staged)
}

/// An archive that is written member by member, from streams, and not compressed: its bytes depend on no compressor.
#[derive(Debug)]
pub struct Plain<'a> {
    zip: ZipWriter<Muted<BufWriter<&'a mut File>>>,
    path: PathBuf,
    left: u64,
}

impl<'a> Plain<'a> {
    /// An archive whose members have at most `bytes_max` bytes together.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn create(staged: &'a mut Staged, bytes_max: u64) -> Result<Self> {
        let path = staged.path().to_path_buf();
        Ok(Self { zip: writer(staged)?, path, left: bytes_max })
    }

    /// Starts the next member; it will not be longer than `longest`.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn start(&mut self, name: &str, longest: u64) -> Result<()> {
        let options = options(longest).compression_method(CompressionMethod::Stored).compression_level(None);
        self.zip.start_file(name, options).map_err(|e| failed(&self.path, &e.into()))
    }

    /// Appends to the member that was started last.
    ///
    /// # Errors
    /// It becomes longer than it may (exit 4); the system refuses (exit 6).
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| Error::verification("is longer than what it should be"))?;
        self.zip.write_all(bytes).map_err(|e| failed(&self.path, &e))
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// The system refuses (exit 6).
    pub fn finish(self) -> Result<()> {
        finish(self.zip, &self.path)
    }
}

/// Adds the attestation, and ends the archive.
fn attested<W: Write + Seek>(mut zip: ZipWriter<W>, attestation: Option<&[u8]>, path: &Path) -> Result<()> {
    if let Some(bytes) = attestation {
        zip.start_file(ATTESTATION, options(bytes.len() as u64)).map_err(|e| failed(path, &e.into()))?;
        zip.write_all(bytes).map_err(|e| failed(path, &e))?;
    }
    finish(zip, path)
}

fn writer(staged: &mut Staged) -> Result<ZipWriter<Muted<BufWriter<&mut File>>>> {
    Ok(ZipWriter::new(Muted::around(BufWriter::with_capacity(BLOCK_BYTES, staged.seekable()?))))
}

fn finish<W: Write + Seek>(zip: ZipWriter<W>, path: &Path) -> Result<()> {
    let mut out = zip.finish().map_err(|e| failed(path, &e.into()))?;
    out.flush().map_err(|e| failed(path, &e))
}

fn options(bytes: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(bytes >= LARGE_FROM)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::io("cannot write the archive", path, error)
}
