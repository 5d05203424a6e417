//! How a request is written: `{"seq":1,"records":[[ordinal,"id","structure",seed],…]}`.

use crate::canonical::{escape, number};
use crate::library::record::RecordBlock;
use crate::scorer::seed::Seeder;

/// The line of request `seq`, with its line feed.
///
/// Structures are valid UTF-8: [`crate::scorer::precheck`] has seen them. An id that is not UTF-8
/// is escaped ([`escape`]).
pub fn line(seq: u64, block: &RecordBlock, seeder: &Seeder) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + block.bytes() + block.len() * 40);
    out.extend_from_slice(b"{\"seq\":");
    number::push_u64(&mut out, seq);
    out.extend_from_slice(b",\"records\":[");
    for (index, record) in block.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        number::push_u64(&mut out, record.ordinal);
        out.push(b',');
        push_bytes(&mut out, record.id);
        out.push(b',');
        push_bytes(&mut out, record.structure);
        out.push(b',');
        number::push_u64(&mut out, seeder.of(&record));
        out.push(b']');
    }
    out.extend_from_slice(b"]}\n");
    out
}

/// Appends a JSON string of `bytes`, escaped first if they are not UTF-8.
fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    if std::str::from_utf8(bytes).is_ok() {
        push_string(out, bytes);
    } else {
        push_string(out, escape::to_string(bytes).as_bytes());
    }
}

/// Appends a JSON string of `text`, which is UTF-8.
fn push_string(out: &mut Vec<u8>, text: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    // A sum without an early exit becomes vector code; almost no text needs an escape.
    let special = |b: &u8| u32::from(*b < 0x20) + u32::from(*b == b'"') + u32::from(*b == b'\\');
    if text.iter().map(special).sum::<u32>() == 0 {
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(*byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::format::Notation;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read(block: &RecordBlock, seeder: &Seeder) -> Value {
        let line = line(7, block, seeder);
        assert_eq!(memchr::memchr_iter(b'\n', &line).count(), 1);
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn a_request_is_what_the_document_says() {
        let (mut block, seeder) = (RecordBlock::new(Notation::Smiles), Seeder::new(1, "it"));
        block.push(12, b"C/C=C\\C", b"a \"b\"");
        block.push(13, b"CCO", b"\xff\t");
        let seeds: Vec<u64> = block.iter().map(|record| seeder.of(&record)).collect();
        assert_eq!(
            read(&block, &seeder),
            json!({"seq": 7, "records": [[12, "a \"b\"", "C/C=C\\C", seeds[0]], [13, "\\xff\\x09", "CCO", seeds[1]]]})
        );
    }

    proptest! {
        #[test]
        fn any_text_arrives_as_it_was(structure: String, id: String) {
            let (mut block, seeder) = (RecordBlock::new(Notation::Smiles), Seeder::new(1, "it"));
            block.push(0, structure.as_bytes(), id.as_bytes());
            let request = read(&block, &seeder);
            prop_assert_eq!(&request["records"][0][1], &json!(id));
            prop_assert_eq!(&request["records"][0][2], &json!(structure));
        }
    }
}
