//! What is looked at before anything of what a task returned counts: a receipt with all that it speaks of, and a checkpoint.

use super::Taker;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs;
use crate::gather::received;
use crate::id::{AttemptId, GroupIndex};
use crate::layout::GroupDir;
use crate::shard::checkpoint;
use crate::shard::judge::{self, Judged, Proven};
use crate::shard::receipt::Receipt;

impl Taker<'_> {
    /// The receipt of `attempt`, if it counts and its rows and files are what it says; else why not.
    pub(super) fn sealed(
        &self,
        source: &GroupDir,
        group: GroupIndex,
        attempt: &AttemptId,
    ) -> Result<std::result::Result<Receipt, String>> {
        let proven = Proven { plan: &self.campaign.plan, plan_digest: self.plan, scorer: self.scorer };
        let receipt = match judge::judge(&proven, source, group, attempt)? {
            Judged::Counts(receipt) => *receipt,
            Judged::Flawed(flaw) => return Ok(Err(flaw.what)),
            // (Its rows may have been taken in before, by somebody who was killed then: that is seen below.)
            Judged::RowsGone(_) if self.campaign.dir.group(group).rows(attempt).exists() => {
                return self.half_taken(source, group, attempt);
            }
            Judged::RowsGone(receipt) => return Ok(Err(judge::Flaw::rows_gone(&receipt).what)),
            Judged::Foreign(what) => return Ok(Err(what)),
        };
        if let Err(wrong) = received::check(&self.campaign.file.identity, &receipt, source.rows(attempt)) {
            return Ok(Err(wrong.what().to_owned()));
        }
        if let Some(kept) = &receipt.files {
            let path = source.files(attempt);
            let found = fs::open_plain(&path).and_then(digest::blake3_stream);
            let is_there_before = || self.campaign.dir.group(group).files(attempt).exists();
            if !found.is_ok_and(|found| found == (kept.blake3, kept.bytes)) && !is_there_before() {
                return Ok(Err(format!("the kept files of `{group}/{attempt}` are not what the receipt says")));
            }
        }
        Ok(Ok(receipt))
    }

    /// A receipt whose rows have their place already: it follows them, if they are still what it says.
    fn half_taken(
        &self,
        source: &GroupDir,
        group: GroupIndex,
        attempt: &AttemptId,
    ) -> Result<std::result::Result<Receipt, String>> {
        let target = self.campaign.dir.group(group);
        let bytes =
            fs::read_plain(&source.receipt(attempt)).map_err(|e| Error::io("cannot read", source.root(), &e))?;
        let receipt: Receipt = match crate::canonical::json::from_line("a receipt", &bytes) {
            Ok(receipt) => receipt,
            Err(wrong) => return Ok(Err(wrong.what().to_owned())),
        };
        let checked = received::check(&self.campaign.file.identity, &receipt, target.rows(attempt));
        Ok(checked.map(|()| receipt).map_err(|wrong| wrong.what().to_owned()))
    }

    /// Whether the checkpoint of `attempt` is of this plan, this scorer and this task group.
    pub(super) fn is_checkpoint(&self, source: &GroupDir, group: GroupIndex, attempt: &AttemptId) -> Result<bool> {
        let Some(reader) = checkpoint::Reader::open(&source.checkpoint(attempt))? else { return Ok(false) };
        let header = reader.header();
        let ours = (self.plan, self.scorer, group);
        Ok((header.plan, header.scorer, header.group) == ours && header.attempt == *attempt)
    }
}
