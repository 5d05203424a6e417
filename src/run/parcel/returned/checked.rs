//! What is looked at before anything of what a task returned counts: a receipt with all that it speaks of, and a checkpoint.

use std::path::PathBuf;

use super::{Taken, Taker};
use crate::error::Result;
use crate::fs;
use crate::gather::received::{self, Ids};
use crate::id::{AttemptId, GroupIndex};
use crate::layout::GroupDir;
use crate::run::parcel::progress::{self, Progress};
use crate::shard::checkpoint::{self, Header};
use crate::shard::judge::{self, Judged, Proven};
use crate::shard::receipt::Receipt;

impl<'a> Taker<'a> {
    pub(super) fn proven(&self) -> Proven<'a> {
        Proven { plan: &self.campaign.plan, plan_digest: self.plan, scorer: self.scorer }
    }

    /// Those of `receipts`, each of which counts, that contradict nothing. Of two attempts of a deterministic scorer that came to
    /// different rows nobody can say which is right, and gather would refuse all of the campaign: what is there already stands, and
    /// of what comes together none does.
    pub(super) fn agreeing(
        &self,
        target: &GroupDir,
        group: GroupIndex,
        receipts: Vec<Receipt>,
        taken: &mut Taken,
    ) -> Result<Vec<Receipt>> {
        if receipts.is_empty() || !self.campaign.file.identity.scorer.description.deterministic {
            return Ok(receipts);
        }
        let there = judge::find(&self.proven(), target, group)?.filter(|there| there.counts.circumstantial() == 0);
        let others = there.as_ref().map_or(receipts.as_slice(), std::slice::from_ref);
        let other = |receipt: &Receipt| {
            others.iter().find(|other| judge::do_contradict(receipt, other)).map(|other| other.attempt.clone())
        };
        let contradicted: Vec<_> = receipts.iter().map(other).collect();
        let mut agreeing = Vec::new();
        for (receipt, other) in receipts.into_iter().zip(contradicted) {
            match other {
                None => agreeing.push(receipt),
                Some(other) => taken.refused.push(format!(
                    "`{group}/{}` came to other rows than `{group}/{other}`, and the scorer says that it is deterministic",
                    receipt.attempt
                )),
            }
        }
        Ok(agreeing)
    }

    /// The receipt of `attempt`, if it counts and its rows and files are what it says; else why not.
    pub(super) fn sealed(
        &mut self,
        source: &GroupDir,
        group: GroupIndex,
        attempt: &AttemptId,
    ) -> Result<std::result::Result<Receipt, String>> {
        let receipt = match judge::judge(&self.proven(), source, group, attempt)? {
            Judged::Counts(receipt) => *receipt,
            Judged::Flawed(flaw) => return Ok(Err(flaw.what)),
            // (Its rows may have been taken in before, by somebody who was killed then: that is seen below.)
            Judged::RowsGone(receipt) if self.campaign.dir.group(group).rows(attempt).exists() => {
                let rows = self.campaign.dir.group(group).rows(attempt);
                let checked = self.check(&receipt, rows);
                return Ok(checked.map(|()| *receipt));
            }
            Judged::RowsGone(receipt) => return Ok(Err(judge::Flaw::rows_gone(&receipt).what)),
            Judged::Foreign(what) => return Ok(Err(what)),
        };
        if let Err(wrong) = self.check(&receipt, source.rows(attempt)) {
            return Ok(Err(wrong));
        }
        if let Some(kept) = &receipt.files {
            let is_whole = fs::put::is_whole(&source.files(attempt), kept.bytes, &kept.blake3);
            let is_there_before = || self.campaign.dir.group(group).files(attempt).exists();
            if !is_whole && !is_there_before() {
                return Ok(Err(format!("the kept files of `{group}/{attempt}` are not what the receipt says")));
            }
        }
        Ok(Ok(receipt))
    }

    /// Whether `rows` are those of `receipt`; else why not.
    fn check(&mut self, receipt: &Receipt, rows: PathBuf) -> std::result::Result<(), String> {
        let campaign = self.campaign;
        let ids = self.ids.get_or_insert_with(|| Ids::of(campaign));
        received::check(&campaign.file.identity, receipt, rows, ids).map_err(|wrong| wrong.what().to_owned())
    }

    /// Takes in what `attempt` had finished of `group`.
    pub(super) fn checkpoint(
        &mut self,
        (source, target): (&GroupDir, &GroupDir),
        group: GroupIndex,
        attempt: AttemptId,
        taken: &mut Taken,
    ) -> Result<()> {
        let campaign = self.campaign;
        let ids = self.ids.get_or_insert_with(|| Ids::of(campaign));
        let paths = (source.checkpoint(&attempt), target.checkpoint(&attempt));
        let what = format!("`groups/{group}/{attempt}.checkpoint`");
        let (schema, plan, scorer) = (checkpoint::SCHEMA.to_owned(), self.plan, self.scorer);
        let header = Header { schema, plan, scorer, group, attempt };
        let range = campaign.plan.group(group);
        match progress::take(&campaign.file.identity, &header, &range, (&paths.0, &paths.1), ids)? {
            Progress::Taken => taken.files += 1,
            Progress::WasThere => {}
            Progress::Refused(why) => taken.refused.push(format!("{what} {why}")),
        }
        Ok(())
    }
}
