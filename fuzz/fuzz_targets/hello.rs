//! Any line is a hello that keeps the rules of a description, or is refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::scorer::command::hello;

fuzz_target!(|data: &[u8]| {
    let Ok(hello) = hello::read(data) else { return };
    hello::check_description(&hello.description).expect("what a hello may say, a campaign file may say");
    assert_eq!(hello::difference(&hello.description, &hello.description), None);
    assert!(hello.batch_size > 0 && hello.threads > 0);
});
