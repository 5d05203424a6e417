//! Files to decoded bytes: plain, gzip (several members), bzip2 (several streams), zstd (several frames).
//!
//! The content tells the compression, not the name. A compressed file that ends early or is damaged
//! is an error and never a shorter library.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Compressed bytes asked from the system at a time.
const READ: usize = 256 << 10;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip: one member or several.
    Gzip,
    /// bzip2: one stream or several.
    Bzip2,
    /// Zstandard: one frame or several, skippable ones included.
    Zstd,
}

impl Compression {
    /// What the first bytes of a file tell.
    fn of_magic(head: &[u8]) -> Self {
        let is_bzip2 = head.len() >= 10
            && head.starts_with(b"BZh")
            && (b'1'..=b'9').contains(&head[3])
            && matches!(&head[4..10], b"\x31\x41\x59\x26\x53\x59" | b"\x17\x72\x45\x38\x50\x90");
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ if is_bzip2 => Self::Bzip2,
            _ => Self::None,
        }
    }

    /// What the ending of a name claims.
    fn of_name(path: &Path) -> Self {
        let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("gz" | "bgz") => Self::Gzip,
            Some("bz2") => Self::Bzip2,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The start of every file so compressed, as long as it is the same for all.
    const fn magic(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Gzip => b"\x1f\x8b",
            Self::Bzip2 => b"BZh",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
        }
    }
}

/// A file that is being decoded.
pub struct Decoded<'a> {
    /// The decoded bytes.
    pub reader: Box<dyn Read + 'a>,
    /// How the file is compressed.
    pub compression: Compression,
    /// Size of the file when it was opened, in bytes.
    pub size: u64,
}

/// Opens the file at `path`; every byte that is read from it is added to `progress`.
///
/// # Errors
/// There is no such file, or it is cut to less than the magic number of its compression (exit 2);
/// the system refuses (exit 6).
pub fn open<'a>(path: &Path, progress: &'a AtomicU64) -> Result<Decoded<'a>> {
    let input = |e| Error::input(path, &e);
    let file = File::open(path).map_err(input)?;
    let size = file.metadata().map_err(input)?.len();
    let head = head_of(&file).map_err(input)?;
    let compression = Compression::of_magic(&head);
    let claimed = Compression::of_name(path);
    if compression == Compression::None && claimed != Compression::None {
        let is_start = claimed.magic().starts_with(&head) || (head.len() < 10 && head.starts_with(claimed.magic()));
        if is_start {
            return Err(damaged(path, "it ends in its first bytes"));
        }
    }
    let source = Counted { file, progress };
    let reader: Box<dyn Read + 'a> = match compression {
        Compression::None => Box::new(source),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(source))),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(source))),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered(source)).map_err(input)?),
    };
    Ok(Decoded { reader, compression, size })
}

/// What a failure to read from [`Decoded::reader`] means: the system's own is as for any input, all
/// others are damage (exit 2).
pub fn read_error(path: &Path, error: &io::Error) -> Error {
    if error.raw_os_error().is_some() {
        return Error::input(path, error);
    }
    damaged(path, &error.to_string())
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::usage(format!("`{}` is truncated or damaged: {why}", path.display()))
        .hint("fetch the file again and compare its size and checksum with those of its source")
}

fn buffered<R: Read>(source: R) -> BufReader<R> {
    BufReader::with_capacity(READ, source)
}

/// The first bytes of the file, without moving its cursor.
fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; 16];
    let mut length = 0;
    while length < head.len() {
        match file.read_at(&mut head[length..], length as u64) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(length);
    Ok(head)
}

/// Tells how far reading has come.
struct Counted<'a> {
    file: File,
    progress: &'a AtomicU64,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(out)?;
        self.progress.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}
