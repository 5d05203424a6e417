//! A `results.parquet` that somebody changed agrees with the rows, or it is said how it does not.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use molsieve::encode::compare::Comparison;
use molsieve::encode::{self, Facts, Format};
use molsieve::payload;

const RECORDS: u64 = 4;
const ROWS: &[u8] =
    b"0,\"an,id\",OK,,0.5,-3,\"a, \"\"b\"\"\"\n1,b,SKIP,no_fit,,,\n2,c,OK,,1e+300,7,\n3,,ERROR,crash,,,\n";

/// What the file is of, the rows, and the file as we write it.
struct Sound {
    facts: Facts,
    summary: Vec<u8>,
    parquet: Vec<u8>,
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let identity = molsieve_fuzz::identity(RECORDS);
    let facts = Facts {
        payload: "sha256:00".to_owned(),
        rows: RECORDS,
        records: RECORDS,
        library: "00".to_owned(),
        columns: identity.scorer.description.columns.clone(),
    };
    let summary = [&payload::header(&identity), &b"\n"[..], ROWS].concat();
    let place = molsieve_fuzz::place();
    std::fs::write(place.join("summary.csv"), &summary).unwrap();
    let member = |name: &str| -> PathBuf { place.join(name) };
    encode::write(&[Format::Parquet], &facts, &place.join("summary.csv"), &member).unwrap();
    let parquet = std::fs::read(member(Format::Parquet.file())).unwrap();
    Sound { facts, summary, parquet }
});

fn compare(bytes: &[u8]) -> Result<(), String> {
    let path = molsieve_fuzz::place().join("foreign.parquet");
    std::fs::write(&path, bytes).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let mut comparison = Comparison::open(Format::Parquet, file, &SOUND.facts)?;
    comparison.feed(&SOUND.summary)?;
    comparison.finish()
}

fuzz_target!(init: {
    compare(&SOUND.parquet).expect("our own file agrees");
    // What the `parquet` crate asserts is caught by the reader; only what gets out of it is a find.
    std::panic::set_hook(Box::new(|_| {}));
}, |data: &[u8]| {
    let _ = compare(data);
    // Each three bytes are a change to our own file: where, and to what.
    let mut changed = SOUND.parquet.clone();
    for edit in data.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % changed.len();
        changed[at] = edit[2];
    }
    let _ = compare(&changed);
});
