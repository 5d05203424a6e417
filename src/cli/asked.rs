//! Arguments that several commands share: which campaign, where, and how it is run here.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::output::Output;
use super::place::{self, absolute, default_dir};
use super::{progress, values};
use crate::campaign::config::{Config, ShardSize};
use crate::campaign::file::Campaign;
use crate::campaign::kind::SchedulerKind;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::layout::CampaignDir;
use crate::library::inspect;
use crate::library::snapshot::Snapshot;
use crate::pilot::{self, Request};
use crate::remote::{inputs, serve};
use crate::run::plan::{self, Errors, Fit, Opened};
use crate::scorer::open::Here;

/// A campaign file, and the directory that it gets.
#[derive(Debug, clap::Args)]
pub struct CampaignArgs {
    /// The campaign file (TOML).
    pub campaign: PathBuf,
    /// The campaign directory: made if it is not there, resumed if it is [default: the file's name without its ending].
    #[arg(long)]
    pub dir: Option<PathBuf>,
}

/// What a person may say about how it is run here.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Worker processes at a time.
    pub workers: Option<u64>,
    /// The private key to sign with.
    pub key: Option<PathBuf>,
}

impl Options {
    /// The key that signs the pack of `campaign`, if any does.
    pub fn key<'a>(&'a self, campaign: &'a Campaign) -> Option<&'a Path> {
        self.key.as_deref().or(campaign.file.execution.key.as_deref())
    }
}

/// How a campaign is run here.
#[derive(Debug, clap::Args)]
pub struct WorkArgs {
    /// Worker processes at a time [default: one for the cores of a task].
    #[arg(long, value_parser = values::count::<4096>)]
    pub workers: Option<u64>,
}

/// One of the schedulers `among` which somebody may choose, by its word.
pub fn schedulers(among: impl Iterator<Item = SchedulerKind>) -> impl TypedValueParser<Value = SchedulerKind> {
    PossibleValuesParser::new(among.map(SchedulerKind::word)).try_map(|word| word.parse())
}

impl WorkArgs {
    /// As options of a driver.
    pub fn options(&self) -> Options {
        Options { workers: self.workers, key: None }
    }
}

impl CampaignArgs {
    /// For a person: the command that starts `campaign`, which is planned.
    pub fn how_to_start(&self, campaign: &Campaign) -> String {
        let (file, dir) = (self.campaign.display(), campaign.dir.root().display());
        match campaign.file.execution.cluster {
            Some(_) => format!("submit with  molsieve submit {file} --dir {dir}"),
            None => format!("run it with  molsieve resume {dir}"),
        }
    }

    /// Opens or plans it, telling now and then how far the snapshot is. `errors` says what becomes of a campaign that
    /// ended with nothing else.
    pub fn open_or_plan(&self, errors: Errors, output: Output) -> Result<Campaign> {
        no_paths_of_a_login_node(&self.campaign)?;
        let here = Here { program: place::this_program()? };
        let place = self.place()?;
        let is_new = !place.campaign().exists();
        if is_new && matches!(Config::read(&self.campaign)?.shards.size()?, ShardSize::Target(_)) {
            output
                .note(format!("a pilot will find how large shards are: up to {} s of scoring", pilot::TIME.as_secs()));
        }
        if self.dir.is_none() {
            output.note(format!("no `--dir` is given: the campaign lies in `{}`", place.root().display()));
        }
        let opened = plan::open_or_plan(&self.campaign, place, &here, &progress::reading(output), errors);
        let opened = opened.map_err(told_where)?;
        let fit = opened.fit;
        let planned = told_what_is_forgotten(opened, output);
        if is_new {
            tell_of_library(&planned, output);
            tell_of_scores(&planned, fit, output);
        }
        let plan = &planned.plan;
        output.note(format!(
            "{}: {} records in {} shard{} of up to {}, scored by {} {}",
            planned.file.identity.name,
            plan.records,
            plan.shards(),
            if plan.shards() == 1 { "" } else { "s" },
            plan.shard_records,
            planned.file.identity.scorer.description.name,
            planned.file.identity.scorer.description.version,
        ));
        Ok(planned)
    }

    /// Plans it with a pilot.
    pub fn plan_with(&self, pilot: Request, output: Output) -> Result<Campaign> {
        no_paths_of_a_login_node(&self.campaign)?;
        let here = Here { program: place::this_program()? };
        output.note(format!("the pilot takes up to {} s of scoring", pilot.time.as_secs_f64()));
        let place = self.place()?;
        let is_new = !place.campaign().exists();
        let opened = plan::with_pilot(&self.campaign, place, &here, &progress::reading(output), pilot);
        let opened = opened.map_err(told_where)?;
        let fit = opened.fit;
        let planned = told_what_is_forgotten(opened, output);
        if is_new {
            tell_of_library(&planned, output);
            tell_of_scores(&planned, fit, output);
        }
        Ok(planned)
    }

    /// Its directory, named from the root.
    fn place(&self) -> Result<CampaignDir> {
        absolute(&CampaignDir::new(match &self.dir {
            Some(dir) => dir.clone(),
            None => default_dir(&self.campaign)?,
        }))
    }
}

/// What lies on a login node is of no use here.
///
/// # Errors
/// The campaign file at `path` names a path of one (exit 2).
pub fn no_paths_of_a_login_node(path: &Path) -> Result<()> {
    let Some(there) = inputs::path_of_there(path) else { return Ok(()) };
    Err(Error::usage(format!("`{there}` is a path of a login node, and the campaign would run on this machine"))
        .hint("run it there: `molsieve --on me@login …`, or a site profile with a `login`")
        .hint("a path of this machine is written without `login:`"))
}

/// On a login node, at the far end of a line: which machine has not what was asked for.
fn told_where(error: Error) -> Error {
    let is_far = std::env::var_os(serve::FAR).is_some();
    if is_far && error.kind() == Kind::Usage { error.within(format!("on `{}`", host::name())) } else { error }
}

/// The campaign; whether it begins anew is told.
pub fn told_what_is_forgotten(opened: Opened, output: Output) -> Campaign {
    match opened.forgotten {
        None => {}
        Some(0) => output.note("note: planned anew with the scorer as it is now; no record was finished yet"),
        Some(rows) => output.note(format!(
            "note: begins anew with the scorer as it is now; the {rows} row{} so far, ERROR without exception, {} forgotten",
            if rows == 1 { "" } else { "s" },
            if rows == 1 { "is" } else { "are" },
        )),
    }
    opened.campaign
}

/// What a person may want to look at in the library, before work is spent on it.
fn tell_of_library(planned: &Campaign, output: Output) {
    let dir = planned.dir.library_named(&planned.file.execution.library);
    // Whatever is wrong with the library itself is for the workers to say.
    let Ok(told) = Snapshot::open(&dir).and_then(|snapshot| inspect::warnings(&snapshot)) else { return };
    let Some((path, first)) = told.first() else { return };
    let more = match told.len() - 1 {
        0 => String::new(),
        n => format!(" (and {n} more)"),
    };
    output.note(format!("WARNING of the library: {first}{more}; look with `molsieve library inspect {path}`"));
}

/// Scores from files that belong to nobody, or look as if they were another campaign's.
fn tell_of_scores(planned: &Campaign, fit: Option<Fit>, output: Output) {
    let held = planned.file.identity.scorer.settings.get("held");
    let unmatched = held.and_then(|held| held.get("unmatched")?.as_u64()).unwrap_or(0);
    if unmatched > 0 {
        output.note(format!(
            "WARNING of the scores: {unmatched} are under hashes of RDKit's, and nothing says which look-alikes they are of; \
             see `rdkit_hashes` in docs/precomputed.md"
        ));
    }
    let Some(Fit { records, scored, compared, decoys, decoys_scored }) = fit else { return };
    if scored < records {
        output.note(format!(
            "WARNING of the scores: {} of {records} records have none, and will be SKIP",
            records - scored
        ));
    }
    if decoys_scored < decoys {
        let none = if decoys_scored == 0 { ", so nothing will be said of the score" } else { "" };
        output.note(format!(
            "WARNING of the scores: {decoys_scored} of {decoys} look-alikes of the first {compared} records with scores have one{none}; \
             look-alikes follow from `seed` and `[decoys]`: `molsieve decoys CAMPAIGN.toml --missing -o missing.csv` writes those that need one"
        ));
    }
}
