//! Any bytes are a table of results: at most one answer a record that was asked, or what is wrong with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::scorer::command::translate::serve::{Answer, Asked, Request};
use molsieve::scorer::command::translate::spec::{Batch, Format, Input, Output, Protocol, Translation};
use molsieve::scorer::command::translate::table;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let format = if choice & 1 == 0 { Format::Tsv } else { Format::Csv };
    let output = Output { format, header: choice & 2 == 0, key: "ordinal".to_owned() };
    let description = molsieve_fuzz::description();
    let columns = description.columns.len();
    let protocol = Protocol::Batch(Batch { input: Input::Smi, output: output.clone(), keep: Vec::new() });
    let translation = Translation {
        description,
        optional: vec!["text".to_owned()],
        templates: Vec::new(),
        ok_exit: vec![0],
        protocol,
    };
    let asked = |ordinal| Asked(ordinal, "an,id".to_owned(), "CCO".to_owned(), 9);
    let request = Request { seq: 1, records: vec![asked(0), asked(7), asked(12)] };
    let path = molsieve_fuzz::place().join("out");
    std::fs::write(&path, bytes).unwrap();
    let Ok(found) = table::read(&path, &output, &translation, &request) else { return };
    assert_eq!(found.len(), request.records.len());
    for answer in found.into_iter().flatten() {
        match answer {
            Answer::Ok(values) => assert_eq!(values.len(), columns),
            Answer::Skip(reason) | Answer::Error(reason) => assert!(!reason.is_empty()),
            Answer::Failed(reason, seen) => assert!(!reason.is_empty() && !seen.what.is_empty()),
            Answer::Retry(_) | Answer::Alone => {}
        }
    }
});
