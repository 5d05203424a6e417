//! Any text is a campaign file, or refused as one, with exit 2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::campaign::config::Config;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Config::parse(text) {
        Ok(config) => {
            let _ = (config.check_shares(), config.shards.size());
        }
        Err(e) => assert_eq!(e.kind().exit_code(), 2, "{e}"),
    }
});
