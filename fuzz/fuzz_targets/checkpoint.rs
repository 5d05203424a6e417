//! Any bytes are a checkpoint up to some point, as they are and as frames with the right digests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::canonical::json;
use molsieve::digest::{self, Digest};
use molsieve::id::GroupIndex;
use molsieve::shard::checkpoint::{Header, Reader, SCHEMA};
use molsieve::shard::recover::Recovered;
use molsieve::shard::tally::Tally;

const RECORDS: u64 = 300;

fn frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&digest::blake3(payload).0);
    out.extend_from_slice(payload);
}

/// Our header, and a frame for each piece of `data`, which starts with its length.
fn framed(header: &Header, mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame(&mut out, &[&[1], &json::to_vec(header).unwrap()[..]].concat());
    while let Some((length, rest)) = data.split_first() {
        let (payload, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        frame(&mut out, payload);
        data = rest;
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let attempt = "0123456789abcdef".parse().unwrap();
    let dir = molsieve_fuzz::group_dir();
    let path = dir.checkpoint(&attempt);
    let (plan, scorer) = (Digest::default(), Digest::default());
    let header = Header { schema: SCHEMA.to_owned(), plan, scorer, group: GroupIndex(0), attempt };

    std::fs::write(&path, data).unwrap();
    let _ = Tally::default().read_on(&path, RECORDS);
    if let Some(reader) = Reader::open(&path, RECORDS).unwrap() {
        reader.for_each(drop);
    }

    std::fs::write(&path, framed(&header, data)).unwrap();
    let range = 100..100 + RECORDS;
    let mut found = Recovered::read(&dir, &header, range.clone()).unwrap();
    let mut seen = vec![false; RECORDS as usize];
    while let Some((rows, _)) = found.next_rows(u64::MAX).unwrap() {
        for (index, meta) in rows.metas().iter().enumerate() {
            assert!(rows.line(index).ends_with(b"\n"));
            let _ = rows.reason(index);
            if range.contains(&meta.ordinal) {
                seen[(meta.ordinal - range.start) as usize] = true;
            }
        }
    }
    for (ordinal, seen) in range.clone().zip(seen) {
        assert_eq!(found.is_done(ordinal), seen, "record {ordinal}");
        assert!(!(seen && found.is_suspect(ordinal)));
    }
});
