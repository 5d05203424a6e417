//! The content against the manifest, and what is derived against the rows that it is derived from.

use super::report::{Code, Judged, Problem, Refusal, Report};
use super::source::Source;
use super::trust::Accept;
use super::{encodings, export};
use crate::canonical::json;
use crate::digest::{self, Digest, Sha256};
use crate::error::Result;
use crate::pack::manifest::{FileEntry, Manifest};
use crate::pack::{HITS, METRICS, SIGNAL, SUMMARY};
use crate::payload::order::Fault;
use crate::payload::{Found, Payload, Tree};
use crate::signal::Signal;

/// Judges every file that the manifest lists and the source has.
pub(super) fn judge(source: &dyn Source, manifest: &Manifest, accept: Accept, report: &mut Report) -> Result<()> {
    let members = source.members();
    // What a trusted key has signed, or what is to be accepted without, may be given to the readers of large formats.
    let vouched = accept != Accept::Trusted || !report.signers.is_empty();
    let before = report.problems.len();
    for entry in &manifest.files {
        let Some(bytes) = members.get(&entry.name) else { continue };
        if *bytes != entry.bytes {
            let message = format!("`{}` has {bytes} bytes; the manifest says {}", entry.name, entry.bytes);
            report.add(Problem::of(Code::MemberSize, &entry.name, message));
            continue;
        }
        let judged = if entry.name == SUMMARY {
            payload(source, manifest, entry, report)
        } else {
            hash(source, &entry.name, &mut |_| {}).map(|sha256| compare(entry, sha256, report))
        };
        match judged {
            Ok(()) => {}
            Err(Refusal::Problem(problem)) => report.add(problem),
            Err(Refusal::System(error)) => return Err(error),
        }
    }
    if report.problems.len() == before {
        encodings::judge(source, manifest, vouched, report)?;
        return export::judge(source, manifest, report);
    }
    Ok(())
}

/// SHA-256 of a member; `each` sees its blocks.
pub(super) fn hash(source: &dyn Source, name: &str, each: &mut dyn FnMut(&[u8])) -> Judged<Digest> {
    let mut sha256 = Sha256::default();
    source.stream(name, &mut |block| {
        sha256.update(block);
        each(block);
    })?;
    Ok(sha256.finish())
}

fn compare(entry: &FileEntry, sha256: Digest, report: &mut Report) {
    if sha256 != entry.sha256 {
        let message = format!("`{}` was changed: its SHA-256 is not the one in the manifest", entry.name);
        report.add(Problem::of(Code::MemberDigest, &entry.name, message));
    }
}

/// Judges `summary.csv` and, from its rows, the payload digest, the counts, the hits and the metrics.
fn payload(source: &dyn Source, manifest: &Manifest, entry: &FileEntry, report: &mut Report) -> Judged<()> {
    let mut pass = Payload::new(&manifest.campaign, manifest.present(), Tree::Hash);
    let mut fault = None;
    let sha256 = hash(source, SUMMARY, &mut |block| {
        if fault.is_none() {
            fault = pass.feed(block).err();
        }
    })?;
    compare(entry, sha256, report);
    let found = match fault {
        Some(fault) => Err(fault),
        None => pass.finish(&manifest.campaign),
    };
    match found {
        Ok(found) => derived(&found, manifest, report)?,
        Err(fault) => report.add(problem_of(&fault)),
    }
    Ok(())
}

fn problem_of(fault: &Fault) -> Problem {
    let code = match fault {
        Fault::Header => Code::PayloadHeader,
        Fault::HitsTooLarge => Code::HitsMismatch,
        Fault::Malformed(_) => Code::PayloadRow,
        Fault::Order { .. } => Code::PayloadOrder,
    };
    Problem::of(code, SUMMARY, format!("`{SUMMARY}`: {fault}"))
}

/// Compares what the rows hold with what the manifest says of them.
fn derived(found: &Found, manifest: &Manifest, report: &mut Report) -> Result<()> {
    if found.root.map(|root| root.sha256_uri()).as_deref() != Some(&manifest.payload.digest) {
        let message = "the rows do not have the payload digest that the manifest claims";
        report.add(Problem::of(Code::PayloadDigest, SUMMARY, message));
    }
    if found.counts != manifest.records {
        let message = "the rows do not have the outcomes and reasons that the manifest counts";
        report.add(Problem::of(Code::PayloadCounts, SUMMARY, message));
    }
    let hits = [digest::sha256(&found.hits_csv); 2];
    let before = found.metrics.clone().into_v1();
    let metrics = [digest::sha256(&json::to_line(&found.metrics)?), digest::sha256(&json::to_line(&before)?)];
    for (name, code, digests) in [(HITS, Code::HitsMismatch, hits), (METRICS, Code::MetricsMismatch, metrics)] {
        if manifest.file(name).is_none_or(|entry| !digests.contains(&entry.sha256)) {
            report.add(Problem::of(
                code,
                name,
                format!("the listed `{name}` does not follow from the rows of `{SUMMARY}`"),
            ));
        }
    }
    report.score = found.signal.as_ref().map(Signal::sentence);
    let signal = found.signal.as_ref().map(json::to_line).transpose()?.map(|line| digest::sha256(&line));
    if manifest.file(SIGNAL).map(|entry| entry.sha256) != signal {
        report.add(Problem::of(
            Code::SignalMismatch,
            SIGNAL,
            match signal {
                Some(_) => format!("`{SIGNAL}` is missing or does not follow from the rows of `{SUMMARY}`"),
                None => format!("`{SIGNAL}` is listed, and the records of this campaign have no decoys"),
            },
        ));
    }
    Ok(())
}
