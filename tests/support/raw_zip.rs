//! Archives byte by byte, so that they can lie.

use flate2::Crc;

/// One member, as the local header, the data and the directory will have it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub local_name: Vec<u8>,
    pub central_name: Vec<u8>,
    pub data: Vec<u8>,
    pub method: u16,
    pub flags: u16,
    pub crc: u32,
    pub bytes: u32,
    pub compressed: u32,
    /// The upper half of the external attributes.
    pub mode: u16,
    /// The lower half of the external attributes.
    pub dos: u16,
    /// The internal attributes.
    pub internal: u16,
    /// The system that the archiver says it ran on.
    pub host: u8,
    /// Extra fields in both places.
    pub extra: Vec<u8>,
    /// Those of the local header, if they are others.
    pub local_extra: Option<Vec<u8>>,
    pub comment: Vec<u8>,
    /// Bytes between the data and what follows.
    pub gap: Vec<u8>,
    /// Added to the offset in the directory.
    pub shift: i64,
}

impl Entry {
    /// An honest stored member.
    pub fn stored(name: &str, content: &[u8]) -> Self {
        let mut crc = Crc::new();
        crc.update(content);
        Self {
            local_name: name.into(),
            central_name: name.into(),
            data: content.to_vec(),
            method: 0,
            flags: 0,
            crc: crc.sum(),
            bytes: content.len() as u32,
            compressed: content.len() as u32,
            mode: 0o100_644,
            dos: 0,
            internal: 0,
            host: 3,
            extra: Vec::new(),
            local_extra: None,
            comment: Vec::new(),
            gap: Vec::new(),
            shift: 0,
        }
    }

    /// An honest deflated member.
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        use std::io::Write;
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(content).unwrap();
        let data = encoder.finish().unwrap();
        Self { method: 8, compressed: data.len() as u32, data, ..Self::stored(name, content) }
    }

    /// Another name, in both places.
    pub fn named(mut self, name: &[u8]) -> Self {
        self.local_name = name.to_vec();
        self.central_name = name.to_vec();
        self
    }

    fn common(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for field in [20, self.flags, self.method, 0, 0x21] {
            out.extend_from_slice(&u16::to_le_bytes(field));
        }
        for field in [self.crc, self.compressed, self.bytes] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out
    }
}

/// The archive of `entries`, in order.
pub fn build(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = (out.len() as i64 + entry.shift) as u32;
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&entry.common());
        out.extend_from_slice(&(entry.local_name.len() as u16).to_le_bytes());
        let local_extra = entry.local_extra.as_ref().unwrap_or(&entry.extra);
        out.extend_from_slice(&(local_extra.len() as u16).to_le_bytes());
        out.extend_from_slice(&[&entry.local_name[..], local_extra, &entry.data, &entry.gap].concat());
        directory.extend_from_slice(b"PK\x01\x02\x14");
        directory.push(entry.host);
        directory.extend_from_slice(&entry.common());
        for length in [entry.central_name.len(), entry.extra.len(), entry.comment.len()] {
            directory.extend_from_slice(&(length as u16).to_le_bytes());
        }
        directory.extend_from_slice(&[0; 2]);
        directory.extend_from_slice(&entry.internal.to_le_bytes());
        directory.extend_from_slice(&(u32::from(entry.mode) << 16 | u32::from(entry.dos)).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(&[&entry.central_name[..], &entry.extra, &entry.comment].concat());
    }
    let begin = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    out.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&begin.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    out
}
