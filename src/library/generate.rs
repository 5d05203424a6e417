//! Synthetic libraries of any size, from fragments of the shipped molecules; for tests and benches.
//!
//! A record is a carbon with three substituents, each a piece of a shipped molecule that starts with
//! a methyl group: `C(a)(b)c`. Ring bonds close within a piece, so the string is valid wherever the
//! pieces are. Records are a walk through all triples with a stride that is coprime to their number:
//! no structure repeats before all triples were used. Record n depends on the seed and on n alone, so
//! a shorter library is the start of a longer one.

use std::io::{self, Write};
use std::path::Path;

use super::smiles_like::looks_like_smiles;
use crate::digest;
use crate::error::{Error, Result};
use crate::fs::Staged;

/// The shipped molecules: `SMILES<TAB>number`, 4,999 of them (see `data/README.md`).
pub const SHIPPED: &str = include_str!("../../data/nci_first_5k.smi");

/// Pieces are no longer, so that records have the size of screening compounds.
const PIECE_MAX: usize = 18;

/// Records between two writes.
const BATCH: u64 = 1024;

/// Writes a library of `records` records to `path`: SMILES, a tab, and ids `GEN0000000001` and on.
///
/// The ending of the name chooses the compression: `.gz`, `.bz2`, `.zst`, or none.
///
/// # Errors
/// No record is asked for (exit 2), or the system refuses (exit 6).
pub fn generate(records: u64, seed: u64, path: &Path) -> Result<()> {
    if records == 0 {
        return Err(Error::usage("a library needs at least one record").hint("say `--records N` with N above 0"));
    }
    let walk = Walk::new(seed);
    let mut staged = Staged::create_beside(path)?;
    let failed = |e: &io::Error| Error::io("cannot write", path, e);
    match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => {
            let mut encoder = flate2::write::GzEncoder::new(&mut staged, flate2::Compression::default());
            walk.write(records, &mut encoder).and_then(|()| encoder.finish().map(drop))
        }
        Some("bz2") => {
            let mut encoder = bzip2::write::BzEncoder::new(&mut staged, bzip2::Compression::default());
            walk.write(records, &mut encoder).and_then(|()| encoder.finish().map(drop))
        }
        Some("zst") => zstd::stream::write::Encoder::new(&mut staged, 3)
            .and_then(|mut encoder| walk.write(records, &mut encoder).and_then(|()| encoder.finish().map(drop))),
        _ => walk.write(records, &mut staged),
    }
    .map_err(|e| failed(&e))?;
    staged.commit()
}

/// The order in which triples of pieces become records.
struct Walk {
    pieces: Vec<&'static [u8]>,
    start: u64,
    stride: u64,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let pieces = pieces();
        let triples = (pieces.len() as u64).pow(3);
        let mixed = digest::keyed_u64(&digest::blake3(b"molsieve.generate.v1").0, &seed.to_le_bytes());
        // Near the golden ratio, so that neighbours have nothing in common.
        let mut stride = (triples as f64 * 0.618_033_988_749_895) as u64;
        while gcd(stride, triples) != 1 {
            stride += 1;
        }
        Self { pieces, start: mixed % triples, stride }
    }

    fn write(&self, records: u64, out: &mut impl Write) -> io::Result<()> {
        let count = self.pieces.len() as u64;
        let triples = count.pow(3);
        let (mut at, mut batch, mut id) = (self.start, Vec::with_capacity(1 << 17), *b"\tGEN0000000000\n");
        for n in 1..=records {
            let piece = |index: u64| self.pieces[(index % count) as usize];
            batch.extend_from_slice(b"C(");
            batch.extend_from_slice(piece(at));
            batch.extend_from_slice(b")(");
            batch.extend_from_slice(piece(at / count));
            batch.push(b')');
            batch.extend_from_slice(piece(at / count / count));
            push_id(&mut batch, &mut id, n);
            at = (at + self.stride) % triples;
            if n % BATCH == 0 {
                out.write_all(&batch)?;
                batch.clear();
            }
        }
        out.write_all(&batch)
    }
}

/// Appends the id of record `n`, which is one more than the last; wider than ten digits only when it must be.
fn push_id(out: &mut Vec<u8>, id: &mut [u8; 15], n: u64) {
    if n >= 10_000_000_000 {
        out.extend_from_slice(format!("\tGEN{n}\n").as_bytes());
        return;
    }
    for digit in id[4..14].iter_mut().rev() {
        if *digit != b'9' {
            *digit += 1;
            break;
        }
        *digit = b'0';
    }
    out.extend_from_slice(id);
}

/// The substituents of methyl groups at the start of shipped molecules, in order, each once.
fn pieces() -> Vec<&'static [u8]> {
    let structures = SHIPPED.lines().filter_map(|line| line.split('\t').next());
    let mut found: Vec<&[u8]> = structures.filter_map(|s| piece(s.as_bytes())).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// What follows the leading `C`, if that is a methyl group bonded once to an organic atom.
fn piece(structure: &'static [u8]) -> Option<&'static [u8]> {
    let rest = structure.strip_prefix(b"C")?;
    let is_organic = |b: &u8| b.is_ascii_digit() || b"CNOSFIclnosBr()=#".contains(b);
    let starts_bonded = matches!(rest, [b'C' | b'N' | b'O' | b'S', after, ..] if *after != b'l');
    let fits = (4..=PIECE_MAX).contains(&rest.len());
    (starts_bonded && fits && rest.iter().all(is_organic) && looks_like_smiles(rest)).then_some(rest)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(records: u64, seed: u64) -> Vec<String> {
        let mut out = Vec::new();
        Walk::new(seed).write(records, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_library_is_a_function_of_seed_and_size_and_a_shorter_one_is_its_start() {
        let long = lines(3000, 7);
        assert_eq!(long[..1500], lines(1500, 7));
        assert_ne!(long[..10], lines(10, 8));
        assert!(long[0].ends_with("\tGEN0000000001") && long[2999].ends_with("\tGEN0000003000"));
    }

    #[test]
    fn structures_are_smiles_and_do_not_repeat() {
        let structures: std::collections::BTreeSet<String> =
            lines(50_000, 1).into_iter().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
        assert_eq!(structures.len(), 50_000);
        assert!(structures.iter().all(|s| looks_like_smiles(s.as_bytes())));
        assert!((pieces().len() as u64).pow(3) > 10_000_000, "{} pieces", pieces().len());
    }
}
