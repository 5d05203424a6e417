//! Reproducing a pack: the same request, planned anew from inputs that are at hand, and computed again.
//!
//! What the request is, the pack says; where its inputs are, somebody has to say. Before any record is
//! scored, the two requests are compared, and what the payload depends on must be the same.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::compare::{self, Difference, RowPair, Rows};
use crate::campaign::config::LibrarySection;
use crate::campaign::file::{self, Campaign, CampaignFile};
use crate::campaign::identity::{Identity, LibraryIdentity};
use crate::canonical::json;
use crate::canonical::row::{self, Row};
use crate::error::{Error, Result};
use crate::fs;
use crate::id::AttemptId;
use crate::journal::event::Event;
use crate::layout::{CampaignDir, PackDir};
use crate::library::format::FormatRequest;
use crate::library::request::LibraryRequest;
use crate::library::snapshot::Snapshot;
use crate::library::take;
use crate::pack::SUMMARY;
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};
use crate::run::plan::{self, Watch};
use crate::scorer::open::{self, Here};
use crate::shard::plan::Plan;

/// The request of the pack at `path`, which is verified first, but not who signed it.
///
/// # Errors
/// It is not sound (exit 4), or INCOMPLETE (exit 3).
pub fn request_of(path: &Path) -> Result<Manifest> {
    let (report, manifest) = verify::inspect(path, &Trust::integrity())?;
    if let (Some(kind), Some(problem)) = (report.failure(), report.unsound().or(report.problems.first())) {
        return Err(Error::new(kind, format!("`{}` cannot be reproduced: {}", path.display(), problem.message))
            .hint("run `molsieve verify` on it; only a pack that is whole has one answer"));
    }
    manifest.ok_or_else(|| Error::verification(format!("`{}` holds no manifest", path.display())))
}

/// Plans in `dir` what the campaign file at `config` asks for. It will not be signed.
///
/// # Errors
/// As [`plan::open_or_plan`].
pub fn plan_file(config: &Path, dir: CampaignDir, here: &Here, watch: Watch<'_>) -> Result<Campaign> {
    let mut campaign = plan::open_or_plan(config, dir, here, watch, plan::Errors::Kept)?.campaign;
    if campaign.file.execution.key.take().is_some() {
        // So that it is not signed by whoever resumes it either.
        return Campaign::create(campaign.dir, campaign.file, campaign.plan);
    }
    Ok(campaign)
}

/// A campaign that holds the pack already reproduces nothing.
///
/// # Errors
/// `dir` is the campaign that the pack at `path` lies in (exit 2).
pub fn must_be_another(path: &Path, dir: &CampaignDir) -> Result<()> {
    let own = CampaignDir::around(path).and_then(|own| own.root().canonicalize().ok());
    if own.is_none() || own != dir.root().canonicalize().ok() {
        return Ok(());
    }
    Err(Error::usage(format!("`{}` is the campaign that the pack is of", dir.root().display()))
        .hint("give the reproduction a directory of its own with `--dir`"))
}

/// Plans in `dir` what the campaign `from` computed, from its inputs as they are now: its library is read anew,
/// and the files of its scorer are checked. It will not be signed.
///
/// # Errors
/// The scorer changed (exit 2); the library is gone or cannot be read (exit 2 or 6), or the system refuses (exit 6).
pub fn plan_again(from: &Campaign, dir: CampaignDir, here: &Here, watch: Watch<'_>) -> Result<Campaign> {
    let (scorer, execution) = (&from.file.identity.scorer, &from.file.execution);
    let stderr = dir.scorer_stderr(&AttemptId::random()?);
    // It checks the scorer's files; nothing is started until it runs.
    open::pool(&execution.scorer, scorer, &execution.post(here, 0, stderr)?)?;
    if let Some(begun) = Campaign::open_if_any(dir.clone())? {
        return Ok(begun);
    }
    let (mut journal, there) = plan::open_for_planning(&dir)?;
    if let Some(quicker) = there {
        return Ok(quicker);
    }
    let then = Snapshot::open(&from.dir.library_named(&from.file.execution.library))?;
    let mut paths = Vec::new();
    for file in then.files() {
        let path = file.source.path()?;
        let text =
            path.to_str().ok_or_else(|| Error::usage(format!("`{}` has a name that is not text", path.display())));
        paths.push(text?.to_owned());
    }
    let request = LibraryRequest { base: "/".into(), paths, format: format_of(from)? };
    let library = take::take(&request, &dir.library(&AttemptId::random()?), crate::host::cores(), watch)?;
    let identity = Identity {
        library: LibraryIdentity { root: library.root(), records: library.records() },
        ..from.file.identity.clone()
    };
    let plan = Plan::new(identity.digest()?, library.records(), from.plan.shard_records)?;
    journal.record(Event::Planned { campaign: identity.digest()?, plan: plan.digest()? })?;
    let mut execution = from.file.execution.clone();
    (execution.library, execution.key) = (dir.library_name(library.dir()), None);
    let (schema, request) = (file::SCHEMA.to_owned(), from.file.request.clone());
    let file = CampaignFile { schema, identity, request, execution, nonce: None };
    Campaign::create(dir, file, plan)
}

/// What was said about the format of the library of `from`.
fn format_of(from: &Campaign) -> Result<FormatRequest> {
    let mut section = serde_json::Map::new();
    for (key, value) in &from.file.request {
        if let Some(key) = key.strip_prefix("library.") {
            let value = serde_json::from_str(value).map_err(|e| Error::verification(format!("`{key}`: {e}")))?;
            section.insert(key.to_owned(), value);
        }
    }
    let section: LibrarySection = serde_json::from_value(section.into()).map_err(|e| {
        Error::verification(format!("the campaign's `request` is not what it should be: {}", json::in_words(&e)))
    })?;
    Ok(plan::format_request(&section))
}

/// What `campaign` does not have in common with the request of the pack.
///
/// # Errors
/// The payload depends on one of the differences (exit 2); all are named.
pub fn compare(manifest: &Manifest, campaign: &Campaign) -> Result<Vec<Difference>> {
    let all = compare::requests(&manifest.campaign, &campaign.file.identity);
    let deciding: Vec<&Difference> = all.iter().filter(|d| d.decides).collect();
    if deciding.is_empty() {
        return Ok(all);
    }
    let named: Vec<&str> = deciding.iter().map(|d| d.what.as_str()).collect();
    let mut error = Error::usage(format!("this is not the request of the pack; different are: {}", named.join(", ")));
    for Difference { what, pack, here, .. } in deciding {
        error = error.hint(format!("{what}: {pack} in the pack, {here} here"));
    }
    Err(error.hint("nothing was computed; put back what the pack was made from, or give the campaign that it was"))
}

/// Compares the payload of the pack at `original` with that in the pack directory `again`, row by row.
///
/// # Errors
/// One of them cannot be read as it stands (exit 4 or 6).
pub fn rows(original: &Path, again: &Path) -> Result<Rows> {
    let path = PackDir::new(again).member(SUMMARY);
    let refused = |e: &std::io::Error| Error::io("cannot read", &path, e);
    let mut reader = BufReader::with_capacity(1 << 17, fs::open_plain(&path).map_err(|e| refused(&e))?);
    let (mut rows, mut line, mut is_header) = (Rows::default(), Vec::new(), true);
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        (&mut reader).take(row::BYTES_MAX as u64 + 1).read_until(b'\n', line).map_err(|e| refused(&e))?;
        line.pop();
        Ok(())
    };
    verify::each_line(original, |row| {
        next(&mut line)?;
        let was_header = std::mem::take(&mut is_header);
        if row == line {
            rows.same += u64::from(!was_header);
        } else if compare::is_circumstantial(row) || compare::is_circumstantial(&line) {
            rows.circumstantial += 1;
        } else {
            rows.differ += 1;
            let ordinal = Row::read(row).map_or(0, |row| row.ordinal);
            rows.first.get_or_insert_with(|| RowPair::of(ordinal, row, &line));
        }
        Ok(())
    })?;
    Ok(rows)
}
