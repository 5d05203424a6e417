//! Any bytes are a library file of every format, or refused with what to do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::library::inspect::{Extent, inspect};
use molsieve::library::request::LibraryRequest;
use molsieve::library::slice::Slice;
use molsieve::library::take::take;

const NAMES: [&str; 6] = ["x.smi", "x.txt", "x.cxsmiles", "x.csv", "x.tsv", "x.sdf"];

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*choice) % NAMES.len()];
    let place = molsieve_fuzz::place();
    std::fs::write(place.join(name), bytes).unwrap();
    let request = LibraryRequest { base: place.to_path_buf(), ..LibraryRequest::of([name]) };
    let Ok(seen) = inspect(&request, Extent::Whole) else { return };
    // The snapshot, which writes files, only now and then: it must find what the inspection saw.
    if bytes.len() % 16 != 0 {
        return;
    }
    let Ok(snapshot) = take(&request, &place.join("snapshot"), 1, &|_, _| ()) else {
        assert_eq!(seen.counts.records, 0, "inspected, but no snapshot can be taken");
        return;
    };
    assert_eq!(snapshot.records(), seen.counts.records);
    let mut slice = Slice::open(&snapshot, 0..snapshot.records()).unwrap();
    let mut records = 0;
    while let Some(block) = slice.next_block().unwrap() {
        records += block.len() as u64;
    }
    assert_eq!(records, snapshot.records());
});
