//! Any bytes are a proof of one row, or refused with exit 4; one that holds is written back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::pack::prove::Proof;

fuzz_target!(|data: &[u8]| {
    let path = molsieve_fuzz::place().join("proof.json");
    std::fs::write(&path, data).unwrap();
    match Proof::load(&path) {
        Ok(proof) => {
            let _ = proof.check(None);
            let ours = proof.to_bytes().unwrap();
            assert_eq!(ours.strip_suffix(b"\n").unwrap(), data.strip_suffix(b"\n").unwrap_or(data));
        }
        Err(e) => assert_eq!(e.kind().exit_code(), 4, "{e}"),
    }
});
