//! Any bytes behind the header are a payload or refused, the same whether they come at once or in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::campaign::identity::{Identity, Rank};
use molsieve::digest::Digest;
use molsieve::payload::order::Fault;
use molsieve::payload::{self, Payload, Tree};
use molsieve::scorer::Order;

const RECORDS: u64 = 4;

/// The digest, the best rows and the number of records of a payload in these pieces.
fn judge<'a>(
    identity: &Identity,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<(Option<Digest>, Vec<u8>, u64), Fault> {
    let mut payload = Payload::new(identity, [0..2, 3..RECORDS].to_vec(), Tree::Hash);
    for piece in pieces {
        payload.feed(piece)?;
    }
    let found = payload.finish(identity)?;
    assert!(found.counts.add_up());
    Ok((found.root, found.hits_csv, found.counts.total))
}

fuzz_target!(|data: &[u8]| {
    let Some((size, rows)) = data.split_first() else { return };
    let mut identity = molsieve_fuzz::identity(RECORDS);
    identity.pack.rank = Some(Rank { column: identity.scorer.description.columns[0].clone(), order: Order::Asc });
    identity.pack.top = 2;
    let mut text = payload::header(&identity);
    text.push(b'\n');
    text.extend_from_slice(rows);
    let whole = judge(&identity, std::iter::once(&text[..]));
    let pieces = judge(&identity, text.chunks(usize::from(*size) + 1));
    assert_eq!(whole, pieces);
    if let Ok((_, _, records)) = whole {
        assert_eq!(records, 3);
    }
});
