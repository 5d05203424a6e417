//! Streams the rows of all task groups into `summary.csv`, and checks that they are what the receipts say.

use super::survey::Sealed;
use crate::campaign::identity::Identity;
use crate::digest::{Digest, Sha256};
use crate::error::{Error, Result};
use crate::fs::Staged;
use crate::fs::tree::StagedDir;
use crate::layout::PackDir;
use crate::payload::order::Fault;
use crate::payload::{Found, Payload, SUMMARY, Tree, complement, header};

/// What came of it.
#[derive(Debug)]
pub struct Joined {
    /// Length in bytes and SHA-256 of `summary.csv`.
    pub summary: (u64, Digest),
    /// What the rows hold.
    pub found: Found,
}

/// Joins the rows of `groups` (in order of ordinal) into `summary.csv` in `building`.
///
/// # Errors
/// A rows file is not what its receipt says (exit 4), or the system refuses (exit 6).
pub fn join(identity: &Identity, groups: &[Sealed], building: &StagedDir, tree: Tree) -> Result<Joined> {
    let path = PackDir::new(building.building_at()).member(SUMMARY);
    let mut out = Output { file: Staged::create_beside(&path)?, sha256: Sha256::default(), bytes: 0 };
    let records = identity.library.records;
    let absent = complement(groups.iter().map(|g| &g.receipt.ordinals), records);
    let mut payload = Payload::new(identity, complement(absent.iter(), records), tree);
    let mut first = header(identity);
    first.push(b'\n');
    out.write(&first)?;
    payload.feed(&first).map_err(|e| Error::bug(format!("the header is refused: {e}")))?;
    for group in groups {
        copy(group, &mut payload, &mut out)?;
        let counted = payload.take_part();
        if counted != group.receipt.counts {
            return Err(group.wrong("rows", "hold other outcomes than its receipt counts"));
        }
    }
    out.file.commit()?;
    let found = payload.finish(identity).map_err(|e| Error::verification(format!("the rows end too early: {e}")))?;
    Ok(Joined { summary: (out.bytes, out.sha256.finish()), found })
}

/// `summary.csv` while it is written.
struct Output {
    file: Staged,
    sha256: Sha256,
    bytes: u64,
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write(bytes)
    }
}

/// Copies the rows of one task group, checking them on the way.
fn copy(group: &Sealed, payload: &mut Payload, out: &mut Output) -> Result<()> {
    group.each_block(|block| {
        payload.feed(block).map_err(|fault| refused_row(group, &fault))?;
        out.write(block)
    })?;
    if payload.is_at_boundary() { Ok(()) } else { Err(group.wrong("rows", "end in the middle of a row")) }
}

fn refused_row(group: &Sealed, fault: &Fault) -> Error {
    match fault {
        Fault::HitsTooLarge => Error::usage(fault.to_string()).hint("ask for fewer of them: lower `[pack] top`"),
        _ => group.wrong("rows", &format!("are not as they should be: {fault}")),
    }
}
