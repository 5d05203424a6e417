//! What the `parquet` crate may read: only what is in the file, and only pages of a sane size.
//!
//! The crate believes the sizes that a page header declares, and makes room for them before it looks at
//! the page. So each header is read here first. A page header is a struct in Thrift's compact protocol
//! (the Thrift project's "compact protocol encoding"; fields as in `parquet.thrift` of Apache Parquet).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader as RangeReader, Length};

/// No page is longer than this, decoded or not. Writers aim at a mebibyte.
const PAGE_MAX: u64 = 128 << 20;

/// No page header is longer than this; what may be long in one is a minimum and a maximum.
const HEADER_MAX: usize = 1 << 20;

/// The footer that describes the whole file is not longer than this.
const FOOTER_MAX: usize = 64 << 20;

/// What is behind the length of the footer, if that is not encrypted.
const END: &[u8] = b"PAR1";

/// Values in a dictionary take at least so many bytes each: the length of a string, or an integer.
const DICTIONARY_VALUE_MIN: u64 = 4;

/// A file whose reader is told no more than there is.
#[derive(Clone)]
pub(super) struct Guarded {
    file: Arc<File>,
    length: u64,
    /// Whether what is read from an offset on starts with a page header.
    is_paged: bool,
}

impl Guarded {
    /// For the footer of `file`, which has `length` bytes.
    pub(super) fn new(file: File, length: u64) -> Self {
        Self { file: Arc::new(file), length, is_paged: false }
    }

    /// Walks over the footer. The crate passes over what it does not know, and over a list of booleans it does so
    /// for as many as the list declares, though they take no room in the file: some bytes would keep it busy for hours.
    ///
    /// # Errors
    /// It is not in the protocol, or holds such a list.
    pub(super) fn check_footer(&self) -> Result<()> {
        let Some(end) = self.length.checked_sub(END.len() as u64 + 4) else { return Ok(()) };
        let mut tail = [0; 8];
        self.file.read_exact_at(&mut tail, end)?;
        let (length, magic) = tail.split_at(4);
        let length = length.iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
        // What is no footer, or one that is too long, the crate finds out itself.
        let Some(at) = end.checked_sub(length).filter(|_| magic == END && length <= FOOTER_MAX as u64) else {
            return Ok(());
        };
        let source = BufReader::new(From { file: Arc::clone(&self.file), at });
        Walk { source, left: length as usize }.skip(kind::STRUCT, FOOTER_DEPTH_MAX)
    }

    /// The same file, for its pages.
    pub(super) fn paged(&self) -> Self {
        Self { is_paged: true, ..self.clone() }
    }
}

impl Length for Guarded {
    fn len(&self) -> u64 {
        self.length
    }
}

impl RangeReader for Guarded {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let reader = || BufReader::with_capacity(8 << 10, From { file: Arc::clone(&self.file), at: start });
        if self.is_paged {
            check_page_header(reader())?;
        }
        Ok(reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let max = if self.is_paged { PAGE_MAX as usize } else { FOOTER_MAX };
        if length > max || start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(refused(format!("{length} bytes from offset {start} on are not in the file or too many")));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// The bytes of a file from an offset on.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(out, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

fn refused(what: String) -> ParquetError {
    ParquetError::General(what)
}

/// Reads a page header, and refuses one whose sizes nobody should make room for.
fn check_page_header(source: impl Read) -> Result<()> {
    let header = Walk { source, left: HEADER_MAX }.page_header()?;
    let is_sane = |size: i64| (0..=PAGE_MAX as i64).contains(&size);
    if !is_sane(header.uncompressed) || !is_sane(header.compressed) {
        let Header { compressed, uncompressed, .. } = header;
        return Err(refused(format!("a page declares {compressed} bytes, {uncompressed} of them decoded")));
    }
    let room = header.uncompressed as u64 / DICTIONARY_VALUE_MIN;
    match header.dictionary_values {
        Some(values) if u64::try_from(values).is_ok_and(|values| values <= room) => Ok(()),
        Some(values) => Err(refused(format!("a dictionary of {room} values at most declares {values}"))),
        None => Ok(()),
    }
}

/// What is of interest in a page header.
#[derive(Debug, Default, PartialEq, Eq)]
struct Header {
    uncompressed: i64,
    compressed: i64,
    dictionary_values: Option<i64>,
}

/// Walks over a struct in Thrift's compact protocol.
struct Walk<R> {
    source: R,
    /// Bytes that may still be read.
    left: usize,
}

/// Types of the compact protocol.
mod kind {
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const BYTE: u8 = 3;
    pub const I16: u8 = 4;
    pub const I32: u8 = 5;
    pub const I64: u8 = 6;
    pub const DOUBLE: u8 = 7;
    pub const BINARY: u8 = 8;
    pub const LIST: u8 = 9;
    pub const SET: u8 = 10;
    pub const STRUCT: u8 = 12;
}

/// Structs and lists inside each other that a page header may have.
const DEPTH_MAX: u32 = 8;

/// Structs and lists inside each other that a footer may have.
const FOOTER_DEPTH_MAX: u32 = 16;

impl<R: Read> Walk<R> {
    fn page_header(mut self) -> Result<Header> {
        let mut header = Header::default();
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (2, kind::I32) => header.uncompressed = self.integer()?,
                (3, kind::I32) => header.compressed = self.integer()?,
                (7, kind::STRUCT) => {
                    let mut inner = 0;
                    while let Some(kind) = self.field(&mut inner)? {
                        match (inner, kind) {
                            (1, kind::I32) => header.dictionary_values = Some(self.integer()?),
                            _ => self.skip(kind, DEPTH_MAX)?,
                        }
                    }
                }
                _ => self.skip(kind, DEPTH_MAX)?,
            }
        }
        Ok(header)
    }

    /// The type of the next field, whose number goes into `id`; `None` at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Result<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *id = match byte >> 4 {
            0 => self.integer()?,
            delta => id.saturating_add(i64::from(delta)),
        };
        Ok(Some(byte & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Result<()> {
        let Some(depth) = depth.checked_sub(1) else { return Err(refused("a header is too deep".to_owned())) };
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.bytes(1),
            kind::I16 | kind::I32 | kind::I64 => self.varint().map(|_| ()),
            kind::DOUBLE => self.bytes(8),
            kind::BINARY => {
                let length = self.varint()?;
                self.bytes(usize::try_from(length).unwrap_or(usize::MAX))
            }
            kind::LIST | kind::SET => {
                let head = self.byte()?;
                let size = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                match head & 0x0f {
                    kind::TRUE | kind::FALSE if size > 0 => Err(refused("a header has a list of booleans".to_owned())),
                    other => (0..size).try_for_each(|_| self.skip(other, depth)),
                }
            }
            kind::STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
            other => Err(refused(format!("a header has a field of type {other}"))),
        }
    }

    /// An integer, as zigzag.
    fn integer(&mut self) -> Result<i64> {
        let n = self.varint()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    fn varint(&mut self) -> Result<u64> {
        let mut n = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(refused("a header has an integer that is too long".to_owned()))
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.take(1)?;
        self.source.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn bytes(&mut self, n: usize) -> Result<()> {
        self.take(n)?;
        let copied = io::copy(&mut (&mut self.source).take(n as u64), &mut io::sink())?;
        if copied == n as u64 { Ok(()) } else { Err(refused("a header ends early".to_owned())) }
    }

    fn take(&mut self, n: usize) -> Result<()> {
        self.left = self.left.checked_sub(n).ok_or_else(|| refused("a header is too long".to_owned()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(bytes: &[u8]) -> Result<Header> {
        Walk { source: bytes, left: HEADER_MAX }.page_header()
    }

    #[test]
    fn sizes_are_found_whatever_else_a_header_holds() {
        // type 2, 300 bytes, 100 of them compressed, a dictionary of 5 values.
        let bytes = [0x15, 4, 0x15, 0xd8, 4, 0x15, 0xc8, 1, 0x4c, 0x15, 10, 0x15, 0, 0, 0];
        let expected = Header { uncompressed: 300, compressed: 100, dictionary_values: Some(5) };
        assert_eq!(header(&bytes).unwrap(), expected);
        for keep in 0..bytes.len() {
            assert!(header(&bytes[..keep]).is_err(), "{keep}");
        }
        check_page_header(&bytes[..]).unwrap();
        let mut many = bytes;
        many[10] = 0x7e;
        check_page_header(&many[..]).unwrap();
        let mut huge = bytes[..10].to_vec();
        huge.extend([0xfe, 0xff, 0xff, 0x0f, 0, 0]);
        assert!(check_page_header(&huge[..]).is_err());
    }

    #[test]
    fn a_page_that_declares_gigabytes_is_refused() {
        let bytes = [0x15, 0, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 2, 0];
        assert!(check_page_header(&bytes[..]).unwrap_err().to_string().contains("2147483647"));
    }

    /// The file of `bytes`, whose footer is checked.
    fn check_footer_of(bytes: &[u8]) -> Result<()> {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        Guarded::new(file, bytes.len() as u64).check_footer()
    }

    #[test]
    fn a_footer_that_would_keep_its_reader_busy_is_refused_and_no_sound_one_is() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/libraries");
        let mut seen = 0;
        for path in std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|extension| extension == "parquet") {
                let bytes = std::fs::read(path).unwrap();
                check_footer_of(&bytes).unwrap();
                // The same with one field more before the end of the outermost struct: number 100, a list of 2^31 - 1.
                let (rest, end) = bytes.split_at(bytes.len() - 8);
                let more = [0x09, 0xc8, 0x01, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
                let length = u32::from_le_bytes(end[..4].try_into().unwrap()) - 1 + more.len() as u32;
                let busy = [&rest[..rest.len() - 1], &more, &length.to_le_bytes(), END].concat();
                assert!(check_footer_of(&busy).unwrap_err().to_string().contains("a list of booleans"));
                seen += 1;
            }
        }
        assert!(seen > 5);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = header(&bytes);
        }
    }
}
