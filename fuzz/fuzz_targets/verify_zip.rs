//! Any bytes in the place of a pack are judged: the verdict is in the report, and nothing is trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::pack::verify::{Accept, Trust, verify};

fuzz_target!(|data: &[u8]| {
    let path = molsieve_fuzz::place().join("pack.zip");
    std::fs::write(&path, data).unwrap();
    let trust = Trust { accept: Accept::Unsigned, ..Trust::default() };
    verify(&path, &trust).expect("a file that is there has a verdict");
});
