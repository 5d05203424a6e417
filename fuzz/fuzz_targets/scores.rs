//! Any bytes are a file of scores, in each form, or refused with what to do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::digest;
use molsieve::scorer::Order;
use molsieve::scorer::builtin::precomputed::settings::{Format, HashFile, ScoreFile, Settings};
use molsieve::scorer::builtin::precomputed::{self, Loaded};

fuzz_target!(init: {
    // What the `parquet` crate asserts is caught by the reader; only what gets out of it is a find.
    std::panic::set_hook(Box::new(|_| {}));
}, |data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let format = [Format::Csv, Format::Tsv, Format::HeteroScores, Format::Parquet][usize::from(choice & 3)];
    let path = molsieve_fuzz::place().join("scores");
    std::fs::write(&path, bytes).unwrap();
    let sha256 = digest::sha256(bytes);
    let file = ScoreFile { path: path.clone(), format: Some(format), id_column: None, score_column: None, sha256 };
    let rdkit_hashes = (choice & 4 != 0).then(|| HashFile { path, sha256 });
    let settings = Settings { scores: vec![file.clone(), file], rdkit_hashes, order: Order::Desc };
    match precomputed::load(&settings) {
        Ok(Loaded { scores, counts, .. }) => {
            let held = scores.table.len();
            assert!((0..held).all(|at| scores.table.value(at).is_finite()));
            assert!(scores.original.is_none_or(f64::is_finite));
            // The file was read twice.
            assert!(counts.repeated >= held as u64 && counts.unmatched % 2 == 0 && counts.without_score % 2 == 0);
        }
        Err(e) => assert!(e.kind().exit_code() == 2 && !e.hints().is_empty(), "{e}"),
    }
});
