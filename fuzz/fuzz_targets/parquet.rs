//! Any bytes are a Parquet library, or refused with what to do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::library::inspect::{Extent, inspect};
use molsieve::library::request::LibraryRequest;

fuzz_target!(init: {
    // What the `parquet` crate asserts is caught by the reader; only what gets out of it is a find.
    std::panic::set_hook(Box::new(|_| {}));
}, |data: &[u8]| {
    let place = molsieve_fuzz::place();
    std::fs::write(place.join("x.parquet"), data).unwrap();
    let request = LibraryRequest { base: place.to_path_buf(), ..LibraryRequest::of(["x.parquet"]) };
    match inspect(&request, Extent::Whole) {
        Ok(seen) => assert!(seen.counts.is_balanced()),
        Err(e) => assert_eq!(e.kind().exit_code(), 2),
    }
});
