//! The rows that are finished, wherever they are: sealed, or in the checkpoints of what is not.
//!
//! Nothing is disturbed: sealed rows never change, and a checkpoint is read up to what is valid now.

use std::io::{ErrorKind, Read};

use crate::campaign::file::Campaign;
use crate::digest::{Blake3, Digest};
use crate::error::{Error, Result};
use crate::fs;
use crate::id::{AttemptId, GroupIndex, Ordinal};
use crate::payload::lines::{self, Fault, Fields, Lines};
use crate::scorer::{KeptFile, Outcome};
use crate::shard::checkpoint::{self, Header};
use crate::shard::judge::{self, Proven};
use crate::shard::kept::{Best, Keep, Origin};
use crate::shard::receipt::Receipt;
use crate::shard::recover::Recovered;

/// How much of a rows file is read at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// One finished row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Which record.
    pub ordinal: Ordinal,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it is not `OK`.
    pub reason: &'a str,
    /// Where the reason begins in the line.
    pub reason_at: u32,
    /// The line, without its line feed.
    pub line: &'a [u8],
}

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
            return self.sealed(&receipt, each).map(|()| true);
        }
        let mut found = self.recovered(group)?;
        // Sealed a moment ago, before all checkpoints were opened: then the rows are there.
        if let Some(receipt) = self.receipt(group)? {
            return self.sealed(&receipt, each).map(|()| true);
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
            best.consider(row.ordinal, row.outcome, row.line, origin);
            Ok(())
        })?;
        best.each_file(&found.logs(), take)
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
        while let Some((rows, origin)) = found.next_rows(range.end)? {
            for (index, meta) in rows.metas().iter().enumerate().filter(|(_, m)| range.contains(&m.ordinal)) {
                let at = meta.ordinal - range.start;
                let (word, mask) = (&mut seen[(at / 64) as usize], 1u64 << (at % 64));
                if *word & mask != 0 {
                    continue;
                }
                *word |= mask;
                let line = rows.line(index);
                let row = Row {
                    ordinal: meta.ordinal,
                    outcome: meta.outcome,
                    reason: rows.reason(index),
                    reason_at: meta.reason_span().0,
                    line: line.strip_suffix(b"\n").unwrap_or(line),
                };
                each(&row, origin)?;
            }
        }
        Ok(())
    }

    /// The rows that `receipt` speaks of. That they are those is known at the end, by their digest.
    ///
    /// # Errors
    /// As [`Finished::group`].
    pub fn sealed(&self, receipt: &Receipt, each: Each<'_>) -> Result<()> {
        let path = self.campaign.dir.group(receipt.group).rows(&receipt.attempt);
        let refused = |e: std::io::Error| Error::io("cannot read", &path, &e);
        let changed = |what: &str| {
            Error::verification(format!("`{}` {what}", path.display()))
                .hint("remove the receipt beside it; `molsieve resume` then computes that task group again")
        };
        let mut file = fs::open_plain(&path).map_err(refused)?;
        let (mut blake3, mut cutter, mut failed) = (Blake3::default(), Lines::default(), None);
        let mut buffer = vec![0; BLOCK_BYTES];
        loop {
            let n = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(refused(e)),
            };
            blake3.update(&buffer[..n]);
            let fed = cutter.feed(&buffer[..n], |line| {
                let row = read(line).ok_or_else(|| Fault::Malformed("a row is malformed".to_owned()))?;
                each(&row).map_err(|error| {
                    failed = Some(error);
                    Fault::Malformed(String::new())
                })
            });
            if let Err(fault) = fed {
                return Err(failed.unwrap_or_else(|| changed(&format!("is not as it should be: {fault}"))));
            }
        }
        if blake3.finish() != receipt.rows.blake3 || !cutter.is_at_boundary() {
            return Err(changed("has changed since it was sealed (its digest is another)"));
        }
        Ok(())
    }
}

/// The parts of a line that every row has.
fn read(line: &[u8]) -> Option<Row<'_>> {
    let mut fields = Fields::of(line);
    let digits = fields.plain()?;
    let id = fields.text()?;
    let word = fields.plain()?;
    let outcome = match word {
        b"OK" => Outcome::Ok,
        b"SKIP" => Outcome::Skip,
        b"ERROR" => Outcome::Error,
        _ => return None,
    };
    let reason_at = digits.len() + id.len() + word.len() + 3;
    let reason = std::str::from_utf8(fields.plain()?).ok()?;
    Some(Row { ordinal: lines::ordinal(digits)?, outcome, reason, reason_at: u32::try_from(reason_at).ok()?, line })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_knows_where_its_reason_is() {
        let line = b"7,\"a,\"\"b\",ERROR,timeout,,";
        let row = read(line).unwrap();
        assert_eq!((row.ordinal, row.outcome, row.reason), (7, Outcome::Error, "timeout"));
        assert_eq!(&line[row.reason_at as usize..][..7], b"timeout");
        for bad in [&b""[..], b"7,a", b"x,a,OK,", b"7,a,KO,", b"7,\"a,OK,"] {
            assert!(read(bad).is_none(), "{bad:?}");
        }
    }
}
