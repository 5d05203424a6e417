//! Any bytes are a molfile of a molecule with finite descriptors, or refused, in bounded time and memory.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use molsieve::library::format::Notation;
use molsieve::library::record::Record;
use molsieve::scorer::builtin::Builtin;
use molsieve::scorer::builtin::chem::Mol;
use molsieve::scorer::builtin::similarity::Similarity;
use molsieve::scorer::{Outcome, Value};

static SCORER: LazyLock<Similarity> = LazyLock::new(|| {
    Similarity::from_actives(b"CCO ethanol\nc1ccccc1 benzene\n").expect("two actives").reading(Notation::Molblock)
});

fuzz_target!(|data: &[u8]| {
    let is_molecule = Mol::from_molfile(data).is_ok();
    let verdict = SCORER.score(&Record { ordinal: 0, id: b"", structure: data });
    assert!(is_molecule || verdict.outcome != Outcome::Ok);
    let finite = |value: &Value| !matches!(value, Value::Float(f) if !f.is_finite());
    assert!(verdict.values.iter().all(finite));
});
