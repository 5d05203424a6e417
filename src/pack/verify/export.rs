//! The payload in the shape of others against `summary.csv`: it is made again from the rows, and must come out the same.

use super::report::{Code, NotCompared, Problem, Refusal, Report};
use super::source::Source;
use crate::canonical::escape;
use crate::canonical::row::{Halt, Lines};
use crate::digest::Digest;
use crate::error::{Error, Kind, Result};
use crate::fs;
use crate::pack::manifest::{FileEntry, Manifest};
use crate::pack::{SUMMARY, hetero2};

/// Judges what the manifest lists of it. Its digest, and the rows, were found to be right.
pub(super) fn judge(source: &dyn Source, manifest: &Manifest, report: &mut Report) -> Result<()> {
    let Some(entry) = manifest.file(hetero2::FILE).filter(|_| source.members().contains_key(hetero2::FILE)) else {
        return Ok(());
    };
    if entry.format.as_deref() != Some(hetero2::SCHEMA) {
        unknown(entry, report);
        return Ok(());
    }
    let made = match made_again(source, manifest, entry.bytes) {
        Ok(made) => (made == (entry.sha256, entry.bytes)).then_some(()).ok_or_else(|| "has other bytes".to_owned()),
        Err(Refusal::System(error)) if error.kind() == Kind::Verification => Err(error.what().to_owned()),
        Err(Refusal::System(error)) => {
            return Err(error
                .within(format!("cannot make `{}` again", hetero2::FILE))
                .hint("set `TMPDIR` to a directory with as much room as the pack takes"));
        }
        Err(Refusal::Problem(problem)) => {
            report.add(problem);
            return Ok(());
        }
    };
    if let Err(how) = made {
        let message = format!("`{}` is not what the rows of `{SUMMARY}` make of it: it {how}", hetero2::FILE);
        report.add(Problem::of(Code::ExportMismatch, hetero2::FILE, message));
    }
    Ok(())
}

/// It is in a shape that this version does not make.
fn unknown(entry: &FileEntry, report: &mut Report) {
    let name = hetero2::FILE;
    let theirs = entry.format.as_deref().map_or_else(|| "no shape that it names".to_owned(), escape::visible);
    if report.signers.is_empty() {
        // Else a forger would only have to say that it is of another version.
        let message = format!(
            "`{name}` is `{theirs}`, this version of molsieve makes `{}`, and no trusted key vouches for it",
            hetero2::SCHEMA
        );
        report.add(Problem::of(Code::ExportUnknown, name, message));
    } else {
        let why = format!("it is `{theirs}`, and this version of molsieve makes `{}`", hetero2::SCHEMA);
        report.not_compared.push(NotCompared { member: name.to_owned(), why });
    }
}

/// SHA-256 and length of what the rows make. No more is written than `bytes_max`: a small archive of many rows fills no disk.
fn made_again(source: &dyn Source, manifest: &Manifest, bytes_max: u64) -> std::result::Result<(Digest, u64), Refusal> {
    let mut staged = fs::scratch()?;
    let mut refused = None;
    let made = hetero2::write(&mut staged, manifest, bytes_max, &mut |each| {
        let (mut lines, mut halted) = (Lines::default(), None);
        let streamed = source.stream(SUMMARY, &mut |block| {
            if halted.is_none() {
                halted = lines.feed(block, &mut *each).err();
            }
        });
        match (streamed, halted) {
            (_, Some(Halt::Taker(error))) | (Err(Refusal::System(error)), None) => Err(error),
            (_, Some(Halt::Fault(fault))) => Err(Error::verification(format!("cannot hold the rows: {fault}"))),
            (Ok(()), None) => Ok(()),
            (Err(Refusal::Problem(problem)), None) => {
                let error = Error::verification(problem.message.clone());
                refused = Some(problem);
                Err(error)
            }
        }
    });
    if let Some(problem) = refused {
        return Err(problem.into());
    }
    made?;
    Ok(fs::sha256_input(staged.temporary_path())?)
}
