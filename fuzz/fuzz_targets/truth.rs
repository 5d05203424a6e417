//! Any bytes are a table of truth, of whose labels each is found again by its id, or are refused with what to do.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::lift::truth::{Demands, Label, Truth};

fuzz_target!(|data: &[u8]| {
    let path = molsieve_fuzz::place().join("truth.csv");
    std::fs::write(&path, data).unwrap();
    match Truth::read(&path, &Demands::default()) {
        Ok(truth) => {
            let labels = truth.len() as u64;
            assert!(!truth.is_empty() && truth.count(Label::Pass) + truth.count(Label::Fail) == labels);
            assert_eq!(truth.sources.values().sum::<u64>(), labels);
            let found = |number: u32| truth.find(truth.id(number)).map(|(found, _)| found);
            assert!((0..labels as u32).all(|number| found(number) == Some(number)));
        }
        Err(e) => assert!(e.kind().exit_code() == 2 && !e.hints().is_empty(), "{e}"),
    }
});
