//! A sealed task group that came from a machine of which nothing is known: looked at as gather will, before it counts.

use std::path::PathBuf;

use super::rows::{self, Place};
use crate::campaign::identity::Identity;
use crate::canonical::row::{Halt, Lines};
use crate::digest::merkle::{self, CompactRange};
use crate::error::{Error, Result};
use crate::payload::{Payload, Tree, header};
use crate::shard::receipt::Receipt;

/// Whether the rows at `rows` are those that `receipt` speaks of: their bytes, their records in order, their outcomes as they are
/// counted, and their part of the row tree. A receipt that counts may still say anything of them.
///
/// # Errors
/// They are not (exit 4), or cannot be read (exit 6).
pub fn check(identity: &Identity, receipt: &Receipt, rows: PathBuf) -> Result<()> {
    let wrong = |what: &str| Error::verification(format!("the rows of `{}/{}` {what}", receipt.group, receipt.attempt));
    let mut payload = Payload::new(identity, vec![receipt.ordinals.clone()], Tree::Skip);
    let mut first = header(identity);
    first.push(b'\n');
    payload.feed(&first).map_err(|e| Error::bug(format!("the header is refused: {e}")))?;
    let (mut lines, mut tree) = (Lines::default(), CompactRange::starting_at(receipt.tree.begin()));
    rows::each_block(receipt, &Place::File(rows), |block| {
        payload.feed(block).map_err(|fault| wrong(&format!("are not as they should be: {fault}")))?;
        let hashed = lines.feed(block, |line| {
            tree.push(merkle::leaf(line));
            Ok::<(), Error>(())
        });
        hashed.map_err(|halt| match halt {
            Halt::Fault(malformed) => wrong(&format!("are not as they should be: {malformed}")),
            Halt::Taker(error) => error,
        })
    })?;
    if !payload.is_at_boundary() {
        return Err(wrong("end in the middle of a row"));
    }
    if payload.take_part() != receipt.counts {
        return Err(wrong("hold other outcomes than its receipt counts"));
    }
    if tree != receipt.tree {
        return Err(wrong("have another row tree than its receipt"));
    }
    Ok(())
}
