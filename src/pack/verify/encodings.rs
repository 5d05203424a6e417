//! The encodings of the payload against `summary.csv`, cell by cell.
//!
//! Their bytes are a signer's word like any other: that the digest is right says nothing about what
//! is in them. But their readers are large, and one is C: no file reaches them that only a stranger
//! vouches for, unless whoever verifies accepts strangers.

use super::report::{Code, NotCompared, Problem, Refusal, Report};
use super::source::Source;
use crate::encode::Format;
use crate::encode::compare::Comparison;
use crate::error::Result;
use crate::pack::manifest::Manifest;
use crate::pack::{SUMMARY, facts};

/// Compares every encoding that the manifest lists with the rows. Both were found to have their digests.
pub(super) fn judge(source: &dyn Source, manifest: &Manifest, vouched: bool, report: &mut Report) -> Result<()> {
    let members = source.members();
    let facts = facts(manifest);
    let mut comparisons = Vec::new();
    for format in
        Format::ALL.into_iter().filter(|f| members.contains_key(f.file()) && manifest.file(f.file()).is_some())
    {
        let name = format.file();
        if !format.is_built() {
            let why = format!("this binary was built without `{}`", format.name());
            report.not_compared.push(NotCompared { member: name.to_owned(), why });
        } else if !vouched {
            let why = "no trusted key has signed the pack".to_owned();
            report.not_compared.push(NotCompared { member: name.to_owned(), why });
        } else {
            match source.file(name) {
                Ok(opened) => comparisons.push((name, Comparison::open(format, opened.file, &facts))),
                Err(Refusal::Problem(problem)) => report.add(problem),
                Err(Refusal::System(error)) => return Err(error),
            }
        }
    }
    if comparisons.is_empty() {
        return Ok(());
    }
    let streamed = source.stream(SUMMARY, &mut |bytes| {
        for (_, comparison) in &mut comparisons {
            let fed = comparison.as_mut().map_or(Ok(()), |comparison| comparison.feed(bytes));
            if let Err(difference) = fed {
                *comparison = Err(difference);
            }
        }
    });
    match streamed {
        Ok(()) => {}
        Err(Refusal::Problem(problem)) => report.add(problem),
        Err(Refusal::System(error)) => return Err(error),
    }
    for (name, comparison) in comparisons {
        if let Err(difference) = comparison.and_then(Comparison::finish) {
            report.add(Problem::of(Code::EncodingMismatch, name, format!("`{name}` {difference}")));
        }
    }
    Ok(())
}
