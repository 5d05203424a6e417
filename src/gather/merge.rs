//! Streams the rows of all task groups into `summary.csv`, and checks that they are what the receipts say.

use std::io::Read;

use super::survey::Sealed;
use crate::campaign::identity::Identity;
use crate::digest::{Blake3, Digest, Sha256};
use crate::error::{Error, Result};
use crate::fs::tree::StagedDir;
use crate::fs::{self, Staged};
use crate::layout::PackDir;
use crate::payload::lines::Fault;
use crate::payload::{Found, Payload, SUMMARY, Tree, complement, header};

/// Bytes read at once.
const BLOCK_BYTES: usize = 1 << 17;

/// What came of the merge.
#[derive(Debug)]
pub struct Merged {
    /// Length in bytes and SHA-256 of `summary.csv`.
    pub summary: (u64, Digest),
    /// What the rows hold.
    pub found: Found,
}

/// Merges the rows of `groups` (in order of ordinal) into `summary.csv` in `building`.
///
/// # Errors
/// A rows file is not what its receipt says (exit 4), or the system refuses (exit 6).
pub fn merge(identity: &Identity, groups: &[Sealed], building: &StagedDir, tree: Tree) -> Result<Merged> {
    let path = PackDir::new(building.building_at()).member(SUMMARY);
    let mut out = Output { file: Staged::create_beside(&path)?, sha256: Sha256::default(), bytes: 0 };
    let records = identity.library.records;
    let absent = complement(groups.iter().map(|g| &g.receipt.ordinals), records);
    let mut payload = Payload::new(identity, complement(absent.iter(), records), tree);
    let mut first = header(identity);
    first.push(b'\n');
    out.write(&first)?;
    payload.feed(&first).map_err(|e| Error::bug(format!("the header is refused: {e}")))?;
    let mut buffer = vec![0; BLOCK_BYTES];
    for group in groups {
        copy(group, &mut buffer, &mut payload, &mut out)?;
        let counted = payload.take_part();
        if counted != group.receipt.counts {
            return Err(wrong(group, "hold other outcomes than its receipt counts"));
        }
    }
    out.file.commit()?;
    let found = payload.finish(identity).map_err(|e| Error::verification(format!("the rows end too early: {e}")))?;
    Ok(Merged { summary: (out.bytes, out.sha256.finish()), found })
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

/// Copies one rows file, checking its rows and its digest on the way.
fn copy(group: &Sealed, buffer: &mut [u8], payload: &mut Payload, out: &mut Output) -> Result<()> {
    let refused = |e: std::io::Error| Error::io("cannot read", &group.rows, &e);
    let mut file = fs::open_plain(&group.rows).map_err(refused)?;
    let mut blake3 = Blake3::default();
    loop {
        let n = match file.read(buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(refused(e)),
        };
        blake3.update(&buffer[..n]);
        payload.feed(&buffer[..n]).map_err(|fault| refused_row(group, &fault))?;
        out.write(&buffer[..n])?;
    }
    if blake3.finish() != group.receipt.rows.blake3 {
        return Err(wrong(group, "have changed since they were sealed (their digest is another)"));
    }
    if !payload.is_at_boundary() {
        return Err(wrong(group, "end in the middle of a row"));
    }
    Ok(())
}

fn refused_row(group: &Sealed, fault: &Fault) -> Error {
    match fault {
        Fault::HitsTooLarge => Error::usage(fault.to_string()).hint("ask for fewer of them: lower `[pack] top`"),
        _ => wrong(group, &format!("are not as they should be: {fault}")),
    }
}

fn wrong(group: &Sealed, what: &str) -> Error {
    let (index, attempt) = (group.receipt.group, &group.receipt.attempt);
    group.wrong(format!("the rows of `{index}/{attempt}` {what}"))
}
