//! The encodings of the payload against `summary.csv`: each is made again from the rows, and must come out the same.
//!
//! Their bytes are a signer's word like any other: that the digest is right says nothing about what
//! is in them. And no foreign byte of them is read by anything but SHA-256.

use super::report::{Code, NotCompared, Problem, Refusal, Report};
use super::source::Source;
use crate::canonical::escape;
use crate::encode::again::Again;
use crate::encode::{Format, Written};
use crate::error::{Error, Kind, Result};
use crate::pack::manifest::{FileEntry, Manifest};
use crate::pack::{SUMMARY, facts};

/// Judges every encoding that the manifest lists. Their digests, and the rows, were found to be right.
pub(super) fn judge(source: &dyn Source, manifest: &Manifest, vouched: bool, report: &mut Report) -> Result<()> {
    let (members, facts) = (source.members(), facts(manifest));
    let mut all = Vec::new();
    for format in Format::ALL.into_iter().filter(|format| members.contains_key(format.file())) {
        let Some(entry) = manifest.file(format.file()) else { continue };
        if let Some(expected) = comparable(format, entry, vouched, report) {
            all.push((format, told(Again::start(expected, &facts))?));
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    let mut system = None;
    let streamed = source.stream(SUMMARY, &mut |bytes| {
        for (_, again) in &mut all {
            let Ok(making) = again else { continue };
            match told(making.feed(bytes)) {
                Ok(Ok(())) => {}
                Ok(Err(difference)) => *again = Err(difference),
                Err(error) => system = Some(error),
            }
        }
    });
    match (streamed, system) {
        (Err(Refusal::System(error)), _) | (_, Some(error)) => return Err(error),
        (Err(Refusal::Problem(problem)), None) => report.add(problem),
        (Ok(()), None) => {}
    }
    for (format, again) in all {
        let compared = match again {
            Ok(making) => told(making.finish())?,
            Err(difference) => Err(difference),
        };
        if let Err(difference) = compared {
            let name = format.file();
            report.add(Problem::of(Code::EncodingMismatch, name, format!("`{name}` {difference}")));
        }
    }
    Ok(())
}

/// What a file must come out as when it is made again; `None`, and said so, where that cannot be tried.
fn comparable(format: Format, entry: &FileEntry, vouched: bool, report: &mut Report) -> Option<Written> {
    let name = format.file();
    let skip = |why: String| NotCompared { member: name.to_owned(), why };
    if !format.is_built() {
        report.not_compared.push(skip(format!("this binary was built without `{}`", format.name())));
        return None;
    }
    if !vouched {
        report.not_compared.push(skip("no trusted key has signed the pack".to_owned()));
        return None;
    }
    let (ours, theirs) = (format.schema(), entry.format.as_deref());
    if theirs == Some(ours) {
        return Some(Written { format, bytes: entry.bytes, sha256: entry.sha256 });
    }
    let theirs = theirs.map_or_else(|| "an early format".to_owned(), |theirs| format!("`{}`", escape::visible(theirs)));
    if report.signers.is_empty() {
        // Else a forger would only have to say that it is of another version.
        let message = format!(
            "`{name}` is in {theirs}, this version of molsieve makes `{ours}`, and no trusted key vouches that it holds the rows"
        );
        report.add(Problem::of(Code::EncodingUnknown, name, message));
    } else {
        report.not_compared.push(skip(format!("it is in {theirs}, and this version of molsieve makes `{ours}`")));
    }
    None
}

/// Tells what is wrong with the pack, in words, from what the system refuses.
fn told<T>(result: Result<T>) -> Result<std::result::Result<T, String>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.kind() == Kind::Verification => Ok(Err(error.what().to_owned())),
        Err(error) => Err(temporary(error)),
    }
}

fn temporary(error: Error) -> Error {
    error
        .within("cannot make an encoding again")
        .hint("set `TMPDIR` to a directory with as much room as the pack takes")
}
