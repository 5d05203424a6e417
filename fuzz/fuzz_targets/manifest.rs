//! Any bytes are a manifest that is written back the same, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::pack::envelope::Envelope;
use molsieve::pack::manifest::Manifest;

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = Manifest::read(data) {
        // The line feed at the end is no part of the canonical form.
        assert_eq!(manifest.to_bytes().unwrap().strip_suffix(b"\n"), Some(data.strip_suffix(b"\n").unwrap_or(data)));
        let _ = (manifest.present(), manifest.checksums(data));
    }
    if let Ok(envelope) = Envelope::read(data) {
        let _ = (envelope.statement(), envelope.signatures());
    }
});
