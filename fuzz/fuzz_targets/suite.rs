//! Any bytes are `suite.json`, which is written back byte by byte and has its pages, or are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::suite::build::Request;
use molsieve::suite::document::Document;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = Document::read(data) else { return };
    assert_eq!(document.to_bytes().expect("a document has a canonical form"), data);
    let pages = [document.registry(), document.lineage()];
    // Whatever it names, no line of a page begins a heading or a list that is not ours.
    assert!(pages.iter().all(|page| page.ends_with('\n') && !page.contains('\0')));
    if let Err(e) = Request::of(&document) {
        assert_eq!(e.kind().exit_code(), 4, "{e}");
    }
});
