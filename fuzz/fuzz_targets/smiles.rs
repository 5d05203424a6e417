//! Any bytes are a molecule with finite descriptors, or refused, in bounded time and memory.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use molsieve::library::format::Notation;
use molsieve::library::record::Record;
use molsieve::scorer::builtin::Builtin;
use molsieve::scorer::builtin::chem::Mol;
use molsieve::scorer::builtin::similarity::Similarity;
use molsieve::scorer::builtin::spectral::Spectral2d;
use molsieve::scorer::builtin::spectral::settings::Settings;
use molsieve::scorer::{Outcome, Value};

static SCORER: LazyLock<Similarity> =
    LazyLock::new(|| Similarity::from_actives(b"CCO ethanol\nc1ccccc1 benzene\n").expect("two actives"));

static SPECTRAL: LazyLock<Spectral2d> = LazyLock::new(|| {
    let settings = Settings { require_connected: false, ..Settings::default() };
    Spectral2d::new(settings, Notation::Smiles).expect("they rank by one of their columns")
});

fuzz_target!(|data: &[u8]| {
    let is_molecule = Mol::from_smiles(data).is_ok();
    let record = Record { ordinal: 0, id: b"", structure: data };
    let verdict = SCORER.score(&record);
    assert!(is_molecule || verdict.outcome != Outcome::Ok);
    let finite = |value: &Value| !matches!(value, Value::Float(f) if !f.is_finite());
    assert!(verdict.values.iter().all(finite));
    if let Some(Value::Float(similarity)) = verdict.values.first() {
        assert!((0.0..=1.0).contains(similarity));
    }
    let verdict = SPECTRAL.score(&record);
    assert!(is_molecule || verdict.outcome != Outcome::Ok);
    assert!(verdict.reason != "no_convergence" && verdict.values.iter().all(finite));
});
