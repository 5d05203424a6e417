//! The rows of a sealed task group, read against its receipt: the one way to them.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::survey::Sealed;
use crate::canonical::row::{Halt, Lines, Malformed, Row};
use crate::digest::Blake3;
use crate::error::{Error, Result};
use crate::fs;
use crate::layout::CampaignDir;
use crate::shard::receipt::Receipt;

/// Where the rows of a receipt are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a rows file, which holds no others.
    File(PathBuf),
    /// In the `summary.csv` of a pack, which holds them as they were sealed.
    Pack {
        /// That file.
        summary: PathBuf,
        /// Where they begin in it, in bytes.
        offset: u64,
    },
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Pack { summary, .. } => summary,
        }
    }
}

impl Sealed {
    /// Hands on its rows, block by block. That they are those that its receipt speaks of is known at the end.
    ///
    /// # Errors
    /// They are not (exit 4), they cannot be read (exit 6), or what `each` answers.
    pub fn each_block(&self, each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        each_block(&self.receipt, &self.rows, each)
    }

    /// The same, row by row.
    ///
    /// # Errors
    /// As [`Sealed::each_block`], or one of them is malformed (exit 4).
    pub fn each_row(&self, each: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
        each_row(&self.receipt, &self.rows, each)
    }

    /// `thing`, which lies beside the receipt, `is` not what the receipt says.
    pub(super) fn wrong(&self, thing: &str, is: &str) -> Error {
        wrong(&self.receipt, thing, is)
    }
}

/// Hands on the rows of `receipt`, which are in `place`, row by row.
///
/// # Errors
/// As [`Sealed::each_row`].
pub(super) fn each_row(receipt: &Receipt, place: &Place, mut each: impl FnMut(&Row<'_>) -> Result<()>) -> Result<()> {
    let mut lines = Lines::default();
    let odd = |malformed: Malformed| refused(receipt, place, &format!("are not as they should be: {malformed}"));
    each_block(receipt, place, |block| {
        let fed = lines.feed(block, |line| each(&Row::read(line).map_err(odd)?));
        fed.map_err(|halt| match halt {
            Halt::Fault(malformed) => odd(malformed),
            Halt::Taker(error) => error,
        })
    })?;
    if lines.is_at_boundary() { Ok(()) } else { Err(refused(receipt, place, "end in the middle of a row")) }
}

/// Hands on the rows of `receipt`, which are in `place`, block by block.
///
/// # Errors
/// As [`Sealed::each_block`].
pub(super) fn each_block(receipt: &Receipt, place: &Place, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let path = place.path();
    let unreadable = |e: std::io::Error| match place {
        Place::File(_) => Error::io("cannot read", path, &e),
        Place::Pack { .. } => Error::io("the rows files are gone, and cannot read", path, &e)
            .hint("put the pack back, as from the archive; or have the rows computed again with `molsieve resume`"),
    };
    let mut file = fs::open_plain(path).map_err(unreadable)?;
    if let Place::Pack { offset, .. } = place {
        file.seek(SeekFrom::Start(*offset)).map_err(unreadable)?;
    }
    let mut blake3 = Blake3::default();
    fs::each_block(file.take(receipt.rows.bytes), path, |block| {
        blake3.update(block);
        each(block)
    })?;
    if blake3.finish() == receipt.rows.blake3 {
        return Ok(());
    }
    Err(refused(receipt, place, "have changed since they were sealed (their digest is another)"))
}

/// The rows of `receipt` are not what it says.
fn refused(receipt: &Receipt, place: &Place, are: &str) -> Error {
    match place {
        Place::File(_) => wrong(receipt, "rows", are),
        Place::Pack { summary, .. } => {
            let rows = format!("the rows of `{}/{}` in `{}`", receipt.group, receipt.attempt, summary.display());
            Error::verification(format!("{rows} {are}"))
                .hint("`molsieve verify` says whether the pack is sound; if it is, the receipts are of another result")
        }
    }
}

fn wrong(receipt: &Receipt, thing: &str, is: &str) -> Error {
    let (group, attempt) = (receipt.group, &receipt.attempt);
    Error::verification(format!("the {thing} of `{group}/{attempt}` {is}")).hint(format!(
        "remove `{}`; `molsieve resume` then computes that task group again",
        CampaignDir::receipt_name(group, attempt)
    ))
}
