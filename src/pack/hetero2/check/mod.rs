//! Whether a foreign evidence pack is what HETERO-2's contract says, and what it lacks.
//!
//! The pack is hostile input: an archive is read as strictly as our own, nothing is unpacked, no path that it names is
//! followed, and memory does not grow with its rows. See `docs/formats/hetero2.md`.

mod documents;
pub mod findings;
mod json;
mod rows;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::documents::Files;
use self::findings::Report;
use self::rows::Rows;
use super::FILE;
use crate::csv::{Cutter, Fault, Line};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::layout;
use crate::pack::archive::read::Archive;
use crate::pack::verify::Code;
use crate::pack::verify::report::{Judged, Problem, Refusal};
use crate::pack::verify::source::{Directory, Source, read_small};
use crate::pack::{ARCHIVE, CHECKSUMS, INDEX, MANIFEST, METRICS, SUMMARY};

/// What every pack has.
const REQUIRED: [&str; 5] = [SUMMARY, METRICS, INDEX, MANIFEST, CHECKSUMS];

/// No document is longer.
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;

/// No more files are looked at.
const FILES_MAX: usize = 10_000;

/// Checks the pack at `path`: a directory, or a zip archive.
///
/// # Errors
/// There is no such path, or it is a pack of ours (exit 2), or the system refuses (exit 6). What is wrong with the pack is in
/// the report.
pub fn check(path: &Path) -> Result<Report> {
    let mut report = Report::default();
    let path = evidence(path);
    let shown = path.display();
    let metadata = std::fs::metadata(&path).map_err(|e| Error::input(&path, &e))?;
    let judged = if metadata.is_dir() {
        open_directory(&path, &mut report).and_then(|directory| {
            let files = judge(&directory, &mut report)?;
            if directory.members().contains_key(ARCHIVE) {
                copy(&layout::inside(&path, ARCHIVE), &files, &mut report)?;
            }
            Ok(())
        })
    } else if metadata.is_file() {
        open_archive(&path, &mut report).and_then(|archive| judge(&archive, &mut report).map(drop))
    } else {
        return Err(Error::usage(format!("`{}` is neither a directory nor a file", path.display())));
    };
    if report.is_ours {
        return Err(Error::usage(format!("`{shown}` is a pack of molsieve, and none of HETERO-2"))
            .hint(format!("`molsieve report hetero2 {shown} --out hetero2.zip` writes it as one"))
            .hint(format!("`molsieve verify {shown}` checks this one")));
    }
    match judged {
        Ok(()) => {}
        Err(Refusal::Problem(problem)) => unreadable(&problem, &mut report),
        Err(Refusal::System(error)) => return Err(error),
    }
    report.conforms = report.problems.is_empty();
    Ok(report)
}

/// In a pack of ours it is a file of its own.
fn evidence(path: &Path) -> PathBuf {
    let inside = layout::inside(path, FILE);
    if inside.is_file() { inside } else { path.to_path_buf() }
}

fn unreadable(problem: &Problem, report: &mut Report) {
    report.problem("unreadable", problem.member.as_deref().unwrap_or("(the pack)"), problem.message.clone());
}

fn open_archive(path: &Path, report: &mut Report) -> Judged<Archive> {
    let mut problems = Vec::new();
    let archive = Archive::open(path, &mut problems);
    for problem in problems {
        let name = problem.member.clone().unwrap_or_default();
        if problem.code == Code::MemberUnsafe && documents::is_below(&name) {
            report.unchecked(format!("`{name}`: what lies in a directory is not looked at"));
        } else {
            report.problem("unsafe-member", &name, problem.message);
        }
    }
    archive
}

fn open_directory(path: &Path, report: &mut Report) -> Judged<Directory> {
    let mut problems = Vec::new();
    let directory = Directory::open(path, &mut problems);
    for problem in problems {
        let name = problem.member.clone().unwrap_or_default();
        let at = layout::inside(path, &name);
        if std::fs::symlink_metadata(&at).is_ok_and(|found| found.is_dir()) {
            report.unchecked(format!("`{name}`: what lies in a directory is not looked at"));
        } else {
            report.problem("unsafe-member", &name, problem.message);
        }
    }
    directory
}

/// Judges all files; answers what they are.
fn judge(source: &dyn Source, report: &mut Report) -> Judged<Files> {
    let members = source.members();
    for name in REQUIRED.iter().filter(|name| !members.contains_key(**name)) {
        report.problem("file-missing", name, "every evidence pack has it");
    }
    if members.len() > FILES_MAX {
        report.unchecked(format!("all but the first {FILES_MAX} files"));
    }
    let (mut files, mut rows) = (Files::new(), Rows::new());
    for (name, bytes) in members.iter().take(FILES_MAX).filter(|(name, _)| *name != ARCHIVE) {
        let mut sha256 = Sha256::default();
        let streamed = if name == SUMMARY {
            summary(source, &mut sha256, &mut rows, report)
        } else {
            source.stream(name, &mut |block| sha256.update(block))
        };
        match streamed {
            Ok(()) => drop(files.insert(name.clone(), (*bytes, sha256.finish()))),
            Err(Refusal::Problem(problem)) => unreadable(&problem, report),
            Err(Refusal::System(error)) => return Err(error.into()),
        }
    }
    report.rows = rows.seen;
    rows.finish(report);
    if let Some(metrics) = document(source, METRICS, report)? {
        documents::metrics(&metrics, &rows, report);
    }
    if let Some(manifest) = document(source, MANIFEST, report)? {
        report.is_ours = manifest["schema"].as_str().is_some_and(|schema| schema.starts_with("molsieve."));
        documents::manifest(&manifest, &files, report);
    }
    if let Some(bytes) = small(source, CHECKSUMS, report)? {
        documents::checksums(&bytes, &files, report);
    }
    Ok(files)
}

/// The rows, in one pass.
fn summary(source: &dyn Source, sha256: &mut Sha256, rows: &mut Rows, report: &mut Report) -> Judged<()> {
    let (mut cutter, mut broken) = (Cutter::default(), None);
    source.stream(SUMMARY, &mut |block| {
        sha256.update(block);
        if broken.is_none() {
            let mut take = |line: Line<'_>| {
                rows.take(line, report);
                Ok::<(), Fault>(())
            };
            broken = cutter.feed(block, &mut take).err();
        }
    })?;
    match broken.or_else(|| cutter.finish().err()) {
        Some(fault) => {
            let what = format!("it cannot be read further than line {}, which {fault}", cutter.at());
            report.problem("csv-malformed", SUMMARY, what);
        }
        None if cutter.lines == 0 => report.problem("columns-missing", SUMMARY, "it is empty: there is no header"),
        None if cutter.bare > 0 => {
            let what = format!("{} lines end with a line feed alone, and not with CR LF", cutter.bare);
            report.problem("line-ends", SUMMARY, what);
        }
        None => {}
    }
    Ok(())
}

/// A small member; none, and said so, if it is not there or too long.
fn small(source: &dyn Source, name: &str, report: &mut Report) -> Judged<Option<Vec<u8>>> {
    if !source.members().contains_key(name) {
        return Ok(None);
    }
    match read_small(source, name, DOCUMENT_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Refusal::Problem(problem)) => {
            unreadable(&problem, report);
            Ok(None)
        }
        Err(refusal) => Err(refusal),
    }
}

fn document(source: &dyn Source, name: &str, report: &mut Report) -> Judged<Option<Value>> {
    let Some(bytes) = small(source, name, report)? else { return Ok(None) };
    match json::read(&bytes) {
        Ok(value) => Ok(Some(value)),
        Err(why) => {
            report.problem("json-not-strict", name, why);
            report.unchecked(format!("what `{name}` says"));
            Ok(None)
        }
    }
}

/// The archive beside the files: it must hold the same ones.
fn copy(path: &Path, files: &Files, report: &mut Report) -> Judged<()> {
    let archive = match open_archive(path, report) {
        Ok(archive) => archive,
        Err(Refusal::Problem(problem)) => {
            report.problem("zip-unreadable", ARCHIVE, problem.message);
            return Ok(());
        }
        Err(refusal) => return Err(refusal),
    };
    let members = archive.members();
    for (name, (bytes, sha256)) in files {
        let mut found = Sha256::default();
        let streamed = match members.get(name) {
            Some(declared) if declared == bytes => archive.stream(name, &mut |block| found.update(block)),
            Some(_) => Ok(()),
            None => {
                report.problem("zip-lacks", ARCHIVE, format!("`{name}` is not in it"));
                continue;
            }
        };
        match streamed {
            Ok(()) if found.finish() == *sha256 => {}
            Ok(()) => report.problem("zip-differs", ARCHIVE, format!("`{name}` is another one there")),
            Err(Refusal::Problem(problem)) => report.problem("zip-unreadable", ARCHIVE, problem.message),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(())
}
