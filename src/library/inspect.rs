//! What a library looks like, before anything is made of it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::decode::Compression;
use super::format::Format;
use super::request::{Inputs, LibraryRequest, resolve};
use super::scan::{Scan, named_columns};
use super::slice::Slice;
use super::snapshot::{FileSnapshot, Snapshot};
use super::warnings::Noted;
use crate::canonical::escape;
use crate::digest;
use crate::error::Result;
use crate::id::Ordinal;

/// Schema of [`Inspection`].
pub const SCHEMA: &str = "molsieve.library-inspection.v1";

/// Records that are shown of each file.
const SHOWN: usize = 3;

/// Bytes of a structure or an id that are shown.
const SHOWN_BYTES: usize = 100;

/// Ids of a file that are compared for repetition; memory is bounded, so later ones are not.
const IDS_MAX: usize = 100_000;

/// Files whose first records are judged before a campaign begins.
const FILES_JUDGED: usize = 64;

/// How much of each file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The first so many records.
    First(u64),
    /// All of it.
    Whole,
}

/// What a library looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// [`SCHEMA`].
    pub schema: String,
    /// Whether every file was read to its end; if not, counts are those of the start of each file.
    pub complete: bool,
    /// Counts of all files.
    pub counts: Counts,
    /// The files, in the order of their records.
    pub files: Vec<FileInspection>,
}

/// What one file looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInspection {
    /// Its path, escaped.
    pub path: String,
    /// Its size on disk, in bytes.
    pub bytes: u64,
    /// How it is compressed.
    pub compression: Compression,
    /// How its lines are read.
    pub format: Format,
    /// The columns of its header, its data fields (SD file) or its columns with their types (Parquet).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Counts of what was read.
    pub counts: Counts,
    /// Records whose id another record of this file has too, among the first 100,000 that were read.
    pub repeated_ids: u64,
    /// The first records.
    pub first: Vec<ShownRecord>,
    /// What a person should look at, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A record to look at: escaped, and cut if it is long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownRecord {
    /// Its structure.
    pub structure: String,
    /// Its id.
    pub id: String,
}

/// Looks at the library that `request` names. It writes nothing.
///
/// # Errors
/// As [`super::take::take`], but a library without records is no error here.
pub fn inspect(request: &LibraryRequest, extent: Extent) -> Result<Inspection> {
    let files = match resolve(request)? {
        Inputs::Snapshot(dir) => return inspect_snapshot(&Snapshot::open(&dir)?),
        Inputs::Files(files) => files,
    };
    let mut inspection =
        Inspection { schema: SCHEMA.to_owned(), complete: true, counts: Counts::default(), files: Vec::new() };
    let progress = AtomicU64::new(0);
    for file in files {
        let mut scan = Scan::open(&file.path, &request.format, &progress)?;
        let columns = scan.columns()?;
        let (format, compression) = (scan.format.clone(), scan.compression);
        let mut seen = Seen::default();
        let mut is_complete = true;
        let scanned = scan.run(|found| {
            seen.note(found.structure, found.id);
            is_complete = !matches!(extent, Extent::First(max) if seen.records >= max);
            Ok(if is_complete { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        let counts = Counts { not_utf8: seen.odd.not_utf8, nul: seen.odd.nul, ..scanned.counts };
        inspection.complete &= is_complete;
        inspection.counts.add(&counts);
        inspection.files.push(FileInspection {
            path: escape::to_string(file.path.as_os_str().as_encoded_bytes()),
            bytes: file.bytes,
            compression,
            warnings: seen.warnings(&format, &counts),
            format,
            columns,
            counts,
            repeated_ids: seen.repeated_ids(),
            first: seen.first,
        });
    }
    Ok(inspection)
}

/// What a snapshot says about its library; of each file, the first block is read.
fn inspect_snapshot(snapshot: &Snapshot) -> Result<Inspection> {
    let mut files = Vec::new();
    let mut start = 0;
    for file in snapshot.files() {
        let seen = first_block(snapshot, file, start)?;
        start += file.records;
        files.push(of_snapshot(file, seen));
    }
    Ok(Inspection { schema: SCHEMA.to_owned(), complete: true, counts: snapshot.counts(), files })
}

/// What a person should look at in the library of `snapshot`, each sentence with the path of its file (escaped). Counts
/// are of all records; what must be read is judged by the first records of the first files, so the time is bounded.
///
/// # Errors
/// A file changed since the snapshot, or is gone (exit 2); the system refuses to read (exit 6).
pub fn warnings(snapshot: &Snapshot) -> Result<Vec<(String, String)>> {
    let (mut told, mut start) = (Vec::new(), 0);
    for file in snapshot.files().iter().take(FILES_JUDGED) {
        let seen = first_block(snapshot, file, start)?;
        start += file.records;
        let warnings = seen.warnings(&file.format, &file.counts);
        told.extend(warnings.into_iter().map(|warning| (file.source.path.clone(), warning)));
    }
    Ok(told)
}

/// What is seen in the first block of `file`, whose first record has the ordinal `start`.
fn first_block(snapshot: &Snapshot, file: &FileSnapshot, start: Ordinal) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut slice = Slice::open(snapshot, start..start + file.records)?;
    if let Some(block) = slice.next_block()? {
        block.iter().for_each(|record| seen.note(record.structure, record.id));
    }
    Ok(seen)
}

fn of_snapshot(file: &FileSnapshot, seen: Seen) -> FileInspection {
    FileInspection {
        path: file.source.path.clone(),
        bytes: file.source.bytes,
        compression: file.source.compression,
        format: file.format.clone(),
        columns: named_columns(&file.format),
        warnings: seen.warnings(&file.format, &file.counts),
        counts: file.counts,
        repeated_ids: seen.repeated_ids(),
        first: seen.first,
    }
}

/// What is kept while a file is read.
#[derive(Default)]
struct Seen {
    records: u64,
    odd: Counts,
    noted: Noted,
    first: Vec<ShownRecord>,
    /// How often each id came, by a 64-bit hash of it.
    ids: BTreeMap<u64, u64>,
}

impl Seen {
    fn note(&mut self, structure: &[u8], id: &[u8]) {
        self.records += 1;
        self.odd.note_bytes(structure, id);
        self.noted.note(structure, id);
        if self.first.len() < SHOWN {
            self.first.push(ShownRecord { structure: shown(structure), id: shown(id) });
        }
        if self.records <= IDS_MAX as u64 && !id.is_empty() {
            *self.ids.entry(digest::keyed_u64(&[0; 32], id)).or_default() += 1;
        }
    }

    fn warnings(&self, format: &Format, counts: &Counts) -> Vec<String> {
        self.noted.warnings(format, counts, self.repeated_ids())
    }

    fn repeated_ids(&self) -> u64 {
        self.ids.values().filter(|times| **times > 1).sum()
    }
}

fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let mut text = escape::to_string(cut);
    if cut.len() < bytes.len() {
        let _ = write!(text, "… ({} bytes)", bytes.len());
    }
    text
}

impl fmt::Display for Inspection {
    /// For people: a paragraph a file, and the sum if there are several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "{file}")?;
        }
        let extent = if self.complete { "" } else { " (of the start of each file)" };
        let plural = if self.files.len() == 1 { "file" } else { "files" };
        write!(f, "{} {plural}, {} records{extent}", self.files.len(), self.counts.records)
    }
}

impl fmt::Display for FileInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compression = match self.compression {
            Compression::None => "plain",
            Compression::Gzip => "gzip",
            Compression::Bzip2 => "bzip2",
            Compression::Zstd => "zstd",
        };
        writeln!(f, "{} ({} bytes, {compression})", self.path, self.bytes)?;
        writeln!(f, "  format   {}", self.format)?;
        let mut counts = self.counts.named().to_vec();
        counts.push(("repeated_ids", self.repeated_ids));
        let counts: Vec<String> =
            counts.into_iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
        writeln!(f, "  counts   {}", if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") })?;
        if !self.columns.is_empty() {
            let is_sdf = matches!(self.format, Format::Sdf { .. });
            writeln!(f, "  {}  {}", if is_sdf { "fields " } else { "columns" }, self.columns.join(", "))?;
        }
        for ShownRecord { structure, id } in &self.first {
            writeln!(f, "  record   {structure}  id {id}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  WARNING  {warning}")?;
        }
        Ok(())
    }
}
