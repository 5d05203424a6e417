//! The records of a zip archive (APPNOTE 6.3.10), field by field. Little-endian throughout.

/// Start of a local file header.
pub const LOCAL: u32 = 0x0403_4b50;
/// Start of an entry of the central directory.
pub const CENTRAL: u32 = 0x0201_4b50;
/// Start of the end record.
pub const END: u32 = 0x0605_4b50;
/// Start of the 64-bit end record.
pub const END_64: u32 = 0x0606_4b50;
/// Start of the locator of the 64-bit end record.
pub const LOCATOR_64: u32 = 0x0706_4b50;
/// Start of a data descriptor (optional there).
pub const DESCRIPTOR: u32 = 0x0807_4b50;

/// Extra field that holds the 64-bit sizes.
pub const EXTRA_64: u16 = 0x0001;
/// Extra field that holds another name for the member: two readers could see two names.
pub const EXTRA_UNICODE_NAME: u16 = 0x7075;

/// The internal attribute that says that a member looks like text. Archivers set it as they like.
const INTERNAL_TEXT: u16 = 1;

/// Reads fields from the front; `None` past the end.
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    /// The next 16 bits.
    pub fn u16(&mut self) -> Option<u16> {
        self.bytes(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    /// The next 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        self.bytes(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// The next 64 bits.
    pub fn u64(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }
}

/// The fields that a local header and a central entry share; they must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// General purpose bits.
    pub flags: u16,
    /// Compression method.
    pub method: u16,
    /// Time and date, as written.
    pub modified: u32,
    /// CRC-32 of the content.
    pub crc: u32,
    /// Length of the data.
    pub compressed: u64,
    /// Length of the content.
    pub bytes: u64,
    /// The name.
    pub name: Vec<u8>,
}

/// An entry of the central directory.
#[derive(Clone, Debug)]
pub struct Central {
    /// What the local header repeats.
    pub common: Common,
    /// The upper half of the external attributes: a Unix mode, whatever system the archiver says it ran on, for readers
    /// differ in whether they ask.
    pub mode: u32,
    /// The lower half: DOS attributes.
    pub dos: u32,
    /// Whether every extra field and every internal attribute is one that the entry needs.
    pub is_bare: bool,
    /// Where the local header is.
    pub offset: u64,
}

impl Central {
    /// Reads one entry; `None` if it is malformed or uses what a pack may not use.
    pub fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let _signature = cursor.u32().filter(|s| *s == CENTRAL)?;
        let _made_by = cursor.u16()?;
        let _needed = cursor.u16()?;
        let (flags, method, modified, crc) = (cursor.u16()?, cursor.u16()?, cursor.u32()?, cursor.u32()?);
        let (compressed, bytes) = (cursor.u32()?, cursor.u32()?);
        let (name_len, extra_len, comment_len) = (cursor.u16()?, cursor.u16()?, cursor.u16()?);
        let (disk, internal, external) = (cursor.u16()?, cursor.u16()?, cursor.u32()?);
        let offset = cursor.u32()?;
        let name = cursor.bytes(name_len.into())?.to_vec();
        let extra = cursor.bytes(extra_len.into())?;
        if comment_len != 0 || disk != 0 {
            return None;
        }
        let mut long = long_fields(extra)?;
        let bytes = widen(bytes, &mut long.fields)?;
        let compressed = widen(compressed, &mut long.fields)?;
        let offset = widen(offset, &mut long.fields)?;
        let common = Common { flags, method, modified, crc, compressed, bytes, name };
        let is_bare = long.is_all() && internal & !INTERNAL_TEXT == 0;
        Some(Self { common, mode: external >> 16, dos: external & 0xffff, is_bare, offset })
    }
}

/// Reads a local header of which `fixed` is the first 30 bytes: the common fields without the name
/// and the sizes of the name and of the extra fields. The 64-bit sizes are not resolved yet.
pub fn local(fixed: &[u8]) -> Option<(Common, u16, u16)> {
    let mut cursor = Cursor(fixed);
    let _signature = cursor.u32().filter(|s| *s == LOCAL)?;
    let _needed = cursor.u16()?;
    let (flags, method, modified, crc) = (cursor.u16()?, cursor.u16()?, cursor.u32()?, cursor.u32()?);
    let (compressed, bytes) = (u64::from(cursor.u32()?), u64::from(cursor.u32()?));
    let (name_len, extra_len) = (cursor.u16()?, cursor.u16()?);
    Some((Common { flags, method, modified, crc, compressed, bytes, name: Vec::new() }, name_len, extra_len))
}

/// Resolves the 64-bit sizes of a local header from its extra fields; whether these hold nothing else.
pub fn local_sizes(common: &mut Common, extra: &[u8]) -> Option<bool> {
    let mut long = long_fields(extra)?;
    common.bytes = widen(u32::try_from(common.bytes).ok()?, &mut long.fields)?;
    common.compressed = widen(u32::try_from(common.compressed).ok()?, &mut long.fields)?;
    // A stream does not know the sizes yet: it may keep room for them, which stays empty.
    let is_room = common.flags & super::read::FLAG_DESCRIPTOR != 0 && long.fields.0 == [0; 16] && !long.has_others;
    Some(long.is_all() || is_room)
}

/// The extra fields of a header.
struct Extra<'a> {
    /// What the 64-bit one has left; empty if there is none.
    fields: Cursor<'a>,
    /// Whether there is something that holds nothing, or that nothing needs.
    has_others: bool,
}

impl Extra<'_> {
    /// Whether all that was there has been used.
    fn is_all(&self) -> bool {
        self.fields.0.is_empty() && !self.has_others
    }
}

/// Reads extra fields; `None` if they are malformed or unsafe.
fn long_fields(extra: &[u8]) -> Option<Extra<'_>> {
    let mut cursor = Cursor(extra);
    let (mut long, mut has_others) = (None, false);
    while !cursor.0.is_empty() {
        let (id, len) = (cursor.u16()?, cursor.u16()?);
        let body = cursor.bytes(len.into())?;
        match id {
            EXTRA_UNICODE_NAME => return None,
            EXTRA_64 if long.is_some() => return None,
            EXTRA_64 if !body.is_empty() => long = Some(body),
            _ => has_others = true,
        }
    }
    Some(Extra { fields: Cursor(long.unwrap_or_default()), has_others })
}

/// A 32-bit field, or the next 64-bit one if it is saturated.
fn widen(field: u32, long: &mut Cursor<'_>) -> Option<u64> {
    if field == u32::MAX { long.u64() } else { Some(field.into()) }
}
