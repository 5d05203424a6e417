//! Any line is an event of the audit log, or refused with exit 4.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::audit;
use molsieve::canonical::json;

fuzz_target!(|data: &[u8]| {
    match audit::parse(1, data) {
        Ok(event) => assert_eq!(json::to_vec(&event).unwrap(), data.strip_suffix(b"\n").unwrap_or(data)),
        Err(e) => assert_eq!(e.kind().exit_code(), 4, "{e}"),
    }
});
