//! Taking a snapshot: one streaming pass a file, files in parallel, constant memory.
//!
//! Each thread has a *part*: an index, and a file of frames if it met a compressed file. So a library
//! of ten thousand small files leaves a handful of files, and not twenty thousand. The names of parts
//! are random, and `snapshot.json`, which names them, is written last: a snapshot that was interrupted
//! is no snapshot. It is taken again, but for the files that it had finished (see `finished`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::block::{Blocks, Digester, FileRoot, library_root};
use super::counts::Counts;
use super::finished::{self, Finished, Log};
use super::format::{FormatRequest, Notation};
use super::index::{Entry, IndexWriter};
use super::record::RecordBlock;
use super::repack::FrameWriter;
use super::request::{InputFile, Inputs, LibraryRequest, notation_of, resolve};
use super::scan::Scan;
use super::snapshot::{Document, FileSnapshot, SCHEMA, Snapshot, Source, Stored};
use crate::canonical::{escape, json};
use crate::error::{Error, Result};
use crate::fs;
use crate::id::AttemptId;
use crate::layout::SnapshotDir;

/// Is told the bytes (as they are on disk) and the records so far; called from several threads.
pub type Progress<'a> = dyn Fn(u64, u64) + Sync + 'a;

/// Takes the snapshot of `request` into the directory `into`, with at most `threads` threads.
///
/// A request for a snapshot directory opens that one and leaves `into` alone (see [`Snapshot::dir`]).
/// What an interrupted snapshot left in `into` is used or removed: one process at a time may take one there.
///
/// # Errors
/// As [`take_after`].
pub fn take(request: &LibraryRequest, into: &Path, threads: usize, progress: &Progress<'_>) -> Result<Snapshot> {
    take_after(&[], request, into, threads, progress)
}

/// As [`take`]; files that interrupted snapshots in the directories `earlier` had finished, and that did not
/// change since, are not read again either. Those directories are left alone: their processes may still live.
///
/// # Errors
/// No such path, a file that is empty of records altogether, truncated, damaged, of a foreign format,
/// or that does not fit what was said (exit 2); the system refuses to read or to write (exit 6).
pub fn take_after(
    earlier: &[PathBuf],
    request: &LibraryRequest,
    into: &Path,
    threads: usize,
    progress: &Progress<'_>,
) -> Result<Snapshot> {
    let files = match resolve(request)? {
        Inputs::Snapshot(dir) => return Snapshot::open(&dir),
        Inputs::Files(files) => files,
    };
    let notation = notation_of(&files, &request.format)?;
    let dir = SnapshotDir::new(into);
    fs::create_dir(into)?;
    // First its name: from here on there is no snapshot in this directory.
    fs::remove(&dir.snapshot())?;
    let left = finished::in_dirs(std::iter::once(&into.to_path_buf()).chain(earlier), &request.format);
    let reused = reuse(&files, &left, &dir);
    remove_parts(&dir, |name| reused.values().any(|file| SnapshotDir::belongs_to(name, &file.stored.part)))?;
    let (bytes, records) =
        reused.values().fold((0, 0), |(bytes, records), f| (bytes + f.source.bytes, records + f.records));
    progress(bytes, records);
    let pass = Pass {
        request,
        files: (0..).zip(&files).filter(|(index, _)| !reused.contains_key(index)).collect(),
        library: &files,
        dir: &dir,
        name: AttemptId::random()?,
        progress,
        next: AtomicUsize::new(0),
        has_failed: AtomicBool::new(false),
        bytes: AtomicU64::new(bytes),
        records: AtomicU64::new(records),
        done: Mutex::new(reused.into_iter().map(|(index, file)| (index, Ok(file))).collect()),
    };
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let pass = &pass;
        let threads = threads.clamp(1, pass.files.len().max(1));
        let running: Vec<_> = (0..threads).map(|k| scope.spawn(move || pass.run(k))).collect();
        running
            .into_iter()
            .filter_map(|thread| thread.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
            .collect()
    });
    let document = pass.document(notation)?;
    parts.into_iter().try_for_each(Part::finish)?;
    fs::replace(&dir.snapshot(), &json::to_line(&document)?)?;
    let named: BTreeSet<&str> = document.files.iter().map(|file| file.stored.part.as_str()).collect();
    // The logs stay: whoever plans again, because the first planner died over its pilot, reads nothing again.
    remove_parts(&dir, |name| named.iter().any(|part| SnapshotDir::belongs_to(name, part)))?;
    Ok(Snapshot::of(dir, document))
}

/// The files that need not be read again, by their place in the library; their parts are in `dir`.
fn reuse(files: &[InputFile], left: &[Finished], dir: &SnapshotDir) -> BTreeMap<usize, FileSnapshot> {
    let mut by_path: BTreeMap<&str, Vec<&Finished>> = BTreeMap::new();
    left.iter().for_each(|finished| by_path.entry(finished.path()).or_default().push(finished));
    let mut reused = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let Some(candidates) = by_path.get(escaped(&file.path).as_str()) else { continue };
        let Some(stamp) = finished::stamp(&file.path) else { continue };
        if let Some(found) = candidates.iter().find_map(|finished| finished.reuse(&stamp, dir)) {
            reused.insert(index, found);
        }
    }
    reused
}

fn escaped(path: &Path) -> String {
    escape::to_string(path.as_os_str().as_encoded_bytes())
}

/// Removes parts, whole or not, but for what `is_needed`.
fn remove_parts(dir: &SnapshotDir, is_needed: impl Fn(&str) -> bool) -> Result<()> {
    let entries = std::fs::read_dir(dir.root()).map_err(|e| Error::io("cannot list", dir.root(), &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("cannot list", dir.root(), &e))?;
        if entry.file_name().to_str().is_some_and(|name| SnapshotDir::is_part(name) && !is_needed(name)) {
            fs::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// One pass over all files; shared by its threads.
struct Pass<'a> {
    request: &'a LibraryRequest,
    /// The files to read, with their places in the library.
    files: Vec<(usize, &'a InputFile)>,
    library: &'a [InputFile],
    dir: &'a SnapshotDir,
    name: AttemptId,
    progress: &'a Progress<'a>,
    /// The next file that nobody has taken.
    next: AtomicUsize,
    has_failed: AtomicBool,
    bytes: AtomicU64,
    records: AtomicU64,
    done: Mutex<Vec<(usize, Result<FileSnapshot>)>>,
}

impl Pass<'_> {
    /// Takes files until there are none, into one part; `None` if there was none at all.
    fn run(&self, thread: usize) -> Option<Part> {
        let mut part = None;
        while !self.has_failed.load(Ordering::Relaxed) {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            let Some((index, file)) = self.files.get(next) else { break };
            let result = self.file(file, &mut part, thread);
            self.has_failed.fetch_or(result.is_err(), Ordering::Relaxed);
            self.done.lock().unwrap_or_else(PoisonError::into_inner).push((*index, result));
        }
        part
    }

    fn file(&self, file: &InputFile, part: &mut Option<Part>, thread: usize) -> Result<FileSnapshot> {
        let part = if let Some(part) = part {
            part
        } else {
            let name = format!("part-{}-{thread}", self.name);
            part.insert(Part::create(self.dir, name, &self.request.format)?)
        };
        let before = finished::stamp(&file.path);
        let taken = part.take_file(self, file)?;
        let after = finished::stamp(&file.path);
        if let Some(stamp) = before.filter(|stamp| Some(stamp) == after.as_ref()) {
            part.note(&taken, stamp)?;
        }
        Ok(taken)
    }

    /// The document of all files, in order, or the first failure.
    fn document(self, notation: Notation) -> Result<Document> {
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let files = done.into_iter().map(|(_, result)| result).collect::<Result<Vec<_>>>()?;
        let records = files.iter().map(|file| file.records).sum();
        if records == 0 {
            let first = self.library[0].path.display();
            let what = match self.library.len() {
                1 => format!("the library `{first}` holds no record"),
                n => format!("the library of {n} files, the first of them `{first}`, holds no record"),
            };
            return Err(Error::usage(what).hint("check that the download is complete; a header alone is no record"));
        }
        let root = library_root(notation, files.iter().map(|file| (file.root, file.records)));
        Ok(Document { schema: SCHEMA.to_owned(), notation, root, records, files })
    }
}

/// What one thread writes.
struct Part {
    dir: SnapshotDir,
    name: String,
    index: IndexWriter,
    frames: Option<FrameWriter>,
    digester: Digester,
    log: Log,
}

/// What is gathered over the blocks of one file.
struct Gathered {
    root: FileRoot,
    odd: Counts,
    records: u64,
}

impl Part {
    fn create(dir: &SnapshotDir, name: String, format: &FormatRequest) -> Result<Self> {
        let index = IndexWriter::create(&dir.index(&name))?;
        let log = Log::create(&dir.done(&name), format)?;
        Ok(Self { dir: dir.clone(), name, index, frames: None, digester: Digester::default(), log })
    }

    fn take_file(&mut self, pass: &Pass<'_>, file: &InputFile) -> Result<FileSnapshot> {
        let entry = self.index.entries();
        let scan = Scan::open(&file.path, &pass.request.format, &pass.bytes)?;
        let (size, compression, format) = (scan.size, scan.compression, scan.format.clone());
        let is_plain = scan.is_in_place();
        if !is_plain && self.frames.is_none() {
            self.frames = Some(FrameWriter::create(&self.dir.frames(&self.name))?);
        }
        let mut gathered = Gathered { root: FileRoot::new(), odd: Counts::default(), records: 0 };
        let mut blocks = Blocks::new(format.notation(), |block: &RecordBlock, offset| {
            self.take_block(block, is_plain.then_some(offset), &mut gathered)?;
            let records = pass.records.fetch_add(block.len() as u64, Ordering::Relaxed) + block.len() as u64;
            (pass.progress)(pass.bytes.load(Ordering::Relaxed), records);
            Ok(())
        });
        let scanned = scan.run(|found| {
            blocks.push(found.offset, found.structure, found.id)?;
            Ok(ControlFlow::Continue(()))
        })?;
        blocks.finish()?;
        if is_plain && scanned.decoded != size {
            return Err(Error::usage(format!("`{}` changed while it was read", file.path.display()))
                .hint("wait until it is complete, then run the same command again"));
        }
        let frames_end = self.frames.as_ref().map_or(0, FrameWriter::end);
        let Gathered { root, odd, records } = gathered;
        let path = escaped(&file.path);
        Ok(FileSnapshot {
            root: root.finish(records),
            records,
            blocks: self.index.entries() - entry,
            source: Source { path, bytes: size, compression },
            format,
            counts: Counts { not_utf8: odd.not_utf8, nul: odd.nul, ..scanned.counts },
            stored: Stored { part: self.name.clone(), entry, end: if is_plain { size } else { frames_end } },
        })
    }

    /// Digests and indexes a block that starts at `offset` of a plain file, or repacks it.
    fn take_block(&mut self, block: &RecordBlock, offset: Option<u64>, gathered: &mut Gathered) -> Result<()> {
        let digest = self.digester.digest(block);
        let offset = match (offset, &mut self.frames) {
            (None, Some(frames)) => {
                let offset = frames.end();
                frames.push(block)?;
                offset
            }
            (offset, _) => offset.ok_or_else(|| Error::bug("repacked records have no file"))?,
        };
        self.index.push(Entry { offset, first: gathered.records, digest })?;
        gathered.root.add(&digest);
        gathered.records += block.len() as u64;
        if !block.arena().is_ascii() || memchr::memchr(0, block.arena()).is_some() {
            block.iter().for_each(|record| gathered.odd.note_bytes(record.structure, record.id));
        }
        Ok(())
    }

    /// Notes that `file` is finished, and now and then makes all that is durable.
    fn note(&mut self, file: &FileSnapshot, stamp: String) -> Result<()> {
        if self.log.note(file, stamp)? {
            self.sync()?;
            self.log.synced()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.frames.as_mut().map_or(Ok(()), FrameWriter::sync)?;
        self.index.sync()
    }

    fn finish(mut self) -> Result<()> {
        self.sync()?;
        self.log.synced()
    }
}
