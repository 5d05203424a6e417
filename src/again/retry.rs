//! Retry: a generation, a campaign that takes over the rows of another and scores some records again.
//!
//! The same snapshot, scorer, seed and columns, in a directory of its own. What is taken over goes
//! into checkpoints there, with the files that were kept, so that the ordinary worker seals it together with what it scores. The
//! parent is read and never changed; what it is, and which reasons are scored again, is part of the
//! generation's identity and so of its pack. See `docs/decisions/0012-day-two.md`.

use std::path::Path;

use super::carry::Carrier;
use crate::campaign::file::{Campaign, CampaignFile};
use crate::campaign::identity::{Identity, Parent};
use crate::canonical::row::Row;
use crate::digest;
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Result};
use crate::fs;
use crate::gather::finished::{Each, Finished};
use crate::gather::kept::Archive;
use crate::gather::survey::{self, Expected, GroupState, Sealed};
use crate::id::{AttemptId, GroupIndex};
use crate::journal;
use crate::journal::event::Event;
use crate::journal::state::State;
use crate::layout::CampaignDir;
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};
use crate::payload;
use crate::run::look::at_work::AtWork;
use crate::run::plan::open_for_planning;
use crate::scorer::identity::ScorerLaunch;
use crate::scorer::{Outcome, open, reason};
use crate::shard::checkpoint::{self, Header};
use crate::shard::plan::Plan;

/// A generation that was opened.
#[derive(Debug)]
pub struct Generation {
    /// The new campaign.
    pub campaign: Campaign,
    /// What became of the records.
    pub tally: Tally,
    /// The scorer's program, where it is another file than the parent was last driven with. That is no part of a scorer's
    /// identity, so the generation may be computed; but its rows are then of two programs.
    pub other_program: Option<String>,
}

/// What becomes of the parent's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Their rows are taken over.
    pub carried: u64,
    /// They had a row, and are scored again.
    pub retried: u64,
    /// They had no row.
    pub unfinished: u64,
    /// Kept files that are taken over with the rows.
    pub files: u64,
    /// Sealed task groups whose archive of kept files somebody removed: their rows are taken over without files.
    pub archives_gone: u64,
}

/// Opens a generation of `parent` in `dir`: records that ended as ERROR for one of `reasons` (for any, if there is
/// none) are scored again.
///
/// # Errors
/// There is no such record, or the parent is being worked on (exit 2); the parent's rows, receipts or pack are not
/// sound (exit 4); the system refuses (exit 6).
pub fn retry(parent: &Campaign, reasons: &[String], dir: CampaignDir) -> Result<Generation> {
    let mut reasons = reasons.to_vec();
    reasons.sort();
    reasons.dedup();
    reasons_are_known(parent, &reasons)?;
    nobody_works(parent)?;
    let (scorer, launch) = (&parent.file.identity.scorer, &parent.file.execution.scorer);
    open::check(launch, scorer).map_err(|changed| {
        changed.hint("a generation is computed by the scorer of its parent; it says nothing about another one")
    })?;
    let other_program = other_program(parent)?;
    let expected = Expected::new(&parent.file.identity, &parent.plan)?;
    let read = Parental { parent, expected, finished: Finished::of(parent)?, reasons: &reasons };
    // All of the parent is checked before anything is written.
    let mut tally = read.survey()?;
    if tally.retried == 0 {
        return Err(nothing(parent, &reasons));
    }
    let manifest = read.sound_pack()?;
    let identity = Identity {
        parent: Some(Parent {
            campaign: parent.file.identity.digest()?,
            payload: manifest.as_ref().map(|m| m.payload.digest.clone()),
            pack: match &manifest {
                Some(manifest) => Some(digest::sha256(&manifest.to_bytes()?).sha256_uri()),
                None => None,
            },
            reasons: reasons.clone(),
        }),
        ..parent.file.identity.clone()
    };
    let plan = Plan { campaign: identity.digest()?, ..parent.plan.clone() };
    // Before the journal is taken over, which would stop a driver there; and again, for one that was quicker.
    no_campaign_in(&dir)?;
    let (mut journal, _) = open_for_planning(&dir)?;
    no_campaign_in(&dir)?;
    let header = Header {
        schema: checkpoint::SCHEMA.to_owned(),
        plan: plan.digest()?,
        scorer: identity.scorer.digest()?,
        group: GroupIndex(0),
        attempt: AttemptId::random()?,
    };
    for group in plan.all_groups() {
        tally.files += read.carry(group, &dir, Header { group, ..header.clone() })?;
    }
    let mut file = CampaignFile { nonce: None, ..parent.file.clone() };
    file.execution.library = parent.dir.library_named(&file.execution.library);
    file.identity = identity;
    journal.record(Event::Planned { campaign: plan.campaign, plan: header.plan })?;
    let Tally { carried, retried, unfinished, .. } = tally;
    let of = parent.file.identity.digest()?;
    journal.record(Event::CarriedOver { parent: of, carried, retried, unfinished })?;
    Ok(Generation { campaign: Campaign::create(dir, file, plan)?, tally, other_program })
}

fn no_campaign_in(dir: &CampaignDir) -> Result<()> {
    if Campaign::open_if_any(dir.clone())?.is_none() {
        return Ok(());
    }
    Err(Error::usage(format!("there is a campaign in `{}` already", dir.root().display()))
        .hint("`molsieve resume` goes on with it; or give another directory with `--dir`"))
}

/// A parent, while it is read.
struct Parental<'a> {
    parent: &'a Campaign,
    expected: Expected<'a>,
    finished: Finished<'a>,
    reasons: &'a [String],
}

impl Parental<'_> {
    fn is_retried(&self, row: &Row<'_>) -> bool {
        row.outcome == Outcome::Error && (self.reasons.is_empty() || self.reasons.iter().any(|r| r == row.reason))
    }

    /// Reads every finished row once, checks it and the archives against their receipts, and counts.
    fn survey(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        for group in self.parent.plan.all_groups() {
            let sealed = self.sealed(group)?;
            if let Some(sealed) = sealed.as_ref().filter(|sealed| sealed.receipt.files.is_some()) {
                tally.archives_gone += u64::from(archive_of(sealed)?.is_none());
            }
            self.rows(group, sealed.as_deref(), &mut |row| {
                *if self.is_retried(row) { &mut tally.retried } else { &mut tally.carried } += 1;
                Ok(())
            })?;
        }
        tally.unfinished = self.parent.plan.records - tally.carried - tally.retried;
        Ok(tally)
    }

    /// The finished rows of a group: those that gather would take, where it is sealed.
    fn rows(&self, group: GroupIndex, sealed: Option<&Sealed>, each: Each<'_>) -> Result<()> {
        match sealed {
            Some(sealed) => sealed.each_row(each),
            None => self.finished.group(group, each).map(|_| ()),
        }
    }

    fn sealed(&self, group: GroupIndex) -> Result<Option<Box<Sealed>>> {
        match survey::group(&self.parent.dir, &self.expected, group)? {
            GroupState::Sealed(sealed) => Ok(Some(sealed)),
            GroupState::Missing => Ok(None),
            GroupState::Unusable(flaws) | GroupState::RowsGone(_, flaws) => {
                let what = flaws.into_iter().next().map_or_else(|| format!("task group {group}"), |flaw| flaw.what);
                Err(Error::verification(what).hint(self.computed_again()))
            }
        }
    }

    /// How a task group is computed again that was sealed once.
    fn computed_again(&self) -> String {
        let (dir, pack) = (self.parent.dir.root().display(), self.parent.dir.pack());
        if pack.exists() {
            // A finished campaign is verified by its pack, and nobody looks at its task groups.
            let pack = pack.display();
            return format!("move `{pack}` away and run `molsieve resume {dir}`, which computes that task group again");
        }
        format!("`molsieve resume {dir}` computes that task group again")
    }

    /// The manifest of the parent's pack, if it has one: it must be sound, and of these rows.
    fn sound_pack(&self) -> Result<Option<Manifest>> {
        let pack = self.parent.dir.pack();
        if !pack.exists() {
            return Ok(None);
        }
        let (report, manifest) = verify::inspect(&pack, &Trust::integrity())?;
        let unsound = |what: &str| {
            Error::verification(format!("the pack of the parent, `{}`, {what}", pack.display()))
                .hint("`molsieve verify` says what is wrong with it; `molsieve gather` seals it anew")
        };
        let Some(manifest) = manifest.filter(|_| report.is_sound()) else { return Err(unsound("does not verify")) };
        if manifest.campaign != self.parent.file.identity {
            return Err(unsound("is of another campaign"));
        }
        if manifest.complete && self.root()? != manifest.payload.digest {
            return Err(unsound("holds other rows than its task groups"));
        }
        Ok(Some(manifest))
    }

    /// The payload digest that the receipts join to.
    fn root(&self) -> Result<String> {
        let mut whole = CompactRange::starting_at(0);
        whole.push(merkle::leaf(&payload::header(&self.parent.file.identity)));
        for group in self.parent.plan.all_groups() {
            let gone = || {
                let dir = self.parent.dir.root().display();
                Error::verification(format!("task group {group} of `{dir}` has no receipt, and the pack is complete"))
                    .hint(self.computed_again())
            };
            whole.join(&self.sealed(group)?.ok_or_else(gone)?.receipt.tree)?;
        }
        Ok(whole.root().map(|root| root.sha256_uri()).unwrap_or_default())
    }

    /// Writes what is taken over of `group` into a checkpoint in `dir`; how many kept files that is.
    fn carry(&self, group: GroupIndex, dir: &CampaignDir, header: Header) -> Result<u64> {
        let mut carrier = Carrier::new(dir.group(group), header);
        if let Some(sealed) = self.sealed(group)? {
            let mut archive = archive_of(&sealed)?;
            sealed.each_row(|row| {
                if self.is_retried(row) {
                    return Ok(());
                }
                if let Some(archive) = archive.as_mut().filter(|_| row.outcome == Outcome::Ok) {
                    for (name, index) in archive.names(row.ordinal) {
                        carrier.file(&archive.read(row.ordinal, name, index)?)?;
                    }
                }
                carrier.row(row)
            })?;
            return carrier.end();
        }
        if let Some(keep) = self.parent.file.identity.keep(self.parent.file.execution.keep) {
            self.finished.kept(group, keep, |file| carrier.file(&file))?;
        }
        self.finished.group(group, &mut |row| if self.is_retried(row) { Ok(()) } else { carrier.row(row) })?;
        carrier.end()
    }
}

/// The archive of the kept files of `sealed`, if there is to be one and nobody removed it.
fn archive_of(sealed: &Sealed) -> Result<Option<Archive<'_>>> {
    if sealed.receipt.files.is_some() { Archive::open_if_there(sealed) } else { Ok(None) }
}

/// Refuses a reason that no record of this scorer can have.
fn reasons_are_known(parent: &Campaign, reasons: &[String]) -> Result<()> {
    let declared = parent.file.identity.scorer.description.reasons.iter().map(String::as_str);
    let known: Vec<&str> = declared.chain(reason::OURS).collect();
    match reasons.iter().find(|given| !known.contains(&given.as_str())) {
        None => Ok(()),
        Some(unknown) => Err(Error::usage(format!("no record of this campaign can have the reason `{unknown}`"))
            .hint(format!("known are: {}", known.join(", ")))),
    }
}

/// The program of the parent's scorer, where it is not the file any more that its last driver found.
fn other_program(parent: &Campaign) -> Result<Option<String>> {
    let entries = journal::read(&parent.dir)?.entries;
    let found = entries.iter().rev().find_map(|entry| match &entry.event {
        Event::DriverStarted { program, .. } => Some(*program),
        _ => None,
    });
    let (Some(then), ScorerLaunch::Command(command)) = (found.flatten(), &parent.file.execution.scorer) else {
        return Ok(None);
    };
    let now = fs::sha256_input(Path::new(&command.argv[0]))?.0;
    Ok((now != then).then(|| command.argv[0].clone()))
}

/// What is being worked on would change while it is read.
fn nobody_works(parent: &Campaign) -> Result<()> {
    let state = State::of(&journal::read(&parent.dir)?.entries)?;
    let dir = parent.dir.root().display();
    if state.archived {
        return Err(Error::usage(format!("the rows of `{dir}` were removed when it was archived"))
            .hint("retry before `molsieve archive --remove-rows`, or run the campaign again"));
    }
    if AtWork::on(parent, &state).is_seen() {
        return Err(Error::usage(format!("`{dir}` is being worked on"))
            .hint(format!("wait for its end, or stop it at a checkpoint with `molsieve cancel {dir}`")));
    }
    Ok(())
}

fn nothing(parent: &Campaign, reasons: &[String]) -> Error {
    let of = if reasons.is_empty() { String::new() } else { format!(" for `{}`", reasons.join("` or `")) };
    let dir = parent.dir.root().display();
    Error::usage(format!("no finished record of `{dir}` ended as ERROR{of}: there is nothing to retry"))
        .hint(format!("`molsieve status {dir}` counts the reasons"))
}
