//! Retry: a generation, a campaign that takes over the rows of another and scores some records again.
//!
//! The same snapshot, scorer, seed and columns, in a directory of its own. What is taken over goes
//! into checkpoints there, so that the ordinary worker seals it together with what it scores. The
//! parent is read and never changed; what it is, and which reasons are scored again, is part of the
//! generation's identity and so of its pack. See `docs/decisions/0012-day-two.md`.

use super::event::Event;
use super::finished::{Finished, Row};
use super::journal;
use super::plan::open_for_planning;
use super::sign_of_life::SignOfLife;
use super::state::{Phase, State};
use crate::campaign::file::Campaign;
use crate::campaign::identity::{Identity, Parent};
use crate::clock;
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Result};
use crate::fs;
use crate::gather::survey::{self, Expected, GroupState};
use crate::id::{AttemptId, GroupIndex};
use crate::layout::CampaignDir;
use crate::pack::manifest::Manifest;
use crate::pack::verify::{self, Trust};
use crate::payload;
use crate::scorer::row::RowBlock;
use crate::scorer::{Outcome, reason};
use crate::shard::checkpoint::{self, Header, Writer};
use crate::shard::plan::Plan;
use crate::shard::receipt::Receipt;

/// Rows are written in frames of about this length.
const FRAME_BYTES: usize = 1 << 20;

/// How long after its last sign a driver may still be at work.
const ALIVE_FOR_MS: u64 = 60_000;

/// A generation that was opened.
#[derive(Debug)]
pub struct Generation {
    /// The new campaign.
    pub campaign: Campaign,
    /// What became of the records.
    pub tally: Tally,
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
    let expected = Expected::new(&parent.file.identity, &parent.plan)?;
    let read = Parental { parent, expected, finished: Finished::of(parent)?, reasons: &reasons };
    // All of the parent is checked before anything is written.
    let tally = read.survey()?;
    if tally.retried == 0 {
        return Err(nothing(parent, &reasons));
    }
    let manifest = read.sound_pack()?;
    let identity = Identity {
        parent: Some(Parent {
            campaign: parent.file.identity.digest()?,
            payload: manifest.as_ref().map(|m| m.payload.digest.clone()),
            pack: match &manifest {
                Some(manifest) => Some(crate::digest::sha256(&manifest.to_bytes()?).sha256_uri()),
                None => None,
            },
            reasons: reasons.clone(),
        }),
        ..parent.file.identity.clone()
    };
    let plan = Plan { campaign: identity.digest()?, ..parent.plan.clone() };
    let (mut journal, there) = open_for_planning(&dir)?;
    if there.is_some() {
        return Err(Error::usage(format!("there is a campaign in `{}` already", dir.root().display()))
            .hint("`molsieve resume` goes on with it; or give another directory with `--dir`"));
    }
    let header = Header {
        schema: checkpoint::SCHEMA.to_owned(),
        plan: plan.digest()?,
        scorer: identity.scorer.digest()?,
        group: GroupIndex(0),
        attempt: AttemptId::random()?,
    };
    for group in plan.all_groups() {
        read.carry(group, &dir, &Header { group, ..header.clone() })?;
    }
    let mut file = parent.file.clone();
    file.execution.library = parent.dir.library_named(&file.execution.library);
    file.identity = identity;
    journal.record(Event::Planned { campaign: plan.campaign, plan: header.plan })?;
    let Tally { carried, retried, unfinished } = tally;
    let of = parent.file.identity.digest()?;
    journal.record(Event::CarriedOver { parent: of, carried, retried, unfinished })?;
    Ok(Generation { campaign: Campaign::create(dir, file, plan)?, tally })
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

    /// Judges every receipt, reads every finished row once, checks it against its receipt, and counts.
    fn survey(&self) -> Result<Tally> {
        let mut tally = Tally::default();
        for group in self.parent.plan.all_groups() {
            self.receipt(group)?;
            self.finished.group(group, &mut |row| {
                *if self.is_retried(row) { &mut tally.retried } else { &mut tally.carried } += 1;
                Ok(())
            })?;
        }
        tally.unfinished = self.parent.plan.records - tally.carried - tally.retried;
        Ok(tally)
    }

    /// The receipt that gather would take.
    fn receipt(&self, group: GroupIndex) -> Result<Option<Receipt>> {
        match survey::group(&self.parent.dir, &self.expected, group)? {
            GroupState::Sealed(sealed) => Ok(Some(sealed.receipt)),
            GroupState::Missing => Ok(None),
            GroupState::Unusable(flaws) => {
                let what = flaws.into_iter().next().map_or_else(|| format!("task group {group}"), |flaw| flaw.what);
                Err(Error::verification(what)
                    .hint(format!("`molsieve resume {}` computes it again", self.parent.dir.root().display())))
            }
        }
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
            if let Some(receipt) = self.receipt(group)? {
                whole.join(&receipt.tree)?;
            }
        }
        Ok(whole.root().map(|root| root.sha256_uri()).unwrap_or_default())
    }

    /// Writes what is taken over of `group` into a checkpoint in `dir`.
    fn carry(&self, group: GroupIndex, dir: &CampaignDir, header: &Header) -> Result<()> {
        let group_dir = dir.group(group);
        let (mut rows, mut line) = (RowBlock::default(), Vec::new());
        let mut writer = None;
        let mut put = |rows: &mut RowBlock| -> Result<()> {
            if writer.is_none() {
                fs::create_dir(group_dir.root())?;
                writer = Some(Writer::create(&group_dir.checkpoint(&header.attempt), header)?);
            }
            let block = std::mem::take(rows);
            writer.as_mut().map_or(Ok(()), |writer| writer.rows(&block))
        };
        self.finished.group(group, &mut |row| {
            if self.is_retried(row) {
                return Ok(());
            }
            line.clear();
            line.extend_from_slice(row.line);
            line.push(b'\n');
            let reason = (row.reason_at, u8::try_from(row.reason.len()).unwrap_or(u8::MAX));
            rows.push_encoded(row.ordinal, row.outcome, reason, &line)
                .ok_or_else(|| Error::verification(format!("the row of record {} is malformed", row.ordinal)))?;
            if rows.lines().len() >= FRAME_BYTES { put(&mut rows) } else { Ok(()) }
        })?;
        if !rows.is_empty() {
            put(&mut rows)?;
        }
        writer.map_or(Ok(()), |mut writer| writer.clean_end())
    }
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

/// What is being worked on would change while it is read.
fn nobody_works(parent: &Campaign) -> Result<()> {
    let state = State::of(&journal::read(&parent.dir)?.entries)?;
    let dir = parent.dir.root().display();
    if state.archived {
        return Err(Error::usage(format!("the rows of `{dir}` were removed when it was archived"))
            .hint("retry before `molsieve archive --remove-rows`, or run the campaign again"));
    }
    let seen_ms = SignOfLife::last(&parent.dir).map_or(0, |sign| sign.at_ms).max(state.last_ms);
    if state.phase == Phase::Active && clock::unix_ms().saturating_sub(seen_ms) < ALIVE_FOR_MS {
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
