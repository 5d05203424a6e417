//! Any bytes are an SD file: a reader that starts at any of its records finds the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use molsieve::library::format::{SdfFormat, SdfId};
use molsieve::library::lines::Lines;
use molsieve::library::sdf::SdfReader;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let id = match choice % 3 {
        0 => SdfId::Title,
        1 => SdfId::Field(b"id".to_vec()),
        _ => SdfId::None,
    };
    let format = SdfFormat { id };
    let (mut reader, mut lines) = (SdfReader::new(&format), Lines::starting_at(bytes, 0));
    while let Some(offset) = reader.read(&mut lines).unwrap() {
        let rest = &bytes[usize::try_from(offset).unwrap()..];
        let (mut again, mut from_there) = (SdfReader::new(&format), Lines::starting_at(rest, offset));
        assert_eq!(again.read(&mut from_there).unwrap(), Some(offset));
        assert_eq!((again.structure(), again.id()), (reader.structure(), reader.id()));
        assert_eq!(from_there.offset(), lines.offset());
    }
    assert!(reader.counts.is_balanced());
});
