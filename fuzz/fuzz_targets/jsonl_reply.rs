//! Any line is a reply whose rows a payload accepts, or a violation; a hello likewise.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::library::format::Notation;
use molsieve::library::record::RecordBlock;
use molsieve::payload::{self, Payload, Tree};
use molsieve::scorer::command::jsonl::reply::{self, Asked};

const RECORDS: u64 = 3;

fuzz_target!(|data: &[u8]| {
    let mut block = RecordBlock::new(Notation::Smiles);
    (0..RECORDS).for_each(|ordinal| block.push(ordinal, b"CCO", b"an,id\xff"));
    let description = molsieve_fuzz::description();
    let asked = Asked { seq: 1, block: &block, description: &description };
    let Ok(reply) = reply::read(data, &asked) else { return };
    assert_eq!(reply.rows.len() + reply.retry.len(), block.len());
    if !reply.retry.is_empty() {
        return;
    }
    let mut order: Vec<usize> = (0..reply.rows.len()).collect();
    order.sort_by_key(|index| reply.rows.metas()[*index].ordinal);
    let identity = molsieve_fuzz::identity(RECORDS);
    let mut judge = Payload::new(&identity, std::iter::once(0..RECORDS).collect(), Tree::Hash);
    let mut text = payload::header(&identity);
    text.push(b'\n');
    order.iter().for_each(|index| text.extend_from_slice(reply.rows.line(*index)));
    judge.feed(&text).unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&text)));
    judge.finish(&identity).unwrap_or_else(|fault| panic!("{fault}"));
});
