//! The rows that are finished, wherever they are: sealed, or in the checkpoints of what is not.
//!
//! Nothing is disturbed: sealed rows never change, and a checkpoint is read up to what is valid now.

use super::rows::{self, Place};
use crate::campaign::file::Campaign;
use crate::canonical::row::Row;
use crate::digest::Digest;
use crate::error::Result;
use crate::id::{AttemptId, GroupIndex};
use crate::scorer::KeptFile;
use crate::shard::checkpoint::{self, Header};
use crate::shard::judge::{self, Proven};
use crate::shard::kept::{Best, Keep, Origin};
use crate::shard::receipt::Receipt;
use crate::shard::recover::Recovered;

/// What takes the rows.
pub type Each<'a> = &'a mut dyn FnMut(&Row<'_>) -> Result<()>;

/// Reads the finished rows of one campaign.
#[derive(Debug)]
pub struct Finished<'a> {
    campaign: &'a Campaign,
    plan: Digest,
    scorer: Digest,
}

impl<'a> Finished<'a> {
    /// Of `campaign`.
    ///
    /// # Errors
    /// The campaign has no canonical form: a defect.
    pub fn of(campaign: &'a Campaign) -> Result<Self> {
        let scorer = campaign.file.identity.scorer.digest()?;
        Ok(Self { campaign, plan: campaign.plan.digest()?, scorer })
    }

    /// Gives `each` the finished rows of `group`, each record once; whether the group is sealed.
    ///
    /// # Errors
    /// Rows are not what their receipt says (exit 4), something cannot be read (exit 6), or what `each` answers.
    pub fn group(&self, group: GroupIndex, each: Each<'_>) -> Result<bool> {
        if let Some(receipt) = self.receipt(group)? {
            return self.sealed(&receipt, each);
        }
        let mut found = self.recovered(group)?;
        // Sealed a moment ago, before all checkpoints were opened: then the rows are there.
        if let Some(receipt) = self.receipt(group)? {
            return self.sealed(&receipt, each);
        }
        self.unsealed(group, &mut found, &mut |row, _| each(row)).map(|()| false)
    }

    /// Gives `take` the kept files of the best records in the checkpoints of `group`, which is not sealed: by ordinal, one
    /// at a time.
    ///
    /// # Errors
    /// Something cannot be read (exit 6), or what `take` answers.
    pub fn kept(&self, group: GroupIndex, keep: Keep, take: impl FnMut(KeptFile) -> Result<()>) -> Result<()> {
        let (mut found, mut best) = (self.recovered(group)?, Best::new(keep));
        self.unsealed(group, &mut found, &mut |row, origin| {
            best.consider(row, origin);
            Ok(())
        })?;
        best.each_file(&found.logs(), take)
    }

    fn sealed(&self, receipt: &Receipt, each: Each<'_>) -> Result<bool> {
        let place = Place::File(self.campaign.dir.group(receipt.group).rows(&receipt.attempt));
        rows::each_row(receipt, &place, each).map(|()| true)
    }

    fn receipt(&self, group: GroupIndex) -> Result<Option<Receipt>> {
        let of = Proven { plan: &self.campaign.plan, plan_digest: self.plan, scorer: self.scorer };
        judge::find(&of, &self.campaign.dir.group(group), group)
    }

    fn recovered(&self, group: GroupIndex) -> Result<Recovered> {
        let header = Header {
            schema: checkpoint::SCHEMA.to_owned(),
            plan: self.plan,
            scorer: self.scorer,
            group,
            // (Whose it is does not matter to who reads them all.)
            attempt: AttemptId::random()?,
        };
        Recovered::read(&self.campaign.dir.group(group), &header, self.campaign.plan.group(group))
    }

    fn unsealed(
        &self,
        group: GroupIndex,
        found: &mut Recovered,
        each: &mut dyn FnMut(&Row<'_>, Origin) -> Result<()>,
    ) -> Result<()> {
        let range = self.campaign.plan.group(group);
        let mut seen = vec![0u64; (range.end - range.start).div_ceil(64) as usize];
        while let Some((block, origin)) = found.next_rows(range.end)? {
            for (index, meta) in block.metas().iter().enumerate().filter(|(_, m)| range.contains(&m.ordinal)) {
                let at = meta.ordinal - range.start;
                let (word, mask) = (&mut seen[(at / 64) as usize], 1u64 << (at % 64));
                if *word & mask != 0 {
                    continue;
                }
                *word |= mask;
                each(&block.row(index), origin)?;
            }
        }
        Ok(())
    }
}
