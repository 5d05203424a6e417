//! Any bytes are a journal, or its chain is broken: as they are, and with the chain mended line by line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::canonical::json;
use molsieve::digest;
use molsieve::journal;
use molsieve::journal::state::State;
use serde_json::Value;

/// The lines of `data` that are JSON objects, chained.
fn chained(data: &[u8]) -> Vec<u8> {
    let (mut out, mut prev) = (Vec::new(), digest::blake3(b""));
    for line in data.split(|b| *b == b'\n') {
        let Ok(Value::Object(mut entry)) = serde_json::from_slice(line) else { continue };
        entry.insert("prev".to_owned(), serde_json::to_value(prev).unwrap());
        let Ok(line) = json::to_vec(&Value::Object(entry)) else { continue };
        prev = digest::blake3(&line);
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    out
}

fuzz_target!(|data: &[u8]| {
    let dir = molsieve_fuzz::campaign_dir();
    std::fs::create_dir_all(dir.journal()).unwrap();
    let (first, second) = data.split_at(data.iter().position(|b| *b == 0).unwrap_or(data.len()));
    for change in [<[u8]>::to_vec as fn(&[u8]) -> Vec<u8>, chained] {
        std::fs::write(dir.journal_segment(1), change(first)).unwrap();
        std::fs::write(dir.journal_segment(2), change(second.get(1..).unwrap_or_default())).unwrap();
        if let Ok(history) = journal::read(&dir) {
            let _ = State::of(&history.entries);
        }
    }
});
