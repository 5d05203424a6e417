//! `index.md`: the first thing a person reads. It says nothing that the manifest does not say.

use std::fmt::Write;

use super::manifest::Manifest;
use super::provenance::Provenance;
use super::{
    ATTESTATION, CHECKSUMS, HETERO2, HITS, HITS_SDF, HITS_SMI, MANIFEST, METRICS, PROVENANCE, REPORT, RO_CRATE, SIGNAL,
    SUMMARY,
};
use crate::canonical::escape;
use crate::encode::Format;
use crate::signal::Signal;

/// The page of a pack.
pub fn render(manifest: &Manifest, provenance: &Provenance, signal: Option<&Signal>) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write_page(&mut page, manifest, provenance, signal);
    page
}

fn write_page(
    page: &mut String,
    manifest: &Manifest,
    provenance: &Provenance,
    signal: Option<&Signal>,
) -> std::fmt::Result {
    let campaign = &manifest.campaign;
    let verdict = if manifest.complete { "complete" } else { "INCOMPLETE" };
    writeln!(page, "# {} ({verdict})\n", plain(&campaign.name))?;
    write_verdict(page, manifest)?;
    let counts = &manifest.records;
    writeln!(page, "| records | OK | SKIP | ERROR |\n|---:|---:|---:|---:|")?;
    writeln!(page, "| {} | {} | {} | {} |\n", counts.total, counts.ok, counts.skip, counts.error)?;
    if !counts.reasons.is_empty() {
        writeln!(page, "| reason | records |\n|---|---:|")?;
        for (reason, count) in &counts.reasons {
            writeln!(page, "| `{}` | {count} |", plain(reason))?;
        }
        writeln!(page)?;
    }
    let scorer = &campaign.scorer.description;
    writeln!(page, "- payload digest: `{}`", manifest.payload.digest)?;
    writeln!(page, "- library: {} records, snapshot root `{}`", campaign.library.records, campaign.library.root)?;
    writeln!(page, "- scorer: `{}` version `{}`, seed {}", plain(&scorer.name), plain(&scorer.version), campaign.seed)?;
    if let Some(rank) = &campaign.pack.rank {
        let first = if rank.order == crate::scorer::Order::Asc { "lowest" } else { "highest" };
        writeln!(page, "- hits: up to {} with the {first} `{}`", campaign.pack.top, plain(&rank.column.name))?;
    }
    if let Some(signal) = signal {
        writeln!(page, "- score: {}: `{SIGNAL}`", signal.sentence_with(&plain(&signal.column)))?;
    }
    if provenance.kept_files > 0 {
        writeln!(
            page,
            "- kept files: {} of the best records, in the campaign directory D: `molsieve extract D --top 10 --out files`",
            provenance.kept_files
        )?;
    }
    if let Some(parent) = &campaign.parent {
        let reasons = if parent.reasons.is_empty() { "all".to_owned() } else { parent.reasons.join(", ") };
        let of = parent.payload.as_deref().unwrap_or("none: it had no pack");
        writeln!(
            page,
            "- a generation: errors ({}) were scored again; payload of the parent: `{}`",
            plain(&reasons),
            plain(of)
        )?;
    }
    writeln!(
        page,
        "- computed: {} to {} on {} host(s)",
        provenance.started,
        provenance.finished,
        provenance.hosts.len()
    )?;
    if !provenance.discrepancies.is_empty() {
        writeln!(page, "- discrepancies: {}, see `{PROVENANCE}`", provenance.discrepancies.len())?;
    }
    write_files(page, manifest)
}

fn write_verdict(page: &mut String, manifest: &Manifest) -> std::fmt::Result {
    let library = manifest.campaign.library.records;
    if manifest.complete {
        writeln!(page, "Every one of the {library} records of the library is in `{SUMMARY}` exactly once.\n")?;
    } else {
        writeln!(
            page,
            "**INCOMPLETE**: {} of {library} records are in `{SUMMARY}`. Missing:\n",
            manifest.records.total
        )?;
        for gap in manifest.missing.iter().take(20) {
            writeln!(page, "- records {} to {}", gap.start, gap.end - 1)?;
        }
        if manifest.missing.len() > 20 {
            writeln!(page, "- and {} more ranges, see `{MANIFEST}`", manifest.missing.len() - 20)?;
        }
        writeln!(page)?;
    }
    if manifest.circumstantial > 0 {
        writeln!(
            page,
            "{} records ended in a way that load or memory may have caused (crash, time-out, out of memory): \
             another execution may answer otherwise for them.\n",
            manifest.circumstantial
        )?;
    }
    Ok(())
}

fn write_files(page: &mut String, manifest: &Manifest) -> std::fmt::Result {
    writeln!(page, "\n## Files\n")?;
    for (name, what) in [
        (SUMMARY, "one row a record: the payload"),
        (HITS, "the best rows, best first"),
        (REPORT, "this page and more, with pictures and the best hits drawn"),
        (METRICS, "the payload in numbers"),
        (PROVENANCE, "hosts, times and attempts of this execution"),
        (RO_CRATE, "the same facts as a Process Run Crate, for tools that read RO-Crate"),
        (MANIFEST, "every file with its size and SHA-256, and what was asked for"),
        (CHECKSUMS, "the same for `sha256sum`"),
        (ATTESTATION, "the signatures, if it is signed: in-toto statement in a DSSE envelope"),
    ] {
        writeln!(page, "- `{name}`: {what}")?;
    }
    for name in [HITS_SMI, HITS_SDF].into_iter().filter(|name| manifest.file(name).is_some()) {
        writeln!(page, "- `{name}`: the hits with their structures, a library for the next campaign")?;
    }
    if manifest.file(SIGNAL).is_some() {
        writeln!(page, "- `{SIGNAL}`: what the decoys say of the score")?;
    }
    if manifest.file(HETERO2).is_some() {
        writeln!(page, "- `{HETERO2}`: the same rows as an evidence pack of HETERO-2")?;
    }
    for format in Format::ALL.iter().filter(|format| manifest.file(format.file()).is_some()) {
        writeln!(page, "- `{}`: the same rows as `{SUMMARY}`, as {}", format.file(), format.title())?;
    }
    writeln!(page, "\n## Check it\n\n```sh\nsha256sum -c {CHECKSUMS}\nmolsieve verify . --key K.pub.pem\n```")
}

/// What the decoys say of the score.
/// Text of the user's that cannot become markup.
fn plain(text: &str) -> String {
    // A backslash of theirs would be markup; those of our escapes stand before an `x`.
    escape::visible(&text.replace('\\', "·")).chars().map(|c| if "`|*<>[]#".contains(c) { '·' } else { c }).collect()
}
